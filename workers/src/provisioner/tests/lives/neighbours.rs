//! What else there is where a peering's networks are: other peerings of the same network, other
//! links, other people's groups. None of it is taken for the peering's own, and what is in its way
//! is found out before the first write.

use super::{CLIENTS, LONG, Life, peering_id, range, remove};
use crate::provisioner::{
    settings::ProvisionerSettings,
    sides,
    testing::{Fuse, Settled},
};
use cloud::{LinkEnd, LinkState, RouteTarget};
use domain::{
    Ids, PeeringId, Side,
    network::{
        AcceptRoute, BlockCause, CheckDrift, ExposurePolicy, Peer, Policy, RequestPeering,
        SetPolicy, Terms,
    },
};
use std::time::Duration;
use uuid::Uuid;

const OTHERS: &str = "10.60.0.0/16";

/// A further peering of the same network, with another peer in the account and region of the first.
pub(super) fn beside_the_first(life: &Life) -> PeeringId {
    let id = Ids::of(domain::CommandId(Uuid::from_u128(
        life.log.events().len() as u128
    )))
    .peering(life.log.network().id);
    let first = life.log.peering().peer;
    let peer = Peer {
        cloud_network: "vpc-0cccccccccccccccc".parse().unwrap(),
        ranges: vec![range(OTHERS)],
        ..first
    };
    life.says(RequestPeering {
        peer,
        terms: Terms::default(),
        setup: domain::network::Setup::default(),
    });
    for (side, destination) in [(Side::Local, OTHERS), (Side::Remote, "10.20.0.0/16")] {
        life.says(AcceptRoute {
            peering_id: id,
            side,
            destination: range(destination),
        });
    }
    let (network, peering) = (
        life.log.network(),
        life.log.network().peerings()[&id].clone(),
    );
    let theirs = sides::end(&network, &peering, Side::Remote);
    life.cloud
        .out_of_band()
        .build(&theirs.network, &theirs.ranges, &[]);
    id
}

#[tokio::test(start_paused = true)]
async fn peerings_that_share_their_places_are_told_apart_and_one_goes_without_the_other() {
    let mut life = Life::active().await;
    let other = beside_the_first(&life);
    life.settles().await;
    let network = life.log.network();
    let links =
        [peering_id(), other].map(|id| network.peerings()[&id].life.link().unwrap().clone());
    assert_ne!(links[0], links[1]);
    assert!(
        network
            .peerings()
            .values()
            .all(|peering| peering.is_converged()),
        "{network:#?}"
    );
    let over = |life: &Life, link: &domain::text::Link| {
        let world = life.cloud.world();
        let tables = world.networks.values().flat_map(|network| &network.tables);
        tables
            .flat_map(|table| &table.routes)
            .filter(|route| route.target == RouteTarget::Link(link.clone()))
            .count()
    };
    assert_eq!([over(&life, &links[0]), over(&life, &links[1])], [3, 3]);
    life.says(remove());
    life.settles().await;
    assert_eq!([over(&life, &links[0]), over(&life, &links[1])], [0, 3]);
    let (network, world) = (life.log.network(), life.cloud.world());
    assert_eq!(
        (
            life.log.peering().life.as_str(),
            &world.links[&links[1]].state
        ),
        ("removed", &LinkState::Active)
    );
    assert!(
        network.peerings()[&other].is_converged(),
        "{:#?}",
        network.peerings()[&other]
    );
    let groups = world.networks.values().flat_map(|network| &network.groups);
    assert_eq!(
        groups
            .filter_map(|group| group.owner.map(|owner| owner.peering))
            .collect::<Vec<_>>(),
        [other, other]
    );
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_either_network_reaches_over_another_link_is_found_out_before_anything_is_asked_for()
 {
    for (side, taken) in [
        (Side::Local, "10.50.0.0/16"),
        (Side::Local, "10.50.128.0/17"),
        (Side::Remote, "10.20.0.0/24"),
    ] {
        let mut life = Life::asked_for();
        let own = sides::end(&life.log.network(), &life.log.peering(), side);
        let mut far = LinkEnd {
            ranges: vec![taken.parse().unwrap()],
            ..own.clone()
        };
        far.network.network = "vpc-0dddddddddddddddd".parse().unwrap();
        let link = life
            .cloud
            .out_of_band()
            .join(&own, &far, LinkState::Active, None);
        let serving = match side {
            Side::Local => 1,
            Side::Remote => 0,
        };
        let key = own.network.to_string();
        let table = life.cloud.world().networks[&key].tables[serving].id.clone();
        let target = RouteTarget::Link(link.clone());
        let by_hand = life.cloud.out_of_band();
        by_hand.route(&own.network, &table, taken.parse().unwrap(), target);
        life.blocks(BlockCause::RangeOverlap, side).await;
        let blocked = life.log.peering().blocked.unwrap();
        assert!(
            blocked.message.contains(taken) && blocked.message.contains(table.as_str()),
            "{}",
            blocked.message
        );
        assert_eq!(
            (
                life.count("PeeringInitiationStarted"),
                life.cloud.world().links.len()
            ),
            (0, 1)
        );
        by_hand.unroute(&own.network, &table, taken.parse().unwrap());
        life.settles().await;
        assert!(life.log.peering().is_converged());
    }
}

#[tokio::test(start_paused = true)]
async fn a_block_that_another_neighbour_has_too_and_nobody_routes_to_is_no_obstacle() {
    for side in Side::BOTH {
        let mut life = Life::asked_for();
        let own = sides::end(&life.log.network(), &life.log.peering(), side);
        let there = sides::end(&life.log.network(), &life.log.peering(), side.other());
        let mut far = LinkEnd {
            ranges: there.ranges.clone(),
            ..own.clone()
        };
        far.network.network = "vpc-0dddddddddddddddd".parse().unwrap();
        let by_hand = life.cloud.out_of_band();
        let other = by_hand.join(&own, &far, LinkState::Active, None);
        // A table that serves nobody of this peering sends it there: that is none of its business.
        if side == Side::Local {
            let main = life.main_table(side);
            let target = RouteTarget::Link(other.clone());
            by_hand.route(&own.network, &main, CLIENTS.parse().unwrap(), target);
        }
        life.settles().await;
        assert!(life.log.peering().is_converged(), "{side}");
        assert_ne!(life.link(), other);
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_of_one_of_the_networks_to_somewhere_else_is_no_obstacle() {
    let mut life = Life::asked_for();
    let own = sides::end(&life.log.network(), &life.log.peering(), Side::Local);
    let mut far = LinkEnd {
        ranges: vec![OTHERS.parse().unwrap()],
        ..own.clone()
    };
    far.network.network = "vpc-0dddddddddddddddd".parse().unwrap();
    let link = life
        .cloud
        .out_of_band()
        .join(&own, &far, LinkState::Active, None);
    life.settles().await;
    assert!(life.log.peering().is_converged() && life.link() != link);
    assert_eq!(life.cloud.world().links[&link].state, LinkState::Active);
}

#[tokio::test(start_paused = true)]
async fn a_repair_that_was_just_undone_waits_for_its_pause() {
    let mut life = Life::active().await;
    let (local, table) = (
        life.network(Side::Local),
        life.routes(Side::Local)[0].0.clone(),
    );
    let undo = |life: &Life| {
        life.cloud
            .out_of_band()
            .unroute(&local, &table, CLIENTS.parse().unwrap())
    };
    undo(&life);
    life.looks_again().await;
    assert_eq!(
        (life.routes(Side::Local).len(), life.count("DriftRepaired")),
        (2, 1)
    );
    tokio::time::advance(ProvisionerSettings::default().settle_window).await;
    undo(&life);
    life.says(CheckDrift {});
    assert_eq!(life.run(Fuse::never(), LONG).await, Some(Settled::Yes));
    assert_eq!(
        (
            life.routes(Side::Local).len(),
            life.count("DriftDetected"),
            life.count("DriftRepaired")
        ),
        (1, 2, 1)
    );
    tokio::time::advance(Duration::from_secs(60)).await;
    life.settles().await;
    assert_eq!(
        (life.routes(Side::Local).len(), life.count("DriftRepaired")),
        (2, 2)
    );
}

#[tokio::test(start_paused = true)]
async fn an_exposure_in_a_group_that_nobody_agreed_about_is_reported_and_left() {
    let mut life = Life::active().await;
    let (remote, by_hand) = (life.network(Side::Remote), life.cloud.out_of_band());
    by_hand
        .group(&remote, "legacy", &["tcp 22 from 10.0.0.0/8"])
        .unwrap();
    let agreed = by_hand
        .group(&remote, "agreed", &["tcp 23 from 10.20.0.0/16"])
        .unwrap();
    life.says(SetPolicy {
        policy: Policy {
            exposure: ExposurePolicy::Enforce {
                groups: [agreed].into(),
            },
            ..Policy::default()
        },
    });
    life.settles().await;
    let world = life.cloud.world();
    let rules = |name: &str| {
        world.networks[&remote.to_string()]
            .groups
            .iter()
            .find(|it| it.name == name)
            .unwrap()
            .rules
            .len()
    };
    assert_eq!((rules("legacy"), rules("agreed")), (1, 0));
    assert_eq!(
        (life.count("FirewallExposed"), life.count("ExposureCleared")),
        (2, 1)
    );
}
