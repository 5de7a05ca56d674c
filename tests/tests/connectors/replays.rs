//! Parts of the log that are delivered again.

use crate::support::{Arrived, Receiver, Store, caller, settings};
use chrono::Utc;
use connectors::{Outcome, ParkedRecords, ParkedStreams, count_records};
use domain::connector::parked::LogRange;
use domain::{connector::LogPosition, text::ConnectorId};
use peerage_tests::wait::{SOON, until};
use serde_json::json;

fn position(of: &Arrived) -> LogPosition {
    let position = of.item.recorded.position;
    LogPosition {
        commit: position.commit,
        prepare: position.prepare,
    }
}

async fn all_is_done(store: &Store, id: &ConnectorId) {
    until("nothing is left to replay", SOON, async || {
        let parked = ParkedRecords::of(&store.journal, id).await.unwrap();
        parked.log_replays.is_empty().then_some(())
    })
    .await;
}

fn stuck_at(revision: u64) -> impl Fn(&connectors::Item, u32) -> Outcome {
    move |item, _| match item.recorded.revision {
        it if it == revision => Outcome::EndpointFailed {
            cause: "connection refused".to_owned(),
            retry_after: None,
        },
        _ => Outcome::Delivered,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_the_log_comes_again_marked_beside_the_live_flow_and_a_kill_loses_none_of_it() {
    let (store, receiver) = (Store::new().await, Receiver::new());
    let network = store.network(1).await;
    for _ in 0..4 {
        store.happens(network).await;
    }
    let id = store.started("webhook", settings(&json!({}))).await;
    let process = store.process(&receiver);
    let taken = receiver.has_taken(5).await;
    let range = LogRange {
        after: Some(position(&taken[0])),
        until: position(&taken[3]),
        since: None,
        before: None,
    };
    let wanted = store.defined(&id).await.settings;
    let count = async |range: &LogRange| {
        let counted = count_records(range, &store.journal, &id, &wanted).await;
        counted.unwrap()
    };
    assert_eq!(count(&range).await, (3, true));
    let of_a_time = LogRange {
        after: None,
        until: position(&taken[4]),
        since: Some(taken[2].item.recorded.time()),
        before: Some(taken[4].item.recorded.time()),
    };
    assert_eq!(count(&of_a_time).await, (2, true));

    receiver.answer(stuck_at(2));
    let (streams, by) = (ParkedStreams::new(store.journal.clone()), caller());
    for _ in 0..2 {
        // The same command asks once.
        let asked = streams.replay_log(&id, &range, 3, &by, Utc::now()).await;
        assert_eq!(asked.unwrap(), 3);
    }
    receiver.has_taken(6).await;
    process.kill().await;
    receiver.answer(|_, _| Outcome::Delivered);
    let process = store.process(&receiver);
    all_is_done(&store, &id).await;
    store.happens(network).await;
    let live = until("the live flow goes on", SOON, async || {
        let taken = receiver.taken();
        taken.into_iter().find(|it| it.revision == 5)
    })
    .await;
    assert_eq!((live.is_replay, live.sequence), (false, 6));
    let again = receiver.taken().into_iter().filter(|it| it.is_replay);
    let mut again: Vec<_> = again.map(|it| (it.revision, it.sequence)).collect();
    again.dedup();
    again.sort_unstable();
    again.dedup();
    assert_eq!(again, [(1, 0), (2, 0), (3, 0)]);

    // One that ends between two records, and one of a time: what comes is what was counted.
    let comes = async |range: &LogRange| {
        let before = receiver.taken().len();
        let by = caller();
        let asked = streams.replay_log(&id, range, 2, &by, Utc::now()).await;
        assert_eq!(asked.unwrap(), 2);
        all_is_done(&store, &id).await;
        let taken = receiver.taken().split_off(before);
        taken.iter().map(|it| it.revision).collect::<Vec<_>>()
    };
    let mut before_the_last = position(&taken[4]);
    before_the_last.commit -= 1;
    before_the_last.prepare = before_the_last.commit;
    let ends_between = LogRange {
        after: Some(position(&taken[1])),
        until: before_the_last,
        since: None,
        before: None,
    };
    assert_eq!(comes(&ends_between).await, [2, 3]);
    assert_eq!(comes(&of_a_time).await, [2, 3]);
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_that_is_ended_delivers_no_more_and_so_many_wait_at_most() {
    let (store, receiver) = (Store::new().await, Receiver::new());
    let network = store.network(1).await;
    for _ in 0..3 {
        store.happens(network).await;
    }
    let id = store.started("webhook", settings(&json!({}))).await;
    let process = store.process(&receiver);
    let taken = receiver.has_taken(4).await;
    let range = LogRange {
        after: None,
        until: position(&taken[3]),
        since: None,
        before: None,
    };
    receiver.answer(stuck_at(0));
    let streams = ParkedStreams::new(store.journal.clone());
    for _ in 0..10 {
        let asked = streams
            .replay_log(&id, &range, 4, &caller(), Utc::now())
            .await;
        assert_eq!(asked.unwrap(), 4);
    }
    let refused = streams
        .replay_log(&id, &range, 4, &caller(), Utc::now())
        .await;
    assert!(refused.is_err());
    receiver.has_met(5).await;
    let ended = streams.end_log_replays(&id, &caller(), Utc::now()).await;
    assert_eq!(ended.unwrap(), 10);
    receiver.answer(|_, _| Outcome::Delivered);
    store.happens(network).await;
    receiver.has_taken(5).await;
    all_is_done(&store, &id).await;
    process.stop().await;
    let again = receiver.taken().into_iter().filter(|it| it.is_replay);
    assert!(again.count() <= 1, "one was under way");
}
