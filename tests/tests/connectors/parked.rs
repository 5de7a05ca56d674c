//! Records that are set aside, and what becomes of them and of their lanes.

use crate::support::{Receiver, Store, caller, settings};
use chrono::Utc;
use connectors::{Outcome, ParkedRecords, ParkedStreams, Which};
use domain::text::ConnectorId;
use peerage_tests::wait::{SOON, until};
use serde_json::json;

fn refused(revision: u64) -> impl Fn(&connectors::Item, u32) -> Outcome {
    move |item, _| match item.recorded.revision {
        it if it == revision => Outcome::RecordRefused("a field is missing".to_owned()),
        _ => Outcome::Delivered,
    }
}

async fn parked(store: &Store, id: &ConnectorId) -> ParkedRecords {
    ParkedRecords::of(&store.journal, id).await.unwrap()
}

async fn has_parked(store: &Store, id: &ConnectorId, many: usize) -> ParkedRecords {
    until(&format!("{many} are parked"), SOON, async || {
        let parked = parked(store, id).await;
        (parked.records.len() == many).then_some(parked)
    })
    .await
}

async fn replay(store: &Store, id: &ConnectorId, which: Which) -> usize {
    ParkedStreams::new(store.journal.clone())
        .replay(id, &which, &caller(), Utc::now())
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_refused_is_parked_with_its_cause_and_its_lane_goes_on_with_a_gap() {
    let (store, receiver) = (Store::new().await, Receiver::new());
    let network = store.network(1).await;
    receiver.answer(refused(1));
    let id = store.started("webhook", settings(&json!({}))).await;
    let process = store.process(&receiver);
    for _ in 0..3 {
        store.happens(network).await;
    }
    let taken = receiver.has_taken(3).await;
    let sequences: Vec<_> = taken.iter().map(|it| it.sequence).collect();
    assert_eq!(sequences, [1, 3, 4]);
    let parked = has_parked(&store, &id, 1).await;
    let parked = parked.records.values().next().unwrap();
    assert_eq!(
        (
            parked.record.cause.as_str(),
            parked.record.attempts,
            parked.record.sequence
        ),
        ("a field is missing", 1, 2)
    );

    receiver.answer(|_, _| Outcome::Delivered);
    assert_eq!(replay(&store, &id, Which::All).await, 1);
    let taken = receiver.has_taken(4).await;
    assert!(taken[3].is_replay);
    assert_eq!(
        (taken[3].sequence, taken[3].event),
        (2, parked.record.event_id.0)
    );
    has_parked(&store, &id, 0).await;
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_that_is_refused_again_is_parked_again_and_one_that_was_asked_for_survives_a_kill()
{
    let (store, receiver) = (Store::new().await, Receiver::new());
    let network = store.network(1).await;
    receiver.answer(refused(1));
    let id = store.started("webhook", settings(&json!({}))).await;
    let process = store.process(&receiver);
    store.happens(network).await;
    has_parked(&store, &id, 1).await;
    replay(&store, &id, Which::All).await;
    until("it is refused once more", SOON, async || {
        let all = store.journal.records(&id.parked()).await.unwrap();
        let refused = all
            .iter()
            .filter(|it| it.event_type == "ConnectorRecordParked");
        (refused.count() == 2).then_some(())
    })
    .await;
    assert!(
        parked(&store, &id)
            .await
            .records
            .values()
            .all(|it| !it.is_wanted)
    );
    process.kill().await;

    replay(&store, &id, Which::All).await;
    receiver.answer(|_, _| Outcome::Delivered);
    let process = store.process(&receiver);
    has_parked(&store, &id, 0).await;
    process.stop().await;
    assert_eq!(receiver.taken().iter().filter(|it| it.is_replay).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_that_is_set_to_hold_waits_until_what_it_parked_is_replayed_or_discarded() {
    let (store, receiver) = (Store::new().await, Receiver::new());
    let (held, free) = (store.network(1).await, store.network(2).await);
    receiver.answer(move |item, _| {
        let is_refused = item.recorded.network_id == Some(held) && item.recorded.revision > 0;
        if is_refused {
            Outcome::RecordRefused("not now".to_owned())
        } else {
            Outcome::Delivered
        }
    });
    let id = store
        .started("webhook", settings(&json!({ "after_park": "hold" })))
        .await;
    let process = store.process(&receiver);
    for _ in 0..3 {
        store.happens(held).await;
        store.happens(free).await;
    }
    receiver.has_taken(5).await;
    has_parked(&store, &id, 1).await;
    process.kill().await;
    // Held beyond a restart too.
    let process = store.process(&receiver);
    store.happens(free).await;
    until("what is free goes on", SOON, async || {
        let taken = receiver.taken();
        taken
            .iter()
            .any(|it| it.lane == free.to_string() && it.revision == 4)
            .then_some(())
    })
    .await;
    assert_eq!(parked(&store, &id).await.records.len(), 1);

    let unknown = Which::These(vec![domain::EventId(uuid::Uuid::nil())]);
    let by = caller();
    let streams = ParkedStreams::new(store.journal.clone());
    let refused = streams.discard(&id, &unknown, &by, Utc::now());
    assert!(refused.await.is_err());
    let one = parked(&store, &id).await;
    let one = Which::These(one.records.keys().copied().collect());
    for _ in 0..2 {
        let discarded = streams.discard(&id, &one, &by, Utc::now());
        assert_eq!(discarded.await.unwrap(), 1);
    }
    // The next one of the lane is refused as well, and holds it again.
    until("the next one is parked", SOON, async || {
        let parked = parked(&store, &id).await;
        let revisions: Vec<_> = parked
            .records
            .values()
            .map(|it| it.record.revision)
            .collect();
        (revisions == [2]).then_some(())
    })
    .await;
    receiver.answer(|_, _| Outcome::Delivered);
    replay(&store, &id, Which::All).await;
    until("the lane goes on", SOON, async || {
        let taken = receiver.taken();
        let of_held = taken.iter().filter(|it| it.lane == held.to_string());
        let revisions: Vec<_> = of_held.map(|it| it.revision).filter(|it| *it > 0).collect();
        (revisions == [2, 3]).then_some(())
    })
    .await;
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stays_busy_is_parked_after_its_pauses_and_an_endpoint_that_fails_parks_nothing() {
    let (store, receiver) = (Store::new().await, Receiver::new());
    store.network(1).await;
    receiver.answer(|_, _| Outcome::Busy {
        cause: "too many requests".to_owned(),
        retry_after: None,
    });
    let id = store
        .started(
            "webhook",
            settings(&json!({ "resilience": {
                "preset": "delay-bounds",
                "first_delay_bound": { "delay_ms": 5, "upper_limit_ms": 20 },
                "second_delay_bound": { "delay_ms": 5, "upper_limit_ms": 40 },
                "third_delay_bound": { "delay_ms": 5, "upper_limit_ms": 60 },
            }})),
        )
        .await;
    let process = store.process(&receiver);
    let parked = has_parked(&store, &id, 1).await;
    let parked = parked.records.values().next().unwrap();
    assert!(parked.record.attempts > 2);
    assert_eq!(parked.record.cause, "too many requests");

    receiver.answer(|_, _| Outcome::EndpointFailed {
        cause: "connection refused".to_owned(),
        retry_after: None,
    });
    store.network(2).await;
    store.is(&id, "paused").await;
    // What was put on record by one process is taken back by the next.
    process.kill().await;
    let process = store.process(&receiver);
    receiver.answer(|_, _| Outcome::Delivered);
    store.is(&id, "running").await;
    let taken = receiver.has_taken(1).await;
    assert_eq!((taken[0].sequence, taken[0].revision), (1, 0));
    assert_eq!(self::parked(&store, &id).await.records.len(), 1);
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_answers_again_with_a_refusal_takes_what_follows() {
    let (store, receiver) = (Store::new().await, Receiver::new());
    let network = store.network(1).await;
    let tries = std::sync::atomic::AtomicU32::new(0);
    receiver.answer(move |item, _| {
        let is_first = tries.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0;
        match item.recorded.revision {
            _ if is_first => Outcome::EndpointFailed {
                cause: "connection refused".to_owned(),
                retry_after: None,
            },
            0 => Outcome::RecordRefused("a field is missing".to_owned()),
            _ => Outcome::Delivered,
        }
    });
    let id = store.started("webhook", settings(&json!({}))).await;
    let process = store.process(&receiver);
    has_parked(&store, &id, 1).await;
    store.happens(network).await;
    let taken = receiver.has_taken(1).await;
    assert_eq!((taken[0].revision, taken[0].sequence), (1, 2));
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_went_together_and_were_not_taken_in_the_end_are_parked_without_further_tries()
{
    let store = Store::new().await;
    let receiver = Receiver::in_batches(4, std::time::Duration::from_millis(300));
    let network = store.network(1).await;
    for _ in 0..3 {
        store.happens(network).await;
    }
    receiver.answer(|_, _| Outcome::Busy {
        cause: "too many requests".to_owned(),
        retry_after: None,
    });
    let never = json!({ "resilience": { "preset": "none" } });
    let id = store.started("webhook", settings(&never)).await;
    let process = store.process(&receiver);
    let parked = has_parked(&store, &id, 4).await;
    process.stop().await;
    assert!(parked.records.values().all(|it| it.record.attempts == 1));
    assert_eq!(receiver.arrived.lock().len(), 4, "once, all together");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_store_said_of_terms_holds_nobody_up() {
    let (store, receiver) = (Store::new().await, Receiver::new());
    let network = store.network(1).await;
    receiver.answer(refused(1));
    let id = store.started("webhook", settings(&json!({}))).await;
    // Under a lease, whose terms are numbers of events.
    let process = store.one_of_several(&receiver, "one");
    store.happens(network).await;
    has_parked(&store, &id, 1).await;
    process.stop().await;
    let process = store.one_of_several(&receiver, "one");
    store.is(&id, "running").await;
    let later = until("it runs under a later term", SOON, async || {
        let ran = store.defined(&id).await.ran?;
        (ran.term > 1).then_some(ran.term)
    })
    .await;
    process.stop().await;
    // Then alone, with no lease and no terms.
    let process = store.process(&receiver);
    until("it runs alone", SOON, async || {
        let ran = store.defined(&id).await.ran?;
        (ran.term == 0).then_some(())
    })
    .await;
    receiver.answer(|_, _| Outcome::Delivered);
    store.happens(network).await;
    receiver.has_taken(2).await;
    replay(&store, &id, Which::All).await;
    has_parked(&store, &id, 0).await;
    process.stop().await;
    assert!(later > 1);
}
