//! What callers without manners hold of a server, in its own process, and what they cost others.

use bytes::Bytes;
use h2::client::{Builder, ResponseFuture, SendRequest};
use http::Request;
use peerage_tests::engine::{Engine, Launch};
use std::time::{Duration, Instant};
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
