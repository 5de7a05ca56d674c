//! A peer gets another range while its link stands, and gives one up.

use super::{CLIENTS, Life, peering_id, range};
use cloud::LinkState;
use domain::{
    Side,
    network::{
        AcceptRoute, AddPeerRanges, BlockCause, Consent, DropPeerRanges, InboundRule,
        RestrictFirewall, Terms,
    },
};

const NEW: &str = "10.51.0.0/16";

fn add() -> AddPeerRanges {
    AddPeerRanges {
        peering_id: peering_id(),
        ranges: vec![range(NEW)],
    }
}

/// Everything that the private network opens into the new range, and from it.
fn open(life: &Life) {
    life.says(AcceptRoute {
        peering_id: peering_id(),
        side: Side::Local,
        destination: range(NEW),
    });
    let admit = [CLIENTS, NEW].map(|source| InboundRule {
        source: range(source).into(),
        port: 2113,
        target: None,
    });
    life.says(RestrictFirewall {
        peering_id: peering_id(),
        side: Side::Local,
        admit: admit.to_vec(),
        tenure: Default::default(),
    });
}

fn led_there(life: &Life) -> usize {
    let routes = life.routes(Side::Local);
    routes.iter().filter(|(_, to)| to == NEW).count()
}

#[tokio::test(start_paused = true)]
async fn a_new_range_of_the_peer_is_opened_over_the_same_link_once_the_cloud_shows_it() {
    let mut life = Life::active().await;
    let link = life.link();
    life.says(add());
    open(&life);
    life.blocks(BlockCause::RangeMismatch, Side::Remote).await;
    assert_eq!((led_there(&life), life.rules(Side::Local)), (0, 1));
    let blocked = life.log.peering().blocked.unwrap();
    let drop = format!("peerage peering ranges drop {} {NEW}", peering_id());
    assert!(blocked.message.contains(NEW), "{}", blocked.message);
    assert!(blocked.remedy.contains(&drop), "{:?}", blocked.remedy);
    let remote = life.network(Side::Remote);
    life.cloud
        .out_of_band()
        .widen(&remote, NEW.parse().unwrap());
    life.looks_again().await;
    assert_eq!((led_there(&life), life.rules(Side::Local)), (2, 2));
    assert_eq!((life.link(), life.count("PeerRangesConfirmed")), (link, 1));
    assert!(life.log.peering().is_converged() && life.log.peering().unconfirmed.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_range_that_meets_one_of_the_private_network_is_never_opened() {
    let mut life = Life::active().await;
    for side in Side::BOTH {
        let network = life.network(side);
        life.cloud
            .out_of_band()
            .widen(&network, NEW.parse().unwrap());
    }
    life.says(add());
    open(&life);
    life.blocks(BlockCause::RangeOverlap, Side::Remote).await;
    assert_eq!((led_there(&life), life.rules(Side::Local)), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_network_that_shows_no_range_at_all_confirms_none() {
    let mut life = Life::active().await;
    let remote = life.network(Side::Remote);
    life.cloud
        .out_of_band()
        .narrow(&remote, CLIENTS.parse().unwrap());
    life.says(add());
    open(&life);
    life.blocks(BlockCause::RangeMismatch, Side::Remote).await;
    assert_eq!(
        (led_there(&life), life.count("PeerRangesConfirmed")),
        (0, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn where_the_engine_may_not_look_at_the_peer_the_link_tells_its_ranges() {
    let mut life = Life::asked_for();
    life.log = super::super::super::testing::Log::with_terms(Terms {
        consent: Consent::Owner,
        ..Terms::default()
    })
    .told_by(&life.clock);
    life.look_for(std::time::Duration::from_secs(30)).await;
    life.cloud.out_of_band().accept(&life.link());
    life.looks_again().await;
    assert_eq!(
        life.cloud.world().links[&life.link()].state,
        LinkState::Active
    );
    life.says(add());
    open(&life);
    life.blocks(BlockCause::RangeMismatch, Side::Remote).await;
    assert_eq!(led_there(&life), 0);
    let remote = life.network(Side::Remote);
    life.cloud
        .out_of_band()
        .widen(&remote, NEW.parse().unwrap());
    life.looks_again().await;
    assert_eq!(led_there(&life), 2);
}

#[tokio::test(start_paused = true)]
async fn a_range_that_is_given_up_takes_its_routes_and_rules_along_and_nothing_else() {
    let mut life = Life::active().await;
    let (remote, link) = (life.network(Side::Remote), life.link());
    life.cloud
        .out_of_band()
        .widen(&remote, NEW.parse().unwrap());
    let before = life.routes(Side::Local);
    life.says(add());
    open(&life);
    life.settles().await;
    assert_eq!(led_there(&life), 2);
    life.says(DropPeerRanges {
        peering_id: peering_id(),
        ranges: vec![range(NEW)],
    });
    life.settles().await;
    assert_eq!(
        (life.routes(Side::Local), life.rules(Side::Local)),
        (before, 1)
    );
    assert_eq!((life.link(), life.count("DriftDetected")), (link, 0));
    assert!(life.log.peering().is_converged());
}
