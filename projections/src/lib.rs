//! What can be looked up of the log: read models and the audit, in SQLite beside the process.
//!
//! [`Projections::run`] follows the log and writes; the queries read. A row holds what the domain
//! folded, and columns to find it by; what an event does is known to the domain alone. A position
//! is written in one transaction with the rows that it stands for, so whatever is read is the log
//! up to [`Page::as_of`] and nothing else. What does not hold the whole log does not pass for it.
//! The file is disposable: damaged, deleted, or made from another log, it is built again from the
//! log; of another form, it serves until a new one is built beside it.
//!
//! Beside them, in a file of its own, is the tree that proves the log ([`AuditTree`]).
//!
//! Here nothing is decided and nothing is appended: read models may lag behind the log, and nobody
//! may act on them but people.
//!
//! Read first: `fold` (how events become rows), then `run` (when), then `queries` (what is given
//! back).

#![warn(missing_docs)]

mod beside;
mod blocks;
mod checkpoint;
mod error;
mod evidence;
mod fold;
mod form;
mod index;
mod page;
mod queries;
mod ranges;
mod rebuild;
mod rows;
mod run;
mod schema;
mod states;
mod store;
mod timeline;
mod times;

pub use domain::network::{LifeName, NotALife};
pub use error::{OpenError, QueryError, RunError};
pub use evidence::{
    AuditTree, Epoch, Head, KeptCheckpoint, LeafPlace, Proof, TreeError, TreeRunError, leaf_of,
    read_covered,
};
pub use page::{Page, PageRequest, WhileBuilding};
pub use queries::{
    Counts, DriftFilter, DriftView, ExposureFilter, ExposureView, Legible, NetworkFilter,
    NetworkView, Order, OrphanFilter, OrphanView, Part, PeeringCounts, PeeringFilter, PeeringView,
    TimelineEntry, TimelineQuery, Unreadable,
};

pub use rebuild::{
    ColumnDifference, Comparison, Differs, NotCancelled, Rebuild, RebuildCounts, Roots,
    RowDifference, SignedRoot, Stage, UnderWay,
};
pub use states::{FoldedStates, StatesError};

use chrono::{DateTime, Utc};
use journal::{Journal, Position};
use rebuild::Rebuilds;
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use store::Store;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

/// The read models of one log. A cheap handle; clones share everything.
#[derive(Clone, Debug)]
pub struct Projections {
    store: Arc<Store>,
    progress: Arc<Progress>,
    rebuilds: Arc<Rebuilds>,
}

/// How far the rows are.
#[derive(Debug)]
struct Progress {
    position: watch::Sender<Position>,
    caught_up: watch::Sender<bool>,
    /// How many other logs came in the place of the one that was followed.
    logs: watch::Sender<u64>,
    awaited: Awaited,
}

/// Who waits for rows that are not there yet.
#[derive(Debug, Default)]
struct Awaited {
    by: AtomicUsize,
    more: Notify,
}

impl Awaited {
    /// Counts until it is dropped.
    fn begin(&self) -> Waiting<'_> {
        self.by.fetch_add(1, Ordering::SeqCst);
        self.more.notify_one();
        Waiting(self)
    }

    /// Waits until somebody waits.
    async fn somebody(&self) {
        while self.by.load(Ordering::SeqCst) == 0 {
            self.more.notified().await;
        }
    }
}

struct Waiting<'a>(&'a Awaited);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.by.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Projections {
    /// Opens the read models in this file, and makes it if there is none. What cannot be used is
    /// deleted: the log has it all.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Self::over(Store::open(path)?)
    }

    /// Read models that end with the process.
    pub fn in_memory() -> Result<Self, OpenError> {
        Self::over(Store::in_memory()?)
    }

    fn over(store: Store) -> Result<Self, OpenError> {
        let progress = Progress {
            position: watch::Sender::new(store.position()?),
            caught_up: watch::Sender::new(false),
            logs: watch::Sender::new(0),
            awaited: Awaited::default(),
        };
        let rebuilds = Rebuilds::new();
        let wanted = match store.unfinished()? {
            _ if store.is_stale() => Some(None),
            Some(asked_at) => Some(Some(asked_at)),
            None => None,
        };
        if let Some(asked_at) = wanted {
            // Nothing else has been asked for yet.
            let _ = rebuilds.ask(asked_at);
        }
        Ok(Self {
            store: Arc::new(store),
            progress: Arc::new(progress),
            rebuilds: Arc::new(rebuilds),
        })
    }

    /// Follows all events that are audited and writes them, until cancelled. Goes on from where the
    /// rows are; waits through outages of the store and of the disk. An error means that it cannot
    /// go on without a person.
    pub async fn run(&self, journal: &Journal, cancel: CancellationToken) -> Result<(), RunError> {
        self.run_over(journal, cancel).await
    }

    /// Nothing follows the log for a while: the rows stay as they are, and do not pass for whole
    /// until they have been followed to its end again.
    pub fn rest(&self) {
        self.progress.caught_up.send_replace(false);
    }

    /// Up to which position of the log the rows are; [`Position::START`] means nothing yet. It goes
    /// back only when the read models are built again.
    pub fn position(&self) -> watch::Receiver<Position> {
        self.progress.position.subscribe()
    }

    /// Whether the end of the log has been reached since this process began to follow, or since the
    /// read models were last built again in their place. Until then they do not pass for whole.
    pub fn caught_up(&self) -> watch::Receiver<bool> {
        self.progress.caught_up.subscribe()
    }

    /// How often the log has turned out to be another one than the rows were made from, since this
    /// process began. Told before anything of the other one can be read here.
    pub fn other_logs(&self) -> watch::Receiver<u64> {
        self.progress.logs.subscribe()
    }

    /// Has new read models built from the log while these serve on, and compared with these at the
    /// same position; then they take over. Needs [`Projections::run`] to be running. What stands
    /// half built is gone on with by whoever opens the file next.
    ///
    /// # Errors
    /// When that is being done already.
    pub fn rebuild(&self, now: DateTime<Utc>) -> Result<(), UnderWay> {
        self.rebuilds.ask(Some(now))
    }

    /// Gives up what is being built.
    ///
    /// # Errors
    /// When nothing is, or when nobody asked for it.
    pub fn cancel_rebuild(&self) -> Result<(), NotCancelled> {
        self.rebuilds.cancel()
    }

    /// What is being built, or was last, since this process began.
    pub fn last_rebuild(&self) -> Option<Rebuild> {
        self.rebuilds.last()
    }

    /// How often what was built came to what, since this process began.
    pub fn rebuild_counts(&self) -> RebuildCounts {
        self.rebuilds.counts()
    }

    fn is_whole(&self) -> bool {
        *self.progress.caught_up.borrow()
    }

    fn building(&self) -> QueryError {
        QueryError::Building {
            at: *self.progress.position.borrow(),
        }
    }

    /// Waits until what was appended at this position can be read here. `false` means that the time
    /// ran out.
    pub async fn wait_for(&self, position: Position, timeout: Duration) -> bool {
        let mut at = self.position();
        if *at.borrow() >= position {
            return true;
        }
        let _waiting = self.progress.awaited.begin();
        let reached = at.wait_for(|at| *at >= position);
        matches!(tokio::time::timeout(timeout, reached).await, Ok(Ok(_)))
    }
}

#[cfg(test)]
mod tests;
