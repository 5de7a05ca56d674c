//! Where records are kept: a log ordered by position and, beside it, an index of each stream by
//! event number.
//!
//! Both change together or not at all, a group at a time; once [`Log::commit`] returns the group
//! survives a crash (on disk) and is seen by every reader. There are two: [`DiskLog`] over a
//! storage library, and [`MemoryLog`].

mod disk;
mod error;
mod extent;
mod files;
mod folder;
mod frames;
mod index;
mod memory;

use std::{
    fmt,
    ops::{ControlFlow, RangeInclusive},
};

use bytes::Bytes;
use uuid::Uuid;

pub(crate) use disk::DiskLog;
pub(crate) use error::{LogError, OpenError};
pub(crate) use files::{Depth, Order};
pub(crate) use folder::{FORMAT, files_of, look_over, mark, must_exist, store};
pub(crate) use frames::{anchors, entry, frames, record};
pub(crate) use memory::MemoryLog;

use crate::model::{Position, Record, StreamName, Ticks};

/// Whether an acknowledged append has to survive the machine, or only the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Every group of appends is flushed to the disk before any of them is acknowledged.
    #[default]
    Synced,
    /// Appends are handed to the operating system: they survive the process, not a power failure.
    Unsynced,
}

/// Which way a read goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Forwards,
    Backwards,
}

/// What the index holds of one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IndexEntry {
    pub(crate) number: u64,
    pub(crate) position: Position,
    pub(crate) id: Uuid,
    pub(crate) created: Ticks,
}

/// Records that are written together.
#[derive(Debug, Default)]
pub(crate) struct Group {
    pub(crate) records: Vec<(Position, Bytes)>,
    pub(crate) entries: Vec<(StreamName, IndexEntry)>,
    /// Entries that go.
    pub(crate) removed: Vec<(StreamName, u64)>,
}

/// Receives the records of a scan, and ends it.
pub(crate) type Visitor<'a> = dyn FnMut(Record) -> ControlFlow<()> + 'a;

/// Records by position, and each stream's events by number.
///
/// After a failed `commit` nothing of the group is there, unless the process ends before it is
/// repaired: a group whose commit was not acknowledged may then be there, but wholly.
pub(crate) trait Log: fmt::Debug + Send + Sync {
    fn commit(&self, group: Group) -> Result<(), LogError>;

    /// Notes how far the log has come. Nothing is committed after it.
    fn close(&self) {}

    /// Makes the log usable again after a failed `commit`. The group that failed may be there then,
    /// but only wholly.
    fn recover(&self) -> Result<(), LogError> {
        Ok(())
    }

    /// The record at this position, if a record stands there.
    fn record(&self, position: Position) -> Result<Option<Record>, LogError>;

    /// Passes the records of a half-open range of positions to `visit`, until it breaks.
    fn scan(
        &self,
        from: Position,
        to: Position,
        direction: Direction,
        visit: &mut Visitor<'_>,
    ) -> Result<(), LogError>;

    /// The entry of a stream with this number.
    fn entry(&self, stream: &StreamName, number: u64) -> Result<Option<IndexEntry>, LogError>;

    /// The first entries of a stream in a range of numbers, seen in this direction.
    fn entries(
        &self,
        stream: &StreamName,
        numbers: RangeInclusive<u64>,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<IndexEntry>, LogError>;

    /// The newest entry of a stream up to this number.
    fn last_of(&self, stream: &StreamName, number: u64) -> Result<Option<IndexEntry>, LogError> {
        Ok(self
            .entries(stream, 0..=number, Direction::Backwards, 1)?
            .pop())
    }

    /// Where the next record goes.
    fn end(&self) -> Result<Position, LogError> {
        let mut end = Position::FIRST;
        self.scan(
            Position::START,
            Position::END,
            Direction::Backwards,
            &mut |record| {
                end = record.position.after(record.len());
                ControlFlow::Break(())
            },
        )?;
        Ok(end)
    }
}

#[cfg(test)]
mod tests;
