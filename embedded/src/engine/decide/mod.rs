//! Whether a write goes ahead: (state of the stream) × (expected revision) × (ids of the events) →
//! decision.
//!
//! | state | `Any` | `NoStream` | `StreamExists` | exactly N |
//! | --- | --- | --- | --- | --- |
//! | never written | write | write | wrong; write if it has metadata | wrong |
//! | last is L | write, or repeated | repeated from 0, else wrong | as `Any` | N = L write; N < L repeated from N+1, else wrong; N > L wrong |
//! | soft deleted | as `Any` | write; repeated from 0; without events wrong | deleted | as if not deleted |
//! | tombstoned | deleted | deleted | deleted | deleted |
//!
//! A repeat is told by the ids of the events. `Any` and `StreamExists` name no place where a repeat
//! would be, so the ids are looked for among the stream's recent ones; the others name it, so the
//! stored events there are compared.

use uuid::Uuid;

use crate::model::Expected;

/// What a stream is like before a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StreamState {
    pub(super) life: Life,
    /// The number of the last event ever written.
    pub(super) last: Option<u64>,
    pub(super) has_metadata: bool,
}

/// Whether a stream can be read, and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    Open,
    SoftDeleted,
    Tombstoned,
}

/// What is known of the ids of events that a stream already has.
pub(super) trait KnownIds {
    type Error;

    /// The id of the event with this number.
    fn stored(&self, number: u64) -> Result<Option<Uuid>, Self::Error>;

    /// The number under which the stream has recently been given this id.
    fn recent(&self, id: Uuid) -> Option<u64>;
}

/// What becomes of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// The events are written after the stream's last one.
    Write,
    /// All of the events are there already; the last of them has this number.
    Repeated { last: u64 },
    /// The stream is not as expected.
    WrongExpected,
    /// The stream cannot be written.
    Deleted,
}

/// Decides an append. Deletes and tombstones are decided as appends of one new event.
pub(super) fn decide<K: KnownIds>(
    state: StreamState,
    expected: Expected,
    ids: &[Uuid],
    known: &K,
) -> Result<Decision, K::Error> {
    if state.life == Life::Tombstoned {
        return Ok(Decision::Deleted);
    }
    match expected {
        Expected::Any => Ok(by_recent_ids(ids, known)),
        Expected::StreamExists if state.life == Life::SoftDeleted => Ok(Decision::Deleted),
        Expected::StreamExists if state.last.is_none() && !state.has_metadata => {
            Ok(Decision::WrongExpected)
        }
        Expected::StreamExists => Ok(by_recent_ids(ids, known)),
        Expected::NoStream => match state.last {
            None => Ok(Decision::Write),
            Some(_) => by_stored_ids(state, expected, ids, 0, known),
        },
        Expected::Exact(number) => match state.last {
            Some(last) if number == last => Ok(Decision::Write),
            Some(last) if number < last => by_stored_ids(state, expected, ids, number + 1, known),
            Some(_) | None => Ok(Decision::WrongExpected),
        },
    }
}

/// A first id that is unknown makes it a write, even if later ones are known.
fn by_recent_ids<K: KnownIds>(ids: &[Uuid], known: &K) -> Decision {
    let mut last = None;
    for id in ids {
        match (known.recent(*id), last) {
            (Some(number), _) => last = Some(number),
            (None, None) => return Decision::Write,
            (None, Some(_)) => return Decision::WrongExpected,
        }
    }
    match last {
        Some(last) => Decision::Repeated { last },
        None => Decision::Write,
    }
}

fn by_stored_ids<K: KnownIds>(
    state: StreamState,
    expected: Expected,
    ids: &[Uuid],
    from: u64,
    known: &K,
) -> Result<Decision, K::Error> {
    for (number, id) in (from..).zip(ids) {
        if known.stored(number)? == Some(*id) {
            continue;
        }
        let first = number == from;
        let anew = expected == Expected::NoStream && state.life == Life::SoftDeleted;
        return Ok(if first && anew {
            Decision::Write
        } else {
            Decision::WrongExpected
        });
    }
    Ok(match ids.len() as u64 {
        0 => Decision::WrongExpected,
        len => Decision::Repeated {
            last: from + len - 1,
        },
    })
}

#[cfg(test)]
mod tests;
