//! The lease as several processes meet it: when it can be had, for how long its holder may act, and
//! when it is given back.

use crate::support::Store;
use chrono::Utc;
use connectors::{Election, LeaseSettings, Term, Terms};
use journal::Kept;
use peerage_tests::{
    store_proxy::{Stop, StoreProxy},
    wait::{SOON, holds, soon, until},
};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const STREAM: &str = "connectorLease-acting";
const HOUR: Duration = Duration::from_secs(3_600);

/// A process that asks for the lease.
struct Asking {
    terms: Terms,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

fn lasting(ttl: Duration, renewal_ms: u64) -> LeaseSettings {
    let renewal = Duration::from_millis(renewal_ms);
    LeaseSettings { ttl, renewal }
}

fn asks(store: &Store, settings: LeaseSettings, instance: u128) -> Asking {
    let election = Election::new(
        store.journal.clone(),
        "acting",
        settings,
        format!("db{instance}"),
        Uuid::from_u128(instance),
        Arc::new(Utc::now),
    );
    assert_eq!(election.stream(), STREAM);
    let (terms, stop) = (election.terms(), CancellationToken::new());
    let stopping = stop.clone();
    Asking {
        terms,
        stop,
        task: tokio::spawn(async move { election.run(stopping).await }),
    }
}

impl Asking {
    async fn holds_it(&mut self) -> Term {
        soon(async {
            loop {
                if let Some(term) = self.terms.current() {
                    return term;
                }
                self.terms.changed().await;
            }
        })
        .await
    }

    async fn ends(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

async fn said(store: &Store) -> Vec<(Kept, Value)> {
    let all = store.journal.records(STREAM).await.unwrap();
    let read = |kept: Kept| {
        let said = serde_json::from_slice(&kept.data).unwrap();
        (kept, said)
    };
    all.into_iter().map(read).collect()
}

/// Waits until the lease's stream has had so many events.
async fn has_length(store: &Store, many: u64) {
    until(&format!("{many} words of the lease"), SOON, async || {
        (store.length(STREAM).await >= many).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_takes_a_lease_only_once_it_was_silent_for_as_long_as_it_lasts() {
    let store = Store::new().await;
    let ttl = Duration::from_millis(1_500);
    let mut first = asks(&store, lasting(ttl, 200), 1);
    let before = first.holds_it().await;
    let mut second = asks(&store, lasting(ttl, 200), 2);
    let so_far = store.length(STREAM).await;
    // Longer than a lease lasts, and the holder renews it all the time.
    has_length(&store, so_far + 12).await;
    assert!(second.terms.current().is_none());
    assert!(before.lasts_for_a_call(), "it is renewed");
    first.ends().await;
    let after = second.holds_it().await;
    assert!(after.number() > before.number());
    assert_eq!(after.lease(), before.lease(), "it is the same lease");
    assert!(after.lease().is_some());
    let told = said(&store).await;
    assert!(told.len() <= 10, "{} words are kept", told.len());
    let is_second = |it: &&(Kept, Value)| it.1["host"] == "db2";
    let taken = told.iter().find(is_second).expect("it is on record");
    let last = told.iter().rev().find(|it| it.1["host"] == "db1");
    let silent = taken.0.time - last.expect("so is the holder before").0.time;
    assert!(silent.to_std().unwrap() >= ttl, "{silent}");
    // The one that is dead and does not know it may do nothing more.
    holds("its time is over", || !before.lasts_for_a_call()).await;
    second.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_goes_by_the_name_of_a_holder_that_has_ended_waits_for_nobody_and_others_do() {
    let store = Store::new().await;
    let mut crashed = asks(&store, lasting(HOUR, 20), 1);
    let before = crashed.holds_it().await;
    crashed.ends().await;
    let mut other = asks(&store, lasting(HOUR, 20), 2);
    let mut again = asks(&store, lasting(HOUR, 20), 1);
    let after = again.holds_it().await;
    assert!(after.number() > before.number());
    assert_eq!(after.lease(), before.lease());
    let so_far = store.length(STREAM).await;
    has_length(&store, so_far + 20).await;
    assert!(other.terms.current().is_none(), "it asks in vain");
    other.ends().await;
    again.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_is_given_back_once_nobody_works_under_it_and_then_had_at_once() {
    let store = Store::new().await;
    let mut first = asks(&store, lasting(HOUR, 3_600_000), 1);
    let before = first.holds_it().await;
    let mut second = asks(&store, lasting(HOUR, 20), 2);
    first.stop.cancel();
    // Whoever works under it has not ended yet.
    for _ in 0..50 {
        let told = said(&store).await;
        assert!(told.iter().all(|it| it.1["released"] == false), "{told:?}");
    }
    assert!(!first.task.is_finished());
    assert!(second.terms.current().is_none());
    drop(first.terms);
    soon(first.task).await.unwrap();
    let after = second.holds_it().await;
    assert!(after.number() > before.number());
    let told = said(&store).await;
    let released = told.iter().find(|it| it.1["released"] == true);
    let released = &released.expect("it was given back").1;
    assert_eq!(released["host"], "db1");
    assert_eq!(released["term"], before.number());
    second.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_somebody_else_took_is_lost_and_had_again_under_a_higher_term() {
    let store = Store::new().await;
    let mut asking = asks(&store, lasting(Duration::from_secs(20), 50), 1);
    let before = asking.holds_it().await;
    let stolen = json!({
        "host": "db2", "instance": Uuid::from_u128(2), "version": "0.1.0", "reads": 2, "released": true,
        "term": before.number() + 40, "lease": before.lease(),
    });
    // Renewed meanwhile, it is behind: then it is tried again.
    until("somebody else is first", SOON, async || {
        let last = store.length(STREAM).await.checked_sub(1);
        let record = crate::support::raw("ConnectorLease", &stolen);
        store.journal.record(STREAM, last, &[record]).await.unwrap()
    })
    .await;
    let terms = &mut asking.terms;
    let after = soon(async {
        loop {
            let current = terms.current();
            match current.filter(|it| it.number() != before.number()) {
                Some(after) => return after,
                None => terms.changed().await,
            }
        }
    })
    .await;
    assert!(after.number() > before.number() + 40, "{after:?}");
    assert_eq!(after.lease(), before.lease());
    assert!(after.lasts_for_a_call());
    asking.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_to_act_is_counted_from_before_the_lease_was_asked_for() {
    let store = Store::new().await;
    // By the time that the answer comes, the time to act is over; and so with each renewal.
    let late = Stop::Late(Duration::from_millis(900));
    let proxy = StoreProxy::counting(&store.address(), late, "connectorLease").await;
    let through = Store::at(proxy.connection_string());
    let ttl = Duration::from_secs(1);
    let mut asking = asks(&through, lasting(ttl, 20), 1);
    let term = asking.holds_it().await;
    holds("it was renewed three times", || {
        assert!(!term.lasts_for_a_call());
        proxy.progress().answered >= 4
    })
    .await;
    asking.ends().await;
}
