//! The limits: how much one append may hold, and what a stream may be called.

use crate::raw;
use crate::support::{Store, is_not_found, status, store, unused};
use kurrentdb::{EventData, StreamState};
use serde_json::json;
use tonic::Code;
use uuid::Uuid;

const MEBIBYTE: usize = 1 << 20;

/// Whether the server limits an append to a mebibyte, as all do up to 25.0. Later ones allow more
/// than fits one message.
async fn limits_to_a_mebibyte(store: &Store) -> bool {
    let version = store.client.server_info().await.unwrap().version();
    let limits = (version.major(), version.minor()) < (25, 1);
    if !limits {
        eprintln!(
            "stands aside: version {}.{} has another limit",
            version.major(),
            version.minor()
        );
    }
    limits
}

fn sized(bytes: usize) -> EventData {
    EventData::binary("T", vec![b'x'; bytes - 2].into()).id(Uuid::new_v4())
}

#[tokio::test]
async fn an_append_of_exactly_the_limit_is_taken() {
    let (store, stream) = (store().await, unused("conformance-"));
    store
        .append(&stream, StreamState::NoStream, vec![sized(MEBIBYTE)])
        .await
        .unwrap();
    assert_eq!(
        store.read(&stream).await.unwrap()[0].data.len(),
        MEBIBYTE - 2
    );
}

#[tokio::test]
async fn an_append_above_the_limit_is_refused_by_its_name_and_nothing_of_it_is_written() {
    let (store, stream) = (store().await, unused("conformance-"));
    if !limits_to_a_mebibyte(&store).await {
        return;
    }
    let outcome = store
        .append(&stream, StreamState::NoStream, vec![sized(MEBIBYTE + 1)])
        .await;
    assert_eq!(status(outcome).0, Code::InvalidArgument);
    is_not_found(store.read(&stream).await);
}

#[tokio::test]
async fn the_limit_is_on_the_sum_of_all_events_of_an_append() {
    let (store, stream) = (store().await, unused("conformance-"));
    if !limits_to_a_mebibyte(&store).await {
        return;
    }
    let four = || (0..4).map(|_| sized(MEBIBYTE / 4)).collect::<Vec<_>>();
    store
        .append(&stream, StreamState::NoStream, four())
        .await
        .unwrap();
    let outcome = store
        .append(&stream, StreamState::Any, [four(), vec![sized(3)]].concat())
        .await;
    assert_eq!(status(outcome).0, Code::InvalidArgument);
    assert_eq!(store.numbers(&stream).await, [0, 1, 2, 3]);
}

#[tokio::test]
async fn metadata_and_twice_the_characters_of_the_type_count_too() {
    let (store, stream) = (store().await, unused("conformance-"));
    if !limits_to_a_mebibyte(&store).await {
        return;
    }
    let event = |metadata: usize| {
        EventData::binary("Four", vec![b'x'; 1_000].into())
            .metadata(vec![b'x'; metadata].into())
            .id(Uuid::new_v4())
    };
    store
        .append(
            &stream,
            StreamState::NoStream,
            vec![event(MEBIBYTE - 1_008)],
        )
        .await
        .unwrap();
    assert_eq!(
        status(
            store
                .append(&stream, StreamState::Any, vec![event(MEBIBYTE - 1_007)])
                .await
        )
        .0,
        Code::InvalidArgument
    );
}

#[tokio::test]
async fn the_refusal_names_the_limit_in_its_trailers() {
    let (store, stream) = (store().await, unused("conformance-"));
    if !limits_to_a_mebibyte(&store).await {
        return;
    }
    let mut event = raw::proposed(
        &Uuid::new_v4().to_string(),
        &json!({"type": "T", "content-type": "application/octet-stream"}),
    );
    event["proposed_message"]["data"] = json!("x".repeat(MEBIBYTE));
    let (_, ending) = raw::call("Streams/Append", &[raw::append_to(&stream), event]).await;
    assert_eq!(
        (ending.code, ending.trailers_only),
        ("INVALID_ARGUMENT", true)
    );
    assert_eq!(ending.trailers["exception"], "maximum-append-size-exceeded");
    assert_eq!(ending.trailers["maximum-append-size"], MEBIBYTE.to_string());
}

#[tokio::test]
async fn an_empty_stream_name_is_refused() {
    let event = raw::proposed(
        &Uuid::new_v4().to_string(),
        &json!({"type": "T", "content-type": "application/json"}),
    );
    let (_, ending) = raw::call("Streams/Append", &[raw::append_to(""), event]).await;
    assert!(
        ["UNKNOWN", "INVALID_ARGUMENT"].contains(&ending.code),
        "{ending:?}"
    );
    let (_, ending) = raw::call("Streams/Read", &[raw::read_of("", &json!({}))]).await;
    assert!(
        ["UNKNOWN", "INVALID_ARGUMENT"].contains(&ending.code),
        "{ending:?}"
    );
}

#[tokio::test]
async fn a_stream_name_may_hold_any_text() {
    let store = store().await;
    let stream = unused("conformance- Ω/\\'\"%00 @::-$");
    store.write(&stream, vec![sized(10)]).await;
    assert_eq!(store.read(&stream).await.unwrap()[0].stream_id(), stream);
}
