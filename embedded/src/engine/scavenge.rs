//! Frees what no reader of a stream can see any more.
//!
//! A record that goes is replaced by a marker, so that a position a client was once given stays a
//! position. The last event of a stream stays, hidden or not: it says how the stream goes on. It is
//! done by the writer, a few records at a time between groups, because what is hidden must not come
//! back to light meanwhile.

use std::ops::ControlFlow;

use super::{Head, Heads, Visibility, expired_before};
use crate::{
    log::{Direction, Group, Log, LogError},
    model::{Position, Record, StreamName, TOMBSTONE_NUMBER, Ticks, encode_marker},
};

/// How many records are looked at before appends get their turn.
const CHUNK: usize = 512;

/// How far a scavenge has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scavenged {
    /// Where to go on; none when the end is reached.
    pub(crate) next: Option<Position>,
    /// How many records were freed.
    pub(crate) freed: u64,
}

/// Frees what can be freed among the next records from a position on.
pub(super) fn chunk(
    log: &dyn Log,
    heads: &Heads,
    now: Ticks,
    from: Position,
    end: Position,
) -> Result<Scavenged, LogError> {
    let mut records = Vec::new();
    log.scan(from, end, Direction::Forwards, &mut |record| {
        records.push(record);
        if records.len() < CHUNK {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    })?;
    let next = records
        .last()
        .map(|record| record.position.next())
        .filter(|_| records.len() == CHUNK);
    let mut group = Group::default();
    for record in records {
        // The last record of all tells where the log ends.
        let is_last = record.position.after(record.len()) == end;
        if is_last || record.is_marker() || !is_free(heads, &record, now)? {
            continue;
        }
        group
            .removed
            .push((StreamName::new(record.stream()), record.number));
        group
            .records
            .push((record.position, encode_marker(record.created)));
    }
    let freed = group.records.len() as u64;
    if freed > 0 {
        log.commit(group)?;
    }
    Ok(Scavenged { next, freed })
}

fn is_free(heads: &Heads, record: &Record, now: Ticks) -> Result<bool, LogError> {
    let stream = StreamName::new(record.stream());
    let head = heads.get(&stream)?;
    let metadata = heads.metadata(&stream)?;
    Ok(match Visibility::of(&head, &metadata) {
        _ if is_kept(&head, record.number) => false,
        Visibility::Deleted => true,
        Visibility::Missing => true,
        Visibility::Present { from, .. } => {
            let expired = expired_before(metadata.max_age, now);
            record.number < from || expired.is_some_and(|cutoff| record.created < cutoff)
        }
    })
}

/// The tombstone of a stream, or else its last event.
fn is_kept(head: &Head, number: u64) -> bool {
    if head.tombstoned {
        number == TOMBSTONE_NUMBER
    } else {
        head.last == Some(number)
    }
}
