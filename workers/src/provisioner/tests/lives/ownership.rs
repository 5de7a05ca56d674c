//! Ownership: ours is what is on record, each thing by itself; that a destination was accepted once
//! makes no route ours.

use super::{HOUR, Life, is_clean, remove};
use crate::provisioner::testing::{CLIENTS, Fuse, Log, peering_id, range};
use cloud::RouteTarget;
use domain::{
    Side,
    network::{AcceptRoute, NetworkEvent, WithdrawRoute},
};
use std::time::Duration;

fn withdraw() -> WithdrawRoute {
    WithdrawRoute {
        peering_id: peering_id(),
        side: Side::Local,
        destination: range(CLIENTS),
    }
}

/// Somebody adds the clients' route over the link by hand, in a new table of the first subnet.
fn by_hand(life: &Life) {
    let (local, link) = (life.network(Side::Local), life.link());
    let subnet = life.log.network().subnets[0].clone();
    let person = life.cloud.out_of_band();
    let table = person.add_table(&local, &[subnet]).unwrap();
    person.route(
        &local,
        &table,
        CLIENTS.parse().unwrap(),
        RouteTarget::Link(link),
    );
}

#[tokio::test(start_paused = true)]
async fn a_route_that_a_person_adds_in_a_new_table_after_it_was_withdrawn_is_theirs() {
    let mut life = Life::active().await;
    life.says(withdraw());
    life.settles().await;
    assert_eq!(life.routes(Side::Local), []);
    let before = life.count("RouteInstalled");
    by_hand(&life);
    for _ in 0..3 {
        life.looks_again().await;
    }
    assert_eq!(
        (life.routes(Side::Local).len(), life.count("RouteInstalled")),
        (1, before)
    );
}

#[tokio::test(start_paused = true)]
async fn a_route_that_was_accepted_and_withdrawn_before_anybody_looked_is_no_ones_of_ours() {
    let mut life = Life::asked_for();
    life.says(withdraw());
    life.settles().await;
    by_hand(&life);
    tokio::time::advance(HOUR).await;
    for _ in 0..3 {
        life.looks_again().await;
    }
    assert_eq!(life.routes(Side::Local).len(), 1);
    life.says(remove());
    life.run(Fuse::never(), Duration::from_secs(3600)).await;
    assert_eq!(
        life.routes(Side::Local).len(),
        1,
        "nor does a removal take it along"
    );
}

#[tokio::test(start_paused = true)]
async fn a_route_that_was_there_before_the_engine_made_one_is_used_and_never_removed() {
    let mut life = Life::active().await;
    life.says(withdraw());
    life.settles().await;
    by_hand(&life);
    life.says(AcceptRoute {
        peering_id: peering_id(),
        side: Side::Local,
        destination: range(CLIENTS),
    });
    life.settles().await;
    assert!(life.log.peering().is_converged());
    assert_eq!(life.count("RouteFound"), 1);
    life.says(withdraw());
    life.settles().await;
    assert_eq!(life.routes(Side::Local).len(), 1, "the person's alone");
}

#[tokio::test(start_paused = true)]
async fn every_thing_is_on_record_before_it_is_made_and_one_event_holds_what_a_plan_makes() {
    let mut life = Life::asked_for();
    life.settles().await;
    let names = life.log.names(0);
    let first = |name: &str| names.iter().position(|it| *it == name).unwrap();
    assert!(first("InstallationStarted") < first("RouteInstalled"));
    assert!(first("InstallationStarted") < first("FirewallGroupCreated"));
    assert_eq!(life.count("InstallationStarted"), 2, "one for each side");
    let intents = life.log.peering().intents;
    assert!(
        intents.local.is_empty() && intents.remote.is_empty(),
        "{intents:?}"
    );
    life.says(remove());
    life.settles().await;
    is_clean(&life.cloud.world(), "removed");
}

/// As if all had been done by an engine that put no intents on record, and saw what it made.
fn without_intents(life: &mut Life, keeps: impl Fn(&NetworkEvent) -> bool) {
    let is_new = ["InstallationStarted", "InstallationEnded", "RoutesEnforced"];
    let mut events = life.log.events();
    events.retain(|it| !is_new.contains(&it.name()) && keeps(it));
    life.log = Log::of(events, &life.clock);
    life.memories = Default::default();
}

#[tokio::test(start_paused = true)]
async fn what_a_history_from_before_intents_has_opened_is_closed() {
    let mut life = Life::active().await;
    without_intents(&mut life, |_| true);
    life.settles().await;
    assert!(life.log.peering().is_converged());
    assert_eq!(life.count("RouteFound"), 0, "what is on record is ours");
    life.says(withdraw());
    life.settles().await;
    assert!(life.routes(Side::Local).is_empty());
    life.says(remove());
    life.settles().await;
    is_clean(&life.cloud.world(), "removed");
    assert_eq!(life.log.peering().leftovers(), []);
}

/// What such an engine made in its last moment, and nobody put on record, is used and named, and
/// stays: it could be anybody's.
#[tokio::test(start_paused = true)]
async fn a_route_that_no_history_speaks_of_is_found_and_not_taken_for_the_engines() {
    let mut life = Life::active().await;
    without_intents(&mut life, |it| it.name() != "RouteInstalled");
    life.settles().await;
    assert!(life.log.peering().is_converged());
    let routes = life.routes(Side::Local).len() + life.routes(Side::Remote).len();
    assert_eq!(
        (life.count("RouteFound"), life.count("RouteInstalled")),
        (routes, 0)
    );
    life.says(withdraw());
    life.settles().await;
    assert_eq!(life.routes(Side::Local).len(), 2, "it stays");
}

#[tokio::test(start_paused = true)]
async fn a_side_is_in_place_only_once_one_look_has_seen_every_table_that_serves() {
    let mut life = Life::asked_for();
    let table = life.cloud.world().networks[&life.network(Side::Local).to_string()].tables[1]
        .id
        .clone();
    let (local, clients) = (life.network(Side::Local), CLIENTS.parse().unwrap());
    // Another route to the same destination: the install in that table fails.
    life.cloud.out_of_band().route(
        &local,
        &table,
        clients,
        RouteTarget::Other("tgw-1".to_owned()),
    );
    life.look_for(HOUR).await;
    let peering = life.log.peering();
    assert_eq!(life.routes(Side::Local).len(), 1, "in the other table");
    assert!(peering.routes_in_place.local.is_none() && !peering.is_converged());
    assert!(peering.routes_in_place.remote.is_some());
    life.cloud.out_of_band().unroute(&local, &table, clients);
    life.settles().await;
    let peering = life.log.peering();
    assert!(peering.is_converged());
    assert_eq!(peering.routes_in_place.local.map(|it| it.at.len()), Some(2));
}

#[tokio::test(start_paused = true)]
async fn narrower_routes_that_lead_elsewhere_in_the_same_table_are_told() {
    let mut life = Life::active().await;
    let (local, table) = (
        life.network(Side::Local),
        life.routes(Side::Local)[0].0.clone(),
    );
    let parts = ["10.50.0.0/17", "10.50.128.0/17"];
    for part in parts {
        life.cloud.out_of_band().route(
            &local,
            &table,
            part.parse().unwrap(),
            RouteTarget::Other("tgw-1".to_owned()),
        );
    }
    tokio::time::advance(HOUR).await;
    life.look_for(Duration::from_secs(60)).await;
    let peering = life.log.peering();
    assert!(!peering.is_converged(), "the longest prefix wins");
    assert_eq!((peering.drift.len(), life.count("DriftDetected")), (2, 2));
    for part in parts {
        life.cloud
            .out_of_band()
            .unroute(&local, &table, part.parse().unwrap());
    }
    tokio::time::advance(HOUR).await;
    life.settles().await;
    assert!(life.log.peering().is_converged());
}
