//! A time as the holder of the lease: what the connectors' streams say, compared with what runs.

use super::{Runtime, RuntimeError};
use crate::{
    codec,
    filter::Matcher,
    lease::Holding,
    log::Log,
    registry::ExecuteError,
    run::{Ended, Nudge, Run, report},
    series::SinkKind,
};
use domain::{
    connector::{
        Connector, ConnectorEvent, ConnectorOutcome, Defined, Failure, FailureCode, State,
        built_in::BuiltIn, evolve,
    },
    text::ConnectorId,
};
use futures::FutureExt as _;
use journal::{Followed, Recorded, Signal};
use std::{
    collections::{BTreeMap, HashMap},
    panic::AssertUnwindSafe,
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, timeout_at},
};
use tokio_util::sync::CancellationToken;

/// How often what waits for a while is looked at.
const TICK: Duration = Duration::from_secs(1);

/// How many nudges wait for a connector.
const NUDGES: usize = 16;

/// The longest pause before a connector that broke off begins again.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// A connector that runs.
struct Handle {
    epoch: (u64, u64),
    drain: CancellationToken,
}

/// A time as the holder of the lease.
pub(super) struct Lead<'a> {
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

impl<'a> Lead<'a> {
    pub(super) fn new(runtime: &'a Runtime, log: Arc<Log>, holding: Arc<Holding>) -> Self {
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
    pub(super) async fn run(
        mut self,
        holds: &mut watch::Receiver<Option<Arc<Holding>>>,
        stop: &CancellationToken,
    ) -> Result<(), RuntimeError> {
        let journal = self.runtime.journal.clone();
        let follow = || journal.follow(None, Followed::Connectors);
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
                signal = follower.next() => match signal {
                    Ok(Signal::Event(recorded)) => self.see(&recorded).await,
                    Ok(Signal::CaughtUp) => {
                        self.is_known = true;
                        self.compare_all().await;
                    }
                    Ok(Signal::Checkpoint(_)) => {}
                    // It may be another log, or is one: what is known of it is read anew.
                    Ok(Signal::Resumed) => {
                        (self.known, self.is_known) = (BTreeMap::new(), false);
                        follower = follow();
                    }
                    Err(error) if error.is_of_another_log() => {
                        (self.known, self.is_known) = (BTreeMap::new(), false);
                        follower = follow();
                    }
                    Err(error) => return Err(error.into()),
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
        // The engine's own are no connectors of this runtime.
        let id = ConnectorId::of_stream(&recorded.stream).filter(|it| BuiltIn::of(it).is_none());
        let Some(id) = id else {
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
                // What became of it goes on record before it begins again.
                let is_told = self.unreported.iter().all(|(it, _)| it != id);
                if is_due && is_told {
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
        let wanted = defined.settings.transformer.as_ref();
        let transform = wanted.map(|it| runtime.transform(it)).transpose();
        let (sink, matcher, transform) = match (opened, matcher, transform) {
            (Ok(sink), Ok(matcher), Ok(transform)) => (sink, matcher, transform),
            (Err(message), _, _) | (_, _, Err(message)) => {
                return self.unusable(id, message).await;
            }
            (_, Err(error), _) => return self.unusable(id, error.to_string()).await,
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
        let kind = SinkKind::of(&defined.settings.sink);
        let run = Run {
            id: id.clone(),
            defined,
            journal: runtime.journal.clone(),
            log: Arc::clone(&self.log),
            sink,
            matcher,
            transform,
            holding: Arc::clone(&self.holding),
            clock: runtime.clock.clone(),
            host: runtime.settings.host.clone(),
            pauses: runtime.settings.pauses.clone().into(),
            live: runtime.statuses.enter(id, kind, self.holding.term),
            times: runtime.statuses.times().clone(),
            deliveries: runtime.deliveries.clone(),
            parked: runtime.parked.clone(),
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
