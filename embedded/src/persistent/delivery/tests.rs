//! What a group does with its events, without a clock or a wire.

use super::*;
use crate::{
    model::{NewEvent, Position, Record, StreamName, Ticks, encode_event},
    persistent::held::Budget,
    read::Resolved,
};

fn settings(strategy: Strategy) -> Settings {
    Settings {
        resolve_links: false,
        extra_statistics: false,
        message_timeout_ms: 1000,
        max_retry_count: 2,
        checkpoint_after_ms: 100,
        min_checkpoint_count: 1,
        max_checkpoint_count: 5,
        max_subscriber_count: 0,
        live_buffer_size: 50,
        read_batch_size: 10,
        history_buffer_size: 20,
        strategy,
    }
}

fn event(stream: &str, number: u64) -> Resolved {
    let event = NewEvent {
        id: Uuid::from_u128(u128::from(number) + 1),
        event_type: "Tested".into(),
        is_json: true,
        data: bytes::Bytes::new(),
        metadata: bytes::Bytes::new(),
    };
    let bytes = encode_event(&StreamName::new(stream), number, Ticks(0), &event);
    let record = Record::decode(Position::new(64 + number), bytes).unwrap();
    Resolved {
        event: Some(record),
        link: None,
    }
}

fn id(number: u64) -> Uuid {
    Uuid::from_u128(u128::from(number) + 1)
}

fn consumer(number: u128) -> ConsumerId {
    Uuid::from_u128(1000 + number)
}

fn group(strategy: Strategy, consumers: &[usize], events: u64) -> Delivery {
    let mut delivery = Delivery::new(&settings(strategy), Held::of(Budget::default()));
    for (number, capacity) in (0..).zip(consumers) {
        delivery.connect(consumer(number), *capacity);
    }
    for number in 0..events {
        delivery.read(event("s", number), number);
    }
    delivery
}

/// Consumer, event number, retries.
fn delivered(delivery: &mut Delivery, now: Instant) -> Vec<(u128, u64, u32)> {
    let out = delivery.deliver(now).into_iter();
    out.map(|(to, item)| {
        (
            to.as_u128() - 1000,
            item.event.event.unwrap().number,
            item.retries,
        )
    })
    .collect()
}

#[test]
fn in_turn_each_consumer_gets_one_until_it_has_no_room() {
    let mut group = group(Strategy::RoundRobin, &[2, 1], 5);
    assert_eq!(
        delivered(&mut group, Instant::now()),
        [(0, 0, 0), (1, 1, 0), (0, 2, 0)]
    );
    group.ack(id(1));
    assert_eq!(delivered(&mut group, Instant::now()), [(1, 3, 0)]);
    assert_eq!((group.waiting(), group.in_flight()), (1, 3));
}

#[test]
fn a_single_consumer_is_filled_before_the_next_gets_any() {
    let mut group = group(Strategy::DispatchToSingle, &[2, 2], 3);
    assert_eq!(
        delivered(&mut group, Instant::now()),
        [(0, 0, 0), (0, 1, 0), (1, 2, 0)]
    );
}

#[test]
fn pinned_streams_stay_with_one_consumer_and_do_not_hold_up_others() {
    let mut group = group(Strategy::Pinned, &[1, 1], 0);
    for number in 0..20 {
        group.read(
            event(if number % 2 == 0 { "a" } else { "b" }, number),
            number,
        );
    }
    let mut owner = HashMap::new();
    for _ in 0..20 {
        for (to, number, _) in delivered(&mut group, Instant::now()) {
            assert_eq!(*owner.entry(number % 2).or_insert(to), to);
            group.ack(id(number));
        }
    }
    assert_eq!(group.settled(), Some(19));
}

#[test]
fn a_nacked_event_comes_again_before_others_until_it_is_parked() {
    let mut group = group(Strategy::RoundRobin, &[1], 2);
    assert_eq!(delivered(&mut group, Instant::now()), [(0, 0, 0)]);
    for retries in 1..=2 {
        assert_eq!(group.nack(id(0), NackAction::Retry, "again"), None);
        assert_eq!(delivered(&mut group, Instant::now()), [(0, 0, retries)]);
    }
    let parked = group.nack(id(0), NackAction::Retry, "again").unwrap();
    assert_eq!(parked.reason, "Reached retry count of 2");
    assert_eq!(delivered(&mut group, Instant::now()), [(0, 1, 0)]);
}

#[test]
fn park_and_skip_are_done_at_once() {
    let mut group = group(Strategy::RoundRobin, &[9], 2);
    delivered(&mut group, Instant::now());
    let parked = group.nack(id(0), NackAction::Park, "because").unwrap();
    assert_eq!(parked.reason, "Client explicitly NAK'ed message.\nbecause");
    assert_eq!(group.nack(id(1), NackAction::Skip, "because"), None);
    assert_eq!(group.settled(), Some(1));
    assert_eq!(group.in_flight(), 0);
}

#[test]
fn an_event_not_acked_in_time_comes_again() {
    let mut group = group(Strategy::RoundRobin, &[9], 1);
    let start = Instant::now();
    delivered(&mut group, start);
    assert!(group.expire(start + Duration::from_millis(999)).is_empty());
    assert_eq!(delivered(&mut group, start), []);
    assert!(group.expire(start + Duration::from_secs(1)).is_empty());
    assert_eq!(delivered(&mut group, start), [(0, 0, 1)]);
}

#[test]
fn what_a_consumer_leaves_behind_comes_again_in_order() {
    let mut group = group(Strategy::DispatchToSingle, &[3, 3], 3);
    delivered(&mut group, Instant::now());
    assert!(group.disconnect(consumer(0)).is_empty());
    assert_eq!(
        delivered(&mut group, Instant::now()),
        [(1, 0, 1), (1, 1, 1), (1, 2, 1)]
    );
}

#[test]
fn progress_stops_at_the_first_event_that_is_not_done() {
    let mut group = group(Strategy::RoundRobin, &[9], 4);
    delivered(&mut group, Instant::now());
    group.ack(id(1));
    group.ack(id(2));
    assert_eq!(group.settled(), None);
    group.ack(id(0));
    assert_eq!(group.settled(), Some(2));
}

#[test]
fn a_replayed_event_does_not_count_as_progress() {
    let mut group = group(Strategy::RoundRobin, &[9], 0);
    group.replay(event("s", 7));
    assert_eq!(delivered(&mut group, Instant::now()), [(0, 7, 0)]);
    group.ack(id(7));
    assert_eq!(group.settled(), None);
    assert_eq!(group.in_flight(), 0);
}

#[test]
fn what_events_took_is_kept_of_each_consumer_where_the_group_was_asked_to() {
    let settings = Settings {
        extra_statistics: true,
        ..settings(Strategy::RoundRobin)
    };
    let mut delivery = Delivery::new(&settings, Held::of(Budget::default()));
    (0..2).for_each(|number| delivery.connect(consumer(number), 10));
    (0..4).for_each(|number| delivery.read(event("s", number), number));
    let began = Instant::now();
    assert_eq!(delivery.deliver(began).len(), 4);
    let after = |milliseconds| began + Duration::from_millis(milliseconds);
    delivery.time(id(0), after(20));
    delivery.ack(id(0));
    // Once only, and not what is unknown.
    delivery.time(id(0), after(30));
    delivery.time(id(77), after(30));
    delivery.expire(after(1000));
    let of = |number| {
        let told = delivery.took(consumer(number));
        let found = |name| told.iter().find(|it| it.0 == name).map(|it| it.1);
        (found("Fastest"), found("Mean"), found("Highest"))
    };
    assert_eq!(of(0), (Some(20), Some(510), Some(1000)));
    assert_eq!(of(1), (Some(1000), Some(1000), Some(1000)));
    let mut untimed = group(Strategy::RoundRobin, &[10], 1);
    untimed.deliver(began);
    untimed.time(id(0), after(20));
    assert_eq!(untimed.took(consumer(0)), []);
}
