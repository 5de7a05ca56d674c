//! The table of expected revisions, row by row.

use std::convert::Infallible;

use super::{
    Decision::{Deleted, Repeated, Write, WrongExpected},
    *,
};
use crate::model::Expected::{Any, Exact, NoStream, StreamExists};

/// A stream whose event n has the id n + 1, all of them recent.
struct Events(u64);

impl KnownIds for Events {
    type Error = Infallible;

    fn stored(&self, number: u64) -> Result<Option<Uuid>, Infallible> {
        Ok((number < self.0).then(|| id(number)))
    }

    fn recent(&self, id: Uuid) -> Option<u64> {
        u64::try_from(id.as_u128() - 1)
            .ok()
            .filter(|number| *number < self.0)
    }
}

fn id(number: u64) -> Uuid {
    Uuid::from_u128(u128::from(number) + 1)
}

const NEVER: StreamState = StreamState {
    life: Life::Open,
    last: None,
    has_metadata: false,
};
const METADATA_ONLY: StreamState = StreamState {
    has_metadata: true,
    ..NEVER
};
const LAST_2: StreamState = StreamState {
    last: Some(2),
    ..NEVER
};
const SOFT_DELETED: StreamState = StreamState {
    life: Life::SoftDeleted,
    last: Some(2),
    has_metadata: true,
};
const TOMBSTONED: StreamState = StreamState {
    life: Life::Tombstoned,
    ..LAST_2
};

fn decided(state: StreamState, expected: Expected, ids: &[u64]) -> Decision {
    let ids: Vec<Uuid> = ids.iter().copied().map(id).collect();
    let known = Events(state.last.map_or(0, |last| last + 1));
    match decide(state, expected, &ids, &known) {
        Ok(decision) => decision,
    }
}

fn table(state: StreamState, rows: &[(Expected, Decision, Decision)]) {
    for (expected, with_new_events, without_events) in rows {
        assert_eq!(
            decided(state, *expected, &[100, 101]),
            *with_new_events,
            "{expected:?}, new events"
        );
        assert_eq!(
            decided(state, *expected, &[]),
            *without_events,
            "{expected:?}, no events"
        );
    }
}

#[test]
fn a_stream_that_never_existed() {
    table(
        NEVER,
        &[
            (Any, Write, Write),
            (NoStream, Write, Write),
            (StreamExists, WrongExpected, WrongExpected),
            (Exact(0), WrongExpected, WrongExpected),
            (Exact(7), WrongExpected, WrongExpected),
        ],
    );
}

#[test]
fn a_stream_that_has_only_metadata_exists() {
    table(
        METADATA_ONLY,
        &[
            (Any, Write, Write),
            (NoStream, Write, Write),
            (StreamExists, Write, Write),
            (Exact(0), WrongExpected, WrongExpected),
        ],
    );
}

#[test]
fn a_stream_with_events() {
    table(
        LAST_2,
        &[
            (Any, Write, Write),
            (NoStream, WrongExpected, WrongExpected),
            (StreamExists, Write, Write),
            (Exact(0), WrongExpected, WrongExpected),
            (Exact(2), Write, Write),
            (Exact(7), WrongExpected, WrongExpected),
        ],
    );
}

#[test]
fn a_soft_deleted_stream() {
    table(
        SOFT_DELETED,
        &[
            (Any, Write, Write),
            (NoStream, Write, WrongExpected),
            (StreamExists, Deleted, Deleted),
            (Exact(0), WrongExpected, WrongExpected),
            (Exact(2), Write, Write),
            (Exact(7), WrongExpected, WrongExpected),
        ],
    );
}

#[test]
fn a_tombstoned_stream() {
    table(
        TOMBSTONED,
        &[
            (Any, Deleted, Deleted),
            (NoStream, Deleted, Deleted),
            (StreamExists, Deleted, Deleted),
            (Exact(0), Deleted, Deleted),
            (Exact(2), Deleted, Deleted),
        ],
    );
}

#[test]
fn repeated_events_with_a_place_are_compared_with_what_is_stored_there() {
    for (expected, ids, decision) in [
        (NoStream, &[0, 1, 2][..], Repeated { last: 2 }),
        (NoStream, &[0, 1], Repeated { last: 1 }),
        (NoStream, &[0, 1, 2, 3], WrongExpected),
        (NoStream, &[1, 2], WrongExpected),
        (Exact(0), &[1, 2], Repeated { last: 2 }),
        (Exact(0), &[1], Repeated { last: 1 }),
        (Exact(0), &[1, 9], WrongExpected),
        (Exact(0), &[2, 1], WrongExpected),
        (Exact(1), &[2, 3], WrongExpected),
        // At the true revision nothing is compared: the events are written again.
        (Exact(2), &[0, 1], Write),
    ] {
        assert_eq!(
            decided(LAST_2, expected, ids),
            decision,
            "{expected:?} {ids:?}"
        );
    }
}

#[test]
fn repeated_events_without_a_place_are_looked_for_among_the_recent() {
    for expected in [Any, StreamExists] {
        for (ids, decision) in [
            (&[0, 1, 2][..], Repeated { last: 2 }),
            (&[0, 1], Repeated { last: 1 }),
            // In any order, neighbours or not.
            (&[2, 0], Repeated { last: 0 }),
            (&[1, 9], WrongExpected),
            (&[9, 0], Write),
        ] {
            assert_eq!(
                decided(LAST_2, expected, ids),
                decision,
                "{expected:?} {ids:?}"
            );
        }
    }
}

#[test]
fn a_soft_deleted_stream_remembers_its_first_append() {
    assert_eq!(
        decided(SOFT_DELETED, NoStream, &[0, 1, 2]),
        Repeated { last: 2 }
    );
    assert_eq!(decided(SOFT_DELETED, NoStream, &[0, 9]), WrongExpected);
    assert_eq!(decided(SOFT_DELETED, NoStream, &[9, 0]), Write);
}
