//! How far a connector says that it has got: what a checkpoint holds, when it is written, by what
//! it is known to be of another log, and who may not write one any more.

use crate::support::{Process, Receiver, Store, raw, settings};
use connectors::{LeaseSettings, Outcome};
use domain::{connector::FailureCode, text::ConnectorId};
use peerage_tests::{
    store_proxy::{Stop, StoreProxy},
    wait::{SOON, elapse, holds, until},
};
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

async fn last(store: &Store, id: &ConnectorId) -> Option<Value> {
    let latest = store.journal.latest(&id.checkpoints()).await.unwrap()?;
    Some(serde_json::from_slice(&latest.data).unwrap())
}

/// Writes a checkpoint behind the last one, as if the connector had.
async fn write(store: &Store, id: &ConnectorId, checkpoint: &Value) {
    let stream = id.checkpoints();
    let last = store.journal.last_record(&stream).await.unwrap();
    let record = raw("ConnectorCheckpoint", checkpoint);
    let written = store
        .journal
        .record(&stream, last, &[record])
        .await
        .unwrap();
    assert!(written.is_some());
}

/// So many events in a stream that is no connector's business.
async fn noise(store: &Store, many: u64) {
    let stream = "noise-1";
    for _ in 0..many {
        let last = store.journal.last_record(stream).await.unwrap();
        let record = raw("ConnectorRenamed", &json!({ "name": "noise" }));
        let written = store.journal.record(stream, last, &[record]).await.unwrap();
        assert!(written.is_some());
    }
}

fn is_gone(process: &Process, id: &ConnectorId) -> bool {
    process.runtime.statuses().get(id).is_none()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_comes_in_time_and_any_part_of_it_that_is_not_in_the_log_is_of_another_one() {
    let (store, receiver) = (Store::new().await, Receiver::new());
    let network = store.network(1).await;
    let id = store.started("webhook", settings(&json!({}))).await;
    let process = store.process(&receiver);
    store.is(&id, "running").await;
    for _ in 0..3 {
        store.happens(network).await;
    }
    let taken = receiver.has_taken(4).await;
    let (recorded, event) = (&taken[3].item.recorded, taken[3].event);
    // Nobody ends it: it says so by itself.
    let good = until("it is on record", SOON, async || {
        let last = last(&store, &id).await?;
        (last["landmark"]["event"] == event.to_string()).then_some(last)
    })
    .await;
    let reached = good["position"]["commit"].as_u64().unwrap();
    assert!(reached >= recorded.position.commit, "{good}");
    assert_eq!(good["landmark"]["stream"], recorded.stream);
    assert_eq!(good["landmark"]["commit"], recorded.position.commit);
    assert_eq!(good["landmark"]["prepare"], recorded.position.prepare);
    assert_eq!(good["lanes"][network.to_string()], 4);
    process.stop().await;

    let elsewhere = [
        ("/landmark/event", json!(Uuid::from_u128(7))),
        ("/landmark/commit", json!(recorded.position.commit + 1)),
        ("/landmark/prepare", json!(recorded.position.prepare + 1)),
        ("/landmark/revision", json!(99)),
        (
            "/landmark/stream",
            json!("network-00000000-0000-0000-0000-000000000009"),
        ),
        ("/position/commit", json!(u64::MAX / 2)),
    ];
    for (part, value) in elsewhere {
        let mut other = good.clone();
        *other.pointer_mut(part).unwrap() = value;
        if part == "/position/commit" {
            other["position"]["prepare"] = other["position"]["commit"].clone();
        }
        write(&store, &id, &other).await;
        let process = store.process(&receiver);
        let failed = store.is(&id, "failed").await;
        let domain::connector::State::Failed(failure) = failed.state else {
            unreachable!("it is failed")
        };
        assert_eq!(failure.code, FailureCode::OtherLog, "{part}");
        process.stop().await;
        write(&store, &id, &good).await;
        store.start(&id, None).await;
    }
    // As it was, it goes on where it stood.
    let process = store.process(&receiver);
    store.happens(network).await;
    let taken = receiver.has_taken(5).await;
    assert_eq!((taken[4].revision, taken[4].sequence), (4, 5));
    process.stop().await;
    assert_eq!(receiver.arrived.lock().len(), 5, "nothing else was sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_had_a_connector_before_is_refused_by_the_store_and_ends_by_itself() {
    let (store, receiver) = (Store::new().await, Receiver::new());
    let network = store.network(1).await;
    let id = store.started("webhook", settings(&json!({}))).await;
    // No lease tells either of them to end, and nothing is parked: there are checkpoints alone.
    let first = store.process(&receiver);
    receiver.has_taken(1).await;
    let claims = store.length(&id.checkpoints()).await;
    let second = store.process(&Receiver::new());
    until("the second claims it", SOON, async || {
        (store.length(&id.checkpoints()).await > claims).then_some(())
    })
    .await;
    store.happens(network).await;
    holds("the first has ended it", || is_gone(&first, &id)).await;
    first.kill().await;
    second.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_a_lease_that_is_over_by_then_claims_nothing_and_sends_nothing() {
    let (store, receiver) = (Store::new().await, Receiver::new());
    store.network(1).await;
    let id = store.started("webhook", settings(&json!({}))).await;
    let late = Stop::Late(Duration::from_millis(900));
    let proxy = StoreProxy::counting(&store.address(), late, "connectorLease").await;
    let lease = LeaseSettings {
        ttl: Duration::from_secs(1),
        renewal: Duration::from_millis(20),
    };
    let through = Store::at(proxy.connection_string());
    let process = through.holding(&receiver, "one", lease);
    holds("it is renewed, late each time", || {
        proxy.progress().answered >= 5
    })
    .await;
    assert_eq!(store.length(&id.checkpoints()).await, 0);
    assert_eq!(receiver.arrived.lock().len(), 0);
    process.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn so_many_records_are_in_hand_and_each_thousand_is_on_record() {
    let (store, receiver) = (Store::new().await, Receiver::new());
    let network = store.network(1).await;
    for _ in 1..3_050 {
        store.happens(network).await;
    }
    receiver.answer(|_, _| Outcome::Busy {
        cause: "busy".to_owned(),
        retry_after: None,
    });
    let blocks = settings(&json!({ "on_exhaustion": "block" }));
    let stuck = store.started("stuck", blocks).await;
    let filter =
        json!({ "filter": { "scope": "record", "type": "prefix", "expression": "Peering" } });
    let idle = store.started("looks-on", settings(&filter)).await;
    let process = store.process(&receiver);
    holds("it has a thousand in hand and leaves the rest", || {
        let live = process.runtime.statuses().get(&stuck);
        live.is_some_and(|it| it.in_hand == 1_000)
    })
    .await;
    until("the other has looked at all", SOON, async || {
        let live = process.runtime.statuses().get(&idle)?;
        (live.counts.filtered >= 3_050).then_some(())
    })
    .await;
    let live = process.runtime.statuses().get(&stuck).unwrap();
    assert_eq!(live.in_hand, 1_000);
    until("each thousand is on record", SOON, async || {
        (store.length(&idle.checkpoints()).await >= 4).then_some(())
    })
    .await;
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_none_of_its_business_moves_a_connector_on_and_is_no_news_of_its_own() {
    let (store, receiver) = (Store::new().await, Receiver::new());
    let network = store.network(1).await;
    let id = store.started("webhook", settings(&json!({}))).await;
    let process = store.process(&receiver);
    store.is(&id, "running").await;
    store.happens(network).await;
    let taken = receiver.has_taken(2).await;
    let at = taken[1].item.recorded.position;
    until("it is on record", SOON, async || {
        let last = last(&store, &id).await?;
        (last["landmark"]["commit"] == at.commit).then_some(())
    })
    .await;
    let before = store.length(&id.checkpoints()).await;
    until("it is beyond its last record", SOON, async || {
        noise(&store, 10).await;
        let live = process.runtime.statuses().get(&id)?;
        (live.position > Some(at)).then_some(())
    })
    .await;
    // Longer than a checkpoint is due after that says something new.
    elapse(Duration::from_secs(6)).await;
    assert_eq!(store.length(&id.checkpoints()).await, before);
    store.happens(network).await;
    receiver.has_taken(3).await;
    process.stop().await;
    // What is behind all that is not repeated.
    let process = store.process(&receiver);
    store.happens(network).await;
    let taken = receiver.has_taken(4).await;
    let revisions: Vec<_> = taken.iter().map(|it| it.revision).collect();
    assert_eq!(revisions, [0, 1, 2, 3]);
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn however_often_it_is_begun_the_store_keeps_its_last_ten_checkpoints() {
    let (store, receiver) = (Store::new().await, Receiver::new());
    store.network(1).await;
    let id = store.started("webhook", settings(&json!({}))).await;
    for _ in 0..12 {
        let process = store.process(&receiver);
        holds("it runs", || !is_gone(&process, &id)).await;
        receiver.has_taken(1).await;
        process.stop().await;
    }
    let kept = store.journal.records(&id.checkpoints()).await.unwrap();
    assert_eq!(kept.len(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_that_is_counted_in_the_log_is_counted_without_what_the_filter_leaves_out() {
    let (store, receiver) = (Store::new().await, Receiver::new());
    let network = store.network(1).await;
    let filter = json!({
        "filter": { "scope": "record", "type": "regex", "expression": "^Drift" },
    });
    let id = store.started("webhook", settings(&filter)).await;
    let process = store.process(&receiver);
    for _ in 0..3 {
        store.happens(network).await;
    }
    let taken = receiver.has_taken(3).await;
    let counted: Vec<_> = taken.iter().map(|it| (it.revision, it.sequence)).collect();
    assert_eq!(counted, [(1, 1), (2, 2), (3, 3)]);
    process.stop().await;
    let mut without = last(&store, &id).await.unwrap();
    without.as_object_mut().unwrap().remove("lanes").unwrap();
    write(&store, &id, &without).await;
    let process = store.process(&receiver);
    store.happens(network).await;
    let taken = receiver.has_taken(4).await;
    assert_eq!((taken[3].revision, taken[3].sequence), (4, 4));
    process.stop().await;
}
