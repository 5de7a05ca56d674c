//! Freshness: how old what was read may be for one pass to decide on it.

use super::query::Query;
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::time::Instant;

/// When something was asked for: by the clock, and in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Asked {
    pub(super) number: u64,
    pub(super) at: Instant,
}

/// From when on a read is good enough for one peering.
#[derive(Clone, Debug)]
pub(super) struct Freshness {
    /// Nothing that was asked for before this.
    pub(super) since: Instant,
    /// The number of the last read when the pass began.
    pub(super) began: u64,
    /// The number of the last read before the check that somebody asked for.
    pub(super) checked: Arc<AtomicU64>,
    /// The number of the last read before an action touched what this query shows.
    pub(super) touched: BTreeMap<Query, u64>,
    /// Whether an account and region that failed a moment ago is asked again all the same, because
    /// somebody waits.
    pub(super) insists: bool,
}

impl Freshness {
    /// Whether what was asked for then may be decided on.
    pub(super) fn accepts(&self, query: Query, asked: Asked) -> bool {
        let touched = self.touched.get(&query).copied().unwrap_or_default();
        let last = touched.max(self.checked.load(Ordering::Relaxed));
        asked.at >= self.since && asked.number > last
    }
}
