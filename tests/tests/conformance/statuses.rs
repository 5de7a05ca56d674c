//! How the server says no: status codes, texts and trailers.

use crate::raw;
use crate::support::{connection_string, events, store, unused};
use kurrentdb::{AppendToStreamOptions, ClientSettings, Error, StreamState};
use peerage_tests::golden::wire::{Came, Ending};
use serde_json::{Value, json};
use tonic::client::Grpc;
use tonic::codec::ProstCodec;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Code, Request};
use uuid::Uuid;

fn on(stream: &str, expected: &Value) -> Value {
    let mut options = json!({"stream_identifier": {"stream_name": stream}});
    options
        .as_object_mut()
        .unwrap()
        .extend(expected.as_object().unwrap().clone());
    json!({"options": options})
}

fn deleted(ending: &Ending, stream: &str) {
    assert_eq!(
        (ending.code, ending.message.as_str()),
        (
            "FAILED_PRECONDITION",
            format!("Event stream '{stream}' is deleted.").as_str()
        )
    );
    assert_eq!(
        (
            ending.trailers["exception"].as_str(),
            ending.trailers["stream-name"].as_str()
        ),
        ("stream-deleted", stream)
    );
    assert!(ending.trailers_only, "{ending:?}");
}

#[tokio::test]
async fn stream_deleted_names_the_stream_in_text_and_trailers() {
    let store = store().await;
    let stream = store.tombstoned_stream().await;
    let event = raw::proposed(
        &Uuid::new_v4().to_string(),
        &json!({"type": "T", "content-type": "application/json"}),
    );
    deleted(
        &raw::call("Streams/Append", &[raw::append_to(&stream), event])
            .await
            .1,
        &stream,
    );
    deleted(
        &raw::call("Streams/Read", &[raw::read_of(&stream, &json!({}))])
            .await
            .1,
        &stream,
    );
    deleted(
        &raw::call("Streams/Delete", &[on(&stream, &json!({"any": {}}))])
            .await
            .1,
        &stream,
    );
    deleted(
        &raw::call("Streams/Tombstone", &[on(&stream, &json!({"any": {}}))])
            .await
            .1,
        &stream,
    );
}

#[tokio::test]
async fn a_conflict_of_a_delete_or_tombstone_names_both_versions_in_text_and_trailers() {
    let store = store().await;
    let stream = store.stream_of(3).await;
    for call in ["Streams/Delete", "Streams/Tombstone"] {
        let (_, ending) = raw::call(call, &[on(&stream, &json!({"revision": "9"}))]).await;
        assert_eq!(
            (ending.code, ending.trailers_only),
            ("FAILED_PRECONDITION", true)
        );
        let text = format!(
            "Delete failed due to WrongExpectedVersion. Stream: {stream}, Expected version: 9, Actual version: 2"
        );
        assert_eq!(ending.message, text);
        let trailers = [
            "exception",
            "stream-name",
            "expected-version",
            "actual-version",
        ]
        .map(|name| ending.trailers[name].clone());
        assert_eq!(
            trailers,
            ["wrong-expected-version", stream.as_str(), "9", "2"]
        );
    }
}

#[tokio::test]
async fn combinations_of_read_options_that_make_no_sense_are_invalid_arguments() {
    let store = store().await;
    let stream = store.stream_of(1).await;
    let filter =
        json!({"event_type": {"prefix": ["T"]}, "max": 10, "checkpointIntervalMultiplier": 1});
    let senseless = [
        json!({"filter": filter, "no_filter": null}),
        json!({"read_direction": "Backwards", "subscription": {}, "count": null}),
        json!({"no_filter": null}),
        json!({"uuid_option": null}),
    ];
    for changes in senseless {
        let (_, ending) = raw::call("Streams/Read", &[raw::read_of(&stream, &changes)]).await;
        assert_eq!(
            (ending.code, ending.trailers_only),
            ("INVALID_ARGUMENT", true),
            "{changes}"
        );
    }
}

#[tokio::test]
async fn requests_without_options_are_refused_and_do_no_harm() {
    for call in ["Streams/Read", "Streams/Delete", "Streams/Tombstone"] {
        let (_, ending) = raw::call(call, &[json!({})]).await;
        assert!(
            ["UNKNOWN", "INVALID_ARGUMENT"].contains(&ending.code),
            "{call}: {ending:?}"
        );
    }
    let (_, ending) = raw::call("Streams/Append", &[]).await;
    assert!(
        ["UNKNOWN", "INVALID_ARGUMENT"].contains(&ending.code),
        "{ending:?}"
    );
}

#[tokio::test]
async fn a_read_of_a_stream_with_count_0_is_refused() {
    let store = store().await;
    let stream = store.stream_of(1).await;
    let (_, ending) = raw::call(
        "Streams/Read",
        &[raw::read_of(&stream, &json!({"count": "0"}))],
    )
    .await;
    assert!(
        ["UNKNOWN", "INVALID_ARGUMENT"].contains(&ending.code),
        "{ending:?}"
    );
}

#[tokio::test]
async fn a_leader_answers_calls_that_require_one() {
    let store = store().await;
    let options = AppendToStreamOptions::default().requires_leader(true);
    store
        .client
        .append_to_stream(unused("conformance-"), &options, events(1))
        .await
        .unwrap();
}

/// A batch of so many events, whole or not.
fn batch_of(stream: &str, options: &Value, count: usize, is_final: bool) -> Value {
    let metadata = json!({"type": "Tested", "content-type": "application/json"});
    let proposed: Vec<Value> = (0..count)
        .map(|_| {
            let id = json!({"string": Uuid::new_v4().to_string()});
            json!({"id": id, "metadata": metadata, "data": "{}"})
        })
        .collect();
    let mut request = on(stream, options);
    request["correlation_id"] = json!({"string": Uuid::new_v4().to_string()});
    request["proposed_messages"] = json!(proposed);
    request["is_final"] = json!(is_final);
    request
}

/// The answer to a request on an open call.
async fn answer_to(request: Value) -> Value {
    let correlation = request["correlation_id"].clone();
    let stream = request["options"]["stream_identifier"]["stream_name"].clone();
    let mut call = raw::open("Streams/BatchAppend", &[request]).await;
    let Came::Message(answer) = raw::next("the answer to a batch", &mut call).await else {
        panic!("the call ended")
    };
    let answer = peerage_tests::golden::messages::to_recorded(&answer);
    assert_eq!(answer["correlation_id"], correlation);
    assert_eq!(answer["stream_identifier"]["stream_name"], stream);
    answer
}

/// One batch on an open call, and the answer to it.
async fn batch(stream: &str, expected: &Value, count: usize) -> Value {
    answer_to(batch_of(stream, expected, count, true)).await
}

fn timed_out(answer: &Value) {
    let error = &answer["error"];
    assert_eq!(
        (&error["code"], &error["message"]),
        (&json!("DEADLINE_EXCEEDED"), &json!("Timeout")),
        "{answer}"
    );
}

#[tokio::test]
async fn a_batch_whose_deadline_is_past_answers_timeout_and_writes_nothing() {
    let store = store().await;
    for deadline in [
        json!({"deadline": {"seconds": "0", "nanos": 0}}),
        json!({"deadline": {"seconds": "-5", "nanos": 0}}),
        json!({"deadline_21_10_0": {"seconds": "1600000000", "nanos": 0}}),
    ] {
        let stream = unused("conformance-");
        let mut options = json!({"any": {}});
        options
            .as_object_mut()
            .unwrap()
            .extend(deadline.as_object().unwrap().clone());
        timed_out(&batch(&stream, &options, 1).await);
        assert!(
            matches!(store.read(&stream).await, Err(Error::ResourceNotFound)),
            "{deadline}"
        );
    }
}

#[tokio::test]
async fn a_batch_that_is_never_finished_answers_timeout_at_its_deadline() {
    let options = json!({"any": {}, "deadline": {"seconds": "0", "nanos": 200_000_000}});
    let unfinished = batch_of(&unused("conformance-"), &options, 1, false);
    timed_out(&answer_to(unfinished).await);
}

#[tokio::test]
async fn a_batch_that_grows_too_large_is_answered_before_its_last_message() {
    let mut request = batch_of(&unused("conformance-"), &json!({"any": {}}), 2, false);
    let half = "x".repeat(600 * 1024);
    for event in request["proposed_messages"].as_array_mut().unwrap() {
        event["data"] = json!(half);
    }
    let answer = answer_to(request).await;
    assert_eq!(answer["error"]["message"], "MaximumAppendSizeExceeded");
}

#[tokio::test]
async fn a_batch_that_succeeds_answers_with_revision_and_position() {
    let answer = batch(&unused("conformance-"), &json!({"no_stream": {}}), 2).await;
    assert_eq!(answer["success"]["current_revision"], "1");
    assert!(answer["success"]["position"]["commit_position"].is_string());
}

#[tokio::test]
async fn a_batch_with_a_wrong_expected_version_answers_already_exists_with_the_detail_packed() {
    let store = store().await;
    let stream = store.stream_of(2).await;
    let error = batch(&stream, &json!({"stream_position": "5"}), 1).await["error"].clone();
    assert_eq!(
        (&error["code"], &error["message"]),
        (&json!("ALREADY_EXISTS"), &json!("WrongExpectedVersion"))
    );
    assert_eq!(
        error["details"]["@type"],
        "event_store.client.WrongExpectedVersion"
    );
    assert_eq!(
        (
            &error["details"]["current_stream_revision"],
            &error["details"]["expected_stream_position"]
        ),
        (&json!("1"), &json!("5"))
    );
}

#[tokio::test]
async fn a_batch_to_a_tombstoned_stream_answers_not_found_with_the_detail_packed() {
    let store = store().await;
    let stream = store.tombstoned_stream().await;
    let error = batch(&stream, &json!({"any": {}}), 1).await["error"].clone();
    assert_eq!(
        (&error["code"], &error["message"]),
        (&json!("NOT_FOUND"), &json!("StreamDeleted"))
    );
    assert_eq!(
        error["details"]["@type"],
        "event_store.client.StreamDeleted"
    );
}

#[tokio::test]
async fn a_method_that_no_server_has_is_unimplemented() {
    let settings: ClientSettings = connection_string().parse().unwrap();
    let uri = settings.to_uri(&settings.hosts()[0]).to_string();
    let mut grpc = Grpc::new(Channel::from_shared(uri).unwrap().connect().await.unwrap());
    grpc.ready().await.unwrap();
    let path = PathAndQuery::from_static("/event_store.client.streams.Streams/Nonsense");
    let status = grpc
        .unary(Request::new(()), path, ProstCodec::<(), ()>::default())
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
}

#[tokio::test]
async fn errors_reach_the_client_as_its_own_kinds() {
    let store = store().await;
    let stream = store.tombstoned_stream().await;
    assert!(matches!(
        store.read(&stream).await,
        Err(Error::ResourceDeleted)
    ));
    assert!(matches!(
        store.read(&unused("conformance-")).await,
        Err(Error::ResourceNotFound)
    ));
    let conflict = store
        .append(
            &unused("conformance-"),
            StreamState::StreamExists,
            events(1),
        )
        .await;
    assert!(matches!(conflict, Err(Error::WrongExpectedVersion { .. })));
}
