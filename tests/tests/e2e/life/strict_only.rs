//! What only the strict EC2 shows, because it is about the wire alone: who enters which account
//! how.

use super::peering::{Life, text};
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

/// What the SDK does not know goes over the wire, and comes back.
#[tokio::test]
async fn several_paths_are_allowed_by_each_side_of_a_link_between_regions_and_given_up() {
    let life = Life::active(RunningWorld::of(World::Strict).await).await;
    let option = async |side: &str, to: &str| {
        let multipath = [
            "peering",
            "option",
            &life.peering,
            "--side",
            side,
            "multipath-resilience",
            to,
        ];
        life.says(&multipath).await;
        life.converged().await;
        let shown = life.says(&["peering", "show", &life.peering]).await;
        let all = shown["peering"]["options"].as_array().unwrap().iter();
        let told = all.filter(|it| it["option"] == "LINK_OPTION_MULTIPATH_RESILIENCE");
        let told = told.map(|it| {
            // As EC2 says of the connection, which is not to differ from what the sides say.
            let waits = it["waitsForOtherSide"] == true;
            assert_eq!(it["enabled"] == true, it["inEffect"].is_boolean(), "{it}");
            assert!(it["inEffect"].is_null() || it["inEffect"] == !waits, "{it}");
            (text(&it["side"]), waits)
        });
        told.collect::<Vec<_>>()
    };
    let said = async || {
        let calls = life.running.strict().calls().await;
        let account = |call: &Call| call.account.clone().unwrap_or_default();
        let ours = [&life.pair.local, &life.pair.remote].map(|it| it.place.account.clone());
        let said = calls.into_iter().filter(|it| {
            it.action == "ModifyVpcPeeringConnectionOptions" && ours.contains(&account(it))
        });
        let said = said.flat_map(|it| it.parameters);
        let said = said.filter(|(name, _)| name.ends_with("AllowMultipathResilience"));
        said.map(|(name, value)| (name.split_once("Peering").unwrap().0.to_owned(), value))
            .collect::<Vec<_>>()
    };
    let (local, remote) = ("SIDE_LOCAL".to_owned(), "SIDE_REMOTE".to_owned());
    assert_eq!(option("local", "on").await, [(local.clone(), true)]);
    let both = [(local, false), (remote, false)];
    assert_eq!(option("remote", "on").await, both);
    option("remote", "off").await;
    let pair = |role: &str, allow: &str| (role.to_owned(), allow.to_owned());
    assert_eq!(
        said().await,
        [
            pair("Requester", "true"),
            pair("Accepter", "true"),
            pair("Accepter", "false"),
        ]
    );
    life.ends().await;
}
