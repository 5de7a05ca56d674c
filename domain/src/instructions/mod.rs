//! What the owners of both ends must do and run at their cloud: ready to run, and asking for no
//! more than it takes.
//!
//! Pure: everything here follows from the record. What the record cannot know, like the engine's
//! own identity, is a placeholder that is easy to see ([`ENGINE_PRINCIPAL`]). Commands are for a
//! POSIX shell, every value quoted; policies are valid JSON.

mod aws;
mod aws_policy;
mod azure;
mod gcp;
mod shell;
#[cfg(test)]
mod tests;

use crate::{
    network::{Life, Peering, Registered},
    place::Provider,
};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

/// Where a policy must name who the engine is, which is not on record: replace it by the ARN of the
/// engine's role or user.
pub const ENGINE_PRINCIPAL: &str = "PEERAGE_PRINCIPAL_ARN";

/// The tag that names the peering for which the engine made a thing.
pub const OWNER_TAG: &str = "peerage:peering";

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Instruction {
    pub title: String,
    /// [`SH`], [`JSON`] or [`TEXT`].
    pub language: &'static str,
    pub body: String,
}

/// Commands for a POSIX shell.
pub const SH: &str = "sh";
/// A document to hand to the cloud as it is, placeholders apart.
pub const JSON: &str = "json";
/// Sentences.
pub const TEXT: &str = "text";

impl Instruction {
    fn sh(title: impl Into<String>, body: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            language: SH,
            body: body.into(),
        }
    }

    fn text(title: impl Into<String>, body: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            language: TEXT,
            body: body.into(),
        }
    }

    fn json(title: impl Into<String>, body: &serde_json::Value) -> Self {
        Self {
            title: title.into(),
            language: JSON,
            body: format!("{body:#}"),
        }
    }
}

/// What the peer's owner must do, in order, as things stand. Nothing once the peering has ended.
pub fn for_peer(network: &Registered, peering: &Peering) -> Vec<Instruction> {
    if !peering.life.is_live() {
        return Vec::new();
    }
    let todo = match network.provider {
        Provider::Aws => aws::for_peer(network, peering),
        Provider::Gcp => gcp::for_peer(network, peering),
        Provider::Azure => azure::for_peer(network, peering),
    };
    until_when(peering).into_iter().chain(todo).collect()
}

/// What the private network's owner must allow the engine on their own side. AWS only so far:
/// elsewhere nothing.
pub fn for_engine(network: &Registered, peering: &Peering) -> Vec<Instruction> {
    match network.provider {
        Provider::Aws => vec![Instruction::json(
            format!(
                "IAM policy for Peerage's own identity in account {}",
                network.account
            ),
            &aws_policy::of_engine_on_local_side(network, peering),
        )],
        Provider::Gcp | Provider::Azure => Vec::new(),
    }
}

/// How long there is to agree.
fn until_when(peering: &Peering) -> Option<Instruction> {
    let Life::AwaitingAcceptance {
        link, expires_at, ..
    } = &peering.life
    else {
        return None;
    };
    let mut body = format!(
        "The request {link} can be accepted until {}.",
        written(*expires_at)
    );
    if let Some(deadline) = peering.terms.deadline {
        body += &format!(
            " Unless the link is active by {}, it is taken back.",
            written(deadline)
        );
    }
    body += match peering.terms.renew {
        true => " If it expires, it is asked for once more.",
        false => " If it expires, a new peering must be requested.",
    };
    Some(Instruction::text("How long there is", body))
}

fn written(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The name that the engine gives to what it makes for a peering, and that others may as well.
fn name_of(peering: &Peering) -> String {
    format!("peerage-{}", peering.id)
}
