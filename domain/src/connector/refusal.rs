//! Why a command to a connector is not possible.

use super::SettingsError;
use serde::{Serialize, Serializer};
use thiserror::Error;

/// A refused command. Serialized, it is the reason's name and its facts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Error)]
#[serde(tag = "reason", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ConnectorRefusal {
    /// There is no such connector.
    #[error("no such connector")]
    ConnectorUnknown,
    /// There is one already.
    #[error("a connector of this id is there already; take another id, or reconfigure it")]
    ConnectorAlreadyExists,
    /// The id is the engine's own.
    #[error("the engine has a connector of this id for itself; take another id")]
    ConnectorIdReserved,
    /// The connector is the engine's own.
    #[error(
        "the engine's own connector cannot be {action}; `peerage connector show` tells how it does"
    )]
    ConnectorBuiltIn {
        /// What was asked for, as what it would be afterwards.
        action: &'static str,
    },
    /// It runs, or is about to.
    #[error("the connector is {state}; stop it first")]
    ConnectorNotStopped {
        /// Its state.
        state: &'static str,
    },
    /// It runs already.
    #[error("the connector is {state} already")]
    ConnectorAlreadyStarted {
        /// Its state.
        state: &'static str,
    },
    /// The engine's own connectors are not stopped for ever.
    #[error(
        "the engine's own connector is stopped for a time only: say for how long (--for), {most_hours} hours at most"
    )]
    ConnectorStopNeedsDuration {
        /// The longest time, in hours.
        most_hours: i64,
    },
    /// They are not stopped for so short or so long.
    #[error(
        "the engine's own connector is stopped for {least_seconds} s to {most_hours} hours, not for {for_ms} ms; it can be stopped again before it ends"
    )]
    ConnectorStopOutOfBounds {
        /// For how long it was asked for, in milliseconds.
        for_ms: u64,
        /// The shortest time, in seconds.
        least_seconds: i64,
        /// The longest time, in hours.
        most_hours: i64,
    },
    /// It is stopped at many servers, each by itself.
    #[error("it is stopped at {most} servers, each by itself; stop it at all of them at once")]
    ConnectorStoppedAtTooMany {
        /// At how many that is possible.
        most: usize,
    },
    /// Its settings cannot be.
    #[error("the connector's settings cannot be: {}", told(wrong))]
    ConnectorSettingsWrong {
        /// What is wrong with them.
        #[serde(serialize_with = "texts")]
        wrong: Vec<SettingsError>,
    },
    /// It is too much at once.
    #[error("{connectors} connectors of {most}; delete one first")]
    TooManyConnectors {
        /// How many there are.
        connectors: usize,
        /// How many there may be.
        most: usize,
    },
}

impl ConnectorRefusal {
    /// The reason's name.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::ConnectorUnknown => "CONNECTOR_UNKNOWN",
            Self::ConnectorAlreadyExists => "CONNECTOR_ALREADY_EXISTS",
            Self::ConnectorIdReserved => "CONNECTOR_ID_RESERVED",
            Self::ConnectorBuiltIn { .. } => "CONNECTOR_BUILT_IN",
            Self::ConnectorNotStopped { .. } => "CONNECTOR_NOT_STOPPED",
            Self::ConnectorAlreadyStarted { .. } => "CONNECTOR_ALREADY_STARTED",
            Self::ConnectorStopNeedsDuration { .. } => "CONNECTOR_STOP_NEEDS_DURATION",
            Self::ConnectorStopOutOfBounds { .. } => "CONNECTOR_STOP_OUT_OF_BOUNDS",
            Self::ConnectorStoppedAtTooMany { .. } => "CONNECTOR_STOPPED_AT_TOO_MANY",
            Self::ConnectorSettingsWrong { .. } => "CONNECTOR_SETTINGS_WRONG",
            Self::TooManyConnectors { .. } => "TOO_MANY_CONNECTORS",
        }
    }
}

fn told(wrong: &[SettingsError]) -> String {
    let all: Vec<_> = wrong.iter().map(ToString::to_string).collect();
    all.join("; ")
}

fn texts<S: Serializer>(wrong: &[SettingsError], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(wrong.iter().map(ToString::to_string))
}
