//! What every test of the suite stands on: the store under test, names that nobody used before, and
//! short words for the calls.

use embedded::EmbeddedNode;
use kurrentdb::{
    AppendToStreamOptions, Client, ClientSettings, CurrentRevision, DeleteStreamOptions, Error,
    EventData, Position, ReadAllOptions, ReadEvent, ReadStream, ReadStreamOptions, RecordedEvent,
    ResolvedEvent, StreamPosition, StreamState, SubscribeToAllOptions, SubscribeToStreamOptions,
    Subscription, SubscriptionEvent, SubscriptionFilter, TombstoneStreamOptions, WriteResult,
};
use serde_json::{Value, json};
use std::sync::LazyLock;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// How long anything may take before it counts as missing.
pub const SOON: Duration = Duration::from_secs(15);
/// "Nothing more" means nothing for this long.
pub const A_WHILE: Duration = Duration::from_millis(400);

/// The store under test, for as long as the process lives. Tests come and go with their own
/// runtimes, so it has one of its own.
static CONNECTION_STRING: LazyLock<String> = LazyLock::new(|| {
    peerage_tests::store::from_environment()
        .unwrap_or_else(|| start(|| EmbeddedNode::builder().in_memory()))
});

/// Starts a node that lives as long as the process, and gives its connection string.
pub fn start(builder: fn() -> embedded::Builder) -> String {
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let node = builder().start().await.unwrap();
            tell.send(node.connection_string().to_string()).unwrap();
            std::future::pending::<()>().await;
        });
    });
    told.recv().unwrap()
}

/// The connection string of the store under test.
pub fn connection_string() -> &'static str {
    &CONNECTION_STRING
}

/// A client of the store under test. Each test has its own, as a subscription that is not read can
/// hold up its neighbours.
pub struct Store {
    pub client: Client,
}

/// Connects to the store under test.
pub async fn store() -> Store {
    connect(connection_string())
}

/// Whether the store under test is not ours.
pub fn is_another_store() -> bool {
    peerage_tests::store::from_environment().is_some()
}

/// Connects to any store.
pub fn connect(connection_string: &str) -> Store {
    let settings: ClientSettings = connection_string.parse().expect("a connection string");
    Store {
        client: Client::new(settings).expect("a client"),
    }
}

/// A name that nobody used before, beginning with `hint`.
pub fn unused(hint: &str) -> String {
    format!("{hint}{}", Uuid::new_v4().simple())
}

/// A new event with a new id.
pub fn event(event_type: &str) -> EventData {
    EventData::json(event_type, &json!({"is": event_type}))
        .unwrap()
        .id(Uuid::new_v4())
}

/// So many new events.
pub fn events(count: usize) -> Vec<EventData> {
    (0..count).map(|_| event("Tested")).collect()
}

/// Events with these ids.
pub fn with_ids(ids: &[Uuid]) -> Vec<EventData> {
    ids.iter().map(|id| event("Tested").id(*id)).collect()
}

/// So many new ids.
pub fn ids<const N: usize>() -> [Uuid; N] {
    std::array::from_fn(|_| Uuid::new_v4())
}

/// Bounds anything that could hang.
pub async fn soon<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON, work)
        .await
        .unwrap_or_else(|_| panic!("{what}: not within {SOON:?}"))
}

/// A message of a stream read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// An event, by its number.
    Event(u64),
    First(u64),
    Last(u64),
}

impl Store {
    pub async fn append(
        &self,
        stream: &str,
        expected: StreamState,
        events: Vec<EventData>,
    ) -> Result<WriteResult, Error> {
        let options = AppendToStreamOptions::default().stream_state(expected);
        soon(
            "an append",
            self.client.append_to_stream(stream, &options, events),
        )
        .await
    }

    /// Appends where nothing is expected, and nothing may go wrong.
    pub async fn write(&self, stream: &str, events: Vec<EventData>) -> WriteResult {
        self.append(stream, StreamState::Any, events)
            .await
            .expect("an append with Any")
    }

    /// A stream nobody used before, with so many events.
    pub async fn stream_of(&self, count: usize) -> String {
        let stream = unused("conformance-");
        self.write(&stream, events(count)).await;
        stream
    }

    /// A stream with three events that was deleted.
    pub async fn deleted_stream(&self) -> String {
        let stream = self.stream_of(3).await;
        self.delete(&stream, StreamState::Any).await.unwrap();
        stream
    }

    /// A stream with three events that was tombstoned.
    pub async fn tombstoned_stream(&self) -> String {
        let stream = self.stream_of(3).await;
        self.tombstone(&stream, StreamState::Any).await.unwrap();
        stream
    }

    pub async fn delete(
        &self,
        stream: &str,
        expected: StreamState,
    ) -> Result<Option<Position>, Error> {
        let options = DeleteStreamOptions::default().stream_state(expected);
        soon("a delete", self.client.delete_stream(stream, &options)).await
    }

    pub async fn tombstone(
        &self,
        stream: &str,
        expected: StreamState,
    ) -> Result<Option<Position>, Error> {
        let options = TombstoneStreamOptions::default().stream_state(expected);
        soon(
            "a tombstone",
            self.client.tombstone_stream(stream, &options),
        )
        .await
    }

    /// Writes metadata exactly as given: the client's own type writes `$maxAge` in milliseconds.
    pub async fn set_metadata(&self, stream: &str, metadata: &Value) -> WriteResult {
        let event = EventData::json("$metadata", metadata)
            .unwrap()
            .id(Uuid::new_v4());
        self.write(&format!("$${stream}"), vec![event]).await
    }

    /// The metadata as written, if there is any.
    pub async fn metadata(&self, stream: &str) -> Option<Value> {
        let options = ReadStreamOptions::default()
            .position(StreamPosition::End)
            .max_count(1);
        let newest = self
            .read_with(&format!("$${stream}"), &options)
            .await
            .ok()?;
        Some(serde_json::from_slice(&newest.first()?.get_original_event().data).unwrap())
    }

    /// The events of a read, once it is over.
    pub async fn read_with(
        &self,
        stream: &str,
        options: &ReadStreamOptions,
    ) -> Result<Vec<ResolvedEvent>, Error> {
        soon("a read", async {
            collect(self.client.read_stream(stream, options).await?).await
        })
        .await
    }

    /// The whole stream, forwards.
    pub async fn read(&self, stream: &str) -> Result<Vec<RecordedEvent>, Error> {
        let read = self
            .read_with(stream, &ReadStreamOptions::default())
            .await?;
        Ok(read
            .into_iter()
            .map(|event| event.event.expect("an event that is no link"))
            .collect())
    }

    /// The numbers of the visible events, forwards.
    pub async fn numbers(&self, stream: &str) -> Vec<u64> {
        self.read(stream)
            .await
            .unwrap()
            .iter()
            .map(|event| event.revision)
            .collect()
    }

    /// The numbers of the visible events of a soft-deleted stream that was just written again. A
    /// real server makes it visible with a write of its own, some milliseconds later.
    pub async fn numbers_again(&self, stream: &str) -> Vec<u64> {
        peerage_tests::wait::until("the stream to be visible again", SOON, || async {
            let events = self.read(stream).await.ok()?;
            Some(events.iter().map(|event| event.revision).collect())
        })
        .await
    }

    /// The ids of the visible events, forwards.
    pub async fn ids(&self, stream: &str) -> Vec<Uuid> {
        self.read(stream)
            .await
            .unwrap()
            .iter()
            .map(|event| event.id)
            .collect()
    }

    /// All messages of a stream read.
    pub async fn messages(&self, stream: &str, options: &ReadStreamOptions) -> Vec<Seen> {
        let read = async {
            let mut read = self.client.read_stream(stream, options).await.unwrap();
            let mut seen = Vec::new();
            while let Some(message) = read.next_read_event().await.unwrap() {
                seen.push(match message {
                    ReadEvent::Event(event) => Seen::Event(event.get_original_event().revision),
                    ReadEvent::FirstStreamPosition(number) => Seen::First(number),
                    ReadEvent::LastStreamPosition(number) => Seen::Last(number),
                    ReadEvent::LastAllStreamPosition(position) => {
                        panic!("a server never sends this: {position}")
                    }
                });
            }
            seen
        };
        soon("a read", read).await
    }

    /// The events of a read of `$all`.
    pub async fn read_all(&self, options: &ReadAllOptions) -> Result<Vec<ResolvedEvent>, Error> {
        soon("a read of $all", async {
            collect(self.client.read_all(options).await?).await
        })
        .await
    }

    /// The events of `$all` from a position on that a filter lets through.
    pub async fn filtered(&self, from: Position, filter: SubscriptionFilter) -> Vec<ResolvedEvent> {
        let options = ReadAllOptions::default()
            .position(StreamPosition::Position(from))
            .filter(filter);
        self.read_all(&options).await.unwrap()
    }

    pub async fn follow(&self, stream: &str, from: StreamPosition<u64>) -> Following {
        let options = SubscribeToStreamOptions::default().start_from(from);
        Following::of(self.client.subscribe_to_stream(stream, &options).await)
    }

    pub async fn follow_all(&self, options: &SubscribeToAllOptions) -> Following {
        Following::of(self.client.subscribe_to_all(options).await)
    }
}

async fn collect(mut read: ReadStream) -> Result<Vec<ResolvedEvent>, Error> {
    let mut events = Vec::new();
    while let Some(event) = read.next().await? {
        events.push(event);
    }
    Ok(events)
}

/// A subscription while it is watched. A task of its own reads it, one message ahead: the client's
/// subscription subscribes anew when a wait for its next message is given up.
pub struct Following {
    came: mpsc::Receiver<Result<SubscriptionEvent, Error>>,
    reader: JoinHandle<()>,
}

/// What a subscription says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal {
    Confirmed,
    /// An event, by the number of what was followed: a link's own, if it is one.
    Event(u64),
    Checkpoint(u64, u64),
    CaughtUp,
}

impl Following {
    pub fn of(mut subscription: Subscription) -> Self {
        let (tell, came) = mpsc::channel(1);
        let reader = tokio::spawn(async move {
            while tell
                .send(subscription.next_subscription_event().await)
                .await
                .is_ok()
            {}
        });
        Self { came, reader }
    }

    async fn came(&mut self) -> Result<SubscriptionEvent, Error> {
        soon("a signal of a subscription", self.came.recv())
            .await
            .expect("the subscription is read")
    }

    pub async fn next(&mut self) -> Result<Signal, Error> {
        Ok(match self.came().await? {
            SubscriptionEvent::Confirmed(id) => {
                id.parse::<Uuid>().expect("a subscription's id");
                Signal::Confirmed
            }
            SubscriptionEvent::EventAppeared(event) => {
                Signal::Event(event.get_original_event().revision)
            }
            SubscriptionEvent::Checkpoint(position) => {
                Signal::Checkpoint(position.commit, position.prepare)
            }
            SubscriptionEvent::CaughtUp(_) => Signal::CaughtUp,
            other => panic!("a server never sends this to a subscription: {other:?}"),
        })
    }

    /// All signals up to and with the first `caught_up`.
    pub async fn until_caught_up(&mut self) -> Vec<Signal> {
        let mut signals = Vec::new();
        while signals.last() != Some(&Signal::CaughtUp) {
            signals.push(self.next().await.unwrap());
        }
        signals
    }

    /// The next so many signals.
    pub async fn take(&mut self, count: usize) -> Vec<Signal> {
        let mut signals = Vec::new();
        while signals.len() < count {
            signals.push(self.next().await.unwrap());
        }
        signals
    }

    /// The next so many events, whatever else comes between.
    pub async fn events(&mut self, count: usize) -> Vec<ResolvedEvent> {
        let mut events = Vec::new();
        while events.len() < count {
            if let SubscriptionEvent::EventAppeared(event) = self.came().await.unwrap() {
                events.push(event);
            }
        }
        events
    }

    /// Checks that nothing comes for a while.
    pub async fn stays_silent(&mut self) {
        if let Ok(came) = tokio::time::timeout(A_WHILE, self.came.recv()).await {
            panic!("nothing was to come: {came:?}");
        }
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// What was expected and what is there, when an append was refused for it.
#[track_caller]
pub fn conflict(outcome: Result<WriteResult, Error>) -> (StreamState, CurrentRevision) {
    match outcome {
        Err(Error::WrongExpectedVersion { expected, current }) => (expected, current),
        other => panic!("a wrong expected version was to come: {other:?}"),
    }
}

/// Checks that a call was refused because the stream is deleted.
#[track_caller]
pub fn is_deleted<T: std::fmt::Debug>(outcome: Result<T, Error>) {
    assert!(
        matches!(outcome, Err(Error::ResourceDeleted)),
        "the stream was to be deleted: {outcome:?}"
    );
}

/// Checks that a read says the stream is not there.
#[track_caller]
pub fn is_not_found<T: std::fmt::Debug>(outcome: Result<T, Error>) {
    assert!(
        matches!(outcome, Err(Error::ResourceNotFound)),
        "the stream was not to be found: {outcome:?}"
    );
}

/// The text of a status that the client has no type for.
#[track_caller]
pub fn status<T: std::fmt::Debug>(outcome: Result<T, Error>) -> (tonic::Code, String) {
    match outcome {
        Err(Error::Grpc { code, message }) => (code, message),
        other => panic!("a status was to come: {other:?}"),
    }
}
