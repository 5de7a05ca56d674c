//! One side that does not answer, or may not be changed.

use super::{
    Life, Quality, Which,
    azure::Azure,
    world::{Change, Half, World, is_admission},
};
use crate::provisioner::{
    apply::switch,
    testing::{CLIENTS, client_rule, peering_id, restrict},
};
use cloud::Switch;
use domain::{
    Side,
    network::{
        AbandonPeering, BlockCause, FreezeNetwork, ImposeQuarantine, InboundRule, Leftover,
        LiftQuarantine, LinkOption, Peering, QuarantineScope, Terms, ThawNetwork,
    },
};
use std::{collections::BTreeSet, sync::Arc};

in_every_world!(
    a_side_that_does_not_answer_is_named_and_the_link_is_made_once_it_does,
    a_side_that_refuses_holds_up_the_removal_and_what_is_left_is_taken_once_it_does_not,
    a_side_whose_half_may_not_be_made_blocks_and_goes_on_by_itself_once_it_may,
    a_network_that_may_not_be_looked_at_is_named,
    a_quarantine_closes_what_is_open_keeps_the_link_and_its_end_opens_all_again,
    a_frozen_network_opens_nothing_and_closes_all_the_same,
    what_is_given_up_while_a_side_does_not_answer_is_over_and_names_what_stands_there,
);

/// At Google Cloud what nothing admits is denied: no group has to be given.
#[tokio::test]
async fn where_the_engine_was_given_no_group_to_write_into_both_halves_stay_closed_and_a_person_is_told()
 {
    let world = Azure::start().await.unguarded();
    let mut life = Life::in_world(Arc::new(world));
    life.blocks(BlockCause::OptionPrecondition, Side::Local)
        .await;
    let blocked = life.log.peering().blocked.unwrap();
    assert!(
        blocked.message.contains("security_groups"),
        "{}",
        blocked.message
    );
    for side in Side::BOTH {
        let halves = life.world.halves(side);
        assert!(halves.iter().all(|it| it.on.is_empty()), "{halves:?}");
    }
    life.removes();
    life.ends_as("removed").await;
    life.is_clean("removed");
}

/// Before the link is opened that holds it up, and afterwards it is told.
#[tokio::test]
async fn an_interface_without_a_group_keeps_both_halves_closed_and_is_an_exposure_once_they_are_open()
 {
    let world = Arc::new(Azure::start().await.with_cards());
    world.bare_interface(Side::Remote);
    let mut life = Life::in_world(Arc::clone(&world) as Arc<dyn World>);
    life.blocks(BlockCause::OptionPrecondition, Side::Remote)
        .await;
    let blocked = life.log.peering().blocked.unwrap();
    assert!(blocked.message.contains("of cards"), "{}", blocked.message);
    for side in Side::BOTH {
        let halves = life.world.halves(side);
        assert!(halves.iter().all(|it| it.on.is_empty()), "{halves:?}");
    }
    life.removes();
    life.ends_as("removed").await;
    life.is_clean("removed");

    let world = Arc::new(Azure::start().await.with_cards());
    let mut life = Life::in_world(Arc::clone(&world) as Arc<dyn World>);
    life.converges().await;
    world.bare_interface(Side::Remote);
    life.passes(super::settings().drift_interval);
    let is_told = |it: &Peering| !it.firewall.remote.exposures.is_empty();
    life.until("the exposure", is_told).await;
    let exposures = life.log.peering().firewall.remote.exposures.clone();
    let mut of = exposures.values().map(|it| it.exposure.group_name.as_str());
    assert!(of.any(|it| it == "cards"), "{exposures:?}");
}

fn accepting_open() -> Terms {
    Terms {
        accept_open: Some("the lab has no security groups".parse().unwrap()),
        ..Terms::default()
    }
}

/// What the record accepts is open and is told as open: the provider's own rule is an exposure.
#[tokio::test]
async fn a_request_that_accepts_an_open_link_has_one_where_there_is_no_group_to_write_into() {
    let world = Azure::start().await.unguarded();
    let mut life = Life::in_world(Arc::new(world)).with_terms(&accepting_open());
    life.kept = Vec::new();
    life.converges().await;
    for side in Side::BOTH {
        let halves = life.world.halves(side);
        let is_open = |it: &Half| it.on.contains(&LinkOption::VirtualNetworkAccess);
        assert!(halves.iter().all(is_open), "{halves:?}");
        assert_eq!(life.world.rules(side), BTreeSet::new());
        let exposures = life.log.peering().firewall.get(side).exposures.clone();
        assert!(!exposures.is_empty(), "{side} says that it is open");
    }
    life.world.admit(Side::Local, "theirs", CLIENTS, 22);
    life.looks_again().await;
    let exposures = life.log.peering().firewall.local.exposures.clone();
    let is_theirs = |it: &domain::text::FirewallRule| it.as_str().ends_with("/theirs");
    assert!(exposures.keys().any(is_theirs), "what comes later is told");
    assert_eq!(life.count("DriftDetected"), 0);
    life.world.drop_rule(Side::Local, "theirs");
    life.removes();
    life.ends_as("removed").await;
    life.is_clean("removed");
}

/// What can be kept out is: the denial stands before the halves are opened, and stays.
#[tokio::test]
async fn a_request_that_accepts_an_open_link_is_closed_all_the_same_where_it_can_be() {
    let world = Azure::start().await;
    let mut life = Life::in_world(Arc::new(world)).with_terms(&accepting_open());
    life.converges().await;
    for side in Side::BOTH {
        assert_ne!(life.world.rules(side), BTreeSet::new());
        assert!(life.log.peering().firewall.get(side).is_enforced());
    }
    life.removes();
    life.ends_as("removed").await;
    life.is_clean("removed");
}

/// Somebody else's rule in front of the engine's denial does not hold it up.
#[tokio::test]
async fn a_request_that_accepts_an_open_link_opens_it_though_a_strangers_rule_lets_somebody_in() {
    let mut life = Life::at(Which::Azure, Quality::Good).await;
    life.world.admit(Side::Local, "theirs", CLIENTS, 22);
    life = life.with_terms(&accepting_open());
    life.kept = Vec::new();
    life.converges().await;
    life.looks_again().await;
    let exposures = life.log.peering().firewall.local.exposures.clone();
    let is_theirs = |it: &domain::text::FirewallRule| it.as_str().ends_with("/theirs");
    assert!(exposures.keys().any(is_theirs), "{exposures:?}");
}

#[tokio::test]
async fn the_clouds_own_look_before_a_half_is_opened_is_passed_over_for_no_other_request() {
    let life = Life::at(Which::Azure, Quality::Good).await;
    let to = |life: &Life, on| switch(&life.log.peering(), on);
    assert_eq!(to(&life, true), Switch::On);
    let life = life.with_terms(&accepting_open());
    assert_eq!(to(&life, true), Switch::OnThoughOpen);
    assert_eq!(to(&life, false), Switch::Off);
}

async fn a_side_that_does_not_answer_is_named_and_the_link_is_made_once_it_does(mut life: Life) {
    life.world.wire().cut(&life.world.word(Side::Remote));
    life.blocks(BlockCause::EndpointUnreachable, Side::Remote)
        .await;
    assert_eq!(
        life.names_on(Side::Local),
        [""; 0],
        "nothing is begun that cannot end"
    );
    life.world.wire().is_mended();
    life.converges().await;
    life.is_joined_once("mended");
}

async fn a_side_that_refuses_holds_up_the_removal_and_what_is_left_is_taken_once_it_does_not(
    mut life: Life,
) {
    life.converges().await;
    life.world.deny(Side::Remote, Change::RemoveHalf);
    life.removes();
    life.blocks(BlockCause::PermissionDenied, Side::Remote)
        .await;
    assert_eq!(life.log.peering().life.as_str(), "removing");
    assert_eq!(life.names_on(Side::Remote), [life.name()]);
    life.world.permit(Side::Remote);
    life.ends_as("removed").await;
    life.is_clean("removed");
    assert_eq!(life.log.peering().leftovers(), [] as [Leftover; 0]);
}

async fn a_side_whose_half_may_not_be_made_blocks_and_goes_on_by_itself_once_it_may(
    mut life: Life,
) {
    for side in Side::BOTH {
        life.world.deny(side, Change::MakeHalf);
        life.blocks(BlockCause::PermissionDenied, side).await;
        assert_eq!(life.names_on(side), [""; 0]);
        life.world.permit(side);
        life.until("unblocked", |it| it.blocked.is_none()).await;
        if side == Side::Local {
            life.removes();
            life.ends_as("removed").await;
            life = Life::in_world(Arc::clone(&life.world));
        }
    }
    life.converges().await;
}

async fn a_network_that_may_not_be_looked_at_is_named(mut life: Life) {
    for side in Side::BOTH {
        life.world.deny(side, Change::Look);
        life.blocks(BlockCause::PermissionDenied, side).await;
        life.world.permit(side);
    }
    life.converges().await;
    life.is_joined_once("may be looked at");
}

impl Life {
    /// How many of the engine's rules admit something.
    fn admits(&self) -> usize {
        let rules = Side::BOTH.into_iter().flat_map(|it| self.world.rules(it));
        rules.filter(|it| is_admission(it)).count()
    }
}

async fn a_quarantine_closes_what_is_open_keeps_the_link_and_its_end_opens_all_again(
    mut life: Life,
) {
    life.converges().await;
    let open = life.admits();
    assert!(open > 0);
    let scope = QuarantineScope::Everything;
    life.says(ImposeQuarantine {
        scope: scope.clone(),
        reason: "keys were stolen".parse().unwrap(),
        everywhere: false,
    });
    let world = Arc::clone(&life.world);
    let admits = move || {
        let rules = Side::BOTH.into_iter().flat_map(|it| world.rules(it));
        rules.filter(|it| is_admission(it)).count()
    };
    life.until("closed", move |_| admits() == 0).await;
    life.is_joined_once("in quarantine");
    life.says(LiftQuarantine {
        scope,
        reason: None,
    });
    life.converges().await;
    assert_eq!(life.admits(), open);
}

async fn a_frozen_network_opens_nothing_and_closes_all_the_same(mut life: Life) {
    life.converges().await;
    let open = life.admits();
    life.says(FreezeNetwork {
        reason: "an audit".parse().unwrap(),
        everywhere: false,
    });
    let more = InboundRule {
        port: 443,
        ..client_rule()
    };
    life.says(restrict(&[more]));
    let world = Arc::clone(&life.world);
    let is_closed = move |_: &Peering| {
        let rules = world.rules(Side::Local).into_iter();
        rules.filter(|it| is_admission(it)).count() == 0
    };
    life.until("what was open is closed", is_closed).await;
    life.says(ThawNetwork { reason: None });
    life.converges().await;
    assert_eq!(life.admits(), open, "the other one, once it is thawed");
}

async fn what_is_given_up_while_a_side_does_not_answer_is_over_and_names_what_stands_there(
    mut life: Life,
) {
    life.converges().await;
    life.world.wire().cut(&life.world.word(Side::Remote));
    life.says(AbandonPeering {
        peering_id: peering_id(),
        reason: "their account is closed".parse().unwrap(),
        clean: Some(Side::Local),
    });
    life.ends_as("abandoned").await;
    assert_eq!(life.names_on(Side::Local), [""; 0]);
    let left = life.log.peering().leftovers();
    let is_theirs =
        |it: &Leftover| matches!(it, Leftover::Half { side, .. } if *side == Side::Remote);
    assert!(left.iter().any(is_theirs), "{left:?}");
    life.world.wire().is_mended();
    assert_eq!(life.names_on(Side::Remote), [life.name()]);
}
