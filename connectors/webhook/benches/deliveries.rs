//! Deliveries per second to a receiver on this machine, beside a bare HTTP client that sends the
//! same bodies with the same concurrency: `cargo bench -p peerage-webhook --bench deliveries`.
//!
//! All take turns in one run, so that what else the machine does befalls all. There are two bare
//! ones: `same` sends the same bytes as a webhook, made beforehand, so that its ratio says what
//! building, signing, the guard and the reading of answers cost; `body` sends no header but the
//! content type, which its receiver need not read either.
#![allow(clippy::unwrap_used)]

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{Request, Response, header::CONTENT_TYPE};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioIo};
use mimalloc::MiMalloc;
use peerage_webhook::{
    Delivery, Endpoint, Format, Message, Named, Outcome, Record, Replay, Settings, SigningKeys,
    SystemHeaders, Transport, send,
};
use serde_json::json;
use std::{
    convert::Infallible,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};
use tokio::{net::TcpListener, runtime};
use uuid::Uuid;

/// The program's own, for all of them.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Deliveries of one turn, and turns of each.
const TURN: usize = 1_000;
const TURNS: usize = 31;

const CONCURRENCY: [usize; 3] = [1, 16, 64];

/// The wanted ratio.
const WANTED: f64 = 0.8;

/// A receiver on a thread of its own.
fn receiver() -> u16 {
    let (tell, told) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            tell.send(listener.local_addr().unwrap().port()).unwrap();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                let service = service_fn(|request: Request<Incoming>| async {
                    request.into_body().collect().await.unwrap();
                    Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
    });
    told.recv().unwrap()
}

fn record() -> Record {
    let number = 7;
    Record {
        id: Uuid::from_u128(u128::from(number)),
        event_type: "PeeringRequested".to_owned(),
        schema_version: 1,
        data: json!({"peering_id": "5b0c1f1a-7f5e-4f0d-9a52-0d6d5c1e77a1", "requested_at": "2026-03-01T09:30:15Z",
            "peer": {"account": "444455556601", "cloud_network": "vpc-0f9e8d7c6b5a0001", "provider": "aws",
                "ranges": ["10.101.0.0/16"], "region": "us-east-1", "subnets": ["subnet-0c2a4f60718293a4b"]}}),
        metadata: std::collections::BTreeMap::new(),
        stream: "network-5b0c1f1a-7f5e-4f0d-9a52-0d6d5c1e77a1".to_owned(),
        revision: number,
        position: number,
        time: DateTime::UNIX_EPOCH,
        redacted: false,
        network: Some(Named {
            id: "n".to_owned(),
            name: Some("prod".to_owned()),
        }),
        peering: None,
        account: Some("444455556601".to_owned()),
        cloud: None,
        actor: None,
        reason: None,
        ticket: None,
        command_id: Some(Uuid::from_u128(7)),
    }
}

fn message(record: &Record, number: u64) -> Message {
    let delivery = Delivery {
        connector_id: "hook".to_owned(),
        request_id: Uuid::from_u128(u128::from(number)),
        lane: "network-1".to_owned(),
        lane_sequence: number,
        replay: Replay::Live,
        system_headers: SystemHeaders::Ignored,
    };
    Message::new(Format::Envelope, std::slice::from_ref(record), &delivery).unwrap()
}

/// The request of a webhook, as a bare client sends it: what is signed is of the same length.
fn same(url: &str, record: &Record) -> Request<Full<Bytes>> {
    let message = message(record, 1);
    let mut request = Request::post(url).body(Full::new(message.body)).unwrap();
    let headers = request.headers_mut();
    *headers = message.headers;
    for (name, value) in [
        ("accept-encoding", "identity"),
        ("user-agent", "Peerage/0.1.0"),
        ("peerage-request-date", "1970-01-01T01:06:40Z"),
        ("webhook-id", message.id.as_str()),
        ("webhook-timestamp", "4000"),
        (
            "webhook-signature",
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ),
    ] {
        headers.insert(name, value.parse().unwrap());
    }
    request
}

/// One turn: so many senders share the deliveries among them.
async fn turn<F: Future<Output = ()> + Send + 'static>(
    concurrency: usize,
    one: impl Fn(u64) -> F + Clone + Send + 'static,
) -> Duration {
    let started = Instant::now();
    let senders = (0..concurrency).map(|sender| {
        let one = one.clone();
        tokio::spawn(async move {
            for number in (sender..TURN).step_by(concurrency) {
                one(number as u64).await;
            }
        })
    });
    for sender in senders.collect::<Vec<_>>() {
        sender.await.unwrap();
    }
    started.elapsed()
}

fn main() {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let port = receiver();
    runtime.block_on(compare(port));
}

async fn compare(port: u16) {
    let url = format!("http://127.0.0.1:{port}/hook");
    let settings = Settings {
        allow: vec!["127.0.0.1".to_owned()],
        plain_http: true,
        ..Settings::to(&url)
    };
    let endpoint = Endpoint::new(settings, &Transport::default()).unwrap();
    let bare: Client<HttpConnector, Full<Bytes>> = {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Client::builder(TokioExecutor::new()).build(connector)
    };
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned().into();
    println!(
        "{:>11}  {:>10}  {:>10}  {:>6}  {:>10}  {:>6}",
        "concurrency", "webhook/s", "same/s", "ratio", "body/s", "ratio"
    );
    let stored = Arc::new(record());
    let whole = Arc::new(same(&url, &stored));
    let alone = Request::post(&url).header(CONTENT_TYPE, "application/json");
    let alone = Arc::new(alone.body(Full::new(message(&stored, 1).body)).unwrap());
    let mut least = f64::MAX;
    for concurrency in CONCURRENCY {
        let mut took: [Vec<Duration>; 3] = Default::default();
        for _ in 0..TURNS {
            let keys = Arc::new(SigningKeys::parse([&secret]).unwrap());
            let (endpoint, stored) = (endpoint.clone(), Arc::clone(&stored));
            let webhook = turn(concurrency, move |number| {
                let (endpoint, keys, record) =
                    (endpoint.clone(), Arc::clone(&keys), Arc::clone(&stored));
                async move {
                    let now = DateTime::<Utc>::UNIX_EPOCH + Duration::from_secs(number);
                    let attempt = send(&endpoint, &keys, &message(&record, number), now).await;
                    assert_eq!(attempt.outcome, Outcome::Delivered);
                }
            })
            .await;
            took[0].push(webhook);
            for (at, request) in [(1, &whole), (2, &alone)] {
                let (bare, request) = (bare.clone(), Arc::clone(request));
                let bare = turn(concurrency, move |_| {
                    let (bare, request) = (bare.clone(), Request::clone(&request));
                    async move {
                        let answer = bare.request(request).await.unwrap();
                        answer.into_body().collect().await.unwrap();
                    }
                })
                .await;
                took[at].push(bare);
            }
        }
        // Of what else the machine does, the middle turn of each has seen about as much.
        let [ours, same, body] = took.map(|mut took| {
            took.sort_unstable();
            TURN as f64 / took[TURNS / 2].as_secs_f64()
        });
        least = least.min(ours / same);
        println!(
            "{concurrency:>11}  {ours:>10.0}  {same:>10.0}  {:>6.2}  {body:>10.0}  {:>6.2}",
            ours / same,
            ours / body
        );
    }
    println!("the least beside the same bytes is {least:.2}, wanted is {WANTED}");
}
