//! What the owners of both ends must do and run at their cloud: ready to run, and asking for no
//! more than it takes.
//!
//! Pure: everything here follows from the record. What the record cannot know, like the engine's
//! own identity, is a placeholder that is easy to see. Commands are for a POSIX shell, every value
//! quoted; policies are valid JSON. The texts for a cloud stand beside the code that calls it;
//! those for clouds that have no crate yet stand here ([`gcp`], [`azure`]).

pub mod azure;
pub mod gcp;
pub mod shell;

use chrono::{DateTime, SecondsFormat, Utc};
use domain::network::{Life, Peering};
use serde::Serialize;

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Instruction {
    /// What it is for, in one line.
    pub title: String,
    /// [`SH`], [`JSON`] or [`TEXT`].
    pub language: &'static str,
    /// The text itself.
    pub body: String,
}

/// Commands for a POSIX shell.
pub const SH: &str = "sh";
/// A document to hand to the cloud as it is, placeholders apart.
pub const JSON: &str = "json";
/// Sentences.
pub const TEXT: &str = "text";

impl Instruction {
    /// A script.
    pub fn sh(title: impl Into<String>, body: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            language: SH,
            body: body.into(),
        }
    }

    /// Sentences.
    pub fn text(title: impl Into<String>, body: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            language: TEXT,
            body: body.into(),
        }
    }

    /// A document.
    pub fn json(title: impl Into<String>, body: &serde_json::Value) -> Self {
        Self {
            title: title.into(),
            language: JSON,
            body: format!("{body:#}"),
        }
    }
}

/// What the peer's owner must do, in order, as things stand: how long there is, and then what the
/// provider's own texts say. Nothing once the peering has ended.
pub fn in_order(peering: &Peering, todo: impl FnOnce() -> Vec<Instruction>) -> Vec<Instruction> {
    if !peering.life.is_live() {
        return Vec::new();
    }
    until_when(peering).into_iter().chain(todo()).collect()
}

/// How long there is to agree.
fn until_when(peering: &Peering) -> Option<Instruction> {
    let Life::AwaitingAcceptance {
        link, expires_at, ..
    } = &peering.life
    else {
        return None;
    };
    let mut body = match expires_at {
        Some(at) => format!("The request {link} can be accepted until {}.", written(*at)),
        None => format!("The request {link} can be accepted at any time."),
    };
    if let Some(deadline) = peering.terms.deadline {
        body += &format!(
            " Unless the link is active by {}, it is taken back.",
            written(deadline)
        );
    }
    body += match (expires_at, peering.terms.renew) {
        (Some(_), true) => " If it expires, it is asked for once more.",
        (Some(_), false) => " If it expires, a new peering must be requested.",
        (None, _) => "",
    };
    Some(Instruction::text("How long there is", body))
}

/// A time as these texts write it.
pub fn written(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The name that the engine gives to what it makes for a peering, and that others may as well.
pub fn name_of(peering: &Peering) -> String {
    crate::group_name(peering.id)
}
