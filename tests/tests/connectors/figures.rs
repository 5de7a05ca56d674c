//! What it costs, in ratios: each beside what it is compared with, in one run. They are asked for
//! by name and with `--ignored`, one at a time.

use crate::support::{Receiver, Store, settings};
use bytes::Bytes;
use chrono::Utc;
use connectors::{Outcome, StandardSinks, transform::Host};
use http_body_util::Full;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use journal::{Followed, Signal};
use parking_lot::Mutex;
use peerage_tests::{binary, wait::until};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use testkit::process::processor_time;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

const LONG: Duration = Duration::from_secs(300);

/// How much memory this process holds, in MB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"));
    let kilobytes = line.unwrap().trim().trim_end_matches(" kB");
    kilobytes.parse::<u64>().unwrap() / 1_024
}

/// What an event costs of the processor, with so many connectors, one of which delivers it.
async fn per_event(connectors: u128) -> (Duration, u64) {
    const EVENTS: usize = 1_000;
    let (store, receiver) = (Store::new().await, Receiver::new());
    let network = store.network(1).await;
    let ours = json!({
        "filter": { "scope": "stream", "type": "prefix", "expression": network.stream() },
    });
    let others = json!({
        "filter": { "scope": "stream", "type": "prefix", "expression": "network-none" },
    });
    store.started("webhook", settings(&ours)).await;
    for n in 1..connectors {
        store
            .started(&format!("other-{n}"), settings(&others))
            .await;
    }
    let process = store.process(&receiver);
    // A thousand claims take their time.
    until("all run", LONG, async || {
        (process.runtime.statuses().all().len() as u128 == connectors).then_some(())
    })
    .await;
    receiver.has_taken(1).await;
    let before = processor_time("self");
    for _ in 0..EVENTS {
        store.happens(network).await;
    }
    until("all is delivered", LONG, async || {
        (receiver.taken().len() > EVENTS).then_some(())
    })
    .await;
    let used = processor_time("self") - before;
    let held = resident();
    process.stop().await;
    (used / EVENTS as u32, held)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures, and others would disturb it: ./test.sh figures"]
async fn a_thousand_webhooks_cost_an_event_no_more_than_three_times_what_one_does() {
    let (one, _) = per_event(1).await;
    let before = resident();
    let (thousand, held) = per_event(1_000).await;
    let ratio = thousand.as_secs_f64() / one.as_secs_f64();
    println!(
        "an event with 1 connector {one:?}, with 1,000 {thousand:?}: {ratio:.2}; {held} MB, {} more",
        held.saturating_sub(before)
    );
    assert!(ratio <= 3.0, "{ratio}");
    assert!(held < 200, "{held} MB");
}

fn percentile(all: &mut [Duration], part: f64) -> Duration {
    all.sort_unstable();
    let at = (all.len() as f64 * part) as usize;
    all[at.min(all.len() - 1)]
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures, and others would disturb it: ./test.sh figures"]
async fn a_receiver_has_an_event_soon_after_a_bare_subscription_has_it() {
    const EVENTS: u64 = 500;
    let (store, receiver) = (Store::new().await, Receiver::new());
    let network = store.network(1).await;
    let arrived = Arc::new(Mutex::new(HashMap::new()));
    let seen = Arc::clone(&arrived);
    receiver.answer(move |item, _| {
        seen.lock().insert(item.recorded.revision, Instant::now());
        Outcome::Delivered
    });
    store.started("webhook", settings(&json!({}))).await;
    let process = store.process(&receiver);
    receiver.has_taken(1).await;
    let bare = Arc::new(Mutex::new(HashMap::new()));
    let (told, journal) = (Arc::clone(&bare), store.journal.clone());
    let following = tokio::spawn(async move {
        let mut follower = journal.follow(None, Followed::Deliverable);
        while let Ok(signal) = follower.next().await {
            if let Signal::Event(it) = signal {
                told.lock().insert(it.revision, Instant::now());
            }
        }
    });
    until("both follow", LONG, async || {
        (!bare.lock().is_empty()).then_some(())
    })
    .await;
    let mut appended = HashMap::new();
    for revision in 1..=EVENTS {
        appended.insert(revision, Instant::now());
        store.happens(network).await;
    }
    until("both have it", LONG, async || {
        let all = EVENTS as usize;
        (arrived.lock().len() > all && bare.lock().len() > all).then_some(())
    })
    .await;
    process.stop().await;
    following.abort();
    let spans = |of: &HashMap<u64, Instant>| -> Vec<Duration> {
        let each = appended.iter();
        each.map(|(revision, at)| of[revision].saturating_duration_since(*at))
            .collect()
    };
    let (mut through, mut beside) = (spans(&arrived.lock()), spans(&bare.lock()));
    for part in [0.5, 0.99] {
        let (through, beside) = (
            percentile(&mut through, part),
            percentile(&mut beside, part),
        );
        println!(
            "p{:.0}: receiver {through:?}, bare subscription {beside:?}",
            part * 100.0
        );
    }
}

/// An endpoint that takes everything, and counts.
async fn endpoint() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            tokio::spawn(take(stream, Arc::clone(&counted)));
        }
    });
    (port, count)
}

async fn take(mut stream: TcpStream, count: Arc<AtomicUsize>) -> Option<()> {
    let mut bytes = Vec::new();
    let mut more = vec![0; 16_384];
    loop {
        let read = stream.read(&mut more).await.ok().filter(|it| *it > 0)?;
        bytes.extend_from_slice(&more[..read]);
        let text = String::from_utf8_lossy(&bytes);
        let Some(end) = text.find("\r\n\r\n") else {
            continue;
        };
        let head = text[..end].to_ascii_lowercase();
        let length = head
            .lines()
            .find_map(|it| it.strip_prefix("content-length:"));
        let length: usize = length?.trim().parse().ok()?;
        if bytes.len() < end + 4 + length {
            continue;
        }
        bytes.clear();
        count.fetch_add(1, Ordering::SeqCst);
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(answer).await.ok()?;
    }
}

const DELIVERIES: usize = 3_000;
const TOGETHER: usize = 32;

/// Deliveries per second through the runtime.
async fn through(other: &Value) -> f64 {
    let store = Store::new().await;
    let mut networks = Vec::new();
    for n in 0..TOGETHER as u128 {
        networks.push(store.network(n + 1).await);
    }
    for n in TOGETHER..DELIVERIES {
        store.happens(networks[n % TOGETHER]).await;
    }
    let (port, count) = endpoint().await;
    let mut all = json!({
        "sink": {
            "type": "webhook", "url": format!("http://127.0.0.1:{port}/"),
            "allowed_hosts": ["127.0.0.1"],
        },
    });
    for (key, value) in other.as_object().unwrap() {
        all[key] = value.clone();
    }
    store.started("webhook", settings(&all)).await;
    let sinks = StandardSinks::new(None, None, Arc::new(Utc::now));
    let begun = Instant::now();
    let process = store.sending(sinks, Some(Host::new(binary::peerage())));
    until("all is delivered", LONG, async || {
        (count.load(Ordering::SeqCst) >= DELIVERIES).then_some(())
    })
    .await;
    let took = begun.elapsed();
    process.stop().await;
    DELIVERIES as f64 / took.as_secs_f64()
}

/// Requests per second of a client that does nothing else.
async fn bare() -> f64 {
    let (port, _) = endpoint().await;
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let body = Bytes::from(vec![b'x'; 700]);
    let begun = Instant::now();
    let mut sending = JoinSet::new();
    for _ in 0..TOGETHER {
        let (client, body) = (client.clone(), body.clone());
        sending.spawn(async move {
            for _ in 0..DELIVERIES / TOGETHER {
                let request = http::Request::post(format!("http://127.0.0.1:{port}/"));
                let request = request.body(Full::new(body.clone())).unwrap();
                assert_eq!(client.request(request).await.unwrap().status(), 200);
            }
        });
    }
    let _ = sending.join_all().await;
    (DELIVERIES / TOGETHER * TOGETHER) as f64 / begun.elapsed().as_secs_f64()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures, and others would disturb it: ./test.sh figures"]
async fn deliveries_per_second_through_the_runtime_beside_a_bare_client_and_with_a_transform() {
    let bare = bare().await;
    let plain = through(&json!({})).await;
    let function = "function transform(r) { r.value.seen = r.position.logPosition }";
    let script = through(&json!({ "transformer": { "function": function } })).await;
    println!(
        "bare {bare:.0}/s; through the runtime {plain:.0}/s ({:.2}); with JavaScript {script:.0}/s ({:.2} of that)",
        plain / bare,
        script / plain
    );
}
