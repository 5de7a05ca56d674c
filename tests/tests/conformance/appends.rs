//! The table of expected revisions: the state of the stream against what the writer says it is.

use crate::raw;
use crate::support::{conflict, event, events, is_deleted, is_not_found, store, unused};
use kurrentdb::{CurrentRevision, Position, StreamState};
use serde_json::json;

const NOWHERE: Position = Position {
    commit: 0,
    prepare: 0,
};

#[tokio::test]
async fn a_stream_that_never_existed_takes_an_append_with_any_and_numbers_from_0() {
    let (store, stream) = (store().await, unused("conformance-"));
    assert_eq!(
        store
            .append(&stream, StreamState::Any, events(2))
            .await
            .unwrap()
            .next_expected_version,
        1
    );
    assert_eq!(store.numbers(&stream).await, [0, 1]);
}

#[tokio::test]
async fn a_stream_that_never_existed_takes_an_append_with_no_stream() {
    let (store, stream) = (store().await, unused("conformance-"));
    assert_eq!(
        store
            .append(&stream, StreamState::NoStream, events(2))
            .await
            .unwrap()
            .next_expected_version,
        1
    );
}

#[tokio::test]
async fn a_stream_that_never_existed_refuses_stream_exists() {
    let (store, stream) = (store().await, unused("conformance-"));
    let outcome = store
        .append(&stream, StreamState::StreamExists, events(1))
        .await;
    assert_eq!(
        conflict(outcome),
        (StreamState::StreamExists, CurrentRevision::NoStream)
    );
    is_not_found(store.read(&stream).await);
}

#[tokio::test]
async fn a_stream_that_never_existed_refuses_every_exact_revision() {
    let (store, stream) = (store().await, unused("conformance-"));
    for revision in [0, 7] {
        let outcome = store
            .append(&stream, StreamState::StreamRevision(revision), events(1))
            .await;
        assert_eq!(
            conflict(outcome),
            (
                StreamState::StreamRevision(revision),
                CurrentRevision::NoStream
            )
        );
    }
    is_not_found(store.read(&stream).await);
}

#[tokio::test]
async fn a_stream_of_which_only_the_metadata_stream_exists_takes_stream_exists() {
    let (store, stream) = (store().await, unused("conformance-"));
    store.set_metadata(&stream, &json!({"owner": "x"})).await;
    assert_eq!(
        store
            .append(&stream, StreamState::StreamExists, events(2))
            .await
            .unwrap()
            .next_expected_version,
        1
    );
}

#[tokio::test]
async fn a_stream_of_which_only_the_metadata_stream_exists_refuses_every_exact_revision() {
    let (store, stream) = (store().await, unused("conformance-"));
    store.set_metadata(&stream, &json!({"owner": "x"})).await;
    let outcome = store
        .append(&stream, StreamState::StreamRevision(0), events(1))
        .await;
    assert_eq!(
        conflict(outcome),
        (StreamState::StreamRevision(0), CurrentRevision::NoStream)
    );
}

#[tokio::test]
async fn an_existing_stream_takes_an_append_with_any() {
    let store = store().await;
    let stream = store.stream_of(3).await;
    assert_eq!(
        store
            .append(&stream, StreamState::Any, events(2))
            .await
            .unwrap()
            .next_expected_version,
        4
    );
    assert_eq!(store.numbers(&stream).await, [0, 1, 2, 3, 4]);
}

#[tokio::test]
async fn an_existing_stream_takes_an_append_with_stream_exists() {
    let store = store().await;
    let stream = store.stream_of(3).await;
    assert_eq!(
        store
            .append(&stream, StreamState::StreamExists, events(2))
            .await
            .unwrap()
            .next_expected_version,
        4
    );
}

#[tokio::test]
async fn an_existing_stream_refuses_no_stream_and_names_its_last_event() {
    let store = store().await;
    let stream = store.stream_of(3).await;
    let outcome = store
        .append(&stream, StreamState::NoStream, events(1))
        .await;
    assert_eq!(
        conflict(outcome),
        (StreamState::NoStream, CurrentRevision::Current(2))
    );
    assert_eq!(store.numbers(&stream).await, [0, 1, 2]);
}

#[tokio::test]
async fn an_existing_stream_takes_its_exact_last_revision() {
    let store = store().await;
    let stream = store.stream_of(3).await;
    assert_eq!(
        store
            .append(&stream, StreamState::StreamRevision(2), events(2))
            .await
            .unwrap()
            .next_expected_version,
        4
    );
}

#[tokio::test]
async fn an_existing_stream_refuses_an_exact_revision_beyond_its_last() {
    let store = store().await;
    let stream = store.stream_of(3).await;
    let outcome = store
        .append(&stream, StreamState::StreamRevision(7), events(1))
        .await;
    assert_eq!(
        conflict(outcome),
        (StreamState::StreamRevision(7), CurrentRevision::Current(2))
    );
}

#[tokio::test]
async fn an_existing_stream_refuses_an_exact_revision_before_its_last() {
    let store = store().await;
    let stream = store.stream_of(3).await;
    let outcome = store
        .append(&stream, StreamState::StreamRevision(0), events(1))
        .await;
    assert_eq!(
        conflict(outcome),
        (StreamState::StreamRevision(0), CurrentRevision::Current(2))
    );
    assert_eq!(store.numbers(&stream).await, [0, 1, 2]);
}

#[tokio::test]
async fn a_soft_deleted_stream_takes_an_append_with_any_and_goes_on_after_its_last_number() {
    let store = store().await;
    let stream = store.deleted_stream().await;
    assert_eq!(
        store
            .append(&stream, StreamState::Any, events(2))
            .await
            .unwrap()
            .next_expected_version,
        4
    );
    assert_eq!(store.numbers_again(&stream).await, [3, 4]);
}

#[tokio::test]
async fn a_soft_deleted_stream_takes_an_append_with_no_stream_and_goes_on_after_its_last_number() {
    let store = store().await;
    let stream = store.deleted_stream().await;
    assert_eq!(
        store
            .append(&stream, StreamState::NoStream, events(2))
            .await
            .unwrap()
            .next_expected_version,
        4
    );
    assert_eq!(store.numbers_again(&stream).await, [3, 4]);
}

#[tokio::test]
async fn a_soft_deleted_stream_answers_stream_exists_with_stream_deleted() {
    let store = store().await;
    let stream = store.deleted_stream().await;
    is_deleted(
        store
            .append(&stream, StreamState::StreamExists, events(1))
            .await,
    );
    is_not_found(store.read(&stream).await);
}

#[tokio::test]
async fn a_soft_deleted_stream_judges_exact_revisions_as_if_it_were_not_deleted() {
    let store = store().await;
    let stream = store.deleted_stream().await;
    for revision in [0, 7] {
        let outcome = store
            .append(&stream, StreamState::StreamRevision(revision), events(1))
            .await;
        assert_eq!(
            conflict(outcome),
            (
                StreamState::StreamRevision(revision),
                CurrentRevision::Current(2)
            )
        );
    }
    assert_eq!(
        store
            .append(&stream, StreamState::StreamRevision(2), events(1))
            .await
            .unwrap()
            .next_expected_version,
        3
    );
    assert_eq!(store.numbers(&stream).await, [3]);
}

#[tokio::test]
async fn a_tombstoned_stream_answers_every_expected_revision_with_stream_deleted() {
    let store = store().await;
    let stream = store.tombstoned_stream().await;
    let exact = [0, 2, 7].map(StreamState::StreamRevision);
    for expected in [
        StreamState::Any,
        StreamState::NoStream,
        StreamState::StreamExists,
    ]
    .into_iter()
    .chain(exact)
    {
        is_deleted(store.append(&stream, expected, events(1)).await);
        is_deleted(store.append(&stream, expected, Vec::new()).await);
    }
}

#[tokio::test]
async fn an_append_without_events_to_a_stream_that_never_existed_succeeds_and_makes_no_stream() {
    let (store, stream) = (store().await, unused("conformance-"));
    for expected in [StreamState::Any, StreamState::NoStream] {
        assert_eq!(
            store
                .append(&stream, expected, Vec::new())
                .await
                .unwrap()
                .next_expected_version,
            0
        );
    }
    is_not_found(store.read(&stream).await);
}

#[tokio::test]
async fn an_append_without_events_is_judged_by_its_expected_revision_alone() {
    let store = store().await;
    let stream = store.stream_of(3).await;
    for expected in [
        StreamState::Any,
        StreamState::StreamExists,
        StreamState::StreamRevision(2),
    ] {
        assert_eq!(
            store
                .append(&stream, expected, Vec::new())
                .await
                .unwrap()
                .next_expected_version,
            2
        );
    }
    for expected in [
        StreamState::NoStream,
        StreamState::StreamRevision(0),
        StreamState::StreamRevision(7),
    ] {
        assert_eq!(
            conflict(store.append(&stream, expected, Vec::new()).await),
            (expected, CurrentRevision::Current(2))
        );
    }
    assert_eq!(store.numbers(&stream).await, [0, 1, 2]);
}

#[tokio::test]
async fn an_append_without_events_has_a_position_of_its_own() {
    let store = store().await;
    let stream = unused("conformance-");
    let before = store.write(&stream, events(1)).await.position;
    let empty = store.write(&stream, Vec::new()).await.position;
    let after = store.write(&stream, events(1)).await.position;
    assert!(before < empty && empty < after, "{before} {empty} {after}");
    assert_ne!(empty, NOWHERE);
}

#[tokio::test]
async fn an_append_without_events_undeletes_a_soft_deleted_stream() {
    let store = store().await;
    let stream = store.deleted_stream().await;
    assert_eq!(
        store
            .append(&stream, StreamState::Any, Vec::new())
            .await
            .unwrap()
            .next_expected_version,
        2
    );
    assert_eq!(store.numbers_again(&stream).await, Vec::<u64>::new());
}

#[tokio::test]
async fn an_append_without_events_and_with_no_stream_is_refused_by_a_soft_deleted_stream() {
    let store = store().await;
    let stream = store.deleted_stream().await;
    let outcome = store
        .append(&stream, StreamState::NoStream, Vec::new())
        .await;
    assert_eq!(
        conflict(outcome),
        (StreamState::NoStream, CurrentRevision::Current(2))
    );
    is_not_found(store.read(&stream).await);
}

#[tokio::test]
async fn a_wrong_expected_version_is_a_normal_reply_that_fills_the_older_fields_too() {
    let store = store().await;
    let stream = store.stream_of(3).await;
    let options =
        json!({"options": {"stream_identifier": {"stream_name": stream}, "no_stream": {}}});
    let new = raw::proposed(
        &uuid::Uuid::new_v4().to_string(),
        &json!({"type": "Tested", "content-type": "application/json"}),
    );
    let (came, ending) = raw::call("Streams/Append", &[options, new]).await;
    assert_eq!(ending.code, "OK");
    let conflict = json!({
        "current_revision_20_6_0": "2", "expected_revision_20_6_0": u64::MAX.to_string(),
        "current_revision": "2", "expected_no_stream": {},
    });
    assert_eq!(came, [json!({"wrong_expected_version": conflict})]);
}

#[tokio::test]
async fn writers_that_race_for_one_revision_have_exactly_one_winner() {
    let store = store().await;
    let stream = store.stream_of(1).await;
    let attempt = |_| {
        store.append(
            &stream,
            StreamState::StreamRevision(0),
            vec![event("Raced")],
        )
    };
    let mut won = 0;
    for outcome in futures::future::join_all((0..16).map(attempt)).await {
        match outcome {
            Ok(_) => won += 1,
            refused => assert_eq!(
                conflict(refused),
                (StreamState::StreamRevision(0), CurrentRevision::Current(1))
            ),
        }
    }
    assert_eq!(won, 1);
    assert_eq!(store.numbers(&stream).await, [0, 1]);
}
