//! How the provisioner is doing, for health checks and metrics.

use cloud::Operation;
use cloud::{CallOutcome, Calls};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

/// Running figures; cheap to read at any time.
#[derive(Debug, Default)]
pub struct Progress {
    caught_up: AtomicBool,
    begun_with: AtomicU64,
    passes: AtomicU64,
    failed_passes: AtomicU64,
    in_progress: AtomicU64,
    log_unavailable: AtomicBool,
    calls: Arc<Calls>,
}

/// The figures at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgressReport {
    /// Whether the log has been read to its end once.
    pub caught_up: bool,
    /// Networks that the start took from a checkpoint; 0: it followed the log from its first event.
    pub begun_with: u64,
    /// Passes that came to their end.
    pub passes: u64,
    /// Passes that the event store made impossible.
    pub failed_passes: u64,
    /// Networks being worked on.
    pub in_progress: u64,
    /// Whether the last pass found the event store unavailable.
    pub log_unavailable: bool,
    /// Calls to clouds, by operation and outcome.
    pub calls: BTreeMap<(Operation, CallOutcome), u64>,
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
        ProgressReport {
            caught_up: self.caught_up.load(Ordering::Relaxed),
            begun_with: self.begun_with.load(Ordering::Relaxed),
            passes: self.passes.load(Ordering::Relaxed),
            failed_passes: self.failed_passes.load(Ordering::Relaxed),
            in_progress: self.in_progress.load(Ordering::Relaxed),
            log_unavailable: self.log_unavailable.load(Ordering::Relaxed),
            calls: self.calls.snapshot(),
        }
    }

    pub(super) fn begun_with(&self, networks: usize) {
        self.begun_with.store(networks as u64, Ordering::Relaxed);
    }

    pub(super) fn caught_up(&self) {
        self.caught_up.store(true, Ordering::Relaxed);
    }

    pub(super) fn in_progress(&self, networks: usize) {
        self.in_progress.store(networks as u64, Ordering::Relaxed);
    }

    pub(super) fn passed(&self) {
        self.passes.fetch_add(1, Ordering::Relaxed);
        self.log_unavailable.store(false, Ordering::Relaxed);
    }

    pub(super) fn log_unavailable(&self) {
        self.failed_passes.fetch_add(1, Ordering::Relaxed);
        self.log_unavailable.store(true, Ordering::Relaxed);
    }
}
