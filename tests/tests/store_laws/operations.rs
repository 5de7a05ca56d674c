//! Random operations: few streams and few ids, so that everything meets everything.

use crate::model::{Direction, Metadata};
use kurrentdb::StreamState;
use proptest::prelude::*;

/// One thing that a client does, or that happens to the store.
#[derive(Debug, Clone)]
pub enum Operation {
    /// Ids are numbers in the stream's own pool.
    Append {
        stream: usize,
        expected: Expected,
        ids: Vec<u8>,
    },
    Delete {
        stream: usize,
        expected: Expected,
    },
    Tombstone {
        stream: usize,
        expected: Expected,
    },
    SetMetadata {
        stream: usize,
        metadata: Metadata,
    },
    Read {
        stream: usize,
        direction: Direction,
        from: Option<u64>,
        count: usize,
    },
    /// From the event at this part of the log, in 256ths.
    ReadAll {
        direction: Direction,
        at: u8,
        count: usize,
        of_type: Option<usize>,
    },
    /// Stops the store and starts it again; it keeps what is on disk.
    Restart,
}

/// An expected revision. Exact ones are near the stream's true last number, or it would hardly ever
/// be met.
#[derive(Debug, Clone, Copy)]
pub enum Expected {
    Said(StreamState),
    /// The stream's last number less this.
    Behind(u64),
    /// The stream's last number and this.
    Beyond(u64),
}

/// The types that events have: by the number of their id.
pub const TYPES: [&str; 3] = ["Opened", "Moved", "Closed"];

/// How many streams there are.
pub const STREAMS: usize = 3;

fn expected() -> impl Strategy<Value = Expected> {
    prop_oneof![
        4 => Just(Expected::Said(StreamState::Any)),
        2 => Just(Expected::Said(StreamState::NoStream)),
        2 => Just(Expected::Said(StreamState::StreamExists)),
        4 => Just(Expected::Behind(0)),
        2 => (1_u64..5).prop_map(Expected::Behind),
        1 => (1_u64..3).prop_map(Expected::Beyond),
    ]
}

/// New ids mostly, in ascending order as clients make them; sometimes any, repeats included.
fn ids() -> impl Strategy<Value = Vec<u8>> {
    let a_run = (0_u8..40, 0_usize..5).prop_map(|(first, count)| (first..).take(count).collect());
    let any = prop::collection::vec(0_u8..12, 0..4);
    prop_oneof![3 => a_run, 1 => any]
}

fn metadata() -> impl Strategy<Value = Metadata> {
    let truncate_before = prop::option::of(0_u64..12);
    let max_count = prop::option::of(1_u64..6);
    (truncate_before, max_count).prop_map(|(truncate_before, max_count)| Metadata {
        truncate_before,
        max_count,
    })
}

fn direction() -> impl Strategy<Value = Direction> {
    prop_oneof![Just(Direction::Forwards), Just(Direction::Backwards)]
}

/// Any operation. Tombstones and restarts are rare: a tombstoned stream has little more to tell.
pub fn operation() -> impl Strategy<Value = Operation> {
    let stream = 0..STREAMS;
    prop_oneof![
        20 => (stream.clone(), expected(), ids()).prop_map(|(stream, expected, ids)| Operation::Append { stream, expected, ids }),
        3 => (stream.clone(), expected()).prop_map(|(stream, expected)| Operation::Delete { stream, expected }),
        1 => (stream.clone(), expected()).prop_map(|(stream, expected)| Operation::Tombstone { stream, expected }),
        3 => (stream.clone(), metadata()).prop_map(|(stream, metadata)| Operation::SetMetadata { stream, metadata }),
        5 => (stream, direction(), prop::option::of(0_u64..20), 1_usize..60)
            .prop_map(|(stream, direction, from, count)| Operation::Read { stream, direction, from, count }),
        4 => (direction(), any::<u8>(), 1_usize..60, prop::option::of(0..TYPES.len()))
            .prop_map(|(direction, at, count, of_type)| Operation::ReadAll { direction, at, count, of_type }),
        1 => Just(Operation::Restart),
    ]
}
