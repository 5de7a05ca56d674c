//! What other people's peerings cost one: an account that does not answer, and a crowd of healthy
//! ones. On real clocks, with the whole provisioner, its own limits on calls, and a simulated
//! cloud.
//!
//! - A pass over a network of 125 peers in as many accounts, all as they should be, where each call
//!   takes 150 ms: from the command that asks for it to the last call.
//! - A rule is revoked beside twenty peerings of an account whose calls hang: from the command to
//!   the cloud's call, for each of 125 healthy peerings of two networks.
//!
//! ```sh
//! cargo bench -p peerage-tests --bench neighbours
//! ```

mod meddled;
mod scene;

use domain::network::CheckDrift;
use scene::Scene;
use std::time::{Duration, Instant};

/// As many as a network can have.
const PEERS: usize = 125;

/// How many peerings the account has that hangs.
const HANGING: usize = 20;

/// How many of the healthy ones are beside them in one network; the others are in another.
const BESIDE: usize = 100;

/// What a call takes in the pass over all.
const CALL: Duration = Duration::from_millis(150);

/// The pass is over once no call was made for so long.
const OVER: Duration = Duration::from_secs(2);

const WANTED_PASS: Duration = Duration::from_secs(10);
const WANTED_REVOKED: Duration = Duration::from_secs(1);

#[tokio::main]
async fn main() {
    let missed = [pass().await, revoked().await];
    let missed: Vec<_> = missed.into_iter().flatten().collect();
    assert!(missed.is_empty(), "too slow: {missed:#?}");
}

/// A pass over a crowd.
async fn pass() -> Option<String> {
    let mut scene = Scene::start(CALL..=CALL).await;
    let network = scene.network(0).await;
    scene.peerings(network, 0..PEERS).await;
    scene.converge(network, PEERS).await;
    let before = scene.calls();
    let begun = Instant::now();
    scene.says(network, CheckDrift {}).await;
    let last = scene.quiet_for(OVER).await;
    let (took, calls) = (
        last.saturating_duration_since(begun),
        scene.calls() - before,
    );
    println!(
        "a pass over {PEERS} peers in as many accounts, {CALL:?} a call: {took:.2?}, {calls} calls"
    );
    assert!(calls >= 2 * PEERS as u64, "not all were looked at");
    scene.stop().await;
    (took > WANTED_PASS).then(|| format!("a pass takes {took:?}, wanted {WANTED_PASS:?}"))
}

/// A rule that goes while others wait for nothing.
async fn revoked() -> Option<String> {
    let mut scene = Scene::start(Duration::from_millis(5)..=Duration::from_millis(25)).await;
    let networks = [scene.network(0).await, scene.network(1).await];
    let mut healthy = scene.peerings(networks[0], 0..BESIDE).await;
    healthy.extend(scene.peerings(networks[1], BESIDE..PEERS).await);
    scene.converge(networks[0], BESIDE).await;
    scene.converge(networks[1], PEERS - BESIDE).await;
    scene.hanging_peerings(networks[0], HANGING).await;
    scene.some_hang().await;
    let mut took = Vec::new();
    for peering in healthy {
        took.push(scene.revoke(peering).await);
    }
    took.sort_unstable();
    let at = |share: usize| took[(took.len() - 1) * share / 100];
    let (median, slowest) = (at(50), at(99));
    println!(
        "from a command to the cloud's call beside {HANGING} peerings that hang: median {median:.2?}, 99th of a hundred {slowest:.2?}, {} calls hang",
        scene.hanging()
    );
    scene.stop().await;
    (slowest > WANTED_REVOKED)
        .then(|| format!("the 99th of a hundred takes {slowest:?}, wanted {WANTED_REVOKED:?}"))
}
