//! What a group says of itself and of its consumers, and what is counted for that.
//!
//! A rate is of the time since somebody asked last: whoever asks begins a new measurement, as on a
//! real server.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use super::settings::GroupConfig;

/// Of how many events the times are kept that a consumer took.
const WINDOW: usize = 1000;

/// What a group says of itself.
#[derive(Debug, Clone)]
pub(crate) struct GroupInfo {
    pub(crate) config: GroupConfig,
    pub(crate) is_live: bool,
    pub(crate) last_checkpoint: Option<String>,
    pub(crate) last_known: Option<String>,
    pub(crate) handed_out: Measured,
    pub(crate) waiting: usize,
    pub(crate) live: u64,
    pub(crate) retrying: usize,
    pub(crate) in_flight: usize,
    pub(crate) parked: u64,
    pub(crate) consumers: Vec<ConsumerInfo>,
}

/// What a group says of one of its consumers.
#[derive(Debug, Clone)]
pub(crate) struct ConsumerInfo {
    pub(crate) caller: Caller,
    pub(crate) handed_out: Measured,
    /// What its events took, where the group was asked to keep that.
    pub(crate) took: Vec<(&'static str, u64)>,
    pub(crate) in_flight: usize,
    pub(crate) free: usize,
}

/// Who a consumer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) from: String,
    pub(crate) user: String,
    /// What it calls its connection.
    pub(crate) connection: String,
}

/// A count, and how it grew since it was read before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Measured {
    pub(crate) total: u64,
    pub(crate) since_last: u64,
    pub(crate) per_second: u64,
}

/// Something that is counted.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Count {
    total: u64,
    at_last: u64,
}

impl Count {
    pub(super) fn add_one(&mut self) {
        self.total += 1;
    }

    /// Reads the count, so long after it was read before.
    pub(super) fn measure(&mut self, after: Duration) -> Measured {
        let since_last = self.total - self.at_last;
        self.at_last = self.total;
        let per_second = u128::from(since_last) * 1_000_000_000;
        let per_second = per_second.checked_div(after.as_nanos()).unwrap_or(0);
        Measured {
            total: self.total,
            since_last,
            per_second: u64::try_from(per_second).unwrap_or(u64::MAX),
        }
    }
}

/// When the counts of a group were read last.
#[derive(Debug)]
pub(super) struct Measurements(Instant);

impl Measurements {
    pub(super) fn begin() -> Self {
        Self(Instant::now())
    }

    /// How long ago the last one was; the next begins.
    pub(super) fn next(&mut self) -> Duration {
        let now = Instant::now();
        now - std::mem::replace(&mut self.0, now)
    }
}

/// How long a consumer's last events took, from when they were handed out until they were answered.
#[derive(Debug, Default)]
pub(super) struct Took(VecDeque<u64>);

impl Took {
    pub(super) fn note(&mut self, took: Duration) {
        if self.0.len() == WINDOW {
            self.0.pop_front();
        }
        let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        self.0.push_back(milliseconds);
    }

    /// In milliseconds, under the names that a real server has for them.
    pub(super) fn told(&self) -> Vec<(&'static str, u64)> {
        let mut sorted: Vec<u64> = self.0.iter().copied().collect();
        sorted.sort_unstable();
        let (Some(fastest), Some(slowest)) = (sorted.first(), sorted.last()) else {
            return Vec::new();
        };
        let count = sorted.len();
        // What so many of a thousand were faster than.
        let at = |permille: usize| sorted[(permille * count / 1000).min(count - 1)];
        let mean = sorted.iter().sum::<u64>() / u64::try_from(count).unwrap_or(u64::MAX);
        let mut told = vec![("Mean", mean), ("Median", at(500)), ("Fastest", *fastest)];
        let quintiles = [
            "Quintile 1",
            "Quintile 2",
            "Quintile 3",
            "Quintile 4",
            "Quintile 5",
        ];
        told.extend(
            (0..)
                .step_by(200)
                .zip(quintiles)
                .map(|(it, name)| (name, at(it))),
        );
        told.extend([("90%", 900), ("95%", 950), ("99%", 990)].map(|(name, it)| (name, at(it))));
        told.extend([
            ("99.5%", at(995)),
            ("99.9%", at(999)),
            ("Highest", *slowest),
        ]);
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_of_what_came_since_it_was_read_last() {
        let mut count = Count::default();
        (0..30).for_each(|_| count.add_one());
        let measured = |total, since_last, per_second| Measured {
            total,
            since_last,
            per_second,
        };
        assert_eq!(count.measure(Duration::from_secs(2)), measured(30, 30, 15));
        assert_eq!(count.measure(Duration::from_secs(2)), measured(30, 0, 0));
        count.add_one();
        assert_eq!(count.measure(Duration::ZERO), measured(31, 1, 0));
        count.add_one();
        assert_eq!(
            count.measure(Duration::from_millis(1)),
            measured(32, 1, 1000)
        );
    }

    #[test]
    fn what_events_took_is_told_of_the_last_thousand() {
        let mut took = Took::default();
        assert_eq!(took.told(), []);
        took.note(Duration::from_hours(1));
        (1..=1000)
            .rev()
            .for_each(|it| took.note(Duration::from_millis(it)));
        let told = [
            ("Mean", 500),
            ("Median", 501),
            ("Fastest", 1),
            ("Quintile 1", 1),
            ("Quintile 2", 201),
            ("Quintile 3", 401),
            ("Quintile 4", 601),
            ("Quintile 5", 801),
            ("90%", 901),
            ("95%", 951),
            ("99%", 991),
            ("99.5%", 996),
            ("99.9%", 1000),
            ("Highest", 1000),
        ];
        assert_eq!(took.told(), told);
        let mut one = Took::default();
        one.note(Duration::from_millis(7));
        assert!(one.told().iter().all(|it| it.1 == 7));
    }
}
