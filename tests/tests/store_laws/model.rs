//! The semantics of an event store in one page: what each operation answers and what it leaves
//! behind.
//!
//! Where a store may answer one way or another (a repeat with `Any` is told by a bounded cache),
//! the model allows each of them and goes on from what was answered.

use kurrentdb::StreamState;
use std::collections::BTreeMap;
use uuid::Uuid;

/// `$tb` of a soft-deleted stream, and the number of a tombstone.
pub const FOR_EVER: u64 = i64::MAX as u64;

/// An event of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub stream: String,
    pub number: u64,
    pub event_type: String,
    /// `None` for what the store writes of itself.
    pub id: Option<Uuid>,
}

/// What an append answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Appended {
    /// New events, or none: the stream's last number, if it has one.
    Written(Option<u64>),
    /// Nothing new: the number of the last event that was submitted, and whether it can be seen.
    Repeated(u64, Visibility),
    Wrong(Option<u64>),
    Deleted,
}

/// Whether an event that was repeated can still be read: only then it has a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    Visible,
    Hidden,
}

/// What a delete or a tombstone answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removed {
    Done,
    Wrong(Option<u64>),
    Deleted,
}

/// What a stream read answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// The numbers of the events, and the stream's last.
    Events(Vec<u64>, u64),
    NotFound,
    Deleted,
}

/// The keys of stream metadata that the model knows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Metadata {
    pub truncate_before: Option<u64>,
    pub max_count: Option<u64>,
}

#[derive(Debug, Clone, Default)]
struct Stream {
    ids: Vec<Uuid>,
    metadata: Option<Metadata>,
    metadata_events: u64,
    is_tombstoned: bool,
}

/// The whole store.
#[derive(Debug, Clone, Default)]
pub struct Model {
    streams: BTreeMap<String, Stream>,
    /// Everything in the order it was written.
    pub log: Vec<Event>,
    /// A restarted store may have forgotten the ids of appends with `Any`.
    has_restarted: bool,
}

impl Stream {
    fn last(&self) -> Option<u64> {
        (self.ids.len() as u64).checked_sub(1)
    }

    fn is_soft_deleted(&self) -> bool {
        self.metadata
            .is_some_and(|metadata| metadata.truncate_before == Some(FOR_EVER))
    }

    fn first_visible(&self) -> u64 {
        let metadata = self.metadata.unwrap_or_default();
        let counted = metadata
            .max_count
            .map_or(0, |count| (self.ids.len() as u64).saturating_sub(count));
        counted.max(metadata.truncate_before.unwrap_or(0))
    }

    fn visibility(&self, number: u64) -> Visibility {
        if number >= self.first_visible() {
            Visibility::Visible
        } else {
            Visibility::Hidden
        }
    }

    /// Whether the events from a number on are these, none of them missing; `None` if not even the
    /// first is.
    fn repeats(&self, from: u64, ids: &[Uuid]) -> Option<bool> {
        let stored = self
            .ids
            .get(usize::try_from(from).unwrap()..)
            .unwrap_or_default();
        let same = stored
            .iter()
            .zip(ids)
            .take_while(|(stored, id)| stored == id)
            .count();
        if same == 0 && !ids.is_empty() {
            None
        } else {
            Some(same == ids.len() && !ids.is_empty())
        }
    }
}

impl Model {
    /// All answers that an append may give.
    pub fn may_append(&self, name: &str, expected: StreamState, ids: &[Uuid]) -> Vec<Appended> {
        let nothing = Stream::default();
        let stream = self.streams.get(name).unwrap_or(&nothing);
        let wrong = Appended::Wrong(stream.last());
        let written =
            Appended::Written((stream.ids.len() as u64 + ids.len() as u64).checked_sub(1));
        let repeated = |from: u64| {
            let last = from + ids.len() as u64 - 1;
            Appended::Repeated(last, stream.visibility(last))
        };
        if stream.is_tombstoned {
            return vec![Appended::Deleted];
        }
        match (expected, stream.last()) {
            (StreamState::StreamExists, _) if stream.is_soft_deleted() => vec![Appended::Deleted],
            (StreamState::StreamExists, None) if stream.metadata.is_none() => vec![wrong],
            (StreamState::Any | StreamState::StreamExists, _) => {
                self.may_append_anywhere(stream, ids, written, wrong)
            }
            (StreamState::NoStream, None) => vec![written],
            (StreamState::NoStream, Some(_)) => match stream.repeats(0, ids) {
                Some(true) => vec![repeated(0)],
                None if stream.is_soft_deleted() => vec![written],
                Some(false) | None => vec![wrong],
            },
            (StreamState::StreamRevision(number), Some(last)) if number == last => vec![written],
            (StreamState::StreamRevision(number), Some(last)) if number < last => {
                match stream.repeats(number + 1, ids) {
                    Some(true) => vec![repeated(number + 1)],
                    Some(false) | None => vec![wrong],
                }
            }
            (StreamState::StreamRevision(_), _) => vec![wrong],
        }
    }

    fn may_append_anywhere(
        &self,
        stream: &Stream,
        ids: &[Uuid],
        written: Appended,
        wrong: Appended,
    ) -> Vec<Appended> {
        let known = ids.iter().take_while(|id| stream.ids.contains(id)).count();
        if known == 0 {
            return vec![written];
        }
        let mut may = if known < ids.len() {
            vec![wrong]
        } else {
            let last = ids.last().unwrap();
            let numbers = (0_u64..)
                .zip(&stream.ids)
                .filter(|(_, id)| *id == last)
                .map(|(number, _)| number);
            numbers
                .map(|number| Appended::Repeated(number, stream.visibility(number)))
                .collect()
        };
        if self.has_restarted {
            may.push(written);
            may.push(Appended::Wrong(stream.last()));
        }
        may
    }

    /// Goes on from an append that wrote.
    pub fn append(&mut self, name: &str, event_types: &[String], ids: &[Uuid]) {
        let stream = self.streams.entry(name.to_owned()).or_default();
        let first = stream.ids.len() as u64;
        for ((number, id), event_type) in (first..).zip(ids).zip(event_types) {
            stream.ids.push(*id);
            self.log.push(Event {
                stream: name.to_owned(),
                number,
                event_type: event_type.clone(),
                id: Some(*id),
            });
        }
        if stream.is_soft_deleted() {
            self.write_metadata(
                name,
                Metadata {
                    truncate_before: Some(first),
                    ..Metadata::default()
                },
                None,
            );
        }
    }

    /// Goes on from metadata that was written by a client; gives the number it has. A tombstoned
    /// stream takes none, unless it had some before.
    pub fn set_metadata(
        &mut self,
        name: &str,
        metadata: Metadata,
        id: Uuid,
    ) -> Result<u64, Deleted> {
        let stream = self.streams.entry(name.to_owned()).or_default();
        if stream.is_tombstoned && stream.metadata_events == 0 {
            return Err(Deleted);
        }
        let (number, next) = (stream.metadata_events, stream.ids.len() as u64);
        let undeletes = stream.is_soft_deleted() && !stream.is_tombstoned;
        self.write_metadata(name, metadata, Some(id));
        if undeletes {
            self.write_metadata(
                name,
                Metadata {
                    truncate_before: Some(next),
                    ..metadata
                },
                None,
            );
        }
        Ok(number)
    }

    fn write_metadata(&mut self, name: &str, metadata: Metadata, id: Option<Uuid>) {
        let stream = self.streams.entry(name.to_owned()).or_default();
        let number = stream.metadata_events;
        stream.metadata = Some(metadata);
        stream.metadata_events += 1;
        self.log.push(Event {
            stream: format!("$${name}"),
            number,
            event_type: "$metadata".to_owned(),
            id,
        });
    }

    /// Deletes, and gives what is answered.
    pub fn delete(&mut self, name: &str, expected: StreamState) -> Removed {
        let exists = self.streams.get(name).is_some_and(|stream| {
            stream.last().is_some() || stream.metadata.is_some() || stream.is_tombstoned
        });
        let answer = if exists {
            self.may_remove(name, expected)
        } else {
            Removed::Wrong(None)
        };
        if answer == Removed::Done {
            self.write_metadata(
                name,
                Metadata {
                    truncate_before: Some(FOR_EVER),
                    ..Metadata::default()
                },
                None,
            );
        }
        answer
    }

    /// Tombstones, and gives what is answered.
    pub fn tombstone(&mut self, name: &str, expected: StreamState) -> Removed {
        let answer = self.may_remove(name, expected);
        if answer == Removed::Done {
            self.streams
                .entry(name.to_owned())
                .or_default()
                .is_tombstoned = true;
            self.log.push(Event {
                stream: name.to_owned(),
                number: FOR_EVER,
                event_type: "$streamDeleted".to_owned(),
                id: None,
            });
        }
        answer
    }

    fn may_remove(&self, name: &str, expected: StreamState) -> Removed {
        let nothing = Stream::default();
        let stream = self.streams.get(name).unwrap_or(&nothing);
        let as_expected = match expected {
            _ if stream.is_tombstoned => return Removed::Deleted,
            StreamState::StreamExists if stream.is_soft_deleted() => return Removed::Deleted,
            StreamState::Any => true,
            StreamState::NoStream => stream.last().is_none() || stream.is_soft_deleted(),
            StreamState::StreamExists => stream.last().is_some() || stream.metadata.is_some(),
            StreamState::StreamRevision(number) => stream.last() == Some(number),
        };
        if as_expected {
            Removed::Done
        } else {
            Removed::Wrong(stream.last())
        }
    }

    /// A read forwards from a number, or backwards from it or from the end.
    pub fn read(&self, name: &str, direction: Direction, from: Option<u64>, count: usize) -> Read {
        let Some(stream) = self.streams.get(name) else {
            return Read::NotFound;
        };
        let Some(last) = stream.last().filter(|_| !stream.is_soft_deleted()) else {
            return if stream.is_tombstoned {
                Read::Deleted
            } else {
                Read::NotFound
            };
        };
        if stream.is_tombstoned {
            return Read::Deleted;
        }
        let first = stream.first_visible();
        let numbers: Vec<u64> = match direction {
            Direction::Forwards => (first.max(from.unwrap_or(0))..=last).take(count).collect(),
            Direction::Backwards => (first..=last.min(from.unwrap_or(last)))
                .rev()
                .take(count)
                .collect(),
        };
        Read::Events(numbers, last)
    }

    /// How many events the stream ever had.
    pub fn count(&self, name: &str) -> u64 {
        self.streams
            .get(name)
            .map_or(0, |stream| stream.ids.len() as u64)
    }

    /// The id of an event.
    pub fn id(&self, name: &str, number: u64) -> Uuid {
        self.streams[name].ids[usize::try_from(number).unwrap()]
    }

    /// The newest metadata: its number and keys; an error if it cannot be read.
    pub fn metadata(&self, name: &str) -> Result<Option<(u64, Metadata)>, Deleted> {
        match self.streams.get(name) {
            Some(stream) if stream.is_tombstoned => Err(Deleted),
            Some(stream) => Ok(stream
                .metadata
                .map(|metadata| (stream.metadata_events - 1, metadata))),
            None => Ok(None),
        }
    }

    /// The store was stopped and started.
    pub fn restart(&mut self) {
        self.has_restarted = true;
    }
}

/// A stream that was tombstoned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deleted;

/// Which way a read goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Forwards,
    Backwards,
}
