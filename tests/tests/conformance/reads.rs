//! The messages of stream reads, in every shape, and links.

use crate::raw;
use crate::support::{Seen, Store, events, is_not_found, store, unused};
use kurrentdb::{
    EventData, ReadAllOptions, ReadStreamOptions, ResolvedEvent, StreamPosition, StreamState,
    SubscriptionFilter,
};
use serde_json::{Value, json};
use uuid::Uuid;

fn forwards_from(number: u64) -> ReadStreamOptions {
    ReadStreamOptions::default().position(StreamPosition::Position(number))
}

fn backwards() -> ReadStreamOptions {
    ReadStreamOptions::default().position(StreamPosition::End)
}

fn numbered(numbers: impl IntoIterator<Item = u64>) -> Vec<Seen> {
    numbers.into_iter().map(Seen::Event).collect()
}

fn and_last(mut seen: Vec<Seen>, last: u64) -> Vec<Seen> {
    seen.push(Seen::Last(last));
    seen
}

#[tokio::test]
async fn a_forward_read_gives_all_events_and_then_the_last_stream_position() {
    let store = store().await;
    let stream = store.stream_of(10).await;
    assert_eq!(
        store.messages(&stream, &ReadStreamOptions::default()).await,
        and_last(numbered(0..10), 9)
    );
}

#[tokio::test]
async fn a_forward_read_begins_with_the_event_of_its_revision() {
    let store = store().await;
    let stream = store.stream_of(10).await;
    assert_eq!(
        store.messages(&stream, &forwards_from(3)).await,
        and_last(numbered(3..10), 9)
    );
    assert_eq!(
        store.messages(&stream, &forwards_from(9)).await,
        and_last(numbered([9]), 9)
    );
}

#[tokio::test]
async fn the_last_stream_position_is_that_of_the_stream_also_when_the_count_cut_the_read() {
    let store = store().await;
    let stream = store.stream_of(10).await;
    assert_eq!(
        store
            .messages(&stream, &forwards_from(3).max_count(2))
            .await,
        and_last(numbered([3, 4]), 9)
    );
    assert_eq!(
        store.messages(&stream, &backwards().max_count(3)).await,
        and_last(numbered([9, 8, 7]), 9)
    );
}

#[tokio::test]
async fn a_backward_read_from_the_end_gives_all_events_newest_first() {
    let store = store().await;
    let stream = store.stream_of(10).await;
    assert_eq!(
        store.messages(&stream, &backwards()).await,
        and_last(numbered((0..10).rev()), 9)
    );
}

#[tokio::test]
async fn a_backward_read_begins_with_the_event_of_its_revision() {
    let store = store().await;
    let stream = store.stream_of(10).await;
    assert_eq!(
        store.messages(&stream, &forwards_from(4).backwards()).await,
        and_last(numbered((0..5).rev()), 9)
    );
    assert_eq!(
        store.messages(&stream, &forwards_from(0).backwards()).await,
        and_last(numbered([0]), 9)
    );
}

#[tokio::test]
async fn a_backward_read_from_past_the_end_begins_with_the_last_event() {
    let store = store().await;
    let stream = store.stream_of(3).await;
    assert_eq!(
        store
            .messages(&stream, &forwards_from(50).backwards())
            .await,
        and_last(numbered([2, 1, 0]), 2)
    );
}

#[tokio::test]
async fn a_forward_read_from_the_next_number_gives_the_last_stream_position_only() {
    let store = store().await;
    let stream = store.stream_of(10).await;
    assert_eq!(
        store.messages(&stream, &forwards_from(10)).await,
        [Seen::Last(9)]
    );
}

#[tokio::test]
async fn a_forward_read_from_beyond_the_next_number_says_where_the_first_would_be() {
    let store = store().await;
    let stream = store.stream_of(10).await;
    assert_eq!(
        store.messages(&stream, &forwards_from(500)).await,
        [Seen::First(10), Seen::Last(9)]
    );
}

#[tokio::test]
async fn a_read_longer_than_any_page_is_whole_and_in_order() {
    let store = store().await;
    let stream = store.stream_of(1_000).await;
    assert_eq!(
        store.messages(&stream, &ReadStreamOptions::default()).await,
        and_last(numbered(0..1_000), 999)
    );
    assert_eq!(
        store.messages(&stream, &backwards()).await,
        and_last(numbered((0..1_000).rev()), 999)
    );
}

#[tokio::test]
async fn a_missing_stream_is_not_found_in_every_shape_of_read() {
    let (store, stream) = (store().await, unused("conformance-"));
    for options in [
        ReadStreamOptions::default(),
        backwards(),
        forwards_from(5),
        forwards_from(5).backwards(),
    ] {
        is_not_found(store.read_with(&stream, &options).await);
        is_not_found(store.read_with(&stream, &options.max_count(1)).await);
    }
}

#[tokio::test]
async fn a_missing_stream_is_a_message_and_an_end_that_is_ok() {
    let stream = unused("conformance-");
    let (came, ending) = raw::call("Streams/Read", &[raw::read_of(&stream, &json!({}))]).await;
    assert_eq!(
        came,
        [json!({"stream_not_found": {"stream_identifier": {"stream_name": stream}}})]
    );
    assert_eq!(ending.code, "OK");
}

#[tokio::test]
async fn without_the_control_option_neither_first_nor_last_position_is_sent() {
    let store = store().await;
    let stream = store.stream_of(2).await;
    for revision in ["0", "500"] {
        let changes = json!({
            "control_option": null,
            "stream": {"stream_identifier": {"stream_name": stream}, "revision": revision},
        });
        let (came, _) = raw::call("Streams/Read", &[raw::read_of(&stream, &changes)]).await;
        assert!(
            came.iter().all(|message| message.get("event").is_some()),
            "{came:?}"
        );
    }
}

#[tokio::test]
async fn ids_come_back_in_the_form_that_was_asked_for() {
    let (store, stream, id) = (store().await, unused("conformance-"), Uuid::new_v4());
    store
        .write(
            &stream,
            vec![EventData::binary("Tested", "x".into()).id(id)],
        )
        .await;
    let shown = |came: &[Value]| came[0]["event"]["event"]["id"].clone();
    let (came, _) = raw::call("Streams/Read", &[raw::read_of(&stream, &json!({}))]).await;
    assert_eq!(shown(&came), json!({"string": id.to_string()}));
    let (came, _) = raw::call(
        "Streams/Read",
        &[raw::read_of(
            &stream,
            &json!({"uuid_option": {"structured": {}}}),
        )],
    )
    .await;
    let (most, least) = id.as_u64_pair();
    let structured = json!({"most_significant_bits": most.cast_signed().to_string(), "least_significant_bits": least.cast_signed().to_string()});
    assert_eq!(shown(&came), json!({"structured": structured}));
}

fn link(to: &str) -> EventData {
    EventData::binary("$>", to.to_owned().into()).id(Uuid::new_v4())
}

/// What a read event shows of itself and of its link: numbers in their streams.
fn resolved(event: &ResolvedEvent) -> (Option<u64>, Option<u64>) {
    (
        event.event.as_ref().map(|event| event.revision),
        event.link.as_ref().map(|link| link.revision),
    )
}

/// A stream with three events, and one with links to its second event, to a missing event, to a
/// missing stream, to nothing.
async fn links(store: &Store) -> (String, String) {
    let (target, links) = (store.stream_of(3).await, unused("conformance-links-"));
    let none = unused("conformance-");
    let to = [
        format!("1@{target}"),
        format!("9@{target}"),
        format!("0@{none}"),
        "garbage".to_owned(),
    ];
    store
        .write(&links, to.iter().map(|to| link(to)).collect())
        .await;
    (target, links)
}

#[tokio::test]
async fn links_that_are_not_to_be_resolved_are_events_like_any() {
    let store = store().await;
    let (_, links) = links(&store).await;
    let read = store
        .read_with(&links, &ReadStreamOptions::default())
        .await
        .unwrap();
    assert_eq!(
        read.iter().map(resolved).collect::<Vec<_>>(),
        [0, 1, 2, 3].map(|number| (Some(number), None))
    );
}

#[tokio::test]
async fn a_resolved_link_shows_its_target_and_itself_and_one_whose_target_is_gone_only_itself() {
    let store = store().await;
    let (_, links) = links(&store).await;
    let read = store
        .read_with(&links, &ReadStreamOptions::default().resolve_link_tos())
        .await
        .unwrap();
    let shown: Vec<_> = read.iter().map(resolved).collect();
    assert_eq!(
        shown,
        [
            (Some(1), Some(0)),
            (None, Some(1)),
            (None, Some(2)),
            (Some(3), None)
        ]
    );
}

#[tokio::test]
async fn a_link_to_what_was_truncated_deleted_or_tombstoned_shows_only_itself() {
    let store = store().await;
    let options = ReadStreamOptions::default().resolve_link_tos().max_count(1);
    let (truncated, to_truncated) = links(&store).await;
    store.set_metadata(&truncated, &json!({"$tb": 2})).await;
    let (deleted, to_deleted) = links(&store).await;
    store.delete(&deleted, StreamState::Any).await.unwrap();
    let (tombstoned, to_tombstoned) = links(&store).await;
    store
        .tombstone(&tombstoned, StreamState::Any)
        .await
        .unwrap();
    for links in [to_truncated, to_deleted, to_tombstoned] {
        let read = store.read_with(&links, &options).await.unwrap();
        assert_eq!(
            read.iter().map(resolved).collect::<Vec<_>>(),
            [(None, Some(0))]
        );
    }
}

#[tokio::test]
async fn order_and_position_of_a_resolved_event_are_those_of_its_link() {
    let store = store().await;
    let (target, links) = (store.stream_of(1).await, unused("conformance-links-"));
    let written = store
        .write(&links, vec![link(&format!("0@{target}"))])
        .await
        .position;
    let filter = SubscriptionFilter::on_stream_name().add_prefix(&links);
    let options = ReadAllOptions::default()
        .position(StreamPosition::Position(written))
        .filter(filter)
        .resolve_link_tos();
    let read = store.read_all(&options).await.unwrap();
    assert_eq!(
        (resolved(&read[0]), read[0].commit_position),
        ((Some(0), Some(0)), Some(written.commit))
    );
    assert!(read[0].event.as_ref().unwrap().position < written);
}

#[tokio::test]
async fn a_tombstoned_stream_fails_at_the_call_before_any_header() {
    let store = store().await;
    let stream = store.tombstoned_stream().await;
    assert!(
        store
            .client
            .read_stream(stream.as_str(), &ReadStreamOptions::default())
            .await
            .is_err()
    );
    let (_, ending) = raw::call("Streams/Read", &[raw::read_of(&stream, &json!({}))]).await;
    assert!(ending.trailers_only, "{ending:?}");
}

#[tokio::test]
async fn events_written_while_a_stream_is_read_neither_disturb_nor_tear_the_read() {
    let store = store().await;
    let stream = store.stream_of(500).await;
    let (read, _) = tokio::join!(store.numbers(&stream), async {
        for _ in 0..10 {
            store.write(&stream, events(20)).await;
        }
    });
    assert!(
        read.len() >= 500 && read.iter().copied().eq(0..read.len() as u64),
        "{} events",
        read.len()
    );
}
