//! What comes of a command to a connector, and of what its runtime reports.

use super::{
    Connector, ConnectorActivating, ConnectorCommand, ConnectorCreated, ConnectorEvent,
    ConnectorOutcome, ConnectorReconfigured, ConnectorRefusal, ConnectorRenamed, ConnectorReset,
    ConnectorRunning, CreateConnector, Defined, PAUSE_QUIET, RESTART_WINDOW, RESTARTS,
    ReconfigureConnector, RenameConnector, ResetConnector, Settings, StartConnector, State,
};
use chrono::{DateTime, Utc};

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
                // Terms of another store are on record where a history has moved.
                State::Running { .. } => defined
                    .ran
                    .as_ref()
                    .is_some_and(|ran| ran.term == *term && ran.host == *host),
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
            State::Running { paused: None } => {
                let is_quiet = defined.paused_at.is_some_and(|at| now - at < PAUSE_QUIET);
                (!is_quiet).then(|| ConnectorEvent::ConnectorPaused(pause.clone()))
            }
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
