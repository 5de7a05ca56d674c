//! Deliveries per second to a receiver on this machine, beside a bare client that sends the same
//! bytes with as many in flight; and the same with a transform.
//!
//! A connector begins at the log's beginning each time: what it delivers is read, decoded, put in
//! lanes, signed, sent, noted and checkpointed. The bare client has its bytes made beforehand.

use crate::support::{Ground, median, micros};
use domain::connector::StartFrom;
use peerage_figures::{bare, role::Role};
use serde_json::json;
use std::time::Duration;

/// Records of one turn, and turns of each.
const RECORDS: usize = 8_000;
const TURNS: usize = 7;

/// Lanes, each with one delivery in flight; the bare client has as many.
const IN_FLIGHT: usize = 32;

/// How many milliseconds the receiver takes over each. At none, the figure is processor time and
/// nothing else; a receiver that does something takes some.
const TAKES: [u64; 2] = [0, 2];

/// The wanted ratios.
const WANTED: f64 = 0.8;
const WANTED_WITH_SCRIPT: f64 = 0.5;

const SCRIPT: &str = "function transform(r) { r.value.seen = r.position.logPosition }";

/// One turn: how many a second, and the processor time of each delivery, in microseconds, where it
/// is sent and where it is received.
#[derive(Debug)]
struct Turn {
    a_second: f64,
    sender: f64,
    receiver: f64,
}

struct Turns<'a> {
    ground: &'a Ground,
    engine: Role,
    bare: Role,
}

pub(crate) async fn measure() {
    let ground = Ground::new();
    ground.store.filled(IN_FLIGHT, RECORDS).await;
    let engine = ground.engine();
    let plain = ground.webhook("plain", &json!({}));
    let script = json!({ "transformer": { "function": SCRIPT } });
    let script = ground.webhook("script", &script);
    let plain = ground.store.create("plain", plain).await;
    let script = ground.store.create("script", script).await;
    let (url, at_a_time) = (ground.asker.url(), IN_FLIGHT.to_string());
    let (bare, said) = Role::start([bare::ROLE, &url, &at_a_time]);
    assert_eq!(said, "ready");
    let mut turns = Turns {
        ground: &ground,
        engine,
        bare,
    };
    // Once for each that is not counted: what is started then is there.
    turns.through(&plain).await;
    let seen = ground.asker.seen().await;
    turns.bare.tell(&serde_json::to_string(&seen).unwrap());
    turns.bare().await;
    turns.through(&script).await;
    let (bytes, headers) = seen.size();
    println!(
        "deliveries: {RECORDS} records of {bytes} bytes and {headers} headers, {IN_FLIGHT} in flight, the middle of {TURNS} turns"
    );
    for millis in TAKES {
        ground.asker.takes(millis).await;
        let mut all = Vec::new();
        for _ in 0..TURNS {
            let through = turns.through(&plain).await;
            let bare = turns.bare().await;
            let scripted = turns.through(&script).await;
            all.push([through, bare, scripted]);
        }
        show(millis, &all);
    }
    println!("wanted: {WANTED} without a script, {WANTED_WITH_SCRIPT} with one");
}

fn show(millis: u64, all: &[[Turn; 3]]) {
    println!("a receiver that takes {millis} ms over each:");
    println!(
        "{:>14}  {:>9}  {:>6}  {:>10}  {:>12}",
        "", "a second", "ratio", "sender µs", "receiver µs"
    );
    for (at, name) in ["webhook", "bare", "with a script"].into_iter().enumerate() {
        let of = |part: fn(&Turn) -> f64| median(all.iter().map(|it| part(&it[at])).collect());
        let ratios = all.iter().map(|it| it[at].a_second / it[1].a_second);
        println!(
            "{name:>14}  {:>9.0}  {:>6.2}  {:>10.1}  {:>12.1}",
            of(|it| it.a_second),
            median(ratios.collect()),
            of(|it| it.sender),
            of(|it| it.receiver),
        );
    }
}

impl Turns<'_> {
    /// One turn of a connector.
    async fn through(&self, id: &domain::text::ConnectorId) -> Turn {
        let (sender, receiver) = self.used(&self.engine);
        self.ground.asker.begin().await;
        self.ground.store.start(id, StartFrom::Earliest).await;
        let took = self.ground.asker.took(RECORDS).await;
        let turn = self.turn(took, &self.engine, sender, receiver);
        self.ground.store.stop(id).await;
        turn
    }

    /// One turn of the bare client.
    async fn bare(&mut self) -> Turn {
        let (sender, receiver) = self.used(&self.bare);
        self.ground.asker.begin().await;
        self.bare.tell(&RECORDS.to_string());
        let took = self.ground.asker.took(RECORDS).await;
        assert_eq!(self.bare.hear(), "done");
        self.turn(took, &self.bare, sender, receiver)
    }

    fn used(&self, sender: &Role) -> (Duration, Duration) {
        let receiver = self.ground.receiver.processor_time();
        (sender.processor_time(), receiver)
    }

    fn turn(&self, took: Duration, by: &Role, sender: Duration, receiver: Duration) -> Turn {
        let (sent, received) = self.used(by);
        Turn {
            a_second: RECORDS as f64 / took.as_secs_f64(),
            sender: micros(sent - sender, RECORDS),
            receiver: micros(received - receiver, RECORDS),
        }
    }
}
