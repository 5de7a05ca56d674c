//! What is on record of the engine's own connectors, in their `connector-…` streams. Names and
//! fields are stored for ever.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// An event of one of the engine's own connectors, named in the log as the variant is here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "type", content = "data")]
pub enum BuiltInEvent {
    /// It is stopped for a time.
    BuiltInConnectorStopped(BuiltInConnectorStopped),
    /// It runs again, before that time is over.
    BuiltInConnectorStarted(BuiltInConnectorStarted),
}

/// One of the engine's own connectors is stopped for a time: the provisioner opens and repairs
/// nothing, and closes what is to be closed; the read models stay as they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BuiltInConnectorStopped {
    /// The server, where it is about one server's read models. Not set: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// When it runs again by itself.
    pub until: DateTime<Utc>,
}

/// One of the engine's own connectors runs again, before the time of its stop is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BuiltInConnectorStarted {
    /// The server, where it is about one server's read models. Not set: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
}

impl BuiltInEvent {
    /// Every event type.
    pub const NAMES: [&'static str; 2] = ["BuiltInConnectorStopped", "BuiltInConnectorStarted"];

    /// The event type as the log names it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::BuiltInConnectorStopped(_) => "BuiltInConnectorStopped",
            Self::BuiltInConnectorStarted(_) => "BuiltInConnectorStarted",
        }
    }
}
