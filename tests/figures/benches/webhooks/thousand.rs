//! What an event costs with a thousand webhooks, one of which delivers it, beside what it costs
//! with that one alone; and how much memory a thousand take.
//!
//! The two take turns: with the thousand, all the others are there and have a filter of their own.

use crate::support::{Ground, micros};
use domain::connector::StartFrom;
use peerage_figures::role::Role;
use serde_json::json;
use std::time::Duration;
use testkit::wait::until;

const WEBHOOKS: usize = 1_000;
const EVENTS: usize = 2_000;
const TURNS: usize = 5;

/// The wanted bounds: a ratio, and MB.
const WANTED: f64 = 3.0;
const WANTED_MEMORY: u64 = 200;

/// The longest that something is waited for.
const LONG: Duration = Duration::from_secs(300);

pub(crate) async fn measure() {
    let (one, thousand) = (Server::new(1).await, Server::new(WEBHOOKS).await);
    let mut ratios = Vec::new();
    let (mut alone, mut many) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        let (a, b) = (one.turn().await, thousand.turn().await);
        ratios.push(b / a);
        alone.push(a);
        many.push(b);
    }
    println!("thousand: {EVENTS} events, one after the other, the middle of {TURNS} turns");
    println!(
        "  an event costs {:.0} µs with 1 webhook, {:.0} µs with {WEBHOOKS}: {:.2}, wanted {WANTED}",
        crate::support::median(alone),
        crate::support::median(many),
        crate::support::median(ratios),
    );
    println!(
        "  memory: {} MB with 1, {} MB with {WEBHOOKS}, wanted {WANTED_MEMORY}",
        one.engine.resident(),
        thousand.engine.resident()
    );
}

/// A server with so many webhooks.
struct Server {
    ground: Ground,
    engine: Role,
    network: domain::NetworkId,
}

impl Server {
    async fn new(webhooks: usize) -> Self {
        let ground = Ground::new();
        let network = ground.store.network(1).await;
        let prefix = |it: &str| json!({ "filter": { "scope": "stream", "type": "prefix", "expression": it } });
        for n in 0..webhooks {
            let (id, filter) = match n {
                0 => ("webhook".to_owned(), prefix("network-")),
                _ => (format!("other-{n}"), prefix("network-none")),
            };
            let settings = ground.webhook(&id, &filter);
            let id = ground.store.create(&id, settings).await;
            ground.store.start(&id, StartFrom::Earliest).await;
        }
        let engine = ground.engine();
        let last = if webhooks > 1 {
            format!("other-{}", webhooks - 1)
        } else {
            "webhook".to_owned()
        };
        ground.store.is(&last.parse().unwrap(), "running").await;
        until("all begin", LONG, async || {
            (ground.asker.count().await >= 1).then_some(())
        })
        .await;
        Self {
            ground,
            engine,
            network,
        }
    }

    /// What an event costs in the server's process.
    async fn turn(&self) -> f64 {
        self.ground.asker.begin().await;
        let before = self.engine.processor_time();
        for _ in 0..EVENTS {
            self.ground.store.happens(self.network).await;
        }
        self.ground.asker.took(EVENTS).await;
        micros(self.engine.processor_time() - before, EVENTS)
    }
}
