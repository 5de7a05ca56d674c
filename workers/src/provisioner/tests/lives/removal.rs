//! The end of a peering, and what may hold it up.

use super::{Life, is_clean, remove};
use crate::provisioner::{sides, testing::Log};
use cloud::{LinkState, RouteTarget};
use domain::{Side, network::BlockCause};

#[tokio::test(start_paused = true)]
async fn a_removed_peering_leaves_nothing_and_its_link_goes_after_its_routes() {
    let mut life = Life::active().await;
    let before = life.log.events().len();
    life.says(remove());
    life.settles().await;
    is_clean(&life.cloud.world(), "removed");
    let names = life.log.names(before);
    let first = |name: &str| names.iter().position(|it| *it == name).unwrap();
    let last = |name: &str| names.iter().rposition(|it| *it == name).unwrap();
    assert!(
        last("RouteRemoved") < first("LinkRemoved")
            && last("FirewallRuleRevoked") < first("LinkRemoved"),
        "{names:?}"
    );
    assert!(
        first("LinkRemoved") < first("FirewallGroupRemoved"),
        "{names:?}"
    );
    assert_eq!(names.last(), Some(&"PeeringRemoved"));
    assert_eq!(life.log.peering().life.as_str(), "removed");
}

#[tokio::test(start_paused = true)]
async fn an_adopted_link_is_kept_and_never_removed_nor_are_the_routes_it_had() {
    let mut life = Life::asked_for();
    let (network, peering) = (life.log.network(), life.log.peering());
    let ends = Side::BOTH.map(|side| sides::end(&network, &peering, side));
    let by_hand = life.cloud.out_of_band();
    let link = by_hand.join(&ends[1], &ends[0], LinkState::Active, None);
    let main = life.main_table(Side::Remote);
    by_hand.route(
        &ends[1].network,
        &main,
        "10.20.0.0/16".parse().unwrap(),
        RouteTarget::Link(link.clone()),
    );
    life.log = Log::adopting(&link).told_by(&life.clock);
    life.settles().await;
    assert!(
        life.log.peering().is_converged(),
        "{:#?}",
        life.log.peering()
    );
    assert_eq!(
        (
            life.count("PeeringSurveyed"),
            life.routes(Side::Local).len()
        ),
        (1, 2)
    );
    life.says(remove());
    life.settles().await;
    assert_eq!(life.log.peering().life.as_str(), "removed");
    assert_eq!(
        (life.routes(Side::Local), life.routes(Side::Remote)),
        (vec![], vec![(main, "10.20.0.0/16".to_owned())])
    );
    assert_eq!(life.cloud.world().links[&link].state, LinkState::Active);
}

#[tokio::test(start_paused = true)]
async fn a_removal_that_the_peer_refuses_names_it_and_goes_on_once_it_is_allowed() {
    let mut life = Life::active().await;
    let remote = life.network(Side::Remote).at.account;
    life.cloud.out_of_band().deny(&remote);
    life.says(remove());
    life.blocks(BlockCause::PermissionDenied, Side::Remote)
        .await;
    assert!(
        life.routes(Side::Local).is_empty(),
        "what can be taken back is"
    );
    assert!(
        life.log
            .peering()
            .blocked
            .unwrap()
            .remedy
            .iter()
            .any(|it| it.contains("abandon"))
    );
    life.cloud.out_of_band().allow(&remote);
    life.settles().await;
    is_clean(&life.cloud.world(), "allowed at last");
}

#[tokio::test(start_paused = true)]
async fn a_group_that_is_in_use_holds_up_the_end_and_is_named() {
    let mut life = Life::active().await;
    let (local, group) = (
        life.network(Side::Local),
        life.log.peering().firewall.local.group.unwrap(),
    );
    life.cloud.out_of_band().use_group(&local, &group);
    life.says(remove());
    life.blocks(BlockCause::InUse, Side::Local).await;
    life.cloud.out_of_band().leave_group(&local, &group);
    life.settles().await;
    is_clean(&life.cloud.world(), "no longer used");
}
