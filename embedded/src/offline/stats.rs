//! What a data directory holds.

use std::{collections::BTreeSet, ops::ControlFlow, path::Path};

use chrono::{DateTime, Utc};

use super::{Doing, Progress};
use crate::{
    Durability, StartError,
    log::{self, Direction, DiskLog, IndexEntry, Log, LogError},
    model::{Position, Record, StreamMetadata, StreamName, TOMBSTONE_NUMBER},
};

/// The index is told of every so many entries.
const TELL_EVERY: u64 = 10_000;

/// The times of a first and a last event.
type Times = (DateTime<Utc>, DateTime<Utc>);

/// What a data directory holds. System streams are those whose names begin with `$`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stats {
    /// Events that are stored, those of system streams included.
    pub events: u64,
    /// Of them, those of system streams.
    pub system_events: u64,
    /// Streams that have ever been written to and still have an event, system streams apart.
    pub streams: u64,
    /// System streams, those of metadata included.
    pub system_streams: u64,
    /// Streams that were deleted and can be written again.
    pub deleted_streams: u64,
    /// Streams that were deleted for ever.
    pub tombstoned_streams: u64,
    /// The stream with the most events and how many it has.
    pub longest_stream: Option<(String, u64)>,
    /// When the first event that is left was written, and the last.
    pub written: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// Where the log ends: the bytes of all records ever written.
    pub end: u64,
    /// Bytes of all files.
    pub bytes_on_disk: u64,
    /// How many files there are.
    pub files: u64,
}

/// Counts what a data directory holds. Blocks.
pub fn stats(directory: &Path, mut told: impl FnMut(Progress)) -> Result<Stats, StartError> {
    log::must_exist(directory)?;
    let log = DiskLog::open(directory, Durability::Synced)?;
    let failed = |error: LogError| StartError::log(directory.to_owned(), error);
    let mut count = Count::default();
    log.visit_index(&mut |stream, entry| {
        count.see(stream, entry);
        if count.events.is_multiple_of(TELL_EVERY) {
            told(Progress {
                doing: Doing::Index,
                done: count.events,
                of: count.events,
            });
        }
        ControlFlow::Continue(())
    })
    .map_err(failed)?;
    let deleted_streams = count.deleted(&log).map_err(failed)?;
    let written = first_and_last(&log).map_err(failed)?;
    let end = log.end().map_err(failed)?.get();
    drop(log);
    let files = log::files_of(directory).map_err(|source| StartError::Directory {
        path: directory.to_owned(),
        source,
    })?;
    Ok(Stats {
        events: count.events,
        system_events: count.system_events,
        streams: count.streams,
        system_streams: count.system_streams,
        deleted_streams,
        tombstoned_streams: count.tombstoned,
        longest_stream: count.longest,
        written,
        end,
        bytes_on_disk: files.iter().map(|found| found.bytes).sum(),
        files: files.len() as u64,
    })
}

/// The index counted. It comes stream by stream.
#[derive(Default)]
struct Count {
    events: u64,
    system_events: u64,
    streams: u64,
    system_streams: u64,
    tombstoned: u64,
    longest: Option<(String, u64)>,
    current: Option<(String, u64)>,
    /// The newest metadata of each stream that has any.
    metadata: BTreeSet<Position>,
    newest: Option<Position>,
}

impl Count {
    fn see(&mut self, stream: &str, entry: IndexEntry) {
        let is_system = stream.starts_with('$');
        match &mut self.current {
            Some((name, events)) if name == stream => *events += 1,
            Some(_) | None => {
                self.finish_stream();
                self.current = Some((stream.to_owned(), 1));
                *if is_system {
                    &mut self.system_streams
                } else {
                    &mut self.streams
                } += 1;
            }
        }
        self.events += 1;
        self.system_events += u64::from(is_system);
        self.tombstoned += u64::from(entry.number == TOMBSTONE_NUMBER);
        self.newest = StreamName::new(stream)
            .is_metadata()
            .then_some(entry.position);
    }

    fn finish_stream(&mut self) {
        self.metadata.extend(self.newest.take());
        let finished = self.current.take();
        if finished.as_ref().map(|(_, events)| events)
            > self.longest.as_ref().map(|(_, events)| events)
        {
            self.longest = finished;
        }
    }

    /// How many streams their metadata says are deleted.
    fn deleted(&mut self, log: &DiskLog) -> Result<u64, LogError> {
        self.finish_stream();
        let mut deleted = 0;
        for position in &self.metadata {
            let newest = log.record(*position)?;
            deleted += u64::from(
                newest
                    .is_some_and(|record| StreamMetadata::parse(&record.data()).is_soft_deleted()),
            );
        }
        Ok(deleted)
    }
}

fn first_and_last(log: &DiskLog) -> Result<Option<Times>, LogError> {
    let time =
        |record: Record| DateTime::from_timestamp_nanos(record.created.0.saturating_mul(100));
    let one = |direction| -> Result<Option<DateTime<Utc>>, LogError> {
        let mut found = None;
        log.scan(Position::START, Position::END, direction, &mut |record| {
            found = Some(time(record));
            ControlFlow::Break(())
        })?;
        Ok(found)
    };
    Ok(one(Direction::Forwards)?.zip(one(Direction::Backwards)?))
}
