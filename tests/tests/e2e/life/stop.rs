//! An engine that is told to stop in the middle of a plan.

use super::host::Host;
use super::peering::Life;
use super::worlds::{RunningWorld, World};
use crate::support::SOON;
use crate::support::api::Api;
use peerage_tests::wait;
use std::sync::Arc;
use std::time::Duration;

/// The changes of a removal.
const CLOSINGS: [&str; 4] = [
    "RevokeSecurityGroupIngress",
    "DeleteRoute",
    "DeleteVpcPeeringConnection",
    "DeleteSecurityGroup",
];

/// How long each of them takes: long enough to tell it to stop meanwhile.
const EACH: Duration = Duration::from_secs(2);

impl Life {
    /// How many changes the cloud has carried out here so far.
    async fn changed(&self) -> usize {
        let changes = self.running.changes(&self.pair).await;
        changes.expect("a world that takes notes").len()
    }
}

#[tokio::test]
async fn an_engine_told_to_stop_in_the_middle_of_a_plan_ends_after_the_calls_that_are_under_way() {
    let running = Arc::new(RunningWorld::start(World::Faulty).await);
    let mut life = Life::active(Arc::clone(&running)).await;
    // The own side has a plan of six calls then, one after the other.
    for part in [
        "10.30.0.0/17",
        "10.30.128.0/17",
        "10.30.0.0/18",
        "10.30.64.0/18",
    ] {
        let accept = ["route", "accept", &life.peering, "--side", "local"];
        life.says(&[&accept[..], &["--destination", part]].concat())
            .await;
    }
    life.converged().await;
    running.slow_down(&CLOSINGS, EACH).await;
    let before = life.changed().await;
    let remove = ["peering", "remove", &life.peering, "--no-wait"];
    life.says(&[&remove[..], &["--reason", "no longer needed"]].concat())
        .await;
    wait::until("the first change of the removal", SOON, || async {
        (life.changed().await > before).then_some(())
    })
    .await;
    let Host::Process(engine) = &mut life.engine else {
        panic!("an engine of its own");
    };
    engine.process.signal("TERM");
    let ended = engine.process.finished(Duration::from_secs(30)).await;
    assert_eq!(ended.code(), Some(0), "{}", engine.process.output());
    let made = life.changed().await - before;
    // What was seen, and at most one call on each side that was under way.
    assert!((1..=3).contains(&made), "{made} of 8 calls of the removal");

    running.slow_down(&CLOSINGS, Duration::from_millis(1)).await;
    life.engine = life.running.host(&life.launch).await;
    life.api = Api::connect(&life.engine.server()).await;
    life.lives("removed").await;
    life.judge_clean();
    life.engine.stop().await;
}
