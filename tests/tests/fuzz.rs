//! Bytes that nobody wrote, for everything that reads bytes from outside: the calls of the store
//! and of the API in all their protocols, configuration, connection strings, stored events,
//! backups.
//!
//! They are made of good ones, the recordings and samples that lie in this repository, by changes
//! to bytes, words and messages. Whatever comes, nothing panics, nothing hangs, and everything else
//! goes on. It takes a minute together, or as many seconds as `PEERAGE_FUZZ_SECONDS` says
//! (`./test.sh fuzz SECONDS`); a failure names the seed, `PEERAGE_FUZZ_SEED`, and the bytes.
#![allow(clippy::unwrap_used)]

use backup::{Archive, Disk, Folder, wire};
use bytes::Bytes;
use embedded::{Durability, EmbeddedNode, offline};
use fastrand::Rng;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use journal::{Journal, JournalSettings};
use kurrentdb::{AppendToStreamOptions, EventData, ReadStreamOptions};
use peerage::{api::v1, config::Config};
use peerage_tests::{
    engine::Launch,
    golden::{
        matching::Names,
        messages::{from_recorded, method},
        recording::{Recording, Step},
        special::spelled_out,
    },
    workspace,
};
use prost::Message as _;
use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, SerializeOptions,
    Value,
};
use std::{
    collections::BTreeMap,
    env, fmt, fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// How many tests share the time.
const TARGETS: u32 = 4;
/// How long the first word of an answer may take on a busy machine.
const ANSWER: Duration = Duration::from_secs(30);
/// An answer that says nothing for so long is left: it is a subscription.
const SILENCE: Duration = Duration::from_millis(20);
/// What else is asked for, every so many calls, to see that it goes on.
const LOOK_EVERY: u64 = 200;

fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok().map(|it| it.parse().unwrap())
}

/// A test's chance and time.
struct Chance {
    rng: Rng,
    until: Instant,
    seed: u64,
    tried: u64,
}

impl Chance {
    fn new(name: &str) -> Self {
        let seed = number("PEERAGE_FUZZ_SEED").unwrap_or_else(|| fastrand::u64(..));
        println!("{name}: PEERAGE_FUZZ_SEED={seed}");
        let seconds = number("PEERAGE_FUZZ_SECONDS").unwrap_or(60);
        Self {
            rng: Rng::with_seed(seed),
            until: Instant::now() + Duration::from_secs(seconds) / TARGETS,
            seed,
            tried: 0,
        }
    }

    fn goes_on(&mut self) -> bool {
        self.tried += 1;
        Instant::now() < self.until
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.rng.usize(..all.len())]
    }

    fn one_in(&mut self, many: usize) -> bool {
        self.rng.usize(..many) == 0
    }

    /// Some good bytes, changed a little or much.
    fn changed(&mut self, good: &[u8], others: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = good.to_vec();
        for _ in 0..=self.rng.usize(..4) {
            self.change(&mut bytes, others);
        }
        bytes.truncate(300_000);
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>, others: &[Vec<u8>]) {
        let at = self.rng.usize(..=bytes.len());
        let to = (at + self.rng.usize(..16)).min(bytes.len());
        match self.rng.u8(..9) {
            0 if at < bytes.len() => bytes[at] ^= 1 << self.rng.u8(..8),
            1 if at < bytes.len() => bytes[at] = *self.of(&[0, 1, 0x7f, 0x80, 0xff, b'"', b'{']),
            2 => drop(bytes.drain(at..to)),
            3 => {
                let again = bytes[at..to].to_vec();
                bytes.splice(at..at, again);
            }
            4 => {
                let noise: Vec<u8> = (0..self.rng.usize(..24)).map(|_| self.rng.u8(..)).collect();
                bytes.splice(at..at, noise);
            }
            5 => bytes.truncate(at),
            6 => {
                let other = self.of(others).clone();
                let from = self.rng.usize(..=other.len());
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            7 => {
                let odd = *self.of(ODD);
                bytes.splice(at..to, odd.bytes());
            }
            _ => {
                let large = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
                bytes.splice(at..at, large[self.rng.usize(..9)..].iter().copied());
            }
        }
    }

    /// The same for text: whole words too.
    fn changed_text(&mut self, good: &str) -> String {
        let mut text = good.to_owned();
        for _ in 0..=self.rng.usize(..3) {
            let words: Vec<_> = text
                .match_indices(|it: char| !it.is_alphanumeric())
                .map(|(at, it)| at + it.len())
                .collect();
            if words.is_empty() || self.one_in(3) {
                let bytes = self.changed(text.as_bytes(), &[b"x".to_vec()]);
                text = String::from_utf8_lossy(&bytes).into_owned();
                continue;
            }
            let from = *self.of(&words);
            let rest = &text[from..];
            let length = rest.find(|it: char| !it.is_alphanumeric());
            let word = from..from + length.unwrap_or(rest.len());
            let odd = *self.of(ODD);
            text.replace_range(word, odd);
        }
        text
    }
}

/// Texts that have been trouble somewhere.
const ODD: &[&str] = &[
    "",
    "-1",
    "0",
    "1e400",
    "18446744073709551616",
    "9223372036854775808",
    "null",
    "[[[[[[[[[[[[[[[[",
    "{\"a\":{\"a\":{\"a\":",
    "\u{0}",
    "\u{202e}é🦀",
    "%00%ff%zz",
    "../../..",
    "10.0.0.0/33",
    "::/0",
    "255.255.255.255/0",
    "0000-00-00T00:00:00Z",
    "9999-12-31T23:59:60Z",
    "$all",
    "$$$$",
    "network-",
    "a@b:c@d?e=f&g",
];

/// Bytes for a report.
struct Shown<'a>(&'a [u8]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} bytes: ", self.0.len())?;
        self.0
            .iter()
            .take(2_000)
            .try_for_each(|it| write!(to, "{it:02x}"))
    }
}

/// One call that goes out.
struct Sent {
    path: String,
    kind: &'static str,
    body: Vec<u8>,
}

/// Sends it, and takes what comes until it is over or silent. None: no answer came.
async fn answered(
    client: &Client<HttpConnector, Full<Bytes>>,
    host: &str,
    sent: &Sent,
) -> Option<StatusCode> {
    let request = Request::post(format!("http://{host}{}", sent.path))
        .header("content-type", sent.kind)
        .header("te", "trailers")
        .body(Full::from(sent.body.clone()))
        .unwrap();
    let answer = tokio::time::timeout(ANSWER, client.request(request)).await;
    // A connection that the other end gives up is an answer too.
    let Ok(response) = answer.ok()? else {
        return Some(StatusCode::BAD_REQUEST);
    };
    let status = response.status();
    let mut body = response.into_body();
    for _ in 0..50 {
        match tokio::time::timeout(SILENCE, body.frame()).await {
            Ok(Some(Ok(_))) => {}
            Ok(None | Some(Err(_))) | Err(_) => break,
        }
    }
    Some(status)
}

fn http2() -> Client<HttpConnector, Full<Bytes>> {
    Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http()
}

/// Messages framed as gRPC frames them.
fn framed(messages: &[Vec<u8>]) -> Vec<u8> {
    let mut body = Vec::new();
    for message in messages {
        body.push(0);
        body.extend_from_slice(&u32::try_from(message.len()).unwrap().to_be_bytes());
        body.extend_from_slice(message);
    }
    body
}

/// What was sent to the store in each call that was recorded, by path.
fn recorded() -> Vec<(String, Vec<Vec<u8>>)> {
    let mut calls = Vec::new();
    for entry in fs::read_dir(workspace::root().join("tests/golden")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|it| it != "json") {
            continue;
        }
        let recording: Recording = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        for step in recording.cases.iter().flat_map(|it| &it.steps) {
            calls.extend(recorded_step(step));
        }
    }
    calls
}

fn recorded_step(step: &Step) -> Option<(String, Vec<Vec<u8>>)> {
    let name = step.call.as_deref()?;
    // It would end the store.
    if name == "Operations/Shutdown" {
        return None;
    }
    let method = method(name);
    let step = spelled_out(step);
    let requests = step.requests.as_ref()?.as_array()?;
    let encoded = |request| {
        let message = from_recorded(&method.input(), request, &mut Names::default());
        message.encode_to_vec()
    };
    let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
    Some((path, requests.iter().map(encoded).collect()))
}

/// Counts what panics in this process, and lets it be printed.
fn panics() -> Arc<AtomicU64> {
    let count = Arc::new(AtomicU64::new(0));
    let (counted, before) = (Arc::clone(&count), std::panic::take_hook());
    std::panic::set_hook(Box::new(move |panic| {
        counted.fetch_add(1, Ordering::SeqCst);
        before(panic);
    }));
    count
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_bytes_in_a_call_of_the_store_panic_hang_or_harm_it() {
    let mut chance = Chance::new("the store");
    let mut calls = recorded();
    let backup = wire::ReadRequest {
        from: 64,
        anchors: vec![64, 1_000],
    };
    calls.push((wire::METHOD.to_owned(), vec![backup.encode_to_vec()]));
    assert!(calls.len() > 300, "{}", calls.len());
    let messages: Vec<_> = calls.iter().flat_map(|it| it.1.clone()).collect();
    let folder = TempDir::new().unwrap();
    let builder = EmbeddedNode::builder()
        .data_dir(folder.path())
        .durability(Durability::Unsynced)
        .system_projections();
    let node = builder.clone().start().await.unwrap();
    let (panics, client, host) = (panics(), http2(), node.address().to_string());
    let official = kurrentdb::Client::new(node.connection_string().parse().unwrap()).unwrap();
    let mut anchored = 0;
    while chance.goes_on() {
        let (path, good) = chance.of(&calls).clone();
        let mut bad = good.clone();
        for message in &mut bad {
            if !chance.one_in(3) {
                *message = chance.changed(message, &messages);
            }
        }
        match chance.rng.u8(..8) {
            0 => bad.push(chance.of(&messages).clone()),
            1 => bad.truncate(1),
            2 => bad.reverse(),
            _ => {}
        }
        let mut body = framed(&bad);
        if chance.one_in(10) {
            body = chance.changed(&body, &messages);
        }
        let sent = Sent {
            path,
            kind: "application/grpc",
            body,
        };
        let came = answered(&client, &host, &sent).await;
        let seed = chance.seed;
        assert!(
            came.is_some() && panics.load(Ordering::SeqCst) == 0,
            "PEERAGE_FUZZ_SEED={seed}, call {}: {} {}",
            chance.tried,
            sent.path,
            Shown(&sent.body)
        );
        if chance.tried.is_multiple_of(LOOK_EVERY) {
            goes_on(&official, &mut anchored).await;
        }
    }
    goes_on(&official, &mut anchored).await;
    println!("the store: {} calls", chance.tried);
    node.shutdown().await;
    let verification = offline::verify(folder.path(), |_| {}).unwrap();
    assert!(verification.is_sound(), "{verification:?}");
    builder.start().await.unwrap().shutdown().await;
    assert_eq!(panics.load(Ordering::SeqCst), 0);
}

/// The store takes an append and shows it.
async fn goes_on(client: &kurrentdb::Client, anchored: &mut u64) {
    const STREAM: &str = "anchor-of-the-test-alone";
    let looked = async {
        let event = EventData::binary("Looked", "x".into());
        let options = AppendToStreamOptions::default();
        client
            .append_to_stream(STREAM, &options, event)
            .await
            .unwrap();
        let options = ReadStreamOptions::default();
        let mut read = client.read_stream(STREAM, &options).await.unwrap();
        let mut found = 0;
        while read.next().await.unwrap().is_some() {
            found += 1;
        }
        found
    };
    *anchored += 1;
    let found = tokio::time::timeout(ANSWER, looked).await.unwrap();
    assert_eq!(found, *anchored);
}

/// A message with some of its fields set to something.
fn message(chance: &mut Chance, of: &MessageDescriptor, depth: u32) -> DynamicMessage {
    let mut message = DynamicMessage::new(of.clone());
    for field in of.fields() {
        if depth > 4 || chance.one_in(3) {
            continue;
        }
        let value = if field.is_list() {
            let many = chance.rng.usize(..3);
            Value::List((0..many).map(|_| value(chance, &field, depth)).collect())
        } else if field.is_map() {
            continue;
        } else {
            value(chance, &field, depth)
        };
        message.set_field(&field, value);
    }
    message
}

fn value(chance: &mut Chance, field: &FieldDescriptor, depth: u32) -> Value {
    match field.kind() {
        Kind::Double => Value::F64(f64::from_bits(chance.rng.u64(..))),
        Kind::Float => Value::F32(f32::from_bits(chance.rng.u32(..))),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
            Value::I32(*chance.of(&[0, 1, -1, 443, i32::MAX, i32::MIN]))
        }
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
            Value::I64(*chance.of(&[0, 1, -1, i64::MAX, i64::MIN, 253_402_300_800]))
        }
        Kind::Uint32 | Kind::Fixed32 => Value::U32(*chance.of(&[0, 1, 65_536, u32::MAX])),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(*chance.of(&[0, 1, u64::MAX])),
        Kind::Bool => Value::Bool(chance.rng.bool()),
        Kind::String => Value::String(string(chance)),
        Kind::Bytes => Value::Bytes(string(chance).into_bytes().into()),
        Kind::Message(of) => Value::Message(message(chance, &of, depth + 1)),
        Kind::Enum(_) => Value::EnumNumber(*chance.of(&[0, 1, 2, 3, 99, -1])),
    }
}

/// What a field may hold that is nearly right.
fn string(chance: &mut Chance) -> String {
    let good = [
        "orders",
        "payments",
        "10.20.0.0/16",
        "10.30.0.0/16",
        "eu-west-1",
        "111122223333",
        "vpc-0a1b2c3d",
        "3f0f6c2e-6f0e-4e5a-9d57-0b6a4a3c1d2e",
        "2026-03-01T09:00:00Z",
        "P30D",
        "64/64",
        "tcp",
    ];
    match chance.rng.u8(..8) {
        0 => (*chance.of(ODD)).to_owned(),
        1 => "x".repeat(chance.rng.usize(..70_000)),
        2 => {
            let good = *chance.of(&good);
            chance.changed_text(good)
        }
        _ => (*chance.of(&good)).to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_bytes_in_a_call_of_the_api_panic_hang_or_harm_it() {
    let data = TempDir::new().unwrap();
    let mut engine = Launch::new(data.path()).own_store().start().await;
    // Its time begins once the engine serves, however busy the machine is.
    let mut chance = Chance::new("the API");
    let host = engine.server().replace("http://", "");
    let pool = DescriptorPool::decode(v1::DESCRIPTORS).unwrap();
    let methods: Vec<_> = pool
        .services()
        .flat_map(|it| it.methods().collect::<Vec<_>>())
        .collect();
    assert!(methods.len() > 40, "{}", methods.len());
    let (grpc, plain) = (http2(), Client::builder(TokioExecutor::new()).build_http());
    let mut taken = BTreeMap::<u16, u64>::new();
    while chance.goes_on() {
        let method = chance.of(&methods).clone();
        let good = message(&mut chance, &method.input(), 0);
        let bytes = good.encode_to_vec();
        let json = json(&good);
        let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
        let is_changed = chance.rng.bool();
        let body = framed(&[if is_changed {
            chance.changed(&bytes, std::slice::from_ref(&bytes))
        } else {
            bytes.clone()
        }]);
        let (client, kind, body) = match chance.rng.u8(..6) {
            0 | 1 => (&grpc, "application/grpc", body),
            2 => (&grpc, "application/grpc", chance.changed(&body, &[bytes])),
            3 => (&plain, "application/grpc-web+proto", body),
            _ if is_changed => (
                &plain,
                "application/json",
                chance.changed_text(&json).into_bytes(),
            ),
            _ => (&plain, "application/json", json.into_bytes()),
        };
        let sent = Sent { path, kind, body };
        let came = answered(client, &host, &sent).await;
        let seed = chance.seed;
        assert!(
            came.is_some() && engine.process.ended().is_none(),
            "PEERAGE_FUZZ_SEED={seed}, call {}: {} {kind} {}\n{}",
            chance.tried,
            sent.path,
            Shown(&sent.body),
            engine.process.output()
        );
        *taken.entry(came.unwrap().as_u16()).or_default() += 1;
        if chance.tried.is_multiple_of(LOOK_EVERY) {
            let output = engine.process.output();
            let panicked = output.lines().find(|it| it.contains("panicked at"));
            assert_eq!(
                panicked,
                None,
                "PEERAGE_FUZZ_SEED={seed}: {}",
                Shown(&sent.body)
            );
        }
    }
    println!("the API: {} calls, answered {taken:?}", chance.tried);
    engine.json(&["network", "list"]).await;
    let output = engine.process.output();
    assert!(!output.contains("panicked at"), "{output}");
    assert!(taken.contains_key(&200), "{taken:?}");
    engine.stop().await;
}

fn json(message: &DynamicMessage) -> String {
    let mut to = serde_json::Serializer::new(Vec::new());
    let options = SerializeOptions::new();
    // A number that JSON does not have, for instance.
    if message.serialize_with_options(&mut to, &options).is_err() {
        return "{}".to_owned();
    }
    String::from_utf8(to.into_inner()).unwrap()
}

#[test]
fn no_configuration_and_no_connection_string_panics() {
    let mut chance = Chance::new("configuration");
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("peerage.toml");
    let readme = fs::read_to_string(workspace::root().join("README.md")).unwrap();
    let blocks = readme.split("```toml\n").skip(1);
    let good: Vec<_> = blocks.map(|it| it.split("```").next().unwrap()).collect();
    assert!(good.len() >= 2);
    let strings = [
        "kurrentdb://admin:se%40cret@db1:2113,db2:2113,[::1]:2113?tls=true&nodePreference=leader",
        "esdb+discover://localhost?tls=false&keepAliveInterval=-1&defaultDeadline=60000",
        "kurrentdb://127.0.0.1:2113?tlsVerifyCert=false&userCertFile=a&userKeyFile=b",
    ];
    // What is dialled later needs a runtime to be made in.
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _within = runtime.enter();
    while chance.goes_on() {
        let toml = *chance.of(&good);
        let toml = chance.changed_text(toml);
        fs::write(&file, &toml).unwrap();
        let value = string(&mut chance);
        let flags = [("api.listen".to_owned(), value)];
        let flags = if chance.rng.bool() { &flags[..] } else { &[] };
        drop(Config::load(Some(&file), flags));
        let text = *chance.of(&strings);
        let text = chance.changed_text(text);
        drop(Journal::open(JournalSettings::new(&text)));
    }
    println!("configuration: {} files", chance.tried);
}

#[test]
fn no_stored_event_and_no_backup_panics_and_a_backup_that_was_changed_is_refused() {
    let mut chance = Chance::new("stored events");
    let mut events = Vec::new();
    for entry in fs::read_dir(workspace::root().join("domain/golden")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if let Some((event_type, _)) = name.split_once('.') {
            events.push((event_type.to_owned(), fs::read(&path).unwrap()));
        }
    }
    let all: Vec<_> = events.iter().map(|it| it.1.clone()).collect();
    assert!(all.len() > 60, "{}", all.len());
    let folder = TempDir::new().unwrap();
    let backup = folder.path().join("backup");
    let good = backed_up(folder.path(), &backup);
    while chance.goes_on() {
        for _ in 0..50 {
            let (event_type, data) = chance.of(&events).clone();
            let data = if chance.rng.bool() {
                chance.changed(&data, &all)
            } else {
                let text = String::from_utf8_lossy(&data).into_owned();
                chance.changed_text(&text).into_bytes()
            };
            let version = *chance.of(&[0, 1, 1, 1, 2, u32::MAX]);
            drop(journal::decode(&event_type, version, &data));
        }
        let (name, bytes) = chance.of(&good).clone();
        let changed = chance.changed(&bytes, &[bytes.clone(), all[0].clone()]);
        if changed == bytes {
            continue;
        }
        fs::write(backup.join(&name), &changed).unwrap();
        let opened = Archive::open(&backup).and_then(|it| it.verify(&mut |_| {}));
        assert!(
            opened.is_err(),
            "PEERAGE_FUZZ_SEED={}: {name} {}",
            chance.seed,
            Shown(&changed)
        );
        fs::write(backup.join(&name), &bytes).unwrap();
    }
    println!("stored events: {} rounds", chance.tried);
    Archive::open(&backup).unwrap().verify(&mut |_| {}).unwrap();
}

/// A backup of some events, and its files.
fn backed_up(place: &Path, backup: &Path) -> Vec<(String, Vec<u8>)> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let data = place.join("data");
    runtime.block_on(async {
        let node = EmbeddedNode::builder()
            .data_dir(&data)
            .start()
            .await
            .unwrap();
        let client = kurrentdb::Client::new(node.connection_string().parse().unwrap()).unwrap();
        for n in 0..30 {
            let event = EventData::binary("Backed", vec![n; 100].into());
            let options = AppendToStreamOptions::default();
            client.append_to_stream("s", &options, event).await.unwrap();
        }
        node.shutdown().await;
    });
    let folder = Folder::open(backup, Arc::new(Disk)).unwrap();
    offline::backup(
        &data,
        folder.with_segment_bytes(1_000),
        chrono::Utc::now(),
        |_| {},
    )
    .unwrap();
    let files = fs::read_dir(backup).unwrap().map(|it| it.unwrap().path());
    let files = files.filter(|it| it.file_name().is_some_and(|it| it != "lock"));
    files
        .map(|it| {
            let name = it.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read(&it).unwrap())
        })
        .collect()
}
