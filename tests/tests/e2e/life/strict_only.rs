//! What only the strict EC2 shows, because it is about the wire alone: who enters which account
//! how.

use super::peering::Life;
use super::worlds::{RunningWorld, World};
use peerage_tests::strict::Call;
use std::collections::BTreeSet;

#[tokio::test]
async fn the_peers_role_is_entered_with_the_external_id_on_record_and_the_own_one_without() {
    let life = Life::active(RunningWorld::of(World::Strict).await).await;
    let shown = life.converged().await.external_id;
    assert!(!shown.is_empty());
    let calls = life.running.strict().calls().await;
    let entered = |account: &str| {
        let ours = |call: &&Call| {
            let said = |name: &str| {
                call.parameters
                    .get(name)
                    .map(String::as_str)
                    .unwrap_or_default()
            };
            call.action == "AssumeRole"
                && said("RoleArn").contains(account)
                && said("RoleSessionName") != "oracle"
        };
        calls
            .iter()
            .filter(ours)
            .map(|call| {
                call.parameters
                    .get("ExternalId")
                    .cloned()
                    .unwrap_or_default()
            })
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(entered(&life.pair.remote.place.account), [shown].into());
    assert_eq!(
        entered(&life.pair.local.place.account),
        [String::new()].into()
    );
    life.ends().await;
}
