//! How far a connector is behind the log: by how many records, and for how long.

use crate::support::{Process, Receiver, Store, settings};
use chrono::{DateTime, TimeDelta, Utc};
use connectors::{Catalogue, DeliveryLog, Live, exposition};
use domain::text::ConnectorId;
use journal::{Followed, Position};
use peerage_tests::wait::{SOON, holds, until};
use serde_json::json;
use std::{collections::BTreeMap, time::Duration};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

fn live(process: &Process, id: &ConnectorId) -> Option<Live> {
    process.runtime.statuses().get(id)
}

/// The lines of the figures that say how far a connector is behind.
async fn figures(
    store: &Store,
    process: &Process,
    counted: &BTreeMap<ConnectorId, u64>,
    now: DateTime<Utc>,
) -> Vec<String> {
    let catalogue = Catalogue::default();
    let (all, journal) = (catalogue.clone(), store.journal.clone());
    let running = async move { all.run(&journal, CancellationToken::new()).await };
    let _running = AbortOnDropHandle::new(tokio::spawn(running));
    let all = catalogue.all(SOON).await.unwrap();
    let (statuses, log) = (process.runtime.statuses(), DeliveryLog::default());
    let text = exposition(statuses, &all, &log, counted, now).unwrap();
    let lag = |it: &&str| it.contains("_lag") && !it.starts_with('#');
    text.lines().filter(lag).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_is_behind_by_all_that_waits_for_as_long_as_the_oldest_of_it_does() {
    let (store, receiver) = (Store::new().await, Receiver::new());
    let (first, second) = (store.network(1).await, store.network(2).await);
    let id = store.started("webhook", settings(&json!({}))).await;
    let process = store.process(&receiver);
    receiver.has_taken(2).await;
    receiver.hold(true);
    store.happens(first).await;
    let in_hand = |many: usize| live(&process, &id).is_some_and(|it| it.in_hand == many);
    holds("one is in hand", || in_hand(1)).await;
    for network in [first, second, second] {
        store.happens(network).await;
    }
    holds("all that came are", || in_hand(4)).await;
    let oldest = store.journal.read_stream(&first.stream(), Some(0)).await;
    let oldest = oldest.unwrap()[0].created;
    let now = oldest + TimeDelta::milliseconds(90_500);
    let seen = live(&process, &id).unwrap();
    assert_eq!(seen.lag(now), Some(Duration::from_millis(90_500)));
    let none = BTreeMap::new();
    let of = r#"{connector="webhook",kind="stdout"}"#;
    assert_eq!(
        figures(&store, &process, &none, now).await,
        [
            format!("peerage_messaging_consumer_lag{of} 4"),
            format!("peerage_connector_lag_seconds{of} 90.5"),
        ]
    );
    receiver.hold(false);
    receiver.has_taken(6).await;
    holds("nothing waits", || {
        in_hand(0) && live(&process, &id).is_some_and(|it| it.behind == Some(0))
    })
    .await;
    assert_eq!(live(&process, &id).unwrap().lag(now), None);
    assert_eq!(
        figures(&store, &process, &none, now).await,
        [
            format!("peerage_messaging_consumer_lag{of} 0"),
            format!("peerage_connector_lag_seconds{of} 0.0"),
        ]
    );
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_reads_by_itself_is_behind_by_what_is_counted_and_never_by_nothing() {
    let (store, receiver) = (Store::new().await, Receiver::new());
    let network = store.network(1).await;
    for _ in 1..1_020 {
        store.happens(network).await;
    }
    receiver.hold(true);
    let id = store.started("webhook", settings(&json!({}))).await;
    let process = store.process(&receiver);
    holds(
        "it has its hands full, and does not know what else is there",
        || live(&process, &id).is_some_and(|it| it.in_hand == 1_000 && it.behind.is_none()),
    )
    .await;
    let seen = live(&process, &id).unwrap();
    assert_eq!(seen.position, Some(Position::START));
    let oldest = store.journal.read_some(&network.stream(), 0, 1).await;
    let now = oldest.unwrap()[0].created + TimeDelta::seconds(7);
    let of = r#"{connector="webhook",kind="stdout"}"#;
    let seconds = format!("peerage_connector_lag_seconds{of} 7.0");
    // Nobody has counted: that there is nothing is not known.
    let none = figures(&store, &process, &BTreeMap::new(), now).await;
    assert_eq!(none, [seconds.as_str()]);
    let counted = store
        .journal
        .behind(seen.position, &Followed::Deliverable, 5_000)
        .await;
    let counted = counted.unwrap().events;
    assert!(counted >= 1_020, "{counted}");
    let counted = BTreeMap::from([(id.clone(), counted)]);
    let shown = figures(&store, &process, &counted, now).await;
    let events = format!("peerage_messaging_consumer_lag{of} {}", counted[&id]);
    assert_eq!(shown, [events, seconds]);
    receiver.hold(false);
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_known_up_to_where_the_log_was_read_for_the_connectors_that_run_here() {
    let (store, receiver) = (Store::new().await, Receiver::new());
    let network = store.network(1).await;
    let process = store.process(&receiver);
    let end = async || store.journal.end().await.unwrap();
    until("it is at the end", SOON, async || {
        (process.runtime.read_up_to() >= end().await).then_some(())
    })
    .await;
    store.happens(network).await;
    let after = end().await;
    holds("it goes on", || process.runtime.read_up_to() >= after).await;
    process.stop().await;
}
