//! A subscription to one stream.

use std::ops::RangeInclusive;

use async_stream::try_stream;

use super::{
    Message, Messages, Reached, ReadError, Reader, Resolved, StreamStart,
    links::Links,
    page::{PAGE_EVENTS, Page, Wanted},
    shelves::Next,
};
use crate::{
    engine::Visibility,
    log::Direction,
    model::{StreamName, TOMBSTONE_NUMBER, Ticks},
};

/// No number at all.
#[allow(clippy::reversed_empty_ranges, reason = "the empty range is meant")]
const NONE: RangeInclusive<u64> = 1..=0;

/// What is asked of a subscription to a stream.
#[derive(Debug, Clone)]
pub(crate) struct StreamSubscription {
    pub(crate) stream: StreamName,
    pub(crate) start: StreamStart,
    pub(crate) links: Links,
}

impl Reader {
    /// Follows a stream: what can be seen of it, `CaughtUp`, then what comes. Ends with an error
    /// only.
    ///
    /// A deleted stream is an error before anything is yielded. A missing one is waited for.
    pub(crate) async fn subscribe_stream(
        &self,
        asked: StreamSubscription,
    ) -> Result<Messages, ReadError> {
        let mut end = self.end.clone();
        end.mark_unchanged();
        let (stream, start) = (asked.stream.clone(), asked.start);
        let first = self
            .blocking(move |reader| reader.first_number(&stream, start))
            .await?;
        let reader = self.clone();
        Ok(Box::pin(try_stream! {
            yield Message::Confirmed { subscription: (reader.new_id)() };
            let (mut next, mut is_live) = (first, false);
            loop {
                if is_live && !reader.may_have(&asked.stream, next) {
                    reader.grown(&mut end).await?;
                    continue;
                }
                let (page, last) = match is_live {
                    false => reader.visible_page(&asked, next).await?,
                    true => (reader.live_page(&asked, next).await?, None),
                };
                let (mut complete, mut reached) = (page.complete, page.reached);
                let (page, mut delivered) = (reader.shelves.put(page.events, Resolved::len), None);
                loop {
                    match page.next() {
                        Next::Item(event) => {
                            delivered = event.number();
                            yield Message::Event(event);
                        }
                        Next::End => break,
                        Next::Dropped => {
                            (complete, reached) = (false, delivered);
                            break;
                        }
                    }
                }
                next = after(&asked.stream, reached, next)?;
                if !complete {
                    continue;
                }
                if is_live {
                    reader.grown(&mut end).await?;
                } else {
                    // What was hidden when it was looked at stays hidden.
                    next = next.max(last.map_or(0, |last| last + 1));
                    let reached = Reached::Stream(last);
                    yield Message::CaughtUp { reached, at: reader.now() };
                    is_live = true;
                }
            }
        }))
    }

    fn first_number(&self, stream: &StreamName, start: StreamStart) -> Result<u64, ReadError> {
        if self.look_at(stream)?.visibility == Visibility::Deleted {
            return Err(ReadError::StreamDeleted(stream.clone()));
        }
        Ok(match start {
            StreamStart::Start => 0,
            StreamStart::Revision(number) => number.saturating_add(1),
            StreamStart::End => self.heads.get(stream)?.last.map_or(0, |last| last + 1),
        })
    }

    /// The next events of those that can be seen now, and the number of the stream's last event
    /// now.
    async fn visible_page(
        &self,
        asked: &StreamSubscription,
        next: u64,
    ) -> Result<(Page, Option<u64>), ReadError> {
        let asked = asked.clone();
        self.blocking(move |reader| {
            let last = reader.heads.get(&asked.stream)?.last;
            let seen = reader.look_at(&asked.stream)?;
            let numbers = match (seen.visibility, last) {
                (Visibility::Present { from, .. }, Some(last)) => next.max(from)..=last,
                (Visibility::Deleted, _) => TOMBSTONE_NUMBER..=TOMBSTONE_NUMBER,
                (Visibility::Missing | Visibility::Present { .. }, _) => NONE,
            };
            let since = reader.cutoff(&seen);
            Ok((reader.page(&asked.page(numbers, since))?, last))
        })
        .await
    }

    /// The next events, whatever truncation has hidden of them since they were written.
    async fn live_page(&self, asked: &StreamSubscription, next: u64) -> Result<Page, ReadError> {
        let wanted = asked.page(next..=TOMBSTONE_NUMBER, None);
        self.blocking(move |reader| reader.page(&wanted)).await
    }

    /// Whether it is worth looking for an event with this number or a greater one.
    fn may_have(&self, stream: &StreamName, number: u64) -> bool {
        self.heads
            .kept(stream)
            .is_none_or(|head| head.tombstoned || head.last.is_some_and(|last| last >= number))
    }
}

impl StreamSubscription {
    fn page(&self, numbers: RangeInclusive<u64>, since: Option<Ticks>) -> Wanted {
        Wanted {
            stream: self.stream.clone(),
            numbers,
            direction: Direction::Forwards,
            limit: PAGE_EVENTS,
            links: self.links,
            since,
        }
    }
}

/// The number after the last one of a page. A tombstone ends the subscription.
fn after(stream: &StreamName, reached: Option<u64>, next: u64) -> Result<u64, ReadError> {
    match reached {
        Some(TOMBSTONE_NUMBER) => Err(ReadError::StreamDeleted(stream.clone())),
        Some(reached) => Ok(reached + 1),
        None => Ok(next),
    }
}
