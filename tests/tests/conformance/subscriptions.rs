//! Subscriptions: what comes first, what comes when, and that nothing is lost or doubled.

use crate::raw;
use crate::support::{
    Following, Signal, connect, connection_string, event, events, is_deleted, store, unused,
};
use kurrentdb::{
    EventData, Position, StreamPosition, StreamState, SubscribeToAllOptions,
    SubscribeToStreamOptions, SubscriptionFilter,
};
use peerage_tests::golden::wire::Came;
use serde_json::json;

const CAUGHT_UP: [Signal; 2] = [Signal::Confirmed, Signal::CaughtUp];

#[tokio::test]
async fn a_subscription_is_confirmed_first_then_catches_up_then_is_live() {
    let store = store().await;
    let stream = store.stream_of(2).await;
    let mut following = store.follow(&stream, StreamPosition::Start).await;
    let caught_up = [
        Signal::Confirmed,
        Signal::Event(0),
        Signal::Event(1),
        Signal::CaughtUp,
    ];
    assert_eq!(following.until_caught_up().await, caught_up);
    store.write(&stream, events(2)).await;
    assert_eq!(
        following.take(2).await,
        [Signal::Event(2), Signal::Event(3)]
    );
}

#[tokio::test]
async fn a_subscription_from_a_revision_excludes_it() {
    let store = store().await;
    let stream = store.stream_of(3).await;
    let mut following = store.follow(&stream, StreamPosition::Position(0)).await;
    assert_eq!(
        following.until_caught_up().await,
        [
            Signal::Confirmed,
            Signal::Event(1),
            Signal::Event(2),
            Signal::CaughtUp
        ]
    );
    let mut at_the_end = store.follow(&stream, StreamPosition::Position(2)).await;
    assert_eq!(at_the_end.until_caught_up().await, CAUGHT_UP);
    store.write(&stream, events(1)).await;
    assert_eq!(at_the_end.take(1).await, [Signal::Event(3)]);
}

#[tokio::test]
async fn a_subscription_from_the_end_gives_only_later_events() {
    let store = store().await;
    let stream = store.stream_of(1).await;
    let mut following = store.follow(&stream, StreamPosition::End).await;
    assert_eq!(following.until_caught_up().await, CAUGHT_UP);
    store.write(&stream, events(1)).await;
    assert_eq!(following.take(1).await, [Signal::Event(1)]);
}

#[tokio::test]
async fn a_stream_that_does_not_exist_yet_can_be_followed() {
    let (store, stream) = (store().await, unused("conformance-"));
    let mut following = store.follow(&stream, StreamPosition::Start).await;
    assert_eq!(following.until_caught_up().await, CAUGHT_UP);
    store.write(&stream, events(1)).await;
    assert_eq!(following.take(1).await, [Signal::Event(0)]);
}

#[tokio::test]
async fn a_subscription_from_beyond_the_last_revision_gives_only_events_after_that_revision() {
    let store = store().await;
    let stream = store.stream_of(1).await;
    let mut following = store.follow(&stream, StreamPosition::Position(2)).await;
    assert_eq!(following.until_caught_up().await, CAUGHT_UP);
    store.write(&stream, events(4)).await;
    assert_eq!(
        following.take(2).await,
        [Signal::Event(3), Signal::Event(4)]
    );
}

#[tokio::test]
async fn a_tombstone_is_delivered_and_then_ends_the_subscription_with_stream_deleted() {
    let store = store().await;
    let stream = store.stream_of(1).await;
    let mut following = store.follow(&stream, StreamPosition::Start).await;
    following.until_caught_up().await;
    store.tombstone(&stream, StreamState::Any).await.unwrap();
    assert_eq!(following.take(1).await, [Signal::Event(i64::MAX as u64)]);
    is_deleted(following.next().await);
}

#[tokio::test]
async fn a_tombstoned_stream_can_not_be_followed() {
    let store = store().await;
    let stream = store.tombstoned_stream().await;
    is_deleted(
        store
            .follow(&stream, StreamPosition::Start)
            .await
            .next()
            .await,
    );
}

#[tokio::test]
async fn a_soft_delete_does_not_end_a_subscription() {
    let store = store().await;
    let stream = store.stream_of(1).await;
    let mut following = store.follow(&stream, StreamPosition::Start).await;
    following.until_caught_up().await;
    store.delete(&stream, StreamState::Any).await.unwrap();
    following.stays_silent().await;
    store.write(&stream, events(1)).await;
    assert_eq!(following.take(1).await, [Signal::Event(1)]);
}

#[tokio::test]
async fn a_soft_deleted_stream_can_be_followed_from_its_start() {
    let store = store().await;
    let stream = store.deleted_stream().await;
    let mut following = store.follow(&stream, StreamPosition::Start).await;
    assert_eq!(following.until_caught_up().await, CAUGHT_UP);
    store.write(&stream, events(1)).await;
    assert_eq!(following.take(1).await, [Signal::Event(3)]);
}

#[tokio::test]
async fn links_are_resolved_on_the_way_and_live() {
    let store = store().await;
    let (target, links) = (store.stream_of(2).await, unused("conformance-links-"));
    let link = |number: u64| EventData::binary("$>", format!("{number}@{target}").into());
    store.write(&links, vec![link(0)]).await;
    let options = SubscribeToStreamOptions::default()
        .start_from(StreamPosition::Start)
        .resolve_link_tos();
    let mut following = Following::of(
        store
            .client
            .subscribe_to_stream(links.as_str(), &options)
            .await,
    );
    let mut came = following.events(1).await;
    store.write(&links, vec![link(1), link(7)]).await;
    came.extend(following.events(2).await);
    let shown: Vec<_> = came
        .iter()
        .map(|event| event.event.as_ref().map(|event| event.revision))
        .collect();
    assert_eq!(shown, [Some(0), Some(1), None]);
}

#[tokio::test]
async fn catch_up_passes_into_live_without_gap_or_repeat_while_others_write() {
    let store = store().await;
    let stream = store.stream_of(200).await;
    let writer = connect(connection_string());
    let mut following = store.follow(&stream, StreamPosition::Start).await;
    let (came, ()) = tokio::join!(following.events(700), async {
        for _ in 0..100 {
            writer.write(&stream, events(5)).await;
        }
    });
    assert!(
        came.iter()
            .map(|event| event.get_original_event().revision)
            .eq(0..700)
    );
}

#[tokio::test]
async fn a_slow_reader_loses_nothing_and_does_not_hold_up_writers() {
    let slow = store().await;
    let writer = connect(connection_string());
    let stream = writer.stream_of(1).await;
    let mut following = slow.follow(&stream, StreamPosition::Start).await;
    following.until_caught_up().await;
    let large = || EventData::binary("Large", vec![b'x'; 16 << 10].into());
    for _ in 0..40 {
        writer
            .write(&stream, (0..20).map(|_| large()).collect())
            .await;
    }
    let came = following.events(800).await;
    assert!(
        came.iter()
            .map(|event| event.get_original_event().revision)
            .eq(1..801)
    );
}

#[tokio::test]
async fn all_is_followed_from_after_the_position_of_an_event() {
    let (store, prefix) = (store().await, unused("conformance-"));
    let first = store.write(&prefix, events(1)).await.position;
    store.write(&prefix, events(1)).await;
    let mut following = store
        .follow_all(&SubscribeToAllOptions::default().position(StreamPosition::Position(first)))
        .await;
    let mut own = Vec::new();
    store.write(&prefix, events(1)).await;
    while own.len() < 2 {
        let event = following.events(1).await.remove(0);
        if event.get_original_stream_id() == prefix {
            own.push(event.get_original_event().revision);
        }
    }
    assert_eq!(own, [1, 2]);
}

#[tokio::test]
async fn all_is_followed_from_its_end() {
    let (store, prefix) = (store().await, unused("conformance-"));
    store.write(&prefix, events(1)).await;
    let options = SubscribeToAllOptions::default().position(StreamPosition::End);
    let filter = SubscriptionFilter::on_stream_name().add_prefix(&prefix);
    let mut following = store.follow_all(&options.filter(filter)).await;
    assert!(
        !following
            .until_caught_up()
            .await
            .contains(&Signal::Event(0))
    );
    store.write(&prefix, vec![event("Later")]).await;
    assert_eq!(
        following.events(1).await[0].get_original_event().revision,
        1
    );
}

#[tokio::test]
async fn an_exclusive_start_compares_commit_and_prepare_so_that_prepare_0_includes_the_event() {
    let (store, prefix) = (store().await, unused("conformance-"));
    let at = store.write(&prefix, events(1)).await.position;
    store.write(&prefix, events(1)).await;
    let (store, prefix) = (&store, &prefix);
    let first_after = |position: Position| {
        let filter = SubscriptionFilter::on_stream_name().add_prefix(prefix);
        let options = SubscribeToAllOptions::default()
            .position(StreamPosition::Position(position))
            .filter(filter);
        async move {
            store.follow_all(&options).await.events(1).await[0]
                .get_original_event()
                .revision
        }
    };
    assert_eq!(
        first_after(Position {
            commit: at.commit,
            prepare: 0
        })
        .await,
        0
    );
    assert_eq!(first_after(at).await, 1);
}

#[tokio::test]
async fn a_subscription_from_a_position_between_records_is_confirmed_and_then_refused() {
    let (store, prefix) = (store().await, unused("conformance-"));
    let first = store.write(&prefix, events(1)).await.position;
    store.write(&prefix, events(1)).await;
    let between = (first.commit + 3).to_string();
    let changes = json!({
        "all": {"position": {"commit_position": between, "prepare_position": between}}, "count": null, "subscription": {},
    });
    let mut call = raw::open("Streams/Read", &[raw::read_of_all(&changes)]).await;
    assert!(matches!(
        raw::next("the confirmation", &mut call).await,
        Came::Message(_)
    ));
    match raw::next("the refusal", &mut call).await {
        Came::Ended(ending) => assert_eq!(ending.code, "INVALID_ARGUMENT"),
        Came::Message(message) => panic!("a refusal was to come: {message:?}"),
    }
}

#[tokio::test]
async fn a_subscription_from_past_the_end_is_caught_up_at_once() {
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
    let mut following = store
        .follow_all(&SubscribeToAllOptions::default().position(at))
        .await;
    assert_eq!(following.take(2).await, CAUGHT_UP);
}

#[tokio::test]
async fn many_subscriptions_on_one_connection_all_deliver() {
    let store = store().await;
    let stream = store.stream_of(1).await;
    let mut all = Vec::new();
    for _ in 0..60 {
        let mut following = store.follow(&stream, StreamPosition::Start).await;
        following.until_caught_up().await;
        all.push(following);
    }
    store.write(&stream, events(1)).await;
    for following in &mut all {
        assert_eq!(following.take(1).await, [Signal::Event(1)]);
    }
}
