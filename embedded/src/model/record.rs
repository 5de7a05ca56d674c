//! How a record is written down.
//!
//! ```text
//! kind u8 · flags u8 · number u64 · id 16 · created i64 · stream length u16 · type length u32 · metadata length u32
//! stream · type · metadata · data (the rest)
//! ```
//!
//! Numbers are big endian. A marker is a record that no reader sees: it gives an append without
//! events its position.

use bytes::{BufMut, Bytes, BytesMut};
use thiserror::Error;
use uuid::Uuid;

use super::{NewEvent, Position, StreamName, Ticks};

const EVENT: u8 = 1;
const MARKER: u8 = 2;
const JSON: u8 = 1;
const HEADER: usize = 2 + 8 + 16 + 8 + 2 + 4 + 4;

/// A record read back from the log. Its parts share the memory of the bytes it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) position: Position,
    pub(crate) number: u64,
    pub(crate) id: Uuid,
    pub(crate) created: Ticks,
    pub(crate) is_json: bool,
    is_marker: bool,
    stream_end: usize,
    type_end: usize,
    metadata_end: usize,
    bytes: Bytes,
}

/// A record that cannot be read back: the store is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum RecordError {
    #[error("the record at position {} is cut short", .0.get())]
    CutShort(Position),
    #[error("the record at position {} has the unknown kind {kind}", .position.get())]
    UnknownKind { position: Position, kind: u8 },
    #[error("the record at position {} names its stream or type with text that is not UTF-8", .0.get())]
    NotText(Position),
}

impl Record {
    pub(crate) fn decode(position: Position, bytes: Bytes) -> Result<Self, RecordError> {
        let header: &[u8; HEADER] = bytes.first_chunk().ok_or(RecordError::CutShort(position))?;
        let kind = header[0];
        if kind != EVENT && kind != MARKER {
            return Err(RecordError::UnknownKind { position, kind });
        }
        let stream_end = HEADER + usize::from(u16::from_be_bytes(part(header, 34)));
        let type_end = stream_end + u32::from_be_bytes(part(header, 36)) as usize;
        let metadata_end = type_end + u32::from_be_bytes(part(header, 40)) as usize;
        if metadata_end > bytes.len() {
            return Err(RecordError::CutShort(position));
        }
        let names = std::str::from_utf8(&bytes[HEADER..type_end])
            .map_err(|_| RecordError::NotText(position))?;
        if !names.is_char_boundary(stream_end - HEADER) {
            return Err(RecordError::NotText(position));
        }
        Ok(Self {
            position,
            number: u64::from_be_bytes(part(header, 2)),
            id: Uuid::from_bytes(part(header, 10)),
            created: Ticks(i64::from_be_bytes(part(header, 26))),
            is_json: header[1] & JSON != 0,
            is_marker: kind == MARKER,
            stream_end,
            type_end,
            metadata_end,
            bytes,
        })
    }

    /// Whether readers pass over it.
    pub(crate) fn is_marker(&self) -> bool {
        self.is_marker
    }

    pub(crate) fn stream(&self) -> &str {
        // Checked when the record was decoded.
        std::str::from_utf8(&self.bytes[HEADER..self.stream_end]).unwrap_or_default()
    }

    pub(crate) fn stream_bytes(&self) -> Bytes {
        self.bytes.slice(HEADER..self.stream_end)
    }

    pub(crate) fn event_type(&self) -> &str {
        std::str::from_utf8(&self.bytes[self.stream_end..self.type_end]).unwrap_or_default()
    }

    pub(crate) fn metadata(&self) -> Bytes {
        self.bytes.slice(self.type_end..self.metadata_end)
    }

    pub(crate) fn data(&self) -> Bytes {
        self.bytes.slice(self.metadata_end..)
    }

    /// All of it, as it stands in the log.
    pub(crate) fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// How many bytes it takes in the log.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }
}

fn part<const N: usize>(header: &[u8; HEADER], at: usize) -> [u8; N] {
    let mut part = [0; N];
    part.copy_from_slice(&header[at..at + N]);
    part
}

/// How many bytes an event takes in the log.
pub(crate) fn encoded_len(stream: &StreamName, event: &NewEvent) -> usize {
    HEADER
        + stream.as_str().len()
        + event.event_type.len()
        + event.metadata.len()
        + event.data.len()
}

pub(crate) fn encode_event(
    stream: &StreamName,
    number: u64,
    created: Ticks,
    event: &NewEvent,
) -> Bytes {
    let mut to = BytesMut::with_capacity(encoded_len(stream, event));
    to.put_u8(EVENT);
    to.put_u8(if event.is_json { JSON } else { 0 });
    to.put_u64(number);
    to.put_slice(event.id.as_bytes());
    to.put_i64(created.0);
    to.put_u16(length(stream.as_str().len()));
    to.put_u32(length(event.event_type.len()));
    to.put_u32(length(event.metadata.len()));
    to.put_slice(stream.as_str().as_bytes());
    to.put_slice(event.event_type.as_bytes());
    to.put_slice(&event.metadata);
    to.put_slice(&event.data);
    to.freeze()
}

pub(crate) fn encode_marker(created: Ticks) -> Bytes {
    let mut to = BytesMut::with_capacity(HEADER);
    to.put_u8(MARKER);
    to.put_u8(0);
    to.put_bytes(0, 24);
    to.put_i64(created.0);
    to.put_bytes(0, 10);
    to.freeze()
}

/// The limits on names and on one append are far below these types' ranges.
fn length<T: TryFrom<usize> + Default>(len: usize) -> T {
    debug_assert!(T::try_from(len).is_ok());
    T::try_from(len).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::chance::for_any;

    /// Everything that can be asked of a record.
    fn read(bytes: Vec<u8>) -> Result<(), RecordError> {
        let length = bytes.len();
        let record = Record::decode(Position::new(9), bytes.into())?;
        let names = HEADER + record.stream().len() + record.event_type().len();
        assert_eq!(record.stream_bytes(), record.stream().as_bytes());
        assert_eq!(
            names + record.metadata().len() + record.data().len(),
            length
        );
        assert_eq!(record.len(), length);
        Ok(())
    }

    #[test]
    fn any_bytes_are_a_record_or_are_refused() {
        let bytes = prop::collection::vec(prop_oneof![0_u8..3, any::<u8>()], 0..120);
        for_any("bytes as a record", 5_000, &bytes, |mut bytes| {
            let _ = read(bytes.clone());
            if let Some(kind) = bytes.first_mut() {
                *kind = EVENT;
            }
            let _ = read(bytes);
        });
    }

    #[test]
    fn a_record_with_bytes_changed_is_a_record_or_is_refused() {
        let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4);
        for_any("a changed record", 5_000, &changes, |changes| {
            let mut bytes =
                encode_event(&StreamName::new("order-ä"), 0, Ticks(0), &event()).to_vec();
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            let _ = read(bytes);
        });
    }

    fn event() -> NewEvent {
        NewEvent {
            id: Uuid::from_u128(7),
            event_type: "Tested".into(),
            is_json: true,
            data: Bytes::from_static(b"{\"n\":1}"),
            metadata: Bytes::from_static(b"m"),
        }
    }

    #[test]
    fn an_event_reads_back_as_it_was_written() {
        let stream = StreamName::new("order-ä");
        let bytes = encode_event(&stream, 3, Ticks(42), &event());
        assert_eq!(bytes.len(), encoded_len(&stream, &event()));
        let record = Record::decode(Position::new(64), bytes).unwrap();
        assert!(!record.is_marker());
        assert_eq!(record.stream(), "order-ä");
        assert_eq!(record.event_type(), "Tested");
        assert_eq!(
            (record.number, record.id, record.created),
            (3, Uuid::from_u128(7), Ticks(42))
        );
        assert!(record.is_json);
        assert_eq!(record.data(), event().data);
        assert_eq!(record.metadata(), event().metadata);
    }

    #[test]
    fn a_marker_reads_back_as_one() {
        let record = Record::decode(Position::new(64), encode_marker(Ticks(1))).unwrap();
        assert!(record.is_marker());
        assert_eq!(record.created, Ticks(1));
    }

    #[test]
    fn a_record_cut_at_any_length_is_refused_or_only_loses_data() {
        let whole = encode_event(&StreamName::new("s"), 0, Ticks(0), &event());
        let fixed = whole.len() - event().data.len();
        for len in 0..fixed {
            let error = Record::decode(Position::new(9), whole.slice(..len)).unwrap_err();
            assert_eq!(error, RecordError::CutShort(Position::new(9)), "{len}");
        }
    }

    #[test]
    fn an_unknown_kind_and_a_name_that_is_no_text_are_refused() {
        let whole = encode_event(&StreamName::new("s"), 0, Ticks(0), &event());
        let mut unknown = whole.to_vec();
        unknown[0] = 9;
        let position = Position::new(9);
        assert_eq!(
            Record::decode(position, unknown.into()).unwrap_err(),
            RecordError::UnknownKind { position, kind: 9 }
        );
        let mut torn = whole.to_vec();
        torn[HEADER] = 0xff;
        assert_eq!(
            Record::decode(position, torn.into()).unwrap_err(),
            RecordError::NotText(position)
        );
    }
}
