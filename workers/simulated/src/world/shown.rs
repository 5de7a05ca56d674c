//! When reads see what happened.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// From when on reads see something: a time, and a number of reads that still miss it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// The time.
    pub from: DateTime<Utc>,
    /// How many reads after that time still miss it.
    pub missed_by: u32,
}

/// What is not so any more, and from when on reads see that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gone<T> {
    /// What was there.
    pub was: T,
    /// From when on reads see that it is gone.
    pub seen: Shown,
}

impl Shown {
    pub(crate) fn always() -> Self {
        Self {
            from: DateTime::<Utc>::MIN_UTC,
            missed_by: 0,
        }
    }

    /// One read: does it see the thing?
    pub(crate) fn read(&mut self, now: DateTime<Utc>) -> bool {
        if !self.by(now) {
            return false;
        }
        let seen = self.missed_by == 0;
        self.missed_by = self.missed_by.saturating_sub(1);
        seen
    }

    /// Whether a call that names the thing finds it.
    pub(crate) fn by(&self, now: DateTime<Utc>) -> bool {
        self.from <= now
    }
}

/// One read: what it still shows of what is gone. What it does not show is forgotten.
pub(crate) fn ghosts<T: Clone>(gone: &mut Vec<Gone<T>>, now: DateTime<Utc>) -> Vec<T> {
    gone.retain_mut(|it| !it.seen.read(now));
    gone.iter().map(|it| it.was.clone()).collect()
}
