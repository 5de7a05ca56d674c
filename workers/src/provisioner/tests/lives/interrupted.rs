//! What others bring about, stopped before and after every call and every append: the owner's
//! consent, the end of a request, a deadline, a change by hand that is taken over, tags that
//! somebody took off.

use super::{
    Life,
    crashes::stopped_everywhere,
    drift::{somebody_takes_tags_off, tagged},
    is_clean,
};
use crate::provisioner::testing::{CLIENTS, Fuse, Log, Settled};
use cloud::{LinkState, Operation};
use domain::{
    Side,
    network::{AcceptedBy, Consent, DriftPolicy, ExposurePolicy, Policy, SetPolicy, Terms},
};
use std::time::Duration;

/// A life with these terms, as far as it goes in this time.
async fn waiting(terms: impl Fn(&Life) -> Terms, so_long: Duration) -> Life {
    let mut life = Life::asked_for();
    life.log = Log::with_terms(terms(&life)).told_by(&life.clock);
    assert_eq!(
        life.run(Fuse::never(), so_long).await,
        Some(Settled::No),
        "{:#?}",
        life.log.peering()
    );
    life
}

fn live_links(life: &Life) -> usize {
    life.cloud
        .world()
        .links
        .values()
        .filter(|link| link.state.is_live())
        .count()
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_step_after_the_owners_consent_records_it_once_and_leaves_that_side_alone() {
    let terms = |_: &Life| Terms {
        consent: Consent::Owner,
        ..Terms::default()
    };
    stopped_everywhere(
        async || waiting(terms, Duration::from_secs(600)).await,
        |life| life.cloud.out_of_band().accept(&life.link()),
        |life, when| {
            let peering = life.log.peering();
            assert!(peering.is_converged(), "{when}: {peering:#?}");
            assert_eq!(
                (
                    life.count("PeeringAccepted"),
                    life.count("PeeringActivated"),
                    live_links(life)
                ),
                (1, 1, 1),
                "{when}"
            );
            assert_eq!(
                peering.acceptance.map(|it| it.accepted_by),
                Some(AcceptedBy::Owner),
                "{when}"
            );
            assert_eq!(
                (
                    life.routes(Side::Local).len(),
                    life.routes(Side::Remote).len()
                ),
                (2, 0),
                "{when}"
            );
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_step_after_a_request_has_expired_renews_it_once() {
    let prepare = async || {
        let mut life = Life::asked_for();
        life.log = Log::with_terms(Terms {
            renew: true,
            ..Terms::default()
        })
        .told_by(&life.clock);
        life.cloud.out_of_band().deny_call(
            &life.network(Side::Remote).at.account,
            Operation::AcceptLink,
        );
        assert_eq!(
            life.run(Fuse::never(), Duration::from_secs(600)).await,
            Some(Settled::No)
        );
        life
    };
    stopped_everywhere(
        prepare,
        |life| {
            life.cloud
                .out_of_band()
                .turn(&life.link(), LinkState::Expired);
            life.cloud
                .out_of_band()
                .allow(&life.network(Side::Remote).at.account);
        },
        |life, when| {
            assert!(
                life.log.peering().is_converged(),
                "{when}: {:#?}",
                life.log.peering()
            );
            assert_eq!(
                (
                    life.count("PeeringExpired"),
                    life.count("PeeringRenewed"),
                    live_links(life)
                ),
                (1, 1, 1),
                "{when}"
            );
            assert_eq!(
                life.cloud.world().links.len(),
                2,
                "{when}: the one that expired, and the one that took its place"
            );
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_step_after_a_deadline_has_passed_leaves_nothing() {
    let terms = |life: &Life| Terms {
        consent: Consent::Owner,
        deadline: Some((life.clock)() + Duration::from_secs(7200)),
        ..Terms::default()
    };
    let prepare = async || {
        let life = waiting(terms, Duration::from_secs(600)).await;
        tokio::time::advance(Duration::from_secs(7200)).await;
        life
    };
    stopped_everywhere(
        prepare,
        |_| {},
        |life, when| {
            is_clean(&life.cloud.world(), when);
            assert_eq!(
                (
                    life.count("PeeringDeadlinePassed"),
                    life.count("PeeringRemoved")
                ),
                (1, 1),
                "{when}"
            );
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_step_of_taking_over_a_change_by_hand_leaves_it_and_says_so_once() {
    let prepare = async || {
        let mut life = Life::active().await;
        life.says(SetPolicy {
            policy: Policy {
                drift: DriftPolicy::Adopt,
                exposure: ExposurePolicy::Report,
                ..Policy::default()
            },
        });
        life.settles().await;
        life
    };
    stopped_everywhere(
        prepare,
        |life| {
            let table = life.routes(Side::Local)[0].0.clone();
            life.cloud.out_of_band().unroute(
                &life.network(Side::Local),
                &table,
                CLIENTS.parse().unwrap(),
            );
        },
        |life, when| {
            assert!(
                life.log.peering().is_converged(),
                "{when}: {:#?}",
                life.log.peering()
            );
            assert_eq!(
                (
                    life.count("DriftDetected"),
                    life.count("DriftAdopted"),
                    life.routes(Side::Local).len()
                ),
                (1, 1, 1),
                "{when}"
            );
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_step_of_putting_tags_back_puts_back_each_of_them() {
    stopped_everywhere(Life::active, somebody_takes_tags_off, |life, when| {
        assert_eq!(
            (
                tagged(life),
                life.count("DriftDetected"),
                life.count("DriftRepaired")
            ),
            (3, 3, 3),
            "{when}"
        );
        assert!(
            life.log.peering().is_converged(),
            "{when}: {:#?}",
            life.log.peering()
        );
    })
    .await;
}
