//! The end of a peering, and what may hold it up.

use super::{Life, is_clean, remove};
use crate::provisioner::{sides, testing::Log};
use cloud::{LinkState, RouteTarget};
use domain::{
    Side,
    network::{BlockCause, DriftKind, Leftover},
};

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
    let over = life.log.peering();
    assert_eq!(over.life.as_str(), "abandoned", "the link stands");
    assert_eq!(over.leftovers(), [Leftover::Link { link: link.clone() }]);
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

/// A world with IPv6 at home, and somebody's IPv6 route over the engine's link there.
async fn with_an_ipv6_route() -> (Life, domain::text::RouteTable) {
    let mut life = Life::active().await;
    let (local, table) = (life.network(Side::Local), life.main_table(Side::Local));
    let by_hand = life.cloud.out_of_band();
    let over = RouteTarget::Link(life.link());
    by_hand.route(&local, &table, V6.parse().unwrap(), over);
    life.looks_again().await;
    (life, table)
}

const V6: &str = "fd00:2::/56";

/// What its end has named as left at the cloud.
fn left_behind(life: &Life) -> Vec<Leftover> {
    let peering = life.log.peering();
    let ending = peering.life.ending().expect("it has ended");
    ending.left_behind().to_vec()
}

#[tokio::test(start_paused = true)]
async fn an_ipv6_route_over_the_engines_link_is_a_finding_and_is_named_when_it_is_left_behind() {
    let (mut life, table) = with_an_ipv6_route().await;
    let drift = life.log.peering().drift;
    assert!(
        drift
            .keys()
            .any(|it| matches!(it, DriftKind::RouteExtra { destination, .. } if destination == V6)),
        "{drift:?}"
    );
    life.says(remove());
    life.settles().await;
    assert_eq!(life.log.peering().life.as_str(), "removed");
    let left = left_behind(&life);
    let route = Leftover::OtherRoute {
        side: Side::Local,
        route_table: table,
        destination: V6.to_owned(),
    };
    assert_eq!(left, [route], "and nothing of the engine's own");
}

#[tokio::test(start_paused = true)]
async fn a_strangers_route_over_the_link_is_named_when_it_is_left_behind_and_the_engines_are_not() {
    let mut life = Life::active().await;
    let (remote, table) = (life.network(Side::Remote), life.main_table(Side::Remote));
    let by_hand = life.cloud.out_of_band();
    let over = RouteTarget::Link(life.link());
    by_hand.route(&remote, &table, "10.20.64.0/18".parse().unwrap(), over);
    life.says(remove());
    life.settles().await;
    let left = left_behind(&life);
    let route = Leftover::OtherRoute {
        side: Side::Remote,
        route_table: table,
        destination: "10.20.64.0/18".to_owned(),
    };
    assert_eq!(left, [route]);
}

#[tokio::test(start_paused = true)]
async fn what_is_given_up_names_the_routes_of_others_beside_the_engines_own() {
    let (mut life, table) = with_an_ipv6_route().await;
    life.says(super::holds::abandon(None));
    life.look_for(super::HOUR).await;
    assert_eq!(life.log.peering().life.as_str(), "abandoned");
    let left = left_behind(&life);
    let route = Leftover::OtherRoute {
        side: Side::Local,
        route_table: table,
        destination: V6.to_owned(),
    };
    assert_eq!(
        left.iter().filter(|it| **it == route).count(),
        1,
        "{left:?}"
    );
    assert!(left.iter().any(|it| matches!(it, Leftover::Route { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_group_open_to_all_ipv6_is_an_exposure_while_an_ipv6_route_leads_over_the_link() {
    let mut life = Life::active().await;
    let (local, remote) = (life.network(Side::Local), life.network(Side::Remote));
    let by_hand = life.cloud.out_of_band();
    by_hand.widen(&local, "fd00:1::/56".parse().unwrap());
    by_hand.widen(&remote, V6.parse().unwrap());
    let open = by_hand
        .group(&remote, "web", &["tcp 443 from ::/0"])
        .unwrap();
    life.looks_again().await;
    let exposed = |life: &Life| {
        let exposures = life.log.peering().firewall.remote.exposures;
        exposures.values().any(|it| it.exposure.group == open)
    };
    assert!(!exposed(&life), "no IPv6 goes over the link");
    let (table, over) = (life.main_table(Side::Local), RouteTarget::Link(life.link()));
    by_hand.route(&local, &table, V6.parse().unwrap(), over);
    life.looks_again().await;
    assert!(exposed(&life));
    by_hand.unroute(&local, &table, V6.parse().unwrap());
    life.looks_again().await;
    assert!(!exposed(&life));
}
