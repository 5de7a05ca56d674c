//! Several servers on one store and the same cloud: one of them provisions at a time.

use crate::support::{SOON, world::World};
use peerage_tests::engine::{Engine, Launch};
use peerage_tests::http;
use peerage_tests::node::NodePlace;
use peerage_tests::wait;
use serde_json::Value;
use std::{path::Path, time::Duration};
use tempfile::TempDir;
use tokio::time::Instant;

/// Within which a server takes over from one that is gone: a lease lasts 15 s and is asked for
/// every 2.5 s.
const TAKEN_OVER: Duration = Duration::from_secs(25);

/// A node, and two servers on it that work on the same emulator.
struct Replicas {
    world: World,
    place: NodePlace,
    data: TempDir,
}

impl Replicas {
    async fn new() -> Self {
        let data = TempDir::new().unwrap();
        Self {
            world: World::new().await,
            place: NodePlace::new(&data.path().join("node")),
            data,
        }
    }

    async fn server(&self, name: &str) -> Engine {
        let folder: &Path = self.data.path();
        let launch = Launch::new(&folder.join(name)).store(&self.place.connection_string());
        launch.aws(&self.world.moto.endpoint()).start().await
    }
}

/// The provisioner, as this server shows it.
async fn provisioner(engine: &Engine) -> Value {
    engine.json(&["connector", "show", "provisioner"]).await
}

fn term(shown: &Value) -> u64 {
    let term = shown["term"].as_str().unwrap_or("0");
    term.parse().unwrap()
}

fn is_at(shown: &Value, engine: &Engine) -> bool {
    let server = engine.server();
    let port = server.rsplit(':').next().unwrap();
    shown["host"].as_str().unwrap().ends_with(port)
}

/// How many calls this server has sent to its cloud, and how many passes it has made.
async fn sent(engine: &Engine) -> u64 {
    let server = engine.server();
    let port = server.rsplit(':').next().unwrap().parse().unwrap();
    let (status, text) = http::ask(port, "GET", "/metrics", "").await.unwrap();
    assert_eq!(status, 200, "{text}");
    let calls = text
        .lines()
        .filter(|it| it.starts_with("peerage_cloud_calls_total{"));
    let count = |line: &str| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap() as u64;
    calls.map(count).sum()
}

/// A peering between the world's two networks, in place.
async fn in_place(replicas: &Replicas, at: &Engine) -> String {
    let pair = replicas.world.pair();
    let story = pair.commands();
    let api = crate::support::api::Api::connect(&at.server()).await;
    for command in &story.commands {
        api.done(command).await;
    }
    api.converged(&story.peering_id).await;
    replicas.world.judge(&pair, &story.owner());
    story.peering_id
}

async fn asks_to_remove(engine: &Engine, peering: &str) {
    let line = [
        "peering",
        "remove",
        peering,
        "--reason",
        "no longer needed",
        "--no-wait",
    ];
    let _ = engine.cli(&line).await.done();
}

async fn is_removed(engine: &Engine, peering: &str, within: Duration) -> Duration {
    let begun = Instant::now();
    wait::until("the peering to be removed", within, || async {
        let shown = engine.json(&["peering", "show", peering]).await;
        (shown["peering"]["state"] == "PEERING_STATE_REMOVED").then_some(())
    })
    .await;
    begun.elapsed()
}

#[tokio::test]
async fn of_two_servers_on_one_store_one_provisions_and_the_other_takes_over_when_it_is_killed() {
    let replicas = Replicas::new().await;
    let _node = replicas.place.start().await;
    let mut one = replicas.server("one").await;
    let shown = wait::until("the first server to hold the lease", SOON, || async {
        let shown = provisioner(&one).await;
        (shown["state"] == "CONNECTOR_STATE_RUNNING").then_some(shown)
    })
    .await;
    assert!(is_at(&shown, &one), "{shown:#}");
    let other = replicas.server("other").await;
    // Commands go to either.
    let peering = in_place(&replicas, &other).await;
    assert!(is_at(&provisioner(&other).await, &one));
    assert!(sent(&one).await > 0);
    assert_eq!(
        sent(&other).await,
        0,
        "the one that waits asks the cloud nothing"
    );

    one.process.kill();
    asks_to_remove(&other, &peering).await;
    is_removed(&other, &peering, TAKEN_OVER + SOON).await;
    let took_over = provisioner(&other).await;
    assert!(is_at(&took_over, &other), "{took_over:#}");
    assert!(term(&took_over) > term(&shown), "{took_over:#}");

    // It gives the lease back when it is stopped: nobody waits until it ends by itself.
    let again = replicas.server("one").await;
    other.stop().await;
    wait::until(
        "the lease to change hands",
        Duration::from_secs(8),
        || async { is_at(&provisioner(&again).await, &again).then_some(()) },
    )
    .await;
    again.stop().await;
}

#[tokio::test]
async fn a_server_that_is_started_again_after_a_kill_does_not_wait_for_its_own_lease() {
    let replicas = Replicas::new().await;
    let _node = replicas.place.start().await;
    let mut one = replicas.server("one").await;
    let peering = in_place(&replicas, &one).await;
    let before = term(&provisioner(&one).await);
    one.process.kill();
    let one = replicas.server("one").await;
    asks_to_remove(&one, &peering).await;
    // A lease of somebody else's would last for 15 s.
    is_removed(&one, &peering, Duration::from_secs(12)).await;
    let shown = provisioner(&one).await;
    assert!(term(&shown) > before, "{shown:#}");
    one.stop().await;
}

#[tokio::test]
async fn a_provisioner_that_was_frozen_beyond_its_lease_changes_nothing_when_it_wakes() {
    let replicas = Replicas::new().await;
    let _node = replicas.place.start().await;
    let one = replicas.server("one").await;
    let other = replicas.server("other").await;
    let peering = in_place(&replicas, &one).await;
    let (frozen, awake) = if is_at(&provisioner(&one).await, &one) {
        (one, other)
    } else {
        (other, one)
    };
    frozen.process.signal("STOP");
    asks_to_remove(&awake, &peering).await;
    is_removed(&awake, &peering, TAKEN_OVER + SOON).await;
    assert!(is_at(&provisioner(&awake).await, &awake));
    let history = awake.json(&["audit", "log", "--peering", &peering]).await;

    frozen.process.signal("CONT");
    wait::until("the one of before to know", SOON, || async {
        let output = frozen.process.output();
        output
            .contains("the provisioner stops working")
            .then_some(())
    })
    .await;
    let asked = sent(&frozen).await;
    // Something happens that a provisioner would look at.
    let line = ["network", "check", "orders", "--reason", "a look"];
    let _ = awake.cli(&line).await;
    assert_eq!(
        sent(&frozen).await,
        asked,
        "the one of before asks nothing more"
    );
    let later = awake.json(&["audit", "log", "--peering", &peering]).await;
    assert_eq!(history, later, "and puts nothing on record");
    awake.stop().await;
    frozen.stop().await;
}
