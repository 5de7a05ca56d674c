//! Orphans: what carries this network's tag and no live peering accounts for is found by the passes
//! that are made anyway, listed, left alone, and removed on request.

use super::peering::Life;
use super::worlds::RunningWorld;
use serde_json::Value;
use std::sync::Arc;
use uuid::Uuid;

in_every_world!(an_orphan_is_found_and_listed_and_stays_until_its_removal_is_requested_by_id,);

impl Life {
    async fn orphans(&self) -> Vec<Value> {
        let orphans = self
            .engine
            .json(&["orphans", "list", "--network", &self.network])
            .await;
        orphans.as_array().unwrap().clone()
    }
}

async fn an_orphan_is_found_and_listed_and_stays_until_its_removal_is_requested_by_id(
    running: Arc<RunningWorld>,
) {
    let life = Life::active(running).await;
    life.converged().await;
    // As an engine would have made it whose log was lost.
    let (unknown, local) = (Uuid::new_v4().to_string(), &life.pair.local);
    let group = life.people().open(
        local,
        &format!("peerage-{unknown}"),
        &[(2113, "10.30.0.0/16")],
    );
    life.people().close(local, &group);
    let owner = format!("{}/{unknown}", life.network);
    life.people().tag(local, &group, &owner);
    assert_eq!(life.orphans().await, [] as [Value; 0]);

    life.checks().await;
    life.told("OrphanFound", 1).await;
    let listed = life.orphans().await;
    assert_eq!(listed.len(), 1, "{listed:#?}");
    let said = |field: &str| listed[0][field].as_str().unwrap_or_default().to_owned();
    let fields = ["orphan", "kind", "peeringId", "account", "cloudNetwork"].map(said);
    let account = &local.place.account;
    assert_eq!(
        fields.each_ref().map(String::as_str),
        [
            &*group,
            "ORPHAN_KIND_FIREWALL_GROUP",
            &*unknown,
            account,
            &*local.vpc
        ]
    );
    let table = life.engine.cli(&["orphans", "list"]).await.done();
    assert!(
        table.contains(&group) && table.contains("firewall group"),
        "{table}"
    );
    let shown = life.engine.cli(&["network", "show", &life.network]).await;
    assert!(shown.stdout.contains("orphans: 1"), "{}", shown.stdout);
    let info = life.engine.json(&["server", "info"]).await;
    assert_eq!(info["orphans"], "1", "{info:#}");

    // Nobody has asked for its removal.
    life.checks().await;
    life.converged().await;
    let mut expected = life.expected();
    expected.given_security_groups = vec![group.clone()];
    life.judge(&expected);

    let remove = |orphan| ["orphans", "remove", orphan, "--reason", "it was left over"];
    let unknown = life.engine.cli(&remove("sg-0123")).await;
    assert!(
        unknown.code == Some(1) && unknown.stderr.contains("peerage orphans list"),
        "{unknown:?}"
    );
    let there = [&remove("sg-0123")[..], &["--network", &life.network]].concat();
    life.is_refused(&there, "ORPHAN_UNKNOWN").await;

    let answer = life.says(&remove(&group)).await;
    assert_eq!(
        answer["eventTypes"][0], "OrphanRemovalRequested",
        "{answer:#}"
    );
    let cleared = life.told("OrphanCleared", 1).await;
    assert_eq!(cleared[0]["end"], "removed", "{cleared:#?}");
    assert_eq!(life.orphans().await, [] as [Value; 0]);
    life.judge(&life.expected());
    life.ends().await;
}
