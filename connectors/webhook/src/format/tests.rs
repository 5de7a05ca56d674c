//! Bodies and headers of one record and of several. Strangers read them in `tests/`.

use super::*;
use crate::message::{Delivery, Message, Replay, SystemHeaders};
use crate::samples;
use serde_json::{Value, json};

fn delivery() -> Delivery {
    samples::delivery()
}

fn header(message: &Message, name: &str) -> Option<String> {
    let value = message.headers.get(name)?;
    Some(value.to_str().unwrap().to_owned())
}

fn body(message: &Message) -> Value {
    serde_json::from_slice(&message.body).unwrap()
}

#[test]
fn a_record_alone_is_the_events_data_and_the_headers_say_what_it_is() {
    let record = samples::record(1);
    let message = Message::new(Format::Record, std::slice::from_ref(&record), &delivery()).unwrap();
    assert_eq!(body(&message), record.data);
    assert_eq!(message.id, record.id.to_string());
    for (name, wanted) in [
        ("content-type", "application/json"),
        ("peerage-connector-id", "billing-hook"),
        ("peerage-lane", "network-1"),
        ("peerage-lane-sequence", "7"),
        ("peerage-replay", "false"),
        ("peerage-record-id", &record.id.to_string()),
        ("peerage-record-timestamp", "2026-03-01T09:30:15Z"),
        ("peerage-record-redacted", "false"),
        ("peerage-record-stream-id", "network-1"),
        ("peerage-record-stream-revision", "1"),
        ("peerage-record-log-position", "1001"),
        ("peerage-record-schema-subject", "peering-requested"),
        ("peerage-record-schema-type", "json"),
        ("peerage-record-headers-correlation", "caf%C3%A9%201"),
    ] {
        assert_eq!(header(&message, name).as_deref(), Some(wanted), "{name}");
    }
    assert_eq!(header(&message, "peerage-record-headers-$causation"), None);
    let sent = Delivery {
        system_headers: SystemHeaders::Sent,
        replay: Replay::Replayed,
        ..delivery()
    };
    let message = Message::new(Format::Record, &[record], &sent).unwrap();
    assert!(header(&message, "peerage-record-headers-$causation").is_some());
    assert_eq!(header(&message, "peerage-replay").as_deref(), Some("true"));
}

#[test]
fn an_envelope_names_what_the_event_is_about_and_leaves_out_what_is_not_there() {
    let record = samples::record(1);
    let message =
        Message::new(Format::Envelope, std::slice::from_ref(&record), &delivery()).unwrap();
    let wanted = json!({
        "id": record.id, "type": "PeeringRequested", "schema_version": 1, "time": "2026-03-01T09:30:15Z",
        "stream": "network-1", "revision": 1, "position": 1001,
        "network": {"id": "n-1", "name": "prod"}, "peering": {"id": "p-1"}, "account": "444455556601",
        "cloud": {"mode": "emulator", "endpoint": "http://127.0.0.1:5000/"},
        "actor": {"name": "ann", "claimed": true}, "reason": "audit", "ticket": "CHG-1",
        "command_id": record.command_id, "data": record.data,
    });
    assert_eq!(body(&message), wanted);
    let bare = Record {
        network: None,
        peering: None,
        account: None,
        cloud: None,
        actor: None,
        reason: None,
        ticket: None,
        command_id: None,
        ..record
    };
    let message = Message::new(Format::Envelope, &[bare], &delivery()).unwrap();
    let names: Vec<String> = body(&message)
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    let mut wanted = [
        "data",
        "id",
        "position",
        "revision",
        "schema_version",
        "stream",
        "time",
        "type",
    ];
    wanted.sort_unstable();
    assert_eq!(names, wanted);
}

#[test]
fn several_records_are_an_array_in_their_order_under_an_id_of_their_own() {
    let records: Vec<Record> = (1..=3).map(samples::record).collect();
    let message =
        |records: &[Record]| Message::new(Format::Envelope, records, &delivery()).unwrap();
    let batch = message(&records);
    let revisions: Vec<Value> = body(&batch)
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["revision"].clone())
        .collect();
    assert_eq!(revisions, [1, 2, 3]);
    assert_eq!(header(&batch, "peerage-batch-size").as_deref(), Some("3"));
    assert_eq!(header(&batch, "peerage-record-id"), None);
    assert_eq!(
        batch.id,
        message(&records).id,
        "the same records, the same id"
    );
    assert_ne!(batch.id, message(&records[..2]).id);
    let events = Message::new(Format::CloudeventsStructured, &records, &delivery()).unwrap();
    assert_eq!(
        header(&events, "content-type").as_deref(),
        Some("application/cloudevents-batch+json")
    );
    assert_eq!(body(&events).as_array().unwrap().len(), 3);
}

#[test]
fn where_the_headers_alone_tell_an_events_id_there_are_no_batches() {
    let records = [samples::record(1), samples::record(2)];
    for format in [Format::Record, Format::CloudeventsBinary] {
        assert!(Message::new(format, &records, &delivery()).is_none());
        assert!(Message::new(format, &records[..1], &delivery()).is_some());
    }
    assert!(Message::new(Format::Envelope, &[], &delivery()).is_none());
}

#[test]
fn a_value_too_long_for_a_header_is_left_out_of_the_headers_and_no_request_is_split() {
    let mut record = samples::record(1);
    record.metadata = [
        ("long", "x".repeat(2049)),
        ("split", "a\r\nx-evil: 1".to_owned()),
        ("bad key", "v".to_owned()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into();
    let message = Message::new(Format::Record, &[record], &delivery()).unwrap();
    assert_eq!(header(&message, "peerage-record-headers-long"), None);
    assert_eq!(
        header(&message, "peerage-record-headers-split").as_deref(),
        Some("a%0D%0Ax-evil:%201")
    );
    assert!(
        message
            .headers
            .keys()
            .all(|name| !name.as_str().contains("evil") && !name.as_str().contains("bad"))
    );
}

#[test]
fn the_envelope_has_a_published_schema_that_says_what_is_always_there() {
    let record = samples::record(1);
    let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
    let schema = settings
        .into_generator()
        .into_root_schema_for::<Envelope<'_>>();
    let mut schema = schema.to_value();
    schema["$id"] = json!("urn:peerage:envelope:v1");
    schema["title"] = json!("Envelope");
    schema["examples"] = json!([Envelope::of(&record)]);
    let path = testkit::workspace::root().join("docs/schemas/envelope.v1.json");
    let made = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
    #[expect(
        clippy::disallowed_methods,
        reason = "what is generated is made anew on request"
    )]
    let is_made_anew = std::env::var_os("PEERAGE_UPDATE_GOLDEN").is_some();
    if is_made_anew {
        std::fs::write(&path, &made).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), made);
    let always = [
        "id",
        "type",
        "schema_version",
        "time",
        "stream",
        "revision",
        "position",
        "data",
    ];
    assert_eq!(schema["required"], json!(always));
}
