//! The table of behaviours that clients' own tests rely on, one test per row.
//!
//! Most rows are looked at closely in the other modules; here each is seen once as a client sees
//! it. Rows about stopping and starting the server use a node of their own.

use crate::raw;
use crate::support::{
    Signal, conflict, connect, connection_string, event, events, ids, is_deleted, is_not_found,
    soon, store, unused, with_ids,
};
use bytes::Bytes;
use chrono::Utc;
use embedded::EmbeddedNode;
use kurrentdb::{
    AppendToStreamOptions, BatchAppendOptions, CurrentRevision, Error, Position, ReadStreamOptions,
    StreamPosition, StreamState, Streaming, SubscribeToAllOptions, SubscriptionFilter, operations,
};
use peerage_tests::golden::wire::Came;
use peerage_tests::wait;
use serde_json::json;
use std::time::{Duration, Instant};

#[tokio::test]
async fn row_1_an_append_to_a_new_stream_answers_with_its_last_revision_and_position() {
    let (store, stream) = (store().await, unused("conformance-"));
    let written = store
        .append(&stream, StreamState::NoStream, events(3))
        .await
        .unwrap();
    let last = store.read(&stream).await.unwrap().pop().unwrap();
    assert_eq!(
        (written.next_expected_version, written.position),
        (2, last.position)
    );
}

#[tokio::test]
async fn row_2_a_wrong_expected_version_tells_the_true_current_revision() {
    let store = store().await;
    let (stream, missing) = (store.stream_of(1).await, unused("conformance-"));
    let outcome = store
        .append(&stream, StreamState::StreamRevision(5), events(1))
        .await;
    assert_eq!(conflict(outcome).1, CurrentRevision::Current(0));
    let outcome = store
        .append(&missing, StreamState::StreamRevision(5), events(1))
        .await;
    assert_eq!(conflict(outcome).1, CurrentRevision::NoStream);
}

#[tokio::test]
async fn row_3_an_idempotent_retry_returns_the_same_position_and_a_mix_of_old_and_new_ids_is_refused()
 {
    let (store, stream, [a, b, c]) = (store().await, unused("conformance-"), ids());
    let written = store
        .append(&stream, StreamState::NoStream, with_ids(&[a, b]))
        .await
        .unwrap();
    let repeated = store
        .append(&stream, StreamState::NoStream, with_ids(&[a, b]))
        .await
        .unwrap();
    assert_eq!(repeated.position, written.position);
    conflict(
        store
            .append(&stream, StreamState::NoStream, with_ids(&[a, c]))
            .await,
    );
    assert_eq!(store.ids(&stream).await, [a, b]);
}

#[tokio::test]
async fn row_4_stream_exists_and_any_follow_the_table() {
    let (store, stream) = (store().await, unused("conformance-"));
    conflict(
        store
            .append(&stream, StreamState::StreamExists, events(1))
            .await,
    );
    store
        .append(&stream, StreamState::Any, events(1))
        .await
        .unwrap();
    store
        .append(&stream, StreamState::StreamExists, events(1))
        .await
        .unwrap();
    assert_eq!(store.numbers(&stream).await, [0, 1]);
}

#[tokio::test]
async fn row_5_a_stream_reads_forwards_backwards_from_a_position_and_up_to_a_limit() {
    let store = store().await;
    let stream = store.stream_of(5).await;
    let at = |number| ReadStreamOptions::default().position(StreamPosition::Position(number));
    for (options, wanted) in [
        (at(1).max_count(2), vec![1, 2]),
        (at(3).backwards().max_count(2), vec![3, 2]),
        (
            ReadStreamOptions::default()
                .position(StreamPosition::End)
                .max_count(2),
            vec![4, 3],
        ),
    ] {
        let read = store.read_with(&stream, &options).await.unwrap();
        assert!(
            read.iter()
                .map(|event| event.get_original_event().revision)
                .eq(wanted)
        );
    }
}

#[tokio::test]
async fn row_6_the_last_stream_position_of_ten_events_is_9() {
    let store = store().await;
    let stream = store.stream_of(10).await;
    let seen = store.messages(&stream, &ReadStreamOptions::default()).await;
    assert_eq!(seen.last(), Some(&crate::support::Seen::Last(9)));
}

#[tokio::test]
async fn row_7_a_missing_stream_is_not_found_at_the_first_event_and_not_at_the_call() {
    let store = store().await;
    let mut read = store
        .client
        .read_stream(unused("conformance-"), &ReadStreamOptions::default())
        .await
        .unwrap();
    is_not_found(read.next().await);
}

#[tokio::test]
async fn row_8_a_tombstoned_stream_is_an_error_at_the_call() {
    let store = store().await;
    let stream = store.tombstoned_stream().await;
    is_deleted(
        store
            .client
            .read_stream(stream, &ReadStreamOptions::default())
            .await,
    );
}

#[tokio::test]
async fn row_9_a_soft_deleted_stream_can_be_written_again_goes_on_counting_and_be_deleted_again() {
    let store = store().await;
    let stream = store.deleted_stream().await;
    assert_eq!(
        store.write(&stream, events(2)).await.next_expected_version,
        4
    );
    assert_eq!(store.numbers_again(&stream).await, [3, 4]);
    store
        .delete(&stream, StreamState::StreamRevision(4))
        .await
        .unwrap();
    store
        .delete(&stream, StreamState::StreamRevision(4))
        .await
        .unwrap();
    is_not_found(store.read(&stream).await);
}

#[tokio::test]
async fn row_10_a_tombstone_follows_the_table() {
    let store = store().await;
    let stream = store.stream_of(1).await;
    store
        .tombstone(&stream, StreamState::StreamRevision(7))
        .await
        .unwrap_err();
    store
        .tombstone(&stream, StreamState::StreamRevision(0))
        .await
        .unwrap();
    is_deleted(store.tombstone(&stream, StreamState::Any).await);
}

#[tokio::test]
async fn row_11_metadata_is_set_and_got_also_after_a_delete_and_set_after_a_tombstone() {
    let store = store().await;
    let stream = store.stream_of(1).await;
    store.set_metadata(&stream, &json!({"a": 1})).await;
    assert_eq!(store.metadata(&stream).await, Some(json!({"a": 1})));
    store.delete(&stream, StreamState::Any).await.unwrap();
    assert_eq!(
        store.metadata(&stream).await,
        Some(json!({"$tb": i64::MAX}))
    );
    store.tombstone(&stream, StreamState::Any).await.unwrap();
    store.set_metadata(&stream, &json!({"a": 2})).await;
    assert_eq!(store.metadata(&stream).await, None);
}

#[tokio::test]
async fn row_12_max_count_and_truncate_before_truncate() {
    let store = store().await;
    let stream = store.stream_of(5).await;
    store.set_metadata(&stream, &json!({"$maxCount": 2})).await;
    assert_eq!(store.numbers(&stream).await, [3, 4]);
    store.set_metadata(&stream, &json!({"$tb": 1})).await;
    assert_eq!(store.numbers(&stream).await, [1, 2, 3, 4]);
}

#[tokio::test]
async fn row_13_all_is_in_order_and_its_start_is_inclusive_forwards_and_exclusive_in_a_subscription()
 {
    let (store, prefix) = (store().await, unused("conformance-"));
    let first = store
        .write(&format!("{prefix}-a"), events(1))
        .await
        .position;
    store.write(&format!("{prefix}-b"), events(1)).await;
    let filter = SubscriptionFilter::on_stream_name().add_prefix(&prefix);
    let read = store.filtered(first, filter.clone()).await;
    assert!(
        read.iter()
            .map(|event| event.get_original_stream_id())
            .eq([format!("{prefix}-a"), format!("{prefix}-b")])
    );
    let options = SubscribeToAllOptions::default()
        .position(StreamPosition::Position(first))
        .filter(filter);
    let came = store.follow_all(&options).await.events(1).await;
    assert_eq!(came[0].get_original_stream_id(), format!("{prefix}-b"));
}

#[tokio::test]
async fn row_14_the_default_filter_of_the_python_client_hides_system_events() {
    let (store, stream) = (store().await, unused("conformance-"));
    let first = store.set_metadata(&stream, &json!({"a": 1})).await.position;
    store.write(&stream, vec![event("Seen")]).await;
    let filter =
        SubscriptionFilter::on_event_type().regex(r"^(?!(\$.+$|PersistentConfig\d+$|Result$))");
    let read = store.filtered(first, filter).await;
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
async fn row_15_a_window_of_one_gives_a_checkpoint_after_each_event() {
    let (store, prefix) = (store().await, unused("conformance-"));
    let filter = SubscriptionFilter::on_stream_name()
        .add_prefix(&prefix)
        .max(1);
    let mut following = store
        .follow_all(
            &SubscribeToAllOptions::default()
                .position(StreamPosition::End)
                .filter(filter),
        )
        .await;
    following.until_caught_up().await;
    let written = store.write(&prefix, events(1)).await.position;
    let mut signals = Vec::new();
    while signals.last() != Some(&Signal::Checkpoint(written.commit, written.prepare)) {
        signals.push(following.next().await.unwrap());
    }
    // Events of others may be considered before ours, each with its own checkpoint; between ours
    // and its own comes nothing.
    assert_eq!(signals[signals.len() - 2], Signal::Event(0));
}

#[tokio::test]
async fn row_16_a_subscription_says_when_it_has_caught_up() {
    let store = store().await;
    let stream = store.stream_of(100).await;
    let signals = store
        .follow(&stream, StreamPosition::Start)
        .await
        .until_caught_up()
        .await;
    assert_eq!(signals.len(), 102);
}

#[tokio::test]
async fn row_17_three_events_before_and_three_after_arrive_without_gap_or_repeat() {
    let store = store().await;
    let stream = store.stream_of(3).await;
    let mut following = store.follow(&stream, StreamPosition::Start).await;
    assert!(
        following
            .events(3)
            .await
            .iter()
            .map(|event| event.get_original_event().revision)
            .eq(0..3)
    );
    store.write(&stream, events(3)).await;
    assert!(
        following
            .events(3)
            .await
            .iter()
            .map(|event| event.get_original_event().revision)
            .eq(3..6)
    );
}

#[tokio::test]
async fn row_18_a_subscription_resumes_after_a_restart_of_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let node = EmbeddedNode::builder()
        .data_dir(folder.path())
        .start()
        .await
        .unwrap();
    let (address, own) = (node.address(), connect(&node.connection_string()));
    let stream = own.stream_of(2).await;
    let mut following = own.follow(&stream, StreamPosition::Start).await;
    following.until_caught_up().await;
    soon("a shutdown with an open subscription", node.shutdown()).await;
    // The client's subscription spins for ever on an end without a status, so first of all there
    // must be an error.
    following.next().await.unwrap_err();
    let again = || async {
        EmbeddedNode::builder()
            .data_dir(folder.path())
            .listen(address)
            .start()
            .await
            .ok()
    };
    let node = wait::until(
        "the restart on the same port",
        Duration::from_secs(10),
        again,
    )
    .await;
    own.write(&stream, events(1)).await;
    let resumed = async {
        loop {
            if let Ok(Signal::Event(number)) = following.next().await {
                return number;
            }
        }
    };
    assert_eq!(soon("the resumed subscription", resumed).await, 2);
    node.shutdown().await;
}

#[tokio::test]
async fn row_19_an_event_has_the_time_it_was_created() {
    let store = store().await;
    let stream = store.stream_of(1).await;
    let created = store.read(&stream).await.unwrap()[0].created;
    assert!((Utc::now() - created).num_seconds().abs() < 60, "{created}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn row_20_a_deadline_is_honoured_by_the_server_for_the_client_keeps_no_clock() {
    let (store, stream) = (store().await, unused("conformance-"));
    let options = AppendToStreamOptions::default().deadline(Duration::from_millis(100));
    // Without end, and so small that the limit on an append is far away when the deadline passes.
    let endless = Streaming(std::iter::repeat_with(|| {
        kurrentdb::EventData::binary("T", Bytes::new())
    }));
    let outcome = soon(
        "an append",
        store
            .client
            .append_to_stream(stream.as_str(), &options, endless),
    )
    .await;
    assert!(
        matches!(outcome, Err(Error::DeadlineExceeded)),
        "{outcome:?}"
    );
    is_not_found(store.read(&stream).await);
}

#[tokio::test]
async fn row_21_batch_appends_succeed_and_fail_as_single_ones_do() {
    let store = store().await;
    let (stream, tombstoned) = (unused("conformance-"), store.tombstoned_stream().await);
    // The client's batch append is over after its first failure, so each kind of failure has its
    // own.
    let batches = store
        .client
        .batch_append(&BatchAppendOptions::default())
        .await
        .unwrap();
    let written = soon(
        "a batch",
        batches.append_to_stream(&stream, StreamState::NoStream, events(2)),
    )
    .await
    .unwrap();
    assert_eq!(
        (written.current_revision(), written.stream_name()),
        (Some(1), stream.as_str())
    );
    assert!(written.current_position() > Some(Position::start()));
    let wrong = soon(
        "a batch",
        batches.append_to_stream(&stream, StreamState::NoStream, events(2)),
    )
    .await;
    assert!(
        matches!(
            wrong,
            Err(Error::Grpc {
                code: tonic::Code::AlreadyExists,
                ..
            })
        ),
        "{wrong:?}"
    );
    let batches = store
        .client
        .batch_append(&BatchAppendOptions::default())
        .await
        .unwrap();
    let deleted = soon(
        "a batch",
        batches.append_to_stream(&tombstoned, StreamState::Any, events(1)),
    )
    .await;
    assert!(
        matches!(
            deleted,
            Err(Error::Grpc {
                code: tonic::Code::NotFound,
                ..
            })
        ),
        "{deleted:?}"
    );
    assert_eq!(store.numbers(&stream).await, [0, 1]);
}

#[tokio::test]
async fn row_22_an_append_of_16_mebibytes_is_an_invalid_argument() {
    let (store, stream) = (store().await, unused("conformance-"));
    let large = kurrentdb::EventData::binary("Large", vec![b'x'; 16 << 20].into());
    let refused = store.append(&stream, StreamState::Any, vec![large]).await;
    // A message above the server's own limit never reaches the append: newer servers say so.
    let codes = [
        tonic::Code::InvalidArgument,
        tonic::Code::ResourceExhausted,
        tonic::Code::OutOfRange,
    ];
    assert!(
        matches!(&refused, Err(Error::Grpc { code, .. }) if codes.contains(code)),
        "{refused:?}"
    );
    is_not_found(store.read(&stream).await);
}

#[tokio::test]
async fn row_23_gossip_shows_one_living_leader_over_grpc_and_over_http() {
    let settings: kurrentdb::ClientSettings = connection_string().parse().unwrap();
    let (came, _) = raw::call("Gossip/Read", &[json!({})]).await;
    let members = came[0]["members"].as_array().unwrap();
    let leaders = members
        .iter()
        .filter(|member| member["state"] == "Leader" && member["is_alive"] == true);
    assert_eq!(leaders.count(), 1, "{members:?}");
    if settings.is_secure_mode_enabled() {
        return;
    }
    let members = operations::Client::new(settings.clone())
        .unwrap()
        .read_gossip()
        .await
        .unwrap();
    assert!(members.iter().any(|member| member.is_alive && member.http_end_point.port == settings.hosts()[0].port));
}

#[tokio::test]
async fn row_23_a_client_that_discovers_nodes_by_gossip_finds_this_one() {
    let discovering = connection_string().replacen("kurrentdb://", "kurrentdb+discover://", 1);
    let stream = connect(&discovering).stream_of(1).await;
    assert_eq!(store().await.numbers(&stream).await, [0]);
}

#[tokio::test]
async fn row_24_a_shutdown_ends_subscriptions_with_unavailable_and_never_with_ok() {
    let node = EmbeddedNode::builder().in_memory().start().await.unwrap();
    let target = peerage_tests::golden::wire::Target::connect(&node.address().to_string())
        .await
        .unwrap();
    let method = peerage_tests::golden::messages::method("Streams/Read");
    let all = raw::read_of_all(&json!({"subscription": {}, "count": null}));
    let request = peerage_tests::golden::messages::from_recorded(
        &method.input(),
        &all,
        &mut peerage_tests::golden::matching::Names::default(),
    );
    let mut call = target.call(&method, &std::collections::BTreeMap::new());
    call.send(request);
    call.finish_requests();
    assert!(matches!(
        raw::next("the confirmation", &mut call).await,
        Came::Message(_)
    ));
    soon("a shutdown", node.shutdown()).await;
    let ending = loop {
        if let Came::Ended(ending) = raw::next("the end", &mut call).await {
            break ending;
        }
    };
    assert_eq!(ending.code, "UNAVAILABLE");
}

#[tokio::test]
async fn row_24_a_reader_that_idles_gets_everything_when_it_reads_again() {
    let store = store().await;
    let stream = store.stream_of(1).await;
    let mut following = store.follow(&stream, StreamPosition::Start).await;
    following.until_caught_up().await;
    let writer = connect(connection_string());
    for _ in 0..20 {
        writer.write(&stream, events(50)).await;
    }
    wait::elapse(Duration::from_secs(1)).await;
    assert!(
        following
            .events(1_000)
            .await
            .iter()
            .map(|event| event.get_original_event().revision)
            .eq(1..1_001)
    );
}

#[tokio::test]
async fn row_25_fifty_appends_in_a_row_do_not_wait_for_delayed_acknowledgements() {
    let (store, stream) = (store().await, unused("conformance-"));
    store.write(&stream, events(1)).await;
    let mut fastest = Duration::MAX;
    // Waiting for acknowledgements costs 42 ms each time, so even the fastest of these would take
    // two seconds; a busy machine may slow down some of them.
    for _ in 0..10 {
        let begun = Instant::now();
        for _ in 0..50 {
            store.write(&stream, events(1)).await;
        }
        fastest = fastest.min(begun.elapsed());
        if fastest < Duration::from_millis(500) {
            return;
        }
    }
    panic!("the fastest fifty appends took {fastest:?}");
}
