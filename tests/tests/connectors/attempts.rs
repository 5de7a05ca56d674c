//! Attempts of one connector: when the next one is, how many there are at a time, and what is on
//! record of them in the end.

use crate::support::{Process, Receiver, Store, settings};
use chrono::{DateTime, TimeDelta, Utc};
use connectors::{Outcome, ParkedRecords, Runtime};
use domain::text::ConnectorId;
use parking_lot::Mutex;
use peerage_tests::wait::{SOON, elapse, holds, soon, until};
use serde_json::json;
use std::{collections::BTreeSet, sync::Arc, time::Duration};

fn busy(retry_after: Option<u64>) -> Outcome {
    Outcome::Busy {
        cause: "busy".to_owned(),
        retry_after: retry_after.map(Duration::from_secs),
    }
}

/// When the next attempt is, as soon as one is waited for.
async fn next_attempt(process: &Process, id: &ConnectorId) -> DateTime<Utc> {
    until("the next attempt is waited for", SOON, async || {
        process.runtime.statuses().get(id)?.next_attempt
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_asks_for_time_has_it_up_to_an_hour() {
    for (asked, at_least, at_most) in [(600, 600, 600), (864_000, 3_600, 3_600)] {
        let (store, receiver) = (Store::new().await, Receiver::new());
        store.network(1).await;
        receiver.answer(move |_, _| busy(Some(asked)));
        let id = store.started("webhook", settings(&json!({}))).await;
        let before = Utc::now();
        let process = store.process(&receiver);
        let next = next_attempt(&process, &id).await;
        let after = Utc::now();
        assert!(next - before >= TimeDelta::seconds(at_least), "{asked}");
        assert!(next - after <= TimeDelta::seconds(at_most), "{asked}");
        process.stop().await;
        assert_eq!(receiver.arrived.lock().len(), 1, "{asked}: once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_the_endpoint_is_counted_against_no_record() {
    let (store, receiver) = (Store::new().await, Receiver::new());
    let network = store.network(1).await;
    // More often than there are pauses; then the first pause of a record is due, not its last.
    receiver.answer(move |item, attempt| match attempt {
        _ if item.recorded.network_id != Some(network) => Outcome::Delivered,
        1..=12 => Outcome::EndpointFailed {
            cause: "connection refused".to_owned(),
            retry_after: None,
        },
        _ => busy(None),
    });
    let standard = json!({ "resilience": { "preset": "standard-webhooks" } });
    let id = store.started("webhook", settings(&standard)).await;
    let process = store.process(&receiver);
    let next = next_attempt(&process, &id).await;
    assert!(next - Utc::now() <= TimeDelta::seconds(6), "{next}");
    let parked = ParkedRecords::of(&store.journal, &id).await.unwrap();
    assert!(parked.records.is_empty());
    // That it answers at all opens the way to it for the others.
    store.network(2).await;
    receiver.has_taken(1).await;
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lanes_that_wait_for_their_next_attempt_leave_room_for_others() {
    let (store, receiver) = (Store::new().await, Receiver::new());
    let free = store.network(40).await;
    for n in 1..40 {
        store.network(n).await;
    }
    receiver.answer(move |item, _| match item.recorded.network_id {
        Some(id) if id == free => Outcome::Delivered,
        Some(_) | None => busy(Some(3_000)),
    });
    let id = store.started("webhook", settings(&json!({}))).await;
    let process = store.process(&receiver);
    holds("all but one wait", || {
        let live = process.runtime.statuses().get(&id);
        live.is_some_and(|it| it.retrying == 39)
    })
    .await;
    store.happens(free).await;
    let taken = receiver.has_taken(2).await;
    assert!(taken.iter().all(|it| it.lane == free.to_string()));
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_on_its_way_at_a_stop_is_waited_for_and_nothing_else_is_sent() {
    let (store, receiver) = (Store::new().await, Receiver::new());
    let resting = store.network(41).await;
    receiver.answer(move |item, _| match item.recorded.network_id {
        Some(id) if id == resting => busy(Some(3_000)),
        Some(_) | None => Outcome::Delivered,
    });
    let id = store.started("webhook", settings(&json!({}))).await;
    let process = store.process(&receiver);
    let live = |runtime: &Runtime| runtime.statuses().get(&id);
    let runtime = process.runtime.clone();
    let retrying = |many: usize| live(&runtime).is_some_and(|it| it.retrying == many);
    holds("one rests", || retrying(1)).await;
    receiver.hold(true);
    for n in 1..=40 {
        store.network(n).await;
    }
    holds(
        "as many as may are on their way, and the others wait",
        || {
            let in_hand = live(&runtime).map_or(0, |it| it.in_hand);
            (receiver.waiting(), in_hand) == (32, 41)
        },
    )
    .await;
    let stopping = tokio::spawn(process.stop());
    // Who rests is told of the stop, and so is everybody.
    holds("the stop has begun", || retrying(0)).await;
    receiver.hold(false);
    soon(stopping).await.unwrap();
    assert_eq!(receiver.taken().len(), 32);
    receiver.answer(|_, _| Outcome::Delivered);
    let process = store.process(&receiver);
    receiver.has_taken(41).await;
    process.stop().await;
    let taken = receiver.taken();
    let each: BTreeSet<_> = taken.iter().map(|it| it.event).collect();
    assert_eq!((taken.len(), each.len()), (41, 41), "none is repeated");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_set_aside_says_what_was_answered_last_how_often_it_was_tried_and_since_when() {
    let (store, receiver) = (Store::new().await, Receiver::new());
    store.network(1).await;
    let first: Arc<Mutex<Option<DateTime<Utc>>>> = Arc::default();
    let tried = Arc::clone(&first);
    receiver.answer(move |_, attempt| {
        tried.lock().get_or_insert_with(Utc::now);
        match attempt {
            1 | 2 => busy(None),
            _ => Outcome::RecordRefused("no such field".to_owned()),
        }
    });
    receiver.say(422, "{\"error\":\"no such field\"}");
    let id = store.started("webhook", settings(&json!({}))).await;
    let process = store.process(&receiver);
    let parked = until("it is set aside", SOON, async || {
        let all = ParkedRecords::of(&store.journal, &id).await.unwrap();
        all.records.into_values().next()
    })
    .await;
    process.stop().await;
    let (record, first) = (parked.record, first.lock().unwrap());
    assert_eq!(record.attempts, 3);
    assert_eq!(record.status, Some(422));
    assert_eq!(record.body, "{\"error\":\"no such field\"}");
    assert_eq!(record.cause, "no such field");
    assert!(record.first_tried <= first, "{record:?}, first at {first}");
    assert_eq!((record.sequence, record.revision), (1, 0));
    let arrived = &receiver.arrived.lock()[0];
    assert_eq!(record.event_type, arrived.event_type);
    assert_eq!(record.lane, arrived.lane);
    assert_eq!(
        record.position.commit,
        arrived.item.recorded.position.commit
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_left_alone_for_long_is_tried_at_once_by_who_does_not_want_to_wait() {
    let (store, receiver) = (Store::new().await, Receiver::new());
    store.network(1).await;
    receiver.answer(|_, attempt| match attempt {
        1 => Outcome::EndpointFailed {
            cause: "connection refused".to_owned(),
            retry_after: Some(Duration::from_secs(3_000)),
        },
        _ => Outcome::Delivered,
    });
    let id = store.started("webhook", settings(&json!({}))).await;
    let process = store.process(&receiver);
    holds("it is left alone", || {
        let live = process.runtime.statuses().get(&id);
        live.is_some_and(|it| it.paused.as_deref() == Some("connection refused"))
    })
    .await;
    // Longer than the pauses of these tests: it asked for more.
    elapse(Duration::from_millis(300)).await;
    assert_eq!(receiver.arrived.lock().len(), 1);
    assert!(process.runtime.retry_now(&id));
    receiver.has_taken(1).await;
    holds("it is not left alone any more", || {
        let live = process.runtime.statuses().get(&id);
        live.is_some_and(|it| it.paused.is_none())
    })
    .await;
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_not_enough_of_its_lease_left_sends_nothing_more_and_ends() {
    let (store, receiver) = (Store::new().await, Receiver::new());
    let network = store.network(1).await;
    let id = store.started("webhook", settings(&json!({}))).await;
    let process = store.one_that_is_behind(&receiver, "one");
    receiver.has_taken(1).await;
    let before = store.length(&id.checkpoints()).await;
    // Its lease is over, and nobody has told it.
    elapse(Duration::from_millis(1_600)).await;
    store.happens(network).await;
    holds("it has ended", || {
        process.runtime.statuses().get(&id).is_none()
    })
    .await;
    process.kill().await;
    assert_eq!(receiver.arrived.lock().len(), 1);
    assert!(
        store.length(&id.checkpoints()).await <= before + 1,
        "it claims nothing"
    );
}
