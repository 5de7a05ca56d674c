//! What an event does to a connector.

use super::{Connector, ConnectorEvent, Defined, RESTART_WINDOW, Start, StartFrom, State};
use chrono::{DateTime, Utc};

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
            paused_at: None,
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
        ConnectorEvent::ConnectorPaused(pause) => {
            defined.paused_at = Some(time);
            State::Running {
                paused: Some(pause.clone()),
            }
        }
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
