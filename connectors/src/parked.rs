//! Records that were set aside: which, why, and what somebody wants done with them. A stream of its
//! own for each connector, so that every server reads the same.

use crate::{
    checkpoint::metadata,
    lease::ALONE,
    replays::{LogReplay, LogReplays, MOST_REPLAYS},
};
use chrono::{DateTime, Utc};
use domain::{
    EventId,
    connector::{
        LogPosition,
        parked::{Claimed, LogReplayed, ParkedEvent, ParkedRecord, Records, Replayed},
    },
    text::ConnectorId,
};
use journal::{Caller, Journal, JournalError, Kept, Record, Recorded};

use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use thiserror::Error;
use uuid::Uuid;

/// How often an append is made again because somebody else was first.
const ATTEMPTS: usize = 16;

/// Which of the parked records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// All of them.
    All,
    /// Those of a part of the log.
    Between {
        /// Behind this position.
        after: Option<LogPosition>,
        /// Up to this one, it included.
        until: Option<LogPosition>,
    },
    /// These.
    These(Vec<EventId>),
}

/// The records of a connector that are set aside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParkedRecords {
    /// By their events' ids.
    pub records: BTreeMap<EventId, ParkedState>,
    /// The number of the stream's last event.
    pub revision: Option<u64>,
    /// The parts of the log that are to be delivered again.
    pub log_replays: LogReplays,
    /// The number of the last claim, and the term of whoever wrote there last.
    claimed: Option<u64>,
    term: Option<u64>,
    commands: BTreeMap<Uuid, usize>,
}

/// A record that is set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkedState {
    /// The record.
    pub record: ParkedRecord,
    /// When it was parked.
    pub since: DateTime<Utc>,
    /// Whether somebody wants it delivered again.
    pub is_wanted: bool,
}

/// Why parked records could not be read or changed.
#[derive(Debug, Error)]
pub enum ParkedError {
    /// Some of them are not parked.
    #[error("{0} is not parked; `peerage connector parked` lists what is")]
    NotParked(EventId),
    /// There are more than a connector may have.
    #[error(
        "{parked} records are parked, of {} at most; replay or discard some",
        ParkedRecords::MOST
    )]
    TooMany {
        /// How many.
        parked: usize,
    },
    /// As many parts of the log as may be are to be delivered again.
    #[error("{MOST_REPLAYS} parts of the log wait already; let them end, or end them")]
    TooManyReplays,
    /// Another server has taken the connector over.
    #[error("another server has taken the connector over")]
    Fenced,
    /// Others are always first.
    #[error("the connector's parked records are changed by others all the time")]
    Contention,
    /// It cannot be written down.
    #[error("cannot write the event down")]
    Encoding(#[source] serde_json::Error),
    /// The store did not answer as it should.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// Reads an event of parked records; nothing if this version does not know it.
fn read(event_type: &str, data: &[u8]) -> Option<ParkedEvent> {
    let data: Value = serde_json::from_slice(data).ok()?;
    serde_json::from_value(json!({ "type": event_type, "data": data })).ok()
}

/// An event, ready to be put on record.
pub(crate) fn record(
    event: &ParkedEvent,
    (stream, after): (&str, Option<u64>),
    caller: Option<&Caller>,
    now: DateTime<Utc>,
) -> Result<Record, ParkedError> {
    let tagged = serde_json::to_value(event).map_err(ParkedError::Encoding)?;
    let data = tagged.get("data").cloned().unwrap_or_else(|| json!({}));
    let metadata = metadata(stream, after, &data, now);
    let mut metadata = metadata.map_err(ParkedError::Encoding)?;
    if let Some(caller) = caller {
        metadata.command_id = caller.command_id;
        metadata.correlation_id = caller.correlation_id.unwrap_or(caller.command_id.0);
        metadata.causation_id = caller.command_id.0;
        metadata.actor = caller.actor.clone();
        metadata.reason = caller.reason.clone();
        metadata.ticket = caller.ticket.clone();
        metadata.traceparent = caller.traceparent.clone();
    }
    Ok(Record {
        event_type: event.name(),
        data,
        metadata,
    })
}

impl ParkedRecords {
    /// The most that one connector may have. With more it fails: the endpoint takes none of them.
    pub const MOST: usize = 10_000;

    /// Those of this connector.
    pub async fn of(journal: &Journal, id: &ConnectorId) -> Result<Self, JournalError> {
        let mut this = Self::default();
        for kept in journal.records(&id.parked()).await? {
            this.apply(&kept);
        }
        Ok(this)
    }

    pub(crate) fn apply(&mut self, kept: &Kept) {
        self.revision = Some(kept.revision);
        // What a later version writes is nothing that this one could act on.
        let Some(event) = read(&kept.event_type, &kept.data) else {
            return;
        };
        let mut touched = 0;
        match event {
            ParkedEvent::ConnectorRecordParked(record) => {
                self.term = Some(record.term);
                let parked = ParkedState {
                    since: kept.time,
                    is_wanted: false,
                    record,
                };
                self.records.insert(parked.record.event_id, parked);
            }
            ParkedEvent::ConnectorReplayRequested(Records { records }) => {
                touched = records.len();
                for id in records {
                    if let Some(parked) = self.records.get_mut(&id) {
                        parked.is_wanted = true;
                    }
                }
            }
            ParkedEvent::ConnectorRecordReplayed(Replayed { event_id, term }) => {
                self.term = Some(term);
                self.records.remove(&event_id);
            }
            ParkedEvent::ConnectorRecordsDiscarded(Records { records }) => {
                touched = records.len();
                for id in records {
                    self.records.remove(&id);
                }
            }
            ParkedEvent::ConnectorParkedClaimed(Claimed { term }) => {
                (self.term, self.claimed) = (Some(term), Some(kept.revision));
            }
            ParkedEvent::ConnectorLogReplayRequested(wanted) => {
                touched = usize::try_from(wanted.records).unwrap_or(usize::MAX);
                let replay = LogReplay {
                    id: wanted.replay_id,
                    range: wanted.range,
                    records: wanted.records,
                    position: None,
                    revision: kept.revision,
                };
                self.log_replays.insert(replay.id, replay);
            }
            ParkedEvent::ConnectorLogReplayed(it) => {
                self.term = Some(it.term);
                if it.is_done {
                    self.log_replays.remove(&it.replay_id);
                } else if let Some(replay) = self.log_replays.get_mut(&it.replay_id) {
                    replay.position = Some(it.position);
                }
            }
            ParkedEvent::ConnectorLogReplaysEnded {} => {
                touched = self.log_replays.len();
                self.log_replays.clear();
            }
        }
        if let Some(metadata) = &kept.metadata {
            self.commands.insert(metadata.command_id.0, touched);
        }
    }

    /// What a command came to that was carried out before.
    pub(crate) fn answered(&self, caller: &Caller) -> Option<usize> {
        self.commands.get(&caller.command_id.0).copied()
    }

    /// How many are meant.
    pub fn meant(&self, which: &Which) -> usize {
        self.chosen(which).map_or(0, |it| it.len())
    }

    /// Those that are meant, all of which are parked.
    pub(crate) fn chosen(&self, which: &Which) -> Result<Vec<EventId>, ParkedError> {
        match which {
            Which::All => Ok(self.records.keys().copied().collect()),
            Which::Between { after, until } => {
                let is_meant = |it: &&ParkedState| {
                    let at = it.record.position;
                    after.is_none_or(|it| it < at) && until.is_none_or(|it| at <= it)
                };
                let meant = self.records.values().filter(is_meant);
                Ok(meant.map(|it| it.record.event_id).collect())
            }
            Which::These(wanted) => {
                let unknown = |it: &&EventId| !self.records.contains_key(it);
                match wanted.iter().find(unknown) {
                    Some(unknown) => Err(ParkedError::NotParked(*unknown)),
                    None => Ok(wanted.clone()),
                }
            }
        }
    }
}

/// Which records are set aside, after this one more event of such a stream.
pub(crate) fn note(parked: &mut BTreeSet<EventId>, recorded: &Recorded) {
    match read(recorded.event_type(), &recorded.data) {
        Some(ParkedEvent::ConnectorRecordParked(record)) => {
            parked.insert(record.event_id);
        }
        Some(ParkedEvent::ConnectorRecordReplayed(Replayed { event_id, .. })) => {
            parked.remove(&event_id);
        }
        Some(ParkedEvent::ConnectorRecordsDiscarded(Records { records })) => {
            parked.retain(|it| !records.contains(it));
        }
        Some(
            ParkedEvent::ConnectorReplayRequested(_)
            | ParkedEvent::ConnectorParkedClaimed(_)
            | ParkedEvent::ConnectorLogReplayRequested(_)
            | ParkedEvent::ConnectorLogReplayed(_)
            | ParkedEvent::ConnectorLogReplaysEnded {},
        )
        | None => {}
    }
}

/// The parked records of one connector, as its holder writes them.
#[derive(Debug)]
pub(crate) struct ParkLog {
    journal: Journal,
    id: ConnectorId,
    term: u64,
    pub(crate) parked: ParkedRecords,
}

impl ParkLog {
    /// Takes them over as they were read: who had them before cannot write any more.
    pub(crate) async fn claim(
        (journal, id): (&Journal, &ConnectorId),
        parked: ParkedRecords,
        term: u64,
        now: DateTime<Utc>,
    ) -> Result<Self, ParkedError> {
        let mut this = Self {
            journal: journal.clone(),
            id: id.clone(),
            term,
            parked,
        };
        // Terms of another store are on record too, where a history has moved: they say who wrote,
        // and which of two is the later one says the stream alone.
        let is_mine = this.parked.term.map_or(term == ALONE, |it| it == term);
        if !is_mine {
            this.write(ParkedEvent::ConnectorParkedClaimed(Claimed { term }), now)
                .await?;
        }
        Ok(this)
    }

    /// Reads on: somebody may have asked for something, or have taken the connector over.
    pub(crate) async fn refresh(&mut self) -> Result<(), ParkedError> {
        let claimed = self.parked.claimed;
        let from = self.parked.revision.map_or(0, |it| it + 1);
        for kept in self.journal.records_from(&self.id.parked(), from).await? {
            self.parked.apply(&kept);
        }
        let is_mine = self.parked.claimed == claimed || self.parked.term == Some(self.term);
        if is_mine {
            Ok(())
        } else {
            Err(ParkedError::Fenced)
        }
    }

    /// Sets a record aside.
    pub(crate) async fn park(
        &mut self,
        record: ParkedRecord,
        now: DateTime<Utc>,
    ) -> Result<(), ParkedError> {
        let is_known = self.parked.records.contains_key(&record.event_id);
        let parked = self.parked.records.len();
        if !is_known && parked >= ParkedRecords::MOST {
            return Err(ParkedError::TooMany { parked });
        }
        self.write(ParkedEvent::ConnectorRecordParked(record), now)
            .await
    }

    /// A record that was set aside was delivered.
    pub(crate) async fn replayed(
        &mut self,
        event_id: EventId,
        now: DateTime<Utc>,
    ) -> Result<(), ParkedError> {
        let term = self.term;
        self.write(
            ParkedEvent::ConnectorRecordReplayed(Replayed { event_id, term }),
            now,
        )
        .await
    }

    /// So much of a part of the log is dealt with.
    pub(crate) async fn log_replayed(
        &mut self,
        replay_id: Uuid,
        position: LogPosition,
        is_done: bool,
        now: DateTime<Utc>,
    ) -> Result<(), ParkedError> {
        let replayed = LogReplayed {
            replay_id,
            position,
            is_done,
            term: self.term,
        };
        self.write(ParkedEvent::ConnectorLogReplayed(replayed), now)
            .await
    }

    /// Whether a lane has a record that is set aside.
    pub(crate) fn holds(&self, lane: &str) -> bool {
        self.parked
            .records
            .values()
            .any(|it| it.record.lane == lane)
    }

    async fn write(&mut self, event: ParkedEvent, now: DateTime<Utc>) -> Result<(), ParkedError> {
        for _ in 0..ATTEMPTS {
            let (stream, after) = (self.id.parked(), self.parked.revision);
            let record = record(&event, (&stream, after), None, now)?;
            let appended = self.journal.record(&stream, after, &[record]).await?;
            if let Some(revision) = appended {
                let written = self.journal.event_at(&stream, revision).await?;
                if let Some(written) = written {
                    self.parked.apply(&written);
                }
                return Ok(());
            }
            self.refresh().await?;
        }
        Err(ParkedError::Contention)
    }
}
