//! A read of `$all`, in either direction, and the scan that subscriptions share with it.

use std::{ops::ControlFlow, sync::Arc};

use async_stream::try_stream;

use super::{Filter, Message, Messages, ReadError, Reader, Resolved, links::Links, shelves::Next};
use crate::{
    log::Direction,
    model::{Position, Record},
};

/// A scan ends after this many records, matching or not.
const SCAN_RECORDS: usize = 4096;
/// A scan ends after this many events to deliver.
const SCAN_EVENTS: usize = 1024;

/// Where a read of `$all` starts, or a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AllStart {
    Start,
    End,
    /// A pair of numbers: a subscription from (C, 0) delivers the event at C, one from (C, C) does
    /// not.
    Position {
        commit: Position,
        prepare: Position,
    },
}

/// What is asked of `$all`.
#[derive(Debug, Clone)]
pub(crate) struct AllRead {
    pub(crate) start: AllStart,
    pub(crate) direction: Direction,
    pub(crate) count: u64,
    pub(crate) links: Links,
    pub(crate) filter: Option<Arc<Filter>>,
}

/// What a scan came past.
#[derive(Debug)]
pub(super) struct Scanned {
    /// The events to deliver, in order, each with how many records were considered since the one
    /// before.
    pub(super) seen: Vec<Seen>,
    /// The last record that was looked at.
    pub(super) reached: Option<Position>,
    /// Whether the range was scanned to its end.
    pub(super) complete: bool,
}

/// A record that readers may see.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) position: Position,
    /// The event, if it passes the filter.
    pub(super) event: Option<Resolved>,
}

impl Seen {
    /// How many bytes of the log it holds in memory.
    pub(super) fn len(&self) -> usize {
        self.event.as_ref().map_or(0, Resolved::len)
    }
}

impl Reader {
    /// Reads `$all`. A position at which no record stands is an error before anything is yielded.
    pub(crate) async fn read_all(&self, read: AllRead) -> Result<Messages, ReadError> {
        let end = self.end();
        let (mut from, mut to) = range(&read, end);
        if let AllStart::Position { commit, .. } = read.start {
            let past_end = commit > end && read.direction == Direction::Backwards;
            let valid = self
                .blocking(move |reader| reader.is_boundary(commit))
                .await?;
            if past_end || !valid {
                return Err(ReadError::NoRecord(commit));
            }
        }
        let reader = self.clone();
        Ok(Box::pin(try_stream! {
            let mut left = read.count;
            'pages: while left > 0 && from < to {
                let (links, filter, direction) = (read.links, read.filter.clone(), read.direction);
                let scan = move |reader: &Reader| {
                    reader.scan_all(from, to, direction, left, links, filter.as_deref())
                };
                let scanned = reader.blocking(scan).await?;
                let (mut complete, mut reached) = (scanned.complete, scanned.reached);
                let (page, mut delivered) = (reader.shelves.put(scanned.seen, Seen::len), None);
                loop {
                    match page.next() {
                        Next::Item(seen) => {
                            delivered = Some(seen.position);
                            if let Some(event) = seen.event {
                                left -= 1;
                                yield Message::Event(event);
                            }
                        }
                        Next::End => break,
                        Next::Dropped if delivered.is_none() => continue 'pages,
                        Next::Dropped => {
                            (complete, reached) = (false, delivered);
                            break;
                        }
                    }
                }
                match (complete, reached, read.direction) {
                    (false, Some(reached), Direction::Forwards) => from = reached.next(),
                    (false, Some(reached), Direction::Backwards) => to = reached,
                    (true, _, _) | (_, None, _) => break,
                }
            }
        }))
    }

    /// Whether a client can have been given this position.
    pub(super) fn is_boundary(&self, position: Position) -> Result<bool, ReadError> {
        let outside = position == Position::START || position >= self.end();
        Ok(outside || self.log.record(position)?.is_some())
    }

    /// Scans some records of a range; at most `limit` events pass.
    pub(super) fn scan_all(
        &self,
        from: Position,
        to: Position,
        direction: Direction,
        limit: u64,
        links: Links,
        filter: Option<&Filter>,
    ) -> Result<Scanned, ReadError> {
        let limit = usize::try_from(limit)
            .unwrap_or(usize::MAX)
            .min(SCAN_EVENTS);
        let (mut seen, mut reached, mut failure) = (Vec::new(), None, None);
        let (mut records, mut events, mut bytes, mut complete) = (0, 0, 0, true);
        let most = self.shelves.page_bytes();
        self.log.scan(from, to, direction, &mut |record| {
            if records == SCAN_RECORDS || events == limit || bytes >= most {
                complete = false;
                return ControlFlow::Break(());
            }
            records += 1;
            let position = record.position;
            reached = Some(position);
            if is_hidden(&record) {
                return ControlFlow::Continue(());
            }
            match self.pass(record, links, filter) {
                Ok(event) => {
                    events += usize::from(event.is_some());
                    bytes += event.as_ref().map_or(0, Resolved::len);
                    seen.push(Seen { position, event });
                    ControlFlow::Continue(())
                }
                Err(error) => {
                    failure = Some(error);
                    ControlFlow::Break(())
                }
            }
        })?;
        match failure {
            Some(error) => Err(error),
            None => Ok(Scanned {
                seen,
                reached,
                complete,
            }),
        }
    }

    fn pass(
        &self,
        record: Record,
        links: Links,
        filter: Option<&Filter>,
    ) -> Result<Option<Resolved>, ReadError> {
        let passes = match filter {
            Some(filter) => filter
                .matches(&record)
                .map_err(|error| ReadError::Filter(Arc::new(error)))?,
            None => true,
        };
        Ok(match passes {
            true => Some(self.resolved(record, links)?),
            false => None,
        })
    }
}

/// The half-open range of positions that a read goes over.
fn range(read: &AllRead, end: Position) -> (Position, Position) {
    match (read.direction, read.start) {
        (Direction::Forwards, AllStart::Start) => (Position::START, end),
        (Direction::Forwards, AllStart::End) => (end, end),
        (Direction::Forwards, AllStart::Position { commit, .. }) => (commit, end),
        (Direction::Backwards, AllStart::Start) => (Position::START, Position::START),
        (Direction::Backwards, AllStart::End) => (Position::START, end),
        (Direction::Backwards, AllStart::Position { commit, .. }) => {
            (Position::START, commit.min(end))
        }
    }
}

/// Records that are no event, and the book-keeping of persistent subscriptions to `$all`, which
/// would feed itself.
fn is_hidden(record: &Record) -> bool {
    if record.is_marker() {
        return true;
    }
    let stream = record.stream();
    stream.starts_with("$persistentsubscription-$all::")
        && (stream.ends_with("-checkpoint") || stream.ends_with("-parked"))
}
