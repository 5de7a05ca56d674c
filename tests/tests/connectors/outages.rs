//! A crash at each write of the runtime, a holder that the store cannot be reached from, and a
//! store that goes and comes back.

use crate::support::{Receiver, Store, in_order_and_once, settings};
use connectors::{Outcome, ParkedRecords};
use domain::text::ConnectorId;
use futures::future::join_all;
use peerage_tests::{
    node::NodePlace,
    store_proxy::{Stop, StoreProxy},
    wait::{SOON, holds, until},
};
use serde_json::json;
use std::{collections::BTreeMap, time::Duration};
use testkit::forwarder::Door;

/// How many events a life delivers, and the one among them that is refused.
const EVENTS: u64 = 6;
const REFUSED: u64 = 3;

fn receiver() -> Receiver {
    let receiver = Receiver::new();
    receiver.answer(|item, _| match item.recorded.revision {
        REFUSED => Outcome::RecordRefused("a field is missing".to_owned()),
        _ => Outcome::Delivered,
    });
    receiver
}

async fn parked(store: &Store, id: &ConnectorId) -> usize {
    let parked = ParkedRecords::of(&store.journal, id).await.unwrap();
    parked.records.len()
}

/// A life up to one of its writes, another after it; returns how many writes there were in the
/// first.
async fn crashed_at(stop: Stop) -> u64 {
    let store = Store::new().await;
    let network = store.network(1).await;
    for _ in 1..EVENTS {
        store.happens(network).await;
    }
    let id = store.started("webhook", settings(&json!({}))).await;
    let proxy = StoreProxy::counting(&store.address(), stop, "connector").await;
    let (before, after) = (receiver(), receiver());
    let through = Store::at(proxy.connection_string());
    let first = through.one_of_several(&before, "first");
    let is_over = || proxy.progress().held;
    if stop == Stop::Never {
        before.has_met(EVENTS as usize).await;
        until("everything is on record", SOON, async || {
            (parked(&store, &id).await == 1).then_some(())
        })
        .await;
        first.stop().await;
        return proxy.progress().answered;
    }
    holds(&format!("{stop:?}: it stands there"), is_over).await;
    first.kill().await;
    drop(proxy);

    let second = store.one_of_several(&after, "second");
    until(&format!("{stop:?}: all is delivered"), SOON, async || {
        let mut all: BTreeMap<u64, usize> = BTreeMap::new();
        for it in before.taken().iter().chain(&after.taken()) {
            *all.entry(it.revision).or_default() += 1;
        }
        let is_whole = all.len() as u64 == EVENTS - 1 && parked(&store, &id).await == 1;
        is_whole.then_some(())
    })
    .await;
    // One more, so that what was repeated is in front of it.
    store.happens(network).await;
    until(&format!("{stop:?}: it goes on"), SOON, async || {
        let taken = after.taken();
        taken.iter().any(|it| it.revision == EVENTS).then_some(())
    })
    .await;
    second.stop().await;
    for (life, receiver) in [("before", &before), ("after", &after)] {
        let revisions: Vec<_> = receiver.taken().iter().map(|it| it.revision).collect();
        let mut sorted = revisions.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(revisions, sorted, "{stop:?}, {life}: in order, each once");
    }
    assert_eq!(parked(&store, &id).await, 1, "{stop:?}");
    let restarts = store.events(&id).await;
    assert!(
        restarts.iter().all(|it| it.name() != "ConnectorFailed"),
        "{stop:?}"
    );
    0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_before_or_after_each_write_of_a_life_loses_nothing_and_parks_nothing_twice() {
    let writes = crashed_at(Stop::Never).await;
    // The lease, the claim, that it runs, the claim of what is parked, a record, a checkpoint, and
    // the lease given back.
    assert!(writes >= 6, "{writes}");
    // A life that is not ended by its user writes its last checkpoint only after five seconds.
    let all = (0..writes - 1).flat_map(|n| [Stop::BeforeNext(n), Stop::AfterNext(n)]);
    join_all(all.map(crashed_at)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_that_cannot_reach_the_store_ends_and_another_takes_over_from_it() {
    let store = Store::new().await;
    let network = store.network(1).await;
    let port = store.address().rsplit(':').next().unwrap().parse().unwrap();
    let mut door = Door::closed(port);
    door.open().await;
    let behind = format!(
        "kurrentdb://127.0.0.1:{}?tls=false&discoveryInterval=0",
        door.port()
    );
    let (one, other) = (Receiver::new(), Receiver::new());
    let id = store.started("webhook", settings(&json!({}))).await;
    let first = Store::at(behind).one_of_several(&one, "one");
    one.has_taken(1).await;
    let second = store.one_of_several(&other, "other");
    // What is on its way when the way to the store breaks is one call, and no more follow.
    one.take(Duration::from_millis(100));
    store.happens(network).await;
    one.has_taken(2).await;
    door.close();
    for _ in 0..10 {
        store.happens(network).await;
    }
    let taken = until("the other delivers the rest", SOON, async || {
        let taken = other.taken();
        taken.iter().any(|it| it.revision == 11).then_some(taken)
    })
    .await;
    holds("the first runs nothing any more", || {
        first.runtime.statuses().get(&id).is_none()
    })
    .await;
    let by_both: Vec<_> = one
        .taken()
        .iter()
        .chain(&taken)
        .map(|it| it.revision)
        .collect();
    let repeated = by_both.len() - 12;
    // The last checkpoint of the first one was not written: what it had delivered comes again.
    assert!(repeated <= 2, "{by_both:?}");
    let revisions: Vec<_> = taken.iter().map(|it| it.revision).collect();
    assert!(revisions.is_sorted(), "{revisions:?}");
    assert_eq!(store.defined(&id).await.ran.unwrap().host, "other");

    // Back again, it leaves the other one alone.
    door.open().await;
    store.happens(network).await;
    until("the other goes on", SOON, async || {
        other
            .taken()
            .iter()
            .any(|it| it.revision == 12)
            .then_some(())
    })
    .await;
    assert!(one.taken().iter().all(|it| it.revision < 12));
    second.stop().await;
    first.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_ends_in_order_is_killed_or_is_frozen_costs_no_record_and_repeats_none() {
    let folder = tempfile::tempdir().unwrap();
    let place = NodePlace::new(&folder.path().join("data"));
    let mut node = place.start().await;
    let (store, receiver) = (Store::at(place.connection_string()), Receiver::new());
    let network = store.network(1).await;
    let id = store.started("webhook", settings(&json!({}))).await;
    let process = store.process(&receiver);
    let mut expected = 1;
    receiver.has_taken(expected).await;
    for how in ["TERM", "KILL", "STOP"] {
        for _ in 0..5 {
            store.happens(network).await;
        }
        node.signal(how);
        if how == "STOP" {
            // Longer than a call has patience.
            peerage_tests::wait::elapse(Duration::from_secs(3)).await;
            node.signal("CONT");
        } else {
            node.finished(SOON).await;
            node = place.start().await;
        }
        until("the store takes events again", SOON, async || {
            let networks = store.journal.networks();
            networks.load(network).await.ok().map(|_| ())
        })
        .await;
        store.happens(network).await;
        expected += 6;
        let taken = receiver.has_taken(expected).await;
        in_order_and_once(&taken);
    }
    process.stop().await;
    in_order_and_once(&receiver.taken());
    assert_eq!(receiver.taken().len(), expected);
    let events = store.events(&id).await;
    let failed = events.iter().any(|it| it.name() == "ConnectorFailed");
    assert!(!failed, "{events:?}");
}
