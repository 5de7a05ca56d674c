//! What is kept, for how long, and what must not happen for its sake.

use super::*;
use crate::sink::Item;
use journal::{Body, Position, Recorded};
use std::{sync::Arc, time::Instant};
use uuid::Uuid;

fn at(minute: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_772_355_600 + 60 * minute, 0).unwrap()
}

fn clock(minute: i64) -> Clock {
    Arc::new(move || at(minute))
}

fn parcel(connector: &str, events: &[u128], attempt: u32) -> Parcel {
    let item = |id: &u128| Item {
        recorded: Arc::new(Recorded {
            stream: "network-1".to_owned(),
            network_id: None,
            revision: 7,
            position: Position::START,
            event_id: EventId(Uuid::from_u128(*id)),
            created: at(0),
            metadata: None,
            stored: Default::default(),
            data: Vec::new().into(),
            body: Body::Undecodable {
                event_type: "PeeringRequested".to_owned(),
                problem: String::new(),
            },
        }),
        sequence: 1,
        names: None,
        changed: None,
    };
    Parcel {
        connector: connector.parse().unwrap(),
        lane: "network-1".to_owned(),
        items: events.iter().map(item).collect(),
        attempt,
        is_replay: false,
    }
}

fn attempt(minute: i64, outcome: Outcome, body: &str) -> Attempt {
    Attempt {
        at: at(minute),
        took: Duration::from_millis(12),
        status: Some(if outcome == Outcome::Delivered {
            200
        } else {
            503
        }),
        body: body.to_owned(),
        outcome,
    }
}

fn busy() -> Outcome {
    Outcome::Busy {
        cause: "503".to_owned(),
        retry_after: None,
    }
}

fn query(connector: &str) -> DeliveriesQuery {
    DeliveriesQuery {
        connector: connector.parse().unwrap(),
        event: None,
        failed_only: false,
        before: None,
        most: 100,
    }
}

async fn found(log: &DeliveryLog, query: DeliveriesQuery, many: usize) -> DeliveriesPage {
    testkit::wait::until("attempts are written", testkit::wait::SOON, async || {
        let page = log.query(query.clone()).await.unwrap();
        (page.deliveries.len() == many).then_some(page)
    })
    .await
}

#[tokio::test]
async fn attempts_are_found_by_connector_by_event_and_by_what_came_of_them_the_newest_first() {
    let log = DeliveryLog::open(None, DeliveryLogSettings::default(), clock(9)).unwrap();
    log.note(&parcel("webhook", &[1], 1), &attempt(1, busy(), "later"));
    log.note(
        &parcel("webhook", &[1], 2),
        &attempt(2, Outcome::Delivered, "ok"),
    );
    log.note(
        &parcel("webhook", &[2, 3], 1),
        &attempt(3, Outcome::Delivered, &"é".repeat(3_000)),
    );
    log.note(
        &parcel("another", &[1], 1),
        &attempt(4, Outcome::Delivered, ""),
    );
    let all = found(&log, query("webhook"), 3).await.deliveries;
    assert_eq!(all[0].events.len(), 2);
    assert_eq!(all[0].body.len(), MOST_BODY);
    assert_eq!(
        (all[2].at, all[2].status, all[2].cause.as_str()),
        (at(1), Some(503), "503")
    );
    assert_eq!(all[2].took, Duration::from_millis(12));
    let about = |event: u128| DeliveriesQuery {
        event: Some(EventId(Uuid::from_u128(event))),
        ..query("webhook")
    };
    let one = found(&log, about(1), 2).await.deliveries;
    assert_eq!((one[0].attempt, one[1].attempt), (2, 1));
    assert_eq!(found(&log, about(3), 1).await.deliveries[0], all[0]);
    let failed = DeliveriesQuery {
        failed_only: true,
        ..query("webhook")
    };
    let failed = found(&log, failed, 1).await.deliveries;
    assert_eq!(failed[0].result, DeliveryResult::Busy);
    let pages = |before| DeliveriesQuery {
        most: 2,
        before,
        ..query("webhook")
    };
    let first = log.query(pages(None)).await.unwrap();
    let rest = log.query(pages(first.next)).await.unwrap();
    let together = [first.deliveries, rest.deliveries].concat();
    assert_eq!(together, all);
    assert_eq!(rest.next, None);
}

#[tokio::test]
async fn what_is_old_goes_and_what_is_kept_takes_no_more_than_it_may() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deliveries.sqlite");
    let limits = DeliveryLogSettings {
        keep_for: TimeDelta::minutes(10),
        max_bytes: 400_000,
    };
    let mut file = File::open(Some(&path), limits.max_bytes).unwrap();
    let one = |n: i64| {
        let (parcel, attempt) = (
            parcel("webhook", &[n as u128], 1),
            attempt(n, busy(), &"x".repeat(2_000)),
        );
        entry(&parcel, &attempt)
    };
    for n in 0..20 {
        file.write(&[one(n)], at(n) - limits.keep_for).unwrap();
    }
    let kept = file.find(&query("webhook")).unwrap().deliveries;
    assert_eq!(kept.len(), 11, "ten minutes, and the one on the edge");
    for n in 20..1_000 {
        file.write(&[one(n)], at(0)).unwrap();
        assert!(file.size().unwrap() <= limits.max_bytes);
    }
    let kept = file.find(&DeliveriesQuery {
        most: 10_000,
        ..query("webhook")
    });
    let kept = kept.unwrap().deliveries;
    assert_eq!(kept[0].at, at(999), "the newest is there");
    assert!(kept.len() > 50, "{} are kept", kept.len());
    assert!(std::fs::metadata(&path).unwrap().len() <= 2 * limits.max_bytes);
}

#[tokio::test]
async fn a_file_that_is_none_is_put_aside_and_one_that_is_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deliveries.sqlite");
    std::fs::write(&path, vec![b'x'; 5_000]).unwrap();
    let open = || DeliveryLog::open(Some(&path), DeliveryLogSettings::default(), clock(9));
    let log = open().unwrap();
    log.note(
        &parcel("webhook", &[1], 1),
        &attempt(1, Outcome::Delivered, ""),
    );
    found(&log, query("webhook"), 1).await;
    assert!(folder.path().join("deliveries.sqlite.unreadable").exists());
    drop(log);
    let log = open().unwrap();
    found(&log, query("webhook"), 1).await;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[tokio::test]
async fn nobody_waits_for_what_is_kept_even_while_nothing_can_be_written() {
    let log = DeliveryLog::open(None, DeliveryLogSettings::default(), clock(9)).unwrap();
    let file = Arc::clone(&log.0.as_ref().unwrap().file);
    let held = file.lock();
    let begun = Instant::now();
    let (parcel, attempt) = (
        parcel("webhook", &[1], 1),
        attempt(1, Outcome::Delivered, ""),
    );
    for _ in 0..2 * waiting::MOST + 1_000 {
        log.note(&parcel, &attempt);
    }
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert!(log.left_out() >= 1_000, "{}", log.left_out());
    drop(held);
}

#[tokio::test]
async fn that_what_writes_has_died_is_known() {
    let untold = Arc::new(|| panic!("no time is told"));
    let log = DeliveryLog::open(None, DeliveryLogSettings::default(), untold).unwrap();
    tokio::select! {
        biased;
        () = log.died() => panic!("it lives"),
        () = std::future::ready(()) => {}
    }
    log.note(&parcel("webhook", &[1], 1), &attempt(1, busy(), "later"));
    let died = tokio::time::timeout(Duration::from_secs(30), log.died());
    died.await.unwrap();
}

#[tokio::test]
async fn a_query_finds_what_was_handed_over_before_it_however_many_are_gathered() {
    let log = DeliveryLog::open(None, DeliveryLogSettings::default(), clock(9)).unwrap();
    for n in 0..200 {
        let parcel = parcel("webhook", &[n], 1);
        log.note(&parcel, &attempt(1, Outcome::Delivered, ""));
        if n % 20 == 0 {
            let newest = log.query(query("webhook")).await.unwrap();
            assert_eq!(
                newest.deliveries[0].events[0].id,
                EventId(Uuid::from_u128(n))
            );
        }
    }
}

fn one() -> Delivery {
    entry(
        &parcel("webhook", &[1], 1),
        &attempt(1, Outcome::Delivered, ""),
    )
}

/// How many are taken, where the first may wait very long for more.
fn taken(waiting: &Waiting) -> Option<usize> {
    let begun = Instant::now();
    let taken = waiting.take(LOOK, LOOK);
    assert!(begun.elapsed() < LOOK / 2, "it waited");
    taken.map(|it| it.len())
}

#[test]
fn the_first_waits_for_more_until_there_are_enough() {
    // In one round the others may all be there before anybody takes; in so many they are not.
    for _ in 0..20 {
        let waiting = Waiting::default();
        let begins = std::sync::Barrier::new(2);
        assert!(waiting.push(one()));
        thread::scope(|scope| {
            scope.spawn(|| {
                begins.wait();
                for _ in 1..waiting::ENOUGH {
                    thread::yield_now();
                    assert!(waiting.push(one()));
                }
            });
            begins.wait();
            assert_eq!(taken(&waiting), Some(waiting::ENOUGH));
        });
    }
}

#[test]
fn the_first_waits_for_no_more_while_somebody_asks_or_at_the_end_and_nothing_is_forgotten_then() {
    let waiting = Waiting::default();
    assert!(waiting.push(one()));
    thread::scope(|scope| {
        let asks = scope.spawn(|| {
            let begun = Instant::now();
            waiting.settle(LOOK);
            begun.elapsed() < LOOK / 2
        });
        assert_eq!(taken(&waiting), Some(1));
        waiting.dealt_with(1);
        assert!(asks.join().unwrap());
    });
    assert!(waiting.push(one()));
    waiting.end();
    assert_eq!(taken(&waiting), Some(1));
    assert_eq!(taken(&waiting), None);
}

#[test]
fn no_more_wait_than_may() {
    let waiting = Waiting::default();
    let taken_in = (0..2 * waiting::MOST).filter(|_| waiting.push(one()));
    assert_eq!(taken_in.count(), waiting::MOST);
    assert_eq!(taken(&waiting), Some(waiting::MOST));
}
