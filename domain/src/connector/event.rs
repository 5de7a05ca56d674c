//! What is on record of a connector: the contract of the `connector-…` streams. Names and fields
//! are stored for ever.

use super::{Failure, LogPosition, Pause, Settings, StartFrom};
use crate::text::ConnectorName;
use serde::{Deserialize, Serialize};

/// An event of a connector, named in the log as the variant is here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "type", content = "data")]
pub enum ConnectorEvent {
    /// It is defined, and stopped.
    ConnectorCreated(ConnectorCreated),
    /// It is to run.
    ConnectorActivating(ConnectorActivating),
    /// It runs.
    ConnectorRunning(ConnectorRunning),
    /// It is to stop.
    ConnectorDeactivating {},
    /// It does not run.
    ConnectorStopped {},
    /// It does not run, and does not begin again by itself.
    ConnectorFailed(Failure),
    /// It broke off and begins again by itself.
    ConnectorRestarted(Failure),
    /// It runs and delivers nothing, since its endpoint refuses everything.
    ConnectorPaused(Pause),
    /// Its endpoint takes records again.
    ConnectorRecovered {},
    /// It has other settings.
    ConnectorReconfigured(ConnectorReconfigured),
    /// It has another name.
    ConnectorRenamed(ConnectorRenamed),
    /// It begins elsewhere when it is started.
    ConnectorReset(ConnectorReset),
    /// It is no more.
    ConnectorDeleted {},
}

/// It is defined, and stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ConnectorCreated {
    /// What people call it.
    pub name: ConnectorName,
    /// What it does.
    pub settings: Settings,
}

/// It is to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ConnectorActivating {
    /// Where it begins. Not set: where it stood.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_from: Option<StartFrom>,
}

/// It runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ConnectorRunning {
    /// The server that runs it.
    pub host: String,
    /// The term of its lease; the later one is the higher.
    pub term: u64,
    /// Behind which position it began; not set: at the log's beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<LogPosition>,
}

/// It has other settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ConnectorReconfigured {
    /// All of them.
    pub settings: Settings,
}

/// It has another name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ConnectorRenamed {
    /// The new one.
    pub name: ConnectorName,
}

/// It begins elsewhere when it is started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ConnectorReset {
    /// Where.
    pub start_from: StartFrom,
}

impl ConnectorEvent {
    /// Every event type.
    pub const NAMES: [&'static str; 13] = [
        "ConnectorCreated",
        "ConnectorActivating",
        "ConnectorRunning",
        "ConnectorDeactivating",
        "ConnectorStopped",
        "ConnectorFailed",
        "ConnectorRestarted",
        "ConnectorPaused",
        "ConnectorRecovered",
        "ConnectorReconfigured",
        "ConnectorRenamed",
        "ConnectorReset",
        "ConnectorDeleted",
    ];

    /// The event type as the log names it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::ConnectorCreated(_) => "ConnectorCreated",
            Self::ConnectorActivating(_) => "ConnectorActivating",
            Self::ConnectorRunning(_) => "ConnectorRunning",
            Self::ConnectorDeactivating {} => "ConnectorDeactivating",
            Self::ConnectorStopped {} => "ConnectorStopped",
            Self::ConnectorFailed(_) => "ConnectorFailed",
            Self::ConnectorRestarted(_) => "ConnectorRestarted",
            Self::ConnectorPaused(_) => "ConnectorPaused",
            Self::ConnectorRecovered {} => "ConnectorRecovered",
            Self::ConnectorReconfigured(_) => "ConnectorReconfigured",
            Self::ConnectorRenamed(_) => "ConnectorRenamed",
            Self::ConnectorReset(_) => "ConnectorReset",
            Self::ConnectorDeleted {} => "ConnectorDeleted",
        }
    }
}
