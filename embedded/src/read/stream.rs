//! A read of one stream, in either direction.

use async_stream::try_stream;

use super::{
    Message, Messages, ReadError, Reader, Resolved,
    links::Links,
    page::{Seen, Wanted},
    shelves::Next,
};
use crate::{
    engine::Visibility,
    log::{Direction, LogError},
    model::{StreamName, Ticks},
};

/// A real server reads pages of this many numbers. It shows in one place: whether the first page is
/// empty.
const FIRST_PAGE: u64 = 32;

/// Where a read of a stream starts, or a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StreamStart {
    Start,
    End,
    Revision(u64),
}

impl StreamStart {
    /// Some clients write the end as the greatest number there is.
    pub(crate) fn at(revision: u64) -> Self {
        match revision {
            u64::MAX => Self::End,
            _ => Self::Revision(revision),
        }
    }
}

/// What is asked of one stream.
#[derive(Debug, Clone)]
pub(crate) struct StreamRead {
    pub(crate) stream: StreamName,
    pub(crate) start: StreamStart,
    pub(crate) direction: Direction,
    pub(crate) count: u64,
    pub(crate) links: Links,
    /// Whether the reader is told the stream's first and last number.
    pub(crate) bounds: Bounds,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bounds {
    Told,
    Untold,
}

/// The numbers a read goes over, and what is said before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Plan {
    from: u64,
    to: u64,
    last: u64,
    since: Option<Ticks>,
    /// Said instead of a first page without events.
    first: Option<u64>,
}

impl Reader {
    /// Reads a stream. A deleted one is an error before anything is yielded.
    pub(crate) async fn read_stream(&self, read: StreamRead) -> Result<Messages, ReadError> {
        let asked = read.clone();
        let plan = self.blocking(move |reader| reader.plan(&asked)).await?;
        let reader = self.clone();
        Ok(Box::pin(try_stream! {
            let Some(mut plan) = plan else {
                yield Message::StreamNotFound;
                return;
            };
            let told = read.bounds == Bounds::Told;
            if let (true, Some(first)) = (told, plan.first) {
                yield Message::FirstStreamPosition(first);
            }
            let mut left = read.count;
            'pages: while left > 0 && plan.from <= plan.to {
                let wanted = plan.page(&read, left);
                let page = reader.blocking(move |reader| reader.page(&wanted)).await?;
                let (mut complete, mut reached) = (page.complete, page.reached);
                let (page, mut delivered) = (reader.shelves.put(page.events, Resolved::len), None);
                loop {
                    match page.next() {
                        Next::Item(event) => {
                            left -= 1;
                            delivered = event.number();
                            yield Message::Event(event);
                        }
                        Next::End => break,
                        Next::Dropped if delivered.is_none() => continue 'pages,
                        Next::Dropped => {
                            (complete, reached) = (false, delivered);
                            break;
                        }
                    }
                }
                match reached {
                    Some(reached) if !complete && plan.go_on(read.direction, reached) => {}
                    Some(_) | None => break,
                }
            }
            if told {
                yield Message::LastStreamPosition(plan.last);
            }
        }))
    }

    /// What to read; none if the stream is missing.
    fn plan(&self, read: &StreamRead) -> Result<Option<Plan>, ReadError> {
        let seen = self.look_at(&read.stream)?;
        match seen.visibility {
            Visibility::Deleted => Err(ReadError::StreamDeleted(read.stream.clone())),
            Visibility::Missing => Ok(None),
            Visibility::Present { from, last } => {
                Ok(Some(self.plan_present(read, &seen, from, last)?))
            }
        }
    }

    fn plan_present(
        &self,
        read: &StreamRead,
        seen: &Seen,
        from: u64,
        last: u64,
    ) -> Result<Plan, LogError> {
        let since = self.cutoff(seen);
        let from = match since {
            Some(cutoff) if from <= last => self.first_alive(&read.stream, from..=last, cutoff)?,
            Some(_) | None => from,
        };
        let start = match (read.start, read.direction) {
            (StreamStart::Start, _) => 0,
            (StreamStart::Revision(number), _) => number,
            (StreamStart::End, Direction::Backwards) => last,
            (StreamStart::End, Direction::Forwards) => last + 1,
        };
        Ok(match read.direction {
            Direction::Forwards => Plan {
                from: start.max(from),
                to: last,
                last,
                since,
                first: empty_first_page(start, read.count, from, last),
            },
            Direction::Backwards => Plan {
                from,
                to: start.min(last),
                last,
                since,
                first: None,
            },
        })
    }
}

impl Plan {
    fn page(&self, read: &StreamRead, left: u64) -> Wanted {
        Wanted {
            stream: read.stream.clone(),
            numbers: self.from..=self.to,
            direction: read.direction,
            limit: usize::try_from(left).unwrap_or(usize::MAX),
            links: read.links,
            since: self.since,
        }
    }

    /// Whether there is more after a page that reached this number.
    fn go_on(&mut self, direction: Direction, reached: u64) -> bool {
        match direction {
            Direction::Forwards => self.from = reached + 1,
            Direction::Backwards => match reached.checked_sub(1) {
                Some(to) => self.to = to,
                None => return false,
            },
        }
        self.from <= self.to
    }
}

/// The first number a reader could have got, if the page it asked for first holds no visible event.
fn empty_first_page(start: u64, count: u64, from: u64, last: u64) -> Option<u64> {
    let page_end = start.saturating_add(count.min(FIRST_PAGE));
    let holds_some = start.max(from) <= last && from < page_end;
    match start {
        _ if holds_some || start == last + 1 => None,
        _ if start > last => Some(last + 1),
        _ => Some(from),
    }
}

#[cfg(test)]
mod tests {
    use super::empty_first_page;

    #[test]
    fn the_first_number_is_told_when_the_first_page_is_empty() {
        for (what, start, count, from, expected) in [
            ("whole stream", 0, 100, 0, None),
            ("next number", 10, 100, 0, None),
            ("far past the end", 500, 100, 0, Some(10)),
            ("truncated, page reaches what is left", 0, 100, 7, None),
            ("truncated, page ends before it", 0, 2, 7, Some(7)),
            ("truncated, from the middle", 2, 3, 7, Some(7)),
            ("truncated, page reaches the first", 2, 3, 4, None),
            ("all truncated", 0, 100, 10, Some(10)),
            ("truncated beyond one page", 0, u64::MAX, 40, Some(40)),
        ] {
            let last = if from == 40 { 50 } else { 9 };
            assert_eq!(
                empty_first_page(start, count, from, last),
                expected,
                "{what}"
            );
        }
    }
}
