//! The end of a peering and of what it admits: the engine closes what has come to its end, by the
//! clock, whatever hangs, whoever else does the same, and after any crash.

use super::{HOUR, Life, is_clean, remove};
use crate::provisioner::testing::{Fuse, client_rule, peering_id, range, restrict};
use chrono::{DateTime, Utc};
use domain::{
    Side,
    network::{
        AtEnd, Change, Ending, InboundRule, NetworkCommand, Policy, RestrictFirewall, SetPolicy,
        SetTenure, Tenure, TenurePolicy,
    },
};
use std::time::Duration;
use tokio::time::Instant;

fn until(end: DateTime<Utc>, rule: Option<InboundRule>) -> SetTenure {
    SetTenure {
        peering_id: peering_id(),
        rule,
        owner: None,
        expires_at: Some(Change::To(end)),
    }
}

fn on(life: &Life, hours: u32) -> DateTime<Utc> {
    (life.clock)() + HOUR * hours
}

fn other_rule() -> InboundRule {
    InboundRule {
        source: range("10.50.7.0/24").into(),
        port: 2113,
        target: None,
    }
}

/// Active, with a second source that is admitted for two hours.
async fn with_a_guest() -> Life {
    let mut life = Life::active().await;
    let expires_at = Some(on(&life, 2));
    life.says(RestrictFirewall {
        peering_id: peering_id(),
        side: Side::Local,
        admit: vec![client_rule(), other_rule()],
        tenure: Tenure {
            owner: None,
            expires_at,
        },
    });
    life.settles().await;
    assert_eq!(life.rules(Side::Local), 2);
    life
}

#[tokio::test(start_paused = true)]
async fn what_is_admitted_for_a_time_is_closed_at_its_end_and_the_rest_stays() {
    let mut life = with_a_guest().await;
    tokio::time::advance(HOUR).await;
    life.settles().await;
    assert_eq!(life.rules(Side::Local), 2, "an hour before the end");
    tokio::time::advance(HOUR).await;
    life.settles().await;
    assert_eq!(life.rules(Side::Local), 1);
    assert_eq!(
        life.log.peering().firewall.local.admit,
        [client_rule()].into()
    );
    assert!(life.log.peering().is_converged());
    assert_eq!(life.count("AdmissionExpired"), 1);
}

#[tokio::test(start_paused = true)]
async fn the_engine_wakes_at_an_end_that_comes_before_the_next_look() {
    let mut life = with_a_guest().await;
    for (seconds, rule) in [(120, Some(other_rule())), (60, None)] {
        let wait = Duration::from_secs(seconds);
        life.says(until((life.clock)() + wait, rule));
        life.settles().await;
        let due = life.memories.values().filter_map(|it| it.due).min();
        assert!(due.unwrap() <= Instant::now() + wait, "in {seconds} s");
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_that_is_put_off_or_taken_away_closes_nothing() {
    let mut life = with_a_guest().await;
    life.says(until(on(&life, 5), Some(other_rule())));
    tokio::time::advance(HOUR * 3).await;
    life.settles().await;
    assert_eq!(life.rules(Side::Local), 2);
    life.says(SetTenure {
        expires_at: Some(Change::None),
        ..until(on(&life, 5), Some(other_rule()))
    });
    tokio::time::advance(HOUR * 9).await;
    life.settles().await;
    assert_eq!(life.rules(Side::Local), 2);
    assert_eq!(life.count("AdmissionExpired"), 0);
}

#[tokio::test(start_paused = true)]
async fn an_end_comes_in_a_frozen_network_and_while_the_peers_account_is_denied() {
    let mut life = with_a_guest().await;
    life.says(domain::network::FreezeNetwork {
        reason: "an incident".parse().unwrap(),
        everywhere: false,
    });
    let remote = life.network(Side::Remote).at.account;
    life.cloud.out_of_band().deny(&remote);
    tokio::time::advance(HOUR * 2).await;
    life.look_for(HOUR / 6).await;
    assert_eq!(life.rules(Side::Local), 1);
}

#[tokio::test(start_paused = true)]
async fn a_peering_is_removed_at_its_end_and_nothing_is_left() {
    let mut life = Life::active().await;
    life.says(until(on(&life, 2), None));
    tokio::time::advance(HOUR).await;
    life.settles().await;
    assert!(life.log.peering().is_converged());
    tokio::time::advance(HOUR).await;
    life.settles().await;
    let ended = life.log.peering().life;
    assert!(
        matches!(ended.ending(), Some(Ending::Removed { .. })),
        "{ended:?}"
    );
    is_clean(&life.cloud.world(), "at the end");
}

#[tokio::test(start_paused = true)]
async fn a_link_that_was_never_accepted_is_taken_back_at_its_end() {
    let mut life = Life::asked_for();
    life.says(until(on(&life, 2), None));
    tokio::time::advance(HOUR * 2).await;
    life.settles().await;
    assert_eq!(life.count("PeeringTenureEnded"), 1);
    is_clean(&life.cloud.world(), "before anything was made");
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_only_reports_keeps_the_peering_until_it_removes_after_all() {
    let policy = |at_end| SetPolicy {
        policy: Policy {
            tenure: TenurePolicy {
                at_end,
                ..TenurePolicy::default()
            },
            ..Policy::default()
        },
    };
    let mut life = Life::active().await;
    life.says(policy(AtEnd::Report));
    life.says(until(on(&life, 2), None));
    tokio::time::advance(HOUR * 2).await;
    life.settles().await;
    life.looks_again().await;
    assert_eq!(life.count("PeeringTenureEnded"), 1, "told once");
    assert!(life.log.peering().is_converged());
    assert!(life.log.peering().tenure_ended.is_some());
    life.says(policy(AtEnd::Remove));
    life.settles().await;
    assert!(!life.log.peering().life.is_live());
    is_clean(&life.cloud.world(), "after the policy removes");
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_step_of_an_end_ends_in_the_same() {
    for step in 0..150 {
        let mut life = with_a_guest().await;
        life.says(until(on(&life, 2), None));
        tokio::time::advance(HOUR * 2).await;
        let crashed = life.run(Fuse::at(step), HOUR).await.is_none();
        life.settles().await;
        assert!(!life.log.peering().life.is_live(), "step {step}");
        assert_eq!(life.count("PeeringTenureEnded"), 1, "step {step}");
        is_clean(&life.cloud.world(), &format!("step {step}"));
        if !crashed {
            assert!(step > 5, "the removal takes steps");
            return;
        }
    }
    panic!("the removal takes more steps than are tried");
}

#[tokio::test(start_paused = true)]
async fn a_second_engine_that_saw_the_same_end_records_nothing_of_its_own() {
    let mut life = with_a_guest().await;
    let end = life.log.peering().admissions[&other_rule()]
        .expires_at
        .unwrap();
    tokio::time::advance(HOUR * 2).await;
    life.settles().await;
    let stale = domain::network::AdmissionExpired {
        peering_id: peering_id(),
        rule: other_rule(),
        expires_at: end,
    };
    let again = life
        .log
        .execute(&NetworkCommand::Record(stale.clone().into()));
    assert_eq!(again, Ok(0));
    // Admitted anew, without an end: what the other saw is not about that.
    life.log
        .execute(&restrict(&[client_rule(), other_rule()]))
        .unwrap();
    let refused = life.log.execute(&NetworkCommand::Record(stale.into()));
    assert!(refused.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_peering_that_is_being_removed_has_no_end_of_its_own_any_more() {
    let mut life = Life::active().await;
    life.says(until(on(&life, 2), None));
    life.says(remove());
    tokio::time::advance(HOUR * 2).await;
    life.settles().await;
    assert_eq!(life.count("PeeringTenureEnded"), 0);
}
