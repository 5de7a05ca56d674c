//! Exposure: somebody else's rules at the peer that let the private network in.

use super::peering::Life;
use super::worlds::RunningWorld;
use serde_json::Value;
use std::sync::Arc;

in_every_world!(
    somebody_elses_rule_that_lets_the_private_network_in_is_reported_and_revoked_only_where_that_is_agreed,
    a_rule_that_names_a_list_of_ranges_lets_in_what_the_list_holds,
);

impl Life {
    /// A group of the peer's own, with a rule that lets the private network in and one that does
    /// not.
    fn somebody_opens_the_peer(&self, name: &str) -> String {
        self.people().open(
            &self.pair.remote,
            name,
            &[(22, "10.0.0.0/8"), (443, "192.168.0.0/16")],
        )
    }

    /// The ports that this group of the peer admits.
    fn ports(&self, group: &str) -> Vec<u16> {
        self.people().ports(&self.pair.remote, group)
    }

    async fn exposures(&self) -> Vec<Value> {
        let exposures = self
            .engine
            .json(&["firewall", "exposures", "--network", &self.network])
            .await;
        exposures.as_array().unwrap().clone()
    }
}

async fn somebody_elses_rule_that_lets_the_private_network_in_is_reported_and_revoked_only_where_that_is_agreed(
    running: Arc<RunningWorld>,
) {
    let life = Life::active(running).await;
    let (agreed, other) = (
        life.somebody_opens_the_peer("agreed"),
        life.somebody_opens_the_peer("other"),
    );
    life.checks().await;
    life.told("FirewallExposed", 2).await;
    let peering = life
        .api
        .peering_when("an exposed peering", &life.peering, |it| {
            it.exposures.len() == 2
        })
        .await;
    assert!(
        peering.converged,
        "what others leave open is no fault of the engine's own"
    );
    let exposures = life.exposures().await;
    let exposure = exposures
        .iter()
        .find(|it| it["group"] == agreed.as_str())
        .unwrap();
    let named = ["side", "groupName", "admits"].map(|it| exposure[it].as_str().unwrap());
    assert_eq!(named, ["SIDE_REMOTE", "agreed", "tcp 22 from 10.0.0.0/8"]);
    assert!(
        exposure["ruleId"].as_str().unwrap().starts_with("sgr-"),
        "{exposure:#}"
    );
    assert!(
        exposure["owner"]
            .as_str()
            .unwrap()
            .contains(&life.pair.remote.place.account),
        "{exposure:#}"
    );
    let shown = life
        .engine
        .cli(&["peering", "show", &life.peering])
        .await
        .done();
    assert!(
        shown.contains("tcp 22 from 10.0.0.0/8") && shown.contains(&agreed),
        "{shown}"
    );
    let mut expected = life.expected();
    expected.given_security_groups = vec![agreed.clone(), other.clone()];
    life.judge(&expected);
    assert_eq!(
        (life.ports(&agreed), life.ports(&other)),
        (vec![22, 443], vec![22, 443]),
        "reported, not revoked"
    );

    life.says(&[
        "network",
        "policy",
        &life.network,
        "--exposure",
        "enforce",
        "--group",
        &agreed,
    ])
    .await;
    life.told("ExposureCleared", 1).await;
    assert_eq!(
        life.ports(&agreed),
        [443],
        "only what lets the private network in"
    );
    assert_eq!(life.ports(&other), [22, 443], "its owner agreed to nothing");
    life.api
        .peering_when("one exposure less", &life.peering, |it| {
            it.exposures.len() == 1
        })
        .await;
    assert_eq!(life.exposures().await[0]["group"], other.as_str());
    life.judge(&expected);
    life.ends().await;
}

async fn a_rule_that_names_a_list_of_ranges_lets_in_what_the_list_holds(
    running: Arc<RunningWorld>,
) {
    let life = Life::active(running).await;
    let group = life
        .people()
        .open(&life.pair.remote, "legacy", &[(443, "192.168.0.0/16")]);
    life.people().open_to_list(
        &life.pair.remote,
        &group,
        22,
        &["192.168.0.0/16", "10.0.0.0/8"],
    );
    life.people().open_to_list(
        &life.pair.remote,
        &group,
        23,
        &["192.168.0.0/16", "172.16.0.0/12"],
    );
    life.checks().await;
    life.told("FirewallExposed", 1).await;
    let exposures = life.exposures().await;
    assert_eq!(exposures.len(), 1, "{exposures:#?}");
    assert!(
        exposures[0]["admits"]
            .as_str()
            .unwrap()
            .starts_with("tcp 22 from "),
        "{exposures:#?}"
    );

    life.says(&[
        "network",
        "policy",
        &life.network,
        "--exposure",
        "enforce",
        "--group",
        &group,
    ])
    .await;
    life.told("ExposureCleared", 1).await;
    assert_eq!(
        life.ports(&group),
        [23, 443],
        "only what lets the private network in"
    );
    life.ends().await;
}
