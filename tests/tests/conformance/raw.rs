//! Raw gRPC to the store under test, for what the client cannot say or does not show. Messages have
//! the recordings' form.

use crate::support::{SOON, connection_string};
use peerage_tests::golden::matching::Names;
use peerage_tests::golden::messages::{from_recorded, method, to_recorded};
use peerage_tests::golden::wire::{Call, Came, Ending, Target};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A whole call: every response message, and how it ended.
pub async fn call(name: &str, requests: &[Value]) -> (Vec<Value>, Ending) {
    let mut running = open(name, requests).await;
    running.finish_requests();
    let mut came = Vec::new();
    loop {
        match next(name, &mut running).await {
            Came::Message(message) => came.push(to_recorded(&message)),
            Came::Ended(ending) => return (came, ending),
        }
    }
}

/// A call that stays open.
pub async fn open(name: &str, requests: &[Value]) -> Call {
    let target = Target::connect(connection_string())
        .await
        .expect("a connection");
    let method = method(name);
    let mut running = target.call(&method, &BTreeMap::new());
    for request in requests {
        running.send(from_recorded(
            &method.input(),
            request,
            &mut Names::default(),
        ));
    }
    if !method.is_client_streaming() {
        running.finish_requests();
    }
    running
}

/// The next thing that comes on a call.
pub async fn next(name: &str, call: &mut Call) -> Came {
    let came = tokio::time::timeout(SOON, call.next()).await;
    came.unwrap_or_else(|_| panic!("{name}: no answer within {SOON:?}"))
        .expect("something before the end")
}

/// The options of an append to a stream, where nothing is expected.
pub fn append_to(stream: &str) -> Value {
    json!({"options": {"stream_identifier": {"stream_name": stream}, "any": {}}})
}

/// An event to append.
pub fn proposed(id: &str, metadata: &Value) -> Value {
    json!({"proposed_message": {"id": {"string": id}, "metadata": metadata, "data": "{}"}})
}

/// The options of a read of a stream from its start, with some of them changed. A change to null
/// leaves a field out.
pub fn read_of(stream: &str, changes: &Value) -> Value {
    let options = json!({
        "read_direction": "Forwards", "resolve_links": false, "uuid_option": {"string": {}}, "count": "100", "no_filter": {},
        "stream": {"stream_identifier": {"stream_name": stream}, "start": {}}, "control_option": {"compatibility": 1},
    });
    json!({"options": changed(options, changes)})
}

/// The options of a read of `$all` from its start, with some of them changed.
pub fn read_of_all(changes: &Value) -> Value {
    let options = json!({
        "read_direction": "Forwards", "resolve_links": false, "uuid_option": {"string": {}}, "count": "100", "no_filter": {},
        "all": {"start": {}},
    });
    json!({"options": changed(options, changes)})
}

fn changed(mut options: Value, changes: &Value) -> Value {
    let fields = options.as_object_mut().unwrap();
    for (name, value) in changes.as_object().into_iter().flatten() {
        fields.remove(name);
        if !value.is_null() {
            fields.insert(name.clone(), value.clone());
        }
    }
    options
}
