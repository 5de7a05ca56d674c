//! Link events: events that stand for an event of another stream.

use super::Reader;
use crate::{
    engine::expired_before,
    log::LogError,
    model::{Position, Record, StreamName},
};

/// The type of a link event. Its data is `number@stream`.
const LINK: &str = "$>";

/// An event as a reader gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resolved {
    /// The event; the target, if a link was resolved. None if the target cannot be seen.
    pub(crate) event: Option<Record>,
    /// The link, if one was resolved.
    pub(crate) link: Option<Record>,
}

/// Whether links are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Links {
    Kept,
    Resolved,
}

impl Resolved {
    /// Where the event that was read stands: the link, not its target.
    pub(crate) fn position(&self) -> Option<Position> {
        let read = self.link.as_ref().or(self.event.as_ref());
        read.map(|record| record.position)
    }

    /// Its number in the stream that was read.
    pub(super) fn number(&self) -> Option<u64> {
        let read = self.link.as_ref().or(self.event.as_ref());
        read.map(|record| record.number)
    }

    /// How many bytes of the log it holds in memory.
    pub(super) fn len(&self) -> usize {
        let len = |record: &Option<Record>| record.as_ref().map_or(0, Record::len);
        len(&self.event) + len(&self.link)
    }
}

impl Reader {
    pub(super) fn resolved(&self, record: Record, links: Links) -> Result<Resolved, LogError> {
        let target = match links {
            Links::Resolved if record.event_type() == LINK => target(&record.data()),
            Links::Resolved | Links::Kept => None,
        };
        Ok(match target {
            None => Resolved {
                event: Some(record),
                link: None,
            },
            Some((number, stream)) => Resolved {
                event: self.visible_event(&stream, number)?,
                link: Some(record),
            },
        })
    }

    /// The event of a stream with this number, if a reader of the stream would see it.
    fn visible_event(&self, stream: &StreamName, number: u64) -> Result<Option<Record>, LogError> {
        let seen = self.look_at(stream)?;
        let Some(numbers) = seen.numbers() else {
            return Ok(None);
        };
        if !numbers.contains(&number) {
            return Ok(None);
        }
        let cutoff = expired_before(seen.max_age, self.now());
        match self.log.entry(stream, number)? {
            Some(entry) if cutoff.is_none_or(|cutoff| entry.created >= cutoff) => {
                self.log.record(entry.position)
            }
            Some(_) | None => Ok(None),
        }
    }
}

/// The target that the data of a link names; none if it names none.
fn target(data: &[u8]) -> Option<(u64, StreamName)> {
    let (number, stream) = std::str::from_utf8(data).ok()?.split_once('@')?;
    Some((number.parse().ok()?, StreamName::new(stream)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_of_a_link_names_a_number_and_a_stream() {
        let order = StreamName::new("order-1");
        assert_eq!(target(b"3@order-1"), Some((3, order)));
        assert_eq!(target(b"0@a@b"), Some((0, StreamName::new("a@b"))));
        for garbage in ["garbage", "x@order-1", "-1@order-1", "3"] {
            assert_eq!(target(garbage.as_bytes()), None, "{garbage}");
        }
    }
}
