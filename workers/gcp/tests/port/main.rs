//! The port over a fake Compute: whole lives, faults and recordings, over real loopback HTTP.

#![allow(clippy::unwrap_used)]

mod faults;
mod firewall;
mod halves;
mod networks;
mod permissions;
mod quotas;
mod recordings;
mod world;

use gcp_fake::Temper;
use world::FakeWorld;

#[tokio::test]
async fn the_contract_of_halves_is_kept() {
    let world = async || FakeWorld::of(Temper::instant()).await;
    conformance::run_two_objects(world).await.assert_kept();
}

#[tokio::test]
async fn it_is_kept_however_late_and_stale_the_reads_are() {
    let temper = Temper {
        stale_reads: 3,
        looks: 4,
        ..Temper::default()
    };
    let world = async || FakeWorld::of(temper).await;
    conformance::run_two_objects(world).await.assert_kept();
}
