//! What an append does whose events the stream may already hold.

use crate::raw;
use crate::support::{
    conflict, event, events, ids, is_another_store, is_not_found, store, unused, with_ids,
};
use kurrentdb::{CurrentRevision, Position, StreamState};
use serde_json::json;
use uuid::Uuid;

const FIRST: StreamState = StreamState::NoStream;

#[tokio::test]
async fn the_first_append_repeated_with_no_stream_succeeds_at_the_same_place_and_writes_nothing() {
    let (store, stream, ids) = (store().await, unused("conformance-"), ids::<2>());
    let written = store.append(&stream, FIRST, with_ids(&ids)).await.unwrap();
    let repeated = store.append(&stream, FIRST, with_ids(&ids)).await.unwrap();
    assert_eq!(
        (repeated.next_expected_version, repeated.position),
        (1, written.position)
    );
    assert_eq!(store.ids(&stream).await, ids);
}

#[tokio::test]
async fn a_repeat_of_the_first_events_only_answers_with_the_last_submitted_event_not_the_head() {
    let (store, stream, [a, b, c]) = (store().await, unused("conformance-"), ids());
    let one = store.append(&stream, FIRST, with_ids(&[a])).await.unwrap();
    store
        .append(&stream, StreamState::StreamRevision(0), with_ids(&[b, c]))
        .await
        .unwrap();
    let repeated = store.append(&stream, FIRST, with_ids(&[a])).await.unwrap();
    assert_eq!(
        (repeated.next_expected_version, repeated.position),
        (0, one.position)
    );
}

#[tokio::test]
async fn an_old_exact_revision_with_the_events_stored_after_it_succeeds() {
    let (store, stream, [a, b, c, d]) = (store().await, unused("conformance-"), ids());
    store
        .append(&stream, FIRST, with_ids(&[a, b, c, d]))
        .await
        .unwrap();
    let repeated = store
        .append(&stream, StreamState::StreamRevision(0), with_ids(&[b, c]))
        .await
        .unwrap();
    assert_eq!(repeated.next_expected_version, 2);
    assert_eq!(
        repeated.position,
        store.read(&stream).await.unwrap()[2].position
    );
    assert_eq!(store.ids(&stream).await, [a, b, c, d]);
}

#[tokio::test]
async fn an_old_revision_whose_first_id_differs_is_a_wrong_expected_version() {
    let (store, stream, [a, b, new]) = (store().await, unused("conformance-"), ids());
    store
        .append(&stream, FIRST, with_ids(&[a, b]))
        .await
        .unwrap();
    let outcome = store.append(&stream, FIRST, with_ids(&[new, b])).await;
    assert_eq!(conflict(outcome), (FIRST, CurrentRevision::Current(1)));
    assert_eq!(store.ids(&stream).await, [a, b]);
}

#[tokio::test]
async fn an_old_revision_with_some_known_ids_and_then_a_new_one_is_a_wrong_expected_version_and_writes_nothing()
 {
    let (store, stream, [a, b, c, new]) = (store().await, unused("conformance-"), ids());
    store
        .append(&stream, FIRST, with_ids(&[a, b, c]))
        .await
        .unwrap();
    let outcome = store
        .append(&stream, StreamState::StreamRevision(0), with_ids(&[b, new]))
        .await;
    assert_eq!(
        conflict(outcome),
        (StreamState::StreamRevision(0), CurrentRevision::Current(2))
    );
    assert_eq!(store.ids(&stream).await, [a, b, c]);
}

#[tokio::test]
async fn an_old_revision_with_known_ids_that_run_past_the_head_is_a_wrong_expected_version_and_writes_nothing()
 {
    let (store, stream, [a, b, new]) = (store().await, unused("conformance-"), ids());
    store
        .append(&stream, FIRST, with_ids(&[a, b]))
        .await
        .unwrap();
    let outcome = store.append(&stream, FIRST, with_ids(&[a, b, new])).await;
    assert_eq!(conflict(outcome), (FIRST, CurrentRevision::Current(1)));
    assert_eq!(store.ids(&stream).await, [a, b]);
}

#[tokio::test]
async fn the_true_exact_revision_always_writes_even_ids_seen_before() {
    let (store, stream, ids) = (store().await, unused("conformance-"), ids::<2>());
    store.append(&stream, FIRST, with_ids(&ids)).await.unwrap();
    let repeated = store
        .append(&stream, StreamState::StreamRevision(1), with_ids(&ids))
        .await
        .unwrap();
    assert_eq!(repeated.next_expected_version, 3);
    assert_eq!(store.ids(&stream).await, [ids, ids].concat());
}

#[tokio::test]
async fn a_repeat_with_any_succeeds_at_the_same_place_and_writes_nothing() {
    let (store, stream, ids) = (store().await, unused("conformance-"), ids::<2>());
    let written = store
        .append(&stream, StreamState::Any, with_ids(&ids))
        .await
        .unwrap();
    let repeated = store
        .append(&stream, StreamState::Any, with_ids(&ids))
        .await
        .unwrap();
    assert_eq!(
        (repeated.next_expected_version, repeated.position),
        (1, written.position)
    );
    assert_eq!(store.ids(&stream).await, ids);
}

#[tokio::test]
async fn a_repeat_with_stream_exists_succeeds_at_the_same_place_and_writes_nothing() {
    let (store, stream, ids) = (store().await, unused("conformance-"), ids::<2>());
    let written = store
        .append(&stream, StreamState::Any, with_ids(&ids))
        .await
        .unwrap();
    let repeated = store
        .append(&stream, StreamState::StreamExists, with_ids(&ids))
        .await
        .unwrap();
    assert_eq!(
        (repeated.next_expected_version, repeated.position),
        (1, written.position)
    );
    assert_eq!(store.ids(&stream).await, ids);
}

#[tokio::test]
async fn a_repeat_with_any_of_ids_in_another_order_and_not_neighbours_answers_with_the_last_submitted()
 {
    // A real server never answers this one.
    if is_another_store() {
        return;
    }
    let (store, stream, [a, b, c]) = (store().await, unused("conformance-"), ids());
    store
        .append(&stream, StreamState::Any, with_ids(&[a, b, c]))
        .await
        .unwrap();
    let repeated = store
        .append(&stream, StreamState::Any, with_ids(&[c, a]))
        .await
        .unwrap();
    assert_eq!(repeated.next_expected_version, 0);
    assert_eq!(store.ids(&stream).await, [a, b, c]);
}

#[tokio::test]
async fn a_known_id_and_then_a_new_one_with_any_is_a_wrong_expected_version() {
    let (store, stream, [a, b, new]) = (store().await, unused("conformance-"), ids());
    store
        .append(&stream, StreamState::Any, with_ids(&[a, b]))
        .await
        .unwrap();
    let outcome = store
        .append(&stream, StreamState::Any, with_ids(&[b, new]))
        .await;
    assert_eq!(
        conflict(outcome),
        (StreamState::Any, CurrentRevision::Current(1))
    );
    assert_eq!(store.ids(&stream).await, [a, b]);
}

#[tokio::test]
async fn a_new_id_and_then_a_known_one_with_any_is_written() {
    let (store, stream, [a, b, new]) = (store().await, unused("conformance-"), ids());
    store
        .append(&stream, StreamState::Any, with_ids(&[a, b]))
        .await
        .unwrap();
    let written = store
        .append(&stream, StreamState::Any, with_ids(&[new, a]))
        .await
        .unwrap();
    assert_eq!(written.next_expected_version, 3);
    assert_eq!(store.ids(&stream).await, [a, b, new, a]);
}

#[tokio::test]
async fn the_same_id_in_two_streams_is_two_events() {
    let (store, [id]) = (store().await, ids());
    for stream in [unused("conformance-"), unused("conformance-")] {
        store.write(&stream, with_ids(&[id])).await;
        assert_eq!(store.ids(&stream).await, [id]);
    }
}

#[tokio::test]
async fn one_append_may_hold_the_same_id_many_times() {
    let (store, stream, [id]) = (store().await, unused("conformance-"), ids());
    assert_eq!(
        store
            .write(&stream, with_ids(&[id, id, id]))
            .await
            .next_expected_version,
        2
    );
    assert_eq!(store.ids(&stream).await, [id, id, id]);
}

#[tokio::test]
async fn a_repeated_id_with_another_body_keeps_the_first_body() {
    let (store, stream, [id]) = (store().await, unused("conformance-"), ids());
    store.write(&stream, vec![event("First").id(id)]).await;
    store.write(&stream, vec![event("Second").id(id)]).await;
    let read = store.read(&stream).await.unwrap();
    assert_eq!(
        read.iter()
            .map(|event| event.event_type.as_str())
            .collect::<Vec<_>>(),
        ["First"]
    );
}

#[tokio::test]
async fn the_first_append_repeated_after_a_soft_delete_succeeds_without_a_position_and_undeletes_nothing()
 {
    let (store, stream, ids) = (store().await, unused("conformance-"), ids::<2>());
    store.append(&stream, FIRST, with_ids(&ids)).await.unwrap();
    store.delete(&stream, StreamState::Any).await.unwrap();
    let repeated = store.append(&stream, FIRST, with_ids(&ids)).await.unwrap();
    assert_eq!(
        (repeated.next_expected_version, repeated.position),
        (
            1,
            Position {
                commit: 0,
                prepare: 0
            }
        )
    );
    is_not_found(store.read(&stream).await);
}

#[tokio::test]
async fn the_first_append_repeated_after_a_truncation_succeeds_without_a_position() {
    let (store, stream, ids) = (store().await, unused("conformance-"), ids::<2>());
    store.append(&stream, FIRST, with_ids(&ids)).await.unwrap();
    store.write(&stream, events(1)).await;
    store.set_metadata(&stream, &json!({"$tb": 2})).await;
    let repeated = store.append(&stream, FIRST, with_ids(&ids)).await.unwrap();
    assert_eq!(
        (repeated.next_expected_version, repeated.position),
        (
            1,
            Position {
                commit: 0,
                prepare: 0
            }
        )
    );
}

#[tokio::test]
async fn an_append_is_one_transaction_whose_events_lie_together_in_the_log() {
    let store = store().await;
    let (one, other) = (unused("conformance-"), unused("conformance-"));
    let appends = (0..10).flat_map(|_| {
        [
            store.append(&one, StreamState::Any, events(5)),
            store.append(&other, StreamState::Any, events(5)),
        ]
    });
    for outcome in futures::future::join_all(appends).await {
        outcome.unwrap();
    }
    let mut log = store.read(&one).await.unwrap();
    log.extend(store.read(&other).await.unwrap());
    log.sort_by_key(|event| event.position);
    for append in log.chunks(5) {
        assert!(
            append
                .iter()
                .all(|event| event.stream_id() == append[0].stream_id()),
            "{append:?}"
        );
    }
}

#[tokio::test]
async fn a_nil_id_an_empty_type_and_an_id_that_is_no_uuid_are_refused_and_nothing_is_written() {
    let (store, stream) = (store().await, unused("conformance-"));
    let typed = json!({"type": "Tested", "content-type": "application/json"});
    let untyped = json!({"type": "", "content-type": "application/json"});
    let (nil, id) = (Uuid::nil().to_string(), Uuid::new_v4().to_string());
    for event in [
        raw::proposed(&nil, &typed),
        raw::proposed(&id, &untyped),
        raw::proposed("not-a-uuid", &typed),
    ] {
        let (_, ending) = raw::call("Streams/Append", &[raw::append_to(&stream), event]).await;
        assert!(
            ["UNKNOWN", "INVALID_ARGUMENT"].contains(&ending.code),
            "{ending:?}"
        );
    }
    is_not_found(store.read(&stream).await);
}

#[tokio::test]
async fn an_event_without_type_or_content_type_is_refused_by_the_name_of_what_is_missing() {
    let stream = unused("conformance-");
    for metadata in [
        json!({"content-type": "application/json"}),
        json!({"type": "Tested"}),
    ] {
        let event = raw::proposed(&Uuid::new_v4().to_string(), &metadata);
        let (_, ending) = raw::call("Streams/Append", &[raw::append_to(&stream), event]).await;
        assert_eq!(ending.code, "INVALID_ARGUMENT");
        assert_eq!(
            ending.trailers["exception"],
            "missing-required-metadata-property"
        );
        assert_eq!(
            ending.trailers["required-metadata-properties"],
            "type,content-type"
        );
    }
}
