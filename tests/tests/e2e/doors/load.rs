//! What callers without manners hold of a server, in its own process, and what they cost others.

use crate::support::api::{self, Api, Command};
use bytes::Bytes;
use h2::client::{Builder, ResponseFuture, SendRequest};
use http::Request;
use peerage::api::v1::{WatchEvents, WatchPeeringsRequest, watch_peerings_request::Scope};
use peerage_tests::{
    engine::{Engine, Launch},
    wait,
};
use prost::Message as _;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::{io::AsyncWriteExt as _, net::TcpStream, task::JoinSet, time::timeout};

/// Every wait's bound here.
const WITHIN: Duration = Duration::from_secs(60);

async fn engine(folder: &TempDir) -> Engine {
    Launch::new(folder.path()).own_store().start().await
}

fn address(engine: &Engine) -> String {
    engine.server().replace("http://", "")
}

async fn connect(engine: &Engine, builder: &Builder) -> SendRequest<Bytes> {
    let stream = TcpStream::connect(address(engine)).await.unwrap();
    let (requests, connection) = builder.handshake(stream).await.unwrap();
    tokio::spawn(connection);
    requests.ready().await.unwrap()
}

/// A message of no fields.
const EMPTY: &[u8] = &[0; 5];

/// Begins a call; its body ends with `bytes` or goes on.
fn call(
    requests: &mut SendRequest<Bytes>,
    engine: &Engine,
    method: &str,
    ends: bool,
) -> (ResponseFuture, h2::SendStream<Bytes>) {
    let request = Request::post(format!("{}/peerage.v1.{method}", engine.server()))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(())
        .unwrap();
    let (answer, mut body) = requests.send_request(request, false).unwrap();
    if ends {
        body.send_data(EMPTY.into(), true).unwrap();
    }
    (answer, body)
}

/// The process's memory, in megabytes.
fn memory(engine: &Engine) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", engine.process.id())).unwrap();
    let line = status.lines().find(|it| it.starts_with("VmRSS:")).unwrap();
    let kilobytes: String = line.chars().filter(char::is_ascii_digit).collect();
    kilobytes.parse::<u64>().unwrap() / 1024
}

#[tokio::test]
async fn requests_that_never_end_cost_megabytes_and_keep_nobody_waiting() {
    let folder = TempDir::new().unwrap();
    let engine = engine(&folder).await;
    let before = memory(&engine);
    let mut requests = connect(&engine, &Builder::new()).await;
    // Each says that it sends 4 MB, and sends all but the last of it as fast as it may.
    let size: u32 = (4 << 20) - 100;
    let sent = Bytes::from([&[0], &size.to_be_bytes()[..], &[0; 3 << 20]].concat());
    let mut calls = JoinSet::new();
    for _ in 0..100 {
        let (answer, mut body) = call(&mut requests, &engine, "ServerService/GetServerInfo", false);
        let mut left = sent.clone();
        calls.spawn(async move {
            while !left.is_empty() {
                body.reserve_capacity(left.len());
                match std::future::poll_fn(|cx| body.poll_capacity(cx)).await {
                    Some(Ok(given)) if body.send_data(left.split_to(given), false).is_ok() => {}
                    Some(_) | None => break,
                }
            }
            answer.await.map(|it| it.headers()["grpc-status"].clone())
        });
    }
    let mut refused = 0;
    while refused < 50 {
        let answer = timeout(WITHIN, calls.join_next()).await.unwrap();
        // Others are told that they are too slow, once they are.
        refused += u32::from(answer.unwrap().unwrap().unwrap() == "8");
    }
    let grown = memory(&engine).saturating_sub(before);
    assert!(
        refused > 20 && grown < 100,
        "{refused} refused, {grown} MB more"
    );
    let began = Instant::now();
    engine.json(&["server", "info"]).await;
    assert!(began.elapsed() < Duration::from_secs(10), "{began:?}");
    // Nothing is owed to requests that are not whole.
    engine.stop().await;
    drop((calls, requests));
}

#[tokio::test]
async fn a_stop_is_not_held_up_by_whoever_is_connected_and_calls_nothing_or_reads_nothing() {
    let folder = TempDir::new().unwrap();
    let mut engine = engine(&folder).await;
    let _idle = connect(&engine, &Builder::new()).await;
    // It answers nothing, not even a ping.
    let mut dead = TcpStream::connect(address(&engine)).await.unwrap();
    let hello = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";
    dead.write_all(hello).await.unwrap();
    let mut unread = Builder::new();
    unread.initial_window_size(0);
    let mut requests = connect(&engine, &unread).await;
    let mut watches = Vec::new();
    for _ in 0..20 {
        let (answer, body) = call(&mut requests, &engine, "NetworkService/WatchNetworks", true);
        watches.push((timeout(WITHIN, answer).await.unwrap().unwrap(), body));
    }
    engine.process.signal("TERM");
    let ended = engine.process.finished(Duration::from_secs(30)).await;
    // What is not in order after `api.drain` ends with another code.
    assert_eq!(ended.code(), Some(0), "{}", engine.process.output());
}

/// Watches, as many as a server has room for and a few less.
const WATCHES: usize = 990;

/// A peering in a network of its own, whose firewall was changed so many times.
async fn peering(api: &Api, number: u8, changes: u32) -> (String, String, String) {
    let mut register = api::register();
    register.name = format!("network-{number}");
    register.cloud_network = format!("vpc-0a1b2c{number:02x}");
    register.range = format!("10.{}.0.0/16", 100 + number);
    let network = api.done(&Command::Register(register)).await;
    let request = Command::Request(api::request(&network.network_id, number));
    let requested = api.done(&request).await;
    for port in 0..changes {
        change(
            api,
            (&network.network_id, &requested.peering_id, number),
            port,
        )
        .await;
    }
    (network.network_id, requested.peering_id, requested.position)
}

/// Changes what a peering admits, and returns where the log is then.
async fn change(api: &Api, (network, peering, number): (&str, &str, u8), n: u32) -> String {
    // The peer's range, of which the numbers are the requests' own.
    let source = format!("10.{number}.0.0/16");
    let admit = [(&*source, 1_000 + n)];
    let command = Command::Restrict(api::restrict(network, peering, &admit));
    api.done(&command).await.position
}

#[tokio::test]
async fn a_thousand_watches_of_a_long_history_that_nobody_reads_cost_megabytes() {
    let folder = TempDir::new().unwrap();
    let engine = engine(&folder).await;
    let api = Api::connect(&engine.server()).await;
    let (_, watched, from) = peering(&api, 30, 150).await;
    let before = memory(&engine);
    let mut unread = Builder::new();
    unread.initial_window_size(0);
    let mut requests = connect(&engine, &unread).await;
    let request = WatchPeeringsRequest {
        scope: Some(Scope::PeeringId(watched)),
        after: from,
        events: WatchEvents::New.into(),
        ..Default::default()
    };
    let length = u32::try_from(request.encoded_len()).unwrap();
    let mut message = [&[0], &length.to_be_bytes()[..]].concat();
    request.encode(&mut message).unwrap();
    let (message, mut watches) = (Bytes::from(message), Vec::new());
    for _ in 0..WATCHES {
        let (answer, mut body) = call(
            &mut requests,
            &engine,
            "PeeringService/WatchPeerings",
            false,
        );
        body.send_data(message.clone(), true).unwrap();
        watches.push(timeout(WITHIN, answer).await.unwrap().unwrap());
    }
    let began = Instant::now();
    engine.json(&["server", "info"]).await;
    let (most, took) = (memory(&engine), began.elapsed());
    println!("{WATCHES} watches, none read: {most} MB ({before} before); another call {took:?}");
    assert!(most < before + 150 && took < Duration::from_secs(10));
    drop((watches, requests));
    let after = wait::until("the memory is back", WITHIN, || async {
        let now = memory(&engine);
        (now < before + 100).then_some(now)
    });
    println!("{} MB afterwards", after.await);
    engine.stop().await;
}

/// How long it takes to change a peering and to read the change: the middle one, and the slowest.
async fn read_own_writes(api: &Api, (network, peering): (&str, &str)) -> (Duration, Duration) {
    let mut all = Vec::new();
    for n in 0..60 {
        let began = Instant::now();
        let position = change(api, (network, peering, 31), n).await;
        api.peering(peering, &position).await.unwrap();
        all.push(began.elapsed());
    }
    all.sort();
    (all[all.len() / 2], all[all.len() - 1])
}

#[tokio::test]
async fn a_thousand_watchers_of_one_peering_do_not_slow_who_reads_their_writes_in_another_network()
{
    let folder = TempDir::new().unwrap();
    let engine = engine(&folder).await;
    let api = Api::connect(&engine.server()).await;
    let (_, watched, _) = peering(&api, 30, 0).await;
    let (network, own, _) = peering(&api, 31, 0).await;
    api.converged(&watched).await;
    api.converged(&own).await;
    let alone = read_own_writes(&api, (&network, &own)).await;
    let watchers = Api::connect(&engine.server()).await;
    let mut watches = JoinSet::new();
    let told = Arc::new(AtomicUsize::new(0));
    for _ in 0..WATCHES {
        let request = WatchPeeringsRequest {
            scope: Some(Scope::PeeringId(watched.clone())),
            ..Default::default()
        };
        let mut peerings = watchers.peerings.clone();
        let watch = timeout(WITHIN, peerings.watch_peerings(request));
        let mut watch = watch.await.unwrap().unwrap().into_inner();
        let told = Arc::clone(&told);
        watches.spawn(async move {
            while let Ok(Some(_)) = watch.message().await {
                told.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    wait::until("every watcher is told what there is", WITHIN, || async {
        (told.load(Ordering::Relaxed) >= WATCHES).then_some(())
    })
    .await;
    let beside = read_own_writes(&api, (&network, &own)).await;
    println!(
        "a change and its reading: {alone:?} alone, {beside:?} beside {WATCHES} watchers of another \
         peering (middle, slowest)"
    );
    assert!(
        beside.0 < alone.0 * 5 + Duration::from_millis(20),
        "{beside:?}"
    );
    assert!(watches.try_join_next().is_none(), "they watch on");
    engine.stop().await;
}
