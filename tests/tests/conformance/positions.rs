//! Numbers of events, positions in the log, and `$all`.

use crate::raw;
use crate::support::{event, events, store, unused};
use kurrentdb::{Position, ReadAllOptions, StreamPosition, StreamState, SubscriptionFilter};
use serde_json::json;

#[tokio::test]
async fn numbers_run_from_0_without_gaps_and_are_never_used_again() {
    let store = store().await;
    let stream = store.stream_of(2).await;
    store.write(&stream, events(3)).await;
    assert_eq!(store.numbers(&stream).await, [0, 1, 2, 3, 4]);
    store.delete(&stream, StreamState::Any).await.unwrap();
    store.write(&stream, events(2)).await;
    assert_eq!(store.numbers(&stream).await, [5, 6]);
}

#[tokio::test]
async fn each_event_has_a_position_of_its_own_whose_commit_and_prepare_are_equal() {
    let store = store().await;
    let stream = store.stream_of(5).await;
    let positions: Vec<Position> = store
        .read(&stream)
        .await
        .unwrap()
        .iter()
        .map(|event| event.position)
        .collect();
    assert!(
        positions.windows(2).all(|pair| pair[0] < pair[1]),
        "{positions:?}"
    );
    assert!(
        positions
            .iter()
            .all(|position| position.commit == position.prepare),
        "{positions:?}"
    );
}

#[tokio::test]
async fn an_append_answers_with_the_position_of_its_last_event() {
    let (store, stream) = (store().await, unused("conformance-"));
    let written = store.write(&stream, events(3)).await;
    assert_eq!(
        written.position,
        store.read(&stream).await.unwrap()[2].position
    );
}

#[tokio::test]
async fn the_commit_position_of_a_read_event_is_its_own_position() {
    let (store, prefix) = (store().await, unused("conformance-"));
    let written = store.write(&prefix, events(1)).await;
    let read = store
        .filtered(
            written.position,
            SubscriptionFilter::on_stream_name().add_prefix(&prefix),
        )
        .await;
    assert_eq!(read[0].commit_position, Some(written.position.commit));
}

#[tokio::test]
async fn no_event_stands_at_position_0() {
    let store = store().await;
    let first = store
        .read_all(&ReadAllOptions::default().max_count(1))
        .await
        .unwrap();
    store.stream_of(1).await;
    assert!(
        first
            .iter()
            .all(|event| event.get_original_event().position > Position::start()),
        "{first:?}"
    );
}

#[tokio::test]
async fn a_forward_read_of_all_begins_with_the_event_at_the_position() {
    let store = store().await;
    let stream = unused("conformance-");
    store.write(&stream, events(1)).await;
    let second = store.write(&stream, vec![event("Second")]).await;
    let options = ReadAllOptions::default()
        .position(StreamPosition::Position(second.position))
        .max_count(1);
    let read = store.read_all(&options).await.unwrap();
    assert_eq!(
        (
            read[0].get_original_event().position,
            read[0].get_original_stream_id()
        ),
        (second.position, stream.as_str())
    );
}

#[tokio::test]
async fn a_backward_read_of_all_begins_right_before_the_position() {
    let (store, prefix) = (store().await, unused("conformance-"));
    let first = store.write(&prefix, events(1)).await;
    let second = store.write(&prefix, events(1)).await;
    let filter = SubscriptionFilter::on_stream_name().add_prefix(&prefix);
    let options = ReadAllOptions::default()
        .backwards()
        .position(StreamPosition::Position(second.position))
        .filter(filter)
        .max_count(1);
    let read = store.read_all(&options).await.unwrap();
    assert_eq!(read[0].get_original_event().position, first.position);
}

#[tokio::test]
async fn the_end_of_all_is_right_behind_the_newest_event() {
    let (store, prefix) = (store().await, unused("conformance-"));
    let newest = store.write(&prefix, events(2)).await;
    let filter = SubscriptionFilter::on_stream_name().add_prefix(&prefix);
    for end in [
        StreamPosition::End,
        StreamPosition::Position(Position::end()),
    ] {
        let options = ReadAllOptions::default()
            .position(end)
            .backwards()
            .filter(filter.clone())
            .max_count(1);
        let read = store.read_all(&options).await.unwrap();
        assert_eq!(read[0].get_original_event().position, newest.position);
    }
}

#[tokio::test]
async fn all_holds_the_events_of_many_streams_in_the_order_they_were_written() {
    let (store, prefix) = (store().await, unused("conformance-"));
    let names: Vec<String> = (0..6).map(|n| format!("{prefix}-{}", n % 3)).collect();
    let first = store.write(&names[0], events(1)).await.position;
    for name in &names[1..] {
        store.write(name, events(1)).await;
    }
    let read = store
        .filtered(
            first,
            SubscriptionFilter::on_stream_name().add_prefix(&prefix),
        )
        .await;
    assert_eq!(
        read.iter()
            .map(|event| event.get_original_stream_id())
            .collect::<Vec<_>>(),
        names
    );
}

#[tokio::test]
async fn a_position_between_two_records_is_refused() {
    let store = store().await;
    let stream = unused("conformance-");
    let first = store.write(&stream, events(1)).await.position;
    store.write(&stream, events(1)).await;
    let between = (first.commit + 3).to_string();
    let all =
        json!({"all": {"position": {"commit_position": between, "prepare_position": between}}});
    let (_, ending) = raw::call("Streams/Read", &[raw::read_of_all(&all)]).await;
    assert!(
        ["UNKNOWN", "INVALID_ARGUMENT"].contains(&ending.code),
        "{ending:?}"
    );
}

#[tokio::test]
async fn a_position_whose_commit_is_below_its_prepare_is_refused() {
    let store = store().await;
    let position = store
        .write(&unused("conformance-"), events(1))
        .await
        .position;
    let all = json!({"all": {"position": {
        "commit_position": position.commit.to_string(), "prepare_position": (position.commit + 1).to_string(),
    }}});
    let (_, ending) = raw::call("Streams/Read", &[raw::read_of_all(&all)]).await;
    assert!(
        ["UNKNOWN", "INVALID_ARGUMENT"].contains(&ending.code),
        "{ending:?}"
    );
}

#[tokio::test]
async fn a_forward_read_from_past_the_end_is_empty_and_a_backward_one_fails() {
    let store = store().await;
    let far = store
        .write(&unused("conformance-"), events(1))
        .await
        .position
        .commit
        + (1 << 40);
    let at = StreamPosition::Position(Position {
        commit: far,
        prepare: far,
    });
    assert_eq!(
        store
            .read_all(&ReadAllOptions::default().position(at))
            .await
            .unwrap()
            .len(),
        0
    );
    store
        .read_all(&ReadAllOptions::default().position(at).backwards())
        .await
        .unwrap_err();
}

#[tokio::test]
async fn all_shows_metadata_and_tombstones_and_what_truncation_hides_from_the_stream() {
    let (store, prefix) = (store().await, unused("conformance-"));
    let first = store.write(&prefix, events(2)).await.position;
    store.set_metadata(&prefix, &json!({"$tb": 2})).await;
    store.tombstone(&prefix, StreamState::Any).await.unwrap();
    let filter = SubscriptionFilter::on_stream_name()
        .add_prefix(&prefix)
        .add_prefix(format!("$${prefix}"));
    let read = store.filtered(first, filter).await;
    let shown: Vec<(&str, u64)> = read
        .iter()
        .map(|e| {
            (
                e.get_original_event().event_type.as_str(),
                e.get_original_event().revision,
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("Tested", 1),
            ("$metadata", 0),
            ("$streamDeleted", i64::MAX as u64)
        ]
    );
}

#[tokio::test]
async fn all_shows_the_events_of_a_soft_deleted_stream() {
    let (store, prefix) = (store().await, unused("conformance-"));
    let first = store.write(&prefix, vec![event("Hidden")]).await.position;
    store.delete(&prefix, StreamState::Any).await.unwrap();
    let read = store
        .filtered(
            first,
            SubscriptionFilter::on_stream_name().add_prefix(&prefix),
        )
        .await;
    assert_eq!(
        read.iter()
            .map(|event| event.get_original_event().event_type.as_str())
            .collect::<Vec<_>>(),
        ["Hidden"]
    );
}
