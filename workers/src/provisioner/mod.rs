//! The provisioner: makes the cloud match what is on record, and puts on record what the cloud
//! shows.
//!
//! An event says when to look; the folded network says what should be. The provisioner follows all
//! networks, and runs a pass over each one that had an event or whose time has come. A pass: load,
//! observe, plan, apply, record, until nothing is left to do. The same loop creates, repairs and
//! finishes after a crash.
//!
//! - Passes over one network never overlap; different networks go in parallel, up to a bound.
//! - An outcome goes on record only after a read has shown it; the intent to create a link goes on
//!   record before the call.
//! - An answer that was lost is resolved by looking, for a link within a window, never by asking
//!   again at once.
//! - What the engine cannot cure is put on record as a block, tried again with growing pauses, and
//!   taken back by itself.
//! - While the event store is unavailable, passes wait with growing pauses; nothing is decided
//!   without it.
//!
//! Read first: `pass` (the loop), then `plan` (what follows from what), `block` (what people are
//! told).
//!
//! It keeps no state: what it remembers only makes it wait.

mod apply;
mod block;
#[cfg(test)]
mod crash_tests;
mod directory;
mod dry_run;
mod graph;
mod log;
mod memory;
mod observation;
mod observe;
mod pass;
mod plan;
mod preview;
mod progress;
mod scheduler;
mod settings;
mod sides;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod work_queue;

pub use directory::{Directory, Resolved};
pub use preview::{
    CheckOutcome, CheckReport, PlannedAction, Planner, Preview, PreviewError, Subject,
};
pub use progress::{Progress, ProgressReport};
pub use settings::ProvisionerSettings;

use cloud::{Cloud, RateLimited};
use journal::{Clock, FollowError, Followed, Journal, Signal};
use parking_lot::RwLock;
use scheduler::{Scheduler, Worker};
use std::{fmt, sync::Arc};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// Who the log says has recorded the outcomes.
const ACTOR: &str = "provisioner";

/// The provisioner of all networks in one log.
pub struct Provisioner {
    journal: Journal,
    worker: Arc<Worker>,
    progress: Arc<Progress>,
    directory: Directory,
}

impl fmt::Debug for Provisioner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provisioner")
            .field("settings", &self.worker.settings)
            .field("progress", &self.progress)
            .finish_non_exhaustive()
    }
}

impl Provisioner {
    /// A provisioner that stops when the token is cancelled. All calls to the cloud go through the
    /// limits of the settings.
    pub fn new(
        journal: Journal,
        cloud: Arc<dyn Cloud>,
        clock: Clock,
        settings: ProvisionerSettings,
        stop: CancellationToken,
    ) -> Self {
        let cloud = RateLimited::new(cloud, settings.calls.clone());
        let progress = Arc::new(Progress::of(cloud.calls()));
        let actor = ACTOR.parse().expect("a plain word is an actor");
        let networks = journal.networks().clone();
        Self {
            journal,
            worker: Arc::new(Worker {
                networks,
                cloud,
                clock,
                actor,
                settings,
                graph: RwLock::default(),
                stop: stop.child_token(),
            }),
            progress,
            directory: Directory::default(),
        }
    }

    /// Which network each peering is of.
    pub fn directory(&self) -> Directory {
        self.directory.clone()
    }

    /// The running figures.
    pub fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    /// What would be done, without doing it.
    pub fn planner(&self) -> Planner {
        Planner::of(Arc::clone(&self.worker))
    }

    /// Runs until it is told to stop, then lets the calls that are on their way come to their end.
    /// An error means that the log can never be followed, whatever time passes.
    pub async fn run(self) -> Result<(), FollowError> {
        let mut scheduler = Scheduler::new(Arc::clone(&self.worker), Arc::clone(&self.progress));
        let result = self.follow(&mut scheduler).await;
        scheduler.drain().await;
        result
    }

    async fn follow(&self, scheduler: &mut Scheduler) -> Result<(), FollowError> {
        let mut follower = self.journal.follow(None, Followed::Networks);
        let mut caught_up = false;
        loop {
            if caught_up {
                scheduler.start_due();
            }
            let due = scheduler.next_due();
            tokio::select! {
                biased;
                () = self.worker.stop.cancelled() => return Ok(()),
                Some(finished) = scheduler.ended() => scheduler.finish(finished),
                signal = follower.next() => match signal? {
                    Signal::Event(recorded) => {
                        self.directory.note(&recorded);
                        scheduler.enqueue(&recorded);
                    }
                    Signal::Checkpoint(_) | Signal::Resumed => {}
                    Signal::CaughtUp => {
                        caught_up = true;
                        self.directory.note_end();
                        self.progress.caught_up();
                    }
                },
                () = until(due), if caught_up => {}
            }
        }
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}
