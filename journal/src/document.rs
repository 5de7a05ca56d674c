//! A document that takes the place of the one before it, in a stream of its own: a network's
//! snapshot, the provisioner's checkpoint.
//!
//! Older servers take 1 MiB at once. A document of more than half of that is cut into parts, one
//! append each; it counts once its last part is there, and until then the one before it does.
//!
//! ```text
//!   whole          one event of the kind's type
//!   in parts       part 0 of 3 ─ part 1 of 3 ─ part 2 of 3     (one id, one after the other)
//!   broken off     … part 0 of 2 ─ part 1 of 2 ─ part 0 of 3   (the first two are what counts)
//! ```

use crate::{
    JournalError,
    calls::{Page, Store, WrongExpectedVersion},
    codec::Raw,
    deadline::Deadline,
    wire::Proposed,
};
use domain::vocabulary::reads;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use uuid::Uuid;

/// The most bytes that an event takes: half of what the older servers take at once.
pub(crate) const LARGEST: usize = 512 << 10;

/// What a part holds. Its own fields and what has to be escaped take the rest.
const PART: usize = 448 << 10;

/// No document has more parts than this.
const MOST_PARTS: usize = 128;

/// How many parts one read asks for.
const PARTS_PAGE: usize = 16;

/// How many documents that were broken off are passed over in search of a whole one.
const PASSED_OVER: u32 = 4;

/// How many documents a stream keeps.
const KEPT: usize = 2;

/// What sort of document a stream holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    /// The type of an event that holds a whole one.
    pub(crate) whole: &'static str,
    /// The type of an event that holds a part of one.
    pub(crate) part: &'static str,
}

/// The end of such a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Last {
    /// The number of its last event.
    pub(crate) revision: u64,
    /// The last document that is whole.
    pub(crate) document: Option<Vec<u8>>,
}

/// A document has more parts than any may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLarge;

/// The events that a document is written as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    id: Uuid,
    event_type: &'static str,
    events: Vec<Vec<u8>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Part<'a> {
    /// The same for all parts of one document.
    document: Uuid,
    /// Its number, from 0.
    part: usize,
    /// How many there are.
    of: usize,
    text: Cow<'a, str>,
}

impl Written {
    /// Cuts a document where it is too large for one event.
    pub(crate) fn of(
        kind: Kind,
        document: String,
    ) -> Result<Result<Self, TooLarge>, serde_json::Error> {
        // Of what is in it: the store takes events of one id for the same event.
        let id = Uuid::new_v5(&Uuid::nil(), document.as_bytes());
        if document.len() <= LARGEST {
            return Ok(Ok(Self {
                id,
                event_type: kind.whole,
                events: vec![document.into_bytes()],
            }));
        }
        let texts = cut(&document, PART);
        let of = texts.len();
        let part = |(part, text): (usize, &str)| {
            serde_json::to_vec(&Part {
                document: id,
                part,
                of,
                text: text.into(),
            })
        };
        let events = texts.into_iter().enumerate().map(part);
        let events = events.collect::<Result<Vec<_>, _>>()?;
        let fits = of <= MOST_PARTS && events.iter().all(|it| it.len() <= LARGEST);
        Ok(fits
            .then_some(Self {
                id,
                event_type: kind.part,
                events,
            })
            .ok_or(TooLarge))
    }

    /// The document, if it is one event.
    #[cfg(test)]
    pub(crate) fn whole(&self) -> Option<Vec<u8>> {
        let whole = (self.events.len() == 1).then(|| self.events.first());
        whole.flatten().cloned()
    }

    /// How many bytes it takes in the store.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        self.events.iter().map(Vec::len).sum()
    }
}

/// Pieces of at most so many bytes.
fn cut(mut text: &str, most: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    while !text.is_empty() {
        let (piece, rest) = text.split_at(text.floor_char_boundary(most));
        pieces.push(piece);
        text = rest;
    }
    pieces
}

impl Store {
    /// The end of a stream of documents, with the last one that is whole; nothing if there is no
    /// such stream.
    pub(crate) async fn last_document(
        &self,
        stream: &str,
        kind: Kind,
        deadline: &Deadline,
    ) -> Result<Option<Last>, JournalError> {
        let Some(mut event) = self.read_last(stream, deadline).await? else {
            return Ok(None);
        };
        let revision = event.revision;
        for _ in 0..PASSED_OVER {
            if event.event_type == kind.whole {
                let document = Some(event.data.to_vec());
                return Ok(Some(Last { revision, document }));
            }
            let Some(part) = part(&event, kind) else {
                break;
            };
            let Some(first) = event.revision.checked_sub(part.part as u64) else {
                break;
            };
            if part.part + 1 == part.of {
                let document = self.parts(stream, kind, first, &part, deadline).await?;
                return Ok(Some(Last { revision, document }));
            }
            // This one was broken off: what counts is what lies before it.
            let Some(before) = first.checked_sub(1) else {
                break;
            };
            match self.read_raw(stream, before, 1, deadline).await? {
                Page::Found { mut events, .. } if !events.is_empty() => event = events.remove(0),
                Page::Found { .. } | Page::Missing => break,
            }
        }
        Ok(Some(Last {
            revision,
            document: None,
        }))
    }

    /// All parts of the document that begins here; nothing if one is missing or another's.
    async fn parts(
        &self,
        stream: &str,
        kind: Kind,
        first: u64,
        last: &Part<'_>,
        deadline: &Deadline,
    ) -> Result<Option<Vec<u8>>, JournalError> {
        let mut document = Vec::new();
        let mut read = 0;
        while read < last.of {
            let most = PARTS_PAGE.min(last.of - read);
            let from = first + read as u64;
            let events = match self.read_raw(stream, from, most, deadline).await? {
                Page::Found { events, .. } if !events.is_empty() => events,
                Page::Found { .. } | Page::Missing => return Ok(None),
            };
            for event in &events {
                let expected = (last.document, read, last.of);
                match part(event, kind) {
                    Some(it) if (it.document, it.part, it.of) == expected => {
                        document.extend_from_slice(it.text.as_bytes());
                    }
                    Some(_) | None => return Ok(None),
                }
                read += 1;
            }
        }
        Ok(Some(document))
    }

    /// Appends a document where the stream ends. Whoever else writes at the same time may be first;
    /// then what is there of this one counts for nothing.
    pub(crate) async fn append_document(
        &self,
        stream: &str,
        mut expected: Option<u64>,
        written: Written,
        deadline: &Deadline,
    ) -> Result<Result<(), WrongExpectedVersion>, JournalError> {
        let Written {
            id,
            event_type,
            events,
        } = written;
        let kept = KEPT * events.len();
        if expected.is_some() && events.len() > 1 {
            // The document before this one must last until this one is whole. (A stream that was
            // deleted is left alone: to be told something would bring it back, at another number.)
            self.keep(stream, kept, deadline).await?;
        }
        for data in events {
            let event = Proposed {
                id: Uuid::new_v5(&id, format!("{stream}/{expected:?}").as_bytes()),
                event_type,
                vocabulary: reads(event_type),
                data: data.into(),
                metadata: Vec::new().into(),
            };
            match self.append(stream, expected, &[event], deadline).await? {
                Ok(appended) => expected = Some(appended.revision),
                Err(WrongExpectedVersion) => return Ok(Err(WrongExpectedVersion)),
            }
        }
        self.keep(stream, kept, deadline).await?;
        Ok(Ok(()))
    }
}

fn part(event: &Raw, kind: Kind) -> Option<Part<'_>> {
    let part = (event.event_type == kind.part).then(|| serde_json::from_slice(&event.data))?;
    part.ok()
        .filter(|it: &Part| it.part < it.of && it.of <= MOST_PARTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: Kind = Kind {
        whole: "Whole",
        part: "Part",
    };

    fn written(document: &str) -> Result<Written, TooLarge> {
        Written::of(KIND, document.to_owned()).unwrap()
    }

    #[test]
    fn a_document_that_fits_is_one_event_and_a_larger_one_parts_that_fit() {
        let small = "a".repeat(LARGEST);
        assert_eq!(
            written(&small).unwrap().events,
            [small.as_bytes().to_owned()]
        );
        let large = format!("{}\"é", "abcdefg\\h".repeat(LARGEST / 4));
        let parts = written(&large).unwrap();
        assert_eq!(parts.event_type, "Part");
        assert!(parts.bytes() > large.len());
        let texts = parts.events.iter().enumerate().map(|(number, event)| {
            assert!(event.len() <= LARGEST, "{}", event.len());
            let part: Part = serde_json::from_slice(event).unwrap();
            assert_eq!((part.part, part.of), (number, parts.events.len()));
            part.text.into_owned()
        });
        assert_eq!(texts.collect::<String>(), large);
    }

    #[test]
    fn more_parts_than_any_document_has_are_too_large() {
        let most = PART * MOST_PARTS;
        assert!(written(&"a".repeat(most)).is_ok());
        assert_eq!(written(&"a".repeat(most + 1)), Err(TooLarge));
        // What takes twice as much when it is escaped does not fit into its part.
        assert_eq!(written(&"\"".repeat(LARGEST + 1)), Err(TooLarge));
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(cut("aéé", 2), ["a", "é", "é"]);
        assert_eq!(cut("", 2), [""; 0]);
    }
}
