//! How many calls were made, how they ended, and how long they took.

use crate::{CloudError, Operation};
use parking_lot::Mutex;
use std::{collections::BTreeMap, time::Duration};

/// How a call ended: `ok`, or the name of an error kind.
pub type CallOutcome = &'static str;

/// The bounds between which calls are counted by what they took, in milliseconds. A call without an
/// answer ends at its deadline, which is 20 s by default.
pub const CALL_TIMES: [u64; 11] = [
    10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 20_000,
];

/// What calls of one operation and outcome took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallTimes {
    /// How many there were.
    pub count: u64,
    /// What they took together.
    pub took: Duration,
    /// How many of them took no longer than each of [`CALL_TIMES`], and longer than the one before.
    pub within: [u64; CALL_TIMES.len()],
}

impl CallTimes {
    fn note(&mut self, took: Duration) {
        self.count += 1;
        self.took += took;
        let bounds = CALL_TIMES.map(Duration::from_millis);
        if let Some(within) = bounds.iter().position(|bound| took <= *bound) {
            self.within[within] += 1;
        }
    }
}

/// Counts every call to a cloud, tries that failed included.
#[derive(Debug, Default)]
pub struct Calls {
    times: Mutex<BTreeMap<(Operation, CallOutcome), CallTimes>>,
}

impl Calls {
    pub(super) fn note<T>(
        &self,
        operation: Operation,
        result: &Result<T, CloudError>,
        took: Duration,
    ) {
        let outcome = match result {
            Ok(_) => "ok",
            Err(error) => error.kind.as_str(),
        };
        let mut times = self.times.lock();
        times.entry((operation, outcome)).or_default().note(took);
    }

    /// The counts so far, by operation and outcome.
    pub fn snapshot(&self) -> BTreeMap<(Operation, CallOutcome), u64> {
        let times = self.times.lock();
        times.iter().map(|(key, it)| (*key, it.count)).collect()
    }

    /// What the calls took so far, by operation and outcome. Waiting for a turn is no part of it.
    pub fn times(&self) -> BTreeMap<(Operation, CallOutcome), CallTimes> {
        self.times.lock().clone()
    }

    /// How many calls there were at all.
    pub fn total(&self) -> u64 {
        self.times.lock().values().map(|it| it.count).sum()
    }
}
