//! What the runtime knows of the connectors that run in this process.

use crate::series::{Of, SinkKind, Times};
use chrono::{DateTime, Utc};
use domain::text::ConnectorId;
use journal::Position;
use parking_lot::Mutex;
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// The connectors that run in this process. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Statuses {
    all: Arc<Mutex<BTreeMap<ConnectorId, Arc<Mutex<Live>>>>>,
    times: Times,
}

/// How a connector does that runs in this process.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Live {
    /// What kind of sink it has.
    pub kind: SinkKind,
    /// The lease's term.
    pub term: u64,
    /// Everything up to here is dealt with; [`Position::START`] means nothing yet, `None` that it
    /// has not begun.
    pub position: Option<Position>,
    /// How many records it has not looked at yet, where that is known.
    pub behind: Option<u64>,
    /// When the record was written that it looked at last.
    pub reached: Option<DateTime<Utc>>,
    /// When the oldest record was written that it has in hand, or else the first one that it has
    /// not looked at yet, where that is known.
    pub oldest: Option<DateTime<Utc>>,
    /// How many records it has in hand.
    pub in_hand: usize,
    /// How many parcels wait for their next attempt, and when the first of them is tried.
    pub retrying: usize,
    /// When the next attempt is.
    pub next_attempt: Option<DateTime<Utc>>,
    /// Why the endpoint is left alone, if it is.
    pub paused: Option<String>,
    /// What came of attempts.
    pub counts: Counts,
    /// When a record was taken last.
    pub delivered_at: Option<DateTime<Utc>>,
    /// The last attempt that failed: when, and why.
    pub last_error: Option<(DateTime<Utc>, String)>,
}

/// What came of records, since the process has the connector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records that were taken.
    pub delivered: u64,
    /// Records that the filter left out.
    pub filtered: u64,
    /// Records that were set aside.
    pub parked: u64,
    /// Attempts that failed.
    pub failed_attempts: u64,
}

impl Live {
    /// How long ago the oldest record was written that is not dealt with, while there is one.
    /// Where that one is not known it is the one that was looked at last: what comes after is no
    /// older.
    pub fn lag(&self, now: DateTime<Utc>) -> Option<Duration> {
        let is_behind = self.in_hand > 0 || self.behind != Some(0);
        let oldest = self.oldest.or(self.reached).filter(|_| is_behind)?;
        (now - oldest).to_std().ok()
    }
}

impl Statuses {
    /// How this connector does, if it runs here.
    pub fn get(&self, id: &ConnectorId) -> Option<Live> {
        let live = self.all.lock().get(id).cloned();
        live.map(|it| it.lock().clone())
    }

    /// All that run here.
    pub fn all(&self) -> BTreeMap<ConnectorId, Live> {
        let all = self.all.lock();
        let each = all.iter();
        each.map(|(id, live)| (id.clone(), live.lock().clone()))
            .collect()
    }

    pub(crate) fn times(&self) -> &Times {
        &self.times
    }

    pub(crate) fn enter(&self, id: &ConnectorId, kind: SinkKind, term: u64) -> Arc<Mutex<Live>> {
        let live = Arc::new(Mutex::new(Live {
            kind,
            term,
            ..Live::default()
        }));
        self.all.lock().insert(id.clone(), Arc::clone(&live));
        live
    }

    pub(crate) fn leave(&self, id: &ConnectorId) {
        let left = self.all.lock().remove(id);
        if let Some(left) = left {
            let kind = left.lock().kind;
            self.times.forget(&Of::new(id, kind));
        }
    }
}
