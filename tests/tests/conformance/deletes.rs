//! Soft deletes and tombstones.

use crate::support::{conflict, events, is_deleted, is_not_found, status, store, unused};
use kurrentdb::{CurrentRevision, ReadAllOptions, StreamPosition, StreamState};
use serde_json::json;
use tonic::Code;

const SOFT_DELETED: u64 = i64::MAX as u64;

fn refusal(stream: &str, expected: i64, actual: i64) -> (Code, String) {
    let text = format!(
        "Delete failed due to WrongExpectedVersion. Stream: {stream}, Expected version: {expected}, Actual version: {actual}"
    );
    (Code::FailedPrecondition, text)
}

#[tokio::test]
async fn a_soft_delete_hides_the_stream_behind_a_truncation_that_replaces_its_metadata_and_acl() {
    let store = store().await;
    let stream = store.stream_of(2).await;
    store
        .set_metadata(
            &stream,
            &json!({"$maxCount": 100, "$acl": {"$r": "$all"}, "mine": "x"}),
        )
        .await;
    store
        .delete(&stream, StreamState::StreamRevision(1))
        .await
        .unwrap();
    is_not_found(store.read(&stream).await);
    assert_eq!(
        store.metadata(&stream).await,
        Some(json!({"$tb": SOFT_DELETED}))
    );
}

#[tokio::test]
async fn an_append_after_a_soft_delete_shows_only_what_is_new_and_moves_the_truncation() {
    let store = store().await;
    let stream = store.deleted_stream().await;
    store.write(&stream, events(2)).await;
    assert_eq!(store.numbers_again(&stream).await, [3, 4]);
    assert_eq!(store.metadata(&stream).await, Some(json!({"$tb": 3})));
}

#[tokio::test]
async fn writing_metadata_to_a_soft_deleted_stream_undeletes_it_and_keeps_its_other_keys() {
    let store = store().await;
    let stream = store.deleted_stream().await;
    store.set_metadata(&stream, &json!({"mine": 1})).await;
    assert_eq!(
        store.metadata(&stream).await,
        Some(json!({"mine": 1, "$tb": 3}))
    );
    assert_eq!(store.numbers_again(&stream).await, Vec::<u64>::new());
    assert_eq!(
        store
            .append(&stream, StreamState::StreamExists, events(1))
            .await
            .unwrap()
            .next_expected_version,
        3
    );
    assert_eq!(store.numbers_again(&stream).await, [3]);
}

#[tokio::test]
async fn a_stream_that_never_existed_can_not_be_deleted_not_even_with_any() {
    let (store, stream) = (store().await, unused("conformance-"));
    assert_eq!(
        status(store.delete(&stream, StreamState::Any).await),
        refusal(&stream, -2, -1)
    );
    assert_eq!(
        status(store.delete(&stream, StreamState::NoStream).await),
        refusal(&stream, -1, -1)
    );
    assert_eq!(
        status(store.delete(&stream, StreamState::StreamRevision(2)).await),
        refusal(&stream, 2, -1)
    );
}

#[tokio::test]
async fn a_delete_is_judged_by_its_expected_revision() {
    let store = store().await;
    let stream = store.stream_of(3).await;
    assert_eq!(
        status(store.delete(&stream, StreamState::NoStream).await),
        refusal(&stream, -1, 2)
    );
    assert_eq!(
        status(store.delete(&stream, StreamState::StreamRevision(1)).await),
        refusal(&stream, 1, 2)
    );
    assert_eq!(store.numbers(&stream).await, [0, 1, 2]);
    store
        .delete(&stream, StreamState::StreamRevision(2))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_second_delete_with_a_correct_revision_succeeds() {
    for expected in [
        StreamState::Any,
        StreamState::NoStream,
        StreamState::StreamRevision(2),
    ] {
        let store = store().await;
        let stream = store.deleted_stream().await;
        store.delete(&stream, expected).await.unwrap();
        is_not_found(store.read(&stream).await);
    }
}

#[tokio::test]
async fn a_second_delete_with_another_revision_is_refused() {
    let store = store().await;
    let stream = store.deleted_stream().await;
    assert_eq!(
        status(store.delete(&stream, StreamState::StreamRevision(1)).await),
        refusal(&stream, 1, 2)
    );
}

#[tokio::test]
async fn a_stream_of_which_only_the_metadata_exists_can_be_deleted() {
    let (store, stream) = (store().await, unused("conformance-"));
    store.set_metadata(&stream, &json!({"o": 1})).await;
    store.delete(&stream, StreamState::Any).await.unwrap();
    assert_eq!(
        store.metadata(&stream).await,
        Some(json!({"$tb": SOFT_DELETED}))
    );
    assert_eq!(
        store
            .append(&stream, StreamState::Any, events(1))
            .await
            .unwrap()
            .next_expected_version,
        0
    );
}

#[tokio::test]
async fn a_delete_answers_with_the_position_of_the_metadata_it_wrote() {
    let store = store().await;
    let stream = store.stream_of(1).await;
    let position = store
        .delete(&stream, StreamState::Any)
        .await
        .unwrap()
        .expect("a position");
    let at = ReadAllOptions::default()
        .position(StreamPosition::Position(position))
        .max_count(1);
    let read = store.read_all(&at).await.unwrap();
    assert_eq!(
        (
            read[0].get_original_stream_id(),
            read[0].get_original_event().position
        ),
        (format!("$${stream}").as_str(), position)
    );
}

#[tokio::test]
async fn a_tombstone_is_final_for_reads_appends_and_deletes() {
    let store = store().await;
    let stream = store.tombstoned_stream().await;
    is_deleted(store.read(&stream).await);
    is_deleted(store.append(&stream, StreamState::Any, events(1)).await);
    is_deleted(store.delete(&stream, StreamState::Any).await);
    is_deleted(store.tombstone(&stream, StreamState::Any).await);
}

#[tokio::test]
async fn a_stream_that_never_existed_can_be_tombstoned_with_any_and_with_no_stream() {
    for expected in [StreamState::Any, StreamState::NoStream] {
        let (store, stream) = (store().await, unused("conformance-"));
        store.tombstone(&stream, expected).await.unwrap();
        is_deleted(store.read(&stream).await);
    }
}

#[tokio::test]
async fn a_tombstone_is_judged_by_its_expected_revision() {
    let store = store().await;
    let missing = unused("conformance-");
    assert_eq!(
        status(store.tombstone(&missing, StreamState::StreamExists).await),
        refusal(&missing, -4, -1)
    );
    let stream = store.stream_of(3).await;
    assert_eq!(
        status(
            store
                .tombstone(&stream, StreamState::StreamRevision(9))
                .await
        ),
        refusal(&stream, 9, 2)
    );
    store
        .tombstone(&stream, StreamState::StreamRevision(2))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_soft_deleted_stream_can_be_tombstoned_but_not_with_stream_exists() {
    let store = store().await;
    let stream = store.deleted_stream().await;
    is_deleted(store.tombstone(&stream, StreamState::StreamExists).await);
    store
        .tombstone(&stream, StreamState::NoStream)
        .await
        .unwrap();
    is_deleted(store.read(&stream).await);
}

#[tokio::test]
async fn a_tombstone_answers_with_the_position_of_its_own_event() {
    let store = store().await;
    let stream = store.stream_of(1).await;
    let position = store
        .tombstone(&stream, StreamState::Any)
        .await
        .unwrap()
        .expect("a position");
    let at = ReadAllOptions::default()
        .position(StreamPosition::Position(position))
        .max_count(1);
    let read = store.read_all(&at).await.unwrap();
    let event = read[0].get_original_event();
    assert_eq!(
        (event.stream_id(), event.event_type.as_str(), event.revision),
        (stream.as_str(), "$streamDeleted", SOFT_DELETED)
    );
}

#[tokio::test]
async fn a_soft_deleted_and_rewritten_stream_judges_by_its_true_last_number() {
    let store = store().await;
    let stream = store.deleted_stream().await;
    store.write(&stream, events(1)).await;
    assert_eq!(store.numbers_again(&stream).await, [3]);
    let outcome = store
        .append(&stream, StreamState::NoStream, events(1))
        .await;
    assert_eq!(
        conflict(outcome),
        (StreamState::NoStream, CurrentRevision::Current(3))
    );
}
