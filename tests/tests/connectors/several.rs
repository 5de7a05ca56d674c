//! Several processes on one store: one of them delivers.

use crate::support::{Receiver, Store, in_order_and_once, settings};
use connectors::{Outcome, ParkedRecords};
use domain::connector::LEASE_STREAM;
use peerage_tests::wait::{SOON, holds, until};
use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Duration};

#[tokio::test(flavor = "multi_thread")]
async fn one_of_several_processes_delivers_and_another_takes_over_when_it_ends() {
    let store = Store::new().await;
    let network = store.network(1).await;
    let (one, other) = (Receiver::new(), Receiver::new());
    let id = store.started("webhook", settings(&json!({}))).await;
    let first = store.one_of_several(&one, "one");
    one.has_taken(1).await;
    let second = store.one_of_several(&other, "other");
    for _ in 0..20 {
        store.happens(network).await;
    }
    one.has_taken(21).await;
    assert_eq!(other.taken().len(), 0);
    let ran = store.defined(&id).await.ran.unwrap();
    assert_eq!(ran.host, "one");

    // In good order the lease is given back, and nothing is repeated.
    first.stop().await;
    let lease = store.journal.records(LEASE_STREAM).await.unwrap();
    let released = |it: &journal::Kept| {
        let said: Value = serde_json::from_slice(&it.data).unwrap();
        said["released"] == true
    };
    assert!(lease.iter().any(released), "the lease is given back");
    store.happens(network).await;
    let taken = other.has_taken(1).await;
    assert_eq!(taken[0].revision, 21);
    let took_over = store.defined(&id).await.ran.unwrap();
    assert_eq!(took_over.host, "other");
    assert!(took_over.term > ran.term);
    assert_eq!(second.runtime.holder().await.unwrap().unwrap().0, "other");

    // A holder that is killed is waited for, and what was not on record of it comes again.
    let third = store.one_of_several(&one, "third");
    second.kill().await;
    store.happens(network).await;
    until("the third delivers", SOON, async || {
        let taken = one.taken();
        taken.iter().any(|it| it.revision == 22).then_some(())
    })
    .await;
    third.stop().await;
    let mut all = one.taken();
    all.extend(other.taken());
    let mut seen = BTreeSet::new();
    all.retain(|it| seen.insert(it.event));
    all.sort_by_key(|it| it.revision);
    in_order_and_once(&all);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_of_before_ends_when_another_claims_what_it_has_and_parks_nothing() {
    let store = Store::new().await;
    let network = store.network(1).await;
    let (one, other) = (Receiver::new(), Receiver::new());
    one.take(Duration::from_secs(4));
    one.answer(|_, _| Outcome::RecordRefused("too late".to_owned()));
    let id = store.started("webhook", settings(&json!({}))).await;
    let first = store.one_that_is_behind(&one, "one");
    holds("a delivery is under way", || {
        let live = first.runtime.statuses().get(&id);
        live.is_some_and(|it| it.in_hand == 1)
    })
    .await;
    let second = store.one_of_several(&other, "other");
    other.has_taken(1).await;
    holds("the first has ended it", || {
        first.runtime.statuses().get(&id).is_none()
    })
    .await;
    let parked = ParkedRecords::of(&store.journal, &id).await.unwrap();
    assert_eq!(parked.records.len(), 0, "it was delivered");
    store.happens(network).await;
    let taken = other.has_taken(2).await;
    in_order_and_once(&taken);
    assert_eq!(one.arrived.lock().len(), 0, "its answer was not waited for");
    assert_eq!(store.defined(&id).await.ran.unwrap().host, "other");
    second.stop().await;
    first.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_that_both_believe_to_be_alone_lose_nothing() {
    let store = Store::new().await;
    let network = store.network(1).await;
    let (one, other) = (Receiver::new(), Receiver::new());
    let id = store.started("webhook", settings(&json!({}))).await;
    // Both believe that they are alone: whoever claimed last may write.
    let first = store.process(&one);
    one.has_taken(1).await;
    one.answer(|_, _| Outcome::RecordRefused("no".to_owned()));
    one.take(Duration::from_millis(100));
    let second = store.process(&other);
    other.take(Duration::from_millis(100));
    holds("the second runs it", || {
        second.runtime.statuses().get(&id).is_some()
    })
    .await;
    store.happens(network).await;
    until("the other delivers", SOON, async || {
        other
            .taken()
            .iter()
            .any(|it| it.revision == 1)
            .then_some(())
    })
    .await;
    first.stop().await;
    second.stop().await;
    let restarts = store.events(&id).await;
    assert!(
        restarts.iter().all(|it| it.name() != "ConnectorFailed"),
        "{restarts:?}"
    );
}
