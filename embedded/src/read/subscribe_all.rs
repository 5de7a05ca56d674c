//! A subscription to `$all`.

use std::{sync::Arc, time::Duration};

use async_stream::try_stream;
use tokio::time::Instant;

use super::{
    AllStart, Filter, Message, Messages, Reached, ReadError, Reader,
    all::{Scanned, Seen},
    links::Links,
    shelves::Next,
};
use crate::{log::Direction, model::Position};

/// What is asked of a subscription to `$all`.
#[derive(Debug, Clone)]
pub(crate) struct AllSubscription {
    pub(crate) start: AllStart,
    pub(crate) links: Links,
    pub(crate) filter: Option<(Arc<Filter>, Checkpoints)>,
}

/// How often a filtered subscription says how far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Checkpoints {
    /// After this many events, matching or not.
    pub(crate) interval: u64,
}

/// How far a subscription has come.
#[derive(Debug)]
struct Progress {
    next: Position,
    /// The last event that was considered, or where the subscription started.
    considered: Option<Position>,
    /// What the last checkpoint, or the start, covers.
    covered: Option<Position>,
    since_checkpoint: u64,
}

/// So often a live subscription looks at the log at most: a look costs as much as some events in
/// it. What comes alone is seen at once, and a crowd of groups together.
const PACE: Duration = Duration::from_millis(2);

impl Reader {
    /// Follows `$all`: what is there, `CaughtUp`, then what comes. Ends with an error only.
    pub(crate) fn subscribe_all(&self, asked: AllSubscription) -> Messages {
        let reader = self.clone();
        Box::pin(try_stream! {
            yield Message::Confirmed { subscription: (reader.new_id)() };
            let mut end = reader.end.clone();
            let mut progress = reader.begin(asked.start).await?;
            let mut live = false;
            let mut looked: Option<Instant> = None;
            loop {
                let to = *end.borrow_and_update();
                while progress.next < to {
                    let scanned = reader.scan_on(&asked, progress.next, to).await?;
                    let (next, page) = (scanned.next(to), reader.shelves.put(scanned.seen, Seen::len));
                    loop {
                        match page.next() {
                            Next::Item(seen) => {
                                progress.next = seen.position.next();
                                if let Some(event) = seen.event {
                                    yield Message::Event(event);
                                }
                                if progress.consider(seen.position, asked.filter.as_ref()) {
                                    yield reader.checkpoint(seen.position);
                                }
                            }
                            Next::End => {
                                progress.next = next;
                                break;
                            }
                            Next::Dropped => break,
                        }
                    }
                }
                if !live && progress.next >= *end.borrow() {
                    live = true;
                    if let Some(position) = progress.uncovered(asked.filter.is_some()) {
                        yield reader.checkpoint(position);
                    }
                    progress.since_checkpoint = 0;
                    let reached = Reached::All(progress.considered);
                    yield Message::CaughtUp { reached, at: reader.now() };
                }
                reader.grown(&mut end).await?;
                if let Some(looked) = looked {
                    reader.until(looked + PACE).await?;
                }
                looked = Some(Instant::now());
            }
        })
    }

    /// Where the subscription goes on from. A made-up position is refused, as on a real server
    /// after the confirmation.
    async fn begin(&self, start: AllStart) -> Result<Progress, ReadError> {
        let (next, start) = match start {
            AllStart::Start => (Position::START, None),
            AllStart::End => {
                let end = self.end();
                (end, self.last_before(end).await?)
            }
            AllStart::Position { commit, prepare } => {
                let valid = self
                    .blocking(move |reader| reader.is_boundary(commit))
                    .await?;
                if !valid {
                    return Err(ReadError::NoRecord(commit));
                }
                match prepare < commit {
                    true => (commit, None),
                    false => (commit.next(), Some(commit)),
                }
            }
        };
        Ok(Progress {
            next,
            considered: start,
            covered: start,
            since_checkpoint: 0,
        })
    }

    async fn last_before(&self, end: Position) -> Result<Option<Position>, ReadError> {
        let scan = move |reader: &Self| {
            reader.scan_all(
                Position::START,
                end,
                Direction::Backwards,
                1,
                Links::Kept,
                None,
            )
        };
        Ok(self
            .blocking(scan)
            .await?
            .seen
            .first()
            .map(|seen| seen.position))
    }

    async fn scan_on(
        &self,
        asked: &AllSubscription,
        from: Position,
        to: Position,
    ) -> Result<Scanned, ReadError> {
        let links = asked.links;
        let filter = asked.filter.as_ref().map(|(filter, _)| filter.clone());
        let scan = move |reader: &Self| {
            reader.scan_all(
                from,
                to,
                Direction::Forwards,
                u64::MAX,
                links,
                filter.as_deref(),
            )
        };
        self.blocking(scan).await
    }

    fn checkpoint(&self, position: Position) -> Message {
        Message::Checkpoint {
            position,
            at: self.now(),
        }
    }
}

impl Scanned {
    /// Where a forward scan up to `to` goes on.
    fn next(&self, to: Position) -> Position {
        match self.reached {
            Some(reached) if !self.complete => reached.next(),
            Some(_) | None => to,
        }
    }
}

impl Progress {
    /// Counts an event as considered; whether a checkpoint is due after it.
    fn consider(
        &mut self,
        position: Position,
        filter: Option<&(Arc<Filter>, Checkpoints)>,
    ) -> bool {
        self.considered = Some(position);
        self.since_checkpoint += 1;
        let due =
            filter.is_some_and(|(_, checkpoints)| self.since_checkpoint >= checkpoints.interval);
        if due {
            self.since_checkpoint = 0;
            self.covered = Some(position);
        }
        due
    }

    /// What a filtered subscription has considered since the last checkpoint covered all.
    fn uncovered(&mut self, filtered: bool) -> Option<Position> {
        if !filtered || self.considered <= self.covered {
            return None;
        }
        self.covered = self.considered;
        self.considered
    }
}
