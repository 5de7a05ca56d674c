//! A connector: what follows the log and delivers its records elsewhere, managed by commands that
//! are events themselves. One stream each, `connector-{id}`.
//!
//! ```text
//!            create                start                 running
//!   absent ─────────▶ stopped ───────────────▶ activating ───────▶ running ◀──▶ paused
//!                      ▲  │ ▲                   │  ▲  │               │
//!               delete │  │ │ stopped           │  │  │ broke         │ stop
//!                      │  ▼ │                   ▼  │  ▼               ▼
//!                    deleted └───────────── failed ┴── (again) ◀── deactivating
//! ```
//!
//! Where it begins has a number: each explicit start, reset or creation is the next one. A
//! checkpoint names the number that it belongs to, so that one from before is never taken up again.
//!
//! Names, states and defaults are those of KurrentDB's own connectors where those are documented.
//! What differs: *failed* is a state, `reset` only rewinds, and what broke begins again by itself,
//! a few times.

pub mod built_in;
mod check;
mod command;
mod decide;
mod event;
mod evolve;
pub mod parked;
mod refusal;
mod sealed;
mod settings;
#[cfg(test)]
mod tests;

pub use check::SettingsError;
pub use command::{
    ConnectorCommand, ConnectorOutcome, CreateConnector, ReconfigureConnector, RenameConnector,
    ResetConnector, StartConnector,
};
pub use decide::decide;
pub use event::{
    ConnectorActivating, ConnectorCreated, ConnectorEvent, ConnectorReconfigured, ConnectorRenamed,
    ConnectorReset, ConnectorRunning,
};
pub use evolve::evolve;
pub use refusal::ConnectorRefusal;
pub use sealed::{Sealed, without_ciphertext};
pub use settings::{
    AfterPark, Authentication, Batch, ClientCertificate, DelayBound, FileSink, Filter, FilterKind,
    FilterScope, HeaderValue, InitialPosition, Lanes, OnExhaustion, Resilience, Settings,
    SignatureScheme, SigningKey, Sink, Transformer, Webhook, WebhookFormat, WebhookMethod,
};

pub use crate::ids::{
    CHECKPOINT_CATEGORY, CONNECTOR_CATEGORY, LEASE_CATEGORY, LEASE_STREAM, PARKED_CATEGORY,
};

use crate::text::{ConnectorId, ConnectorName};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// How often a connector begins again by itself, in [`RESTART_WINDOW`].
pub const RESTARTS: usize = 5;

/// The time in which so many restarts make it fail.
pub const RESTART_WINDOW: TimeDelta = TimeDelta::minutes(10);

/// How long a pause is not put on record again: an endpoint that comes and goes does not fill the
/// log.
pub const PAUSE_QUIET: TimeDelta = TimeDelta::minutes(10);

/// The most connectors that a store may hold.
pub const MOST_CONNECTORS: usize = 1_000;

/// What is known of a connector.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all that are asked for are there"
)]
pub enum Connector {
    /// There is none, and never was.
    #[default]
    Absent,
    /// There is one.
    Defined(Defined),
    /// There was one. Its id may be used again.
    Deleted {
        /// The number of its last start.
        starts: u64,
    },
}

/// A connector that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defined {
    /// What people call it.
    pub name: ConnectorName,
    /// What it does.
    pub settings: Settings,
    /// How often its settings were replaced.
    pub settings_revision: u64,
    /// Where it began last.
    pub start: Start,
    /// Whether it runs.
    pub state: State,
    /// Since when it is in that state.
    pub since: DateTime<Utc>,
    /// When it broke off lately.
    pub restarts: Vec<DateTime<Utc>>,
    /// Where it ran last.
    pub ran: Option<ConnectorRunning>,
    /// When its endpoint was last put on record as one that refuses everything.
    pub paused_at: Option<DateTime<Utc>>,
}

/// Whether a connector runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It does not.
    Stopped,
    /// It is to.
    Activating,
    /// It does.
    Running {
        /// Why it delivers nothing, if it does not.
        paused: Option<Pause>,
    },
    /// It is to stop.
    Deactivating,
    /// It does not, and not by itself again.
    Failed(Failure),
}

/// Where a connector begins, and the number of that beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// Each one is the next.
    pub number: u64,
    /// Where.
    pub from: StartFrom,
    /// Whether it has run since: then there is a checkpoint.
    pub has_run: bool,
}

/// A place in the log, as KurrentDB counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LogPosition {
    /// Of the transaction.
    pub commit: u64,
    /// Of the event itself.
    pub prepare: u64,
}

/// Where in the log to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum StartFrom {
    /// At its beginning.
    Earliest,
    /// At its end.
    Latest,
    /// Behind this position.
    After(LogPosition),
}

impl From<InitialPosition> for StartFrom {
    fn from(initial: InitialPosition) -> Self {
        match initial {
            InitialPosition::Latest => Self::Latest,
            InitialPosition::Earliest => Self::Earliest,
        }
    }
}

/// Why a connector does not run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Failure {
    /// The kind.
    pub code: FailureCode,
    /// The cause in words.
    pub message: String,
}

/// A kind of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum FailureCode {
    /// The log is another one than it followed: nothing is sent again by itself.
    OtherLog,
    /// Its settings cannot be used at this server.
    Settings,
    /// The endpoint said that it is gone for good (410).
    EndpointGone,
    /// A record could not be delivered, and it was set to stop then.
    Exhausted,
    /// The store refused what it had to write or read.
    Store,
    /// The transform stopped it, or cannot be run.
    Transform,
    /// Anything else that ended its task.
    Task,
}

impl FailureCode {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OtherLog => "other_log",
            Self::Settings => "settings",
            Self::EndpointGone => "endpoint_gone",
            Self::Exhausted => "exhausted",
            Self::Store => "store",
            Self::Transform => "transform",
            Self::Task => "task",
        }
    }
}

/// Why an endpoint is left alone for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Pause {
    /// Its answer's status, if it gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The cause in words.
    pub cause: String,
}

impl Failure {
    /// Of this kind. What is longer than a cause may be is cut.
    pub fn new(code: FailureCode, message: &str) -> Self {
        Self {
            code,
            message: bounded(message),
        }
    }
}

impl Pause {
    /// For this cause. What is longer than a cause may be is cut.
    pub fn new(status: Option<u16>, cause: &str) -> Self {
        Self {
            status,
            cause: bounded(cause),
        }
    }
}

/// The most characters that a cause has on record.
pub const MOST_CAUSE: usize = 1_000;

/// A cause, no longer than it may be on record.
pub fn bounded(cause: &str) -> String {
    cause.chars().take(MOST_CAUSE).collect()
}

impl State {
    /// The names of all of them.
    pub const NAMES: [&'static str; 6] = [
        "stopped",
        "activating",
        "running",
        "paused",
        "deactivating",
        "failed",
    ];

    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Activating => "activating",
            Self::Running { paused: None } => "running",
            Self::Running { paused: Some(_) } => "paused",
            Self::Deactivating => "deactivating",
            Self::Failed(_) => "failed",
        }
    }

    /// Whether it is to run, or does.
    pub fn is_started(&self) -> bool {
        match self {
            Self::Activating | Self::Running { .. } => true,
            Self::Stopped | Self::Deactivating | Self::Failed(_) => false,
        }
    }
}

/// The ids that the engine has for itself, beside those of its own connectors.
const RESERVED: [&str; 1] = ["outward"];

impl ConnectorId {
    /// The stream that it is managed in.
    pub fn stream(&self) -> String {
        format!("{CONNECTOR_CATEGORY}-{self}")
    }

    /// The stream of its checkpoints.
    pub fn checkpoints(&self) -> String {
        format!("{CHECKPOINT_CATEGORY}-{self}")
    }

    /// The stream of its parked records.
    pub fn parked(&self) -> String {
        format!("{PARKED_CATEGORY}-{self}")
    }

    /// The connector that this stream says something of: what was asked of it, or what it parked.
    pub fn of_stream(stream: &str) -> Option<Self> {
        let (category, id) = stream.split_once('-')?;
        [CONNECTOR_CATEGORY, PARKED_CATEGORY]
            .contains(&category)
            .then(|| id.parse().ok())
            .flatten()
    }

    /// Whether the engine has it for itself.
    pub fn is_reserved(&self) -> bool {
        RESERVED.contains(&self.as_str()) || built_in::BuiltIn::of(self).is_some()
    }
}
