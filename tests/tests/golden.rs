//! What a real server answered, replayed against our node in memory, on disk, and against any other
//! node that is named.
//!
//! A new file of recordings is one line in [`FILES`]; that our node answers it is one line in
//! `replayed!`.
//!
//! Another node is named by its connection string, in the variable of [`store`]; what it has
//! switched on, in [`OFFERS`].
#![allow(clippy::unwrap_used)]

use embedded::{Builder, EmbeddedNode};
use peerage_tests::golden::matching::Names;
use peerage_tests::golden::messages::{from_recorded, method, to_recorded};
use peerage_tests::golden::recording::{Kind, Recording, Step};
use peerage_tests::golden::{Target, play, special};
use peerage_tests::store;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Every file, by name and text: the test binary carries them along.
const FILES: [(&str, &str); 12] = [
    (
        "01-append-expected",
        include_str!("../golden/01-append-expected.json"),
    ),
    (
        "02-idempotency",
        include_str!("../golden/02-idempotency.json"),
    ),
    (
        "03-read-stream",
        include_str!("../golden/03-read-stream.json"),
    ),
    ("04-delete", include_str!("../golden/04-delete.json")),
    ("05-errors", include_str!("../golden/05-errors.json")),
    ("06-all", include_str!("../golden/06-all.json")),
    ("07-subscribe", include_str!("../golden/07-subscribe.json")),
    (
        "08-batch-append",
        include_str!("../golden/08-batch-append.json"),
    ),
    ("09-node", include_str!("../golden/09-node.json")),
    (
        "10-persistent",
        include_str!("../golden/10-persistent.json"),
    ),
    (
        "11-system-projections",
        include_str!("../golden/11-system-projections.json"),
    ),
    ("12-security", include_str!("../golden/12-security.json")),
];

/// Our node answers these files as recorded, kept in memory and on disk; each beside how the node
/// is set up for it.
macro_rules! replayed {
    ($($name:ident: $file:literal on $node:ident,)*) => {$(
        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn in_memory_as_recorded() {
                super::replayed_in_memory($file, super::$node()).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_disk_as_recorded() {
                super::replayed_on_disk($file, super::$node()).await;
            }
        }
    )*};
}

replayed! {
    append_expected: "01-append-expected" on plain_node,
    idempotency: "02-idempotency" on plain_node,
    read_stream: "03-read-stream" on plain_node,
    delete: "04-delete" on plain_node,
    errors: "05-errors" on plain_node,
    all: "06-all" on plain_node,
    subscribe: "07-subscribe" on plain_node,
    batch_append: "08-batch-append" on plain_node,
    node: "09-node" on plain_node,
    persistent: "10-persistent" on plain_node,
    system_projections: "11-system-projections" on node_with_system_projections,
    security: "12-security" on node_with_tls_and_users,
}

/// Says what a node of the environment has switched on: `projections`, `security`, or both with a
/// comma between.
const OFFERS: &str = "PEERAGE_TEST_STORE_OFFERS";

/// A node's certificate and key, and the authority that signed the certificate, for as long as
/// anybody will run this.
const CERTIFICATE: &str = include_str!("../../embedded/tests/tls/node.pem");
const KEY: &str = include_str!("../../embedded/tests/tls/node.key");
const AUTHORITY: &str = include_str!("../../embedded/tests/tls/ca.pem");

/// How a node is set up, and what cases may need of it.
struct Setup {
    builder: Builder,
    offers: &'static [&'static str],
    is_tls: bool,
}

fn plain_node() -> Setup {
    Setup {
        builder: EmbeddedNode::builder(),
        offers: &[],
        is_tls: false,
    }
}

fn node_with_system_projections() -> Setup {
    Setup {
        builder: EmbeddedNode::builder().system_projections(),
        offers: &["projections"],
        is_tls: false,
    }
}

fn node_with_tls_and_users() -> Setup {
    let builder = EmbeddedNode::builder()
        .tls(CERTIFICATE, KEY)
        .users("changeit", "changeit");
    Setup {
        builder,
        offers: &["security"],
        is_tls: true,
    }
}

async fn replayed_in_memory(file: &str, setup: Setup) {
    let builder = setup.builder.clone().in_memory();
    replayed(file, &setup, builder).await;
}

async fn replayed_on_disk(file: &str, setup: Setup) {
    let folder = TempDir::new().unwrap();
    let builder = setup.builder.clone().data_dir(folder.path());
    replayed(file, &setup, builder).await;
}

async fn replayed(file: &str, setup: &Setup, builder: Builder) {
    let node = builder.start().await.unwrap();
    let trusted = TempDir::new().unwrap();
    let mut address = node.connection_string();
    if setup.is_tls {
        let authority = trusted.path().join("ca.pem");
        std::fs::write(&authority, AUTHORITY).unwrap();
        address = format!("{address}&tlsCAFile={}", authority.display());
    }
    let not_offered = answers_as_recorded(&address, setup.offers, file).await;
    assert_eq!(
        not_offered,
        Vec::<String>::new(),
        "{file}: every case is to be played"
    );
    node.shutdown().await;
}

/// Plays a file, and gives the cases that need what the node does not offer.
async fn answers_as_recorded(address: &str, offers: &[&str], file: &str) -> Vec<String> {
    let (_, recording) = FILES.iter().find(|(name, _)| *name == file).unwrap();
    let mut target = Target::connect(address).await.unwrap();
    target.offers = offers.iter().map(ToString::to_string).collect();
    let report = play(&target, recording).await;
    println!(
        "{file}: {} passed, {} not offered",
        report.passed.len(),
        report.not_offered.len()
    );
    assert!(
        report.failed.is_empty(),
        "\n{file} against {address}\n\n{report}"
    );
    report.not_offered
}

/// The first text of an answer that a server does not choose itself, with one letter more.
fn doctored(answers: &mut Value) -> bool {
    match answers {
        Value::String(text) if !text.is_empty() && !text.starts_with(['@', '<']) => {
            text.push('!');
            true
        }
        Value::Array(items) => items.iter_mut().any(doctored),
        Value::Object(fields) => fields.values_mut().any(doctored),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Takes away the last answer, and says whether there was one.
fn shortened(answers: &mut Value) -> bool {
    answers
        .as_array_mut()
        .is_some_and(|answers| answers.pop().is_some())
}

/// The recording with each case changed in one place: its last answer that can be, or else its last
/// status.
fn damaged(text: &str, damage: fn(&mut Value) -> bool) -> (Value, usize) {
    let mut recording: Value = serde_json::from_str(text).unwrap();
    let cases = recording["cases"].as_array_mut().unwrap();
    for case in cases.iter_mut() {
        let steps = case["steps"].as_array_mut().unwrap();
        if !steps
            .iter_mut()
            .rev()
            .any(|step| damage(&mut step["responses"]))
        {
            steps.last_mut().unwrap()["status"]["code"] = json!("DATA_LOSS");
        }
    }
    let count = cases.len();
    (recording, count)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recording_with_one_letter_changed_or_one_answer_removed_in_each_case_passes_in_none() {
    for (file, text) in [FILES[0], FILES[1], FILES[2], FILES[3], FILES[5]] {
        for damage in [doctored, shortened] {
            let (recording, count) = damaged(text, damage);
            let node = EmbeddedNode::builder().in_memory().start().await.unwrap();
            let target = Target::connect(&node.connection_string()).await.unwrap();
            let report = play(&target, &recording.to_string()).await;
            assert_eq!(report.passed, Vec::<String>::new(), "{file}");
            assert_eq!(report.failed.len(), count, "{file}");
            node.shutdown().await;
        }
    }
}

/// The same against the store that the environment names, which must be fresh. One after the other:
/// they share its `$all`.
#[tokio::test]
async fn the_store_of_the_environment_answers_as_recorded() {
    let Some(address) = store::from_environment() else {
        println!(
            "not asked for: set {} to a connection string",
            store::VARIABLE
        );
        return;
    };
    let offers = std::env::var(OFFERS).unwrap_or_default();
    let offers: Vec<&str> = offers
        .split(',')
        .map(str::trim)
        .filter(|offer| !offer.is_empty())
        .collect();
    for (file, _) in FILES {
        answers_as_recorded(&address, &offers, file).await;
    }
}

#[test]
fn every_recorded_message_is_one_of_the_protocol_and_comes_back_as_it_was_written() {
    let mut messages = 0;
    for (file, text) in FILES {
        let recording: Recording = serde_json::from_str(text).unwrap();
        for case in recording.cases {
            let mut open = std::collections::BTreeMap::new();
            for step in &case.steps {
                let (call, shown) = match step.kind() {
                    Kind::Call(call) => (
                        call.to_owned(),
                        special::spelled_out(step).responses.unwrap_or_default(),
                    ),
                    Kind::Open(name, call) => {
                        open.insert(name, call.to_owned());
                        (call.to_owned(), Vec::new())
                    }
                    Kind::Await(name) => (open[name].clone(), step.messages.clone()),
                    Kind::Send(name) => (open[name].clone(), Vec::new()),
                    Kind::Close(_) | Kind::Note => continue,
                };
                let method = method(&call);
                for request in requests(step) {
                    let _ = from_recorded(&method.input(), &request, &mut Names::default());
                }
                for wanted in shown {
                    let mut names = Names::ordered(&case.position_order);
                    for name in &case.position_order {
                        names.number_for_request(name);
                    }
                    let message =
                        from_recorded(&method.output(), &with_values(&wanted), &mut names);
                    let same =
                        Names::default().compare(&case.case, &wanted, &to_recorded(&message));
                    assert_eq!(same, Ok(()), "{file}");
                    messages += 1;
                }
            }
        }
    }
    assert!(messages > 900, "only {messages} messages were looked at");
}

fn requests(step: &Step) -> Vec<Value> {
    special::spelled_out(step)
        .requests
        .as_ref()
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default()
}

/// A recorded message with values in place of what a server makes.
fn with_values(recorded: &Value) -> Value {
    let text = recorded
        .to_string()
        .replace(
            "\"<structured-uuid>\"",
            &json!({"most_significant_bits": "1", "least_significant_bits": "2"}).to_string(),
        )
        .replace("<uuid>", "213978f7-4c6c-4c2e-857e-94b5dc4af4c6")
        .replace("<ticks>", "17638836000000000")
        .replace("<time>", "2026-01-31T12:00:00.1234567Z")
        .replace("<n>", "42");
    serde_json::from_str(&text).unwrap()
}
