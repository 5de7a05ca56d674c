//! Puts exported events where they stood: each append names its revision and the ids of its events,
//! so that done twice it is done once.

use crate::TransferError;
use crate::line::Event;
use crate::store::{Store, is_after};
use crate::summary::Imported;
use bytes::Bytes;
use kurrentdb::{
    AppendToStreamOptions, CurrentRevision, Error, EventData, Position, ReadStreamOptions,
    StreamPosition, StreamState, TombstoneStreamOptions, WriteResult,
};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use uuid::Uuid;

/// Fillers go together, up to so many.
const FILLERS: u64 = 500;
/// The type of an event that stands in for one that was scavenged before the export.
const FILLER: &str = "$scavenged";

/// An import under way.
pub(crate) struct Importer<'a> {
    pub(crate) store: &'a mut Store,
    /// Where the store's log ended before: what is answered with a later position was appended now.
    pub(crate) head: Option<Position>,
    /// What is read, for texts.
    pub(crate) name: String,
    pub(crate) fill_gaps: bool,
    pub(crate) summary: Imported,
    /// How many metadata events of each stream have come. Their numbers are not the exported ones
    /// once older ones were scavenged.
    pub(crate) metadata: HashMap<String, u64>,
    /// Streams that the store has ended, and the line that met it first. Each must be ended by the
    /// export too.
    pub(crate) ended: BTreeMap<String, u64>,
}

impl Importer<'_> {
    /// Neighbours of one stream; what is no plain event comes alone. `line` is that of the first.
    pub(crate) async fn put(&mut self, events: &[Event], line: u64) -> Result<(), TransferError> {
        match events {
            [] => Ok(()),
            [event] if event.is_tombstone() => self.tombstone(event, line).await,
            [event] if event.is_metadata() => self.metadata(event, line).await,
            events => self.events(events, line).await,
        }
    }

    /// What is wrong with a line.
    pub(crate) fn wrong(&self, line: u64, problem: &dyn std::fmt::Display) -> TransferError {
        TransferError::Line {
            source_name: self.name.clone(),
            line,
            problem: problem.to_string(),
        }
    }

    /// Appends events where they stood. What is there from before is passed over.
    async fn events(&mut self, events: &[Event], line: u64) -> Result<(), TransferError> {
        let mut rest = events;
        while let [first, ..] = rest {
            let (stream, from, to) = (
                &first.stream,
                first.revision,
                first.revision + rest.len() as u64 - 1,
            );
            let proposed = rest.iter().map(|event| self.proposed(event)).collect();
            let current = match self.append(stream, from, proposed).await? {
                Ok(written) if written.next_expected_version == to => {
                    self.count(written.position, rest.len());
                    return Ok(());
                }
                Ok(_) => return Err(self.differs(line, first)),
                Err(Error::ResourceDeleted) => {
                    self.ended.entry(stream.clone()).or_insert(line);
                    self.summary.there_before += rest.len() as u64;
                    return Ok(());
                }
                Err(Error::WrongExpectedVersion {
                    current: CurrentRevision::Current(number),
                    ..
                }) => Some(number),
                Err(Error::WrongExpectedVersion {
                    current: CurrentRevision::NoStream,
                    ..
                }) => None,
                Err(error) => return Err(self.refused(line, first, &error)),
            };
            match current {
                // The store ends in the middle of them: first those that it has, then the others.
                Some(number) if (from..to).contains(&number) => {
                    let (there, missing) =
                        rest.split_at(usize::try_from(number - from + 1).unwrap_or(rest.len()));
                    Box::pin(self.events(there, line)).await?;
                    rest = missing;
                }
                Some(number) if number >= to => return Err(self.differs(line, first)),
                Some(_) | None => {
                    self.fill(stream, current.map_or(0, |number| number + 1)..from, line)
                        .await?
                }
            }
        }
        Ok(())
    }

    /// One metadata event. The store may have written it itself: then it says the same, under
    /// another id.
    async fn metadata(&mut self, event: &Event, line: u64) -> Result<(), TransferError> {
        let number = self.metadata.entry(event.stream.clone()).or_default();
        let (at, proposed) = (*number, self.proposed(event));
        *self.metadata.entry(event.stream.clone()).or_default() += 1;
        match self.append(&event.stream, at, vec![proposed]).await? {
            Ok(written) if written.next_expected_version == at => self.count(written.position, 1),
            Ok(_) => return Err(self.differs(line, event)),
            // A later one counts, and is compared when its line comes.
            Err(Error::WrongExpectedVersion {
                current: CurrentRevision::Current(newest),
                ..
            }) if newest > at => self.count_before(1),
            Err(Error::WrongExpectedVersion {
                current: CurrentRevision::Current(newest),
                ..
            }) if newest == at => {
                if !self.says_the_same(event, line).await? {
                    return Err(self.differs(line, event));
                }
                self.count_before(1);
            }
            Err(Error::WrongExpectedVersion { .. }) => {
                return Err(self.wrong(
                    line,
                    &format!(
                        "{:?} lacks metadata that the export has before this",
                        event.stream
                    ),
                ));
            }
            Err(error) => return Err(self.refused(line, event, &error)),
        }
        Ok(())
    }

    /// Whether the newest event of a metadata stream says what this one does, as JSON.
    async fn says_the_same(&mut self, event: &Event, line: u64) -> Result<bool, TransferError> {
        let user = self.store.user();
        let newest = |client: kurrentdb::Client| {
            let (stream, user) = (event.stream.clone(), user.clone());
            async move {
                let mut options = ReadStreamOptions::default()
                    .position(StreamPosition::End)
                    .backwards()
                    .max_count(1);
                if let Some(user) = user {
                    options = options.authenticated(user);
                }
                let mut read = client.read_stream(stream, &options).await?;
                Ok(read
                    .next()
                    .await?
                    .map(|event| event.get_original_event().data.clone()))
            }
        };
        let found: Option<Bytes> = match self.store.ask("reading metadata", newest).await? {
            Ok(found) => found,
            // With the stream its metadata is no longer shown.
            Err(Error::ResourceDeleted) => return Ok(true),
            Err(Error::ResourceNotFound) => None,
            Err(error) => return Err(self.refused(line, event, &error)),
        };
        let json = |data: &[u8]| serde_json::from_slice::<Value>(data).ok();
        Ok(found.is_some_and(|found| {
            found == event.data
                || json(&found).is_some_and(|found| json(&event.data) == Some(found))
        }))
    }

    async fn tombstone(&mut self, event: &Event, line: u64) -> Result<(), TransferError> {
        let user = self.store.user();
        let tombstone = |client: kurrentdb::Client| {
            let (stream, user) = (event.stream.clone(), user.clone());
            async move {
                let mut options = TombstoneStreamOptions::default();
                if let Some(user) = user {
                    options = options.authenticated(user);
                }
                client.tombstone_stream(stream, &options).await
            }
        };
        match self.store.ask("ending a stream", tombstone).await? {
            Ok(_) => self.summary.appended += 1,
            Err(Error::ResourceDeleted) => self.count_before(1),
            Err(error) => return Err(self.refused(line, event, &error)),
        }
        self.ended.remove(&event.stream);
        Ok(())
    }

    /// Lets empty events stand in for those that are missing in the export, so that the next has
    /// the number it had.
    async fn fill(
        &mut self,
        stream: &str,
        missing: Range<u64>,
        line: u64,
    ) -> Result<(), TransferError> {
        if !self.fill_gaps {
            let (first, end) = (missing.start, missing.end);
            let what = format!(
                "{stream:?} goes on at event {end}, and the store has it up to {first} (not included): the events between were scavenged before the export"
            );
            return Err(
                self.wrong(line, &format!("{what}. With --fill-gaps empty events stand in for them, so that numbers stay as they are"))
            );
        }
        let mut from = missing.start;
        while from < missing.end {
            let to = missing.end.min(from + FILLERS);
            let fillers = (from..to)
                .map(|number| EventData::binary(FILLER, Bytes::new()).id(filler_id(stream, number)))
                .collect();
            match self.append(stream, from, fillers).await? {
                Ok(written) if written.next_expected_version == to - 1 => {
                    self.summary.filled += to - from
                }
                Ok(_) => {
                    return Err(self.wrong(
                        line,
                        &format!("{stream:?} is being written by somebody else"),
                    ));
                }
                Err(error) => {
                    return Err(self
                        .store
                        .refused(&format!("{stream:?} cannot be filled"), &error));
                }
            }
            from = to;
        }
        Ok(())
    }

    /// Appends so that the first event gets this number. Done twice it is done once.
    async fn append(
        &mut self,
        stream: &str,
        first: u64,
        events: Vec<EventData>,
    ) -> Result<Result<WriteResult, Error>, TransferError> {
        let expected = first
            .checked_sub(1)
            .map_or(StreamState::NoStream, StreamState::StreamRevision);
        let user = self.store.user();
        let append = |client: kurrentdb::Client| {
            let (stream, events, user) = (stream.to_owned(), events.clone(), user.clone());
            async move {
                let mut options = AppendToStreamOptions::default().stream_state(expected);
                if let Some(user) = user {
                    options = options.authenticated(user);
                }
                client.append_to_stream(stream, &options, events).await
            }
        };
        self.store.ask("importing", append).await
    }

    fn proposed(&mut self, event: &Event) -> EventData {
        event.proposed().unwrap_or_else(|| {
            self.summary.marked_as_bytes += 1;
            let bytes = Event {
                is_json: false,
                ..event.clone()
            };
            bytes
                .proposed()
                .unwrap_or_else(|| EventData::binary(&event.event_type, event.data.clone()))
        })
    }

    /// An append that repeats what was there answers with where it stood, or without a place if
    /// that is no longer visible.
    fn count(&mut self, position: Position, events: usize) {
        if is_after(position, self.head) {
            self.summary.appended += events as u64
        } else {
            self.count_before(events as u64)
        }
    }

    fn count_before(&mut self, events: u64) {
        self.summary.there_before += events;
    }

    fn differs(&self, line: u64, event: &Event) -> TransferError {
        self.wrong(
            line,
            &format!(
                "the store has other events in {:?} at {} or later than the export",
                event.stream, event.revision
            ),
        )
    }

    fn refused(&self, line: u64, event: &Event, error: &Error) -> TransferError {
        self.store.refused(
            &format!(
                "{} line {line}, event {} of {:?}",
                self.name, event.revision, event.stream
            ),
            error,
        )
    }
}

/// The same for the same place, so that an import that is repeated finds its fillers.
fn filler_id(stream: &str, number: u64) -> Uuid {
    Uuid::new_v5(
        &Uuid::NAMESPACE_OID,
        format!("scavenged event {number} of {stream}").as_bytes(),
    )
}
