//! A log, a receiver that does what a test says, and a runtime that can be ended in any way.

use async_trait::async_trait;
use chrono::Utc;
use connectors::{
    Attempt, Connectors, Item, LeaseSettings, Outcome, Parcel, Runtime, RuntimeSettings, Sink,
    Sinks, StandardSinks, Tenancy, transform,
};
use domain::{
    CommandId, Digest, NetworkId, Provider, Region,
    connector::{
        Connector, ConnectorCommand, ConnectorEvent, CreateConnector, Defined, Settings,
        StartConnector, StartFrom,
    },
    ids::Ids,
    network::{CheckDrift, NetworkCommand, RegisterNetwork},
    text::ConnectorId,
};
use embedded::EmbeddedNode;
use journal::{Caller, Journal, JournalSettings, Metadata, Record, SCHEMA_VERSION};
use parking_lot::Mutex;
use peerage_tests::wait::{SOON, until};
use serde_json::json;
use std::{
    collections::BTreeMap,
    fmt,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// What a receiver does with a record: the connector's id, the record, which attempt it is.
pub(crate) type Answers = dyn Fn(&Item, u32) -> Outcome + Send + Sync;

/// A parcel as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Arrived {
    pub(crate) connector: ConnectorId,
    pub(crate) lane: String,
    pub(crate) sequence: u64,
    pub(crate) event: Uuid,
    pub(crate) event_type: String,
    pub(crate) revision: u64,
    pub(crate) is_replay: bool,
    pub(crate) was_taken: bool,
    pub(crate) together: usize,
    pub(crate) item: Item,
}

/// Where deliveries arrive.
#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) arrived: Arc<Mutex<Vec<Arrived>>>,
    answers: Arc<Mutex<Arc<Answers>>>,
    took: Arc<Mutex<Duration>>,
    said: Arc<Mutex<(Option<u16>, String)>>,
    /// Whether no answer is given for now, and how many wait for theirs.
    held: Arc<watch::Sender<bool>>,
    waiting: Arc<AtomicUsize>,
    batch: Option<(usize, Duration)>,
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Receiver")
    }
}

impl Receiver {
    pub(crate) fn new() -> Self {
        Self {
            arrived: Arc::default(),
            answers: Arc::new(Mutex::new(Arc::new(|_, _| Outcome::Delivered))),
            took: Arc::default(),
            said: Arc::default(),
            held: Arc::new(watch::Sender::new(false)),
            waiting: Arc::default(),
            batch: None,
        }
    }

    pub(crate) fn in_batches(most: usize, wait: Duration) -> Self {
        Self {
            batch: Some((most, wait)),
            ..Self::new()
        }
    }

    /// From now on it answers so.
    pub(crate) fn answer(&self, answers: impl Fn(&Item, u32) -> Outcome + Send + Sync + 'static) {
        *self.answers.lock() = Arc::new(answers);
    }

    /// From now on its answers have this status and this body, whatever they mean.
    pub(crate) fn say(&self, status: u16, body: &str) {
        *self.said.lock() = (Some(status), body.to_owned());
    }

    /// From now on it answers nobody, or all that wait and come.
    pub(crate) fn hold(&self, is_held: bool) {
        self.held.send_replace(is_held);
    }

    /// How many wait for an answer.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::SeqCst)
    }

    /// From now on it takes so long.
    pub(crate) fn take(&self, long: Duration) {
        *self.took.lock() = long;
    }

    /// What it took, in the order in which it came.
    pub(crate) fn taken(&self) -> Vec<Arrived> {
        let arrived = self.arrived.lock();
        arrived.iter().filter(|it| it.was_taken).cloned().collect()
    }

    /// Waits until it has taken so many.
    pub(crate) async fn has_taken(&self, many: usize) -> Vec<Arrived> {
        until(&format!("{many} records are delivered"), SOON, || {
            let taken = self.taken();
            async move { (taken.len() >= many).then_some(taken) }
        })
        .await
    }

    /// Waits until so many attempts have arrived.
    pub(crate) async fn has_met(&self, many: usize) {
        until(&format!("{many} attempts are made"), SOON, || {
            let met = self.arrived.lock().len();
            async move { (met >= many).then_some(()) }
        })
        .await;
    }
}

#[async_trait]
impl Sink for Receiver {
    async fn deliver(&self, parcel: &Parcel) -> Attempt {
        let at = Utc::now();
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let _ = self.held.subscribe().wait_for(|it| !it).await;
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        let took = *self.took.lock();
        if !took.is_zero() {
            let _ = tokio::time::timeout(took, std::future::pending::<()>()).await;
        }
        let answers = Arc::clone(&self.answers.lock());
        let refused = parcel
            .items
            .iter()
            .map(|it| answers(it, parcel.attempt))
            .find(|it| *it != Outcome::Delivered);
        let outcome = refused.unwrap_or(Outcome::Delivered);
        let mut arrived = self.arrived.lock();
        arrived.extend(parcel.items.iter().map(|item| Arrived {
            connector: parcel.connector.clone(),
            lane: parcel.lane.clone(),
            sequence: item.sequence,
            event: item.recorded.event_id.0,
            event_type: item.recorded.event_type().to_owned(),
            revision: item.recorded.revision,
            is_replay: parcel.is_replay,
            was_taken: outcome == Outcome::Delivered,
            together: parcel.items.len(),
            item: item.clone(),
        }));
        let (status, body) = self.said.lock().clone();
        Attempt {
            at,
            took,
            status,
            body,
            outcome,
        }
    }

    fn batch(&self) -> Option<(usize, Duration)> {
        self.batch
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(2)
    }
}

impl Sinks for Receiver {
    fn open(&self, _: &ConnectorId, _: &Settings) -> Result<Arc<dyn Sink>, String> {
        Ok(Arc::new(self.clone()))
    }
}

/// An event store.
pub(crate) struct Store {
    /// Nothing if it is a process of its own.
    _node: Option<EmbeddedNode>,
    pub(crate) connection_string: String,
    pub(crate) journal: Journal,
    pub(crate) connectors: Connectors,
}

/// A process that runs connectors.
pub(crate) struct Process {
    pub(crate) runtime: Runtime,
    stop: CancellationToken,
    task: JoinHandle<Result<(), connectors::RuntimeError>>,
}

impl Store {
    pub(crate) async fn new() -> Self {
        let node = EmbeddedNode::builder().in_memory().start().await.unwrap();
        let connection_string = node.connection_string();
        Self {
            _node: Some(node),
            ..Self::at(connection_string)
        }
    }

    /// One that is there already.
    pub(crate) fn at(connection_string: String) -> Self {
        let journal = journal(&connection_string);
        Self {
            connectors: Connectors::new(journal.clone()),
            journal,
            _node: None,
            connection_string,
        }
    }

    /// Begins a process that is alone with this store.
    pub(crate) fn process(&self, receiver: &Receiver) -> Process {
        self.begin(receiver, "one", Tenancy::Alone, None)
    }

    /// Begins one that runs transforms with this program.
    pub(crate) fn with_transforms(&self, receiver: &Receiver, program: PathBuf) -> Process {
        let host = transform::Host::new(program);
        self.begin(receiver, "one", Tenancy::Alone, Some(host))
    }

    /// Begins one that takes the lease and then neither renews it nor sees that it was lost, as one
    /// that was frozen.
    pub(crate) fn one_that_is_behind(&self, receiver: &Receiver, host: &str) -> Process {
        let lease = LeaseSettings {
            ttl: Duration::from_millis(1_500),
            renewal: Duration::from_secs(3_600),
        };
        self.begin(receiver, host, Tenancy::Shared(lease), None)
    }

    /// Begins one of several processes, with such a lease.
    pub(crate) fn holding(&self, receiver: &Receiver, host: &str, lease: LeaseSettings) -> Process {
        self.begin(receiver, host, Tenancy::Shared(lease), None)
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> String {
        let rest = self.connection_string.split("://").nth(1).unwrap();
        rest.split(['?', '/']).next().unwrap().to_owned()
    }

    /// Begins one of several processes.
    pub(crate) fn one_of_several(&self, receiver: &Receiver, host: &str) -> Process {
        let lease = LeaseSettings {
            ttl: Duration::from_millis(1_500),
            renewal: Duration::from_millis(300),
        };
        self.begin(receiver, host, Tenancy::Shared(lease), None)
    }

    fn begin(
        &self,
        receiver: &Receiver,
        host: &str,
        tenancy: Tenancy,
        transforms: Option<transform::Host>,
    ) -> Process {
        self.begin_with(Arc::new(receiver.clone()), host, tenancy, transforms)
    }

    /// Begins one that delivers as the program does.
    pub(crate) fn sending(&self, sinks: StandardSinks) -> Process {
        self.begin_with(Arc::new(sinks), "one", Tenancy::Alone, None)
    }

    fn begin_with(
        &self,
        sinks: Arc<dyn Sinks>,
        host: &str,
        tenancy: Tenancy,
        transforms: Option<transform::Host>,
    ) -> Process {
        let settings = RuntimeSettings {
            pauses: vec![Duration::from_millis(50)],
            transforms,
            ..RuntimeSettings::new(host.to_owned(), Uuid::new_v4(), tenancy)
        };
        let journal = journal(&self.connection_string);
        let runtime = Runtime::new(journal, sinks, Arc::new(Utc::now), settings);
        let stop = CancellationToken::new();
        let (run, stopping) = (runtime.clone(), stop.clone());
        Process {
            task: tokio::spawn(async move { run.run(stopping).await }),
            runtime,
            stop,
        }
    }

    /// A network, by a number.
    pub(crate) async fn network(&self, n: u128) -> NetworkId {
        let command = CommandId(Uuid::from_u128(n));
        let id = Ids::of(command).network();
        let register = RegisterNetwork {
            project: "payments".parse().unwrap(),
            name: format!("orders-{n}").parse().unwrap(),
            provider: Provider::Aws,
            region: Region::of(Provider::Aws, "eu-west-1").unwrap(),
            account: "111122223333".parse().unwrap(),
            cloud_network: format!("vpc-{n:08x}").parse().unwrap(),
            range: "10.20.0.0/16".parse().unwrap(),
            ipv6_ranges: Vec::new(),
            subnets: Vec::new(),
        };
        self.execute(id, register.into(), command).await;
        id
    }

    /// One more event in this network's stream.
    pub(crate) async fn happens(&self, network: NetworkId) {
        let command = CommandId(Uuid::new_v4());
        self.execute(network, CheckDrift {}.into(), command).await;
    }

    async fn execute(&self, id: NetworkId, command: NetworkCommand, command_id: CommandId) {
        let caller = Caller::new(command_id, "anna".parse().unwrap());
        let networks = self.journal.networks();
        networks
            .execute(id, &command, &caller, Utc::now())
            .await
            .unwrap();
    }

    /// Has a command to a connector carried out.
    pub(crate) async fn command(&self, id: &ConnectorId, command: ConnectorCommand) {
        let caller = caller();
        let executed = self.connectors.execute(id, &command, &caller, Utc::now());
        executed.await.unwrap();
    }

    /// A connector with these settings, stopped.
    pub(crate) async fn create(&self, id: &ConnectorId, settings: Settings) {
        let create = CreateConnector {
            name: "a connector".parse().unwrap(),
            settings,
        };
        self.command(id, ConnectorCommand::CreateConnector(create))
            .await;
    }

    pub(crate) async fn start(&self, id: &ConnectorId, start_from: Option<StartFrom>) {
        let start = StartConnector { start_from };
        self.command(id, ConnectorCommand::StartConnector(start))
            .await;
    }

    /// Creates and starts one.
    pub(crate) async fn started(&self, id: &str, settings: Settings) -> ConnectorId {
        let id = connector(id);
        self.create(&id, settings).await;
        self.start(&id, None).await;
        id
    }

    pub(crate) async fn defined(&self, id: &ConnectorId) -> Defined {
        match self.connectors.load(id).await.unwrap().connector {
            Connector::Defined(defined) => defined,
            other @ (Connector::Absent | Connector::Deleted { .. }) => panic!("{other:?}"),
        }
    }

    /// Waits until a connector is in this state.
    pub(crate) async fn is(&self, id: &ConnectorId, state: &str) -> Defined {
        until(&format!("{id} is {state}"), SOON, async || {
            let defined = self.defined(id).await;
            (defined.state.name() == state).then_some(defined)
        })
        .await
    }

    /// The events of a connector.
    pub(crate) async fn events(&self, id: &ConnectorId) -> Vec<ConnectorEvent> {
        let all = self.journal.records(&id.stream()).await.unwrap();
        let read = |it: &journal::Kept| connectors::decode(&it.event_type, &it.data).unwrap();
        all.iter().map(read).collect()
    }

    /// How many events a stream had, those counted that are not kept any more.
    pub(crate) async fn length(&self, stream: &str) -> u64 {
        let last = self.journal.last_record(stream).await.unwrap();
        last.map_or(0, |it| it + 1)
    }
}

impl Process {
    /// Ends it in good order.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
    }

    /// Ends it in the middle of whatever it does.
    pub(crate) async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

fn journal(connection_string: &str) -> Journal {
    Journal::open(JournalSettings::new(connection_string)).unwrap()
}

pub(crate) fn caller() -> Caller {
    Caller::new(CommandId(Uuid::new_v4()), "anna".parse().unwrap())
}

/// An event of a stream that the runtime writes for itself, as anybody might write it.
pub(crate) fn raw(event_type: &'static str, data: &serde_json::Value) -> Record {
    let command_id = CommandId(Uuid::new_v4());
    Record {
        event_type,
        data: data.clone(),
        metadata: Metadata {
            correlation_id: command_id.0,
            causation_id: command_id.0,
            command_id,
            command_digest: Digest::of(data).unwrap(),
            actor: "anna".parse().unwrap(),
            schema_version: SCHEMA_VERSION,
            traceparent: None,
            time: Some(Utc::now()),
            reason: None,
            ticket: None,
            command: None,
            cloud_calls: None,
            cloud: None,
            term: None,
        },
    }
}

pub(crate) fn connector(id: &str) -> ConnectorId {
    id.parse().unwrap()
}

/// Settings of JSON, with those of a test for what is not said: from the beginning, tried again at
/// once for a while, then parked.
pub(crate) fn settings(other: &serde_json::Value) -> Settings {
    let bound = |limit: i64| json!({ "delay_ms": 10, "upper_limit_ms": limit });
    let mut all = json!({
        "sink": { "type": "stdout" },
        "initial_position": "earliest",
        "resilience": {
            "preset": "delay-bounds", "first_delay_bound": bound(100), "second_delay_bound": bound(200),
            "third_delay_bound": bound(300),
        },
    });
    for (key, value) in other.as_object().unwrap() {
        all[key] = value.clone();
    }
    serde_json::from_value(all).unwrap()
}

/// Asserts that each lane's records came in their order, each once, and none is missing.
pub(crate) fn in_order_and_once(taken: &[Arrived]) {
    let mut lanes: BTreeMap<&str, Vec<(u64, u64)>> = BTreeMap::new();
    for it in taken {
        let lane = lanes.entry(&it.lane).or_default();
        lane.push((it.sequence, it.revision));
    }
    for (lane, seen) in lanes {
        let expected: Vec<_> = (0..seen.len() as u64).map(|n| (n + 1, n)).collect();
        assert_eq!(seen, expected, "lane {lane}");
    }
}
