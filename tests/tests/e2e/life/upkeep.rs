//! Drift: what somebody changes by hand is found, and put back or left as the network's policy says.

use super::ground::Ground;
use super::peering::{Life, text};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;

in_every_world!(
    what_somebody_takes_away_is_found_and_put_back_and_both_are_on_record,
    a_network_that_only_reports_finds_by_itself_what_is_gone_and_puts_it_back_only_when_it_may,
);

impl Life {
    /// Somebody deletes the local side's route.
    fn somebody_deletes_the_route(&self) {
        let local = &self.pair.local;
        self.people().delete_route(local, &local.extra_route_table, &self.pair.remote.cidr);
    }

    /// Somebody takes the one rule out of the local side's group.
    async fn somebody_revokes_the_rule(&self) {
        let group = self.converged().await.firewall.iter().find(|it| it.side == "local").unwrap().group.clone();
        assert_eq!(self.people().close(&self.pair.local, &group), 1);
    }
}

async fn what_somebody_takes_away_is_found_and_put_back_and_both_are_on_record(ground: Arc<Ground>) {
    let life = Life::active(ground).await;
    life.somebody_deletes_the_route();
    life.somebody_revokes_the_rule().await;
    life.checks().await;
    let found = life.told("DriftDetected", 2).await;
    let repaired = life.told("DriftRepaired", 2).await;
    for told in [&found, &repaired] {
        let kinds: BTreeSet<_> = told.iter().map(|it| text(&it["finding"]["kind"])).collect();
        assert_eq!(kinds, ["route_missing", "rule_missing"].map(str::to_owned).into());
    }
    life.converged().await;
    life.judge(&life.expected());
    let drift = life.engine.json(&["peering", "drift", &life.peering]).await;
    let closed = drift.as_array().unwrap().iter().filter(|it| it["since"] == "" && it["repairs"] == 1).count();
    assert_eq!(closed, 2, "{drift:#}");
    life.ends().await;
}

async fn a_network_that_only_reports_finds_by_itself_what_is_gone_and_puts_it_back_only_when_it_may(ground: Arc<Ground>) {
    let mut life = Life::with(ground, |launch| launch.set("provisioner.drift_interval", "500ms")).await;
    life.says(&["network", "policy", &life.network, "--drift", "report"]).await;
    life.asks(&[]).await;
    life.agrees().await;
    life.converged().await;
    life.somebody_deletes_the_route();
    // Nobody asks for a look: it is time that brings it.
    let found = life.told("DriftDetected", 1).await;
    assert_eq!(found[0]["finding"]["route_table"], json!(life.pair.local.extra_route_table));
    let peering = life.api.peering_when("a peering that is not as it was left", &life.peering, |it| !it.converged).await;
    assert_eq!((peering.life.as_str(), peering.drift.len()), ("active", 1), "{peering:#?}");
    let mut expected = life.expected();
    expected.route_tables[1].routes.clear();
    life.judge(&expected);

    life.says(&["network", "policy", &life.network, "--drift", "repair"]).await;
    life.told("DriftRepaired", 1).await;
    life.converged().await;
    life.judge(&life.expected());
    assert_eq!(life.told("DriftDetected", 1).await, found, "found once");
    life.ends().await;
}
