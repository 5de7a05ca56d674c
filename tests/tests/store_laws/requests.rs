//! Requests that nobody would send: recorded ones with bytes changed, cut, put in or repeated, and
//! noise where a connection was to be. Every call ends or stays silent, none brings the node down,
//! and what was stored before stays as it was.

use crate::chance::{Chance, length, runner};
use crate::node_process::NodeProcess;
use kurrentdb::{AppendToStreamOptions, Client, EventData, ReadStreamOptions};
use peerage_tests::golden::matching::Names;
use peerage_tests::golden::messages::{from_recorded, method};
use peerage_tests::golden::recording::{Kind, Recording};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestCaseError;
use prost::Message;
use std::sync::LazyLock;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Code, Status};

/// A call that says nothing for this long is one that stays open.
const SILENCE: Duration = Duration::from_millis(100);
/// A call that goes on for this long does not end.
const FOR_EVER: Duration = Duration::from_secs(20);

const RECORDINGS: [&str; 9] = [
    include_str!("../../golden/01-append-expected.json"),
    include_str!("../../golden/03-read-stream.json"),
    include_str!("../../golden/04-delete.json"),
    include_str!("../../golden/05-errors.json"),
    include_str!("../../golden/06-all.json"),
    include_str!("../../golden/07-subscribe.json"),
    include_str!("../../golden/08-batch-append.json"),
    include_str!("../../golden/10-persistent.json"),
    include_str!("../../golden/12-security.json"),
];

/// Every recorded request: the path of its method, and its messages.
static CORPUS: LazyLock<Vec<(String, Vec<Vec<u8>>)>> =
    LazyLock::new(|| RECORDINGS.iter().flat_map(|text| requests(text)).collect());

fn requests(recording: &str) -> Vec<(String, Vec<Vec<u8>>)> {
    let recording: Recording = serde_json::from_str(recording).unwrap();
    let steps = recording.cases.into_iter().flat_map(|case| case.steps);
    let request = |step: peerage_tests::golden::recording::Step| {
        let (Kind::Call(call) | Kind::Open(_, call)) = step.kind() else {
            return None;
        };
        let method = method(call);
        let messages = step.requests.as_ref()?.as_array()?.iter();
        let encoded = messages.map(|message| {
            from_recorded(&method.input(), message, &mut Names::default()).encode_to_vec()
        });
        Some((
            format!("/{}/{}", method.parent_service().full_name(), method.name()),
            encoded.collect(),
        ))
    };
    steps.filter_map(request).collect()
}

/// One way to spoil a message.
#[derive(Debug, Clone)]
enum Spoil {
    Flip(Index, u8),
    Cut(Index),
    Insert(Index, Vec<u8>),
    Repeat(Index, Index),
}

fn spoil() -> impl Strategy<Value = Spoil> {
    prop_oneof![
        4 => (any::<Index>(), 0_u8..8).prop_map(|(at, bit)| Spoil::Flip(at, bit)),
        1 => any::<Index>().prop_map(Spoil::Cut),
        2 => (any::<Index>(), prop::collection::vec(any::<u8>(), 1..12)).prop_map(|(at, bytes)| Spoil::Insert(at, bytes)),
        1 => (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Spoil::Repeat(from, to)),
    ]
}

fn spoiled(mut message: Vec<u8>, spoils: &[Spoil]) -> Vec<u8> {
    for spoil in spoils {
        let at = |index: &Index| index.index(message.len() + 1);
        match spoil {
            Spoil::Flip(index, bit) => {
                let at = at(index);
                if let Some(byte) = message.get_mut(at) {
                    *byte ^= 1 << bit;
                }
            }
            Spoil::Cut(index) => message.truncate(at(index)),
            Spoil::Insert(index, bytes) => {
                let at = at(index);
                message.splice(at..at, bytes.iter().copied());
            }
            Spoil::Repeat(one, other) => {
                let (from, to) = (at(one).min(at(other)), at(one).max(at(other)));
                message.extend_from_within(from..to);
            }
        }
    }
    message
}

#[test]
fn spoiled_requests_end_with_a_status_and_do_no_harm() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut runner = runner("spoiled requests", length("PEERAGE_TEST_CASES", 400));
    let (mut node, client, channel) = runtime.block_on(async {
        let node = NodeProcess::start(folder.path()).await;
        let client = Client::new(node.connection_string.parse().unwrap()).unwrap();
        let authority = authority(&node);
        let channel = Channel::from_shared(format!("http://{authority}"))
            .unwrap()
            .connect()
            .await
            .unwrap();
        client
            .append_to_stream("before", &AppendToStreamOptions::default(), kept())
            .await
            .unwrap();
        (node, client, channel)
    });
    let strategy = (
        any::<Index>(),
        any::<Index>(),
        prop::collection::vec(spoil(), 1..6),
    );
    let played = runner.run(&strategy, |(request, message, spoils)| {
        let (path, messages) = request.get(&CORPUS);
        let mut messages = messages.clone();
        if !messages.is_empty() {
            let place = message.index(messages.len());
            messages[place] = spoiled(std::mem::take(&mut messages[place]), &spoils);
        }
        let ended = runtime.block_on(send(channel.clone(), path, messages.clone()));
        let harm = ended.and_then(|()| runtime.block_on(is_well(&node, &client)));
        harm.map_err(|harm| TestCaseError::fail(format!("{path} {messages:02x?}: {harm}")))
    });
    node.kill();
    if let Err(failure) = played {
        panic!("with the seed above: {failure}\n{}", node.output());
    }
}

fn kept() -> Vec<EventData> {
    (0..3)
        .map(|n| EventData::json("Kept", &serde_json::json!({"n": n})).unwrap())
        .collect()
}

fn authority(node: &NodeProcess) -> String {
    node.connection_string
        .split("://")
        .nth(1)
        .unwrap()
        .split('?')
        .next()
        .unwrap()
        .to_owned()
}

/// Sends a request and listens until it has ended, or is silent.
async fn send(channel: Channel, path: &str, messages: Vec<Vec<u8>>) -> Result<(), String> {
    let listened = async {
        let mut grpc = tonic::client::Grpc::new(channel);
        grpc.ready()
            .await
            .map_err(|error| format!("the node is gone: {error:?}"))?;
        let path = PathAndQuery::try_from(path).unwrap();
        let request = tonic::Request::new(tokio_stream::iter(messages));
        let answer = tokio::time::timeout(SILENCE, grpc.streaming(request, path, Bytewise)).await;
        let Ok(answer) = answer else { return Ok(()) };
        let mut answer = match answer {
            Ok(answer) => answer.into_inner(),
            Err(status) => return well_ended(&status),
        };
        loop {
            match tokio::time::timeout(SILENCE, answer.message()).await {
                Ok(Ok(Some(_))) => (),
                Ok(Ok(None)) | Err(_) => return Ok(()),
                Ok(Err(status)) => return well_ended(&status),
            }
        }
    };
    tokio::time::timeout(FOR_EVER, listened)
        .await
        .unwrap_or_else(|_| Err(format!("no end within {FOR_EVER:?}")))
}

/// A node says what is wrong; a connection that broke or a stream that was reset is no answer.
fn well_ended(status: &Status) -> Result<(), String> {
    let is_broken =
        status.code() == Code::Unavailable || std::error::Error::source(status).is_some();
    if is_broken {
        Err(format!("the call broke: {status:?}"))
    } else {
        Ok(())
    }
}

/// The node answers, holds what it held, and nothing in it panicked.
async fn is_well(node: &NodeProcess, client: &Client) -> Result<(), String> {
    if node.output().contains("panicked") {
        return Err("the node panicked".to_owned());
    }
    let read = async {
        let mut read = client
            .read_stream("before", &ReadStreamOptions::default())
            .await
            .map_err(|error| error.to_string())?;
        let mut count = 0;
        while read
            .next()
            .await
            .map_err(|error| error.to_string())?
            .is_some()
        {
            count += 1;
        }
        if count == 3 {
            Ok(())
        } else {
            Err(format!("{count} events of 3 are left"))
        }
    };
    tokio::time::timeout(FOR_EVER, read)
        .await
        .unwrap_or_else(|_| Err("the node does not answer".to_owned()))
}

#[tokio::test]
async fn noise_on_a_connection_does_no_harm() {
    let mut chance = Chance::for_test("noise");
    let folder = tempfile::tempdir().unwrap();
    let mut node = NodeProcess::start(folder.path()).await;
    let client = Client::new(node.connection_string.parse().unwrap()).unwrap();
    client
        .append_to_stream("before", &AppendToStreamOptions::default(), kept())
        .await
        .unwrap();
    let openings: [&[u8]; 4] = [
        b"",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\n\r\n",
    ];
    for _ in 0..length("PEERAGE_TEST_CASES", 100) {
        let mut connection = TcpStream::connect(authority(&node)).await.unwrap();
        let mut noise = openings[chance.below(openings.len())].to_vec();
        noise.extend((0..chance.below(400)).map(|_| chance.next() as u8));
        // The node may hang up before it has heard all of it.
        let _ = connection.write_all(&noise).await;
        let _ =
            tokio::time::timeout(Duration::from_millis(5), connection.read(&mut [0; 256])).await;
    }
    is_well(&node, &client).await.unwrap();
    node.kill();
}

/// Messages as they are on the wire.
#[derive(Debug, Clone, Copy, Default)]
struct Bytewise;

impl Codec for Bytewise {
    type Encode = Vec<u8>;
    type Decode = ();
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Bytewise {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, message: Vec<u8>, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        bytes::BufMut::put_slice(to, &message);
        Ok(())
    }
}

impl Decoder for Bytewise {
    type Item = ();
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<()>, Status> {
        let length = bytes::Buf::remaining(from);
        bytes::Buf::advance(from, length);
        Ok(Some(()))
    }
}
