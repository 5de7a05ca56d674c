//! What a host and its child say to each other: a line of JSON each, in turn.

use crate::Verdict;
use serde::{Deserialize, Serialize};

/// The child's first line. Another version of the program would say another one.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Ready {
    pub(crate) version: String,
}

impl Ready {
    pub(crate) fn new() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// What the host asks.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    /// Which source.
    pub(crate) key: String,
    /// Its text, if the child may not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) source: Option<String>,
    /// A record, as JSON; nothing: only whether the source can be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) record: Option<String>,
}

/// What the child answers.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reply {
    /// It does not have the source.
    Unknown,
    /// The source can be used.
    Usable,
    /// The source cannot be used: why.
    Unusable(String),
    /// What became of the record.
    Record(Verdict),
}
