//! Who is woken for what, and what is passed over.

use super::{Read, window::*};
use domain::EventId;
use journal::{Body, Position, Recorded};
use std::sync::Arc;
use uuid::Uuid;

fn at(n: u64) -> Position {
    Position {
        commit: n,
        prepare: n,
    }
}

fn record(n: u64, stream: &str, bytes: usize) -> Recorded {
    Recorded {
        stream: stream.to_owned(),
        network_id: None,
        revision: n,
        position: at(n),
        event_id: EventId(Uuid::from_u128(n.into())),
        created: chrono::DateTime::UNIX_EPOCH,
        metadata: None,
        stored: Default::default(),
        data: vec![b' '; bytes].into(),
        body: Body::Undecodable {
            event_type: "PeeringRequested".to_owned(),
            problem: String::new(),
        },
    }
}

/// A window that is open, and somebody who wants the records of one stream.
fn open() -> (Window, Arc<Waiter>) {
    let mut window = Window::default();
    window.open(Some(at(0)));
    let waiter = Waiter::new(Box::new(|it| it.stream == "mine"));
    window.enter(Arc::clone(&waiter));
    (window, waiter)
}

/// Whether somebody was woken since this was asked last.
fn is_woken(waiter: &Waiter) -> bool {
    use futures::FutureExt as _;
    waiter.woken.notified().now_or_never().is_some()
}

/// What a look brings, in short.
fn seen(look: Look) -> (&'static str, u64) {
    match look {
        Look::Found(Read::Record(it)) => ("record", it.revision),
        Look::Found(Read::Passed(last, many)) => {
            assert!(last.revision >= many as u64);
            ("passed up to", last.revision)
        }
        Look::Found(Read::Nothing(position)) => ("nothing up to", position.commit),
        Look::Found(Read::Broken) => ("broken", 0),
        Look::Wait => ("wait", 0),
        Look::Behind => ("behind", 0),
    }
}

#[test]
fn a_reader_is_woken_for_what_it_wants_and_passes_over_the_rest_at_once() {
    let (mut window, waiter) = open();
    for n in 1..=20 {
        window.push(record(n, "another's", 0));
    }
    assert!(!is_woken(&waiter));
    window.push(record(21, "mine", 0));
    assert!(is_woken(&waiter));
    window.push(record(22, "another's", 0));
    assert!(!is_woken(&waiter));
    let (mut next, mut breaks) = (window.number(Some(at(0))).unwrap(), 0);
    let mut look = |after| seen(window.look(&waiter, &mut next, &mut breaks, Some(at(after))));
    assert_eq!(look(0), ("passed up to", 20));
    assert_eq!(look(20), ("record", 21));
    assert_eq!(look(21), ("passed up to", 22));
    assert_eq!(look(22), ("wait", 0));
}

#[test]
fn a_reader_that_wants_nothing_is_woken_before_it_falls_behind_by_number_or_by_bytes() {
    for (bytes, many) in [(0, 10_000), (60_000, 1_000)] {
        let (mut window, waiter) = open();
        let (mut next, mut breaks, mut after) = (window.number(Some(at(0))).unwrap(), 0, 0);
        let mut woken = 0;
        for n in 1..=many {
            window.push(record(n, "another's", bytes));
            if !is_woken(&waiter) {
                continue;
            }
            woken += 1;
            loop {
                match seen(window.look(&waiter, &mut next, &mut breaks, Some(at(after)))) {
                    ("passed up to", last) => after = last,
                    ("wait", 0) => break,
                    other => panic!("{other:?} at {n}"),
                }
            }
            assert_eq!(after, n);
        }
        assert!((4..40).contains(&woken), "{woken}");
    }
}

#[test]
fn readers_that_want_nothing_are_not_woken_all_at_the_same_record() {
    let mut window = Window::default();
    window.open(None);
    let waiters: Vec<_> = (0..100).map(|_| Waiter::new(Box::new(|_| false))).collect();
    for waiter in &waiters {
        window.enter(Arc::clone(waiter));
    }
    for n in 1..=2_048 {
        window.push(record(n, "another's", 0));
        let woken = waiters.iter().filter(|it| is_woken(it)).count();
        assert!(woken <= 1, "{woken} at {n}");
    }
}

#[test]
fn everybody_is_woken_when_following_breaks_or_the_log_is_another_one_and_nobody_who_has_left() {
    let (mut window, waiter) = open();
    let (mut next, mut breaks) = (window.number(Some(at(0))).unwrap(), 0);
    window.broke();
    assert!(is_woken(&waiter));
    let found = seen(window.look(&waiter, &mut next, &mut breaks, Some(at(0))));
    assert_eq!(found, ("broken", 0));
    window.open(Some(at(5)));
    assert!(is_woken(&waiter));
    let found = seen(window.look(&waiter, &mut next, &mut breaks, Some(at(0))));
    assert_eq!(found, ("broken", 0));
    let found = seen(window.look(&waiter, &mut next, &mut breaks, Some(at(0))));
    assert_eq!(found, ("behind", 0));
    window.leave(&waiter);
    window.push(record(6, "mine", 0));
    assert!(!is_woken(&waiter));
}

#[test]
fn a_quiet_reader_learns_how_far_the_log_was_looked_at_and_what_it_cannot_see_any_more() {
    let (mut window, waiter) = open();
    let (mut next, mut breaks) = (window.number(Some(at(0))).unwrap(), 0);
    window.seen = Some(at(9));
    let found = seen(window.look(&waiter, &mut next, &mut breaks, Some(at(0))));
    assert_eq!(found, ("nothing up to", 9));
    for n in 10..10_000 {
        window.push(record(n, "mine", 0));
    }
    let found = seen(window.look(&waiter, &mut next, &mut breaks, Some(at(9))));
    assert_eq!(found, ("behind", 0));
    assert_eq!(window.number(Some(at(9))), None);
    assert!(window.pass(&waiter, &mut next).is_none());
}
