//! What is done to the store, through the official client.

use crate::write::Times;
use futures::future::join_all;
use kurrentdb::{
    AppendToStreamOptions, Client, EventData, StreamPosition, StreamState, SubscribeToAllOptions,
    SubscriptionEvent, SubscriptionFilter,
};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How many events one append of a fill holds.
const AT_ONCE: usize = 1_000;
/// Over so many streams.
const STREAMS: usize = 1_000;

/// How much of everything.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) singles: usize,
    pub(crate) in_flight: usize,
    pub(crate) span: Duration,
    pub(crate) sizes: [usize; 3],
}

impl Pace {
    pub(crate) fn full() -> Self {
        Self {
            singles: 3_000,
            in_flight: 128,
            span: Duration::from_secs(10),
            sizes: [10_000, 100_000, 1_000_000],
        }
    }

    pub(crate) fn quick() -> Self {
        Self {
            singles: 300,
            in_flight: 128,
            span: Duration::from_secs(2),
            sizes: [1_000, 3_000, 10_000],
        }
    }
}

/// Appends that were acknowledged, and in what time.
#[derive(Clone, Copy)]
pub(crate) struct Acknowledged {
    pub(crate) appends: u32,
    span: Duration,
}

impl Acknowledged {
    pub(crate) fn per_second(self) -> f64 {
        f64::from(self.appends) / self.span.as_secs_f64()
    }
}

/// Clients of one store. Those in flight share a few connections, as one of the client's has its
/// own ceiling.
pub(crate) struct Load {
    clients: Vec<Client>,
}

/// A JSON event of 256 bytes.
fn event() -> EventData {
    let id = Uuid::new_v4();
    let data = format!("{{\"id\":\"{id}\",\"pad\":\"{}\"}}", "x".repeat(202));
    debug_assert_eq!(data.len(), 256);
    let value: serde_json::Value = serde_json::from_str(&data).unwrap();
    EventData::json("Measured", &value).unwrap().id(id)
}

impl Load {
    pub(crate) fn connect(connection_string: &str) -> Self {
        let client = |_| Client::new(connection_string.parse().unwrap()).unwrap();
        Self {
            clients: (0..4).map(client).collect(),
        }
    }

    /// Opens the connections.
    pub(crate) async fn warm_up(&self) {
        for client in &self.clients {
            for _ in 0..200 {
                client
                    .append_to_stream("warm-up", &AppendToStreamOptions::default(), event())
                    .await
                    .unwrap();
            }
        }
    }

    /// So many appends to one stream, each after the one before.
    pub(crate) async fn alone(&self, stream: &str, count: usize) -> Times {
        let mut expected = StreamState::NoStream;
        let mut times = Vec::with_capacity(count);
        for _ in 0..count {
            let (event, options) = (
                event(),
                AppendToStreamOptions::default().stream_state(expected),
            );
            let begun = Instant::now();
            let written = self.clients[0]
                .append_to_stream(stream, &options, event)
                .await
                .unwrap();
            times.push(begun.elapsed());
            expected = StreamState::StreamRevision(written.next_expected_version);
        }
        Times::of(times)
    }

    /// So many writers, each with a stream of its own and one append in flight.
    pub(crate) async fn together(&self, writers: usize, span: Duration) -> Acknowledged {
        let begun = Instant::now();
        let write = |writer: usize| {
            let client = self.clients[writer % self.clients.len()].clone();
            tokio::spawn(async move {
                let (stream, mut expected, mut count) = (
                    format!("together-{writers}-{writer}"),
                    StreamState::NoStream,
                    0_u32,
                );
                while begun.elapsed() < span {
                    let options = AppendToStreamOptions::default().stream_state(expected);
                    let written = client
                        .append_to_stream(stream.as_str(), &options, event())
                        .await
                        .unwrap();
                    expected = StreamState::StreamRevision(written.next_expected_version);
                    count += 1;
                }
                count
            })
        };
        let counts = join_all((0..writers).map(write)).await;
        Acknowledged {
            appends: counts.into_iter().map(Result::unwrap).sum(),
            span: begun.elapsed(),
        }
    }

    /// Appends until so many events of the fill are there: those of smaller fills count. Gives the
    /// events per second.
    pub(crate) async fn fill(&self, events: usize) -> f64 {
        let options = AppendToStreamOptions::default();
        let last = self.filled().await;
        let begun = Instant::now();
        for append in last..events / AT_ONCE {
            let stream = format!("fill-{}", append % STREAMS);
            let batch: Vec<EventData> = (0..AT_ONCE).map(|_| event()).collect();
            self.clients[0]
                .append_to_stream(stream, &options, batch)
                .await
                .unwrap();
        }
        (events - last * AT_ONCE) as f64 / begun.elapsed().as_secs_f64()
    }

    /// How many appends of the fill are there.
    async fn filled(&self) -> usize {
        let mut filled = 0;
        while let Ok(mut read) = self.clients[0]
            .read_stream(format!("fill-{filled}"), &Default::default())
            .await
            && read.next().await.is_ok()
        {
            filled += 1;
        }
        filled
    }

    /// Follows a filtered `$all` from its start until so many events came; gives them per second.
    pub(crate) async fn catch_up(&self, events: usize) -> f64 {
        let filter = SubscriptionFilter::on_stream_name()
            .add_prefix("fill-")
            .max(1_000);
        let options = SubscribeToAllOptions::default()
            .position(StreamPosition::Start)
            .filter(filter);
        let begun = Instant::now();
        let mut subscription = self.clients[1].subscribe_to_all(&options).await;
        let mut count = 0;
        while count < events {
            if let SubscriptionEvent::EventAppeared(_) =
                subscription.next_subscription_event().await.unwrap()
            {
                count += 1;
            }
        }
        events as f64 / begun.elapsed().as_secs_f64()
    }
}
