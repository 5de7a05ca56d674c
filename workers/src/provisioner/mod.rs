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
mod bounded;
mod cause;
mod context;
#[cfg(test)]
mod crash_tests;
mod directory;
mod dry_run;
mod elsewhere;
mod freshness;
mod graph;
mod identities;
mod lease;
mod log;
mod memories;
mod memory;
mod observation;
mod observe;
mod operations;
mod orphans;
mod outlook;
mod pass;
mod peering_pass;
mod plan;
mod preview;
mod progress;
mod query;
mod quotas;
mod reason;
mod rest;
mod same_log;
mod scheduler;
mod seen;
mod settings;
mod sides;
mod start;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod turns;
mod work_queue;

pub use directory::{Directory, Resolved};
pub use elsewhere::{Elsewhere, elsewhere};
pub use lease::{Alone, Lease, Term};
pub use preview::{
    CheckOutcome, CheckReport, DiscoveredLink, PlannedAction, Planner, Preview, PreviewError,
    Subject,
};
pub use progress::{Progress, ProgressReport};
pub use rest::{Never, Rest};
pub use settings::ProvisionerSettings;

use bounded::Bounded;
use cloud::{Cloud, RateLimited};
use domain::Actor;
use journal::{Clock, FollowError, Journal, Signal};
use lease::{Fenced, Held};
use parking_lot::RwLock;
use rest::Resting;
use same_log::LastKnown;
use scheduler::{Scheduler, Worker};
use start::Reached;
use std::{convert::Infallible, fmt, sync::Arc};
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep_until},
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use turns::Turns;

/// Who the log says has recorded the outcomes. Nobody else is to call themselves so.
pub const ACTOR: &str = "provisioner";

/// How many plans are made at the same time. Each further one would only wait for its share of the
/// cloud's calls.
const INQUIRERS: usize = 64;

/// Who the log says has recorded the outcomes, and has left markers.
pub fn actor() -> Actor {
    Actor::of_engine(ACTOR.parse().expect("a plain word is a name"))
}

/// The provisioner of all networks in one log.
pub struct Provisioner {
    journal: Journal,
    worker: Arc<Worker>,
    progress: Arc<Progress>,
    directory: Directory,
    held: Held,
    lease: Box<dyn Lease>,
    rest: Box<dyn Rest>,
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
    /// A provisioner that stops when the token is cancelled, of the only server on its store. All
    /// calls to the cloud go through the limits of the settings.
    pub fn new(
        journal: Journal,
        cloud: Arc<dyn Cloud>,
        clock: Clock,
        settings: ProvisionerSettings,
        stop: CancellationToken,
    ) -> Self {
        let held = Held::default();
        let cloud = Arc::new(Fenced::new(cloud, held.clone()));
        let cloud = RateLimited::new(cloud, settings.calls.clone());
        let cloud = Arc::new(cloud.until(stop.clone()));
        let bounded = |cloud| Bounded::new(cloud, settings.parallel_calls);
        let (routine, express) = (bounded(cloud.clone()), bounded(cloud.clone()));
        let inquiries = bounded(Arc::new(cloud.for_inquiries()));
        let progress = Arc::new(Progress::of(cloud.calls()));
        let actor = actor();
        let networks = journal.networks().clone();
        Self {
            journal,
            worker: Arc::new(Worker {
                networks,
                routine,
                express,
                inquiries,
                inquirers: Semaphore::new(INQUIRERS),
                clock,
                actor,
                settings,
                graph: RwLock::default(),
                turns: Turns::default(),
                quotas: quotas::QuotasTold::default(),
                rest: Resting::default(),
                stop: stop.child_token(),
            }),
            progress,
            directory: Directory::default(),
            held,
            lease: Box::new(Alone),
            rest: Box::new(Never),
        }
    }

    /// The same, that works only while this lease is held.
    #[must_use]
    pub fn under(self, lease: Box<dyn Lease>) -> Self {
        Self { lease, ..self }
    }

    /// The same, that opens and repairs nothing while this says that it is stopped.
    #[must_use]
    pub fn resting(self, rest: Box<dyn Rest>) -> Self {
        Self { rest, ..self }
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
    ///
    /// # Panics
    /// When a task of its own has died, with the cause of that.
    pub async fn run(mut self) -> Result<(), FollowError> {
        let mut scheduler = Scheduler::new(Arc::clone(&self.worker), Arc::clone(&self.progress));
        let networks = self.worker.networks.clone();
        let checking = tokio::spawn(async move { networks.check_snapshots().await });
        let checking = AbortOnDropHandle::new(checking);
        let marking = identities::mark(Arc::clone(&self.worker), self.directory.clone());
        let marking = AbortOnDropHandle::new(tokio::spawn(marking));
        let result = tokio::select! {
            result = self.follow(&mut scheduler) => result,
            never = death(checking) => match never {},
            never = death(marking) => match never {},
        };
        scheduler.drain().await;
        // Gives the lease back as far as it is held for this: nothing is under way any more.
        self.held.set(None);
        result
    }

    /// Follows the log until the engine stops. When it is another log than the one that was
    /// followed, everything that was learnt from that one is dropped, and following begins anew.
    async fn follow(&mut self, scheduler: &mut Scheduler) -> Result<(), FollowError> {
        loop {
            match self.follow_one(scheduler).await? {
                Followed::ToItsEnd => return Ok(()),
                Followed::IntoAnother => {
                    tracing::error!(
                        "this is another log than the one that was followed: everything learnt from that one is dropped, and nothing is done on the strength of it"
                    );
                    scheduler.forget().await;
                    self.directory.forget();
                }
            }
        }
    }

    async fn follow_one(&mut self, scheduler: &mut Scheduler) -> Result<Followed, FollowError> {
        let mut reached = tokio::select! {
            () = self.worker.stop.cancelled() => return Ok(Followed::ToItsEnd),
            reached = start::begin(&self.journal, scheduler, &self.directory, &self.progress) => reached,
        };
        let ended = self.follow_from(&mut reached, scheduler).await;
        if let Ok(Followed::ToItsEnd) = &ended {
            reached.store_last(&self.journal).await;
        }
        ended
    }

    async fn follow_from(
        &mut self,
        reached: &mut Reached,
        scheduler: &mut Scheduler,
    ) -> Result<Followed, FollowError> {
        let from = reached.position();
        let mut follower = self.journal.follow(from, journal::Followed::Networks);
        self.progress.followed(from);
        let mut last_known = LastKnown::default();
        self.take_term(scheduler);
        scheduler.rest(self.rest.is_stopped());
        loop {
            scheduler.start_due();
            let due = scheduler.next_due();
            tokio::select! {
                biased;
                () = self.worker.stop.cancelled() => return Ok(Followed::ToItsEnd),
                () = self.lease.changed() => self.take_term(scheduler),
                () = self.rest.changed() => scheduler.rest(self.rest.is_stopped()),
                Some(finished) = scheduler.ended() => scheduler.finish(finished),
                signal = follower.next() => match signal {
                    Ok(Signal::Event(recorded)) => {
                        last_known.note(&recorded);
                        reached.note(&recorded, &self.journal);
                        self.directory.note(&recorded);
                        scheduler.enqueue(&recorded);
                        self.progress.followed(Some(recorded.position));
                    }
                    Ok(Signal::Checkpoint(position)) => self.progress.followed(Some(position)),
                    // Nothing begins and nothing ends until it is known which log this is.
                    Ok(Signal::Resumed) => tokio::select! {
                        () = self.worker.stop.cancelled() => return Ok(Followed::ToItsEnd),
                        is_same = self.is_same_log(&last_known, reached) => if !is_same? {
                            return Ok(Followed::IntoAnother);
                        },
                    },
                    Ok(Signal::CaughtUp) => {
                        scheduler.caught_up();
                        self.directory.note_end();
                        self.progress.caught_up();
                        reached.store(&self.journal);
                    }
                    Err(error) if error.is_of_another_log() => {
                        return Ok(Followed::IntoAnother);
                    }
                    Err(error) => return Err(error),
                },
                () = until(due) => {}
            }
        }
    }

    /// Begins the term that there is, or ends the one that was.
    fn take_term(&mut self, scheduler: &mut Scheduler) {
        let term = self.lease.term();
        self.held.set(term.clone());
        scheduler.hold(term);
    }

    /// Whether the log is still the one that was followed. What was not followed but loaded is
    /// known by the checkpoint; an answer to that is waited for as long as it takes.
    async fn is_same_log(
        &self,
        last_known: &LastKnown,
        reached: &Reached,
    ) -> Result<bool, FollowError> {
        if last_known.is_something() {
            return last_known.is_in(&self.journal).await;
        }
        let mut failures = 0;
        loop {
            match reached.is_in(&self.journal).await {
                Ok(is_same) => return Ok(is_same),
                Err(error) => {
                    let wait = self.worker.settings.log_backoff(failures);
                    failures = failures.saturating_add(1);
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        ?wait,
                        "the log is not available, trying again"
                    );
                    tokio::time::sleep(wait).await;
                }
            }
        }
    }
}

/// How following one log ended.
enum Followed {
    /// The engine stops.
    ToItsEnd,
    /// The log is another one.
    IntoAnother,
}

/// A task that has no end and has ended has died: whoever runs it dies of the same.
async fn death(task: AbortOnDropHandle<()>) -> Infallible {
    match task.await {
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) | Ok(()) => std::future::pending().await,
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}
