//! The simulated cloud keeps the contract of the port; and an implementation that breaks it in one
//! thing is found out.

#![allow(clippy::unwrap_used)]

mod lies;
mod world;

use domain::Provider;
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

#[tokio::test(start_paused = true)]
async fn where_each_side_has_a_half_it_keeps_the_contract_of_halves_however_late_it_is() {
    for provider in [Provider::Gcp, Provider::Azure] {
        for settings in [
            SimulatedSettings::instant(7),
            world::late(1),
            world::late(2),
        ] {
            let world = async || SimulatedWorld::at(provider, settings.clone());
            conformance::run_two_objects(world).await.assert_kept();
        }
    }
}
