//! Records of the log as a backup holds them, and back.

use std::ops::ControlFlow;

use backup::{Frame, Kind};
use bytes::Bytes;

use super::{Direction, IndexEntry, Log, LogError};
use crate::model::{Position, Record, RecordError, StreamName};

/// Whole frames of the records in a range, as many as fit into so many bytes and at least one; and
/// where to go on, unless that is all.
pub(crate) fn frames(
    log: &dyn Log,
    from: Position,
    to: Position,
    most: usize,
) -> Result<(Vec<u8>, Option<Position>), LogError> {
    let (mut frames, mut next) = (Vec::new(), None);
    log.scan(from, to, Direction::Forwards, &mut |record| {
        encode(&record, &mut frames);
        if frames.len() < most {
            return ControlFlow::Continue(());
        }
        next = Some(record.position.next());
        ControlFlow::Break(())
    })?;
    Ok((frames, next))
}

/// The frames of the records at some positions, as far as records stand there.
pub(crate) fn anchors(log: &dyn Log, positions: &[u64]) -> Result<Vec<u8>, LogError> {
    let mut frames = Vec::new();
    for position in positions {
        if let Some(record) = log.record(Position::new(*position))? {
            encode(&record, &mut frames);
        }
    }
    Ok(frames)
}

fn encode(record: &Record, to: &mut Vec<u8>) {
    let frame = Frame {
        position: record.position.get(),
        created: record.created.0,
        kind: if record.is_marker() {
            Kind::Marker
        } else {
            Kind::Event
        },
        record: record.bytes(),
    };
    frame.encode(to);
}

/// The record in a frame, if the frame says of it what it is.
pub(crate) fn record(frame: &Frame<'_>) -> Result<Option<Record>, RecordError> {
    let position = Position::new(frame.position);
    let record = Record::decode(position, Bytes::copy_from_slice(frame.record))?;
    let is_same =
        record.created.0 == frame.created && record.is_marker() == (frame.kind == Kind::Marker);
    Ok(is_same.then_some(record))
}

/// The entry of the index that an event has. A marker has none.
pub(crate) fn entry(record: &Record) -> Option<(StreamName, IndexEntry)> {
    let entry = IndexEntry {
        number: record.number,
        position: record.position,
        id: record.id,
        created: record.created,
    };
    (!record.is_marker()).then(|| (StreamName::new(record.stream()), entry))
}
