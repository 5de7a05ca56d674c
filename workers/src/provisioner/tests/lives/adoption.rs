//! Links that somebody else made: what they had stays theirs, and their clock is the cloud's.

use super::{Life, remove};
use crate::provisioner::testing::{CLIENTS, Log, peering_id};
use cloud::{LinkRole, LinkState, Operation, RouteTarget};
use domain::{
    Side,
    network::{LinkOption, SetDnsResolution},
    text::Subnet,
};
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn a_route_that_an_adopted_link_had_stays_when_its_table_no_longer_serves() {
    let mut life = Life::asked_for();
    let link = life.somebodys(Side::Remote, LinkState::Active);
    let (local, to_clients) = (life.network(Side::Local), CLIENTS.parse().unwrap());
    let first: Subnet = "subnet-1".parse().unwrap();
    let table = life.cloud.world().networks[&local.to_string()]
        .tables
        .iter()
        .find(|it| it.subnets.contains(&first))
        .unwrap()
        .id
        .clone();
    life.cloud
        .out_of_band()
        .route(&local, &table, to_clients, RouteTarget::Link(link.clone()));
    life.log = Log::adopting(&link).told_by(&life.clock);
    life.settles().await;
    life.cloud
        .out_of_band()
        .add_table(&local, &[first])
        .unwrap();
    life.looks_again().await;
    assert!(
        life.routes(Side::Local)
            .contains(&(table, CLIENTS.to_owned())),
        "{:?}",
        life.routes(Side::Local)
    );
}

#[tokio::test(start_paused = true)]
async fn an_adopted_link_that_nobody_could_survey_is_let_go_with_all_it_had() {
    let mut life = Life::asked_for();
    let link = life.somebodys(Side::Remote, LinkState::Active);
    let (remote, main) = (life.network(Side::Remote), life.main_table(Side::Remote));
    life.cloud.out_of_band().route(
        &remote,
        &main,
        "10.20.0.0/16".parse().unwrap(),
        RouteTarget::Link(link.clone()),
    );
    life.log = Log::adopting(&link).told_by(&life.clock);
    life.cloud
        .out_of_band()
        .deny_call(&remote.at.account, Operation::RouteTables);
    life.look_for(Duration::from_secs(60)).await;
    assert_eq!(life.count("PeeringSurveyed"), 0);
    life.cloud.out_of_band().allow(&remote.at.account);
    life.says(remove());
    life.settles().await;
    assert_eq!(
        (life.log.peering().life.as_str(), life.routes(Side::Remote)),
        ("abandoned", vec![(main, "10.20.0.0/16".to_owned())])
    );
}

#[tokio::test(start_paused = true)]
async fn names_that_resolved_before_a_link_was_adopted_resolve_after_it_is_let_go() {
    let mut life = Life::asked_for();
    let link = life.somebodys(Side::Local, LinkState::Active);
    for end in [LinkRole::First, LinkRole::Second] {
        life.cloud
            .out_of_band()
            .flip(&link, end, LinkOption::DnsResolution, true);
    }
    life.log = Log::adopting(&link).told_by(&life.clock);
    life.settles().await;
    for side in Side::BOTH {
        life.says(SetDnsResolution {
            peering_id: peering_id(),
            side,
            enabled: true,
        });
    }
    life.settles().await;
    life.says(remove());
    life.settles().await;
    let world = life.cloud.world();
    let resolve = [LinkRole::First, LinkRole::Second].map(|end| {
        world.links[&link]
            .end(end)
            .option(LinkOption::DnsResolution)
    });
    assert_eq!(
        (life.log.peering().life.as_str(), resolve),
        ("abandoned", [Some(true); 2])
    );
}

#[tokio::test(start_paused = true)]
async fn a_request_that_was_adopted_expires_by_the_clouds_clock() {
    let mut life = Life::asked_for();
    let link = life.somebodys(Side::Local, LinkState::Pending);
    tokio::time::advance(Duration::from_secs(150 * 3600)).await;
    life.log = Log::adopting_now(&link, &life.clock);
    life.cloud.out_of_band().deny_call(
        &life.network(Side::Remote).at.account,
        Operation::AcceptLink,
    );
    life.look_for(Duration::from_secs(3600)).await;
    assert_eq!(
        life.count("PeeringExpiryNear"),
        1,
        "eighteen hours are left"
    );
}

#[tokio::test(start_paused = true)]
async fn a_request_of_the_peers_is_accepted_with_the_local_identity_alone_whoever_keeps_the_peer() {
    for consent in domain::network::Consent::ALL {
        let mut life = Life::asked_for();
        let link = life.somebodys(Side::Remote, LinkState::Pending);
        life.log = Log::adopting_with(&link, consent, &life.clock);
        let vendor = life.network(Side::Remote).at.account;
        let by_hand = life.cloud.out_of_band();
        by_hand.deny_call(&vendor, Operation::AcceptLink);
        by_hand.deny_call(&vendor, Operation::Links);
        life.look_for(Duration::from_secs(60)).await;
        let state = life.cloud.world().links[&link].state.clone();
        assert_eq!(state, LinkState::Active, "{consent:?}");
        assert_eq!(life.log.peering().asked_side(), Some(Side::Local));
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_the_peer_is_left_to_its_owner_and_what_is_another_link_to_a_person() {
    let mut life = Life::asked_for();
    let link = life.somebodys(Side::Local, LinkState::Pending);
    life.log = Log::adopting_with(&link, domain::network::Consent::Owner, &life.clock);
    life.look_for(Duration::from_secs(60)).await;
    assert_eq!(life.cloud.world().links[&link].state, LinkState::Pending);
    assert_eq!(life.log.peering().asked_side(), Some(Side::Remote));
}

#[tokio::test(start_paused = true)]
async fn a_request_of_the_peers_is_accepted_by_the_private_networks_owner_once_it_is_adopted() {
    let mut life = Life::asked_for();
    let link = life.somebodys(Side::Remote, LinkState::Pending);
    life.log = Log::adopting_now(&link, &life.clock);
    life.settles().await;
    assert!(
        life.log.peering().is_converged() && life.link() == link,
        "{:#?}",
        life.log.peering()
    );
}
