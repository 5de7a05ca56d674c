//! Closing waits for nothing: each side closes for itself, whatever the other side, the link or an
//! opening is doing, and what was revoked meanwhile is not opened.

use super::{HOUR, Life, ingress, remove};
use crate::provisioner::{
    memories::Memories,
    testing::{CLIENTS, Meddled, Meddling, peering_id, range},
};
use cloud::{CallClass, CloudErrorKind, LinkRole, LinkState, Operation};
use domain::{
    Side,
    network::{
        AbandonPeering, ExposurePolicy, NetworkCommand, Policy, RevokeConnectorIngress, SetPolicy,
        WithdrawRoute,
    },
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio_util::sync::CancellationToken;

const MINUTE: Duration = Duration::from_secs(60);

/// An active peering whose private network may reach one target behind the peer.
async fn with_ingress(lasts: Option<Duration>) -> Life {
    let mut life = Life::active().await;
    life.says(ingress(&life, lasts));
    life.settles().await;
    assert_eq!(life.rules(Side::Remote), 1);
    life
}

fn withdraw(side: Side, destination: &str) -> WithdrawRoute {
    WithdrawRoute {
        peering_id: peering_id(),
        side,
        destination: range(destination),
    }
}

fn is_opening(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::CreateLink
            | Operation::AcceptLink
            | Operation::InstallRoute
            | Operation::CreateGroup
            | Operation::AuthorizeRule
    )
}

#[tokio::test(start_paused = true)]
async fn a_removal_closes_each_side_whatever_is_denied_on_the_other() {
    let denied = [
        Operation::RouteTables,
        Operation::FirewallGroups,
        Operation::RemoveRoute,
        Operation::RevokeRule,
    ];
    for side in Side::BOTH {
        for operation in denied {
            let mut life = with_ingress(None).await;
            let account = life.network(side).at.account;
            life.cloud.out_of_band().deny_call(&account, operation);
            life.says(remove());
            life.look_for(MINUTE).await;
            let other = side.other();
            assert_eq!(
                (life.routes(other), life.rules(other)),
                (vec![], 0),
                "{operation} denied on the {side} side"
            );
            assert_eq!(life.log.peering().life.as_str(), "removing");
            life.cloud.out_of_band().allow(&account);
            life.settles().await;
            assert_eq!(life.log.peering().life.as_str(), "removed");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_expired_ingress_is_closed_at_the_peer_whoevers_account_the_local_credentials_act_in() {
    let mut life = with_ingress(Some(HOUR)).await;
    let local = life.network(Side::Local).at.account;
    life.cloud
        .out_of_band()
        .mix_up(&local, &"999999999999".parse().unwrap());
    tokio::time::advance(HOUR).await;
    life.look_for(MINUTE).await;
    assert_eq!(
        (life.rules(Side::Remote), life.count("FirewallRuleRevoked")),
        (0, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn an_ingress_is_closed_after_somebody_deleted_the_link() {
    let mut life = with_ingress(None).await;
    let link = life.link();
    life.cloud.out_of_band().delete(&link, LinkRole::Second);
    life.look_for(MINUTE).await;
    let ingress_id = *life.log.peering().ingress.keys().next().unwrap();
    life.says(RevokeConnectorIngress {
        peering_id: peering_id(),
        ingress_id,
    });
    life.look_for(MINUTE).await;
    assert_eq!(life.rules(Side::Remote), 0);
}

#[tokio::test(start_paused = true)]
async fn a_link_that_is_not_shown_or_in_an_unknown_state_keeps_nothing_open() {
    let changes: [fn(&Life); 2] = [
        |life| life.cloud.out_of_band().forget(&life.link()),
        |life| {
            let odd = LinkState::Unknown("half-open".to_owned());
            life.cloud.out_of_band().turn(&life.link(), odd);
        },
    ];
    for change in changes {
        let mut life = with_ingress(Some(HOUR)).await;
        change(&life);
        life.says(withdraw(Side::Local, CLIENTS));
        life.look_for(MINUTE).await;
        assert_eq!(life.routes(Side::Local), [], "withdrawn");
        tokio::time::advance(HOUR).await;
        life.look_for(MINUTE).await;
        assert_eq!(life.rules(Side::Remote), 0, "expired");
    }
}

#[tokio::test(start_paused = true)]
async fn a_route_goes_on_one_side_whatever_of_the_other_cannot_be_read() {
    let reads = [
        Operation::Identity,
        Operation::Networks,
        Operation::Links,
        Operation::RouteTables,
        Operation::FirewallGroups,
    ];
    for (side, destination) in [(Side::Local, CLIENTS), (Side::Remote, "10.20.0.0/16")] {
        let mut life = Life::active().await;
        let account = life.network(side.other()).at.account;
        for operation in reads {
            life.cloud.out_of_band().deny_call(&account, operation);
        }
        life.says(withdraw(side, destination));
        life.look_for(MINUTE).await;
        assert_eq!(life.routes(side), [], "{side}");
        assert!(life.count("RouteRemoved") > 0, "and it is on record");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_to_be_closed_is_closed_from_what_can_be_read_of_a_history_and_nothing_is_repaired()
{
    let mut life = with_ingress(Some(HOUR)).await;
    life.log.spoil();
    let before = life.routes(Side::Remote);
    life.says(withdraw(Side::Local, CLIENTS));
    life.look_for(MINUTE).await;
    assert_eq!(life.routes(Side::Local), [], "withdrawn");
    assert!(life.count("RouteRemoved") > 0, "and it is on record");
    assert_eq!(life.routes(Side::Remote), before, "nothing else");
    tokio::time::advance(HOUR).await;
    life.look_for(MINUTE).await;
    assert_eq!(
        (life.rules(Side::Remote), life.count("FirewallRuleRevoked")),
        (0, 1),
        "expired"
    );
    life.says(remove());
    life.settles().await;
    assert_eq!(life.log.peering().life.as_str(), "removed");
    assert_eq!(life.routes(Side::Remote), []);
}

#[tokio::test(start_paused = true)]
async fn a_peering_whose_history_cannot_be_read_is_abandoned_and_left_as_it_is() {
    let mut life = with_ingress(None).await;
    life.log.spoil();
    let before = (life.routes(Side::Local), life.routes(Side::Remote));
    life.says(AbandonPeering {
        peering_id: peering_id(),
        reason: "its history is lost".parse().unwrap(),
        clean: None,
    });
    life.settles().await;
    assert_eq!(life.log.peering().life.as_str(), "abandoned");
    let after = (life.routes(Side::Local), life.routes(Side::Remote));
    assert_eq!((after, life.rules(Side::Remote)), (before, 1));
}

#[tokio::test(start_paused = true)]
async fn no_route_is_opened_while_an_exposure_stands_that_is_to_be_revoked() {
    let mut life = Life::asked_for();
    let remote = life.network(Side::Remote);
    let by_hand = life.cloud.out_of_band();
    let group = by_hand
        .group(&remote, "legacy", &["tcp 22 from 10.0.0.0/8"])
        .unwrap();
    let exposure = ExposurePolicy::Enforce {
        groups: [group].into(),
    };
    life.says(SetPolicy {
        policy: Policy {
            exposure,
            ..Policy::default()
        },
    });
    by_hand.deny_call(&remote.at.account, Operation::RevokeRule);
    life.look_for(HOUR).await;
    assert_eq!(life.log.peering().life.as_str(), "active");
    assert_eq!(
        (life.routes(Side::Local), life.routes(Side::Remote)),
        (vec![], vec![])
    );
    by_hand.allow(&remote.at.account);
    life.settles().await;
    assert!(life.log.peering().is_converged());
    assert_eq!(life.count("ExposureCleared"), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_abandoned_while_the_first_route_is_made_gets_nothing_more() {
    let mut life = Life::asked_for();
    let (log, after) = (life.log.clone(), Arc::new(AtomicUsize::new(0)));
    let opened_after = Arc::clone(&after);
    let abandon = AbandonPeering {
        peering_id: peering_id(),
        reason: "the account is sold".parse().unwrap(),
        clean: None,
    };
    let meddled = Meddled::with(&life.cloud, move |_, operation, _| {
        if !log.peering().life.is_live() || log.peering().removal.is_some() {
            opened_after.fetch_add(usize::from(is_opening(operation)), Ordering::Relaxed);
        } else if operation == Operation::InstallRoute {
            let abandon = NetworkCommand::AbandonPeering(abandon.clone());
            log.execute(&abandon).unwrap();
        }
        None
    });
    life.meddled(meddled, &CancellationToken::new(), HOUR).await;
    assert_eq!(life.log.peering().life.as_str(), "abandoned");
    assert_eq!(
        after.load(Ordering::Relaxed),
        0,
        "nothing was opened after that"
    );
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_is_told_to_stop_makes_no_further_call() {
    for last in 0..40 {
        let mut life = Life::asked_for();
        let (stop, calls) = (CancellationToken::new(), Arc::new(AtomicUsize::new(0)));
        let (stopping, counted) = (stop.clone(), Arc::clone(&calls));
        let meddled = Meddled::with(&life.cloud, move |number, operation, _| {
            if number == last {
                stopping.cancel();
            }
            let writes = operation.class() == CallClass::Write;
            counted.fetch_add(usize::from(writes && number > last), Ordering::Relaxed);
            None
        });
        life.meddled(meddled, &stop, HOUR).await;
        assert_eq!(calls.load(Ordering::Relaxed), 0, "after call {last}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_command_before_any_call_of_a_plan_is_what_counts_in_the_end() {
    let commands: [fn(&Life) -> NetworkCommand; 2] = [
        |_| remove().into(),
        |_| withdraw(Side::Local, CLIENTS).into(),
    ];
    for command in commands {
        for step in 0.. {
            let mut life = Life::asked_for();
            let (command, log) = (command(&life), life.log.clone());
            let reached = Arc::new(AtomicUsize::new(0));
            let noted = Arc::clone(&reached);
            let remote = life.network(Side::Remote).at.account;
            let meddled = Meddled::with(&life.cloud, move |number, operation, at| {
                // A change is looked at before it is made.
                let peering = log.peering();
                let is_over = peering.removal.is_some();
                let is_wanted = peering.routes.local.contains_key(&range(CLIENTS));
                assert!(
                    !is_over || !is_opening(operation),
                    "{operation} after the end"
                );
                assert!(
                    is_wanted || operation != Operation::InstallRoute || at.account == remote,
                    "{operation} after it was withdrawn"
                );
                if number == step {
                    noted.store(1, Ordering::Relaxed);
                    log.execute(&command).unwrap();
                }
                None
            });
            life.meddled(meddled, &CancellationToken::new(), HOUR).await;
            if reached.load(Ordering::Relaxed) == 0 {
                assert!(step > 20, "only {step} calls");
                break;
            }
            life.memories = Memories::default();
            life.settles().await;
            assert_eq!(life.routes(Side::Local), [], "at call {step}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn each_call_of_one_side_may_be_refused_once_and_the_end_is_the_same() {
    for side in Side::BOTH {
        for refused in 0.. {
            let mut life = Life::active().await;
            life.says(ingress(&life, None));
            life.says(withdraw(Side::Local, CLIENTS));
            let account = life.network(side).at.account;
            let (counted, hit) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
            let noted = Arc::clone(&hit);
            let meddled = Meddled::with(&life.cloud, move |_, _, at| {
                if at.account != account || counted.fetch_add(1, Ordering::Relaxed) != refused {
                    return None;
                }
                noted.store(1, Ordering::Relaxed);
                Some(Meddling::Fails(CloudErrorKind::Denied))
            });
            life.meddled(meddled, &CancellationToken::new(), HOUR).await;
            assert!(
                life.log.peering().is_converged(),
                "call {refused} of the {side} side: {:#?}",
                life.log.peering()
            );
            assert_eq!(
                (life.routes(Side::Local), life.rules(Side::Remote)),
                (vec![], 1)
            );
            if hit.load(Ordering::Relaxed) == 0 {
                break;
            }
        }
    }
}
