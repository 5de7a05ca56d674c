//! Stream metadata, and what truncation by it hides.

use crate::support::{Seen, event, events, is_deleted, is_not_found, store, unused};
use kurrentdb::{
    Acl, AppendToStreamOptions, EventData, ReadStreamOptions, StreamAclBuilder, StreamMetadata,
    StreamMetadataResult, StreamPosition, StreamState,
};
use peerage_tests::wait;
use serde_json::json;
use std::time::Duration;

fn backwards() -> ReadStreamOptions {
    ReadStreamOptions::default().position(StreamPosition::End)
}

fn from(number: u64) -> ReadStreamOptions {
    ReadStreamOptions::default().position(StreamPosition::Position(number))
}

#[tokio::test]
async fn metadata_reads_back_as_it_was_set_with_every_key_and_the_acl() {
    let store = store().await;
    let stream = store.stream_of(1).await;
    let acl = StreamAclBuilder::new()
        .add_read_roles("$all")
        .add_write_roles("ouro")
        .add_write_roles("admin")
        .build();
    let metadata = StreamMetadata::builder()
        .max_count(12)
        .truncate_before(1)
        .acl(Acl::Stream(acl))
        .insert_custom_property("colour", "green")
        .build();
    let options = AppendToStreamOptions::default().stream_state(StreamState::NoStream);
    let written = store
        .client
        .set_stream_metadata(stream.as_str(), &options, &metadata)
        .await
        .unwrap();
    assert_eq!(written.next_expected_version, 0);
    match store
        .client
        .get_stream_metadata(stream.as_str(), &backwards())
        .await
        .unwrap()
    {
        StreamMetadataResult::Success(read) => {
            assert_eq!((read.version(), read.metadata()), (0, &metadata))
        }
        other => panic!("metadata was to come: {other:?}"),
    }
}

#[tokio::test]
async fn a_stream_without_metadata_has_none() {
    let store = store().await;
    let stream = store.stream_of(1).await;
    assert!(
        store
            .client
            .get_stream_metadata(stream.as_str(), &backwards())
            .await
            .unwrap()
            .is_not_found()
    );
}

#[tokio::test]
async fn the_metadata_of_a_tombstoned_stream_reads_as_deleted() {
    let store = store().await;
    let stream = store.stream_of(1).await;
    store.set_metadata(&stream, &json!({"x": 2})).await;
    store.tombstone(&stream, StreamState::Any).await.unwrap();
    is_deleted(
        store
            .client
            .get_stream_metadata(stream.as_str(), &backwards())
            .await,
    );
}

#[tokio::test]
async fn a_metadata_stream_shows_only_its_newest_event() {
    let (store, stream) = (store().await, unused("conformance-"));
    for n in 0..3 {
        store.set_metadata(&stream, &json!({"a": n})).await;
    }
    assert_eq!(
        store
            .messages(&format!("$${stream}"), &ReadStreamOptions::default())
            .await,
        [Seen::Event(2), Seen::Last(2)]
    );
    assert_eq!(store.metadata(&stream).await, Some(json!({"a": 2})));
    is_not_found(store.read(&stream).await);
}

#[tokio::test]
async fn max_count_keeps_the_newest_events() {
    let store = store().await;
    let stream = store.stream_of(10).await;
    store.set_metadata(&stream, &json!({"$maxCount": 3})).await;
    assert_eq!(store.numbers(&stream).await, [7, 8, 9]);
    store.write(&stream, events(1)).await;
    assert_eq!(store.numbers(&stream).await, [8, 9, 10]);
}

#[tokio::test]
async fn truncate_before_hides_the_events_below_it() {
    let store = store().await;
    let stream = store.stream_of(10).await;
    store.set_metadata(&stream, &json!({"$tb": 4})).await;
    assert_eq!(store.numbers(&stream).await, [4, 5, 6, 7, 8, 9]);
}

#[tokio::test]
async fn the_first_visible_event_is_the_later_of_max_count_and_truncate_before() {
    let store = store().await;
    let stream = store.stream_of(10).await;
    store
        .set_metadata(&stream, &json!({"$tb": 4, "$maxCount": 3}))
        .await;
    assert_eq!(store.numbers(&stream).await, [7, 8, 9]);
    store
        .set_metadata(&stream, &json!({"$tb": 8, "$maxCount": 3}))
        .await;
    assert_eq!(store.numbers(&stream).await, [8, 9]);
}

#[tokio::test]
async fn max_age_hides_events_once_they_are_older_than_so_many_seconds() {
    let store = store().await;
    let stream = store.stream_of(2).await;
    store.set_metadata(&stream, &json!({"$maxAge": 1})).await;
    let hidden = || async { store.numbers(&stream).await.is_empty().then_some(()) };
    wait::until(
        "the end of the events' age",
        Duration::from_secs(10),
        hidden,
    )
    .await;
    store.set_metadata(&stream, &json!({"$maxAge": 1000})).await;
    assert_eq!(store.numbers(&stream).await, [0, 1]);
}

#[tokio::test]
async fn a_backward_read_stops_where_truncation_begins() {
    let store = store().await;
    let stream = store.stream_of(10).await;
    store.set_metadata(&stream, &json!({"$maxCount": 3})).await;
    assert_eq!(
        store.messages(&stream, &backwards()).await,
        [
            Seen::Event(9),
            Seen::Event(8),
            Seen::Event(7),
            Seen::Last(9)
        ]
    );
    assert_eq!(
        store.messages(&stream, &from(3).backwards()).await,
        [Seen::Last(9)]
    );
}

#[tokio::test]
async fn a_forward_read_from_below_the_truncation_jumps_to_the_first_visible_event() {
    let store = store().await;
    let stream = store.stream_of(10).await;
    store.set_metadata(&stream, &json!({"$tb": 7})).await;
    let jumped = [
        Seen::First(7),
        Seen::Event(7),
        Seen::Event(8),
        Seen::Event(9),
        Seen::Last(9),
    ];
    assert_eq!(store.messages(&stream, &from(2).max_count(3)).await, jumped);
}

#[tokio::test]
async fn a_stream_that_is_truncated_to_nothing_still_exists() {
    let store = store().await;
    let stream = store.stream_of(10).await;
    store.set_metadata(&stream, &json!({"$tb": 10})).await;
    assert_eq!(
        store.messages(&stream, &ReadStreamOptions::default()).await,
        [Seen::First(10), Seen::Last(9)]
    );
    assert_eq!(
        store
            .append(&stream, StreamState::StreamRevision(9), events(1))
            .await
            .unwrap()
            .next_expected_version,
        10
    );
    assert_eq!(store.numbers(&stream).await, [10]);
}

#[tokio::test]
async fn metadata_with_a_value_of_another_type_or_that_is_no_json_counts_as_none() {
    let store = store().await;
    let senseless = [
        json!({"$maxCount": "x", "$tb": 1}),
        json!({"$maxAge": true, "$tb": 1}),
        json!({"$acl": "$userStreamAcl", "$tb": 1}),
    ];
    for metadata in senseless {
        let stream = store.stream_of(2).await;
        store.set_metadata(&stream, &metadata).await;
        assert_eq!(store.numbers(&stream).await, [0, 1], "{metadata}");
    }
    let stream = store.stream_of(2).await;
    store
        .write(
            &format!("$${stream}"),
            vec![EventData::binary("$metadata", "{\"$tb\":1".into())],
        )
        .await;
    assert_eq!(store.numbers(&stream).await, [0, 1]);
}

#[tokio::test]
async fn live_delivery_is_not_cut_by_truncation() {
    let store = store().await;
    let stream = store.stream_of(6).await;
    store.set_metadata(&stream, &json!({"$maxCount": 2})).await;
    let mut following = store.follow(&stream, StreamPosition::Start).await;
    assert_eq!(
        following
            .events(2)
            .await
            .iter()
            .map(|event| event.get_original_event().revision)
            .collect::<Vec<_>>(),
        [4, 5]
    );
    store
        .write(&stream, vec![event("A"), event("B"), event("C")])
        .await;
    assert_eq!(
        following
            .events(3)
            .await
            .iter()
            .map(|event| event.get_original_event().revision)
            .collect::<Vec<_>>(),
        [6, 7, 8]
    );
}

#[tokio::test]
async fn a_number_out_of_its_range_is_not_said_and_the_other_keys_hold() {
    let store = store().await;
    for metadata in [
        json!({"$maxCount": 0, "$tb": 1}),
        json!({"$maxAge": -1, "$tb": 1}),
        json!({"$cacheControl": 0, "$tb": 1}),
    ] {
        let stream = store.stream_of(3).await;
        store.set_metadata(&stream, &metadata).await;
        assert_eq!(store.numbers(&stream).await, [1, 2], "{metadata}");
    }
    for metadata in [
        json!({"$maxCount": 1.5, "$tb": 1}),
        json!({"$maxCount": 9_223_372_036_854_775_808_u64, "$tb": 1}),
        json!({"$acl": {"$r": 7}, "$tb": 1}),
    ] {
        let stream = store.stream_of(3).await;
        store.set_metadata(&stream, &metadata).await;
        assert_eq!(store.numbers(&stream).await, [0, 1, 2], "{metadata}");
    }
}

#[tokio::test]
async fn a_tombstoned_stream_gets_metadata_only_if_it_had_some_before() {
    let store = store().await;
    let bare = store.tombstoned_stream().await;
    let metadata = || event("$metadata");
    let refused = store
        .append(&format!("$${bare}"), StreamState::Any, vec![metadata()])
        .await;
    is_deleted(refused);
    let described = store.stream_of(1).await;
    store.set_metadata(&described, &json!({"a": 1})).await;
    store.tombstone(&described, StreamState::Any).await.unwrap();
    store.set_metadata(&described, &json!({"a": 2})).await;
}
