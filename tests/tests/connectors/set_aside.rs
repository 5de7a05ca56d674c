//! Records that were set aside, from the side of those who want them again: which are meant, in
//! which order and how often they come, and how many there may be.

use crate::support::{Receiver, Store, caller, raw, settings};
use chrono::Utc;
use connectors::{Outcome, ParkedError, ParkedRecords, ParkedStreams, Which};
use domain::{
    EventId,
    connector::{
        FailureCode, LogPosition, State,
        parked::{ParkedEvent, ParkedRecord},
    },
    text::ConnectorId,
};
use peerage_tests::wait::{SOON, holds, until};
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;

fn refused(_: &connectors::Item, _: u32) -> Outcome {
    Outcome::RecordRefused("a field is missing".to_owned())
}

async fn has_parked(store: &Store, id: &ConnectorId, many: usize) -> Vec<ParkedRecord> {
    until(&format!("{many} are parked"), SOON, async || {
        let parked = ParkedRecords::of(&store.journal, id).await.unwrap();
        let mut all: Vec<_> = parked.records.into_values().map(|it| it.record).collect();
        all.sort_by_key(|it| it.position);
        (all.len() == many).then_some(all)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_them_is_behind_its_beginning_up_to_its_end_and_comes_oldest_first_each_once() {
    let (store, receiver) = (Store::new().await, Receiver::new());
    let network = store.network(1).await;
    for _ in 0..4 {
        store.happens(network).await;
    }
    receiver.answer(refused);
    let id = store.started("webhook", settings(&json!({}))).await;
    let process = store.process(&receiver);
    let all = has_parked(&store, &id, 5).await;
    let parked = ParkedRecords::of(&store.journal, &id).await.unwrap();
    let between = |after: Option<usize>, until: Option<usize>| Which::Between {
        after: after.map(|it| all[it].position),
        until: until.map(|it| all[it].position),
    };
    assert_eq!(parked.meant(&between(Some(0), Some(3))), 3);
    assert_eq!(parked.meant(&between(None, Some(0))), 1);
    assert_eq!(parked.meant(&between(Some(4), None)), 0);
    assert_eq!(parked.meant(&between(None, None)), 5);

    receiver.answer(|_, _| Outcome::Delivered);
    receiver.take(Duration::from_millis(150));
    let streams = ParkedStreams::new(store.journal.clone());
    let wanted = between(Some(0), Some(3));
    let asked = streams.replay(&id, &wanted, &caller(), Utc::now()).await;
    assert_eq!(asked.unwrap(), 3);
    receiver.has_taken(1).await;
    // Asked for again while they are at it: nobody begins a second time beside them.
    let asked = streams.replay(&id, &wanted, &caller(), Utc::now()).await;
    assert!(asked.unwrap() > 0);
    has_parked(&store, &id, 2).await;
    process.stop().await;
    let taken = receiver.taken();
    let revisions: Vec<_> = taken.iter().map(|it| it.revision).collect();
    assert_eq!(revisions, [1, 2, 3]);
    assert!(taken.iter().all(|it| it.is_replay));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_command_asks_once_and_what_is_not_there_is_named() {
    let (store, receiver) = (Store::new().await, Receiver::new());
    store.network(1).await;
    receiver.answer(refused);
    let id = store.started("webhook", settings(&json!({}))).await;
    let process = store.process(&receiver);
    has_parked(&store, &id, 1).await;
    let (streams, by) = (ParkedStreams::new(store.journal.clone()), caller());
    let asked = async || {
        let asked = streams.replay(&id, &Which::All, &by, Utc::now()).await;
        asked.unwrap()
    };
    let requests = async || {
        let all = store.journal.records(&id.parked()).await.unwrap();
        let requests = all.iter();
        let requests = requests.filter(|it| it.event_type == "ConnectorReplayRequested");
        requests.count()
    };
    assert_eq!(asked().await, 1);
    receiver.has_met(2).await;
    assert_eq!(asked().await, 1, "the first outcome");
    assert_eq!(requests().await, 1);
    let unknown = EventId(Uuid::from_u128(7));
    let these = Which::These(vec![unknown]);
    let asked = streams.discard(&id, &these, &caller(), Utc::now()).await;
    assert!(
        matches!(asked, Err(ParkedError::NotParked(it)) if it == unknown),
        "{asked:?}"
    );
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_another_connector_that_is_refused_is_left_out_and_not_set_aside() {
    let (store, receiver) = (Store::new().await, Receiver::new());
    let watching = json!({
        "filter": { "scope": "stream", "type": "prefix", "expression": "connector-,network-" },
    });
    receiver.answer(|item, _| match item.recorded.network_id {
        Some(_) => Outcome::Delivered,
        None => Outcome::RecordRefused("no room for it".to_owned()),
    });
    store.started("watched", settings(&json!({}))).await;
    let watcher = store.started("watcher", settings(&watching)).await;
    let process = store.process(&receiver);
    receiver.has_met(2).await;
    store.network(1).await;
    let delivered = || {
        let taken = receiver.taken();
        taken.iter().any(|it| it.connector == watcher)
    };
    holds("what follows is delivered", delivered).await;
    process.stop().await;
    has_parked(&store, &watcher, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_has_ten_thousand_set_aside_and_fails_at_one_more() {
    let (store, receiver) = (Store::new().await, Receiver::new());
    let network = store.network(1).await;
    let id = store.started("webhook", settings(&json!({}))).await;
    let parked = |n: u64| ParkedRecord {
        event_id: EventId(Uuid::from_u128(u128::from(n) + 1)),
        event_type: "NetworkRegistered".to_owned(),
        stream: "network-00000000-0000-0000-0000-000000000009".to_owned(),
        revision: n,
        position: LogPosition {
            commit: n,
            prepare: n,
        },
        lane: "another".to_owned(),
        sequence: n,
        cause: "a field is missing".to_owned(),
        status: None,
        body: String::new(),
        attempts: 1,
        first_tried: Utc::now(),
        term: 0,
    };
    let most = ParkedRecords::MOST as u64;
    let mut last = None;
    for part in 0..10 {
        let (from, to) = (part * most / 10, (part + 1) * most / 10);
        let records: Vec<_> = (from..to.min(most - 1))
            .map(|n| {
                let event = ParkedEvent::ConnectorRecordParked(parked(n));
                let tagged = serde_json::to_value(&event).unwrap();
                raw("ConnectorRecordParked", &tagged["data"])
            })
            .collect();
        let written = store.journal.record(&id.parked(), last, &records).await;
        last = written.unwrap();
        assert!(last.is_some());
    }
    receiver.answer(refused);
    let process = store.process(&receiver);
    until("there is room for the last one", SOON, async || {
        (store.length(&id.parked()).await == most).then_some(())
    })
    .await;
    assert_eq!(store.is(&id, "running").await.restarts.len(), 0);
    store.happens(network).await;
    let failed = store.is(&id, "failed").await;
    let State::Failed(failure) = failed.state else {
        unreachable!("it is failed")
    };
    assert_eq!(failure.code, FailureCode::Exhausted);
    assert!(failure.message.contains("10000"), "{}", failure.message);
    process.stop().await;
    assert_eq!(store.length(&id.parked()).await, most);
}
