//! Connectors and their parked records as messages.

use super::settings;
use crate::api::{
    time::{duration, timestamp},
    v1,
};
use chrono::{DateTime, Utc};
use connectors::{Listed, Live, ParkedRecords, ParkedState};
use domain::connector::{LogPosition, State};
use journal::Position;

pub(super) fn connector(listed: &Listed, live: Option<&Live>, now: DateTime<Utc>) -> v1::Connector {
    let defined = &listed.defined;
    let (failure, cause) = match &defined.state {
        State::Failed(failure) => (failure.code.as_str(), failure.message.clone()),
        State::Running {
            paused: Some(pause),
        } => {
            let status = pause.status.map(|it| format!(" ({it})"));
            let cause = format!("{}{}", pause.cause, status.unwrap_or_default());
            ("", cause)
        }
        State::Running { paused: None }
        | State::Stopped
        | State::Activating
        | State::Deactivating => {
            let paused = live.and_then(|it| it.paused.clone());
            ("", paused.unwrap_or_default())
        }
    };
    v1::Connector {
        connector_id: listed.id.to_string(),
        name: defined.name.to_string(),
        state: state(&defined.state).into(),
        since: Some(timestamp(defined.since)),
        configuration: Some(settings::shown(&defined.settings)),
        configuration_revision: defined.settings_revision,
        revision: listed.revision,
        cause,
        failure: failure.to_owned(),
        host: defined
            .ran
            .as_ref()
            .map(|it| it.host.clone())
            .unwrap_or_default(),
        term: defined.ran.as_ref().map(|it| it.term).unwrap_or_default(),
        parked: listed.parked as u64,
        progress: live.map(|it| progress(it, now)),
        built_in: false,
        stopped_until: None,
    }
}

pub(super) fn state(state: &State) -> v1::ConnectorState {
    match state {
        State::Stopped => v1::ConnectorState::Stopped,
        State::Activating => v1::ConnectorState::Activating,
        State::Running { paused: None } => v1::ConnectorState::Running,
        State::Running { paused: Some(_) } => v1::ConnectorState::Paused,
        State::Deactivating => v1::ConnectorState::Deactivating,
        State::Failed(_) => v1::ConnectorState::Failed,
    }
}

fn progress(live: &Live, now: DateTime<Utc>) -> v1::ConnectorProgress {
    let lag = live.lag(now);
    let position = live.position.filter(|it| *it != Position::START);
    let (failed_at, last_error) = match &live.last_error {
        Some((at, cause)) => (Some(timestamp(*at)), cause.clone()),
        None => (None, String::new()),
    };
    v1::ConnectorProgress {
        position: position.map(|it| it.to_string()).unwrap_or_default(),
        behind: live.behind,
        lag: lag.map(duration),
        in_hand: live.in_hand as u64,
        retrying: live.retrying as u64,
        next_attempt: live.next_attempt.map(timestamp),
        delivered: live.counts.delivered,
        filtered: live.counts.filtered,
        failed_attempts: live.counts.failed_attempts,
        parked: live.counts.parked,
        delivered_at: live.delivered_at.map(timestamp),
        failed_at,
        last_error,
    }
}

pub(super) fn parked(parked: &ParkedState) -> v1::ParkedRecord {
    let record = &parked.record;
    v1::ParkedRecord {
        event_id: record.event_id.to_string(),
        event_type: record.event_type.clone(),
        stream: record.stream.clone(),
        revision: record.revision,
        position: position(record.position),
        lane: record.lane.clone(),
        sequence: record.sequence,
        cause: record.cause.clone(),
        status: record.status.map(u32::from).unwrap_or_default(),
        body: record.body.clone(),
        attempts: record.attempts,
        first_tried: Some(timestamp(record.first_tried)),
        parked_at: Some(timestamp(parked.since)),
        replay_requested: parked.is_wanted,
    }
}

/// The parts of the log that are to be delivered again.
pub(super) fn log_replays(parked: &ParkedRecords) -> Vec<v1::LogReplay> {
    let place = |it: Option<LogPosition>| it.map(position).unwrap_or_default();
    let each = parked.log_replays.values().map(|it| v1::LogReplay {
        replay_id: it.id.to_string(),
        after: place(it.range.after),
        until: position(it.range.until),
        since: it.range.since.map(timestamp),
        before: it.range.before.map(timestamp),
        records: it.records,
        position: place(it.position),
    });
    each.collect()
}

fn position(it: LogPosition) -> String {
    format!("{}/{}", it.commit, it.prepare)
}
