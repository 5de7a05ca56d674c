//! From an event's append until a receiver has it, beside a bare subscription to the same log.

use crate::support::Ground;
use chrono::Utc;
use domain::connector::StartFrom;
use journal::{Followed, Signal};
use parking_lot::Mutex;
use serde_json::json;
use std::{collections::HashMap, sync::Arc, time::Duration};
use testkit::wait::until;

/// Events, appended one after the other.
const EVENTS: u64 = 1_000;

/// The longest that something is waited for.
const LONG: Duration = Duration::from_secs(300);

type Times = HashMap<u64, i64>;

pub(crate) async fn measure() {
    let ground = Ground::new();
    let network = ground.store.network(1).await;
    let _engine = ground.engine();
    ground.asker.begin().await;
    let settings = ground.webhook("webhook", &json!({}));
    let webhook = ground.store.create("webhook", settings).await;
    ground.store.start(&webhook, StartFrom::Earliest).await;
    ground.asker.took(1).await;
    let bare = Arc::new(Mutex::new(Times::new()));
    let (told, journal) = (Arc::clone(&bare), ground.store.journal.clone());
    let following = tokio::spawn(async move {
        let mut follower = journal.follow(None, Followed::Deliverable);
        while let Ok(signal) = follower.next().await {
            if let Signal::Event(it) = signal
                && it.network_id.is_some()
            {
                told.lock().insert(it.revision, now());
            }
        }
    });
    until("the bare subscription follows", LONG, async || {
        (!bare.lock().is_empty()).then_some(())
    })
    .await;
    ground.asker.begin_noting().await;
    let mut appended = Times::new();
    for revision in 1..=EVENTS {
        appended.insert(revision, now());
        ground.store.happens(network).await;
    }
    ground.asker.took(EVENTS as usize).await;
    until("the bare subscription has all", LONG, async || {
        (bare.lock().len() as u64 > EVENTS).then_some(())
    })
    .await;
    following.abort();
    let arrived: Times = ground.asker.arrivals().await.into_iter().collect();
    let spans = |of: &Times| -> Vec<i64> {
        let mut all: Vec<_> = appended.iter().map(|(it, at)| of[it] - at).collect();
        all.sort_unstable();
        all
    };
    let (through, beside) = (spans(&arrived), spans(&bare.lock()));
    println!("latency: {EVENTS} events, one after the other, from before the append, in µs");
    for (name, part) in [("p50", 0.5), ("p99", 0.99)] {
        let at = |all: &[i64]| all[(all.len() as f64 * part) as usize];
        println!(
            "{name:>14}  receiver {:>7}  bare subscription {:>7}",
            at(&through),
            at(&beside)
        );
    }
}

fn now() -> i64 {
    Utc::now().timestamp_micros()
}
