//! What callers without manners hold of a server, in its own process, and what they cost others.

use super::fair::Took;
use crate::support::api::{self, Api, Command};
use bytes::Bytes;
use h2::client::{Builder, ResponseFuture, SendRequest};
use http::Request;
use peerage::api::v1::{
    ListNetworksRequest, PlanPeeringRequest, WatchEvents, WatchPeeringsRequest,
    plan_peering_request, watch_peerings_request::Scope,
};
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
use tonic_types::StatusExt as _;

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

/// How long calls take of who asks one thing after the other.
async fn calls(api: &Api) -> Took {
    let mut all = Vec::new();
    for _ in 0..100 {
        let began = Instant::now();
        let mut networks = api.networks.clone();
        let listed = timeout(
            WITHIN,
            networks.list_networks(ListNetworksRequest::default()),
        );
        listed.await.expect("an answer").unwrap();
        all.push(began.elapsed());
    }
    Took::of(all)
}

/// Waits until the memory is back near what it was, while others go on.
async fn memory_is_back(engine: &Engine, api: &Api, before: u64) -> u64 {
    wait::until("the memory is back", WITHIN, || async {
        calls(api).await;
        let now = memory(engine);
        (now < before + 64).then_some(now)
    })
    .await
}

#[tokio::test]
async fn thousands_of_connections_that_say_nothing_keep_nobody_out_of_the_api() {
    let folder = TempDir::new().unwrap();
    let engine = engine(&folder).await;
    let api = Api::connect(&engine.server()).await;
    let idle = calls(&api).await;
    let before = memory(&engine);
    let mut silent = Vec::new();
    for n in 0..5_000 {
        let opened = timeout(WITHIN, TcpStream::connect(address(&engine))).await;
        // The kernel's own queue is full for a moment.
        if let Ok(Ok(mut stream)) = opened {
            let said: &[u8] = [&b""[..], b"PRI * HT", b"POST / HTTP/1.1\r\nHost: x"][n % 3];
            let _ = stream.write_all(said).await;
            silent.push(stream);
        }
    }
    let (during, most) = (calls(&api).await, memory(&engine));
    let held = std::fs::read_dir(format!("/proc/{}/fd", engine.process.id()));
    let held = held.unwrap().count();
    let began = Instant::now();
    engine.json(&["server", "info"]).await;
    let another = began.elapsed();
    println!(
        "{} silent connections: {held} descriptors held, {most} MB ({before} before), a call {idle} \
         before and {during} meanwhile, of a new client after {another:?}",
        silent.len()
    );
    // As many connections as may be (4,096), and what the process has open for itself.
    assert!(held < 4_096 + 256, "{held} descriptors");
    assert!(during.is_fair_beside(idle) && most < before + 150);
    assert!(another < Duration::from_secs(20), "{another:?}");
    drop(silent);
    memory_is_back(&engine, &api, before).await;
    engine.stop().await;
}

#[tokio::test]
async fn requests_that_never_end_cost_megabytes_and_keep_nobody_waiting() {
    let folder = TempDir::new().unwrap();
    let engine = engine(&folder).await;
    let api = Api::connect(&engine.server()).await;
    let idle = calls(&api).await;
    let before = memory(&engine);
    let mut requests = connect(&engine, &Builder::new()).await;
    // Each says that it sends 4 MB, and sends all but the last of it as fast as it may.
    let size: u32 = (4 << 20) - 100;
    let sent = Bytes::from([&[0], &size.to_be_bytes()[..], &[0; 3 << 20]].concat());
    let mut others = JoinSet::new();
    for _ in 0..100 {
        let (answer, mut body) = call(&mut requests, &engine, "ServerService/GetServerInfo", false);
        let mut left = sent.clone();
        others.spawn(async move {
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
        let answer = timeout(WITHIN, others.join_next()).await.unwrap();
        // Others are told that they are too slow, once they are.
        refused += u32::from(answer.unwrap().unwrap().unwrap() == "8");
    }
    let grown = memory(&engine).saturating_sub(before);
    assert!(
        refused > 20 && grown < 100,
        "{refused} refused, {grown} MB more"
    );
    let during = calls(&api).await;
    println!(
        "100 requests of 4 MB that do not end: {refused} refused, {grown} MB more, a call {idle} \
         before and {during} meanwhile"
    );
    assert!(during.is_fair_beside(idle), "{during} beside {idle}");
    drop(others);
    let after = memory_is_back(&engine, &api, before).await;
    println!("{after} MB afterwards");
    // Nothing is owed to requests that are not whole.
    let unfinished = call(&mut requests, &engine, "ServerService/GetServerInfo", false);
    engine.stop().await;
    drop((unfinished, requests));
}

/// What no budget of bytes sees: frames without data take none.
#[tokio::test]
async fn frames_without_data_that_never_end_end_their_connection() {
    let folder = TempDir::new().unwrap();
    let engine = engine(&folder).await;
    let stream = TcpStream::connect(address(&engine)).await.unwrap();
    let (requests, connection) = Builder::new().handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let mut requests = requests.ready().await.unwrap();
    let (_answer, mut body) = call(&mut requests, &engine, "ServerService/GetServerInfo", false);
    for _ in 0..2_000 {
        let _ = body.send_data(Bytes::new(), false);
    }
    timeout(WITHIN, connection)
        .await
        .unwrap()
        .unwrap()
        .unwrap_err();
    // Others are served, and so is a call with a few such frames.
    let mut requests = connect(&engine, &Builder::new()).await;
    let (answer, mut body) = call(&mut requests, &engine, "ServerService/GetServerInfo", false);
    for _ in 0..500 {
        body.send_data(Bytes::new(), false).unwrap();
    }
    body.send_data(EMPTY.into(), true).unwrap();
    let answer = timeout(WITHIN, answer).await.unwrap().unwrap();
    assert_eq!(answer.status(), 200);
    engine.stop().await;
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
    let idle = calls(&api).await;
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
    let (during, most) = (calls(&api).await, memory(&engine));
    println!(
        "{WATCHES} watches, none read: {most} MB ({before} before), a call {idle} before and \
         {during} meanwhile"
    );
    assert!(most < before + 150 && during.is_fair_beside(idle));
    drop((watches, requests));
    let after = wait::until("the memory is back", WITHIN, || async {
        let now = memory(&engine);
        (now < before + 100).then_some(now)
    });
    println!("{} MB afterwards", after.await);
    engine.stop().await;
}

/// How long it takes to change a peering and to read the change.
async fn read_own_writes(api: &Api, (network, peering): (&str, &str)) -> Took {
    let mut all = Vec::new();
    for n in 0..100 {
        let began = Instant::now();
        let position = change(api, (network, peering, 31), n).await;
        api.peering(peering, &position).await.unwrap();
        all.push(began.elapsed());
    }
    Took::of(all)
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
        "a change and its reading: {alone} alone, {beside} beside {WATCHES} watchers of another \
         peering"
    );
    assert!(beside.is_fair_beside(alone), "{beside} beside {alone}");
    assert!(watches.try_join_next().is_none(), "they watch on");
    engine.stop().await;
}

/// Callers that plan over and over.
const PLANNERS: usize = 400;

/// How long a peering of a network of its own takes until all of it is in place.
async fn converges(api: &Api, number: u8) -> Duration {
    let began = Instant::now();
    let (_, peering, _) = peering(api, number, 0).await;
    api.converged(&peering).await;
    began.elapsed()
}

#[tokio::test]
async fn plans_without_end_hold_up_no_peering_and_those_beyond_their_share_are_told_so() {
    let folder = TempDir::new().unwrap();
    let engine = engine(&folder).await;
    let api = Api::connect(&engine.server()).await;
    let (_, planned, _) = peering(&api, 30, 0).await;
    api.converged(&planned).await;
    let alone = converges(&api, 31).await;
    let planners = Api::connect(&engine.server()).await;
    let (done, refused) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut planning = JoinSet::new();
    for _ in 0..PLANNERS {
        let (mut peerings, peering_id) = (planners.peerings.clone(), planned.clone());
        let (done, refused) = (Arc::clone(&done), Arc::clone(&refused));
        planning.spawn(async move {
            loop {
                let request = PlanPeeringRequest {
                    subject: Some(plan_peering_request::Subject::PeeringId(peering_id.clone())),
                    ..Default::default()
                };
                match peerings.plan_peering(request).await {
                    Ok(_) => done.fetch_add(1, Ordering::Relaxed),
                    Err(status) => {
                        assert_eq!(status.code(), tonic::Code::ResourceExhausted, "{status:?}");
                        let details = status.get_error_details();
                        let reason = details.error_info().map(|it| it.reason.as_str());
                        assert_eq!(reason, Some("PLAN_LIMIT"), "{status:?}");
                        refused.fetch_add(1, Ordering::Relaxed)
                    }
                };
            }
        });
    }
    let under_way = || async { (refused.load(Ordering::Relaxed) > 0).then_some(()) };
    wait::until("plans beyond their share", WITHIN, under_way).await;
    let beside = converges(&api, 32).await;
    let [done, refused] = [&done, &refused].map(|it| it.load(Ordering::Relaxed));
    println!(
        "{PLANNERS} callers that plan over and over: {done} plans, {refused} refused, a peering in \
         place after {alone:?} before and {beside:?} meanwhile"
    );
    assert!(
        beside < alone.max(Duration::from_secs(1)) * 5,
        "{beside:?} beside {alone:?}"
    );
    assert!(planning.try_join_next().is_none(), "they plan on");
    planning.shutdown().await;
    engine.stop().await;
}
