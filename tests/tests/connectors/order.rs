//! What is delivered, in which order, and how often.

use crate::support::{Receiver, Store, in_order_and_once, settings};
use connectors::Outcome;
use domain::connector::{
    ConnectorCommand, ReconfigureConnector, ResetConnector, Settings, StartFrom,
};
use serde_json::json;
use std::{collections::BTreeSet, time::Duration};

fn everything() -> Settings {
    settings(&json!({}))
}

fn busy() -> Outcome {
    Outcome::Busy {
        cause: "busy".to_owned(),
        retry_after: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_records_of_each_network_arrive_in_their_order_and_no_network_waits_for_another() {
    let (store, receiver) = (Store::new().await, Receiver::new());
    let slow = store.network(1).await;
    let quick = store.network(2).await;
    receiver.answer(move |item, _| match item.recorded.network_id {
        Some(id) if id == slow => busy(),
        Some(_) | None => Outcome::Delivered,
    });
    store
        .started("webhook", settings(&json!({ "on_exhaustion": "block" })))
        .await;
    let process = store.process(&receiver);
    for _ in 0..20 {
        store.happens(slow).await;
        store.happens(quick).await;
    }
    let taken = receiver.has_taken(21).await;
    assert!(taken.iter().all(|it| it.lane == quick.to_string()));
    receiver.answer(|_, _| Outcome::Delivered);
    let taken = receiver.has_taken(42).await;
    in_order_and_once(&taken);
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_in_good_order_repeats_nothing_not_even_beyond_a_lane_that_stands() {
    let (store, receiver) = (Store::new().await, Receiver::new());
    let (stuck, free) = (store.network(1).await, store.network(2).await);
    let at_network = move |item: &connectors::Item, _| match item.recorded.network_id {
        Some(id) if id == stuck => busy(),
        Some(_) | None => Outcome::Delivered,
    };
    receiver.answer(at_network);
    store
        .started("webhook", settings(&json!({ "on_exhaustion": "block" })))
        .await;
    let process = store.process(&receiver);
    for _ in 0..30 {
        store.happens(free).await;
    }
    receiver.has_taken(31).await;
    process.stop().await;

    let process = store.process(&receiver);
    store.happens(free).await;
    receiver.has_taken(32).await;
    receiver.answer(|_, _| Outcome::Delivered);
    let taken = receiver.has_taken(33).await;
    in_order_and_once(&taken);
    process.stop().await;
    assert_eq!(receiver.taken().len(), 33);
}

#[tokio::test(flavor = "multi_thread")]
async fn stops_while_many_records_of_a_lane_are_on_their_way_repeat_none_and_leave_none_out() {
    let (store, receiver) = (Store::new().await, Receiver::new());
    let network = store.network(1).await;
    for _ in 1..60 {
        store.happens(network).await;
    }
    receiver.take(Duration::from_millis(3));
    store.started("webhook", everything()).await;
    for many in [3, 20, 41] {
        let process = store.process(&receiver);
        receiver.has_taken(many).await;
        process.stop().await;
        let taken = receiver.taken().len();
        assert!((many..60).contains(&taken), "{taken}");
    }
    let process = store.process(&receiver);
    in_order_and_once(&receiver.has_taken(60).await);
    process.stop().await;
    in_order_and_once(&receiver.taken());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_hangs_beyond_a_stop_has_nothing_repeated_that_went_before_it() {
    let (store, receiver) = (Store::new().await, Receiver::new());
    let network = store.network(1).await;
    for _ in 1..10 {
        store.happens(network).await;
    }
    let slow = receiver.clone();
    receiver.answer(move |item, _| {
        if item.recorded.revision == 4 {
            slow.take(Duration::from_secs(600));
        }
        Outcome::Delivered
    });
    store.started("webhook", everything()).await;
    let process = store.process(&receiver);
    receiver.has_taken(5).await;
    process.stop().await;
    receiver.take(Duration::ZERO);
    receiver.answer(|_, _| Outcome::Delivered);
    let process = store.process(&receiver);
    in_order_and_once(&receiver.has_taken(10).await);
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_kills_at_any_moment_nothing_is_missing_and_each_network_is_in_order() {
    let (store, receiver) = (Store::new().await, Receiver::new());
    let mut networks = Vec::new();
    for n in 1..=5 {
        networks.push(store.network(n).await);
    }
    receiver.answer(|item, attempt| {
        let is_flaky = (item.recorded.revision + u64::from(attempt)).is_multiple_of(5);
        if is_flaky { busy() } else { Outcome::Delivered }
    });
    receiver.take(Duration::from_millis(1));
    store.started("webhook", everything()).await;
    let mut process = store.process(&receiver);
    for round in 1..=8 {
        for _ in 0..20 {
            for network in &networks {
                store.happens(*network).await;
            }
        }
        receiver.has_taken(round * 40).await;
        process.kill().await;
        process = store.process(&receiver);
    }
    let all: usize = 5 * (1 + 8 * 20);
    peerage_tests::wait::holds("every record is delivered", || {
        let taken = receiver.taken();
        let distinct: BTreeSet<_> = taken.iter().map(|it| it.event).collect();
        distinct.len() == all
    })
    .await;
    process.stop().await;
    // A repetition goes back to somewhere and comes forward again: what is new comes in order.
    let mut taken = receiver.taken();
    let mut seen = BTreeSet::new();
    taken.retain(|it| seen.insert(it.event));
    in_order_and_once(&taken);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_begins_where_it_is_told_and_goes_on_where_it_stood() {
    let (store, receiver) = (Store::new().await, Receiver::new());
    let network = store.network(1).await;
    store.happens(network).await;
    let process = store.process(&receiver);
    let id = store
        .started("latest", settings(&json!({ "initial_position": "latest" })))
        .await;
    store.is(&id, "running").await;
    store.happens(network).await;
    let first = receiver.has_taken(1).await;
    assert_eq!((first[0].revision, first[0].sequence), (2, 1));

    store.command(&id, ConnectorCommand::StopConnector {}).await;
    store.is(&id, "stopped").await;
    store.happens(network).await;
    store.start(&id, None).await;
    let second = receiver.has_taken(2).await;
    assert_eq!((second[1].revision, second[1].sequence), (3, 2));

    store.command(&id, ConnectorCommand::StopConnector {}).await;
    store.is(&id, "stopped").await;
    let start_from = StartFrom::Earliest;
    let reset = ResetConnector { start_from };
    store
        .command(&id, ConnectorCommand::ResetConnector(reset))
        .await;
    assert_eq!(store.is(&id, "stopped").await.start.number, 2);
    store.start(&id, None).await;
    let again = receiver.has_taken(6).await;
    let revisions: Vec<_> = again[2..]
        .iter()
        .map(|it| (it.revision, it.sequence))
        .collect();
    assert_eq!(revisions, [(0, 1), (1, 2), (2, 3), (3, 4)]);

    store.command(&id, ConnectorCommand::StopConnector {}).await;
    store.is(&id, "stopped").await;
    let position = again[3].item.recorded.position;
    let after = domain::connector::LogPosition {
        commit: position.commit,
        prepare: position.prepare,
    };
    store.start(&id, Some(StartFrom::After(after))).await;
    let rest = receiver.has_taken(8).await;
    let revisions: Vec<_> = rest[6..]
        .iter()
        .map(|it| (it.revision, it.sequence))
        .collect();
    assert_eq!(revisions, [(2, 1), (3, 2)]);
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_settings_take_effect_at_once_and_at_the_same_position() {
    let (store, receiver) = (Store::new().await, Receiver::new());
    let network = store.network(1).await;
    let id = store.started("webhook", everything()).await;
    let process = store.process(&receiver);
    for _ in 0..5 {
        store.happens(network).await;
    }
    receiver.has_taken(6).await;
    let filter =
        json!({ "filter": { "scope": "record", "type": "prefix", "expression": "Network" } });
    let settings = settings(&filter);
    let reconfigure = ReconfigureConnector { settings };
    store
        .command(&id, ConnectorCommand::ReconfigureConnector(reconfigure))
        .await;
    peerage_tests::wait::until("it runs with them", peerage_tests::wait::SOON, async || {
        let events = store.events(&id).await;
        let running = events.iter().filter(|it| it.name() == "ConnectorRunning");
        (running.count() > 1 || runs_again(&process.runtime, &id)).then_some(())
    })
    .await;
    store.happens(network).await;
    store.network(2).await;
    let taken = receiver.has_taken(7).await;
    assert_eq!(taken[6].event_type, "NetworkRegistered");
    process.stop().await;
    assert_eq!(receiver.taken().len(), 7);
}

fn runs_again(runtime: &connectors::Runtime, id: &domain::text::ConnectorId) -> bool {
    let live = runtime.statuses().get(id);
    live.is_some_and(|it| it.counts.delivered == 0 && it.position.is_some())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_filter_leaves_out_makes_no_gap_and_is_not_read_again() {
    let (store, receiver) = (Store::new().await, Receiver::new());
    let network = store.network(1).await;
    let filter = json!({
        "filter": { "scope": "record", "type": "regex", "expression": "^NetworkRegistered$" },
    });
    let id = store.started("webhook", settings(&filter)).await;
    let process = store.process(&receiver);
    for _ in 0..50 {
        store.happens(network).await;
    }
    store.network(2).await;
    let taken = receiver.has_taken(2).await;
    assert!(
        taken
            .iter()
            .all(|it| it.sequence == 1 && it.event_type == "NetworkRegistered")
    );
    process.stop().await;
    let process = store.process(&receiver);
    store.network(3).await;
    receiver.has_taken(3).await;
    let live = process.runtime.statuses().get(&id).unwrap();
    assert!(live.counts.filtered < 10, "{live:?}");
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_of_which_the_checkpoint_says_nothing_is_counted_in_the_log() {
    let (store, receiver) = (Store::new().await, Receiver::new());
    let network = store.network(1).await;
    let id = store.started("webhook", everything()).await;
    let process = store.process(&receiver);
    for _ in 0..4 {
        store.happens(network).await;
    }
    receiver.has_taken(5).await;
    process.stop().await;
    let last = store
        .journal
        .latest(&id.checkpoints())
        .await
        .unwrap()
        .unwrap();
    let mut data: serde_json::Value = serde_json::from_slice(&last.data).unwrap();
    data.as_object_mut().unwrap().remove("lanes").unwrap();
    let record = journal::Record {
        event_type: "ConnectorCheckpoint",
        data,
        metadata: last.metadata.unwrap(),
    };
    let (stream, records) = (id.checkpoints(), [record]);
    let written = store.journal.record(&stream, Some(last.revision), &records);
    written.await.unwrap().unwrap();
    let process = store.process(&receiver);
    store.happens(network).await;
    let taken = receiver.has_taken(6).await;
    in_order_and_once(&taken);
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_records_of_a_lane_go_together_where_that_is_asked_for() {
    let store = Store::new().await;
    let receiver = Receiver::in_batches(4, Duration::from_millis(300));
    let network = store.network(1).await;
    for _ in 0..9 {
        store.happens(network).await;
    }
    // Of those that come together one is refused: it alone is parked.
    receiver.answer(|item, _| match item.recorded.revision {
        5 => Outcome::RecordRefused("not this one".to_owned()),
        _ => Outcome::Delivered,
    });
    let id = store.started("webhook", everything()).await;
    let process = store.process(&receiver);
    let taken = receiver.has_taken(9).await;
    let revisions: Vec<_> = taken.iter().map(|it| it.revision).collect();
    assert_eq!(revisions, [0, 1, 2, 3, 4, 6, 7, 8, 9]);
    assert_eq!(taken[0].together, 4);
    process.stop().await;
    let parked = connectors::ParkedRecords::of(&store.journal, &id)
        .await
        .unwrap();
    assert_eq!(parked.records.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_log_makes_no_checkpoints() {
    let (store, receiver) = (Store::new().await, Receiver::new());
    let network = store.network(1).await;
    let id = store.started("webhook", everything()).await;
    let process = store.process(&receiver);
    store.happens(network).await;
    receiver.has_taken(2).await;
    process.stop().await;
    let before = store.length(&id.checkpoints()).await;
    for _ in 0..3 {
        let process = store.process(&receiver);
        store.is(&id, "running").await;
        peerage_tests::wait::holds("it runs", || process.runtime.statuses().get(&id).is_some())
            .await;
        process.stop().await;
    }
    // Each new holder claims it, and says nothing more.
    assert_eq!(store.length(&id.checkpoints()).await, before + 3);
}
