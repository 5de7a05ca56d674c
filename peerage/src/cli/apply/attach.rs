//! What the engine attaches its group of a side to, as a file says it.

use super::values::local;
use crate::{
    api::v1::{self, attach_to::To},
    cli::{args::Side, firewall::attach_to},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Interfaces, or all that carry one tag, like `tag:app=kurrentdb`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Table", into = "Table")]
pub(super) struct Attach {
    pub(super) side: Side,
    to: Vec<String>,
    choice: To,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(default = "local")]
    side: Side,
    to: Vec<String>,
    /// Whether what gets the tag later is attached too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    follow: bool,
}

impl TryFrom<Table> for Attach {
    type Error = String;

    fn try_from(table: Table) -> Result<Self, String> {
        let Table { side, to, follow } = table;
        let choice = attach_to(&to, follow);
        let choice = choice.map_err(|why| why.trim_start_matches("--").to_owned())?;
        Ok(Self { side, to, choice })
    }
}

impl From<Attach> for Table {
    fn from(it: Attach) -> Self {
        Self {
            follow: it.follows(),
            side: it.side,
            to: it.to,
        }
    }
}

impl Attach {
    /// What is on record of a side.
    pub(super) fn on_record(it: &v1::Firewall) -> Option<Self> {
        let choice = it.attachment.as_ref()?.wanted.as_ref()?.to.clone()?;
        let to = match &choice {
            To::Interfaces(it) => it.ids.clone(),
            To::Tag(it) => vec![format!("tag:{}={}", it.key, it.value)],
        };
        let side = Side::of(it.side());
        Some(Self { side, to, choice })
    }

    /// What the API takes.
    pub(super) fn message(&self) -> v1::AttachTo {
        v1::AttachTo {
            to: Some(self.choice.clone()),
        }
    }

    /// Whether the same is chosen.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let to = |it: &Self| -> BTreeSet<String> { it.to.iter().cloned().collect() };
        (to(self), self.follows()) == (to(other), other.follows())
    }

    fn follows(&self) -> bool {
        match &self.choice {
            To::Interfaces(_) => false,
            To::Tag(it) => it.followed,
        }
    }

    /// What people call it.
    pub(super) fn full_name(&self) -> String {
        let later = if self.follows() {
            ", and later ones"
        } else {
            ""
        };
        format!("{}{later}", self.to.join(", "))
    }
}
