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
//! Where it begins has a number: each explicit start, reset or creation is the next one. A checkpoint
//! names the number that it belongs to, so that one from before is never taken up again.
//!
//! Names, states and defaults are those of KurrentDB's own connectors where those are documented.
//! What differs: *failed* is a state, `reset` only rewinds, and what broke begins again by itself, a
//! few times.

mod command;
mod event;
mod refusal;
mod sealed;
mod settings;
#[cfg(test)]
mod tests;

pub use command::{
    ConnectorCommand, ConnectorOutcome, CreateConnector, ReconfigureConnector, RenameConnector,
    ResetConnector, StartConnector,
};
pub use event::{
    ConnectorActivating, ConnectorCreated, ConnectorEvent, ConnectorReconfigured, ConnectorRenamed,
    ConnectorReset, ConnectorRunning,
};
pub use refusal::ConnectorRefusal;
pub use sealed::{Sealed, without_ciphertext};
pub use settings::{
    AfterPark, Authentication, Batch, ClientCertificate, DelayBound, FileSink, Filter, FilterKind,
    FilterScope, HeaderValue, InitialPosition, Lanes, OnExhaustion, Resilience, Settings,
    SettingsError, SignatureScheme, SigningKey, Sink, Webhook, WebhookFormat, WebhookMethod,
};

use crate::text::{ConnectorId, ConnectorName};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// How often a connector begins again by itself, in [`RESTART_WINDOW`].
pub const RESTARTS: usize = 5;

/// The time in which so many restarts make it fail.
pub const RESTART_WINDOW: TimeDelta = TimeDelta::minutes(10);

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
pub struct LogPosition {
    /// Of the transaction.
    pub commit: u64,
    /// Of the event itself.
    pub prepare: u64,
}

/// Where in the log to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
pub struct Failure {
    /// The kind.
    pub code: FailureCode,
    /// The cause in words.
    pub message: String,
}

/// A kind of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The transform hung or broke.
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

/// The ids that the engine has for itself.
pub const RESERVED: [&str; 3] = ["provisioner", "read-models", "outward"];

/// The category of the streams that connectors are managed in.
pub const CONNECTOR_CATEGORY: &str = "connector";

/// The category of their checkpoints.
pub const CHECKPOINT_CATEGORY: &str = "connectorCheckpoint";

/// The category of their parked records.
pub const PARKED_CATEGORY: &str = "connectorParked";

/// The category of the leases.
pub const LEASE_CATEGORY: &str = "connectorLease";

/// The stream of the lease that all connectors share which act outward.
pub const LEASE_STREAM: &str = "connectorLease-outward";

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
        RESERVED.contains(&self.as_str())
    }
}

/// What comes of a command: events, or a refusal. No events: it is so already.
pub fn decide(
    connector: &Connector,
    command: &ConnectorCommand,
    now: DateTime<Utc>,
) -> Result<Vec<ConnectorEvent>, ConnectorRefusal> {
    if let ConnectorCommand::CreateConnector(create) = command {
        return create_connector(connector, create);
    }
    let defined = match connector {
        Connector::Defined(defined) => defined,
        Connector::Absent | Connector::Deleted { .. } => {
            return Err(ConnectorRefusal::ConnectorUnknown);
        }
    };
    let state = defined.state.name();
    let event = match command {
        ConnectorCommand::CreateConnector(_) => {
            return Err(ConnectorRefusal::ConnectorAlreadyExists);
        }
        ConnectorCommand::StartConnector(StartConnector { start_from }) => match defined.state {
            State::Activating | State::Running { .. } => {
                return Err(ConnectorRefusal::ConnectorAlreadyStarted { state });
            }
            State::Stopped | State::Deactivating | State::Failed(_) => {
                ConnectorEvent::ConnectorActivating(ConnectorActivating {
                    start_from: *start_from,
                })
            }
        },
        ConnectorCommand::StopConnector {} => match defined.state {
            State::Activating | State::Running { .. } => ConnectorEvent::ConnectorDeactivating {},
            // Who stops one that failed has seen it.
            State::Failed(_) => ConnectorEvent::ConnectorStopped {},
            State::Stopped | State::Deactivating => return Ok(Vec::new()),
        },
        ConnectorCommand::ResetConnector(ResetConnector { start_from }) => {
            stopped(defined)?;
            ConnectorEvent::ConnectorReset(ConnectorReset {
                start_from: *start_from,
            })
        }
        ConnectorCommand::ReconfigureConnector(ReconfigureConnector { settings }) => {
            checked(settings)?;
            if *settings == defined.settings {
                return Ok(Vec::new());
            }
            ConnectorEvent::ConnectorReconfigured(ConnectorReconfigured {
                settings: settings.clone(),
            })
        }
        ConnectorCommand::RenameConnector(RenameConnector { name }) => {
            if *name == defined.name {
                return Ok(Vec::new());
            }
            ConnectorEvent::ConnectorRenamed(ConnectorRenamed { name: name.clone() })
        }
        ConnectorCommand::DeleteConnector {} => {
            stopped(defined)?;
            ConnectorEvent::ConnectorDeleted {}
        }
        ConnectorCommand::RecordConnector(outcome) => {
            return Ok(record(defined, outcome, now).into_iter().collect());
        }
    };
    Ok(vec![event])
}

fn create_connector(
    connector: &Connector,
    create: &CreateConnector,
) -> Result<Vec<ConnectorEvent>, ConnectorRefusal> {
    match connector {
        Connector::Absent | Connector::Deleted { .. } => {}
        Connector::Defined(_) => return Err(ConnectorRefusal::ConnectorAlreadyExists),
    }
    checked(&create.settings)?;
    let created = ConnectorCreated {
        name: create.name.clone(),
        settings: create.settings.clone(),
    };
    Ok(vec![ConnectorEvent::ConnectorCreated(created)])
}

fn stopped(defined: &Defined) -> Result<(), ConnectorRefusal> {
    match defined.state {
        State::Stopped | State::Failed(_) => Ok(()),
        State::Activating | State::Running { .. } | State::Deactivating => {
            Err(ConnectorRefusal::ConnectorNotStopped {
                state: defined.state.name(),
            })
        }
    }
}

fn checked(settings: &Settings) -> Result<(), ConnectorRefusal> {
    let wrong = settings.check();
    if wrong.is_empty() {
        return Ok(());
    }
    Err(ConnectorRefusal::ConnectorSettingsWrong { wrong })
}

/// What is news of what the runtime reports. A report of a run that is over by now is none.
fn record(
    defined: &Defined,
    outcome: &ConnectorOutcome,
    now: DateTime<Utc>,
) -> Option<ConnectorEvent> {
    let is_started = defined.state.is_started();
    match outcome {
        ConnectorOutcome::Running { host, term, after } => {
            let running = ConnectorRunning {
                host: host.clone(),
                term: *term,
                after: *after,
            };
            let is_known = match &defined.state {
                State::Running { .. } => defined.ran.as_ref().is_some_and(|ran| {
                    ran.term > *term || (ran.term == *term && ran.host == *host)
                }),
                State::Activating => false,
                State::Stopped | State::Deactivating | State::Failed(_) => true,
            };
            (!is_known).then_some(ConnectorEvent::ConnectorRunning(running))
        }
        ConnectorOutcome::Stopped => match defined.state {
            State::Deactivating => Some(ConnectorEvent::ConnectorStopped {}),
            State::Stopped | State::Activating | State::Running { .. } | State::Failed(_) => None,
        },
        ConnectorOutcome::Broke(failure) if is_started => {
            let lately = defined.restarts.iter();
            let lately = lately.filter(|at| now - **at < RESTART_WINDOW).count();
            Some(if lately < RESTARTS {
                ConnectorEvent::ConnectorRestarted(failure.clone())
            } else {
                ConnectorEvent::ConnectorFailed(failure.clone())
            })
        }
        ConnectorOutcome::Failed(failure) if is_started => {
            Some(ConnectorEvent::ConnectorFailed(failure.clone()))
        }
        ConnectorOutcome::Paused(pause) => match &defined.state {
            State::Running { paused: None } => Some(ConnectorEvent::ConnectorPaused(pause.clone())),
            State::Running { paused: Some(_) }
            | State::Stopped
            | State::Activating
            | State::Deactivating
            | State::Failed(_) => None,
        },
        ConnectorOutcome::Recovered => match &defined.state {
            State::Running { paused: Some(_) } => Some(ConnectorEvent::ConnectorRecovered {}),
            State::Running { paused: None }
            | State::Stopped
            | State::Activating
            | State::Deactivating
            | State::Failed(_) => None,
        },
        ConnectorOutcome::Broke(_) | ConnectorOutcome::Failed(_) => None,
    }
}

/// The connector after an event, which was decided at that time.
pub fn evolve(connector: Connector, event: &ConnectorEvent, time: DateTime<Utc>) -> Connector {
    if let ConnectorEvent::ConnectorCreated(created) = event {
        let starts = match &connector {
            Connector::Absent => 0,
            Connector::Defined(defined) => defined.start.number,
            Connector::Deleted { starts } => *starts,
        };
        return Connector::Defined(Defined {
            name: created.name.clone(),
            settings: created.settings.clone(),
            settings_revision: 0,
            start: Start::after(starts, created.settings.initial_position.into()),
            state: State::Stopped,
            since: time,
            restarts: Vec::new(),
            ran: None,
        });
    }
    let mut defined = match connector {
        Connector::Defined(defined) => defined,
        Connector::Absent | Connector::Deleted { .. } => return connector,
    };
    let state = match event {
        ConnectorEvent::ConnectorCreated(_) => return Connector::Defined(defined),
        ConnectorEvent::ConnectorActivating(activating) => {
            if let Some(from) = activating.start_from {
                defined.start = Start::after(defined.start.number, from);
            }
            defined.restarts.clear();
            State::Activating
        }
        ConnectorEvent::ConnectorRunning(running) => {
            defined.ran = Some(running.clone());
            defined.start.has_run = true;
            State::Running { paused: None }
        }
        ConnectorEvent::ConnectorDeactivating {} => State::Deactivating,
        ConnectorEvent::ConnectorStopped {} => State::Stopped,
        ConnectorEvent::ConnectorFailed(failure) => State::Failed(failure.clone()),
        ConnectorEvent::ConnectorRestarted(_) => {
            defined.restarts.retain(|at| time - *at < RESTART_WINDOW);
            defined.restarts.push(time);
            State::Activating
        }
        ConnectorEvent::ConnectorPaused(pause) => State::Running {
            paused: Some(pause.clone()),
        },
        ConnectorEvent::ConnectorRecovered {} => State::Running { paused: None },
        ConnectorEvent::ConnectorReconfigured(reconfigured) => {
            defined.settings = reconfigured.settings.clone();
            defined.settings_revision += 1;
            return Connector::Defined(defined);
        }
        ConnectorEvent::ConnectorRenamed(renamed) => {
            defined.name = renamed.name.clone();
            return Connector::Defined(defined);
        }
        ConnectorEvent::ConnectorReset(reset) => {
            defined.start = Start::after(defined.start.number, reset.start_from);
            return Connector::Defined(defined);
        }
        ConnectorEvent::ConnectorDeleted {} => {
            return Connector::Deleted {
                starts: defined.start.number,
            };
        }
    };
    (defined.state, defined.since) = (state, time);
    Connector::Defined(defined)
}

impl Start {
    fn after(number: u64, from: StartFrom) -> Self {
        Self {
            number: number + 1,
            from,
            has_run: false,
        }
    }
}
