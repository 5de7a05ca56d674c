//! How the provisioner is doing, for health checks and metrics.

use cloud::Operation;
use cloud::{CallOutcome, CallTimes, Calls};
use journal::Position;
use parking_lot::Mutex;
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

/// Running figures; cheap to read at any time.
#[derive(Debug, Default)]
pub struct Progress {
    caught_up: AtomicBool,
    begun_with: AtomicU64,
    followed: Mutex<Option<Position>>,
    passes: AtomicU64,
    failed_passes: AtomicU64,
    in_progress: AtomicU64,
    queue: Mutex<Queue>,
    /// When a pass came to its end last, whatever its end was.
    ended: Mutex<Option<Instant>>,
    log_unavailable: AtomicBool,
    calls: Arc<Calls>,
}

/// The networks that are due for a pass, which has not begun.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Queue {
    pub(super) due: u64,
    /// Since when the one is due that waits longest.
    pub(super) since: Option<Instant>,
}

/// The figures at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgressReport {
    /// Whether the log that is followed has been read to its end once.
    pub caught_up: bool,
    /// Networks that the start took from a checkpoint; 0: it followed the log from its first event.
    pub begun_with: u64,
    /// Up to where the log was followed; [`Position::START`] means nothing yet, `None` that
    /// following has not begun.
    pub followed: Option<Position>,
    /// Passes that came to their end.
    pub passes: u64,
    /// Passes that the event store made impossible.
    pub failed_passes: u64,
    /// Networks being worked on.
    pub in_progress: u64,
    /// Networks that are due for a pass, which has not begun.
    pub waiting: u64,
    /// For how long the one has been due that waits longest.
    pub longest_wait: Duration,
    /// For how long a network has been due without any pass coming to its end.
    pub stalled: Duration,
    /// Whether the last pass found the event store unavailable.
    pub log_unavailable: bool,
    /// Calls to clouds and what they took, by operation and outcome.
    pub calls: BTreeMap<(Operation, CallOutcome), CallTimes>,
}

impl Progress {
    pub(super) fn of(calls: Arc<Calls>) -> Self {
        Self {
            calls,
            ..Self::default()
        }
    }

    /// The figures now.
    pub fn report(&self) -> ProgressReport {
        let queue = *self.queue.lock();
        let ended = *self.ended.lock();
        ProgressReport {
            stalled: queue
                .since
                .map(|since| since.max(ended.unwrap_or(since)).elapsed())
                .unwrap_or_default(),
            waiting: queue.due,
            longest_wait: queue.since.map(|it| it.elapsed()).unwrap_or_default(),
            caught_up: self.caught_up.load(Ordering::Relaxed),
            begun_with: self.begun_with.load(Ordering::Relaxed),
            followed: *self.followed.lock(),
            passes: self.passes.load(Ordering::Relaxed),
            failed_passes: self.failed_passes.load(Ordering::Relaxed),
            in_progress: self.in_progress.load(Ordering::Relaxed),
            log_unavailable: self.log_unavailable.load(Ordering::Relaxed),
            calls: self.calls.times(),
        }
    }

    pub(super) fn begun_with(&self, networks: usize) {
        self.begun_with.store(networks as u64, Ordering::Relaxed);
    }

    /// The log is followed, and was up to here.
    pub(super) fn followed(&self, position: Option<Position>) {
        *self.followed.lock() = Some(position.unwrap_or(Position::START));
    }

    pub(super) fn caught_up(&self) {
        self.caught_up.store(true, Ordering::Relaxed);
    }

    /// What is followed is another log, of which nothing has been read.
    pub(super) fn begins_anew(&self) {
        self.caught_up.store(false, Ordering::Relaxed);
        *self.followed.lock() = Some(Position::START);
        self.in_progress(0);
        self.queue(Queue::default());
    }

    pub(super) fn in_progress(&self, networks: usize) {
        self.in_progress.store(networks as u64, Ordering::Relaxed);
    }

    pub(super) fn queue(&self, queue: Queue) {
        *self.queue.lock() = queue;
    }

    pub(super) fn passed(&self) {
        *self.ended.lock() = Some(Instant::now());
        self.passes.fetch_add(1, Ordering::Relaxed);
        self.log_unavailable.store(false, Ordering::Relaxed);
    }

    pub(super) fn log_unavailable(&self) {
        *self.ended.lock() = Some(Instant::now());
        self.failed_passes.fetch_add(1, Ordering::Relaxed);
        self.log_unavailable.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    #[tokio::test(start_paused = true)]
    async fn what_is_due_stalls_until_a_pass_ends_whatever_its_end() {
        let progress = Progress::default();
        let minute = Duration::from_secs(60);
        advance(minute).await;
        assert_eq!(progress.report().stalled, Duration::ZERO, "nothing is due");
        progress.queue(Queue {
            due: 1,
            since: Some(Instant::now()),
        });
        advance(minute * 3).await;
        assert_eq!(progress.report().stalled, minute * 3);
        progress.log_unavailable();
        assert_eq!(progress.report().stalled, Duration::ZERO);
        advance(minute).await;
        assert_eq!(progress.report().stalled, minute);
        assert_eq!(progress.report().longest_wait, minute * 4);
        progress.passed();
        assert_eq!(progress.report().stalled, Duration::ZERO);
        progress.queue(Queue::default());
        advance(minute).await;
        assert_eq!(progress.report().stalled, Duration::ZERO);
    }

    #[test]
    fn another_log_has_not_been_read() {
        let progress = Progress::default();
        progress.caught_up();
        progress.in_progress(3);
        assert!(progress.report().caught_up);
        progress.begins_anew();
        let report = progress.report();
        assert!(!report.caught_up, "{report:?}");
        assert_eq!((report.in_progress, report.waiting), (0, 0));
        assert_eq!(report.followed, Some(Position::START));
    }
}
