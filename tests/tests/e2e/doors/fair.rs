//! What callers with manners notice of those without: what their calls take meanwhile, beside what
//! they take alone.

use std::{fmt, time::Duration};

/// How much slower a call may be.
const TIMES: u32 = 5;

/// What is below this is the machine's own unevenness.
const FLOOR: Duration = Duration::from_millis(20);

/// How long calls took.
#[derive(Debug, Clone, Copy)]
pub(super) struct Took {
    pub(super) middle: Duration,
    /// The 99th of a hundred.
    pub(super) p99: Duration,
}

impl Took {
    /// Of at least a hundred calls.
    pub(super) fn of(mut all: Vec<Duration>) -> Self {
        assert!(all.len() >= 100, "{} calls", all.len());
        all.sort();
        Self {
            middle: all[all.len() / 2],
            p99: all[all.len() * 99 / 100 - 1],
        }
    }

    /// Whether a caller would hardly notice, who had `idle` before. The slowest call of a hundred
    /// is judged where nothing else runs: beside other tests it says what those cost.
    pub(super) fn is_fair_beside(self, idle: Self) -> bool {
        let is_fair = |took: Duration, idle: Duration| took <= idle.max(FLOOR) * TIMES;
        let is_alone = std::env::var("RUST_TEST_THREADS").is_ok_and(|it| it == "1");
        is_fair(self.middle, idle.middle) && (!is_alone || is_fair(self.p99, idle.p99))
    }
}

impl fmt::Display for Took {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} (p99 {:?})", self.middle, self.p99)
    }
}
