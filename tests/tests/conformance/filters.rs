//! Server-side filters, and the checkpoints of filtered subscriptions.

use crate::raw;
use crate::support::{Signal, Store, event, events, store, unused};
use kurrentdb::{
    EventData, Position, ReadAllOptions, ResolvedEvent, StreamPosition, SubscribeToAllOptions,
    SubscriptionFilter,
};
use serde_json::json;

fn by_stream() -> SubscriptionFilter {
    SubscriptionFilter::on_stream_name()
}

fn by_type() -> SubscriptionFilter {
    SubscriptionFilter::on_event_type()
}

/// Writes Alpha, Beta and Gamma to one stream and Alpha to another, and gives what a filter lets
/// through of them.
async fn let_through(filter: impl Fn(&str) -> SubscriptionFilter) -> Vec<String> {
    let (store, prefix) = (store().await, unused("conformance-"));
    let before = mark(&store).await;
    store
        .write(
            &format!("{prefix}-x"),
            vec![event("Alpha"), event("Beta"), event("Gamma")],
        )
        .await;
    store
        .write(&format!("{prefix}-y"), vec![event("Alpha")])
        .await;
    let all = store.filtered(before, filter(&prefix)).await;
    let own = all
        .iter()
        .map(ResolvedEvent::get_original_event)
        .filter(|event| event.stream_id().contains(&prefix));
    own.map(|event| {
        format!(
            "{} {}",
            event.stream_id().replace(&prefix, ""),
            event.event_type
        )
    })
    .collect()
}

/// A position before everything that is written later.
async fn mark(store: &Store) -> Position {
    store
        .write(&unused("conformance-mark-"), events(1))
        .await
        .position
}

#[tokio::test]
async fn prefixes_of_stream_names_are_alternatives() {
    let both = let_through(|prefix| {
        by_stream()
            .add_prefix(format!("{prefix}-x"))
            .add_prefix(format!("{prefix}-y"))
    })
    .await;
    assert_eq!(both, ["-x Alpha", "-x Beta", "-x Gamma", "-y Alpha"]);
    assert_eq!(
        let_through(|prefix| by_stream().add_prefix(format!("{prefix}-y"))).await,
        ["-y Alpha"]
    );
}

#[tokio::test]
async fn prefixes_of_event_types_are_alternatives() {
    assert_eq!(
        let_through(|_| by_type().add_prefix("Al").add_prefix("Ga")).await,
        ["-x Alpha", "-x Gamma", "-y Alpha"]
    );
}

#[tokio::test]
async fn a_regular_expression_is_not_anchored() {
    assert_eq!(let_through(|_| by_type().regex("et")).await, ["-x Beta"]);
}

#[tokio::test]
async fn a_regular_expression_may_look_ahead() {
    let own = |_: &str| by_type().regex("^(?!(\\$.+$|Alpha))");
    assert_eq!(let_through(own).await, ["-x Beta", "-x Gamma"]);
}

#[tokio::test]
async fn a_regular_expression_on_stream_names() {
    assert_eq!(
        let_through(|prefix| by_stream().regex(format!("^{prefix}.*y$"))).await,
        ["-y Alpha"]
    );
}

#[tokio::test]
async fn a_regular_expression_wins_over_prefixes() {
    assert_eq!(
        let_through(|_| by_type().regex("^Beta$").add_prefix("Alpha")).await,
        ["-x Beta"]
    );
}

#[tokio::test]
async fn a_filter_tells_upper_from_lower_case() {
    assert_eq!(
        let_through(|_| by_type().add_prefix("al")).await,
        Vec::<String>::new()
    );
    assert_eq!(
        let_through(|_| by_type().regex("^alpha$")).await,
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn a_filter_without_regular_expression_and_prefix_matches_nothing() {
    assert_eq!(let_through(|_| by_type()).await, Vec::<String>::new());
}

#[tokio::test]
async fn system_events_can_be_excluded() {
    let (store, stream) = (store().await, unused("conformance-"));
    let first = store.set_metadata(&stream, &json!({"k": 1})).await.position;
    store.write(&stream, events(1)).await;
    let read = store
        .filtered(first, by_type().exclude_system_events())
        .await;
    assert!(
        read.iter()
            .all(|event| !event.get_original_event().event_type.starts_with('$'))
    );
    assert!(
        read.iter()
            .any(|event| event.get_original_stream_id() == stream)
    );
}

#[tokio::test]
async fn a_filter_looks_at_the_link_and_not_at_its_target() {
    let (store, prefix) = (store().await, unused("conformance-"));
    let target = format!("{prefix}-target");
    let first = store.write(&target, vec![event("Aimed")]).await.position;
    let link = EventData::binary("$>", format!("0@{target}").into());
    store.write(&format!("{prefix}-link"), vec![link]).await;
    let options = ReadAllOptions::default()
        .position(StreamPosition::Position(first))
        .resolve_link_tos();
    let read = store
        .read_all(&options.clone().filter(by_type().add_prefix("Aimed")))
        .await
        .unwrap();
    let own = read
        .iter()
        .filter(|event| event.get_original_stream_id().starts_with(&prefix));
    assert!(own.map(|event| event.link.is_some()).eq([false]));
    let read = store
        .read_all(&options.filter(by_stream().add_prefix(format!("{prefix}-link"))))
        .await
        .unwrap();
    assert!(read.iter().map(|event| event.link.is_some()).eq([true]));
}

#[tokio::test]
async fn the_count_of_a_filtered_read_counts_what_matches() {
    let (store, prefix) = (store().await, unused("conformance-"));
    let before = mark(&store).await;
    for _ in 0..5 {
        store.write(&prefix, events(1)).await;
        store.write(&unused("conformance-other-"), events(10)).await;
    }
    let filter = by_stream().add_prefix(&prefix);
    let options = ReadAllOptions::default()
        .position(StreamPosition::Position(before))
        .filter(filter)
        .max_count(3);
    assert_eq!(store.read_all(&options).await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_regular_expression_that_does_not_compile_is_refused() {
    let filter = json!({"filter": {"event_type": {"regex": "(["}, "max": 10, "checkpointIntervalMultiplier": 1}, "no_filter": null});
    let (_, ending) = raw::call("Streams/Read", &[raw::read_of_all(&filter)]).await;
    assert!(
        ["UNKNOWN", "INVALID_ARGUMENT"].contains(&ending.code),
        "{ending:?}"
    );
}

#[tokio::test]
async fn a_checkpoint_interval_multiplier_of_0_is_refused() {
    let changes = json!({
        "filter": {"event_type": {"prefix": ["A"]}, "max": 10, "checkpointIntervalMultiplier": 0}, "no_filter": null,
        "count": null, "subscription": {},
    });
    let (_, ending) = raw::call("Streams/Read", &[raw::read_of_all(&changes)]).await;
    assert!(
        ["UNKNOWN", "INVALID_ARGUMENT"].contains(&ending.code),
        "{ending:?}"
    );
}

/// The positions of the checkpoints among signals.
fn checkpoints(signals: &[Signal]) -> Vec<(u64, u64)> {
    let pairs = signals.iter().filter_map(|signal| match signal {
        Signal::Checkpoint(commit, prepare) => Some((*commit, *prepare)),
        _ => None,
    });
    pairs.collect()
}

#[tokio::test]
async fn checkpoints_never_go_back_and_the_one_before_caught_up_covers_all_that_was_there() {
    let (store, prefix) = (store().await, unused("conformance-"));
    let first = store.write(&prefix, events(1)).await.position;
    store.write(&unused("conformance-other-"), events(70)).await;
    let last = store
        .write(&unused("conformance-other-"), events(1))
        .await
        .position;
    let options = SubscribeToAllOptions::default().position(StreamPosition::Position(first));
    let filter = by_stream().add_prefix(&prefix).max(2);
    let signals = store
        .follow_all(&options.filter(filter))
        .await
        .until_caught_up()
        .await;
    let checkpoints = checkpoints(&signals);
    assert!(
        checkpoints.windows(2).all(|pair| pair[0] < pair[1]),
        "{checkpoints:?}"
    );
    let newest = checkpoints.last().expect("a checkpoint");
    // With a prepare position of 0 a checkpoint covers what lies before its commit position, else
    // also what lies there.
    assert!(
        *newest >= (last.commit, last.prepare) || newest.0 > last.commit,
        "{newest:?} does not cover {last}"
    );
}

#[tokio::test]
async fn a_live_subscription_gets_a_checkpoint_for_each_window_of_considered_events() {
    let (store, prefix) = (store().await, unused("conformance-"));
    let options = SubscribeToAllOptions::default().position(StreamPosition::End);
    let mut following = store
        .follow_all(&options.filter(by_stream().add_prefix(&prefix).max(2)))
        .await;
    following.until_caught_up().await;
    let ours = store
        .write(&unused("conformance-other-"), events(4))
        .await
        .position;
    let mut reached = Vec::new();
    while reached
        .last()
        .is_none_or(|reached| *reached < (ours.commit - 1, 0))
        && reached.len() < 200
    {
        reached.extend(checkpoints(&following.take(1).await));
    }
    assert!(
        reached.windows(2).all(|pair| pair[0] < pair[1]),
        "{reached:?}"
    );
}

#[tokio::test]
async fn a_checkpoint_resumes_without_loss_or_repeat() {
    let (store, prefix) = (store().await, unused("conformance-"));
    let first = store.write(&prefix, events(1)).await.position;
    store.write(&unused("conformance-other-"), events(50)).await;
    let options = |from: Position| {
        let filter = by_stream().add_prefix(&prefix).max(1);
        SubscribeToAllOptions::default()
            .position(StreamPosition::Position(from))
            .filter(filter)
    };
    let signals = store
        .follow_all(&options(first))
        .await
        .until_caught_up()
        .await;
    let (commit, prepare) = *checkpoints(&signals).last().expect("a checkpoint");
    store.write(&prefix, events(2)).await;
    let resumed = store
        .follow_all(&options(Position { commit, prepare }))
        .await
        .events(2)
        .await;
    assert!(
        resumed
            .iter()
            .map(|event| event.get_original_event().revision)
            .eq([1, 2])
    );
}
