//! What ends a connector, and what does not.

use crate::support::{Receiver, Store, connector, settings};
use connectors::Outcome;
use domain::connector::{ConnectorCommand, ConnectorEvent, FailureCode, StartFrom, State};
use domain::text::ConnectorId;
use peerage_tests::node::NodePlace;
use peerage_tests::wait::{SOON, until};
use serde_json::json;
use std::path::Path;

async fn failure(store: &Store, id: &ConnectorId) -> FailureCode {
    match store.is(id, "failed").await.state {
        State::Failed(failure) => failure.code,
        other @ (State::Stopped
        | State::Activating
        | State::Running { .. }
        | State::Deactivating) => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_gone_for_good_fails_the_connector_and_a_start_tries_again() {
    let (store, receiver) = (Store::new().await, Receiver::new());
    store.network(1).await;
    receiver.answer(|_, _| Outcome::Gone);
    let id = store.started("webhook", settings(&json!({}))).await;
    let process = store.process(&receiver);
    assert_eq!(failure(&store, &id).await, FailureCode::EndpointGone);
    receiver.answer(|_, _| Outcome::Delivered);
    store.start(&id, None).await;
    receiver.has_taken(1).await;
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_set_to_stop_fails_when_a_record_is_not_taken_in_the_end() {
    let (store, receiver) = (Store::new().await, Receiver::new());
    store.network(1).await;
    receiver.answer(|_, _| Outcome::Busy {
        cause: "busy".to_owned(),
        retry_after: None,
    });
    let never = json!({ "resilience": { "preset": "none" }, "on_exhaustion": "stop" });
    let id = store.started("webhook", settings(&never)).await;
    let process = store.process(&receiver);
    assert_eq!(failure(&store, &id).await, FailureCode::Exhausted);
    process.stop().await;
    assert_eq!(receiver.arrived.lock().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_is_honoured_at_once_while_a_delivery_waits_for_its_next_attempt() {
    let (store, receiver) = (Store::new().await, Receiver::new());
    store.network(1).await;
    receiver.answer(|_, _| Outcome::Busy {
        cause: "busy".to_owned(),
        retry_after: Some(std::time::Duration::from_secs(3_000)),
    });
    let id = store.started("webhook", settings(&json!({}))).await;
    let process = store.process(&receiver);
    receiver.has_met(1).await;
    peerage_tests::wait::holds("it waits", || {
        let live = process.runtime.statuses().get(&id);
        live.is_some_and(|it| it.retrying == 1 && it.next_attempt.is_some())
    })
    .await;
    store.command(&id, ConnectorCommand::StopConnector {}).await;
    store.is(&id, "stopped").await;
    receiver.answer(|_, _| Outcome::Delivered);
    store.start(&id, None).await;
    receiver.has_taken(1).await;
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_want_to_wait_has_it_tried_at_once() {
    let (store, receiver) = (Store::new().await, Receiver::new());
    store.network(1).await;
    receiver.answer(|_, attempt| match attempt {
        1 => Outcome::Busy {
            cause: "busy".to_owned(),
            retry_after: Some(std::time::Duration::from_secs(3_000)),
        },
        _ => Outcome::Delivered,
    });
    let id = store.started("webhook", settings(&json!({}))).await;
    let process = store.process(&receiver);
    peerage_tests::wait::holds("it waits", || {
        let live = process.runtime.statuses().get(&id);
        live.is_some_and(|it| it.retrying == 1)
    })
    .await;
    assert!(!process.runtime.retry_now(&connector("another")));
    assert!(process.runtime.retry_now(&id));
    receiver.has_taken(1).await;
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_panics_begins_again_by_itself() {
    let (store, receiver) = (Store::new().await, Receiver::new());
    store.network(1).await;
    receiver.answer(|_, _| panic!("a fault of the test's"));
    let id = store.started("webhook", settings(&json!({}))).await;
    let process = store.process(&receiver);
    until_restarted(&store, &id, 2).await;
    receiver.answer(|_, _| Outcome::Delivered);
    receiver.has_taken(1).await;
    process.stop().await;
    // Not at once: a second passes before the first time, and more before the next.
    let all = store.journal.records(&id.stream()).await.unwrap();
    let restarts = all
        .iter()
        .filter(|it| it.event_type == "ConnectorRestarted");
    let times: Vec<_> = restarts.map(|it| it.time).collect();
    let between = times[1] - times[0];
    assert!(between >= chrono::TimeDelta::milliseconds(900), "{between}");
}

async fn until_restarted(store: &Store, id: &ConnectorId, many: usize) {
    peerage_tests::wait::until("it began again", peerage_tests::wait::SOON, async || {
        let events = store.events(id).await;
        let restarts = events.iter();
        let restarts = restarts.filter(|it| it.name() == "ConnectorRestarted");
        (restarts.count() >= many).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_finds_another_log_sends_nothing_and_waits_to_be_told_where_to_begin() {
    let (store, receiver) = (Store::new().await, Receiver::new());
    let network = store.network(1).await;
    let id = store.started("webhook", settings(&json!({}))).await;
    let process = store.process(&receiver);
    store.happens(network).await;
    receiver.has_taken(2).await;
    process.stop().await;

    // The connectors' own streams, and other events where those were that it knows.
    let other = Store::new().await;
    for n in 10..20 {
        other.network(n).await;
    }
    for stream in [id.stream(), id.checkpoints()] {
        let mut after = None;
        for kept in store.journal.records(&stream).await.unwrap() {
            let record = journal::Record {
                event_type: if stream == id.stream() {
                    type_of(&kept.event_type)
                } else {
                    "ConnectorCheckpoint"
                },
                data: serde_json::from_slice(&kept.data).unwrap(),
                metadata: kept.metadata.unwrap(),
            };
            after = other
                .journal
                .record(&stream, after, &[record])
                .await
                .unwrap();
        }
    }
    let process = other.process(&receiver);
    assert_eq!(failure(&other, &id).await, FailureCode::OtherLog);
    assert_eq!(receiver.taken().len(), 2);
    other.start(&id, Some(StartFrom::Earliest)).await;
    receiver.has_taken(12).await;
    process.stop().await;

    // Without its checkpoint it is another log as well.
    let third = Store::new().await;
    third.network(30).await;
    let mut after = None;
    for kept in store.journal.records(&id.stream()).await.unwrap() {
        let record = journal::Record {
            event_type: type_of(&kept.event_type),
            data: serde_json::from_slice(&kept.data).unwrap(),
            metadata: kept.metadata.unwrap(),
        };
        after = third
            .journal
            .record(&id.stream(), after, &[record])
            .await
            .unwrap();
    }
    let process = third.process(&receiver);
    assert_eq!(failure(&third, &id).await, FailureCode::OtherLog);
    process.stop().await;
    assert_eq!(receiver.taken().len(), 12);
}

fn type_of(name: &str) -> &'static str {
    let known = ConnectorEvent::NAMES.iter().find(|it| **it == name);
    known.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_connectors_are_delivered_where_a_filter_asks_for_them_and_never_to_oneself() {
    let (store, receiver) = (Store::new().await, Receiver::new());
    store.network(1).await;
    let about = json!({
        "filter": { "scope": "stream", "type": "prefix", "expression": "connector-" },
    });
    let process = store.process(&receiver);
    let watcher = store.started("watcher", settings(&about)).await;
    let watched = store.started("watched", settings(&json!({}))).await;
    store.is(&watcher, "running").await;
    store.is(&watched, "running").await;
    let taken = receiver.has_taken(4).await;
    let told = taken.iter().filter(|it| it.connector == watcher);
    let told: Vec<_> = told
        .map(|it| (it.lane.clone(), it.event_type.as_str()))
        .collect();
    let stream = watched.stream();
    let expected = [
        "ConnectorCreated",
        "ConnectorActivating",
        "ConnectorRunning",
    ];
    assert_eq!(told, expected.map(|it| (stream.clone(), it)));
    // Who has no filter is told of networks alone.
    store.network(2).await;
    let of_watched = until("the other goes on", SOON, async || {
        let all = receiver.taken().into_iter();
        let all: Vec<_> = all.filter(|it| it.connector == watched).collect();
        (all.len() >= 2).then_some(all)
    })
    .await;
    process.stop().await;
    let is_networks = |it: &crate::support::Arrived| it.item.recorded.network_id.is_some();
    assert!(of_watched.iter().all(is_networks), "{of_watched:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_or_a_delete_that_nobody_was_there_for_is_carried_out_by_the_next_process() {
    let (store, receiver) = (Store::new().await, Receiver::new());
    let network = store.network(1).await;
    let id = store.started("webhook", settings(&json!({}))).await;
    let process = store.process(&receiver);
    receiver.has_taken(1).await;
    process.kill().await;
    store.command(&id, ConnectorCommand::StopConnector {}).await;
    let process = store.process(&receiver);
    store.is(&id, "stopped").await;
    store
        .command(&id, ConnectorCommand::DeleteConnector {})
        .await;
    store.happens(network).await;
    // The same id again is another connector: nothing of the old one's checkpoint counts.
    store.create(&id, settings(&json!({}))).await;
    store.start(&id, None).await;
    let taken = receiver.has_taken(3).await;
    let revisions: Vec<_> = taken.iter().map(|it| it.revision).collect();
    assert_eq!(revisions, [0, 0, 1]);
    process.stop().await;
}

/// Copies what a store has on disk.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_restored_to_an_older_state_under_a_running_connector_is_another_log() {
    let folder = tempfile::tempdir().unwrap();
    let (data, older) = (folder.path().join("data"), folder.path().join("older"));
    let place = NodePlace::new(&data);
    let node = place.start().await;
    let (store, receiver) = (Store::at(place.connection_string()), Receiver::new());
    let network = store.network(1).await;
    let id = store.started("webhook", settings(&json!({}))).await;
    let process = store.process(&receiver);
    receiver.has_taken(1).await;
    store.is(&id, "running").await;
    drop(node);
    copy(&data, &older);
    let node = place.start().await;
    for _ in 0..20 {
        store.happens(network).await;
    }
    receiver.has_taken(21).await;
    drop(node);
    std::fs::remove_dir_all(&data).unwrap();
    copy(&older, &data);
    let _node = place.start().await;
    assert_eq!(failure(&store, &id).await, FailureCode::OtherLog);
    assert_eq!(receiver.taken().len(), 21, "nothing is sent again");
    // It is told where to begin, and the shared log is followed in the other one too.
    store.start(&id, Some(StartFrom::Latest)).await;
    store.is(&id, "running").await;
    let again = Store::at(place.connection_string());
    again.happens(network).await;
    let taken = receiver.has_taken(22).await;
    assert_eq!((taken[21].revision, taken[21].sequence), (1, 1));
    process.stop().await;
}
