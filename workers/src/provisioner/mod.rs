//! The provisioner: makes the cloud match what is on record, and puts on record what the cloud shows.
//!
//! An event says when to look; the folded network says what should be. The provisioner follows all networks, and visits each one that
//! had an event or whose time has come. A visit is a [`pass`](self::pass): load, [`observe`], [`plan`], [`apply`], record, until nothing
//! is left to do. The same loop creates, repairs and finishes after a crash.
//!
//! - Visits to one network never overlap; different networks go in parallel, up to a bound.
//! - An outcome goes on record only after a look has shown it; the intent to create a link goes on record before the call.
//! - An answer that was lost is resolved by looking, for a link within a window, never by asking again at once.
//! - What the engine cannot cure is put on record as a block ([`block`]), tried again with growing pauses, and taken back by itself.
//! - While the event store is unavailable, visits wait with growing pauses; nothing is decided without it.
//!
//! It keeps no state: what it remembers ([`memory`]) only makes it wait.

mod agenda;
mod apply;
mod block;
#[cfg(test)]
mod crash_tests;
mod logbook;
mod memory;
mod observe;
mod pass;
mod place;
mod plan;
mod progress;
mod settings;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use progress::{Progress, ProgressReport};
pub use settings::ProvisionerSettings;

use crate::{cloud::Cloud, clouds::Metered};
use agenda::Agenda;
use domain::{NetworkId, text::Actor};
use journal::{Clock, FollowError, Followed, Journal, JournalError, Networks, Signal};
use logbook::JournalLogbook;
use pass::{Memories, Pass};
use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::Arc,
};
use tokio::{
    task::{self, JoinError, JoinSet},
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

/// Who the log says has recorded the outcomes.
const ACTOR: &str = "provisioner";

/// The provisioner of all networks in one log.
pub struct Provisioner {
    journal: Journal,
    worker: Arc<Worker>,
    progress: Arc<Progress>,
}

/// What every visit needs.
struct Worker {
    networks: Networks,
    cloud: Metered,
    clock: Clock,
    actor: Actor,
    settings: ProvisionerSettings,
    stop: CancellationToken,
}

/// A visit that is over: the network, what is remembered of it, and when it is due again.
struct Visited {
    id: NetworkId,
    memories: Memories,
    due: Result<Option<Instant>, JournalError>,
}

impl fmt::Debug for Provisioner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provisioner").field("settings", &self.worker.settings).field("progress", &self.progress).finish_non_exhaustive()
    }
}

impl Provisioner {
    /// A provisioner that stops when the token is cancelled. All calls to the cloud go through the limits of the settings.
    pub fn new(journal: Journal, cloud: Arc<dyn Cloud>, clock: Clock, settings: ProvisionerSettings, stop: CancellationToken) -> Self {
        let cloud = Metered::new(cloud, settings.calls.clone());
        let progress = Arc::new(Progress::of(cloud.calls()));
        let actor = ACTOR.parse().expect("a plain word is an actor");
        let networks = journal.networks().clone();
        Self { journal, worker: Arc::new(Worker { networks, cloud, clock, actor, settings, stop: stop.child_token() }), progress }
    }

    /// The running figures.
    pub fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    /// Runs until it is told to stop, then lets the calls that are on their way come to their end. An error means that the log
    /// can never be followed, whatever time passes.
    pub async fn run(self) -> Result<(), FollowError> {
        let mut rounds = Rounds::new(Arc::clone(&self.worker), Arc::clone(&self.progress));
        let result = self.follow(&mut rounds).await;
        rounds.drain().await;
        result
    }

    async fn follow(&self, rounds: &mut Rounds) -> Result<(), FollowError> {
        let mut follower = self.journal.follow(None, Followed::Networks);
        let mut caught_up = false;
        loop {
            if caught_up {
                rounds.begin_visits();
            }
            let due = rounds.next_due();
            tokio::select! {
                biased;
                () = self.worker.stop.cancelled() => return Ok(()),
                Some(visited) = rounds.running.join_next_with_id() => rounds.end_visit(visited),
                signal = follower.next() => match signal? {
                    Signal::Event(recorded) => rounds.stir(recorded.network_id),
                    Signal::Checkpoint(_) => {}
                    Signal::CaughtUp => {
                        caught_up = true;
                        self.progress.caught_up();
                    }
                },
                () = until(due), if caught_up => {}
            }
        }
    }
}

/// All visits: those to come, those under way, and what is remembered of past ones.
struct Rounds {
    worker: Arc<Worker>,
    progress: Arc<Progress>,
    agenda: Agenda,
    memories: BTreeMap<NetworkId, Memories>,
    running: JoinSet<Visited>,
    tasks: HashMap<task::Id, NetworkId>,
    /// How many visits in a row the event store has made impossible.
    log_failures: BTreeMap<NetworkId, u32>,
}

impl Rounds {
    fn new(worker: Arc<Worker>, progress: Arc<Progress>) -> Self {
        Self {
            worker,
            progress,
            agenda: Agenda::default(),
            memories: BTreeMap::new(),
            running: JoinSet::new(),
            tasks: HashMap::new(),
            log_failures: BTreeMap::new(),
        }
    }

    /// Something has happened to this network.
    fn stir(&mut self, id: Option<NetworkId>) {
        if let Some(id) = id {
            self.agenda.ask(id, Instant::now());
        }
    }

    fn has_room(&self) -> bool {
        self.running.len() < self.worker.settings.parallel_networks.get()
    }

    /// When the next visit can begin; none while all hands are busy.
    fn next_due(&self) -> Option<Instant> {
        self.agenda.next_due().filter(|_| self.has_room())
    }

    fn begin_visits(&mut self) {
        while self.has_room()
            && let Some(id) = self.agenda.take(Instant::now())
        {
            let memories = self.memories.remove(&id).unwrap_or_default();
            let worker = Arc::clone(&self.worker);
            let task = self.running.spawn(async move { worker.visit(id, memories).await });
            self.tasks.insert(task.id(), id);
        }
        self.progress.in_progress(self.agenda.in_progress());
    }

    fn end_visit(&mut self, ended: Result<(task::Id, Visited), JoinError>) {
        match ended {
            Ok((task, visited)) => {
                self.tasks.remove(&task);
                self.plan_next(visited);
            }
            Err(problem) => {
                let Some(id) = self.tasks.remove(&problem.id()) else { return };
                tracing::error!(network = %id, %problem, "a visit broke off");
                self.agenda.done(id);
                self.agenda.ask(id, Instant::now() + self.worker.settings.longest_backoff);
            }
        }
    }

    fn plan_next(&mut self, Visited { id, memories, due }: Visited) {
        self.agenda.done(id);
        self.memories.insert(id, memories);
        match due {
            Ok(due) => {
                self.log_failures.remove(&id);
                self.progress.passed();
                if let Some(due) = due {
                    self.agenda.ask(id, due);
                }
            }
            Err(error) => {
                let failures = self.log_failures.entry(id).or_default();
                let wait = self.worker.settings.log_backoff(*failures);
                *failures = failures.saturating_add(1);
                tracing::warn!(network = %id, error = &error as &dyn std::error::Error, ?wait, "the log is not available, trying again");
                self.progress.log_unavailable();
                self.agenda.ask(id, Instant::now() + wait);
            }
        }
    }

    /// Waits for the visits under way; each stops before its next call.
    async fn drain(&mut self) {
        self.worker.stop.cancel();
        while self.running.join_next().await.is_some() {}
    }
}

impl Worker {
    async fn visit(&self, id: NetworkId, mut memories: Memories) -> Visited {
        let book = JournalLogbook { networks: self.networks.clone(), id, actor: self.actor.clone(), clock: Arc::clone(&self.clock) };
        let pass = Pass { cloud: &self.cloud, book: &book, clock: &self.clock, settings: &self.settings, stop: &self.stop };
        let due = pass.visit(&mut memories).await;
        Visited { id, memories, due }
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}
