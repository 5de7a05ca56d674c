//! A page of one stream's events.

use std::ops::RangeInclusive;

use chrono::TimeDelta;

use super::{ReadError, Reader, Resolved, links::Links};
use crate::{
    engine::{Visibility, expired_before},
    log::{Direction, IndexEntry, LogError},
    model::{Record, StreamName, Ticks},
};

/// A page ends at this many events or bytes, or at fewer where many are held.
pub(super) const PAGE_EVENTS: usize = 512;
pub(super) const PAGE_BYTES: usize = 1 << 20;

/// A stream as a reader finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) visibility: Visibility,
    pub(super) max_age: Option<TimeDelta>,
}

/// Some events of a stream, in the order they were asked for.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) events: Vec<Resolved>,
    /// The number of the last of them.
    pub(super) reached: Option<u64>,
    /// Whether the range is read to its end.
    pub(super) complete: bool,
}

/// Which events of a stream a page is to hold.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) stream: StreamName,
    pub(super) numbers: RangeInclusive<u64>,
    pub(super) direction: Direction,
    pub(super) limit: usize,
    pub(super) links: Links,
    /// Only events at least this young.
    pub(super) since: Option<Ticks>,
}

impl Seen {
    /// The numbers that can be seen, age apart.
    pub(super) fn numbers(&self) -> Option<RangeInclusive<u64>> {
        match self.visibility {
            Visibility::Present { from, last } => Some(from..=last),
            Visibility::Missing | Visibility::Deleted => None,
        }
    }
}

impl Reader {
    /// What can be seen of a stream. A metadata stream is deleted with the stream it describes.
    pub(super) fn look_at(&self, stream: &StreamName) -> Result<Seen, LogError> {
        let metadata = self.heads.metadata(stream)?;
        let described = match stream.described_stream() {
            Some(described) => Some(self.heads.get(&described)?),
            None => None,
        };
        let visibility = match described {
            Some(described) if described.tombstoned => Visibility::Deleted,
            Some(_) | None => Visibility::of(&self.heads.get(stream)?, &metadata),
        };
        Ok(Seen {
            visibility,
            max_age: metadata.max_age,
        })
    }

    /// The time before which events of a stream are too old to be seen.
    pub(super) fn cutoff(&self, seen: &Seen) -> Option<Ticks> {
        expired_before(seen.max_age, self.now())
    }

    /// The first number from `from` on whose event is young enough: events grow younger with their
    /// numbers.
    pub(super) fn first_alive(
        &self,
        stream: &StreamName,
        numbers: RangeInclusive<u64>,
        cutoff: Ticks,
    ) -> Result<u64, LogError> {
        let (mut old, mut alive) = (*numbers.start(), numbers.end().saturating_add(1));
        while old < alive {
            let middle = old + (alive - old) / 2;
            let entries =
                self.log
                    .entries(stream, middle..=*numbers.end(), Direction::Forwards, 1)?;
            match entries.first() {
                Some(entry) if entry.created < cutoff => old = entry.number + 1,
                Some(_) | None => alive = middle,
            }
        }
        Ok(alive)
    }

    pub(super) fn page(&self, wanted: &Wanted) -> Result<Page, ReadError> {
        let limit = wanted.limit.min(PAGE_EVENTS);
        let entries = self.log.entries(
            &wanted.stream,
            wanted.numbers.clone(),
            wanted.direction,
            limit,
        )?;
        let mut page = Page {
            events: Vec::with_capacity(entries.len()),
            reached: None,
            complete: entries.len() < limit,
        };
        let (mut bytes, most) = (0, self.shelves.page_bytes());
        for entry in entries {
            if bytes >= most {
                page.complete = false;
                break;
            }
            page.reached = Some(entry.number);
            if wanted.since.is_some_and(|since| entry.created < since) {
                continue;
            }
            if let Some(record) = self.record_of(&wanted.stream, entry)? {
                let event = self.resolved(record, wanted.links)?;
                bytes += event.len();
                page.events.push(event);
            }
        }
        Ok(page)
    }

    /// The record an entry points at; none if both have been removed since the entry was read.
    fn record_of(
        &self,
        stream: &StreamName,
        entry: IndexEntry,
    ) -> Result<Option<Record>, LogError> {
        match self.log.record(entry.position)? {
            Some(record) if record.is_marker() => Ok(None),
            Some(record) => Ok(Some(record)),
            None if self.log.entry(stream, entry.number)?.is_none() => Ok(None),
            None => Err(LogError::Dangling(entry.position)),
        }
    }
}
