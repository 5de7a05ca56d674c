//! The engine's own connectors: commands to them, and whether they are stopped, as every server of
//! a store knows it.
//!
//! What is known is read from their two streams, at the start and whenever it may be another log,
//! so that nobody waits for that until the whole log is read; in between it is followed with the
//! other connectors'.

use crate::{
    codec::{self, decode_built_in, unreadable},
    registry::{Connectors, ExecuteError},
};
use chrono::{DateTime, Utc};
use domain::{
    CommandId, Digest,
    connector::built_in::{BuiltIn, BuiltInCommand, BuiltInEvent, Stops, decide, evolve},
};
use journal::{Caller, Journal, JournalError, Kept, Recorded};
use parking_lot::Mutex;
use std::{collections::BTreeMap, convert::Infallible, sync::Arc, time::Duration};
use tokio::{
    sync::{Notify, watch},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

/// How often a command is decided again because somebody else was first.
const ATTEMPTS: usize = 16;

/// How long to wait before a store is asked again that did not answer.
const PAUSE: Duration = Duration::from_millis(500);

/// What came of a command to one of the engine's own.
#[derive(Clone, Debug)]
pub struct BuiltInExecuted {
    /// What is on record after it.
    pub stops: Stops,
    /// The number of the stream's last event that it brought.
    pub revision: Option<u64>,
    /// Its events.
    pub events: Vec<BuiltInEvent>,
    /// Whether the same command was carried out before.
    pub repeated: bool,
}

/// What the stream of one of the engine's own says.
#[derive(Debug, Default)]
struct Loaded {
    stops: Stops,
    revision: Option<u64>,
    receipts: BTreeMap<CommandId, (Digest, u64, Vec<BuiltInEvent>)>,
}

impl Loaded {
    fn of(which: BuiltIn, all: &[Kept]) -> Result<Self, ExecuteError> {
        let mut loaded = Self::default();
        for kept in all {
            let event = decode_built_in(&kept.event_type, &kept.data)
                .map_err(|problem| unreadable(which.stream(), kept, problem))?;
            loaded.stops = evolve(loaded.stops, &event, kept.time);
            loaded.revision = Some(kept.revision);
            if let Some(metadata) = &kept.metadata {
                let receipt = loaded
                    .receipts
                    .entry(metadata.command_id)
                    .or_insert_with(|| (metadata.command_digest.clone(), 0, Vec::new()));
                receipt.1 = kept.revision;
                receipt.2.push(event);
            }
        }
        Ok(loaded)
    }
}

impl Connectors {
    /// What a command to one of the engine's own would come to.
    pub async fn validate_built_in(
        &self,
        which: BuiltIn,
        command: &BuiltInCommand,
        now: DateTime<Utc>,
    ) -> Result<Vec<BuiltInEvent>, ExecuteError> {
        let all = self.journal().records(&which.stream()).await?;
        Ok(decide(&Loaded::of(which, &all)?.stops, command, now)?)
    }

    /// Carries out a command to one of the engine's own.
    pub async fn execute_built_in(
        &self,
        which: BuiltIn,
        command: &BuiltInCommand,
        caller: &Caller,
        now: DateTime<Utc>,
    ) -> Result<BuiltInExecuted, ExecuteError> {
        let digest = command.digest().map_err(ExecuteError::Encoding)?;
        let stream = which.stream();
        for _ in 0..ATTEMPTS {
            let all = self.journal().records(&stream).await?;
            let loaded = Loaded::of(which, &all)?;
            if let Some((known, revision, events)) = loaded.receipts.get(&caller.command_id) {
                if *known != digest {
                    return Err(ExecuteError::Reused(caller.command_id));
                }
                return Ok(BuiltInExecuted {
                    events: events.clone(),
                    revision: Some(*revision),
                    stops: loaded.stops,
                    repeated: true,
                });
            }
            if let Some(expected) = caller.expected_revision
                && loaded.revision != Some(expected)
            {
                let actual = loaded.revision;
                return Err(ExecuteError::Moved { expected, actual });
            }
            let events = decide(&loaded.stops, command, now)?;
            let records = events.iter();
            let records = records.map(|it| codec::record((it.name(), it), &digest, caller, now));
            let records = records.collect::<Result<Vec<_>, _>>();
            let records = records.map_err(ExecuteError::Encoding)?;
            let after = loaded.revision;
            if let Some(revision) = self.journal().record(&stream, after, &records).await? {
                let events_of = events.iter();
                return Ok(BuiltInExecuted {
                    stops: events_of.fold(loaded.stops, |it, event| evolve(it, event, now)),
                    revision: Some(revision),
                    events,
                    repeated: false,
                });
            }
        }
        Err(ExecuteError::Contention)
    }
}

/// Whether the engine's own connectors are stopped, as their streams say. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct BuiltIns(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    state: Mutex<State>,
    changed: watch::Sender<u64>,
    /// Their streams are to be read: at the start, and when it may be another log.
    wanted: Notify,
}

#[derive(Debug)]
struct State {
    known: BTreeMap<BuiltIn, Known>,
    /// Whether their streams are being read, or are to be: what is known is of before.
    is_reading: bool,
    /// Whether something came meanwhile, which the read may not have seen.
    is_missing: bool,
}

impl Default for State {
    fn default() -> Self {
        Self {
            known: BTreeMap::new(),
            is_reading: true,
            is_missing: false,
        }
    }
}

#[derive(Clone, Debug, Default)]
struct Known {
    stops: Stops,
    revision: Option<u64>,
}

impl Known {
    /// What a stream says. An event that a later version wrote says nothing here; whoever gives a
    /// command is told.
    fn of(all: &[Kept]) -> Self {
        let mut known = Self::default();
        for kept in all {
            if let Ok(event) = decode_built_in(&kept.event_type, &kept.data) {
                known.stops = evolve(known.stops, &event, kept.time);
            }
            known.revision = Some(kept.revision);
        }
        known
    }

    fn is_before(&self, revision: u64) -> bool {
        self.revision.is_none_or(|it| it < revision)
    }
}

impl BuiltIns {
    /// What is on record of this one; nothing until it was read once.
    pub fn stops(&self, which: BuiltIn) -> Option<Stops> {
        let state = self.0.state.lock();
        state.known.get(&which).map(|it| it.stops.clone())
    }

    /// Something of it may have changed.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.changed.subscribe()
    }

    /// What a command of this server has come to: it is known at once.
    pub fn learn(&self, which: BuiltIn, executed: &BuiltInExecuted) {
        let Some(revision) = executed.revision.filter(|_| !executed.repeated) else {
            return;
        };
        let mut state = self.0.state.lock();
        state.is_missing = true;
        let known = state.known.entry(which).or_default();
        if known.is_before(revision) {
            known.stops = executed.stops.clone();
            known.revision = Some(revision);
        }
        drop(state);
        self.tell();
    }

    /// Reads their streams whenever that is wanted, until cancelled.
    pub(crate) async fn run(&self, journal: &Journal, stop: &CancellationToken) {
        let reading = async {
            loop {
                match self.read(journal).await {
                    Ok(true) => self.0.wanted.notified().await,
                    // Something came meanwhile.
                    Ok(false) => {}
                    Err(error) => {
                        let error = domain::error_chain(&error);
                        tracing::debug!(error, "the engine's own connectors cannot be read");
                        sleep(PAUSE).await;
                    }
                }
            }
        };
        let ended: Option<Infallible> = stop.run_until_cancelled(reading).await;
        if let Some(never) = ended {
            match never {}
        }
    }

    /// Whether all that there is was read.
    async fn read(&self, journal: &Journal) -> Result<bool, JournalError> {
        {
            let mut state = self.0.state.lock();
            (state.is_reading, state.is_missing) = (true, false);
        }
        let mut read = BTreeMap::new();
        for which in BuiltIn::ALL {
            let all = journal.records(&which.stream()).await?;
            read.insert(which, Known::of(&all));
        }
        let mut state = self.0.state.lock();
        if state.is_missing {
            return Ok(false);
        }
        state.known = read;
        state.is_reading = false;
        drop(state);
        self.tell();
        Ok(true)
    }

    /// An event of the log.
    pub(crate) fn apply(&self, recorded: &Recorded) {
        let of = |it: &BuiltIn| it.stream() == recorded.stream;
        let Some(which) = BuiltIn::ALL.into_iter().find(of) else {
            return;
        };
        let mut state = self.0.state.lock();
        if state.is_reading {
            state.is_missing = true;
            return;
        }
        let known = state.known.entry(which).or_default();
        if !known.is_before(recorded.revision) {
            return;
        }
        known.revision = Some(recorded.revision);
        if let Ok(event) = decode_built_in(recorded.event_type(), &recorded.data) {
            known.stops = evolve(std::mem::take(&mut known.stops), &event, recorded.time());
        }
        drop(state);
        self.tell();
    }

    /// It may be another log: what is known counts until their streams are read again.
    pub(crate) fn forget(&self) {
        self.0.state.lock().is_reading = true;
        self.0.wanted.notify_one();
    }

    fn tell(&self) {
        self.0.changed.send_modify(|it| *it += 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{
        EventId,
        connector::built_in::{BuiltInConnectorStarted, BuiltInConnectorStopped},
    };
    use journal::{Body, Position};

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_772_355_600 + seconds, 0).unwrap()
    }

    fn recorded(stream: &str, revision: u64, event: &BuiltInEvent) -> Recorded {
        let tagged = serde_json::to_value(event).unwrap();
        Recorded {
            stream: stream.to_owned(),
            network_id: None,
            revision,
            position: Position::START,
            event_id: EventId(uuid::Uuid::from_u128(revision.into())),
            created: at(0),
            metadata: None,
            stored: Default::default(),
            data: tagged["data"].to_string().into_bytes().into(),
            body: Body::Undecodable {
                event_type: event.name().to_owned(),
                problem: String::new(),
            },
        }
    }

    fn stopped(until: i64) -> BuiltInEvent {
        BuiltInEvent::BuiltInConnectorStopped(BuiltInConnectorStopped {
            host: None,
            until: at(until),
        })
    }

    fn started() -> BuiltInEvent {
        BuiltInEvent::BuiltInConnectorStarted(BuiltInConnectorStarted { host: None })
    }

    fn is_stopped(built_in: &BuiltIns) -> Option<bool> {
        let stops = built_in.stops(BuiltIn::Provisioner)?;
        Some(stops.at("db1", at(1)).is_some())
    }

    /// As if both streams had been read, and held nothing.
    fn read() -> BuiltIns {
        let built_in = BuiltIns::default();
        let known = BuiltIn::ALL.map(|it| (it, Known::default()));
        let mut state = built_in.0.state.lock();
        (state.known, state.is_reading) = (known.into(), false);
        drop(state);
        built_in
    }

    #[test]
    fn nothing_is_known_before_the_streams_were_read_and_then_each_event_is_taken_once() {
        let stream = BuiltIn::Provisioner.stream();
        let unread = BuiltIns::default();
        unread.apply(&recorded(&stream, 0, &stopped(600)));
        assert_eq!(is_stopped(&unread), None);
        let built_in = read();
        assert_eq!(is_stopped(&built_in), Some(false));
        let mut changes = built_in.changes();
        changes.mark_unchanged();
        built_in.apply(&recorded("connector-to-auditors", 0, &stopped(600)));
        assert!(!changes.has_changed().unwrap());
        built_in.apply(&recorded(&stream, 0, &stopped(600)));
        assert_eq!(is_stopped(&built_in), Some(true));
        assert!(changes.has_changed().unwrap());
        built_in.apply(&recorded(&stream, 1, &started()));
        // What is followed anew begins at the beginning.
        built_in.apply(&recorded(&stream, 0, &stopped(600)));
        assert_eq!(is_stopped(&built_in), Some(false));
    }

    #[test]
    fn what_a_command_has_come_to_is_known_at_once_and_an_older_answer_changes_nothing() {
        let built_in = read();
        let stops = |events: &[BuiltInEvent]| {
            let all = events.iter();
            all.fold(Stops::default(), |it, event| evolve(it, event, at(0)))
        };
        let executed = |events: &[BuiltInEvent]| BuiltInExecuted {
            stops: stops(events),
            revision: Some(events.len() as u64 - 1),
            events: Vec::new(),
            repeated: false,
        };
        built_in.learn(BuiltIn::Provisioner, &executed(&[stopped(600), started()]));
        built_in.learn(BuiltIn::Provisioner, &executed(&[stopped(600)]));
        assert_eq!(is_stopped(&built_in), Some(false));
        built_in.learn(
            BuiltIn::Provisioner,
            &executed(&[stopped(600), started(), stopped(600)]),
        );
        assert_eq!(is_stopped(&built_in), Some(true));
    }

    #[test]
    fn while_it_may_be_another_log_what_was_known_counts_and_what_comes_is_read_again() {
        let built_in = read();
        let stream = BuiltIn::Provisioner.stream();
        built_in.apply(&recorded(&stream, 0, &stopped(600)));
        built_in.forget();
        assert_eq!(is_stopped(&built_in), Some(true));
        built_in.apply(&recorded(&stream, 1, &started()));
        assert_eq!(is_stopped(&built_in), Some(true));
        assert!(built_in.0.state.lock().is_missing);
    }
}
