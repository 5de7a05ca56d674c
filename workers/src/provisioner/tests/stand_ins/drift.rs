//! What somebody else changes: put back where that is the policy, and otherwise named.

use super::{Life, consent::waits, world::is_admission};
use crate::provisioner::testing::{Fuse, peering_id};
use domain::{
    Side,
    network::{
        BlockCause, Consent, DriftPolicy, LinkOption, Peering, Policy, SetLinkOption, SetPolicy,
    },
};

in_every_world!(
    a_rule_that_somebody_removes_is_put_back,
    a_link_that_loses_a_half_is_named_and_not_made_again,
    the_engines_own_half_that_somebody_removes_is_missed_and_not_made_again,
    an_option_that_somebody_switches_back_is_switched_again,
    a_link_that_gets_its_other_half_back_is_whole_again,
    a_network_that_only_reports_changes_nothing,
);

async fn a_rule_that_somebody_removes_is_put_back(mut life: Life) {
    life.converges().await;
    let rules = life.world.rules(Side::Local);
    let ours = rules.iter().find(|it| is_admission(it)).unwrap();
    life.world.drop_rule(Side::Local, ours);
    life.passes(super::settings().drift_interval);
    let repaired = |it: &Peering| it.is_converged() && !it.repairs.is_empty();
    life.until("the repair", repaired).await;
    assert_eq!(life.world.rules(Side::Local), rules);
    assert_eq!(life.count("DriftRepaired"), 1);
}

// At Google Cloud what nothing admits is denied, and the engine keeps no denial.
in_world!(at_azure_alone, Azure, Good: a_denial_that_somebody_removes_from_before_an_open_half_is_put_back);
in_world!(at_azure_alone_over_a_bad_wire, Azure, Bad: a_denial_that_somebody_removes_from_before_an_open_half_is_put_back);
in_world!(at_azure_at_interfaces, AzureAtInterfaces, Good: a_denial_that_somebody_removes_from_before_an_open_half_is_put_back);

async fn a_denial_that_somebody_removes_from_before_an_open_half_is_put_back(mut life: Life) {
    life.converges().await;
    let name = cloud::group_name(life.log.peering().id);
    for side in Side::BOTH {
        life.world.drop_rule(side, &name);
        assert_eq!(life.world.lets_in(side), ["AllowVnetInBound"], "{side}");
        life.passes(super::settings().drift_interval);
        let world = std::sync::Arc::clone(&life.world);
        let is_shut = |it: &Peering| it.is_converged() && world.lets_in(side).is_empty();
        life.run("the repair", Fuse::never(), is_shut).await;
        life.forget_who_got_in();
        assert_eq!(life.world.lets_in(side), [""; 0], "{side}");
    }
    life.looks_again().await;
    assert_eq!(life.count("DriftRepaired"), 2, "{:?}", life.log.names(0));
}

async fn a_link_that_loses_a_half_is_named_and_not_made_again(mut life: Life) {
    life.converges().await;
    let name = life.name();
    life.world.part(Side::Remote, &name);
    life.passes(super::settings().drift_interval);
    life.blocks(BlockCause::LinkEnded, Side::Remote).await;
    life.passes(super::settings().drift_interval);
    life.blocks(BlockCause::LinkEnded, Side::Remote).await;
    assert_eq!(life.names_on(Side::Remote), [""; 0]);
    assert_eq!(life.count("DriftDetected"), 1);
    life.removes();
    life.ends_as("removed").await;
    life.is_clean("what was left of it is gone");
}

async fn the_engines_own_half_that_somebody_removes_is_missed_and_not_made_again(mut life: Life) {
    life.converges().await;
    let name = life.name();
    life.world.part(Side::Local, &name);
    life.passes(super::settings().drift_interval);
    life.until("missed", |it| it.blocked.is_some()).await;
    assert_eq!(life.names_on(Side::Local), [""; 0]);
    life.removes();
    life.ends_as("removed").await;
    life.is_clean("the other half goes too");
}

async fn an_option_that_somebody_switches_back_is_switched_again(mut life: Life) {
    let option = match life.provider() {
        domain::Provider::Gcp => LinkOption::ExportCustomRoutes,
        domain::Provider::Azure => LinkOption::ForwardedTraffic,
        domain::Provider::Aws => panic!("no stand-in of this suite"),
    };
    life.converges().await;
    life.says(SetLinkOption {
        peering_id: peering_id(),
        side: Side::Remote,
        option,
        enabled: true,
    });
    life.converges().await;
    let name = life.name();
    let is_on = |life: &Life| life.world.halves(Side::Remote)[0].on.contains(&option);
    assert!(is_on(&life));
    life.world.switch(Side::Remote, &name, option, false);
    life.passes(super::settings().drift_interval);
    life.until("the repair", |it| {
        it.is_converged() && !it.repairs.is_empty()
    })
    .await;
    assert!(is_on(&life));
    assert_eq!(life.count("DriftRepaired"), 1);
}

async fn a_link_that_gets_its_other_half_back_is_whole_again(life: Life) {
    let mut life = life.with_consent(Consent::Owner);
    life.until("the owner's turn", waits).await;
    life.world.join(Side::Remote, "theirs");
    life.converges().await;
    life.world.part(Side::Remote, "theirs");
    life.passes(super::settings().drift_interval);
    life.blocks(BlockCause::LinkEnded, Side::Remote).await;
    let name = life.name();
    life.world.part(Side::Local, &name);
    life.world.join(Side::Local, &name);
    life.world.join(Side::Remote, "theirs");
    if life.provider() == domain::Provider::Azure {
        // Whoever puts a half again says all of it.
        let access = LinkOption::VirtualNetworkAccess;
        life.world.switch(Side::Local, &name, access, false);
    }
    life.passes(super::settings().drift_interval);
    life.converges().await;
}

async fn a_network_that_only_reports_changes_nothing(mut life: Life) {
    life.converges().await;
    life.says(SetPolicy {
        policy: Policy {
            drift: DriftPolicy::Report,
            ..Policy::default()
        },
    });
    let rules = life.world.rules(Side::Local);
    let ours = rules.iter().find(|it| is_admission(it)).unwrap().clone();
    life.world.drop_rule(Side::Local, &ours);
    life.passes(super::settings().drift_interval);
    let is_told = |it: &Peering| !it.drift.is_empty();
    life.until("the report", is_told).await;
    life.memories = Default::default();
    life.until("another look", is_told).await;
    assert!(!life.world.rules(Side::Local).contains(&ours));
    assert_eq!(life.count("DriftRepaired"), 0);
}
