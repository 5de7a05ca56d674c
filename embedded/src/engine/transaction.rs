//! One group of writes being put together: each command sees what the ones before it do, nothing is
//! in the log yet.
//!
//! A command reads all it needs before it changes anything, so one that fails to read leaves no
//! trace in the group.

use std::{collections::HashMap, sync::Arc};

use uuid::Uuid;

use super::{
    AppendOutcome, DeleteOutcome, Deletion, Head, Heads, Visibility,
    decide::{Decision, KnownIds, Life, StreamState, decide},
    expired_before,
    heads::Description,
    projected::{Source, links},
    recent::RecentIds,
    settings::{Settings, SystemProjections},
};
use crate::{
    log::{Group, IndexEntry, Log, LogError},
    model::{
        Expected, NewEvent, Position, Record, STREAM_DELETED, STREAM_METADATA, StreamMetadata,
        StreamName, TOMBSTONE_NUMBER, Ticks, encode_event, encode_marker, soft_deleted,
        with_truncate_before,
    },
};

/// What a group leaves behind once it is committed.
pub(super) struct Changes {
    pub(super) group: Group,
    pub(super) heads: HashMap<StreamName, Head>,
    pub(super) ids: Vec<(StreamName, Uuid, u64)>,
    pub(super) end: Position,
}

pub(super) struct Transaction<'a> {
    log: &'a dyn Log,
    kept_heads: &'a Heads,
    kept_ids: &'a RecentIds,
    settings: &'a Settings,
    now: Ticks,
    heads: HashMap<StreamName, Head>,
    entries: HashMap<(StreamName, u64), IndexEntry>,
    ids: HashMap<(StreamName, Uuid), u64>,
    id_order: Vec<(StreamName, Uuid, u64)>,
    group: Group,
    end: Position,
    /// Events whose links are still to be made.
    unlinked: Vec<(StreamName, u64, Position, NewEvent)>,
    /// Why the group cannot be committed: its links could not be made.
    failure: Option<LogError>,
}

/// A stream as a command finds it.
struct Found {
    head: Head,
    metadata: StreamMetadata,
    state: StreamState,
    /// The data of its newest metadata event.
    metadata_data: Option<bytes::Bytes>,
}

impl<'a> Transaction<'a> {
    pub(super) fn new(
        log: &'a dyn Log,
        kept_heads: &'a Heads,
        kept_ids: &'a RecentIds,
        settings: &'a Settings,
        now: Ticks,
        end: Position,
    ) -> Self {
        Self {
            log,
            kept_heads,
            kept_ids,
            settings,
            now,
            heads: HashMap::new(),
            entries: HashMap::new(),
            ids: HashMap::new(),
            id_order: Vec::new(),
            group: Group::default(),
            end,
            unlinked: Vec::new(),
            failure: None,
        }
    }

    pub(super) fn append(
        &mut self,
        stream: &StreamName,
        expected: Expected,
        events: &[NewEvent],
    ) -> Result<AppendOutcome, LogError> {
        let found = self.find(stream)?;
        let ids: Vec<Uuid> = events.iter().map(|event| event.id).collect();
        let known = Known {
            stream,
            transaction: self,
        };
        match decide(found.state, expected, &ids, &known)? {
            Decision::Write => self.write(stream, &found, events),
            Decision::Repeated { last } => Ok(AppendOutcome::Repeated {
                revision: last,
                position: self.visible_position(stream, &found, last)?,
            }),
            Decision::WrongExpected => Ok(AppendOutcome::WrongExpected {
                current: found.head.last,
            }),
            Decision::Deleted => Ok(AppendOutcome::Deleted),
        }
    }

    pub(super) fn delete(
        &mut self,
        stream: &StreamName,
        expected: Expected,
        deletion: Deletion,
    ) -> Result<DeleteOutcome, LogError> {
        let found = self.find(stream)?;
        let known = Known {
            stream,
            transaction: self,
        };
        let nothing_there = found.head.last.is_none() && !found.state.has_metadata;
        match decide(found.state, expected, &[Uuid::nil()], &known)? {
            Decision::Write if deletion == Deletion::Soft && nothing_there => {
                Ok(DeleteOutcome::WrongExpected { current: None })
            }
            Decision::Write => {
                let position = match deletion {
                    Deletion::Soft => {
                        let stream = stream.metadata_stream();
                        self.push_metadata(&stream, soft_deleted())?
                    }
                    Deletion::Tombstone => self.push_tombstone(stream, &found.head),
                };
                self.link_new();
                Ok(DeleteOutcome::Done { position })
            }
            Decision::WrongExpected | Decision::Repeated { .. } => {
                Ok(DeleteOutcome::WrongExpected {
                    current: found.head.last,
                })
            }
            Decision::Deleted => Ok(DeleteOutcome::Deleted),
        }
    }

    pub(super) fn finish(self) -> Result<Changes, LogError> {
        match self.failure {
            Some(failure) => Err(failure),
            None => Ok(Changes {
                group: self.group,
                heads: self.heads,
                ids: self.id_order,
                end: self.end,
            }),
        }
    }

    /// Makes the links of an event that is in the log already.
    pub(super) fn link(&mut self, record: &Record) {
        let event = NewEvent {
            id: record.id,
            event_type: record.event_type().into(),
            is_json: record.is_json,
            data: record.data(),
            metadata: record.metadata(),
        };
        let stream = StreamName::new(record.stream());
        self.push_links(&Source {
            stream: &stream,
            number: record.number,
            position: record.position,
            created: record.created,
            event: &event,
        });
    }

    fn find(&self, stream: &StreamName) -> Result<Found, LogError> {
        if !stream.can_be_kept() {
            return Err(LogError::LongName(stream.as_str().len()));
        }
        let head = self.head(stream)?;
        let about = self.head(&stream.metadata_stream())?;
        let metadata = if stream.is_metadata() {
            self.kept_heads.metadata(stream)?
        } else {
            about.metadata()
        };
        let life = match &head {
            Head {
                tombstoned: true, ..
            } => Life::Tombstoned,
            _ if self.is_sealed(stream, &head)? => Life::Tombstoned,
            _ if metadata.is_soft_deleted() => Life::SoftDeleted,
            _ => Life::Open,
        };
        Ok(Found {
            state: StreamState {
                life,
                last: head.last,
                has_metadata: about.last.is_some(),
            },
            metadata_data: about.describes.map(|description| description.data.clone()),
            head,
            metadata,
        })
    }

    /// Whether a stream is that of the metadata of a tombstoned one, and never had an event: then
    /// it gets none any more. One that had goes on.
    fn is_sealed(&self, stream: &StreamName, head: &Head) -> Result<bool, LogError> {
        match stream.described_stream() {
            Some(described) if head.last.is_none() => Ok(self.head(&described)?.tombstoned),
            Some(_) | None => Ok(false),
        }
    }

    fn head(&self, stream: &StreamName) -> Result<Head, LogError> {
        match self.heads.get(stream) {
            Some(head) => Ok(head.clone()),
            None => self.kept_heads.get_and_keep(stream),
        }
    }

    /// Links the events pushed since. They follow their events, so that those of one append are
    /// neighbours in the log.
    fn link_new(&mut self) {
        for (stream, number, position, event) in std::mem::take(&mut self.unlinked) {
            self.push_links(&Source {
                stream: &stream,
                number,
                position,
                created: self.now,
                event: &event,
            });
        }
    }

    fn push_links(&mut self, source: &Source<'_>) {
        for link in links(source) {
            let (stream, event) = link.into_event((self.settings.new_id)());
            match self.head(&stream) {
                Ok(mut head) => {
                    let number = head.last.map_or(0, |last| last + 1);
                    self.record(&stream, number, &event, &mut head);
                    self.heads.insert(stream, head);
                }
                Err(error) => self.failure = Some(error),
            }
        }
    }

    /// Writes the events; then revives the stream they are in, or the one they describe, if that is
    /// soft deleted.
    fn write(
        &mut self,
        stream: &StreamName,
        found: &Found,
        events: &[NewEvent],
    ) -> Result<AppendOutcome, LogError> {
        let first = found.head.last.map_or(0, |last| last + 1);
        let revival = self.revival(stream, found, first, events)?;
        let mut head = found.head.clone();
        let mut position = None;
        for (number, event) in (first..).zip(events) {
            position = Some(self.push(stream, number, event, &mut head));
        }
        let revision = head.last;
        if !events.is_empty() {
            self.heads.insert(stream.clone(), head);
        }
        let position = position.unwrap_or_else(|| self.push_marker());
        if let Some((stream, data)) = revival {
            self.push_metadata(&stream, data)?;
        }
        self.link_new();
        Ok(AppendOutcome::Written { revision, position })
    }

    /// The metadata that makes a soft-deleted stream visible again, from the first new event on.
    fn revival(
        &self,
        stream: &StreamName,
        found: &Found,
        first: u64,
        events: &[NewEvent],
    ) -> Result<Option<(StreamName, Vec<u8>)>, LogError> {
        if found.state.life == Life::SoftDeleted {
            let data = found.metadata_data.as_deref().unwrap_or(b"{}");
            let data = with_truncate_before(data, first);
            return Ok(data.map(|data| (stream.metadata_stream(), data)));
        }
        let (Some(described), Some(newest)) = (stream.described_stream(), events.last()) else {
            return Ok(None);
        };
        let described = self.find(&described)?;
        if described.state.life != Life::SoftDeleted {
            return Ok(None);
        }
        let first = described.head.last.map_or(0, |last| last + 1);
        let data = with_truncate_before(&newest.data, first);
        Ok(data.map(|data| (stream.clone(), data)))
    }

    fn push(
        &mut self,
        stream: &StreamName,
        number: u64,
        event: &NewEvent,
        head: &mut Head,
    ) -> Position {
        let position = self.record(stream, number, event, head);
        if self.settings.projections == SystemProjections::On {
            self.unlinked
                .push((stream.clone(), number, position, event.clone()));
        }
        position
    }

    fn record(
        &mut self,
        stream: &StreamName,
        number: u64,
        event: &NewEvent,
        head: &mut Head,
    ) -> Position {
        let bytes = encode_event(stream, number, self.now, event);
        let position = self.end;
        self.end = position.after(bytes.len());
        self.group.records.push((position, bytes));
        let entry = IndexEntry {
            number,
            position,
            id: event.id,
            created: self.now,
        };
        self.group.entries.push((stream.clone(), entry));
        self.entries.insert((stream.clone(), number), entry);
        let id = (stream.clone(), event.id);
        if self.known_id(stream, event.id).is_none() {
            self.ids.insert(id, number);
            self.id_order.push((stream.clone(), event.id, number));
        }
        head.last = Some(number);
        if stream.is_metadata() {
            let description = Description::of(&event.event_type, event.is_json, event.data.clone());
            head.describes = Some(Arc::new(description));
        }
        position
    }

    fn push_metadata(&mut self, stream: &StreamName, data: Vec<u8>) -> Result<Position, LogError> {
        let mut head = self.head(stream)?;
        let number = head.last.map_or(0, |last| last + 1);
        let event = self.own_event(STREAM_METADATA, true, data);
        let position = self.push(stream, number, &event, &mut head);
        self.heads.insert(stream.clone(), head);
        Ok(position)
    }

    fn push_tombstone(&mut self, stream: &StreamName, head: &Head) -> Position {
        let event = self.own_event(STREAM_DELETED, false, Vec::new());
        let position = self.push(stream, TOMBSTONE_NUMBER, &event, &mut head.clone());
        let head = Head {
            tombstoned: true,
            ..head.clone()
        };
        self.heads.insert(stream.clone(), head);
        position
    }

    fn push_marker(&mut self) -> Position {
        let bytes = encode_marker(self.now);
        let position = self.end;
        self.end = position.after(bytes.len());
        self.group.records.push((position, bytes));
        position
    }

    fn own_event(&self, event_type: &str, is_json: bool, data: Vec<u8>) -> NewEvent {
        NewEvent {
            id: (self.settings.new_id)(),
            event_type: event_type.into(),
            is_json,
            data: data.into(),
            metadata: bytes::Bytes::new(),
        }
    }

    /// Where an event of a stream stands, if a reader of the stream would see it.
    fn visible_position(
        &self,
        stream: &StreamName,
        found: &Found,
        number: u64,
    ) -> Result<Option<Position>, LogError> {
        let visible = match Visibility::of(&found.head, &found.metadata) {
            Visibility::Present { from, .. } => number >= from,
            Visibility::Missing | Visibility::Deleted => false,
        };
        if !visible {
            return Ok(None);
        }
        let cutoff = expired_before(found.metadata.max_age, self.now);
        let entry = self.entry(stream, number)?;
        Ok(entry
            .filter(|entry| cutoff.is_none_or(|cutoff| entry.created >= cutoff))
            .map(|entry| entry.position))
    }

    fn entry(&self, stream: &StreamName, number: u64) -> Result<Option<IndexEntry>, LogError> {
        match self.entries.get(&(stream.clone(), number)) {
            Some(entry) => Ok(Some(*entry)),
            None => self.log.entry(stream, number),
        }
    }

    fn known_id(&self, stream: &StreamName, id: Uuid) -> Option<u64> {
        let kept = self.kept_ids.get(stream, id);
        kept.or_else(|| self.ids.get(&(stream.clone(), id)).copied())
    }
}

struct Known<'a, 'b> {
    stream: &'a StreamName,
    transaction: &'a Transaction<'b>,
}

impl KnownIds for Known<'_, '_> {
    type Error = LogError;

    fn stored(&self, number: u64) -> Result<Option<Uuid>, LogError> {
        let entry = self.transaction.entry(self.stream, number)?;
        Ok(entry.map(|entry| entry.id))
    }

    fn recent(&self, id: Uuid) -> Option<u64> {
        self.transaction.known_id(self.stream, id)
    }
}
