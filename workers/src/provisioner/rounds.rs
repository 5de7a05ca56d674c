//! The visits of all networks: those to come, those under way, and what is remembered of past ones.

use super::{
    agenda::Agenda,
    graph::Graph,
    logbook::JournalLogbook,
    pass::{Memories, Pass},
    progress::Progress,
    settings::ProvisionerSettings,
};
use cloud::RateLimited;
use domain::{Actor, NetworkId};
use journal::{Body, Clock, JournalError, Networks, Recorded};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, PoisonError, RwLock},
};
use tokio::{
    task::{self, JoinError, JoinSet},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

/// What every visit needs.
pub(super) struct Worker {
    pub(super) networks: Networks,
    pub(super) cloud: RateLimited,
    pub(super) clock: Clock,
    pub(super) actor: Actor,
    pub(super) settings: ProvisionerSettings,
    /// Every network and link in the log, as far as it was followed.
    pub(super) graph: RwLock<Graph>,
    pub(super) stop: CancellationToken,
}

/// A visit that is over: the network, what is remembered of it, and when it is due again.
pub(super) struct Visited {
    id: NetworkId,
    memories: Memories,
    due: Result<Option<Instant>, JournalError>,
}

/// All visits: those to come, those under way, and what is remembered of past ones.
pub(super) struct Rounds {
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
    pub(super) fn new(worker: Arc<Worker>, progress: Arc<Progress>) -> Self {
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

    /// Something has happened to a network.
    pub(super) fn stir(&mut self, recorded: &Recorded) {
        let Some(id) = recorded.network_id else {
            return;
        };
        if let Body::Event(event) = &recorded.body {
            self.worker
                .graph
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .evolve(id, event);
        }
        self.agenda.ask(id, Instant::now());
    }

    fn has_room(&self) -> bool {
        self.running.len() < self.worker.settings.parallel_networks.get()
    }

    /// When the next visit can begin; none while all hands are busy.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.agenda.next_due().filter(|_| self.has_room())
    }

    pub(super) fn begin_visits(&mut self) {
        while self.has_room()
            && let Some(id) = self.agenda.take(Instant::now())
        {
            let memories = self.memories.remove(&id).unwrap_or_default();
            let worker = Arc::clone(&self.worker);
            let task = self
                .running
                .spawn(async move { worker.visit(id, memories).await });
            self.tasks.insert(task.id(), id);
        }
        self.progress.in_progress(self.agenda.in_progress());
    }

    /// Waits for a visit to end; nothing if none is under way.
    pub(super) async fn ended(&mut self) -> Option<Result<(task::Id, Visited), JoinError>> {
        self.running.join_next_with_id().await
    }

    /// A visit has ended, well or not.
    pub(super) fn end_visit(&mut self, ended: Result<(task::Id, Visited), JoinError>) {
        match ended {
            Ok((task, visited)) => {
                self.tasks.remove(&task);
                self.plan_next(visited);
            }
            Err(problem) => {
                let Some(id) = self.tasks.remove(&problem.id()) else {
                    return;
                };
                tracing::error!(network = %id, %problem, "a visit broke off");
                self.agenda.done(id);
                self.agenda
                    .ask(id, Instant::now() + self.worker.settings.longest_backoff);
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
    pub(super) async fn drain(&mut self) {
        self.worker.stop.cancel();
        while self.running.join_next().await.is_some() {}
    }
}

impl Worker {
    async fn visit(&self, id: NetworkId, mut memories: Memories) -> Visited {
        let book = JournalLogbook {
            networks: self.networks.clone(),
            id,
            actor: self.actor.clone(),
            clock: Arc::clone(&self.clock),
        };
        let pass = Pass {
            cloud: &self.cloud,
            book: &book,
            clock: &self.clock,
            settings: &self.settings,
            graph: &self.graph,
            stop: &self.stop,
        };
        let due = pass.visit(&mut memories).await;
        Visited { id, memories, due }
    }
}
