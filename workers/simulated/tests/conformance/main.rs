//! The simulated cloud keeps the contract of the port; and an implementation that breaks it in one
//! thing is found out.

#![allow(clippy::unwrap_used)]

mod lies;
mod world;

use peerage_simulated::SimulatedSettings;
use world::SimulatedWorld;

#[tokio::test(start_paused = true)]
async fn the_simulated_cloud_keeps_the_contract() {
    let world = async || SimulatedWorld::of(SimulatedSettings::instant(7));
    conformance::run(world).await.assert_kept();
}

#[tokio::test(start_paused = true)]
async fn it_keeps_it_however_late_its_reads_are() {
    for seed in 0..5 {
        let world = async || SimulatedWorld::of(world::late(seed));
        conformance::run(world).await.assert_kept();
    }
}
