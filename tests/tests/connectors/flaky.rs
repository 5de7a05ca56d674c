//! A receiver of every bad temper, over HTTP, while the process is killed again and again.
//!
//! 400 events in the test command; as many as `PEERAGE_TEST_EVENTS` says otherwise.

use crate::support::{Process, Store, settings};
use chrono::Utc;
use connectors::{BreakerSettings, StandardSinks};
use parking_lot::Mutex;
use peerage_tests::wait::until;
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// What the receiver does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Temper {
    /// It takes it, and says so.
    Takes,
    /// It takes it, and says so with its head in two parts.
    TakesSlowly,
    /// It says that it cannot, with one of these.
    Says(&'static str),
    /// It takes it, and the way back breaks before the answer.
    TakesAndBreaks,
    /// It takes it, and sends half of its answer.
    TakesAndSaysHalf,
    /// It breaks the connection in the middle of the request.
    Breaks,
    /// It never answers.
    Hangs,
}

const BUSY: [&str; 4] = [
    "503 Service Unavailable\r\nretry-after: 0",
    "500 Internal Server Error",
    "429 Too Many Requests",
    "408 Request Timeout",
];

/// A temper by chance: most requests are taken.
fn temper() -> Temper {
    match fastrand::u32(..200) {
        0..20 => Temper::Says(BUSY[fastrand::usize(..BUSY.len())]),
        20..30 => Temper::Breaks,
        30..40 => Temper::TakesAndBreaks,
        40..50 => Temper::TakesAndSaysHalf,
        50 => Temper::Hangs,
        51..80 => Temper::TakesSlowly,
        _ => Temper::Takes,
    }
}

/// A request that arrived whole.
#[derive(Clone, Debug)]
struct Came {
    id: String,
    lane: String,
    sequence: u64,
    /// Which life of the process sent it.
    life: u32,
    temper: Temper,
}

impl Came {
    /// Whether the sender must have seen that it was taken.
    fn was_answered(&self) -> bool {
        self.temper == Temper::Takes
    }

    fn was_taken(&self) -> bool {
        match self.temper {
            Temper::Takes
            | Temper::TakesSlowly
            | Temper::TakesAndBreaks
            | Temper::TakesAndSaysHalf => true,
            Temper::Says(_) | Temper::Breaks | Temper::Hangs => false,
        }
    }
}

#[derive(Default)]
struct Seen {
    came: Mutex<Vec<Came>>,
    open: AtomicUsize,
    life: AtomicU32,
}

/// The receiver.
struct Flaky {
    port: u16,
    seen: Arc<Seen>,
    task: JoinHandle<()>,
}

impl Drop for Flaky {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Flaky {
    async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Seen::default());
        let shared = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let seen = Arc::clone(&shared);
                seen.open.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    serve(stream, &seen).await;
                    seen.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { port, seen, task }
    }

    fn came(&self) -> Vec<Came> {
        self.seen.came.lock().clone()
    }

    fn taken(&self) -> usize {
        let came = self.seen.came.lock();
        let taken = came.iter().filter(|it| it.was_taken()).map(|it| &it.id);
        taken.collect::<BTreeSet<_>>().len()
    }
}

async fn serve(mut stream: TcpStream, seen: &Seen) -> Option<()> {
    let life = seen.life.load(Ordering::SeqCst);
    let mut bytes = Vec::new();
    loop {
        let temper = temper();
        if temper == Temper::Breaks {
            // In the middle of the head, or before it.
            let _ = stream.read(&mut [0; 16]).await;
            let _ = stream.set_zero_linger();
            return None;
        }
        let head = request(&mut stream, &mut bytes).await?;
        let header = |name: &str| {
            let line = head.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_default().trim().to_owned()
        };
        seen.came.lock().push(Came {
            id: header("webhook-id:"),
            lane: header("peerage-lane:"),
            sequence: header("peerage-lane-sequence:").parse().unwrap(),
            life,
            temper,
        });
        let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
        match temper {
            Temper::Takes => stream.write_all(answer.as_bytes()).await.ok()?,
            Temper::TakesSlowly => {
                let (first, second) = answer.split_at(9);
                stream.write_all(first.as_bytes()).await.ok()?;
                tokio::task::yield_now().await;
                stream.write_all(second.as_bytes()).await.ok()?;
            }
            Temper::Says(status) => {
                let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
                stream.write_all(answer.as_bytes()).await.ok()?;
            }
            Temper::TakesAndSaysHalf => {
                stream.write_all(b"HTTP/1.1 2").await.ok()?;
                return None;
            }
            Temper::TakesAndBreaks | Temper::Breaks => {
                let _ = stream.set_zero_linger();
                return None;
            }
            Temper::Hangs => {
                // Until the sender has had enough.
                while stream.read(&mut [0; 64]).await.ok()? > 0 {}
                return None;
            }
        }
    }
}

/// The head of a request that is read to its end.
async fn request(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<String> {
    let step = [7, 100, 4_096][fastrand::usize(..3)];
    loop {
        let text = String::from_utf8_lossy(bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_ascii_lowercase();
            let length = head
                .lines()
                .find_map(|it| it.strip_prefix("content-length:"));
            let length: usize = length?.trim().parse().ok()?;
            if body.len() >= length {
                bytes.drain(..head.len() + 4 + length);
                return Some(head);
            }
        }
        let mut more = vec![0; step];
        match stream.read(&mut more).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&more[..count]),
        }
    }
}

fn process(store: &Store) -> Process {
    let breakers = BreakerSettings {
        first_pause: Duration::from_millis(20),
        longest_pause: Duration::from_millis(100),
        ..BreakerSettings::default()
    };
    let sinks = StandardSinks::new(None, None, Arc::new(Utc::now)).with_breakers(breakers);
    store.sending(sinks)
}

/// Asserts that what one life of the process sent in a lane is in order: a record comes when the
/// one before it was taken, and comes again only if it was not seen to be.
fn in_order(came: &[Came]) {
    let mut lanes: BTreeMap<(u32, &str), Vec<&Came>> = BTreeMap::new();
    for it in came {
        lanes
            .entry((it.life, it.lane.as_str()))
            .or_default()
            .push(it);
    }
    for ((life, lane), all) in &lanes {
        for pair in all.windows(2) {
            let (before, after) = (pair[0], pair[1]);
            let goes_on = after.sequence == before.sequence + 1 && before.was_taken();
            let again = after.id == before.id && !before.was_answered();
            assert!(
                goes_on || again,
                "life {life}, lane {lane}: {before:?}, then {after:?}"
            );
        }
    }
    // What a life begins with is no further than what was taken before it.
    let mut furthest: BTreeMap<&str, u64> = BTreeMap::new();
    for it in came {
        let known = furthest.entry(&it.lane).or_default();
        assert!(it.sequence <= *known + 1, "{it:?} after {known}");
        if it.was_taken() {
            *known = (*known).max(it.sequence);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_of_every_bad_temper_and_kills_at_random_lose_nothing_and_keep_the_order() {
    const NETWORKS: u128 = 8;
    let events = std::env::var("PEERAGE_TEST_EVENTS").ok();
    let events: usize = events.and_then(|it| it.parse().ok()).unwrap_or(400);
    let (store, receiver) = (Store::new().await, Flaky::start().await);
    let hook = json!({
        "sink": {
            "type": "webhook", "url": format!("http://127.0.0.1:{}/", receiver.port),
            "allowed_hosts": ["127.0.0.1"], "timeout_ms": 4_000,
        },
        "resilience": {
            "preset": "delay-bounds",
            "first_delay_bound": { "delay_ms": 5, "upper_limit_ms": -1 },
            "second_delay_bound": { "delay_ms": 5, "upper_limit_ms": -1 },
            "third_delay_bound": { "delay_ms": 5, "upper_limit_ms": -1 },
        },
    });
    let id = store.started("webhook", settings(&hook)).await;
    let mut networks = Vec::new();
    for n in 0..NETWORKS {
        networks.push(store.network(n + 1).await);
    }
    let mut sender = process(&store);
    let mut written = networks.len();
    let patience = Duration::from_secs(60 + events as u64 / 20);
    while written < events {
        for _ in 0..(events / 10).min(events - written) {
            store.happens(networks[written % networks.len()]).await;
            written += 1;
        }
        let far = fastrand::usize(receiver.taken()..=written);
        until("some of it arrives", patience, async || {
            (receiver.taken() >= far).then_some(())
        })
        .await;
        sender.kill().await;
        until("its connections are gone", patience, async || {
            (receiver.seen.open.load(Ordering::SeqCst) == 0).then_some(())
        })
        .await;
        receiver.seen.life.fetch_add(1, Ordering::SeqCst);
        sender = process(&store);
    }
    until("everything has arrived", patience, async || {
        (receiver.taken() >= events).then_some(())
    })
    .await;
    sender.stop().await;
    let came = receiver.came();
    in_order(&came);
    let parked = connectors::ParkedRecords::of(&store.journal, &id)
        .await
        .unwrap();
    assert_eq!(parked.records.len(), 0);
    let repeats = came.iter().filter(|it| it.was_taken()).count() - events;
    let lives = receiver.seen.life.load(Ordering::SeqCst) + 1;
    println!(
        "{events} events, {lives} lives, {} requests, {repeats} repeats",
        came.len()
    );
}
