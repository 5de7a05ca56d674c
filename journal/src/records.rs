//! Streams that are no network's: what the program puts on record of itself. They are small, and
//! read whole.

use crate::{
    Journal, JournalError, Metadata, Position, Recorded,
    calls::{PAGE, Page},
    deadline::Deadline,
    journal::{ENDS_ASKED, FIRST_PAUSE, LONGEST_PAUSE},
    retry,
    wire::Proposed,
};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use domain::{EventId, vocabulary::reads};
use serde_json::Value;
use uuid::Uuid;

/// An event to put on record.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The type as the log names it.
    pub event_type: &'static str,
    /// What the event says, as JSON.
    pub data: Value,
    /// What stands beside it. Its command's id makes the event's.
    pub metadata: Metadata,
}

/// An event that is on record.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// Its number in its stream, from 0.
    pub revision: u64,
    /// Where it is in the store's log.
    pub position: Position,
    /// Its id.
    pub event_id: EventId,
    /// The type as the log names it.
    pub event_type: String,
    /// Its data as stored.
    pub data: Bytes,
    /// `None` if there is none or it is not ours.
    pub metadata: Option<Metadata>,
    /// When it was decided, or else when it was written.
    pub time: DateTime<Utc>,
}

impl Journal {
    /// Everything in this stream, oldest first.
    pub async fn records(&self, stream: &str) -> Result<Vec<Kept>, JournalError> {
        self.records_from(stream, 0).await
    }

    /// The same from this number on.
    pub async fn records_from(
        &self,
        stream: &str,
        mut from: u64,
    ) -> Result<Vec<Kept>, JournalError> {
        let deadline = Deadline::after(self.settings().command_deadline, "read records");
        let mut all = Vec::new();
        loop {
            let page = self.store().read_raw(stream, from, PAGE, &deadline).await?;
            let Page::Found { events, last } = page else {
                return Ok(all);
            };
            let reached = events.last().map(|it| it.revision);
            all.extend(events.into_iter().map(kept));
            match reached {
                Some(revision) if revision < last => from = revision + 1,
                Some(_) | None => return Ok(all),
            }
        }
    }

    /// The last event of this stream, if it has one.
    pub async fn latest(&self, stream: &str) -> Result<Option<Kept>, JournalError> {
        let deadline = Deadline::after(self.settings().command_deadline, "read the last record");
        let last = self.store().read_last(stream, &deadline).await?;
        Ok(last.map(kept))
    }

    /// The event of this number in this stream, if there is one.
    pub async fn event_at(
        &self,
        stream: &str,
        revision: u64,
    ) -> Result<Option<Kept>, JournalError> {
        let deadline = Deadline::after(self.settings().command_deadline, "look for an event");
        let page = self
            .store()
            .read_raw(stream, revision, 1, &deadline)
            .await?;
        Ok(match page {
            Page::Missing => None,
            Page::Found { events, .. } => events
                .into_iter()
                .next()
                .filter(|it| it.revision == revision)
                .map(kept),
        })
    }

    /// Whether this event is at its place. One that is not is asked for again, since a node may lag
    /// behind its cluster for a moment; where another event is, none is waited for.
    pub async fn has_event_at(
        &self,
        stream: &str,
        revision: u64,
        event_id: EventId,
        position: Position,
    ) -> Result<bool, JournalError> {
        let mut pauses = retry::pauses(FIRST_PAUSE, LONGEST_PAUSE);
        for asked in 1..=ENDS_ASKED {
            if let Some(found) = self.event_at(stream, revision).await? {
                return Ok(found.event_id == event_id && found.position == position);
            }
            if asked < ENDS_ASKED {
                tokio::time::sleep(pauses.next().unwrap_or(LONGEST_PAUSE)).await;
            }
        }
        Ok(false)
    }

    /// Up to so many events of this stream, from this number on. A stream that does not exist holds
    /// nothing.
    pub async fn read_some(
        &self,
        stream: &str,
        from: u64,
        most: usize,
    ) -> Result<Vec<Recorded>, JournalError> {
        let deadline = Deadline::after(self.settings().command_deadline, "read stream");
        let page = self
            .store()
            .read_page(stream, from, most, &deadline)
            .await?;
        Ok(match page {
            Page::Missing => Vec::new(),
            Page::Found { events, .. } => events,
        })
    }

    /// Tells the store to keep no more than so many events of this stream.
    pub async fn keep_last(&self, stream: &str, most: usize) -> Result<(), JournalError> {
        let deadline = Deadline::after(self.settings().command_deadline, "bound a stream");
        self.store().keep(stream, most, &deadline).await
    }

    /// The number of this stream's last event; `None` if it has none.
    pub async fn last_record(&self, stream: &str) -> Result<Option<u64>, JournalError> {
        let deadline = Deadline::after(self.settings().command_deadline, "read the last record");
        let last = self.store().read_last(stream, &deadline).await?;
        Ok(last.map(|it| it.revision))
    }

    /// Puts these on record after this event (`None`: as the first). `None` if the stream is
    /// elsewhere by now: then nothing was written.
    pub async fn record(
        &self,
        stream: &str,
        after: Option<u64>,
        records: &[Record],
    ) -> Result<Option<u64>, JournalError> {
        let deadline = Deadline::after(self.settings().command_deadline, "record");
        let mut all = Vec::with_capacity(records.len());
        for (index, record) in records.iter().enumerate() {
            let proposed = proposed(index, record).map_err(|error| JournalError::Encoding {
                operation: "record",
                event_type: record.event_type,
                source: error,
            })?;
            all.push(proposed);
        }
        let appended = self.store().append(stream, after, &all, &deadline).await?;
        Ok(appended.ok().map(|it| {
            self.note_recorded(stream, it.position);
            it.revision
        }))
    }
}

fn proposed(index: usize, record: &Record) -> Result<Proposed, serde_json::Error> {
    let data = serde_json::to_vec(&record.data)?;
    let mut name = format!("{index} {}", record.event_type).into_bytes();
    name.extend_from_slice(&data);
    Ok(Proposed {
        id: Uuid::new_v5(&record.metadata.command_id.0, &name),
        event_type: record.event_type,
        vocabulary: reads(record.event_type),
        data: data.into(),
        metadata: serde_json::to_vec(&record.metadata)?.into(),
    })
}

fn kept(raw: crate::codec::Raw) -> Kept {
    let metadata = serde_json::from_slice::<Metadata>(&raw.metadata).ok();
    let decided = metadata.as_ref().and_then(|it| it.time);
    Kept {
        time: decided.unwrap_or_else(|| raw.written()),
        position: raw.position,
        event_id: EventId(raw.event_id),
        revision: raw.revision,
        event_type: raw.event_type,
        data: raw.data,
        metadata,
    }
}
