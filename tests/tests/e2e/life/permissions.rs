//! What the cloud refuses for want of a permission: found before the first write, or named where it
//! stops a removal.

use super::peering::Life;
use super::worlds::{Change, RunningWorld};
use peerage::api::v1::Side;
use std::sync::Arc;

where_permissions_count!(
    what_the_engine_must_be_allowed_at_home_is_printed_where_it_is_refused_there,
    a_permission_that_is_missing_is_found_before_the_first_write_and_named,
    a_removal_that_the_peer_refuses_names_it_survives_a_crash_and_goes_on_once_it_is_allowed,
);

async fn a_permission_that_is_missing_is_found_before_the_first_write_and_named(
    running: Arc<RunningWorld>,
) {
    let mut life = Life::registered(running).await;
    let account = life.pair.remote.place.account.clone();
    life.running.deny(&account, Change::MakeGroup).await;
    life.asks(&[]).await;
    let blocked = life.is_blocked("permission_denied").await.block.unwrap();
    assert_eq!(blocked.side(), Side::Remote, "{blocked:?}");
    life.judge_clean();
    if let Some(changes) = life.running.changes(&life.pair).await {
        assert!(
            changes
                .iter()
                .all(|it| it.action != "CreateVpcPeeringConnection"),
            "{changes:#?}"
        );
    }
    life.running.permit(&account, Change::MakeGroup).await;
    life.agrees().await;
    life.converged().await;
    life.judge(&life.expected());
    life.ends().await;
}

async fn what_the_engine_must_be_allowed_at_home_is_printed_where_it_is_refused_there(
    running: Arc<RunningWorld>,
) {
    let mut life = Life::registered(running).await;
    let account = life.pair.local.place.account.clone();
    life.running.deny(&account, Change::MakeGroup).await;
    life.asks(&[]).await;
    let blocked = life.is_blocked("permission_denied").await.block.unwrap();
    assert_eq!(blocked.side(), Side::Local, "{blocked:?}");
    let shown = life.engine.cli(&["peering", "show", &life.peering]).await;
    let shown = shown.done();
    let policy = format!("IAM policy for Peerage's own identity in account {account}");
    assert!(
        shown.contains(&policy) && shown.contains("AskForThisLink"),
        "{shown}"
    );
    life.running.permit(&account, Change::MakeGroup).await;
    life.converged().await;
    let shown = life.engine.cli(&["peering", "show", &life.peering]).await;
    assert!(!shown.done().contains(&policy), "nothing is missing now");
    life.ends().await;
}

async fn a_removal_that_the_peer_refuses_names_it_survives_a_crash_and_goes_on_once_it_is_allowed(
    running: Arc<RunningWorld>,
) {
    let mut life = Life::active(running).await;
    let account = life.pair.remote.place.account.clone();
    life.running.deny(&account, Change::DeleteRoute).await;
    life.says(&[
        "peering",
        "remove",
        &life.peering,
        "--reason",
        "no longer needed",
        "--no-wait",
    ])
    .await;
    let blocked = life.is_blocked("permission_denied").await.block.unwrap();
    assert_eq!(blocked.side(), Side::Remote);
    let remedy = blocked.remedy.join("\n");
    assert!(
        // Each cloud names its permissions in its own words.
        (remedy.contains("allow ec2:DeleteRoute ") || remedy.contains("allow remove_route "))
            && remedy.contains("peerage peering abandon"),
        "{remedy}"
    );
    // The block may be on record before the own side is cleared.
    life.told("RouteRemoved", 1).await;
    life.told("FirewallRuleRevoked", 1).await;
    let mut expected = life.expected();
    expected.route_tables[1].routes.clear();
    expected.security_groups[0].ingress.clear();
    life.judge(&expected);

    life.crashes().await;
    life.judge(&expected);
    life.running.permit(&account, Change::DeleteRoute).await;
    life.lives("removed").await;
    life.judge_clean();
    life.ends().await;
}
