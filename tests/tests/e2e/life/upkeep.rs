//! Drift: what somebody changes by hand is found, and put back or left as the network's policy
//! says.

use super::peering::{Life, text};
use super::worlds::RunningWorld;
use chrono::DateTime;
use peerage::api::v1::{PeeringState, Side};
use peerage_tests::oracle::Expected;
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

in_every_world!(
    what_somebody_takes_away_is_found_and_put_back_and_both_are_on_record,
    a_network_that_adopts_takes_over_what_somebody_changes_and_leaves_it_even_when_it_repairs_again,
    a_repair_that_is_undone_again_and_again_waits_longer_each_time_and_ends_in_a_block,
    a_network_that_only_reports_finds_by_itself_what_is_gone_and_puts_it_back_only_when_it_may,
);

impl Life {
    /// Somebody deletes the local side's route.
    fn somebody_deletes_the_route(&self) {
        let local = &self.pair.local;
        self.people()
            .delete_route(local, &local.extra_route_table, &self.pair.remote.cidr);
    }

    /// The engine's group on this side.
    async fn group(&self, side: Side) -> String {
        let peering = self.api.peering(&self.peering, "").await.unwrap();
        peering
            .firewall
            .into_iter()
            .find(|it| it.side() == side)
            .unwrap()
            .group
    }

    /// Somebody takes the one rule out of the local side's group.
    async fn somebody_revokes_the_rule(&self) {
        assert_eq!(
            self.people()
                .close(&self.pair.local, &self.group(Side::Local).await),
            1
        );
    }

    /// Somebody takes the tag off the peer's group.
    async fn somebody_untags_the_group(&self) {
        self.people()
            .untag(&self.pair.remote, &self.group(Side::Remote).await);
    }

    /// Somebody deletes the peer's route.
    pub(super) fn somebody_deletes_the_peers_route(&self) {
        let remote = &self.pair.remote;
        self.people()
            .delete_route(remote, &remote.main_route_table, &self.pair.local.cidr);
    }

    /// What stands there without the local side's route.
    fn without_the_route(&self) -> Expected {
        let mut expected = self.expected();
        expected.route_tables[1].routes.clear();
        expected
    }
}

async fn what_somebody_takes_away_is_found_and_put_back_and_both_are_on_record(
    running: Arc<RunningWorld>,
) {
    let life = Life::active(running).await;
    life.somebody_deletes_the_route();
    life.somebody_revokes_the_rule().await;
    life.somebody_untags_the_group().await;
    life.checks().await;
    let found = life.told("DriftDetected", 3).await;
    let repaired = life.told("DriftRepaired", 3).await;
    for told in [&found, &repaired] {
        let kinds: BTreeSet<_> = told.iter().map(|it| text(&it["finding"]["kind"])).collect();
        assert_eq!(
            kinds,
            ["route_missing", "rule_missing", "group_tag_missing"]
                .map(str::to_owned)
                .into()
        );
    }
    life.converged().await;
    life.judge(&life.expected());
    let drift = life.engine.json(&["peering", "drift", &life.peering]).await;
    let closed = drift
        .as_array()
        .unwrap()
        .iter()
        .filter(|it| it.get("since").is_none() && it["repairs"] == 1)
        .count();
    assert_eq!(closed, 3, "{drift:#}");
    life.ends().await;
}

async fn a_network_that_only_reports_finds_by_itself_what_is_gone_and_puts_it_back_only_when_it_may(
    running: Arc<RunningWorld>,
) {
    let mut life = Life::with(running, |launch| {
        launch.set("provisioner.drift_interval", "500ms")
    })
    .await;
    life.says(&["network", "policy", &life.network, "--drift", "report"])
        .await;
    life.asks(&[]).await;
    life.agrees().await;
    life.converged().await;
    life.somebody_deletes_the_route();
    // Nobody asks for a look: it is time that brings it.
    let found = life.told("DriftDetected", 1).await;
    assert_eq!(
        found[0]["finding"]["route_table"],
        json!(life.pair.local.extra_route_table)
    );
    let peering = life
        .api
        .peering_when(
            "a peering that is not as it was left",
            &life.peering,
            |it| !it.converged,
        )
        .await;
    assert_eq!(
        (peering.state(), peering.drift.len()),
        (PeeringState::Active, 1),
        "{peering:#?}"
    );
    life.judge(&life.without_the_route());

    life.says(&["network", "policy", &life.network, "--drift", "repair"])
        .await;
    life.told("DriftRepaired", 1).await;
    life.converged().await;
    life.judge(&life.expected());
    assert_eq!(life.told("DriftDetected", 1).await, found, "found once");
    life.ends().await;
}

async fn a_network_that_adopts_takes_over_what_somebody_changes_and_leaves_it_even_when_it_repairs_again(
    running: Arc<RunningWorld>,
) {
    let life = Life::active(running).await;
    life.says(&["network", "policy", &life.network, "--drift", "adopt"])
        .await;
    life.somebody_deletes_the_route();
    life.checks().await;
    let adopted = life.told("DriftAdopted", 1).await;
    assert_eq!(
        adopted[0]["finding"]["kind"], "route_missing",
        "{adopted:#?}"
    );
    assert_eq!(
        adopted[0]["finding"]["route_table"],
        json!(life.pair.local.extra_route_table)
    );
    life.converged().await;
    life.judge(&life.without_the_route());

    // The look that finds the next change has seen the first one again.
    life.somebody_revokes_the_rule().await;
    life.checks().await;
    let adopted = life.told("DriftAdopted", 2).await;
    assert_eq!(
        adopted[1]["finding"]["kind"], "rule_missing",
        "{adopted:#?}"
    );
    let mut expected = life.without_the_route();
    expected.security_groups[0].ingress.clear();
    life.judge(&expected);

    life.says(&["network", "policy", &life.network, "--drift", "repair"])
        .await;
    life.somebody_deletes_the_peers_route();
    life.checks().await;
    let repaired = life.told("DriftRepaired", 1).await;
    assert_eq!(
        repaired[0]["finding"]["route_table"],
        json!(life.pair.remote.main_route_table),
        "{repaired:#?}"
    );
    life.converged().await;
    life.judge(&expected);
    assert_eq!(
        life.told("DriftDetected", 3).await[2]["finding"],
        repaired[0]["finding"]
    );
    life.says(&[
        "peering",
        "remove",
        &life.peering,
        "--reason",
        "no longer needed",
    ])
    .await;
    life.judge_clean();
    life.ends().await;
}

/// How long the engine waits after the first repair.
const PAUSE: Duration = Duration::from_millis(500);

async fn a_repair_that_is_undone_again_and_again_waits_longer_each_time_and_ends_in_a_block(
    running: Arc<RunningWorld>,
) {
    let mut life = Life::with(running, |launch| {
        launch.set(
            "provisioner.repair_pause",
            &format!("{}ms", PAUSE.as_millis()),
        )
    })
    .await;
    life.asks(&[]).await;
    life.agrees().await;
    life.converged().await;
    for repair in 1..=3 {
        life.somebody_deletes_the_route();
        life.checks().await;
        life.told("DriftRepaired", repair).await;
    }
    let repaired = life.told("DriftRepaired", 3).await;
    let at: Vec<_> = repaired
        .iter()
        .map(|it| DateTime::parse_from_rfc3339(&text(&it["repaired_at"])).unwrap())
        .collect();
    let pauses: Vec<_> = at
        .windows(2)
        .map(|pair| (pair[1] - pair[0]).to_std().unwrap())
        .collect();
    assert!(pauses[0] >= PAUSE && pauses[1] >= PAUSE * 2, "{pauses:?}");

    life.somebody_deletes_the_route();
    life.checks().await;
    let blocked = life.is_blocked("repair_undone").await.block.unwrap();
    assert_eq!(blocked.side(), Side::Local, "{blocked:?}");
    assert!(
        blocked.remedy.join("\n").contains(&format!(
            "peerage network policy {} --drift adopt",
            life.network
        )),
        "{blocked:?}"
    );
    assert_eq!(
        life.told("ProvisioningBlocked", 1).await[0]["cause"],
        "repair_undone"
    );
    // Another thing is still put right, by a look that leaves this one alone.
    life.somebody_revokes_the_rule().await;
    life.checks().await;
    assert_eq!(
        life.told("DriftRepaired", 4).await[3]["finding"]["kind"],
        "rule_missing"
    );
    life.judge(&life.without_the_route());

    life.says(&["network", "policy", &life.network, "--drift", "adopt"])
        .await;
    assert_eq!(
        life.told("DriftAdopted", 1).await[0]["finding"],
        repaired[0]["finding"]
    );
    let peering = life.converged().await;
    assert_eq!(peering.block, None);
    life.judge(&life.without_the_route());
    life.ends().await;
}
