//! How many calls were made, and how they ended.

use crate::{CloudError, Operation};
use parking_lot::Mutex;
use std::collections::BTreeMap;

/// How a call ended: `ok`, or the name of an error kind.
pub type CallOutcome = &'static str;

/// Counts every call to a cloud, tries that failed included.
#[derive(Debug, Default)]
pub struct Calls {
    counts: Mutex<BTreeMap<(Operation, CallOutcome), u64>>,
}

impl Calls {
    pub(super) fn note<T>(&self, operation: Operation, result: &Result<T, CloudError>) {
        let outcome = match result {
            Ok(_) => "ok",
            Err(error) => error.kind.as_str(),
        };
        *self.counts.lock().entry((operation, outcome)).or_default() += 1;
    }

    /// The counts so far, by operation and outcome.
    pub fn snapshot(&self) -> BTreeMap<(Operation, CallOutcome), u64> {
        self.counts.lock().clone()
    }

    /// How many calls there were at all.
    pub fn total(&self) -> u64 {
        self.counts.lock().values().sum()
    }
}
