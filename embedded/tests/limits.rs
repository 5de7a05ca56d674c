//! What callers may hold of a node, and that others go on meanwhile.
#![allow(clippy::unwrap_used)]

use bytes::Bytes;
use h2::{
    Reason, RecvStream, SendStream,
    client::{Builder, ResponseFuture, SendRequest},
};
use http::Request;
use kurrentdb::{
    AppendToStreamOptions, Client, EventData, ReadAllOptions, ReadStreamOptions, StreamPosition,
    SubscribeToAllOptions, SubscribeToStreamOptions,
};
use peerage_embedded::{EmbeddedNode, LIMITS, Limits};
use prost::Message as _;
use protocol::{
    shared::{StreamIdentifier, Uuid as WireUuid},
    streams::{
        BatchAppendReq, BatchAppendResp,
        batch_append_req::{Options, ProposedMessage, options::ExpectedStreamPosition},
        batch_append_resp::Result as BatchResult,
    },
};
use std::{collections::BTreeMap, time::Duration};
use testkit::wait::{SOON, soon};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinHandle,
    time::{Instant, timeout},
};

const APPEND: &str = "event_store.client.streams.Streams/Append";
const BATCH_APPEND: &str = "event_store.client.streams.Streams/BatchAppend";
const STATISTICS: &str = "event_store.client.monitoring.Monitoring/Stats";

async fn node(limits: Limits) -> EmbeddedNode {
    EmbeddedNode::builder()
        .limits(limits)
        .start()
        .await
        .unwrap()
}

fn client(node: &EmbeddedNode) -> Client {
    Client::new(node.connection_string().parse().unwrap()).unwrap()
}

/// Appends an event; the official client is a caller with manners.
async fn append(client: &Client, size: usize) {
    let event = EventData::json("Tested", &"x".repeat(size)).unwrap();
    let options = AppendToStreamOptions::default();
    soon(client.append_to_stream("s", &options, event))
        .await
        .unwrap();
}

async fn connect(node: &EmbeddedNode) -> (SendRequest<Bytes>, JoinHandle<()>) {
    connect_with(node, &Builder::new()).await
}

async fn connect_with(
    node: &EmbeddedNode,
    builder: &Builder,
) -> (SendRequest<Bytes>, JoinHandle<()>) {
    let stream = TcpStream::connect(node.address()).await.unwrap();
    let (requests, connection) = builder.handshake(stream).await.unwrap();
    let ended = tokio::spawn(async move {
        let _ = connection.await;
    });
    (requests.ready().await.unwrap(), ended)
}

fn call(
    requests: &mut SendRequest<Bytes>,
    node: &EmbeddedNode,
    method: &str,
) -> (ResponseFuture, SendStream<Bytes>) {
    let request = Request::post(format!("http://{}/{method}", node.address()))
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

/// Sends that many bytes as they are taken; whether all were.
async fn pour(body: &mut SendStream<Bytes>, mut bytes: Bytes) -> bool {
    while !bytes.is_empty() {
        body.reserve_capacity(bytes.len());
        let given = std::future::poll_fn(|cx| body.poll_capacity(cx));
        let Ok(Some(Ok(given))) = timeout(SOON, given).await else {
            return false;
        };
        if body.send_data(bytes.split_to(given), false).is_err() {
            return false;
        }
    }
    true
}

/// `code message` of an answer.
async fn status(answer: ResponseFuture) -> String {
    let (head, mut body) = soon(answer).await.unwrap().into_parts();
    while let Some(Ok(data)) = soon(body.data()).await {
        body.flow_control().release_capacity(data.len()).unwrap();
    }
    let trailers = soon(body.trailers()).await.ok().flatten();
    let trailers = trailers.unwrap_or_default();
    let text = |name| {
        let found = head.headers.get(name).or_else(|| trailers.get(name));
        found.map_or("", |it| it.to_str().unwrap()).to_owned()
    };
    format!("{} {}", text("grpc-status"), text("grpc-message")).replace("%20", " ")
}

#[tokio::test]
async fn requests_that_do_not_end_hold_so_much_of_a_connection_and_no_more() {
    let limits = Limits {
        connection_bytes: 1 << 20,
        ..LIMITS
    };
    let node = node(limits).await;
    let (mut requests, _) = connect(&node).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        let (answer, mut body) = call(&mut requests, &node, APPEND);
        assert!(pour(&mut body, message(300 << 10, 200 << 10)).await);
        held.push((answer, body));
    }
    // What it says that it will send counts, although nearly nothing has come.
    let (refused, mut body) = call(&mut requests, &node, APPEND);
    assert!(pour(&mut body, message(300 << 10, 1)).await);
    let told = status(refused).await;
    assert!(told.starts_with("8 the requests on this"), "{told}");
    append(&client(&node), 10).await;
    // What is given up is free again.
    for (answer, mut body) in held {
        body.send_reset(Reason::CANCEL);
        assert!(answer.await.is_err());
    }
    let freed = async {
        loop {
            let (answer, mut body) = call(&mut requests, &node, APPEND);
            assert!(pour(&mut body, message(900 << 10, 1)).await);
            if timeout(Duration::from_millis(200), answer).await.is_err() {
                break;
            }
        }
    };
    soon(freed).await;
    node.shutdown().await;
}

#[tokio::test]
async fn what_all_connections_hold_is_bounded_and_small_appends_find_room_all_the_same() {
    let limits = Limits {
        bytes: 1 << 20,
        ..LIMITS
    };
    let node = node(limits).await;
    // Three of them take what there is for large ones, to the byte.
    let mut held = Vec::new();
    for _ in 0..3 {
        let (mut requests, _) = connect(&node).await;
        let (answer, mut body) = call(&mut requests, &node, APPEND);
        pour(&mut body, message((256 << 10) - 5, 200 << 10)).await;
        held.push((requests, answer, body));
    }
    let (mut requests, _) = connect(&node).await;
    let (answer, mut body) = call(&mut requests, &node, APPEND);
    pour(&mut body, message((256 << 10) - 5, 200 << 10)).await;
    let told = status(answer).await;
    assert!(told.starts_with("8 the requests at this server"), "{told}");
    append(&client(&node), 1000).await;
    node.shutdown().await;
}

fn part(id: u128, size: usize, is_first: bool) -> Bytes {
    let id = WireUuid {
        value: Some(protocol::shared::uuid::Value::String(
            uuid::Uuid::from_u128(id).to_string(),
        )),
    };
    let request = BatchAppendReq {
        correlation_id: Some(id.clone()),
        options: is_first.then(|| Options {
            stream_identifier: Some(StreamIdentifier {
                stream_name: Bytes::from_static(b"s"),
            }),
            expected_stream_position: Some(ExpectedStreamPosition::Any(())),
            deadline_option: None,
        }),
        proposed_messages: vec![ProposedMessage {
            id: Some(id),
            metadata: BTreeMap::from(
                [("type", "Tested"), ("content-type", "application/json")]
                    .map(|(name, value)| (name.to_owned(), value.to_owned())),
            ),
            custom_metadata: Bytes::new(),
            data: vec![b'1'; size].into(),
        }],
        is_final: false,
    };
    let mut bytes = message(u32::try_from(request.encoded_len()).unwrap(), 0).to_vec();
    request.encode(&mut bytes).unwrap();
    bytes.into()
}

/// The next answer of a BatchAppend, as its code.
async fn answered(body: &mut RecvStream, unread: &mut Vec<u8>) -> i32 {
    loop {
        if let Some((prefix, rest)) = unread.split_first_chunk::<5>() {
            let length = u32::from_be_bytes([prefix[1], prefix[2], prefix[3], prefix[4]]) as usize;
            if rest.len() >= length {
                let answer = BatchAppendResp::decode(&rest[..length]).unwrap();
                unread.drain(..5 + length);
                return match answer.result.unwrap() {
                    BatchResult::Error(status) => status.code,
                    BatchResult::Success(_) => 0,
                };
            }
        }
        let data = soon(body.data()).await.unwrap().unwrap();
        body.flow_control().release_capacity(data.len()).unwrap();
        unread.extend_from_slice(&data);
    }
}

#[tokio::test]
async fn batches_that_are_never_finished_hold_so_much_and_no_more_and_their_call_goes_on() {
    let limits = Limits {
        connection_bytes: 4 << 20,
        ..LIMITS
    };
    let node = node(limits).await;
    let (mut requests, _) = connect(&node).await;
    let (answer, mut body) = call(&mut requests, &node, BATCH_APPEND);
    let mut answers = soon(answer).await.unwrap().into_body();
    let mut unread = Vec::new();
    // Nine of them come to more than there is room for, long before the time of the first is over.
    for id in 0..9 {
        assert!(pour(&mut body, part(id, 500 << 10, true)).await);
    }
    let resource_exhausted = 8;
    assert_eq!(
        answered(&mut answers, &mut unread).await,
        resource_exhausted
    );
    // The others' time ends, and what they held is free.
    let deadline_exceeded = 4;
    let first = answered(&mut answers, &mut unread).await;
    assert!([deadline_exceeded, resource_exhausted].contains(&first));
    for id in 20..23 {
        assert!(pour(&mut body, part(id, 500 << 10, true)).await);
    }
    append(&client(&node), 10).await;
    drop(answers);
    node.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_has_begun_is_due_in_time_and_a_conversation_may_be_silent() {
    let node = node(LIMITS).await;
    let (mut requests, _) = connect(&node).await;
    let (silent, mut body_of_silent) = call(&mut requests, &node, BATCH_APPEND);
    let mut silent = soon(silent).await.unwrap().into_body();
    for (method, sent) in [(APPEND, 0), (APPEND, 10), (BATCH_APPEND, 10)] {
        let (answer, mut body) = call(&mut requests, &node, method);
        if sent > 0 {
            body.send_data(message(1000, sent), false).unwrap();
        }
        let began = Instant::now();
        let told = timeout(Duration::from_secs(300), async {
            let (head, mut answers) = answer.await.unwrap().into_parts();
            match head.headers.get("grpc-status") {
                Some(status) => status.clone(),
                None => answers.trailers().await.unwrap().unwrap()["grpc-status"].clone(),
            }
        });
        assert_eq!(told.await.unwrap(), "4", "{method}");
        let after = began.elapsed().as_secs();
        assert!((29..35).contains(&after), "{method}: {after} s");
    }
    let more = timeout(Duration::from_secs(100), silent.data()).await;
    assert!(more.is_err(), "the silent call goes on: {more:?}");
    // What it begins then is due from then on.
    body_of_silent.send_data(message(1000, 10), false).unwrap();
    let began = Instant::now();
    let last = timeout(Duration::from_secs(300), silent.data()).await;
    assert!(last.unwrap().is_none());
    let after = began.elapsed().as_secs();
    assert!((29..35).contains(&after), "{after} s");
    node.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_says_nothing_ends_soon_and_one_without_a_call_after_a_while() {
    let node = node(LIMITS).await;
    for said in ["", "PRI * HT", "GET /info HTTP/1.1\r\nHost: x"] {
        let mut stream = TcpStream::connect(node.address()).await.unwrap();
        stream.write_all(said.as_bytes()).await.unwrap();
        let began = Instant::now();
        let read = stream.read(&mut [0]).await;
        assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
        let after = began.elapsed().as_secs();
        assert!((29..35).contains(&after), "{said:?}: {after} s");
    }
    let (_idle, idle_ended) = connect(&node).await;
    let (mut requests, ended) = connect(&node).await;
    let (answer, _body) = call(&mut requests, &node, BATCH_APPEND);
    let _answers = answer.await.unwrap();
    let began = Instant::now();
    idle_ended.await.unwrap();
    let after = began.elapsed().as_secs();
    assert!((590..620).contains(&after), "{after} s");
    assert!(!ended.is_finished(), "one with a call stays");
    node.shutdown().await;
}

#[tokio::test]
async fn a_crowded_node_soon_parts_with_those_who_do_nothing_and_keeps_those_who_do() {
    let limits = Limits {
        connections: 8,
        ..LIMITS
    };
    let node = node(limits).await;
    let client = client(&node);
    let options = SubscribeToStreamOptions::default().start_from(StreamPosition::Start);
    let mut subscription = client.subscribe_to_stream("s", &options).await;
    let mut silent = Vec::new();
    for said in ["", "PRI * HT", "GET / HTTP/1.1\r\nHost: loc"]
        .iter()
        .cycle()
        .take(30)
    {
        let mut stream = TcpStream::connect(node.address()).await.unwrap();
        stream.write_all(said.as_bytes()).await.unwrap();
        silent.push(stream);
    }
    let other = Client::new(node.connection_string().parse().unwrap()).unwrap();
    append(&other, 10).await;
    let event = soon(subscription.next()).await.unwrap();
    assert_eq!(event.get_original_event().event_type, "Tested");
    let mut ends = tokio::task::JoinSet::new();
    for mut stream in silent {
        ends.spawn(async move { stream.read(&mut [0]).await });
    }
    // The last of them crowd nobody any more.
    for _ in 0..24 {
        let read = soon(ends.join_next()).await.unwrap().unwrap();
        assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    }
    node.shutdown().await;
}

#[tokio::test]
async fn there_are_so_many_connections_and_the_next_is_served_when_one_ends() {
    let limits = Limits {
        connections: 4,
        ..LIMITS
    };
    let node = node(limits).await;
    let mut held = Vec::new();
    for _ in 0..4 {
        let (mut requests, _) = connect(&node).await;
        let (answer, body) = call(&mut requests, &node, BATCH_APPEND);
        held.push((soon(answer).await.unwrap(), body, requests));
    }
    let (mut requests, _) = connect(&node).await;
    let (answer, _body) = call(&mut requests, &node, BATCH_APPEND);
    let mut answer = std::pin::pin!(answer);
    let early = timeout(Duration::from_millis(500), &mut answer).await;
    assert!(early.is_err(), "{early:?}");
    held.pop();
    soon(answer).await.unwrap();
    node.shutdown().await;
}

#[tokio::test]
async fn beyond_so_many_calls_the_next_is_told_that_the_node_is_busy() {
    let node = node(Limits { calls: 2, ..LIMITS }).await;
    let (mut requests, _) = connect(&node).await;
    let mut calls = Vec::new();
    for _ in 0..2 {
        let (answer, body) = call(&mut requests, &node, BATCH_APPEND);
        calls.push((soon(answer).await.unwrap(), body));
    }
    let (refused, _body) = call(&mut requests, &node, STATISTICS);
    let told = status(refused).await;
    assert!(told.starts_with("8 as many calls as this server"), "{told}");
    drop(calls);
    let freed = async {
        loop {
            let (answer, _body) = call(&mut requests, &node, BATCH_APPEND);
            if !answer.await.unwrap().headers().contains_key("grpc-status") {
                break;
            }
        }
    };
    soon(freed).await;
    node.shutdown().await;
}

#[tokio::test]
async fn grpc_is_spoken_over_http2_alone() {
    let node = node(LIMITS).await;
    let mut stream = TcpStream::connect(node.address()).await.unwrap();
    let head = format!(
        "POST /{APPEND} HTTP/1.1\r\nHost: x\r\nContent-Type: application/grpc\r\n\
         Content-Length: 5\r\n\r\n\0\0\0\0\0"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    soon(stream.read_exact(&mut answer)).await.unwrap();
    assert_eq!(std::str::from_utf8(&answer).unwrap(), "HTTP/1.1 505");
    node.shutdown().await;
}

/// What of an answer is not read: its client opens no window.
async fn unread_reads(
    node: &EmbeddedNode,
    count: usize,
) -> (SendRequest<Bytes>, JoinHandle<()>, Vec<RecvStream>) {
    use protocol::streams::{
        ReadReq,
        read_req::{
            self, options,
            options::{AllOptions, StreamOption, UuidOption, all_options, uuid_option},
        },
    };
    let request = ReadReq {
        options: Some(read_req::Options {
            read_direction: options::ReadDirection::Forwards.into(),
            resolve_links: false,
            uuid_option: Some(UuidOption {
                content: Some(uuid_option::Content::Structured(())),
            }),
            control_option: None,
            stream_option: Some(StreamOption::All(AllOptions {
                all_option: Some(all_options::AllOption::Start(())),
            })),
            count_option: Some(options::CountOption::Count(u64::MAX)),
            filter_option: Some(options::FilterOption::NoFilter(())),
        }),
    };
    let mut bytes = message(u32::try_from(request.encoded_len()).unwrap(), 0).to_vec();
    request.encode(&mut bytes).unwrap();
    let bytes = Bytes::from(bytes);
    let mut builder = Builder::new();
    builder.initial_window_size(100);
    let (mut requests, ended) = connect_with(node, &builder).await;
    let mut answers = Vec::new();
    for _ in 0..count {
        let (answer, mut body) = call(
            &mut requests,
            node,
            "event_store.client.streams.Streams/Read",
        );
        body.send_data(bytes.clone(), true).unwrap();
        answers.push(soon(answer).await.unwrap().into_body());
    }
    (requests, ended, answers)
}

#[tokio::test]
async fn who_reads_nothing_is_kept_until_unread_answers_are_too_large_together() {
    let limits = Limits {
        unread_bytes: 1 << 20,
        ..LIMITS
    };
    let node = node(limits).await;
    let client = client(&node);
    for _ in 0..4 {
        append(&client, 100 << 10).await;
    }
    let (_few, few_ended, _answers) = unread_reads(&node, 2).await;
    let kept = timeout(Duration::from_secs(7), few_ended).await;
    assert!(kept.is_err(), "two that wait hurt nobody");
    let (_many, many_ended, _unread) = unread_reads(&node, 20).await;
    soon(many_ended).await.unwrap();
    append(&client, 10).await;
    node.shutdown().await;
}

/// Every read and subscription goes on where it was when its page was dropped meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_whose_pages_were_dropped_miss_nothing_and_see_nothing_twice() {
    const EVENTS: u64 = 600;
    let node = node(LIMITS).await;
    let client = client(&node);
    for _ in 0..EVENTS / 20 {
        let event = || EventData::json("Tested", &"x".repeat(20 << 10)).unwrap();
        let events: Vec<_> = std::iter::repeat_with(event).take(20).collect();
        let options = AppendToStreamOptions::default();
        soon(client.append_to_stream("s", &options, events))
            .await
            .unwrap();
    }
    // Each of these holds a page while it waits, on a connection of its own.
    let forwards = ReadStreamOptions::default().position(StreamPosition::Start);
    let backwards = ReadStreamOptions::default()
        .position(StreamPosition::End)
        .backwards();
    let all = ReadAllOptions::default().position(StreamPosition::Start);
    let to_all = SubscribeToAllOptions::default().position(StreamPosition::Start);
    let to_stream = SubscribeToStreamOptions::default().start_from(StreamPosition::Start);
    let mut read = soon(self::client(&node).read_stream("s", &forwards))
        .await
        .unwrap();
    let mut read_back = soon(self::client(&node).read_stream("s", &backwards))
        .await
        .unwrap();
    let mut read_all = soon(self::client(&node).read_all(&all)).await.unwrap();
    let mut all_followed = self::client(&node).subscribe_to_all(&to_all).await;
    let mut followed = self::client(&node)
        .subscribe_to_stream("s", &to_stream)
        .await;
    let (mut seen, mut seen_back, mut seen_all) = (Vec::new(), Vec::new(), Vec::new());
    let (mut seen_followed, mut seen_all_followed) = (Vec::new(), Vec::new());
    seen.push(soon(read.next()).await.unwrap().unwrap());
    seen_back.push(soon(read_back.next()).await.unwrap().unwrap());
    seen_all.push(soon(read_all.next()).await.unwrap().unwrap());
    seen_followed.push(soon(followed.next()).await.unwrap());
    seen_all_followed.push(soon(all_followed.next()).await.unwrap());
    // So many others take all the room there is for pages.
    let others = unread_reads(&node, 100).await;
    while let Some(event) = soon(read.next()).await.unwrap() {
        seen.push(event);
    }
    while let Some(event) = soon(read_back.next()).await.unwrap() {
        seen_back.push(event);
    }
    while let Some(event) = soon(read_all.next()).await.unwrap() {
        seen_all.push(event);
    }
    while seen_followed.len() < seen.len() {
        seen_followed.push(soon(followed.next()).await.unwrap());
    }
    let in_stream = |events: &[kurrentdb::ResolvedEvent]| -> Vec<u64> {
        let all = events
            .iter()
            .map(kurrentdb::ResolvedEvent::get_original_event);
        let ours = all.filter(|event| event.stream_id() == "s");
        ours.map(|event| event.revision).collect()
    };
    while in_stream(&seen_all_followed).len() < seen.len() {
        seen_all_followed.push(soon(all_followed.next()).await.unwrap());
    }
    let wanted: Vec<u64> = (0..EVENTS).collect();
    assert_eq!(in_stream(&seen), wanted);
    assert_eq!(in_stream(&seen_all), wanted);
    assert_eq!(in_stream(&seen_followed), wanted);
    assert_eq!(in_stream(&seen_all_followed), wanted);
    seen_back.reverse();
    assert_eq!(in_stream(&seen_back), wanted);
    drop(others);
    node.shutdown().await;
}

/// A client that keeps many subscriptions on its one connection is no attacker.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_with_hundreds_of_subscriptions_and_large_appends_is_not_held_up() {
    let node = node(LIMITS).await;
    let client = client(&node);
    let mut subscriptions = Vec::new();
    for _ in 0..300 {
        let options = SubscribeToStreamOptions::default().start_from(StreamPosition::Start);
        subscriptions.push(client.subscribe_to_stream("s", &options).await);
    }
    let mut appends = tokio::task::JoinSet::new();
    for n in 0..40 {
        let client = client.clone();
        appends.spawn(async move {
            let event = EventData::json("Tested", &"x".repeat(1_000_000)).unwrap();
            let options = AppendToStreamOptions::default();
            let stream = format!("large-{n}");
            client.append_to_stream(stream, &options, event).await
        });
    }
    while let Some(appended) = soon(appends.join_next()).await {
        appended.unwrap().unwrap();
    }
    append(&client, 10).await;
    for mut subscription in subscriptions {
        soon(subscription.next()).await.unwrap();
    }
    node.shutdown().await;
}
