//! What speaks against a peering is found before anything is asked of the cloud.

use super::peering::{Life, printed, text};
use super::worlds::RunningWorld;
use serde_json::{Value, json};
use std::sync::Arc;

in_every_world!(
    networks_that_overlap_anywhere_are_named_before_anything_is_made_and_joined_once_they_do_not
);

async fn networks_that_overlap_anywhere_are_named_before_anything_is_made_and_joined_once_they_do_not(
    running: Arc<RunningWorld>,
) {
    let mut life = Life::registered(running).await;
    // A block of the peer that nobody has put on record, in the middle of the private network's
    // range.
    let second = "10.20.64.0/24";
    life.people().widen(&life.pair.remote, second);
    let peer = life.peer();
    let peer: Vec<&str> = peer.iter().map(String::as_str).collect();
    let plan = life
        .engine
        .cli(&[&["peering", "plan", "--output", "json"][..], &peer].concat())
        .await;
    assert_eq!(plan.code, Some(1), "{plan:?}");
    let plan = printed(&plan);
    let failed: Vec<&Value> = plan["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|it| it["outcome"] == "CHECK_OUTCOME_FAILED")
        .collect();
    assert_eq!(
        failed
            .iter()
            .map(|it| text(&it["kind"]))
            .collect::<Vec<_>>(),
        ["CHECK_KIND_RANGES_DISJOINT"],
        "{failed:#?}"
    );
    assert_eq!(plan["actions"], json!([]));

    life.asks(&[]).await;
    life.agrees().await;
    let blocked = life.is_blocked("range_overlap").await.block.unwrap();
    assert!(
        blocked.message.contains(second) && blocked.message.contains(&life.pair.local.cidr),
        "{blocked:?}"
    );
    life.judge_clean();
    if let Some(changes) = life.running.changes(&life.pair).await {
        let created = changes
            .iter()
            .filter(|it| {
                it.action == "CreateVpcPeeringConnection" || it.action == "CreateSecurityGroup"
            })
            .count();
        assert_eq!(created, 0, "{changes:#?}");
    }
    let types = life.types(0).await;
    assert!(
        !types.contains(&"PeeringInitiationStarted".to_owned()),
        "{types:?}"
    );

    life.people().narrow(&life.pair.remote, second);
    assert_eq!(life.converged().await.block, None);
    life.judge(&life.expected());
    life.ends().await;
}
