//! What only the strict EC2 shows: who enters which account how, and what is refused to whom.

use super::ground::{Ground, World};
use super::peering::Life;
use std::collections::BTreeSet;
use std::sync::Arc;
use tests::strict::Call;

async fn ground() -> Arc<Ground> {
    Ground::of(World::Strict).await
}

#[tokio::test]
async fn the_peers_role_is_entered_with_the_external_id_on_record_and_the_own_one_without() {
    let life = Life::active(ground().await).await;
    let shown = life.converged().await.external_id;
    assert!(!shown.is_empty());
    let calls = life.ground.strict().calls().await;
    let entered = |account: &str| {
        let ours = |call: &&Call| {
            let said = |name: &str| call.parameters.get(name).map(String::as_str).unwrap_or_default();
            call.action == "AssumeRole" && said("RoleArn").contains(account) && said("RoleSessionName") != "oracle"
        };
        calls.iter().filter(ours).map(|call| call.parameters.get("ExternalId").cloned().unwrap_or_default()).collect::<BTreeSet<_>>()
    };
    assert_eq!(entered(&life.pair.remote.place.account), [shown].into());
    assert_eq!(entered(&life.pair.local.place.account), [String::new()].into());
    life.ends().await;
}

#[tokio::test]
async fn a_permission_that_is_missing_is_found_before_the_first_write_and_named() {
    let mut life = Life::registered(ground().await).await;
    let account = life.pair.remote.place.account.clone();
    life.ground.strict().deny(&account, "CreateSecurityGroup").await;
    life.asks(&[]).await;
    let blocked = life.is_blocked("permission_denied").await.blocked.unwrap();
    assert_eq!(blocked.side, "remote", "{blocked:?}");
    life.judge_clean();
    let changes = life.ground.changes(&life.pair).await.unwrap();
    assert!(changes.iter().all(|it| it.action != "CreateVpcPeeringConnection"), "{changes:#?}");
    life.ground.strict().permit(&account, "CreateSecurityGroup").await;
    life.agrees().await;
    life.converged().await;
    life.judge(&life.expected());
    life.ends().await;
}

#[tokio::test]
async fn a_removal_that_the_peer_refuses_names_it_survives_a_crash_and_goes_on_once_it_is_allowed() {
    let mut life = Life::active(ground().await).await;
    let account = life.pair.remote.place.account.clone();
    life.ground.strict().deny(&account, "DeleteRoute").await;
    life.says(&["peering", "remove", &life.peering, "--reason", "no longer needed", "--no-wait"]).await;
    let blocked = life.is_blocked("permission_denied").await.blocked.unwrap();
    assert_eq!(blocked.side, "remote");
    let remedy = blocked.remedy.join("\n");
    assert!(remedy.contains("ec2:DeleteRoute") && remedy.contains("peerage peering abandon"), "{remedy}");
    let mut expected = life.expected();
    expected.route_tables[1].routes.clear();
    expected.security_groups[0].ingress.clear();
    life.judge(&expected);

    life.crashes().await;
    life.judge(&expected);
    life.ground.strict().permit(&account, "DeleteRoute").await;
    life.lives("removed").await;
    life.judge_clean();
    life.ends().await;
}

#[tokio::test]
async fn a_link_that_the_peer_ends_is_found_and_named_and_not_made_again() {
    let life = Life::active(ground().await).await;
    let link = life.converged().await.link;
    life.people().delete_link(&life.pair.remote.place, &link);
    life.checks().await;
    life.is_blocked("link_ended").await;
    assert_eq!(life.told("DriftDetected", 1).await[0]["finding"]["kind"], "link_ended");
    let made = life.ground.changes(&life.pair).await.unwrap();
    assert_eq!(made.iter().filter(|it| it.action == "CreateVpcPeeringConnection").count(), 1);
    life.says(&["peering", "remove", &life.peering, "--reason", "the peer left"]).await;
    life.judge_clean();
    life.ends().await;
}

#[tokio::test]
async fn a_request_that_the_peers_owner_rejects_is_over_and_another_can_be_made() {
    let mut life = Life::registered(ground().await).await;
    life.asks(&["--consent", "owner"]).await;
    let waiting = life.lives("awaiting_acceptance").await;
    let place = life.pair.remote.place.clone();
    life.shows(&place, &waiting.link, "pending-acceptance").await;
    life.people().reject_link(&place, &waiting.link);
    life.lives("rejected").await;
    life.asks(&[]).await;
    life.agrees().await;
    assert_ne!(life.converged().await.link, waiting.link);
    life.ends().await;
}
