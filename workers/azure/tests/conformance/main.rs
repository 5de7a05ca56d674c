//! Azure keeps what the port promises of links where each side has a half of its own.

#![allow(clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;
mod world;

use world::AzureWorld;

#[tokio::test]
async fn azure_keeps_the_contract_of_halves() {
    conformance::run_two_objects(async || AzureWorld::new(1).await)
        .await
        .assert_kept();
}

#[tokio::test]
async fn it_keeps_it_however_long_its_operations_take() {
    conformance::run_two_objects(async || AzureWorld::new(9).await)
        .await
        .assert_kept();
}
