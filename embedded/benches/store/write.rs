//! The floor under a durable append: one write and one flush to the same disk. And the times that
//! are compared with it.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// About what an event of 256 bytes takes in the log, with its index entry.
const BYTES: usize = 450;

/// Times of many single operations.
pub(crate) struct Times(Vec<Duration>);

impl Times {
    pub(crate) fn of(mut times: Vec<Duration>) -> Self {
        times.sort();
        Self(times)
    }

    pub(crate) fn with(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        Self::of(self.0)
    }

    /// The time that so many in a hundred did not exceed.
    pub(crate) fn at(&self, percent: usize) -> Duration {
        self.0[(self.0.len() * percent / 100).min(self.0.len() - 1)]
    }

    pub(crate) fn per_second(&self) -> f64 {
        self.0.len() as f64 / self.0.iter().sum::<Duration>().as_secs_f64()
    }
}

/// Writes and flushes so many times.
pub(crate) fn flushed(file: &Path, count: usize) -> Times {
    let mut file = File::create(file).unwrap();
    let once = |_| {
        let begun = Instant::now();
        file.write_all(&[b'x'; BYTES]).unwrap();
        file.sync_data().unwrap();
        begun.elapsed()
    };
    Times::of((0..count).map(once).collect())
}
