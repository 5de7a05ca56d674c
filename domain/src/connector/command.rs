//! What can be asked of a connector, and what its runtime reports.

use super::{Failure, LogPosition, Pause, Settings, StartFrom, without_ciphertext};
use crate::{ledger::Digest, text::ConnectorName};
use serde::{Deserialize, Serialize};

/// A command to one connector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum ConnectorCommand {
    /// Defines it, stopped.
    CreateConnector(CreateConnector),
    /// Lets it run.
    StartConnector(StartConnector),
    /// Lets it stop.
    StopConnector {},
    /// Sets where it begins when it is started.
    ResetConnector(ResetConnector),
    /// Replaces all its settings.
    ReconfigureConnector(ReconfigureConnector),
    /// Changes its name.
    RenameConnector(RenameConnector),
    /// Ends it for good.
    DeleteConnector {},
    /// Puts on record what became of it.
    RecordConnector(ConnectorOutcome),
}

/// Defines a connector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateConnector {
    /// What people call it.
    pub name: ConnectorName,
    /// What it does.
    pub settings: Settings,
}

/// Lets a connector run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartConnector {
    /// Where it begins. Not set: where it stood.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_from: Option<StartFrom>,
}

/// Sets where a connector begins when it is started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResetConnector {
    /// Where.
    pub start_from: StartFrom,
}

/// Replaces all settings of a connector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReconfigureConnector {
    /// All of them.
    pub settings: Settings,
}

/// Changes a connector's name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenameConnector {
    /// The new one.
    pub name: ConnectorName,
}

/// What became of a connector, as the runtime saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConnectorOutcome {
    /// It runs, at this server.
    Running {
        /// The server.
        host: String,
        /// The term of its lease.
        term: u64,
        /// Behind which position it began.
        after: Option<LogPosition>,
    },
    /// It has stopped, as it was asked to.
    Stopped,
    /// It broke off.
    Broke(Failure),
    /// It cannot go on, whatever is tried.
    Failed(Failure),
    /// Its endpoint refuses everything.
    Paused(Pause),
    /// Its endpoint takes records again.
    Recovered,
}

impl ConnectorCommand {
    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::CreateConnector(_) => "CreateConnector",
            Self::StartConnector(_) => "StartConnector",
            Self::StopConnector {} => "StopConnector",
            Self::ResetConnector(_) => "ResetConnector",
            Self::ReconfigureConnector(_) => "ReconfigureConnector",
            Self::RenameConnector(_) => "RenameConnector",
            Self::DeleteConnector {} => "DeleteConnector",
            Self::RecordConnector(_) => "RecordConnector",
        }
    }

    /// What tells it from another command. The same secret sealed twice is the same.
    pub fn digest(&self) -> Result<Digest, serde_json::Error> {
        let mut value = serde_json::to_value(self)?;
        without_ciphertext(&mut value);
        Digest::of(&value)
    }
}
