//! The bad day: a quarantine closes both sides and keeps the link, a freeze stops openings and
//! repairs and no closing, an exposure closes the routes into the peer where the policy says so,
//! and what is abandoned is named.

use super::{HOUR, Life, ingress, remove};
use crate::provisioner::testing::{CLIENTS, client_rule, peering_id, range, restrict};
use cloud::{LinkState, Operation};
use domain::{
    Side,
    network::{
        AbandonPeering, ExposurePolicy, FreezeNetwork, ImposeQuarantine, Leftover, LiftQuarantine,
        Policy, QuarantineScope, SetPolicy, ThawNetwork, WithdrawRoute,
    },
};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

fn counts(life: &Life) -> [usize; 4] {
    [
        life.routes(Side::Local).len(),
        life.routes(Side::Remote).len(),
        life.rules(Side::Local),
        life.rules(Side::Remote),
    ]
}

fn state(life: &Life) -> LinkState {
    life.cloud.world().links[&life.link()].state.clone()
}

#[tokio::test(start_paused = true)]
async fn a_quarantine_closes_both_sides_and_keeps_the_link_and_its_end_opens_all_again() {
    let mut life = Life::active().await;
    life.says(ingress(&life, None));
    life.settles().await;
    assert_eq!(counts(&life), [2, 1, 1, 1]);
    let account = life.log.peering().peer.account;
    let scope = QuarantineScope::PeerAccount { account };
    life.says(ImposeQuarantine {
        scope: scope.clone(),
        reason: "keys were stolen".parse().unwrap(),
        everywhere: false,
    });
    life.settles().await;
    assert_eq!(
        (counts(&life), state(&life)),
        ([0, 0, 0, 0], LinkState::Active)
    );
    life.says(LiftQuarantine {
        scope,
        reason: None,
    });
    life.settles().await;
    assert_eq!(counts(&life), [2, 1, 1, 1]);
    assert!(life.log.peering().is_converged());
}

#[tokio::test(start_paused = true)]
async fn a_quarantine_of_a_side_that_cannot_be_seen_closes_the_other() {
    let mut life = Life::active().await;
    let remote = life.network(Side::Remote).at.account;
    for operation in [
        Operation::RouteTables,
        Operation::FirewallGroups,
        Operation::Links,
    ] {
        life.cloud.out_of_band().deny_call(&remote, operation);
    }
    life.says(ImposeQuarantine {
        scope: QuarantineScope::Everything,
        reason: "keys were stolen".parse().unwrap(),
        everywhere: false,
    });
    life.look_for(MINUTE).await;
    assert_eq!(counts(&life), [0, 1, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_freeze_stops_openings_and_repairs_and_no_closing_until_it_is_thawed() {
    let mut life = Life::active().await;
    life.says(FreezeNetwork {
        reason: "a change is under way".parse().unwrap(),
        everywhere: false,
    });
    life.says(ingress(&life, None));
    let table = life.routes(Side::Local)[0].0.clone();
    life.cloud
        .out_of_band()
        .unroute(&life.network(Side::Local), &table, CLIENTS.parse().unwrap());
    tokio::time::advance(HOUR).await;
    life.look_for(HOUR).await;
    assert_eq!(
        counts(&life),
        [1, 1, 1, 0],
        "nothing opened, nothing repaired"
    );
    life.says(restrict(&[]));
    life.says(WithdrawRoute {
        peering_id: peering_id(),
        side: Side::Remote,
        destination: range("10.20.0.0/16"),
    });
    life.look_for(MINUTE).await;
    assert_eq!(counts(&life), [1, 0, 0, 0], "closed all the same");
    life.says(restrict(&[client_rule()]));
    life.says(ThawNetwork { reason: None });
    life.settles().await;
    assert_eq!(counts(&life), [2, 0, 1, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_frozen_network_asks_for_no_link_and_accepts_none() {
    let mut life = Life::asked_for();
    life.says(FreezeNetwork {
        reason: "a change is under way".parse().unwrap(),
        everywhere: false,
    });
    life.look_for(HOUR).await;
    assert!(life.cloud.world().links.is_empty());
    life.says(ThawNetwork { reason: None });
    life.settles().await;
    assert!(life.log.peering().is_converged());
}

#[tokio::test(start_paused = true)]
async fn an_exposure_withdraws_the_routes_into_the_peer_until_it_is_gone_where_the_policy_blocks() {
    let mut life = Life::active().await;
    life.says(SetPolicy {
        policy: Policy {
            exposure: ExposurePolicy::Block,
            ..Policy::default()
        },
    });
    life.settles().await;
    let (remote, by_hand) = (life.network(Side::Remote), life.cloud.out_of_band());
    let group = by_hand
        .group(&remote, "legacy", &["tcp 22 from 10.0.0.0/8"])
        .unwrap();
    tokio::time::advance(HOUR).await;
    life.look_for(MINUTE).await;
    assert_eq!(
        (
            life.routes(Side::Local).len(),
            life.count("RoutesSuspended")
        ),
        (0, 1)
    );
    let world = life.cloud.world();
    let rule = world.networks[&remote.to_string()]
        .groups
        .iter()
        .find(|it| it.id == group)
        .map(|it| it.rules[0].id.clone())
        .unwrap();
    by_hand.drop_rule(&remote, &rule);
    tokio::time::advance(HOUR).await;
    life.settles().await;
    assert_eq!(
        (life.routes(Side::Local).len(), life.count("RoutesResumed")),
        (2, 1)
    );
    assert!(life.log.peering().is_converged());
}

pub(super) fn abandon(clean: Option<Side>) -> AbandonPeering {
    AbandonPeering {
        peering_id: peering_id(),
        reason: "the account is sold".parse().unwrap(),
        clean,
    }
}

fn left_behind(life: &Life) -> Vec<Leftover> {
    let peering = life.log.peering();
    assert_eq!(peering.life.as_str(), "abandoned", "{:#?}", peering.life);
    peering.life.ending().unwrap().left_behind().to_vec()
}

#[tokio::test(start_paused = true)]
async fn what_is_abandoned_names_everything_that_stands() {
    let mut life = Life::active().await;
    let before = counts(&life);
    life.says(abandon(None));
    life.look_for(MINUTE).await;
    // The link, three routes, two groups, one rule.
    assert_eq!(left_behind(&life).len(), 7, "{:#?}", left_behind(&life));
    assert_eq!(counts(&life), before);
}

#[tokio::test(start_paused = true)]
async fn a_dead_account_keeps_nobody_and_is_named_as_not_observed() {
    let mut life = Life::active().await;
    life.cloud.out_of_band().cut();
    life.says(abandon(Some(Side::Local)));
    life.look_for(Duration::from_secs(600)).await;
    assert_eq!(left_behind(&life).len(), 7);
    let events = life.log.events();
    let Some(domain::network::NetworkEvent::PeeringAbandoned(end)) = events.last() else {
        panic!("{:?}", events.last());
    };
    assert_eq!(end.not_observed, Side::BOTH);
}

#[tokio::test(start_paused = true)]
async fn the_side_that_can_be_worked_on_is_cleaned_up_with_the_link_where_that_is_asked_for() {
    let mut life = Life::active().await;
    let (remote, link) = (life.network(Side::Remote).at.account, life.link());
    for operation in [
        Operation::RouteTables,
        Operation::FirewallGroups,
        Operation::Links,
    ] {
        life.cloud.out_of_band().deny_call(&remote, operation);
    }
    life.says(abandon(Some(Side::Local)));
    life.look_for(Duration::from_secs(600)).await;
    assert!(!life.cloud.world().links[&link].state.is_live());
    assert_eq!(
        (life.routes(Side::Local).len(), life.rules(Side::Local)),
        (0, 0)
    );
    let left = left_behind(&life);
    let is_remote = |it: &Leftover| format!("{it:?}").contains("Remote");
    assert!(left.iter().all(is_remote) && left.len() == 2, "{left:#?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_removed_in_quarantine_or_frozen_goes_all_the_same() {
    let mut life = Life::active().await;
    life.says(FreezeNetwork {
        reason: "a change is under way".parse().unwrap(),
        everywhere: false,
    });
    life.says(remove());
    life.settles().await;
    assert_eq!(life.log.peering().life.as_str(), "removed");
}
