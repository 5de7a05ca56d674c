//! One parcel, from its first attempt to the answer that settles it, or to where it is set aside.
//!
//! What is wrong with the record sets it aside. What is wrong with the endpoint closes the way to
//! it for all (`gate`), and is counted against no record. Everything else is tried again after the
//! pauses that are set.

use super::{Run, Transform, Way, report};
use crate::{
    deliveries::DeliveryLog,
    gate::Gate,
    lease::Holding,
    parked::{ParkLog, ParkedError},
    registry::Connectors,
    schedule,
    series::{Of, SinkKind},
    sink::{Attempt, Item, Outcome, Parcel, Sink},
    status::Live,
};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    Clock, EventId,
    connector::{AfterPark, ConnectorOutcome, Failure, FailureCode, OnExhaustion, Pause, Settings},
    text::ConnectorId,
};
use parking_lot::Mutex;
use prometheus_client::metrics::histogram::Histogram;
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{Mutex as AsyncMutex, Notify, Semaphore},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use transform::Verdict;

/// The longest that an endpoint may ask to be left alone.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3_600);

/// What deliveries of one connector share.
pub(super) struct Delivery {
    pub(super) id: ConnectorId,
    pub(super) journal: journal::Journal,
    pub(super) settings: Settings,
    pub(super) transform: Option<Transform>,
    sink: Arc<dyn Sink>,
    pub(super) holding: Arc<Holding>,
    pub(super) clock: Clock,
    registry: Connectors,
    pub(super) live: Arc<Mutex<Live>>,
    /// From when an event was recorded until it was taken.
    write_times: Histogram,
    deliveries: DeliveryLog,
    way: Way,
    pub(super) parked: AsyncMutex<ParkLog>,
    /// Whether an earlier run has put on record that the endpoint refuses everything.
    was_paused: AtomicBool,
    pub(super) draining: CancellationToken,
    retry: Notify,
    pub(super) replays: Mutex<bool>,
    /// The numbers of what tasks under way have delivered.
    pub(super) settled: Mutex<Vec<u64>>,
    /// What a transform made of records whose turn is soon, by their place.
    pub(super) ahead: Mutex<HashMap<(u64, u64), Verdict>>,
}

/// What came of a parcel.
#[derive(Debug)]
pub(super) enum Dealt {
    /// More records were waited for.
    Waited { lane: String },
    /// They are dealt with.
    With {
        lane: String,
        numbers: Vec<u64>,
        has_parked: bool,
    },
    /// They are not, since the connector ends.
    Unfinished { lane: String },
    /// What was wanted again was delivered, or set aside again.
    Replayed,
    /// Another server has the connector.
    Fenced,
    /// The connector cannot go on. These are dealt with.
    Failed { failure: Failure, numbers: Vec<u64> },
    /// Something broke.
    Broke(String),
}

/// How a record ended.
pub(super) enum End {
    Delivered,
    Parked,
    /// One of several was refused: which, each by itself shows.
    Apart,
    Unfinished,
    Fenced,
    Failed(Failure),
    Broke(String),
}

impl Dealt {
    pub(super) fn lane(&self) -> Option<&str> {
        match self {
            Self::Waited { lane } | Self::With { lane, .. } | Self::Unfinished { lane } => {
                Some(lane)
            }
            Self::Replayed | Self::Fenced | Self::Failed { .. } | Self::Broke(_) => None,
        }
    }

    pub(super) fn has_parked(&self) -> bool {
        match self {
            Self::With { has_parked, .. } => *has_parked,
            Self::Waited { .. }
            | Self::Unfinished { .. }
            | Self::Replayed
            | Self::Fenced
            | Self::Failed { .. }
            | Self::Broke(_) => false,
        }
    }
}

impl Delivery {
    pub(super) fn new(run: &Run, registry: Connectors, parked: ParkLog) -> Self {
        let kind = SinkKind::of(&run.defined.settings.sink);
        Self {
            id: run.id.clone(),
            journal: run.journal.clone(),
            settings: run.defined.settings.clone(),
            transform: run.transform.clone(),
            sink: Arc::clone(&run.sink),
            holding: Arc::clone(&run.holding),
            clock: run.clock.clone(),
            registry,
            live: Arc::clone(&run.live),
            write_times: run.times.write.get_or_create_owned(&Of::new(&run.id, kind)),
            deliveries: run.deliveries.clone(),
            way: Way {
                gate: Gate::new(Arc::clone(&run.pauses)),
                slots: Semaphore::new(super::AT_A_TIME),
            },
            parked: AsyncMutex::new(parked),
            was_paused: AtomicBool::new(run.defined.state.name() == "paused"),
            draining: CancellationToken::new(),
            retry: Notify::new(),
            replays: Mutex::new(false),
            settled: Mutex::default(),
            ahead: Mutex::default(),
        }
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        (self.clock)()
    }

    pub(super) fn drain(&self) {
        self.draining.cancel();
    }

    pub(super) fn retry_now(&self) {
        self.way.gate.retry_now();
        self.retry.notify_waiters();
    }

    pub(super) async fn refresh(&self) -> Result<(), ParkedError> {
        self.parked.lock().await.refresh().await
    }

    /// Whether this record is set aside: an earlier run has done that, and was killed.
    pub(super) async fn has_parked(&self, event: EventId) -> bool {
        self.parked.lock().await.parked.records.contains_key(&event)
    }

    /// Whether a lane waits for what it has parked.
    pub(super) async fn holds(&self, lane: &str) -> bool {
        match self.settings.after_park {
            AfterPark::GoOn => false,
            AfterPark::Hold => self.parked.lock().await.holds(lane),
        }
    }

    /// Waits for more records of a lane.
    pub(super) async fn wait(&self, lane: String, wait: Duration) -> Dealt {
        tokio::select! {
            () = tokio::time::sleep(wait) => Dealt::Waited { lane },
            () = self.draining.cancelled() => Dealt::Unfinished { lane },
        }
    }

    /// Hands records over until each is dealt with.
    pub(super) async fn deliver(&self, lane: String, parcel: Vec<(u64, Item)>) -> Dealt {
        let numbers: Vec<_> = parcel.iter().map(|(number, _)| *number).collect();
        let items: Vec<_> = parcel.into_iter().map(|(_, item)| item).collect();
        let mut has_parked = false;
        let ends = match self.settle(&lane, items.clone(), false).await {
            End::Apart => {
                let mut ends = Vec::new();
                for item in items {
                    let end = self.settle(&lane, vec![item], false).await;
                    let goes_on = matches!(end, End::Delivered | End::Parked);
                    ends.push(end);
                    if !goes_on {
                        break;
                    }
                }
                ends
            }
            end @ (End::Delivered
            | End::Parked
            | End::Unfinished
            | End::Fenced
            | End::Failed(_)
            | End::Broke(_)) => vec![end],
        };
        let mut dealt = Vec::new();
        // Either they went together, or each has an end of its own.
        let is_one = ends.len() == 1;
        for (at, end) in ends.into_iter().enumerate() {
            match end {
                End::Delivered | End::Parked if is_one => {
                    has_parked |= matches!(end, End::Parked);
                    dealt.clone_from(&numbers);
                }
                End::Delivered => dealt.extend(numbers.get(at)),
                End::Parked => {
                    has_parked = true;
                    dealt.extend(numbers.get(at));
                }
                // Nothing that goes by itself comes apart.
                End::Apart | End::Unfinished if dealt.is_empty() => {
                    return Dealt::Unfinished { lane };
                }
                End::Apart | End::Unfinished => break,
                End::Fenced => return Dealt::Fenced,
                End::Failed(failure) => {
                    let numbers = dealt;
                    return Dealt::Failed { failure, numbers };
                }
                End::Broke(message) => return Dealt::Broke(message),
            }
        }
        Dealt::With {
            lane,
            numbers: dealt,
            has_parked,
        }
    }

    /// Hands these over together until that is settled.
    pub(super) async fn settle(&self, lane: &str, items: Vec<Item>, is_replay: bool) -> End {
        let items = match self.transformed(lane, items).await {
            Ok(items) if items.is_empty() => return End::Delivered,
            Ok(items) => items,
            Err(end) => return end,
        };
        let first_tried = (self.clock)();
        let since = Instant::now();
        let mut attempts = 0;
        let mut counted = 0;
        loop {
            let passed = self
                .draining
                .run_until_cancelled(self.way.gate.pass())
                .await;
            if passed.is_none() {
                return End::Unfinished;
            }
            let Ok(_slot) = self.way.slots.acquire().await else {
                return End::Unfinished;
            };
            if self.draining.is_cancelled() {
                self.way.gate.give_up();
                return End::Unfinished;
            }
            if !self.holding.lasts_for_a_call() {
                return End::Fenced;
            }
            attempts += 1;
            let parcel = Parcel {
                connector: self.id.clone(),
                lane: lane.to_owned(),
                items: items.clone(),
                attempt: attempts,
                is_replay,
            };
            let attempt = self.sink.deliver(&parcel).await;
            self.deliveries.note(&parcel, &attempt);
            self.note(&attempt, &items);
            let told = Told {
                attempt: &attempt,
                attempts,
                first_tried,
            };
            let (cause, at_least) = match &attempt.outcome {
                Outcome::Delivered => {
                    self.opened().await;
                    return End::Delivered;
                }
                Outcome::RecordRefused(cause) => {
                    self.opened().await;
                    if items.len() > 1 {
                        return End::Apart;
                    }
                    return self.park(lane, &items, cause, &told).await;
                }
                Outcome::Gone => {
                    return End::Failed(Failure::new(
                        FailureCode::EndpointGone,
                        "the endpoint answered that it is gone for good (410)",
                    ));
                }
                Outcome::EndpointFailed { cause, retry_after } => {
                    self.closed(cause, attempt.status, *retry_after).await;
                    continue;
                }
                Outcome::Busy { cause, retry_after } => {
                    self.opened().await;
                    (cause, *retry_after)
                }
            };
            counted += 1;
            let pause = schedule::pause(&self.settings.resilience, counted, since.elapsed());
            let pause = match (pause, self.settings.on_exhaustion) {
                (Some(pause), _) => pause,
                (None, OnExhaustion::Park) => return self.park(lane, &items, cause, &told).await,
                (None, OnExhaustion::Block) => schedule::longest(&self.settings.resilience),
                (None, OnExhaustion::Stop) => {
                    return End::Failed(Failure::new(
                        FailureCode::Exhausted,
                        &format!("after {attempts} attempts: {cause}"),
                    ));
                }
            };
            drop(_slot);
            let pause = schedule::jittered(pause, fastrand::f64());
            let pause = pause.max(at_least.unwrap_or_default().min(LONGEST_RETRY_AFTER));
            if !self.rest(pause).await {
                return End::Unfinished;
            }
        }
    }

    /// Rests before the next attempt; false if the connector ends meanwhile.
    pub(super) async fn rest(&self, pause: Duration) -> bool {
        let now = (self.clock)();
        let next = now + TimeDelta::from_std(pause).unwrap_or(TimeDelta::MAX);
        {
            let mut live = self.live.lock();
            live.retrying += 1;
            live.next_attempt = Some(live.next_attempt.map_or(next, |it| it.min(next)));
        }
        let retried = self.retry.notified();
        let goes_on = tokio::select! {
            () = tokio::time::sleep(pause) => true,
            () = retried => true,
            () = self.draining.cancelled() => false,
        };
        let mut live = self.live.lock();
        live.retrying = live.retrying.saturating_sub(1);
        if live.retrying == 0 || live.next_attempt.is_some_and(|it| it <= next) {
            live.next_attempt = None;
        }
        goes_on
    }

    pub(super) fn note(&self, attempt: &Attempt, items: &[Item]) {
        let mut live = self.live.lock();
        let cause = match &attempt.outcome {
            Outcome::Delivered => {
                live.counts.delivered += items.len() as u64;
                live.delivered_at = Some(attempt.at);
                drop(live);
                self.measure(items);
                return;
            }
            Outcome::RecordRefused(cause)
            | Outcome::EndpointFailed { cause, .. }
            | Outcome::Busy { cause, .. } => cause.clone(),
            Outcome::Gone => "the endpoint is gone for good".to_owned(),
        };
        live.counts.failed_attempts += 1;
        live.last_error = Some((attempt.at, cause));
    }

    /// How long it took from when each was recorded until now, where it is taken.
    fn measure(&self, items: &[Item]) {
        let now = self.now();
        for item in items {
            let took = (now - item.recorded.time()).to_std().unwrap_or_default();
            self.write_times.observe(took.as_secs_f64());
        }
    }

    async fn opened(&self) {
        let was_paused = self.was_paused.swap(false, Ordering::Relaxed);
        if self.way.gate.open() || was_paused {
            self.live.lock().paused = None;
            self.report(ConnectorOutcome::Recovered).await;
        }
    }

    async fn closed(&self, cause: &str, status: Option<u16>, retry_after: Option<Duration>) {
        let pause = Pause::new(status, cause);
        self.live.lock().paused = Some(pause.cause.clone());
        let at_least = retry_after.map(|it| it.min(LONGEST_RETRY_AFTER));
        if let Some(pause) = self.way.gate.close(pause, at_least) {
            self.report(ConnectorOutcome::Paused(pause)).await;
        }
    }

    /// Puts it on record. If that fails the connector goes on: it is told again with the next
    /// change.
    async fn report(&self, outcome: ConnectorOutcome) {
        if let Err(error) = report(&self.registry, &self.id, outcome, &self.clock).await {
            let error = domain::error_chain(&error);
            tracing::warn!(connector = %self.id, error, "what became of it is not on record");
        }
    }
}

/// What a parked record is told with.
pub(super) struct Told<'a> {
    pub(super) attempt: &'a Attempt,
    pub(super) attempts: u32,
    pub(super) first_tried: DateTime<Utc>,
}
