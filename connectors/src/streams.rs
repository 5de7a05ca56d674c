//! Parked records of all connectors, read on where they were read last: a stream's history is read
//! whole once, not each time that somebody looks.

use crate::{
    parked::{ParkedError, ParkedRecords, Which, record},
    replays::MOST_REPLAYS,
};
use chrono::{DateTime, Utc};
use domain::{
    EventId,
    connector::parked::{LogRange, LogReplayWanted, ParkedEvent, Records},
    text::ConnectorId,
};
use journal::{Caller, Journal, JournalError};
use std::{collections::HashMap, sync::Arc};
use tokio::sync::Mutex;

/// How often an append is made again because somebody else was first.
const ATTEMPTS: usize = 16;

/// How many parked records are remembered, of all connectors together.
const REMEMBERED: usize = 20_000;

/// The parked records of all connectors of a store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ParkedStreams {
    journal: Journal,
    known: Arc<Mutex<HashMap<ConnectorId, Known>>>,
}

/// What was read of a stream, and its last event: in another log it is another one.
#[derive(Clone, Debug)]
struct Known {
    records: ParkedRecords,
    last: EventId,
}

impl ParkedStreams {
    /// Those of this store.
    pub fn new(journal: Journal) -> Self {
        Self {
            journal,
            known: Arc::default(),
        }
    }

    /// Those of one connector, as they are now.
    pub async fn of(&self, id: &ConnectorId) -> Result<ParkedRecords, JournalError> {
        let mut known = self.known.lock().await;
        let before = known.remove(id);
        let read = self.read_on(id, before).await?;
        let Some(read) = read else {
            return Ok(ParkedRecords::default());
        };
        let records = read.records.clone();
        let others: usize = known.values().map(|it| it.records.records.len()).sum();
        if others + records.records.len() > REMEMBERED {
            known.clear();
        }
        known.insert(id.clone(), read);
        Ok(records)
    }

    async fn read_on(
        &self,
        id: &ConnectorId,
        before: Option<Known>,
    ) -> Result<Option<Known>, JournalError> {
        let stream = id.parked();
        if let Some(mut before) = before
            && let Some(revision) = before.records.revision
        {
            let news = self.journal.records_from(&stream, revision).await?;
            // The last one that is known comes first; anything else is another log.
            if let Some((known, news)) = news.split_first()
                && known.event_id == before.last
            {
                for kept in news {
                    before.records.apply(kept);
                    before.last = kept.event_id;
                }
                return Ok(Some(before));
            }
        }
        let all = self.journal.records(&stream).await?;
        let mut records = ParkedRecords::default();
        for kept in &all {
            records.apply(kept);
        }
        Ok(all.last().map(|it| Known {
            records,
            last: it.event_id,
        }))
    }

    /// Asks for some to be delivered again; how many. The same command again asks for nothing more.
    pub async fn replay(
        &self,
        id: &ConnectorId,
        which: &Which,
        caller: &Caller,
        now: DateTime<Utc>,
    ) -> Result<usize, ParkedError> {
        let event = |records| ParkedEvent::ConnectorReplayRequested(Records { records });
        self.ask(id, which, caller, now, event).await
    }

    /// Gives some up; how many. The same command again gives up nothing more.
    pub async fn discard(
        &self,
        id: &ConnectorId,
        which: &Which,
        caller: &Caller,
        now: DateTime<Utc>,
    ) -> Result<usize, ParkedError> {
        let event = |records| ParkedEvent::ConnectorRecordsDiscarded(Records { records });
        self.ask(id, which, caller, now, event).await
    }

    async fn ask(
        &self,
        id: &ConnectorId,
        which: &Which,
        caller: &Caller,
        now: DateTime<Utc>,
        event: impl Fn(Vec<EventId>) -> ParkedEvent,
    ) -> Result<usize, ParkedError> {
        for _ in 0..ATTEMPTS {
            let parked = self.of(id).await?;
            if let Some(known) = parked.answered(caller) {
                return Ok(known);
            }
            let records = parked.chosen(which)?;
            if records.is_empty() {
                return Ok(0);
            }
            let many = records.len();
            if self
                .append(id, &parked, &event(records), caller, now)
                .await?
            {
                return Ok(many);
            }
        }
        Err(ParkedError::Contention)
    }

    /// Asks for a part of the log to be delivered again, of which there are so many records. The
    /// same command again asks for nothing more.
    pub async fn replay_log(
        &self,
        id: &ConnectorId,
        range: &LogRange,
        records: u64,
        caller: &Caller,
        now: DateTime<Utc>,
    ) -> Result<u64, ParkedError> {
        for _ in 0..ATTEMPTS {
            let parked = self.of(id).await?;
            if let Some(known) = parked.answered(caller) {
                return Ok(known as u64);
            }
            if parked.log_replays.len() >= MOST_REPLAYS {
                return Err(ParkedError::TooManyReplays);
            }
            let event = ParkedEvent::ConnectorLogReplayRequested(LogReplayWanted {
                replay_id: caller.command_id.0,
                range: range.clone(),
                records,
            });
            if self.append(id, &parked, &event, caller, now).await? {
                return Ok(records);
            }
        }
        Err(ParkedError::Contention)
    }

    /// Ends what is under way or waits of that; how many there were.
    pub async fn end_log_replays(
        &self,
        id: &ConnectorId,
        caller: &Caller,
        now: DateTime<Utc>,
    ) -> Result<u64, ParkedError> {
        for _ in 0..ATTEMPTS {
            let parked = self.of(id).await?;
            if let Some(known) = parked.answered(caller) {
                return Ok(known as u64);
            }
            let many = parked.log_replays.len();
            if many == 0 {
                return Ok(0);
            }
            let event = ParkedEvent::ConnectorLogReplaysEnded {};
            if self.append(id, &parked, &event, caller, now).await? {
                return Ok(many as u64);
            }
        }
        Err(ParkedError::Contention)
    }

    async fn append(
        &self,
        id: &ConnectorId,
        parked: &ParkedRecords,
        event: &ParkedEvent,
        caller: &Caller,
        now: DateTime<Utc>,
    ) -> Result<bool, ParkedError> {
        let (stream, after) = (id.parked(), parked.revision);
        let record = record(event, (&stream, after), Some(caller), now)?;
        let appended = self.journal.record(&stream, after, &[record]).await?;
        Ok(appended.is_some())
    }
}
