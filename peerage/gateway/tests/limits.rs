//! What callers may hold of a server, and that the rest of it goes on meanwhile.
#![allow(clippy::unwrap_used)]

#[allow(dead_code)]
mod support;

use bytes::Bytes;
use futures::future::select_all;
use h2::{
    Reason, RecvStream, SendStream,
    client::{Builder, ResponseFuture, SendRequest},
};
use http::Request;
use peerage_gateway::{Gateway, Limits, Stop};
use std::{io, net::SocketAddr, time::Duration};
use support::Answer;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::{Instant, timeout},
};

/// Every wait's bound.
const WITHIN: Duration = Duration::from_secs(20);

struct Server {
    address: SocketAddr,
    stop: Stop,
    served: JoinHandle<io::Result<()>>,
}

async fn serve(gateway: Gateway, limits: Limits) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = Stop::default();
    let serving = peerage_gateway::serve(listener, gateway, limits, stop.clone());
    let served = tokio::spawn(serving);
    Server {
        address,
        stop,
        served,
    }
}

impl Server {
    /// A connection over HTTP/2, and what ends with it.
    async fn connect(&self) -> (SendRequest<Bytes>, JoinHandle<()>) {
        self.connect_with(&Builder::new()).await
    }

    async fn connect_with(&self, builder: &Builder) -> (SendRequest<Bytes>, JoinHandle<()>) {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (requests, connection) = builder.handshake(stream).await.unwrap();
        let ended = tokio::spawn(async move {
            let _ = connection.await;
        });
        (requests.ready().await.unwrap(), ended)
    }

    async fn ended(self) {
        timeout(WITHIN, self.served)
            .await
            .unwrap()
            .unwrap()
            .unwrap();
    }

    /// The status of a whole call of another client.
    async fn check(&self) -> String {
        let (mut requests, _) = self.connect().await;
        let (answer, mut body) = call(&mut requests, "Check");
        body.send_data(message(0, 0), true).unwrap();
        status(answer).await
    }
}

fn call(requests: &mut SendRequest<Bytes>, method: &str) -> (ResponseFuture, SendStream<Bytes>) {
    let request = Request::post(format!(
        "http://localhost:2114/grpc.health.v1.Health/{method}"
    ))
    .header("content-type", "application/grpc")
    .header("te", "trailers")
    .body(())
    .unwrap();
    requests.send_request(request, false).unwrap()
}

/// The first `sent` bytes of a message that says it has `length`.
fn message(length: u32, sent: usize) -> Bytes {
    let mut bytes = vec![0];
    bytes.extend(length.to_be_bytes());
    bytes.resize(5 + sent, 0);
    bytes.into()
}

/// `code reason` of an answer, the reason where one is given.
async fn status(answer: ResponseFuture) -> String {
    let (head, body) = timeout(WITHIN, answer).await.unwrap().unwrap().into_parts();
    let trailers = last(body).await.unwrap_or_default();
    let text = |name| {
        let found = head.headers.get(name).or_else(|| trailers.get(name));
        found.map_or("", |it| it.to_str().unwrap()).to_owned()
    };
    format!("{} {}", text("grpc-status"), text("grpc-message"))
        .replace("%20", " ")
        .trim()
        .to_owned()
}

async fn last(mut body: RecvStream) -> Option<http::HeaderMap> {
    while let Some(data) = timeout(WITHIN, body.data()).await.unwrap() {
        body.flow_control()
            .release_capacity(data.ok()?.len())
            .ok()?;
    }
    timeout(WITHIN, body.trailers()).await.unwrap().ok()?
}

/// Sends that many bytes as they are taken; whether all were.
async fn pour(body: &mut SendStream<Bytes>, mut bytes: Bytes) -> bool {
    while !bytes.is_empty() {
        body.reserve_capacity(bytes.len());
        let given = std::future::poll_fn(|cx| body.poll_capacity(cx));
        let Ok(Some(Ok(given))) = timeout(WITHIN, given).await else {
            return false;
        };
        if body.send_data(bytes.split_to(given), false).is_err() {
            return false;
        }
    }
    true
}

#[tokio::test]
async fn requests_that_do_not_end_hold_so_much_of_a_connection_and_no_more() {
    let limits = Limits {
        connection_bytes: 1 << 20,
        ..Limits::default()
    };
    let server = serve(support::gateway(), limits).await;
    let (mut requests, _) = server.connect().await;
    let mut held = Vec::new();
    for _ in 0..3 {
        let (answer, mut body) = call(&mut requests, "Check");
        assert!(pour(&mut body, message(300 << 10, 200 << 10)).await);
        held.push((answer, body));
    }
    // What it says that it will send counts, although nearly nothing has come.
    let (refused, mut body) = call(&mut requests, "Check");
    assert!(pour(&mut body, message(300 << 10, 1)).await);
    let told = status(refused).await;
    assert!(
        told.starts_with("8 the requests on this connection"),
        "{told}"
    );
    assert_eq!(server.check().await, "0");
    // What is given up is free again.
    for (answer, mut body) in held {
        body.send_reset(Reason::CANCEL);
        assert!(answer.await.is_err());
    }
    let again = async {
        loop {
            let (answer, mut body) = call(&mut requests, "Check");
            body.send_data(message(0, 0), true).unwrap();
            if status(answer).await == "0" {
                break;
            }
        }
    };
    timeout(WITHIN, again).await.unwrap();
}

#[tokio::test]
async fn what_all_connections_hold_is_bounded_and_small_requests_find_room_all_the_same() {
    let limits = Limits {
        bytes: 1 << 20,
        ..Limits::default()
    };
    let server = serve(support::gateway(), limits).await;
    let (mut held, mut answers) = (Vec::new(), Vec::new());
    for _ in 0..4 {
        let (mut requests, _) = server.connect().await;
        let (answer, mut body) = call(&mut requests, "Check");
        pour(&mut body, message((256 << 10) - 5, 200 << 10)).await;
        held.push((requests, body));
        answers.push(Box::pin(status(answer)));
    }
    let (told, _, waiting) = select_all(answers).await;
    assert!(told.starts_with("8 the requests at this server"), "{told}");
    assert_eq!(waiting.len(), 3);
    assert_eq!(server.check().await, "0");
    // What is given up is free again.
    drop((waiting, held));
    let freed = async {
        loop {
            let (mut requests, _) = server.connect().await;
            let (answer, mut body) = call(&mut requests, "Check");
            pour(&mut body, message(700 << 10, 1)).await;
            if timeout(Duration::from_millis(200), status(answer))
                .await
                .is_err()
            {
                break;
            }
        }
    };
    timeout(WITHIN, freed).await.unwrap();
}

#[tokio::test]
async fn what_says_nothing_of_its_length_weighs_what_has_come_of_it() {
    let limits = Limits {
        connection_bytes: 100 << 10,
        ..Limits::default()
    };
    let server = serve(support::gateway(), limits).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = "POST /grpc.health.v1.Health/Check HTTP/1.1\r\nHost: localhost:2114\r\n\
                Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = format!("4000\r\n{}\r\n", " ".repeat(0x4000));
    for _ in 0..8 {
        stream.write_all(chunk.as_bytes()).await.unwrap();
    }
    let mut answer = [0; 12];
    timeout(WITHIN, stream.read_exact(&mut answer))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(std::str::from_utf8(&answer).unwrap(), "HTTP/1.1 429");
}

#[tokio::test]
async fn beyond_so_many_calls_the_next_is_told_that_the_server_is_busy() {
    let limits = Limits {
        calls: 2,
        ..Limits::default()
    };
    let server = serve(support::gateway(), limits).await;
    let (mut requests, _) = server.connect().await;
    let mut watches = Vec::new();
    for _ in 0..2 {
        let (answer, mut body) = call(&mut requests, "Watch");
        body.send_data(message(0, 0), true).unwrap();
        watches.push(timeout(WITHIN, answer).await.unwrap().unwrap());
    }
    let told = server.check().await;
    assert!(told.starts_with("8 as many calls as this server"), "{told}");
    drop(watches);
    let freed = async { while server.check().await != "0" {} };
    timeout(WITHIN, freed).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_grpc_request_is_due_in_time() {
    let server = serve(support::gateway(), Limits::default()).await;
    let (mut requests, _) = server.connect().await;
    let (answer, mut body) = call(&mut requests, "Check");
    body.send_data(message(1000, 10), false).unwrap();
    let began = Instant::now();
    let answer = timeout(Duration::from_secs(300), answer).await.unwrap();
    let (head, _) = answer.unwrap().into_parts();
    assert_eq!(head.headers["grpc-status"], "4", "{head:?}");
    assert!(began.elapsed() < Duration::from_secs(32), "{began:?}");
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_a_call_ends_after_a_while_and_one_with_a_call_does_not() {
    let server = serve(support::gateway(), Limits::default()).await;
    let (idle, idle_ended) = server.connect().await;
    let (mut requests, ended) = server.connect().await;
    let (answer, mut body) = call(&mut requests, "Watch");
    body.send_data(message(0, 0), true).unwrap();
    let watch = answer.await.unwrap();
    let began = Instant::now();
    idle_ended.await.unwrap();
    let after = began.elapsed().as_secs();
    assert!((590..620).contains(&after), "{after} s");
    assert!(!ended.is_finished());
    drop((idle, watch, body, requests));
    ended.await.unwrap();
}

#[tokio::test]
async fn a_connection_has_so_many_calls_open_and_the_next_waits_until_one_of_them_is_over() {
    let limits = Limits {
        streams: 3,
        ..Limits::default()
    };
    let server = serve(support::gateway(), limits).await;
    let (mut requests, _) = server.connect().await;
    // Nothing is said before the server has said what it allows.
    let told = async {
        while requests.current_max_send_streams() != 3 {
            tokio::task::yield_now().await;
        }
    };
    timeout(WITHIN, told).await.expect("three calls at a time");
    let mut open: Vec<_> = (0..3).map(|_| call(&mut requests, "Check")).collect();
    let (next, mut body) = call(&mut requests, "Check");
    body.send_data(message(0, 0), true).unwrap();
    let mut next = Box::pin(status(next));
    assert_eq!(timeout(WITHIN, server.check()).await.unwrap(), "0");
    assert!(futures::poll!(next.as_mut()).is_pending());
    let (answer, mut body) = open.pop().unwrap();
    body.send_data(message(0, 0), true).unwrap();
    assert_eq!(status(answer).await, "0");
    assert_eq!(timeout(WITHIN, next).await.unwrap(), "0");
}

#[tokio::test]
async fn a_crowded_server_soon_parts_with_those_who_do_nothing() {
    let limits = Limits {
        connections: 8,
        ..Limits::default()
    };
    let server = serve(support::gateway(), limits).await;
    let (mut requests, _) = server.connect().await;
    let (answer, mut body) = call(&mut requests, "Watch");
    body.send_data(message(0, 0), true).unwrap();
    let mut watch = timeout(WITHIN, answer).await.unwrap().unwrap();
    let mut silent = Vec::new();
    for said in ["", "PRI * HT", "POST / HTTP/1.1\r\nHost: loc"]
        .iter()
        .cycle()
        .take(20)
    {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(said.as_bytes()).await.unwrap();
        silent.push(stream);
    }
    assert_eq!(timeout(WITHIN, server.check()).await.unwrap(), "0");
    for mut stream in silent {
        let read = timeout(WITHIN, stream.read(&mut [0])).await.unwrap();
        assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    }
    // Whoever has a call open keeps it.
    let first = timeout(WITHIN, watch.body_mut().data()).await.unwrap();
    assert!(first.unwrap().is_ok());
    assert!(
        timeout(Duration::ZERO, watch.body_mut().data())
            .await
            .is_err()
    );
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_neither_for_idle_connections_nor_for_those_who_do_not_read() {
    let (many, _) = support::canned(Answer::Stream(vec![1; 100], None));
    let server = serve(support::canned_gateway(many), Limits::default()).await;
    let (_idle, _) = server.connect().await;
    // This one answers nothing: no acknowledgement, no pong.
    let mut dead = TcpStream::connect(server.address).await.unwrap();
    let hello = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";
    dead.write_all(hello).await.unwrap();
    let mut unread = Builder::new();
    unread.initial_window_size(0);
    let (mut requests, _) = server.connect_with(&unread).await;
    let mut slow = Vec::new();
    for _ in 0..5 {
        let (answer, mut body) = call(&mut requests, "Watch");
        body.send_data(message(0, 0), true).unwrap();
        slow.push(answer.await.unwrap());
    }
    let began = Instant::now();
    server.stop.draining.cancel();
    server.ended().await;
    assert!(
        began.elapsed() < Duration::from_secs(1),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_calls_in_flight_and_says_so_to_those_that_are_cut_off() {
    let (silent, _) = support::canned(Answer::Silent);
    let server = serve(support::canned_gateway(silent), Limits::default()).await;
    let (mut requests, _) = server.connect().await;
    let (answer, mut body) = call(&mut requests, "Check");
    body.send_data(message(0, 0), true).unwrap();
    let mut answer = std::pin::pin!(answer);
    assert!(timeout(Duration::from_secs(1), &mut answer).await.is_err());
    server.stop.draining.cancel();
    assert!(timeout(Duration::from_secs(5), &mut answer).await.is_err());
    assert!(!server.served.is_finished());
    server.stop.cut.cancel();
    let (head, _) = answer.await.unwrap().into_parts();
    assert_eq!(head.headers["grpc-status"], "14", "{head:?}");
    server.ended().await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_no_request_that_is_not_whole() {
    let server = serve(support::gateway(), Limits::default()).await;
    let (mut requests, _) = server.connect().await;
    let (_answer, mut body) = call(&mut requests, "Check");
    body.send_data(message(1000, 10), false).unwrap();
    assert_eq!(server.check().await, "0");
    let began = Instant::now();
    server.stop.draining.cancel();
    server.ended().await;
    let after = began.elapsed();
    assert!(after < Duration::from_secs(1), "{after:?}");
}
