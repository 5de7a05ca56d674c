//! The passes of all networks: those to come, those under way, and what is remembered of past ones.

use super::{
    graph::Graph,
    log::JournalLog,
    pass::{Memories, Pass},
    progress::Progress,
    settings::ProvisionerSettings,
    work_queue::WorkQueue,
};
use cloud::RateLimited;
use domain::{Actor, NetworkId};
use journal::{Body, Clock, JournalError, Networks, Recorded};
use parking_lot::RwLock;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};
use tokio::{
    task::{self, JoinError, JoinSet},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

/// What every pass needs.
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

/// A pass that is over: the network, what is remembered of it, and when it is due again.
pub(super) struct Finished {
    id: NetworkId,
    memories: Memories,
    due: Result<Option<Instant>, JournalError>,
}

/// All passes: those to come, those under way, and what is remembered of past ones.
pub(super) struct Scheduler {
    worker: Arc<Worker>,
    progress: Arc<Progress>,
    work_queue: WorkQueue,
    memories: BTreeMap<NetworkId, Memories>,
    running: JoinSet<Finished>,
    tasks: HashMap<task::Id, NetworkId>,
    /// How many passes in a row the event store has made impossible.
    log_failures: BTreeMap<NetworkId, u32>,
}

impl Scheduler {
    pub(super) fn new(worker: Arc<Worker>, progress: Arc<Progress>) -> Self {
        Self {
            worker,
            progress,
            work_queue: WorkQueue::default(),
            memories: BTreeMap::new(),
            running: JoinSet::new(),
            tasks: HashMap::new(),
            log_failures: BTreeMap::new(),
        }
    }

    /// Something has happened to a network.
    pub(super) fn enqueue(&mut self, recorded: &Recorded) {
        let Some(id) = recorded.network_id else {
            return;
        };
        if let Body::Event(event) = &recorded.body {
            self.worker.graph.write().evolve(id, event);
        }
        self.work_queue.enqueue(id, Instant::now());
    }

    fn has_room(&self) -> bool {
        self.running.len() < self.worker.settings.parallel_networks.get()
    }

    /// When the next pass can begin; none while all slots are taken.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.work_queue.next_due().filter(|_| self.has_room())
    }

    pub(super) fn start_due(&mut self) {
        while self.has_room()
            && let Some(id) = self.work_queue.start_due(Instant::now())
        {
            let memories = self.memories.remove(&id).unwrap_or_default();
            let worker = Arc::clone(&self.worker);
            let task = self
                .running
                .spawn(async move { worker.run(id, memories).await });
            self.tasks.insert(task.id(), id);
        }
        self.progress.in_progress(self.work_queue.in_progress());
    }

    /// Waits for a pass to end; nothing if none is under way.
    pub(super) async fn ended(&mut self) -> Option<Result<(task::Id, Finished), JoinError>> {
        self.running.join_next_with_id().await
    }

    /// A pass has ended, well or not.
    pub(super) fn finish(&mut self, ended: Result<(task::Id, Finished), JoinError>) {
        match ended {
            Ok((task, finished)) => {
                self.tasks.remove(&task);
                self.plan_next(finished);
            }
            Err(problem) => {
                let Some(id) = self.tasks.remove(&problem.id()) else {
                    return;
                };
                tracing::error!(network = %id, %problem, "a visit broke off");
                self.work_queue.finish(id);
                self.work_queue
                    .enqueue(id, Instant::now() + self.worker.settings.longest_backoff);
            }
        }
    }

    fn plan_next(&mut self, Finished { id, memories, due }: Finished) {
        self.work_queue.finish(id);
        self.memories.insert(id, memories);
        match due {
            Ok(due) => {
                self.log_failures.remove(&id);
                self.progress.passed();
                if let Some(due) = due {
                    self.work_queue.enqueue(id, due);
                }
            }
            Err(error) => {
                let failures = self.log_failures.entry(id).or_default();
                let wait = self.worker.settings.log_backoff(*failures);
                *failures = failures.saturating_add(1);
                tracing::warn!(network = %id, error = &error as &dyn std::error::Error, ?wait, "the log is not available, trying again");
                self.progress.log_unavailable();
                self.work_queue.enqueue(id, Instant::now() + wait);
            }
        }
    }

    /// Waits for the passes under way; each stops before its next call.
    pub(super) async fn drain(&mut self) {
        self.worker.stop.cancel();
        while self.running.join_next().await.is_some() {}
    }
}

impl Worker {
    async fn run(&self, id: NetworkId, mut memories: Memories) -> Finished {
        let log = JournalLog {
            networks: self.networks.clone(),
            id,
            actor: self.actor.clone(),
            clock: Arc::clone(&self.clock),
        };
        let pass = Pass {
            cloud: &self.cloud,
            log: &log,
            clock: &self.clock,
            settings: &self.settings,
            graph: &self.graph,
            stop: &self.stop,
        };
        let due = pass.run(&mut memories).await;
        Finished { id, memories, due }
    }
}
