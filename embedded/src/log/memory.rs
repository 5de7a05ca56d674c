//! A log that lasts as long as the process.

use std::{
    collections::BTreeMap,
    ops::{ControlFlow, RangeInclusive},
};

use bytes::Bytes;
use parking_lot::RwLock;

use super::{Direction, Group, IndexEntry, Log, LogError, Visitor};
use crate::model::{Position, Record, StreamName};

/// How many records are visited under one hold of the lock, so that a long scan does not keep the
/// writer waiting.
const CHUNK: usize = 1024;

#[derive(Debug, Default)]
pub(crate) struct MemoryLog {
    contents: RwLock<Contents>,
}

#[derive(Debug, Default)]
struct Contents {
    records: BTreeMap<Position, Bytes>,
    streams: BTreeMap<StreamName, BTreeMap<u64, IndexEntry>>,
}

impl MemoryLog {
    /// The next few records of a range, in this direction.
    fn chunk(&self, from: Position, to: Position, direction: Direction) -> Vec<(Position, Bytes)> {
        let contents = self.contents.read();
        let range = contents
            .records
            .range(from..to)
            .map(|(position, bytes)| (*position, bytes.clone()));
        match direction {
            Direction::Forwards => range.take(CHUNK).collect(),
            Direction::Backwards => range.rev().take(CHUNK).collect(),
        }
    }
}

impl Log for MemoryLog {
    fn commit(&self, group: Group) -> Result<(), LogError> {
        let mut contents = self.contents.write();
        contents.records.extend(group.records);
        for (stream, entry) in group.entries {
            contents
                .streams
                .entry(stream)
                .or_default()
                .insert(entry.number, entry);
        }
        for (stream, number) in group.removed {
            if let Some(entries) = contents.streams.get_mut(&stream) {
                entries.remove(&number);
            }
        }
        Ok(())
    }

    fn record(&self, position: Position) -> Result<Option<Record>, LogError> {
        let bytes = self.contents.read().records.get(&position).cloned();
        Ok(bytes
            .map(|bytes| Record::decode(position, bytes))
            .transpose()?)
    }

    fn scan(
        &self,
        mut from: Position,
        mut to: Position,
        direction: Direction,
        visit: &mut Visitor<'_>,
    ) -> Result<(), LogError> {
        while from < to {
            let chunk = self.chunk(from, to, direction);
            let Some((last, _)) = chunk.last() else {
                return Ok(());
            };
            match direction {
                Direction::Forwards => from = last.next(),
                Direction::Backwards => to = *last,
            }
            for (position, bytes) in chunk {
                if let ControlFlow::Break(()) = visit(Record::decode(position, bytes)?) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn entry(&self, stream: &StreamName, number: u64) -> Result<Option<IndexEntry>, LogError> {
        let contents = self.contents.read();
        let entry = contents
            .streams
            .get(stream)
            .and_then(|entries| entries.get(&number));
        Ok(entry.copied())
    }

    fn entries(
        &self,
        stream: &StreamName,
        numbers: RangeInclusive<u64>,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<IndexEntry>, LogError> {
        if numbers.is_empty() {
            return Ok(Vec::new());
        }
        let contents = self.contents.read();
        let Some(entries) = contents.streams.get(stream) else {
            return Ok(Vec::new());
        };
        let range = entries.range(numbers).map(|(_, entry)| *entry);
        Ok(match direction {
            Direction::Forwards => range.take(limit).collect(),
            Direction::Backwards => range.rev().take(limit).collect(),
        })
    }
}
