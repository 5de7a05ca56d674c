//! Records changed by a connector's user, in JavaScript, as KurrentDB's Connectors have it: a
//! function `transform(record)` that changes the record in place.
//!
//! ```text
//!  Host ──▶ child (this program, started again)   no files, no network, bounded memory
//!    │        └─ one engine for each source        50 ms of computing, 16 MiB
//!    └─ kills a child that does not answer, and starts another
//! ```
//!
//! Beside that, two functions of our own: `drop()` leaves the record out, `cancel(reason)` stops
//! the connector.

#![warn(missing_docs)]

mod child;
mod engine;
mod host;
mod wire;

pub use child::{ARGUMENT, run};
pub use host::{Host, HostError};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::{collections::BTreeMap, fmt::Write as _, sync::Arc};

/// The most bytes that a record may have, before and after.
pub const LARGEST: usize = 4 << 20;

/// A transform's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    key: Arc<str>,
    text: Arc<str>,
}

impl Source {
    /// This text.
    pub fn new(text: &str) -> Self {
        let digest = Sha256::digest(text.as_bytes());
        let key = digest.iter().fold(String::new(), |mut key, byte| {
            let _ = write!(key, "{byte:02x}");
            key
        });
        Self {
            key: key.into(),
            text: text.into(),
        }
    }
}

/// A record as the function sees it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// The event's id.
    pub record_id: String,
    /// Where it is.
    pub position: Position,
    /// Whether its data was taken out of it.
    pub is_redacted: bool,
    /// What it is.
    pub schema_info: SchemaInfo,
    /// What stands beside it.
    pub headers: BTreeMap<String, String>,
    /// The event's data.
    pub value: Value,
}

/// Where a record is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Position {
    /// Its stream.
    pub stream_id: String,
    /// Its number there.
    pub stream_revision: u64,
    /// Its place in the log.
    pub log_position: u64,
}

/// What a record is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SchemaInfo {
    /// The event's type.
    pub subject: String,
    /// The form of its data.
    #[serde(rename = "type")]
    pub form: &'static str,
}

/// What a function may have changed of a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Changed {
    /// The data.
    pub value: Value,
    /// What it is.
    pub subject: String,
    /// What stands beside it.
    pub headers: BTreeMap<String, String>,
}

/// What became of a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It goes on so.
    Changed(Changed),
    /// It is left out.
    Dropped,
    /// The connector is to stop, for this reason.
    Cancelled(String),
    /// The function did not come to an end with it: why.
    Refused(String),
}
