//! Which connectors run in this process: all that are started, while it holds the lease.
//!
//! It follows the connectors' own streams and compares what they say with what runs. Nothing is
//! done on the strength of one event: whatever was missed, by a crash or another holder, shows when
//! the two are compared.

use crate::{
    codec,
    filter::Matcher,
    gate::PAUSES,
    lease::{Candidate, Holding, LeaseSettings, holder},
    log::Log,
    registry::{Connectors, ExecuteError},
    run::{Ended, Nudge, Run, report},
    sink::{Attempt, Item, Parcel, Sinks},
    status::Statuses,
};
use domain::{
    Clock, EventId,
    connector::{
        Connector, ConnectorEvent, ConnectorOutcome, Defined, Failure, FailureCode, Settings,
        State, evolve,
    },
    text::ConnectorId,
};
use futures::FutureExt as _;
use journal::{Body, FollowError, Followed, Journal, JournalError, Position, Recorded, Signal};
use parking_lot::Mutex;
use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    panic::AssertUnwindSafe,
    sync::Arc,
    time::Duration,
};
use thiserror::Error;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, timeout_at},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How often what waits for a while is looked at.
const TICK: Duration = Duration::from_secs(1);

/// How many nudges wait for a connector.
const NUDGES: usize = 16;

/// The longest pause before a connector that broke off begins again.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Whether other servers may use the same store.
#[derive(Clone, Copy, Debug)]
pub enum Tenancy {
    /// Nobody else can reach it: there is no lease.
    Alone,
    /// They may: one of them at a time delivers.
    Shared(LeaseSettings),
}

/// How connectors are run.
#[derive(Clone, Debug)]
pub struct RuntimeSettings {
    /// What this server is called in the log.
    pub host: String,
    /// Of this process alone: two on one host are two.
    pub instance: Uuid,
    /// Whether other servers may use the same store.
    pub tenancy: Tenancy,
    /// How long deliveries under way may take at the end.
    pub drain: Duration,
    /// How long an endpoint is left alone that is not as it should be: after the first try, after
    /// the second and so on; then always the last.
    pub pauses: Vec<Duration>,
}

impl RuntimeSettings {
    /// As usual, at this server.
    pub fn new(host: String, instance: Uuid, tenancy: Tenancy) -> Self {
        Self {
            host,
            instance,
            tenancy,
            drain: Duration::from_secs(10),
            pauses: PAUSES.to_vec(),
        }
    }
}

/// Why no connector can be run any more.
#[derive(Debug, Error)]
pub enum RuntimeError {
    /// The log cannot be followed.
    #[error("cannot follow the connectors")]
    Follow(#[from] FollowError),
}

/// The connectors that run in this process. Cheap to clone.
#[derive(Clone)]
pub struct Runtime {
    journal: Journal,
    registry: Connectors,
    sinks: Arc<dyn Sinks>,
    clock: Clock,
    settings: Arc<RuntimeSettings>,
    statuses: Statuses,
    nudges: Arc<Mutex<HashMap<ConnectorId, mpsc::Sender<Nudge>>>>,
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Runtime");
        shown.field("sinks", &self.sinks).finish_non_exhaustive()
    }
}

/// A connector that runs.
struct Handle {
    epoch: (u64, u64),
    drain: CancellationToken,
}

/// A time as the holder of the lease.
struct Lead<'a> {
    runtime: &'a Runtime,
    log: Arc<Log>,
    holding: Arc<Holding>,
    known: BTreeMap<ConnectorId, Connector>,
    is_known: bool,
    runs: HashMap<ConnectorId, Handle>,
    ended: JoinSet<(ConnectorId, Ended)>,
    /// Not to be begun again before.
    later: HashMap<ConnectorId, Instant>,
    /// What is not on record yet.
    unreported: Vec<(ConnectorId, ConnectorOutcome)>,
}

impl Runtime {
    /// Runs nothing yet.
    pub fn new(
        journal: Journal,
        sinks: Arc<dyn Sinks>,
        clock: Clock,
        settings: RuntimeSettings,
    ) -> Self {
        Self {
            registry: Connectors::new(journal.clone()),
            journal,
            sinks,
            clock,
            settings: Arc::new(settings),
            statuses: Statuses::default(),
            nudges: Arc::default(),
        }
    }

    /// How those do that run here.
    pub fn statuses(&self) -> &Statuses {
        &self.statuses
    }

    /// Tries at once what waits for its next attempt; false if the connector does not run here.
    pub fn retry_now(&self, id: &ConnectorId) -> bool {
        self.nudge(id, Nudge::RetryNow)
    }

    /// Sends one message that is no record of the log, or says why it cannot be sent.
    pub async fn test(
        &self,
        id: &ConnectorId,
        settings: &Settings,
        event_id: EventId,
    ) -> Result<Attempt, String> {
        let sink = self.sinks.open(id, settings)?;
        let now = (self.clock)();
        let recorded = Recorded {
            stream: id.stream(),
            network_id: None,
            revision: 0,
            position: Position::START,
            event_id,
            created: now,
            metadata: None,
            data: br#"{"message":"a test of this connector; no record of the log"}"#
                .to_vec()
                .into(),
            body: Body::Undecodable {
                event_type: "ConnectorTested".to_owned(),
                problem: String::new(),
            },
        };
        let item = Item {
            recorded: Arc::new(recorded),
            sequence: 0,
            names: None,
        };
        let parcel = Parcel {
            connector: id.clone(),
            lane: "test".to_owned(),
            items: vec![item],
            attempt: 1,
            is_replay: false,
        };
        Ok(sink.deliver(&parcel).await)
    }

    /// Whether a sink can be made of these settings here; why not, in words.
    pub fn check(&self, id: &ConnectorId, settings: &Settings) -> Result<(), String> {
        Matcher::new(settings.filter.as_ref()).map_err(|error| error.to_string())?;
        self.sinks.open(id, settings).map(|_| ())
    }

    /// Which server delivers, and its term; nothing if none does, or none is asked for.
    pub async fn holder(&self) -> Result<Option<(String, u64)>, JournalError> {
        match self.settings.tenancy {
            Tenancy::Alone => Ok(Some((self.settings.host.clone(), 0))),
            Tenancy::Shared(_) => holder(&self.journal).await,
        }
    }

    fn nudge(&self, id: &ConnectorId, nudge: Nudge) -> bool {
        let nudges = self.nudges.lock();
        // A connector that has so many waiting will look anyway.
        nudges.get(id).is_some_and(|it| {
            let _ = it.try_send(nudge);
            true
        })
    }

    /// Runs connectors, until cancelled.
    pub async fn run(&self, stop: CancellationToken) -> Result<(), RuntimeError> {
        let log = Log::new(self.journal.clone());
        let (held, mut holds) = watch::channel(None);
        let logging = CancellationToken::new();
        let leading = async {
            while let Some(holding) = next_holding(&mut holds, &stop).await {
                let lead = Lead::new(self, Arc::clone(&log), holding);
                lead.run(&mut holds, &stop).await?;
            }
            // Gives the lease back.
            drop(holds);
            logging.cancel();
            Ok::<_, RuntimeError>(())
        };
        let leasing = async {
            match self.settings.tenancy {
                Tenancy::Alone => {
                    held.send_replace(Some(Arc::new(Holding::alone())));
                    stop.cancelled().await;
                    held.closed().await;
                }
                Tenancy::Shared(settings) => {
                    let candidate = Candidate {
                        journal: self.journal.clone(),
                        settings,
                        host: self.settings.host.clone(),
                        instance: self.settings.instance,
                        clock: self.clock.clone(),
                    };
                    candidate.run(held, stop.clone()).await;
                }
            }
            Ok(())
        };
        let reading = async { Ok(log.run(logging.clone()).await?) };
        let ((), (), ()) = tokio::try_join!(leading, leasing, reading)?;
        Ok(())
    }
}

async fn next_holding(
    holds: &mut watch::Receiver<Option<Arc<Holding>>>,
    stop: &CancellationToken,
) -> Option<Arc<Holding>> {
    loop {
        let holding = holds.borrow_and_update().clone();
        if holding.is_some() && !stop.is_cancelled() {
            return holding;
        }
        tokio::select! {
            () = stop.cancelled() => return None,
            changed = holds.changed() => changed.ok()?,
        }
    }
}

impl<'a> Lead<'a> {
    fn new(runtime: &'a Runtime, log: Arc<Log>, holding: Arc<Holding>) -> Self {
        Self {
            runtime,
            log,
            holding,
            known: BTreeMap::new(),
            is_known: false,
            runs: HashMap::new(),
            ended: JoinSet::new(),
            later: HashMap::new(),
            unreported: Vec::new(),
        }
    }

    /// Runs connectors until the lease is lost or the process ends.
    async fn run(
        mut self,
        holds: &mut watch::Receiver<Option<Arc<Holding>>>,
        stop: &CancellationToken,
    ) -> Result<(), RuntimeError> {
        let follow = || self.runtime.journal.follow(None, Followed::Connectors);
        let mut follower = follow();
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                changed = holds.changed() => {
                    let is_same = holds.borrow_and_update().as_ref().is_some_and(|it| Arc::ptr_eq(it, &self.holding));
                    if changed.is_err() || !is_same {
                        self.cut_off().await;
                        return Ok(());
                    }
                }
                signal = follower.next() => match signal? {
                    Signal::Event(recorded) => self.see(&recorded).await,
                    Signal::CaughtUp => {
                        self.is_known = true;
                        self.compare_all().await;
                    }
                    Signal::Checkpoint(_) => {}
                    Signal::Resumed => {
                        // It may be another log: what is known of it is read anew.
                        (self.known, self.is_known) = (BTreeMap::new(), false);
                        follower = self.runtime.journal.follow(None, Followed::Connectors);
                    }
                },
                Some(ended) = self.ended.join_next() => {
                    if let Ok((id, ended)) = ended {
                        self.over(id, ended).await;
                    }
                }
                _ = ticks.tick() => self.look_again().await,
            }
        }
        self.drain().await;
        Ok(())
    }

    async fn see(&mut self, recorded: &Recorded) {
        let Some(id) = ConnectorId::of_stream(&recorded.stream) else {
            return;
        };
        if recorded.stream != id.stream() {
            self.runtime.nudge(&id, Nudge::Parked);
            return;
        }
        match codec::decode(recorded.event_type(), &recorded.data) {
            Ok(event) => {
                if asks_anew(&event) {
                    self.later.remove(&id);
                }
                let before = self.known.remove(&id).unwrap_or_default();
                let after = evolve(before, &event, recorded.time());
                self.known.insert(id.clone(), after);
                if self.is_known {
                    self.compare(&id).await;
                }
            }
            Err(problem) => {
                tracing::warn!(connector = %id, revision = recorded.revision, problem, "an event of a connector cannot be read");
            }
        }
    }

    async fn compare_all(&mut self) {
        let gone = self.runs.keys().filter(|it| !self.known.contains_key(*it));
        let all: Vec<_> = self.known.keys().chain(gone).cloned().collect();
        for id in all {
            self.compare(&id).await;
        }
    }

    /// Compares what a connector's stream says with what runs.
    async fn compare(&mut self, id: &ConnectorId) {
        let wanted = match self.known.get(id) {
            Some(Connector::Defined(defined)) if defined.state.is_started() => Some(defined),
            Some(Connector::Defined(_) | Connector::Absent | Connector::Deleted { .. }) | None => {
                None
            }
        };
        match (wanted.cloned(), self.runs.get(id)) {
            (Some(defined), Some(run)) => {
                if epoch(&defined) != run.epoch {
                    run.drain.cancel();
                }
            }
            (Some(defined), None) => {
                let is_due = self.later.get(id).is_none_or(|it| *it <= Instant::now());
                if is_due {
                    self.begin(id, defined).await;
                }
            }
            (None, Some(run)) => run.drain.cancel(),
            (None, None) => {
                if let Some(Connector::Defined(defined)) = self.known.get(id)
                    && defined.state == State::Deactivating
                {
                    self.report(id.clone(), ConnectorOutcome::Stopped).await;
                }
            }
        }
    }

    async fn begin(&mut self, id: &ConnectorId, defined: Defined) {
        let runtime = self.runtime;
        let opened = runtime.sinks.open(id, &defined.settings);
        let matcher = Matcher::new(defined.settings.filter.as_ref());
        let (sink, matcher) = match (opened, matcher) {
            (Ok(sink), Ok(matcher)) => (sink, matcher),
            (Err(message), _) => return self.unusable(id, message).await,
            (_, Err(error)) => return self.unusable(id, error.to_string()).await,
        };
        let drain = CancellationToken::new();
        let (nudge, nudges) = mpsc::channel(NUDGES);
        runtime.nudges.lock().insert(id.clone(), nudge);
        let handle = Handle {
            epoch: epoch(&defined),
            drain: drain.clone(),
        };
        self.later.remove(id);
        self.runs.insert(id.clone(), handle);
        let run = Run {
            id: id.clone(),
            defined,
            journal: runtime.journal.clone(),
            log: Arc::clone(&self.log),
            sink,
            matcher,
            holding: Arc::clone(&self.holding),
            clock: runtime.clock.clone(),
            host: runtime.settings.host.clone(),
            pauses: runtime.settings.pauses.clone().into(),
            live: runtime.statuses.enter(id, self.holding.term),
            nudges,
            drain,
        };
        let id = id.clone();
        self.ended.spawn(async move {
            let ended = AssertUnwindSafe(run.run()).catch_unwind().await;
            let ended = ended.unwrap_or_else(|_| {
                Ended::Broke(Failure::new(
                    FailureCode::Task,
                    "it panicked; the log of this server says where",
                ))
            });
            (id, ended)
        });
    }

    async fn unusable(&mut self, id: &ConnectorId, message: String) {
        let failure = Failure::new(FailureCode::Settings, &message);
        self.later
            .insert(id.clone(), Instant::now() + LONGEST_PAUSE);
        self.report(id.clone(), ConnectorOutcome::Failed(failure))
            .await;
    }

    async fn over(&mut self, id: ConnectorId, ended: Ended) {
        self.runs.remove(&id);
        self.runtime.nudges.lock().remove(&id);
        self.runtime.statuses.leave(&id);
        match ended {
            Ended::Drained => {}
            Ended::Fenced => {
                tracing::warn!(connector = %id, "another server has claimed it");
                self.later.insert(id.clone(), Instant::now() + TICK);
            }
            Ended::Broke(failure) => {
                tracing::warn!(connector = %id, cause = failure.message, "a connector broke off");
                let lately = match self.known.get(&id) {
                    Some(Connector::Defined(defined)) => defined.restarts.len() as u32,
                    Some(Connector::Absent | Connector::Deleted { .. }) | None => 0,
                };
                let pause = TICK * 2u32.saturating_pow(lately);
                let until = Instant::now() + pause.min(LONGEST_PAUSE);
                self.later.insert(id.clone(), until);
                self.report(id.clone(), ConnectorOutcome::Broke(failure))
                    .await;
            }
            Ended::Failed(failure) => {
                tracing::warn!(connector = %id, cause = failure.message, "a connector failed");
                self.later
                    .insert(id.clone(), Instant::now() + LONGEST_PAUSE);
                self.report(id.clone(), ConnectorOutcome::Failed(failure))
                    .await;
            }
        }
        self.compare(&id).await;
    }

    /// Puts on record what became of a connector, later if it cannot be now.
    async fn report(&mut self, id: ConnectorId, outcome: ConnectorOutcome) {
        let runtime = self.runtime;
        let told = report(&runtime.registry, &id, outcome.clone(), &runtime.clock).await;
        match told {
            Ok(()) | Err(ExecuteError::Refused(_)) => {}
            Err(error) => {
                let error = domain::error_chain(&error);
                tracing::warn!(connector = %id, error, "what became of it is not on record yet");
                self.unreported.push((id, outcome));
            }
        }
    }

    async fn look_again(&mut self) {
        for (id, outcome) in std::mem::take(&mut self.unreported) {
            self.report(id, outcome).await;
        }
        let now = Instant::now();
        let due = self.later.iter().filter(|(_, at)| **at <= now);
        let due: Vec<_> = due.map(|(id, _)| id.clone()).collect();
        for id in due {
            if self.is_known {
                self.compare(&id).await;
            }
            if !self.runs.contains_key(&id) && self.later.get(&id).is_some_and(|it| *it <= now) {
                self.later.remove(&id);
            }
        }
    }

    /// Lets all end in good order.
    async fn drain(&mut self) {
        for run in self.runs.values() {
            run.drain.cancel();
        }
        let until = Instant::now() + self.runtime.settings.drain;
        while let Ok(Some(ended)) = timeout_at(until, self.ended.join_next()).await {
            if let Ok((id, _)) = ended {
                self.runtime.statuses.leave(&id);
            }
        }
        self.cut_off().await;
    }

    /// Ends all at once: another server may have them.
    async fn cut_off(&mut self) {
        self.ended.shutdown().await;
        for (id, _) in self.runs.drain() {
            self.runtime.nudges.lock().remove(&id);
            self.runtime.statuses.leave(&id);
        }
    }
}

/// Whether somebody wants it to run now, whatever was before.
fn asks_anew(event: &ConnectorEvent) -> bool {
    matches!(
        event,
        ConnectorEvent::ConnectorActivating(_) | ConnectorEvent::ConnectorReconfigured(_)
    )
}

fn epoch(defined: &Defined) -> (u64, u64) {
    (defined.start.number, defined.settings_revision)
}
