//! One connector, from its checkpoint to its end.
//!
//! It claims its checkpoint stream, proves that the log is the one it knows, and takes records from
//! the shared log. What its filter wants goes into lanes; each lane hands over one parcel at a time
//! (`delivery`), and lanes go on beside each other. What is dealt with without a gap is written as
//! a checkpoint; so is what is dealt with beyond, so that an orderly end repeats nothing.
//!
//! It ends when it is drained, when another server has claimed it, or with a failure.

mod delivery;
mod drain;
mod ended;
mod lanes;
mod log_replay;
mod names;
mod parking;
mod replay;
mod transforming;
mod turns;
mod written;

pub(crate) use ended::{Ended, RunError};
pub(crate) use transforming::Transform;

use crate::{
    checkpoint::{self, Checkpoint, CheckpointError, Checkpoints, Landmark, place, told},
    deliveries::DeliveryLog,
    filter::{Matcher, may_want},
    gate::Gate,
    lease::Holding,
    log::{Interest, Log, Read, Reader},
    parked::ParkLog,
    registry::{Connectors, ExecuteError},
    series::Times,
    sink::Sink,
    status::Live,
    streams::ParkedStreams,
    tracker::Tracker,
};
use chrono::{DateTime, Utc};
use delivery::{Dealt, Delivery};
use domain::{
    Clock, NetworkId,
    connector::{ConnectorCommand, ConnectorOutcome, Defined, LogPosition, StartFrom},
    text::ConnectorId,
};
use futures::FutureExt as _;
use journal::{Caller, Journal, Position, Recorded};
use names::NameBook;
use parking_lot::Mutex;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::{Semaphore, mpsc},
    task::{JoinError, JoinSet},
    time::{Instant, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;
use turns::Waiting;

/// How often a claim is made again because somebody else wrote.
const CLAIMS: usize = 8;

/// How many records a connector has in hand at most.
const IN_HAND: usize = 1_000;

/// How many parcels are handed over at the same time.
const AT_A_TIME: usize = 32;

/// How often a checkpoint is written, and after how many records at the latest.
const EVERY: Duration = Duration::from_secs(5);
const AFTER: usize = 1_000;

/// How often a checkpoint is written while the log goes on without a record for any connector.
const QUIET: Duration = Duration::from_secs(600);

/// Of how many lanes a checkpoint holds how many records they had.
const LANES_KEPT: usize = 2_000;

/// How many idle lanes are remembered.
const LANES_KNOWN: usize = 20_000;

/// How many records are taken at once, if they are there.
const AT_ONCE: usize = 64;

/// How many records are counted with one read.
const COUNTED: usize = 2_000;

/// What somebody wants of a connector that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nudge {
    /// Its parked records were changed.
    Parked,
    /// What waits for its next attempt is to be tried at once.
    RetryNow,
}

/// What a run needs.
pub(crate) struct Run {
    pub(crate) id: ConnectorId,
    pub(crate) defined: Defined,
    pub(crate) journal: Journal,
    pub(crate) log: Arc<Log>,
    pub(crate) sink: Arc<dyn Sink>,
    pub(crate) matcher: Matcher,
    /// What changes records before they are delivered.
    pub(crate) transform: Option<Transform>,
    pub(crate) holding: Arc<Holding>,
    pub(crate) clock: Clock,
    pub(crate) host: String,
    /// How long the endpoint is left alone while it is not as it should be.
    pub(crate) pauses: Arc<[Duration]>,
    pub(crate) live: Arc<Mutex<Live>>,
    pub(crate) times: Times,
    pub(crate) deliveries: DeliveryLog,
    pub(crate) parked: ParkedStreams,
    pub(crate) nudges: mpsc::Receiver<Nudge>,
    pub(crate) drain: CancellationToken,
}

/// A record in hand that is dealt with or is to be: where it is, and its place in its lane.
#[derive(Clone, Debug)]
struct Place {
    position: Position,
    /// Nothing of a place where nothing was for a connector.
    landmark: Option<Landmark>,
    /// How many records it stands for: those that were passed over count with the last of them.
    records: usize,
    /// When the record was written.
    written: Option<DateTime<Utc>>,
    lane: Option<(String, u64)>,
}

#[derive(Debug, Default)]
struct Lane {
    queue: Waiting,
    is_busy: bool,
    /// It waits until what it has parked is replayed or given up.
    is_held: bool,
    /// It has waited for more records.
    has_waited: bool,
    /// The number of the last record that came.
    sequence: u64,
    used: u64,
}

/// A run under way.
struct Running {
    run: Run,
    delivery: Arc<Delivery>,
    checkpoints: Checkpoints,
    /// The last that was written.
    written: Checkpoint,
    written_at: Instant,
    /// How far it has got since.
    settled: Checkpoint,
    unwritten: usize,
    tracker: Tracker<Place>,
    /// What an earlier run has dealt with beyond its checkpoint.
    beyond: HashSet<LogPosition>,
    lanes: HashMap<String, Lane>,
    kept: BTreeMap<String, u64>,
    tick: u64,
    names: NameBook,
    work: JoinSet<(Dealt, Waiting)>,
}

impl Run {
    /// Runs it to its end.
    pub(crate) async fn run(self) -> Ended {
        match self.begin().await {
            Ok(()) => Ended::Drained,
            Err(error) => error.ended(),
        }
    }

    async fn begin(self) -> Result<(), RunError> {
        let (checkpoints, written) = self.claim().await?;
        let registry = Connectors::new(self.journal.clone());
        let after = written.position;
        let running = ConnectorOutcome::Running {
            host: self.host.clone(),
            term: self.holding.term,
            after,
        };
        report(&registry, &self.id, running, &self.clock).await?;
        let term = self.holding.term;
        let parked = self.parked.of(&self.id).await?;
        let whose = (&self.journal, &self.id);
        let parked = ParkLog::claim(whose, parked, term, (self.clock)()).await?;
        let delivery = Arc::new(Delivery::new(&self, registry, parked));
        let reader = self.log.read(after.map(place), self.interest());
        let names = NameBook::new(self.journal.networks().clone());
        let mut running = Running {
            delivery,
            checkpoints,
            settled: Checkpoint {
                beyond: Vec::new(),
                ..written.clone()
            },
            beyond: written.beyond.iter().copied().collect(),
            kept: written.lanes.clone(),
            written,
            written_at: Instant::now(),
            unwritten: 0,
            tracker: Tracker::new(),
            lanes: HashMap::new(),
            tick: 0,
            names,
            work: JoinSet::new(),
            run: self,
        };
        running.replay_wanted().await?;
        running.go_on(reader).await
    }

    /// What it is woken for.
    fn interest(&self) -> Interest {
        let (id, settings) = (self.id.clone(), self.defined.settings.clone());
        let matcher = self.matcher.clone();
        Box::new(move |recorded| may_want(&id, &settings, &matcher, recorded))
    }

    /// Takes the connector over, and says where it begins.
    async fn claim(&self) -> Result<(Checkpoints, Checkpoint), RunError> {
        let (number, term) = (self.defined.start.number, self.holding.term);
        for _ in 0..CLAIMS {
            let (mut checkpoints, last) = Checkpoints::last(&self.journal, &self.id).await?;
            if !self.holding.lasts() {
                break;
            }
            let claim = Checkpoint {
                term,
                ..self.beginning(last, number).await?
            };
            if checkpoints.claim(&claim, (self.clock)()).await? {
                return Ok((checkpoints, claim));
            }
        }
        Err(CheckpointError::Fenced.into())
    }

    /// Where it begins: at its checkpoint, if that is of this beginning and of this log.
    async fn beginning(
        &self,
        last: Option<Checkpoint>,
        number: u64,
    ) -> Result<Checkpoint, RunError> {
        if let Some(last) = last.filter(|it| it.start == number) {
            if !last.is_of(&self.journal).await? {
                return Err(RunError::OtherLog(
                    "what it knows is not at its place; `peerage connector start --from` begins in this one",
                ));
            }
            return Ok(last);
        }
        if self.defined.start.has_run {
            return Err(RunError::OtherLog(
                "its checkpoint is not there; `peerage connector start --from` begins in this one",
            ));
        }
        let began = match self.defined.start.from {
            StartFrom::Earliest => None,
            StartFrom::Latest => self.log.end().await?.map(told),
            StartFrom::After(position) => Some(position),
        };
        Ok(Checkpoint {
            start: number,
            began,
            position: began,
            ..Checkpoint::default()
        })
    }
}

/// Puts on record what became of a connector.
pub(crate) async fn report(
    registry: &Connectors,
    id: &ConnectorId,
    outcome: ConnectorOutcome,
    clock: &Clock,
) -> Result<(), ExecuteError> {
    let now = clock();
    let command_id = checkpoint::command_id(&format!("{id}/{now:?}/{outcome:?}"));
    let caller = Caller::new(command_id, checkpoint::actor());
    let command = ConnectorCommand::RecordConnector(outcome);
    registry.execute(id, &command, &caller, now).await?;
    Ok(())
}

impl Running {
    async fn go_on(&mut self, reader: Reader) -> Result<(), RunError> {
        match self.follow(reader).await {
            Ok(()) => self.drain().await,
            // What was dealt with by then is not repeated when it begins again.
            Err(error @ (RunError::Failed(_) | RunError::Task(_))) => {
                self.drain().await?;
                Err(error)
            }
            Err(error) => Err(error),
        }
    }

    /// Takes records until it is drained.
    async fn follow(&mut self, mut reader: Reader) -> Result<(), RunError> {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let drain = self.run.drain.clone();
        loop {
            self.tell(&reader);
            let has_room = self.tracker.open() < IN_HAND;
            tokio::select! {
                () = drain.cancelled() => {
                    while let Some(passed) = reader.passed() {
                        self.read(passed).await?;
                    }
                    return Ok(());
                }
                Some(dealt) = self.work.join_next() => {
                    self.dealt(dealt).await?;
                    while let Some(dealt) = self.work.try_join_next() {
                        self.dealt(dealt).await?;
                    }
                }
                read = reader.next(), if has_room => {
                    self.read(read?).await?;
                    // What is there already is taken without another turn of everything.
                    let mut taken = 1;
                    while taken < AT_ONCE
                        && self.tracker.open() < IN_HAND
                        && let Some(read) = reader.next().now_or_never()
                    {
                        self.read(read?).await?;
                        taken += 1;
                    }
                }
                Some(nudge) = self.run.nudges.recv() => self.nudged(nudge).await?,
                _ = ticks.tick() => self.write_if_due().await?,
            }
            if self.unwritten >= AFTER {
                self.write().await?;
            }
        }
    }

    async fn read(&mut self, read: Read) -> Result<(), RunError> {
        match read {
            Read::Record(recorded) => self.take(recorded).await,
            Read::Passed(last, records) => {
                self.pass(&last, records);
                Ok(())
            }
            Read::Nothing(position) => {
                let place = Place {
                    position,
                    landmark: None,
                    records: 0,
                    written: None,
                    lane: None,
                };
                let number = self.tracker.track(position, place);
                self.done(number);
                Ok(())
            }
            Read::Broken => {
                if self.settled.is_of(&self.run.journal).await? {
                    return Ok(());
                }
                Err(RunError::OtherLog(
                    "it became another one while it was followed; `peerage connector start --from` begins in it",
                ))
            }
        }
    }

    async fn dealt(&mut self, ended: Result<(Dealt, Waiting), JoinError>) -> Result<(), RunError> {
        let (dealt, left) = ended.map_err(|error| RunError::Task(error.to_string()))?;
        self.note_settled();
        self.settle(&dealt)?;
        let Some(key) = dealt.lane() else {
            return self.replay_wanted().await;
        };
        let holds = dealt.has_parked() && self.delivery.holds(key).await;
        if let Some(lane) = self.lanes.get_mut(key) {
            lane.is_busy = false;
            lane.is_held |= holds;
            for one in left.into_iter().rev() {
                lane.queue.push_front(one);
            }
        }
        self.hand_over(key);
        Ok(())
    }

    /// Notes what came of a parcel.
    fn settle(&mut self, dealt: &Dealt) -> Result<(), RunError> {
        match dealt {
            Dealt::Waited { .. } | Dealt::Unfinished { .. } | Dealt::Replayed => Ok(()),
            Dealt::With { numbers, .. } => {
                for number in numbers {
                    self.done(*number);
                }
                Ok(())
            }
            Dealt::Fenced => Err(CheckpointError::Fenced.into()),
            Dealt::Failed { failure, numbers } => {
                for number in numbers {
                    self.done(*number);
                }
                Err(RunError::Failed(failure.clone()))
            }
            Dealt::Broke(message) => Err(RunError::Task(message.clone())),
        }
    }

    fn done(&mut self, number: u64) {
        self.tracker.done(number);
        for place in self.tracker.settled() {
            self.settled.position = Some(told(place.position));
            if let Some(landmark) = place.landmark {
                self.settled.landmark = Some(landmark);
            }
            self.unwritten += place.records;
            if let Some((key, sequence)) = place.lane {
                self.settled.lanes.insert(key, sequence);
            }
        }
    }

    async fn nudged(&mut self, nudge: Nudge) -> Result<(), RunError> {
        match nudge {
            Nudge::RetryNow => {
                self.delivery.retry_now();
                Ok(())
            }
            Nudge::Parked => {
                self.delivery.refresh().await?;
                let held = self.lanes.iter().filter(|(_, it)| it.is_held);
                let held: Vec<_> = held.map(|(key, _)| key.clone()).collect();
                for key in held {
                    if !self.delivery.holds(&key).await {
                        self.lane(&key).is_held = false;
                        self.hand_over(&key);
                    }
                }
                self.replay_wanted().await
            }
        }
    }

    async fn replay_wanted(&mut self) -> Result<(), RunError> {
        let delivery = Arc::clone(&self.delivery);
        if delivery.begins_replay().await {
            self.work
                .spawn(async move { (delivery.replay().await, Waiting::new()) });
        }
        Ok(())
    }

    fn tell(&self, reader: &Reader) {
        let mut live = self.run.live.lock();
        live.position = Some(self.settled.position.map_or(Position::START, place));
        live.in_hand = self.tracker.waiting();
        let (behind, first) = reader.waiting().unzip();
        let in_hand = self.tracker.oldest().and_then(|it| it.written);
        (live.behind, live.oldest) = (behind, in_hand.or(first.flatten()));
    }
}

/// The way to the endpoint, and how many may use it at a time.
#[derive(Debug)]
struct Way {
    gate: Gate,
    slots: Semaphore,
}

/// The network of a record's stream.
fn network(recorded: &Recorded) -> Option<NetworkId> {
    recorded.network_id
}
