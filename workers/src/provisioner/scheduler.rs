//! The passes of all networks: those to come, those under way, and what is remembered of past ones.
//!
//! A network that waits for a cloud that does not answer keeps no other from its turn: a pass
//! counts against the bound only while it is young. How much goes on in one account and region is
//! bounded by itself (`bounded`).

use super::{
    bounded::Bounded,
    cause::Causes,
    context::{Pass, Wake},
    elsewhere::{Elsewhere, elsewhere},
    graph::Graph,
    lease::{Holding, Term},
    log::JournalLog,
    memories::Memories,
    progress::{Progress, Queue},
    quotas::QuotasTold,
    reason::{Reason, Reasons},
    rest::Resting,
    settings::ProvisionerSettings,
    turns::Turns,
    work_queue::{Lane, WorkQueue},
};
use cloud::Cloud as _;
use domain::{Actor, NetworkId, network::Registered};
use journal::{Body, Clock, JournalError, Networks, Recorded};
use parking_lot::RwLock;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::Semaphore,
    task::{self, JoinError, JoinSet},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

/// For how long a pass counts against the bound on those at the same time.
const YOUNG: Duration = Duration::from_secs(2);

/// What every pass needs.
pub(super) struct Worker {
    pub(super) networks: Networks,
    /// The way to the cloud for routine work, and for what somebody waits for: each with its own
    /// bound on the calls in one account and region.
    pub(super) routine: Bounded,
    pub(super) express: Bounded,
    /// The way for what somebody only wants to know, a plan or a check: with a lower share of the
    /// rate limits as well.
    pub(super) inquiries: Bounded,
    /// How many may ask at the same time.
    pub(super) inquirers: Semaphore,
    pub(super) clock: Clock,
    pub(super) actor: Actor,
    pub(super) settings: ProvisionerSettings,
    /// Every network and link in the log, as far as it was followed.
    pub(super) graph: RwLock<Graph>,
    /// Whose turn it is where a cloud changes one link of a network at a time.
    pub(super) turns: Turns,
    /// What the accounts of all networks were seen to allow.
    pub(super) quotas: QuotasTold,
    /// Whether somebody has stopped the provisioner for a time.
    pub(super) rest: Resting,
    pub(super) stop: CancellationToken,
}

/// A pass that is over: the network, what is remembered of it, and when it is due again.
pub(super) struct Finished {
    id: NetworkId,
    memories: Memories,
    due: Result<Option<Instant>, JournalError>,
}

/// A pass under way.
struct Running {
    lane: Lane,
    since: Instant,
    wake: Arc<Wake>,
    task: task::Id,
    /// The term in which it began.
    term: u64,
}

/// All passes: those to come, those under way, and what is remembered of past ones.
pub(super) struct Scheduler {
    worker: Arc<Worker>,
    progress: Arc<Progress>,
    work_queue: WorkQueue,
    memories: BTreeMap<NetworkId, Memories>,
    passes: JoinSet<Finished>,
    running: HashMap<NetworkId, Running>,
    /// How many passes in a row the event store has made impossible.
    log_failures: BTreeMap<NetworkId, u32>,
    /// Whether the log was read to its end: what is in it before that is no news.
    caught_up: bool,
    /// The term of the lease in which passes begin; none while another server has it.
    holding: Option<Holding>,
}

impl Scheduler {
    pub(super) fn new(worker: Arc<Worker>, progress: Arc<Progress>) -> Self {
        Self {
            worker,
            progress,
            work_queue: WorkQueue::default(),
            memories: BTreeMap::new(),
            passes: JoinSet::new(),
            running: HashMap::new(),
            log_failures: BTreeMap::new(),
            caught_up: false,
            holding: None,
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
        let of_event = Reason::of(recorded, &self.worker.actor);
        let mut causes = match &of_event {
            Some(reason) => Causes::of(recorded, reason.peering()),
            None => Causes::default(),
        };
        let reason = if self.caught_up {
            of_event
        } else {
            causes = causes.past();
            Some(Reason::Start)
        };
        if let Some(reason) = reason {
            let reasons = Reasons::since(reason, recorded.revision).traced(causes);
            self.work_queue.enqueue(id, Instant::now(), reasons);
        }
    }

    /// A network was loaded that is in the log before where it is followed from.
    pub(super) fn begin_with(&mut self, id: NetworkId, network: &Registered) {
        self.worker.graph.write().take(id, network);
        if network.retired.is_none() {
            self.work_queue.enqueue(id, Instant::now(), Reason::Start);
        }
    }

    /// The log was read to its end: passes may begin.
    pub(super) fn caught_up(&mut self) {
        self.caught_up = true;
    }

    /// This server holds the lease for this term, or not any more: then the passes of the term
    /// before end, each before its next call, and what is remembered goes, since another server
    /// has gone on from there.
    pub(super) fn hold(&mut self, term: Option<Arc<dyn Term>>) {
        if self.term() == term.as_ref().map(|it| it.number()) {
            return;
        }
        if let Some(holding) = self.holding.take() {
            let term = holding.term.number();
            tracing::info!(term, "the provisioner stops working: the lease is not held");
            holding.over.cancel();
            self.memories.clear();
        }
        self.holding = term.map(|term| {
            let over = self.worker.stop.child_token();
            Holding { term, over }
        });
    }

    /// Openings rest from now on, or go on. What was held back meanwhile is looked at then.
    pub(super) fn rest(&mut self, rests: bool) {
        if !self.worker.rest.set(rests) {
            return;
        }
        if rests {
            return;
        }
        let known: Vec<_> = self
            .memories
            .keys()
            .chain(self.running.keys())
            .copied()
            .collect();
        let now = Instant::now();
        for id in known {
            self.work_queue.enqueue(id, now, Reason::Clock);
        }
    }

    fn term(&self) -> Option<u64> {
        self.holding.as_ref().map(|it| it.term.number())
    }

    fn has_room(&self, lane: Lane) -> bool {
        let now = Instant::now();
        let young = |it: &&Running| it.lane == lane && now.duration_since(it.since) < YOUNG;
        self.running.values().filter(young).count() < self.worker.settings.parallel_networks.get()
    }

    /// When a young pass is no longer one, and makes room.
    fn next_room(&self, lane: Lane) -> Option<Instant> {
        let now = Instant::now();
        let of_lane = self.running.values().filter(|it| it.lane == lane);
        of_lane
            .map(|it| it.since + YOUNG)
            .filter(|it| *it > now)
            .min()
    }

    /// When there is something to start or to tell.
    pub(super) fn next_due(&self) -> Option<Instant> {
        if !self.caught_up || self.holding.is_none() {
            return None;
        }
        let of_lane = |lane| {
            let due = self.work_queue.next_due(lane)?;
            if self.has_room(lane) {
                Some(due)
            } else {
                self.next_room(lane).map(|room| room.max(due))
            }
        };
        [Lane::Command, Lane::Routine]
            .into_iter()
            .filter_map(of_lane)
            .chain(self.work_queue.next_for_running())
            .min()
    }

    /// Tells the passes under way what came up for them, and starts those that are due; commands
    /// first.
    pub(super) fn start_due(&mut self) {
        let Some(holding) = self.holding.clone().filter(|_| self.caught_up) else {
            self.progress.queue(Queue::default());
            return;
        };
        let now = Instant::now();
        for (id, reasons) in self.work_queue.take_for_running(now) {
            if let Some(running) = self.running.get_mut(&id) {
                running.wake.tell(reasons);
            }
        }
        for lane in [Lane::Command, Lane::Routine] {
            while self.has_room(lane)
                && let Some((id, reasons)) = self.work_queue.start_due(lane, now)
            {
                self.start(id, lane, reasons, &holding);
            }
        }
        self.progress.in_progress(self.work_queue.in_progress());
        self.progress.queue(self.work_queue.overdue(now));
    }

    fn start(&mut self, id: NetworkId, lane: Lane, reasons: Reasons, holding: &Holding) {
        let memories = self.memories.remove(&id).unwrap_or_default();
        let worker = Arc::clone(&self.worker);
        let wake = Wake::by(reasons);
        let told = Arc::clone(&wake);
        let holding_of = holding.clone();
        let task = self
            .passes
            .spawn(async move { worker.run(id, memories, &told, &holding_of).await })
            .id();
        let since = Instant::now();
        self.running.insert(
            id,
            Running {
                lane,
                since,
                wake,
                task,
                term: holding.term.number(),
            },
        );
    }

    /// Waits for a pass to end; nothing if none is under way.
    pub(super) async fn ended(&mut self) -> Option<Result<(task::Id, Finished), JoinError>> {
        self.passes.join_next_with_id().await
    }

    /// A pass has ended, well or not.
    pub(super) fn finish(&mut self, ended: Result<(task::Id, Finished), JoinError>) {
        match ended {
            Ok((_, finished)) => self.plan_next(finished),
            Err(problem) => {
                let broken = |it: &(&NetworkId, &Running)| it.1.task == problem.id();
                let Some(id) = self.running.iter().find(broken).map(|(id, _)| *id) else {
                    return;
                };
                tracing::error!(network = %id, %problem, "a pass broke off");
                self.end(id);
                let again = Instant::now() + self.worker.settings.longest_backoff;
                self.work_queue.enqueue(id, again, Reason::Clock);
            }
        }
    }

    /// What was told to the pass after it looked last is for the next one.
    fn end(&mut self, id: NetworkId) {
        self.work_queue.finish(id);
        if let Some(running) = self.running.remove(&id) {
            let reasons = running.wake.take();
            if !reasons.is_empty() {
                self.work_queue.enqueue(id, Instant::now(), reasons);
            }
        }
    }

    fn plan_next(&mut self, Finished { id, memories, due }: Finished) {
        let began_in = self.running.get(&id).map(|it| it.term);
        self.end(id);
        if began_in.is_some_and(|it| self.term() != Some(it)) {
            // It was broken off. Whoever holds the lease now goes on, or this server when it does.
            self.work_queue.enqueue(id, Instant::now(), Reason::Start);
            return;
        }
        self.memories.insert(id, memories);
        match due {
            Ok(due) => {
                self.log_failures.remove(&id);
                self.progress.passed();
                if let Some(due) = due {
                    self.work_queue.enqueue(id, due, Reason::Clock);
                }
            }
            Err(error) => {
                let failures = self.log_failures.entry(id).or_default();
                let wait = self.worker.settings.log_backoff(*failures);
                *failures = failures.saturating_add(1);
                tracing::warn!(network = %id, error = &error as &dyn std::error::Error, ?wait, "the log is not available, trying again");
                self.progress.log_unavailable();
                self.work_queue
                    .enqueue(id, Instant::now() + wait, Reason::Clock);
            }
        }
    }

    /// Drops everything that was learnt from the log, and every pass under way: it is another log.
    pub(super) async fn forget(&mut self) {
        self.passes.shutdown().await;
        self.running.clear();
        self.memories.clear();
        self.log_failures.clear();
        self.work_queue = WorkQueue::default();
        self.caught_up = false;
        *self.worker.graph.write() = Graph::default();
        self.worker.networks.forget_all();
        self.progress.begins_anew();
    }

    /// Waits for the passes under way; each stops before its next call.
    pub(super) async fn drain(&mut self) {
        self.worker.stop.cancel();
        while self.passes.join_next().await.is_some() {}
    }
}

impl Worker {
    /// Whether the network is at this engine's cloud, and if not, why it is left alone.
    pub(super) fn is_here(&self, network: &Registered) -> Result<(), Elsewhere> {
        let here = self.routine.mode(network.provider);
        elsewhere(network, here, self.settings.simulation_claims_unmarked).map_or(Ok(()), Err)
    }

    async fn run(
        &self,
        id: NetworkId,
        mut memories: Memories,
        wake: &Wake,
        holding: &Holding,
    ) -> Finished {
        let log = JournalLog {
            networks: self.networks.clone(),
            id,
            actor: self.actor.clone(),
            clock: Arc::clone(&self.clock),
            term: holding.fence(),
            over: holding.over.clone(),
        };
        let pass = Pass {
            cloud: &self.routine,
            express: &self.express,
            inquiries: &self.inquiries,
            log: &log,
            clock: &self.clock,
            settings: &self.settings,
            graph: &self.graph,
            turns: &self.turns,
            quotas: &self.quotas,
            rest: &self.rest,
            stop: &holding.over,
            wake,
        };
        let due = pass.run(&mut memories).await;
        Finished { id, memories, due }
    }
}
