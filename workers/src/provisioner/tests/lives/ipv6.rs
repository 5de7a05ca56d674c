//! A peering of two networks that have addresses of both families.

use super::{
    HOUR, LONG, Life, crashes::stopped_everywhere, holds::abandon, is_clean,
    neighbours::beside_the_first, remove,
};
use crate::provisioner::{
    memories::Memories,
    testing::{
        CLIENTS, Fuse, IPV6, IPV6_CLIENTS, Log, clock, cloud_of, commands_of_both, peering_id,
        range,
    },
};
use cloud::RouteTarget;
use domain::{
    Side,
    network::{
        AllowConnectorIngress, BlockCause, DriftKind, DropPeerRanges, IngressSource, Leftover,
        SetNetworkIpv6Ranges, WithdrawRoute,
    },
};
use ipnet::IpNet;
use simulated::SimulatedSettings;

/// Two networks with both families and all of it asked for, before anybody has looked.
fn asked_for() -> Life {
    let clock = clock();
    let log = Log::dual_stack().told_by(&clock);
    Life {
        cloud: cloud_of(&log, SimulatedSettings::instant(21), &clock),
        clock,
        log,
        memories: Memories::default(),
    }
}

async fn active() -> Life {
    let mut life = asked_for();
    life.settles().await;
    life
}

/// Where this side sends packets over the link, each destination once.
fn destinations(life: &Life, side: Side) -> Vec<String> {
    let mut all: Vec<_> = life.routes(side).into_iter().map(|(_, to)| to).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// What the engine's groups on this side let in.
fn admitted(life: &Life, side: Side) -> Vec<String> {
    let world = life.cloud.world();
    let groups = &world.networks[&life.network(side).to_string()].groups;
    let ours = groups.iter().filter(|group| group.owner.is_some());
    let rules = ours.flat_map(|group| &group.rules);
    let mut all: Vec<_> = rules.map(|rule| rule.text.clone()).collect();
    all.sort_unstable();
    all
}

/// Nothing of IPv6 is left at the cloud.
fn is_of_ipv4_alone(life: &Life) {
    assert_eq!(destinations(life, Side::Local), [CLIENTS]);
    assert_eq!(destinations(life, Side::Remote), ["10.20.0.0/16"]);
    assert_eq!(
        admitted(life, Side::Local),
        [format!("tcp 2113 from {CLIENTS}")]
    );
}

#[tokio::test(start_paused = true)]
async fn routes_and_rules_of_both_families_are_made_and_taken_away_again() {
    let mut life = active().await;
    assert_eq!(destinations(&life, Side::Local), [CLIENTS, IPV6_CLIENTS]);
    assert_eq!(destinations(&life, Side::Remote), ["10.20.0.0/16", IPV6]);
    assert_eq!(life.routes(Side::Local).len(), 4, "in two tables");
    assert_eq!(
        admitted(&life, Side::Local),
        [CLIENTS, IPV6_CLIENTS].map(|from| format!("tcp 2113 from {from}"))
    );
    assert!(life.log.peering().is_converged());
    assert!(life.log.peering().drift.is_empty());
    life.says(remove());
    life.settles().await;
    is_clean(&life.cloud.world(), "removed");
    assert_eq!(life.log.peering().life.as_str(), "removed");
    let left = life
        .log
        .peering()
        .life
        .ending()
        .unwrap()
        .left_behind()
        .to_vec();
    assert_eq!(left, []);
}

#[tokio::test(start_paused = true)]
async fn a_peering_of_one_family_gets_the_other_over_the_same_link() {
    let mut life = Life::active().await;
    let link = life.link();
    for (side, range) in [(Side::Local, IPV6), (Side::Remote, IPV6_CLIENTS)] {
        let network = life.network(side);
        let by_hand = life.cloud.out_of_band();
        by_hand.widen(&network, range.parse().unwrap());
    }
    for command in commands_of_both(false) {
        life.says(command);
    }
    life.settles().await;
    assert_eq!(destinations(&life, Side::Local), [CLIENTS, IPV6_CLIENTS]);
    assert_eq!(destinations(&life, Side::Remote), ["10.20.0.0/16", IPV6]);
    assert_eq!((life.rules(Side::Local), life.link()), (2, link));
    life.says(SetNetworkIpv6Ranges { ranges: vec![] });
    life.settles().await;
    is_of_ipv4_alone(&life);
}

#[tokio::test(start_paused = true)]
async fn the_peer_is_not_sent_to_an_ipv6_range_that_the_private_network_does_not_show() {
    let mut life = Life::active().await;
    let remote = life.network(Side::Remote);
    let by_hand = life.cloud.out_of_band();
    by_hand.widen(&remote, IPV6_CLIENTS.parse().unwrap());
    for command in commands_of_both(false) {
        life.says(command);
    }
    life.blocks(BlockCause::RangeMismatch, Side::Local).await;
    assert_eq!(destinations(&life, Side::Remote), ["10.20.0.0/16"]);
    let message = life.log.peering().blocked.unwrap().message;
    assert!(message.starts_with(IPV6), "{message}");
    let local = life.network(Side::Local);
    by_hand.widen(&local, IPV6.parse().unwrap());
    life.looks_again().await;
    assert_eq!(destinations(&life, Side::Remote), ["10.20.0.0/16", IPV6]);
    assert!(life.log.peering().is_converged());
}

#[tokio::test(start_paused = true)]
async fn networks_whose_ipv6_blocks_overlap_are_joined_once_they_do_not() {
    let mut life = Life::asked_for();
    let (local, remote) = (life.network(Side::Local), life.network(Side::Remote));
    let by_hand = life.cloud.out_of_band();
    by_hand.widen(&local, IPV6.parse().unwrap());
    let within: IpNet = "fd00:20:0:80::/60".parse().unwrap();
    by_hand.widen(&remote, within);
    life.blocks(BlockCause::RangeOverlap, Side::Local).await;
    let message = life.log.peering().blocked.unwrap().message;
    let pair = format!("{IPV6} of the private network and {within} of the peer overlap");
    assert!(message.starts_with(&pair), "{message}");
    assert_eq!(life.count("PeeringInitiated"), 0);
    by_hand.narrow(&remote, within);
    by_hand.widen(&remote, IPV6_CLIENTS.parse().unwrap());
    life.looks_again().await;
    is_of_ipv4_alone(&life);
}

#[tokio::test(start_paused = true)]
async fn with_a_range_that_is_given_up_goes_all_that_led_there() {
    let mut life = active().await;
    life.says(DropPeerRanges {
        peering_id: peering_id(),
        ranges: vec![range(IPV6_CLIENTS)],
    });
    life.settles().await;
    is_of_ipv4_alone(&life);
}

#[tokio::test(start_paused = true)]
async fn an_ipv6_route_that_somebody_took_is_put_back() {
    let mut life = active().await;
    let (remote, table) = (life.network(Side::Remote), life.main_table(Side::Remote));
    let by_hand = life.cloud.out_of_band();
    by_hand.unroute(&remote, &table, IPV6.parse().unwrap());
    life.looks_again().await;
    assert_eq!(destinations(&life, Side::Remote), ["10.20.0.0/16", IPV6]);
    assert_eq!(
        (life.count("DriftDetected"), life.count("DriftRepaired")),
        (1, 1)
    );
    let drift = life.log.events().into_iter().find_map(|event| {
        if let domain::network::NetworkEvent::DriftDetected(it) = event {
            Some(it.finding)
        } else {
            None
        }
    });
    let missing = DriftKind::RouteMissing {
        side: Side::Remote,
        route_table: table,
        destination: range(IPV6),
    };
    assert_eq!(drift, Some(missing));
}

#[tokio::test(start_paused = true)]
async fn a_strangers_ipv6_route_is_no_obstacle_elsewhere_and_stays_where_it_is() {
    let mut life = asked_for();
    let (local, remote) = (life.network(Side::Local), life.network(Side::Remote));
    let by_hand = life.cloud.out_of_band();
    let table = life.main_table(Side::Remote);
    let gateway = RouteTarget::Other("eigw-1".to_owned());
    by_hand.route(&remote, &table, IPV6.parse().unwrap(), gateway.clone());
    life.blocks(BlockCause::Conflict, Side::Remote).await;
    let blocked = life.log.peering().blocked.unwrap();
    assert!(blocked.message.contains(IPV6), "{}", blocked.message);
    assert_eq!(destinations(&life, Side::Remote), ["10.20.0.0/16"]);
    by_hand.unroute(&remote, &table, IPV6.parse().unwrap());
    life.looks_again().await;
    assert_eq!(destinations(&life, Side::Remote), ["10.20.0.0/16", IPV6]);

    let aside = life.main_table(Side::Local);
    let over = RouteTarget::Link(life.link());
    let theirs = "2600:1f14:12ab:3480::/60";
    by_hand.route(&local, &aside, theirs.parse().unwrap(), over);
    life.looks_again().await;
    let is_theirs = |it: &DriftKind| matches!(it, DriftKind::RouteExtra { destination, .. } if destination == theirs);
    assert!(life.log.peering().drift.keys().any(is_theirs));
    life.says(remove());
    life.settles().await;
    assert_eq!(destinations(&life, Side::Local), [theirs]);
    let left = life
        .log
        .peering()
        .life
        .ending()
        .unwrap()
        .left_behind()
        .to_vec();
    let route = Leftover::OtherRoute {
        side: Side::Local,
        route_table: aside,
        destination: theirs.to_owned(),
    };
    assert_eq!(left, [route]);
}

#[tokio::test(start_paused = true)]
async fn an_ingress_to_an_ipv6_target_is_opened_and_closed_at_the_peer() {
    let mut life = active().await;
    let target = "2600:1f14:12ab:3400::7/128";
    let from = "fd00:20:0:1::/64";
    life.says(AllowConnectorIngress {
        peering_id: peering_id(),
        target: range(target),
        port: 9092,
        reason: "orders go to the peer's broker".parse().unwrap(),
        expires_at: None,
        from: Some(IngressSource::Ranges(vec![range(from)])),
        no_expiry: true,
    });
    life.settles().await;
    assert_eq!(
        admitted(&life, Side::Remote),
        [format!("tcp 9092 from {from}")]
    );
    life.says(SetNetworkIpv6Ranges { ranges: vec![] });
    life.settles().await;
    assert_eq!(admitted(&life, Side::Remote), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_ipv6_route_that_a_link_left_behind_is_found_and_removed_when_asked() {
    let mut life = active().await;
    let table = life.main_table(Side::Remote);
    // Another peering has passes go on.
    beside_the_first(&life);
    life.settles().await;
    life.says(abandon(None));
    life.look_for(HOUR).await;
    life.looks_again().await;
    let id = format!("{table}/{IPV6}");
    let orphans = life.log.network().orphans;
    assert!(orphans.keys().any(|it| it.as_str() == id), "{orphans:#?}");
    let there = destinations(&life, Side::Remote);
    assert!(there.contains(&IPV6.to_owned()), "{there:?}");
    life.says(domain::network::RemoveOrphan {
        orphan: id.parse().unwrap(),
        reason: "nobody needs it".parse().unwrap(),
    });
    life.look_for(HOUR * 3).await;
    let there = destinations(&life, Side::Remote);
    assert!(!there.contains(&IPV6.to_owned()), "{there:?}");
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_step_of_a_removal_leaves_nothing_of_either_family() {
    stopped_everywhere(
        active,
        |life| life.says(remove()),
        |life, when| {
            is_clean(&life.cloud.world(), when);
            assert_eq!(life.log.peering().life.as_str(), "removed", "{when}");
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_step_of_a_withdrawal_leaves_the_route_of_the_other_family() {
    stopped_everywhere(
        active,
        |life| {
            life.says(WithdrawRoute {
                peering_id: peering_id(),
                side: Side::Local,
                destination: range(IPV6_CLIENTS),
            });
        },
        |life, when| {
            assert_eq!(destinations(life, Side::Local), [CLIENTS], "{when}");
            assert_eq!(
                destinations(life, Side::Remote),
                ["10.20.0.0/16", IPV6],
                "{when}"
            );
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_removal_that_comes_at_once_leaves_nothing_of_either_family() {
    for step in 0.. {
        let mut life = asked_for();
        let stopped = life.run(Fuse::at(step), LONG).await.is_none();
        life.memories = Memories::default();
        life.says(remove());
        life.settles().await;
        is_clean(
            &life.cloud.world(),
            &format!("stopped at step {step}, then removed"),
        );
        if !stopped {
            return;
        }
    }
}
