//! What a real server answered, replayed against our node in memory, on disk, and against any other node that is named.
//!
//! A new file of recordings is one line in [`FILES`] and one below it.
#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};
use tests::golden::matching::Names;
use tests::golden::messages::{from_recorded, method, to_recorded};
use tests::golden::recording::{Kind, Recording, Step};
use tests::golden::special;

/// Every file, by name and text: the test binary carries them along.
const FILES: [(&str, &str); 12] = [
    ("01-append-expected", include_str!("../golden/01-append-expected.json")),
    ("02-idempotency", include_str!("../golden/02-idempotency.json")),
    ("03-read-stream", include_str!("../golden/03-read-stream.json")),
    ("04-delete", include_str!("../golden/04-delete.json")),
    ("05-errors", include_str!("../golden/05-errors.json")),
    ("06-all", include_str!("../golden/06-all.json")),
    ("07-subscribe", include_str!("../golden/07-subscribe.json")),
    ("08-batch-append", include_str!("../golden/08-batch-append.json")),
    ("09-node", include_str!("../golden/09-node.json")),
    ("10-persistent", include_str!("../golden/10-persistent.json")),
    ("11-system-projections", include_str!("../golden/11-system-projections.json")),
    ("12-security", include_str!("../golden/12-security.json")),
];

#[test]
fn every_recorded_message_is_one_of_the_protocol_and_comes_back_as_it_was_written() {
    let mut messages = 0;
    for (file, text) in FILES {
        let recording: Recording = serde_json::from_str(text).unwrap();
        for case in recording.cases {
            let mut open = std::collections::BTreeMap::new();
            for step in &case.steps {
                let (call, shown) = match step.kind() {
                    Kind::Call(call) => (call.to_owned(), special::spelled_out(step).responses.unwrap_or_default()),
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
                    let message = from_recorded(&method.output(), &with_values(&wanted), &mut names);
                    let same = Names::default().compare(&case.case, &wanted, &to_recorded(&message));
                    assert_eq!(same, Ok(()), "{file}");
                    messages += 1;
                }
            }
        }
    }
    assert!(messages > 900, "only {messages} messages were looked at");
}

fn requests(step: &Step) -> Vec<Value> {
    special::spelled_out(step).requests.as_ref().and_then(Value::as_array).cloned().unwrap_or_default()
}

/// A recorded message with values in place of what a server makes.
fn with_values(recorded: &Value) -> Value {
    let text = recorded
        .to_string()
        .replace("\"<structured-uuid>\"", &json!({"most_significant_bits": "1", "least_significant_bits": "2"}).to_string())
        .replace("<uuid>", "213978f7-4c6c-4c2e-857e-94b5dc4af4c6")
        .replace("<ticks>", "17638836000000000")
        .replace("<time>", "2026-01-31T12:00:00.1234567Z")
        .replace("<n>", "42");
    serde_json::from_str(&text).unwrap()
}
