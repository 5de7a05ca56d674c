//! What comes of a command to one of the engine's own connectors, and what its events do.

use super::{
    BuiltInConnectorStarted, BuiltInConnectorStopped, BuiltInEvent, LONGEST_STOP, MOST_SERVERS,
    SHORTEST_STOP, Stop, Stops,
};
use crate::{connector::ConnectorRefusal, ledger::Digest};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// A command to one of the engine's own connectors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum BuiltInCommand {
    /// Stops it for a time.
    StopBuiltIn(StopBuiltIn),
    /// Ends its stop.
    StartBuiltIn(StartBuiltIn),
}

/// Stops one of the engine's own connectors for a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopBuiltIn {
    /// At which server; not set: at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// For how long, in milliseconds. Not set: for ever, which is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_ms: Option<u64>,
}

/// Ends the stop of one of the engine's own connectors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartBuiltIn {
    /// At which server; not set: at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
}

impl BuiltInCommand {
    /// Its name: as of other connectors, since it is the same call.
    pub fn name(&self) -> &'static str {
        match self {
            Self::StopBuiltIn(_) => "StopConnector",
            Self::StartBuiltIn(_) => "StartConnector",
        }
    }

    /// What tells it from another command.
    pub fn digest(&self) -> Result<Digest, serde_json::Error> {
        Digest::of(&serde_json::to_value(self)?)
    }
}

/// What comes of a command: an event, or a refusal.
pub fn decide(
    stops: &Stops,
    command: &BuiltInCommand,
    now: DateTime<Utc>,
) -> Result<Vec<BuiltInEvent>, ConnectorRefusal> {
    let event = match command {
        BuiltInCommand::StopBuiltIn(StopBuiltIn { host, for_ms }) => {
            let until = now + bounded(*for_ms)?;
            // Who is stopped at one server more, of so many, is somebody that means all.
            let servers = stops.living(now).count();
            let is_new = |host: &String| !stops.at.contains_key(host);
            if servers >= MOST_SERVERS && host.as_ref().is_some_and(is_new) {
                return Err(ConnectorRefusal::ConnectorStoppedAtTooMany { most: MOST_SERVERS });
            }
            BuiltInEvent::BuiltInConnectorStopped(BuiltInConnectorStopped {
                host: host.clone(),
                until,
            })
        }
        BuiltInCommand::StartBuiltIn(StartBuiltIn { host }) => {
            let is_stopped = match host {
                Some(host) => stops.at(host, now).is_some(),
                None => !stops.all(now).is_empty(),
            };
            if !is_stopped {
                return Err(ConnectorRefusal::ConnectorAlreadyStarted { state: "running" });
            }
            BuiltInEvent::BuiltInConnectorStarted(BuiltInConnectorStarted { host: host.clone() })
        }
    };
    Ok(vec![event])
}

/// A stop has an end, and not a late one.
fn bounded(for_ms: Option<u64>) -> Result<TimeDelta, ConnectorRefusal> {
    let most_hours = LONGEST_STOP.num_hours();
    let Some(for_ms) = for_ms else {
        return Err(ConnectorRefusal::ConnectorStopNeedsDuration { most_hours });
    };
    let span = i64::try_from(for_ms)
        .ok()
        .and_then(TimeDelta::try_milliseconds);
    span.filter(|it| (SHORTEST_STOP..=LONGEST_STOP).contains(it))
        .ok_or(ConnectorRefusal::ConnectorStopOutOfBounds {
            for_ms,
            least_seconds: SHORTEST_STOP.num_seconds(),
            most_hours,
        })
}

/// The stops after an event, which was decided at that time.
pub fn evolve(mut stops: Stops, event: &BuiltInEvent, time: DateTime<Utc>) -> Stops {
    let (host, stop) = match event {
        BuiltInEvent::BuiltInConnectorStopped(it) => {
            let until = it.until.min(time + LONGEST_STOP);
            (&it.host, Some(Stop { since: time, until }))
        }
        BuiltInEvent::BuiltInConnectorStarted(it) => (&it.host, None),
    };
    match host {
        None => {
            stops.everywhere = stop;
            stops.at.clear();
        }
        Some(host) => {
            stops.at.insert(host.clone(), stop);
        }
    }
    stops.forget(time);
    stops
}

impl Stops {
    /// The servers of which something is on record that still counts.
    fn living(&self, now: DateTime<Utc>) -> impl Iterator<Item = &String> {
        let everywhere = self.everywhere.is_some_and(|it| it.lasts(now));
        let each = self.at.iter();
        let living = each.filter(move |(_, it)| everywhere || it.is_some_and(|it| it.lasts(now)));
        living.map(|(host, _)| host)
    }

    /// Drops what is over. What is said of one server counts for as long as something is said of
    /// all.
    fn forget(&mut self, now: DateTime<Utc>) {
        let living: Vec<_> = self.living(now).cloned().collect();
        self.at.retain(|host, _| living.contains(host));
        self.everywhere = self.everywhere.filter(|it| it.lasts(now));
    }
}
