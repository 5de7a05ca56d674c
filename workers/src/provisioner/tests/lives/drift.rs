//! What is in place is kept so: drift and what is done about it, name resolution, a link that
//! somebody ends; and how little is asked.

use super::{LONG, Life, is_clean, remove};
use crate::provisioner::{
    context::Wake,
    reason::{Reason, Reasons},
    settings::ProvisionerSettings,
    testing::{CLIENTS, Fuse, peering_id, settle},
};
use cloud::{CallClass, DnsSupport, LinkRole, LinkState, Operation, RateLimited};
use domain::{
    Side,
    network::{
        BlockCause, CheckDrift, DriftPolicy, ExposurePolicy, LinkOption, Policy, SetDnsResolution,
        SetPolicy,
    },
};
use std::{sync::Arc, time::Duration};
use testkit::wait::elapse;

#[tokio::test(start_paused = true)]
async fn what_drifts_is_found_and_put_right_and_said_so() {
    let mut life = Life::active().await;
    let (local, link) = (life.network(Side::Local), life.link());
    let table = life.routes(Side::Local)[0].0.clone();
    let by_hand = life.cloud.out_of_band();
    by_hand.unroute(&local, &table, CLIENTS.parse().unwrap());
    by_hand.tag(&link, LinkRole::First, None);
    let rule = life
        .log
        .peering()
        .firewall
        .local
        .rules
        .values()
        .next()
        .unwrap()
        .clone();
    by_hand.drop_rule(&local, &rule);
    life.looks_again().await;
    assert_eq!(
        (life.count("DriftDetected"), life.count("DriftRepaired")),
        (3, 3)
    );
    assert!(
        life.log.peering().is_converged(),
        "{:#?}",
        life.log.peering()
    );
    assert_eq!(life.routes(Side::Local).len(), 2);
}

/// Somebody takes the tags off the group and the rule of the local side, and off the group of the
/// other.
pub(super) fn somebody_takes_tags_off(life: &Life) {
    let firewall = life.log.peering().firewall;
    let rule = firewall.local.rules.values().next().unwrap().clone();
    life.cloud
        .out_of_band()
        .tag_rule(&life.network(Side::Local), &rule, None);
    for side in Side::BOTH {
        life.cloud.out_of_band().tag_group(
            &life.network(side),
            firewall.get(side).group.as_ref().unwrap(),
            None,
        );
    }
}

/// How many groups and rules of the engine's making carry its tag.
pub(super) fn tagged(life: &Life) -> usize {
    let networks = life.cloud.world().networks;
    let groups = networks.values().flat_map(|network| &network.groups);
    groups
        .map(|group| {
            usize::from(group.owner.is_some())
                + group
                    .rules
                    .iter()
                    .filter(|rule| rule.owner.is_some())
                    .count()
        })
        .sum()
}

#[tokio::test(start_paused = true)]
async fn tags_that_somebody_takes_off_are_put_back_and_only_reported_where_that_is_the_policy() {
    let mut life = Life::active().await;
    assert_eq!(tagged(&life), 3);
    somebody_takes_tags_off(&life);
    life.looks_again().await;
    assert_eq!(
        (
            tagged(&life),
            life.count("DriftDetected"),
            life.count("DriftRepaired")
        ),
        (3, 3, 3)
    );
    assert!(
        life.log.peering().is_converged(),
        "{:#?}",
        life.log.peering()
    );

    life.says(SetPolicy {
        policy: Policy {
            drift: DriftPolicy::Report,
            exposure: ExposurePolicy::Report,
            ..Policy::default()
        },
    });
    life.settles().await;
    somebody_takes_tags_off(&life);
    life.looks_again().await;
    assert_eq!(
        (
            tagged(&life),
            life.count("DriftDetected"),
            life.count("DriftRepaired")
        ),
        (0, 6, 3)
    );
    assert_eq!(
        life.log.peering().firewall.local.rules.len(),
        1,
        "what is on record stays the engine's"
    );
    life.says(remove());
    life.settles().await;
    assert!(
        life.cloud
            .world()
            .networks
            .values()
            .all(|network| network.groups.is_empty()),
        "and goes in the end"
    );
}

/// At whatever instant of another look that is: what that one has read is older than the question.
#[tokio::test(start_paused = true)]
async fn a_check_that_comes_up_during_a_look_shows_what_had_changed_when_it_was_asked_for() {
    for after in (0..=600).step_by(20).map(Duration::from_millis) {
        let mut life = Life::taking(Duration::from_millis(5)..=Duration::from_millis(400));
        life.settles().await;
        tokio::time::advance(ProvisionerSettings::default().drift_interval).await;
        let wake = Wake::by(Reasons::from(Reason::Clock));
        let table = life.routes(Side::Local)[0].0.clone();
        let (log, local) = (life.log.clone(), life.network(Side::Local));
        let by_hand = life.cloud.out_of_band();
        let somebody = async {
            elapse(after).await;
            by_hand.unroute(&local, &table, CLIENTS.parse().unwrap());
            log.execute(&CheckDrift {}.into()).unwrap();
            wake.tell(Reasons::from(Reason::Command {
                event_type: "DriftCheckRequested",
                position: journal::Position::START,
                by: "alice".to_owned(),
                peering: None,
            }));
        };
        tokio::join!(somebody, life.passes(&wake));
        life.passes(&wake).await;
        assert_eq!(
            (life.count("DriftDetected"), life.count("DriftRepaired")),
            (1, 1),
            "{after:?} after the look began"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_network_that_only_reports_and_one_that_adopts_change_nothing() {
    for drift in [DriftPolicy::Report, DriftPolicy::Adopt] {
        let mut life = Life::active().await;
        life.says(SetPolicy {
            policy: Policy {
                drift,
                exposure: ExposurePolicy::Report,
                ..Policy::default()
            },
        });
        life.settles().await;
        let table = life.routes(Side::Local)[0].0.clone();
        life.cloud.out_of_band().unroute(
            &life.network(Side::Local),
            &table,
            CLIENTS.parse().unwrap(),
        );
        life.looks_again().await;
        assert_eq!(life.routes(Side::Local).len(), 1, "{drift:?}");
        assert_eq!(
            (life.count("DriftDetected"), life.count("DriftAdopted")),
            (1, usize::from(drift == DriftPolicy::Adopt))
        );
        let peering = life.log.peering();
        assert_eq!(peering.is_converged(), drift == DriftPolicy::Adopt);
        assert_eq!(
            peering.routes_in_place.local.map(|it| it.at.len()),
            (drift == DriftPolicy::Adopt).then_some(1),
            "all that is wanted is in the other table"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_repair_that_is_undone_again_and_again_ends_in_a_block_and_not_in_a_fight() {
    let mut life = Life::active().await;
    let (local, table) = (
        life.network(Side::Local),
        life.routes(Side::Local)[0].0.clone(),
    );
    for _ in 0..12 {
        life.cloud
            .out_of_band()
            .unroute(&local, &table, CLIENTS.parse().unwrap());
        tokio::time::advance(ProvisionerSettings::default().drift_interval).await;
        life.run(Fuse::never(), Duration::from_secs(240)).await;
    }
    assert_eq!(
        life.log.peering().blocked.map(|it| it.cause),
        Some(BlockCause::RepairUndone)
    );
    assert_eq!(life.count("DriftRepaired"), 3);
}

#[tokio::test(start_paused = true)]
async fn a_link_that_somebody_else_ends_is_found_and_named_and_not_made_again() {
    let mut life = Life::active().await;
    let link = life.link();
    let interval = ProvisionerSettings::default().drift_interval;
    life.cloud
        .out_of_band()
        .delete_within(&link, LinkRole::Second, interval * 2);
    let shown = |life: &Life| life.cloud.world().links[&link].state.clone();
    for state in [LinkState::Deleting, LinkState::Deleted] {
        tokio::time::advance(interval).await;
        life.blocks(BlockCause::LinkEnded, Side::Local).await;
        assert_eq!(
            (shown(&life), life.count("DriftDetected")),
            (state, 1),
            "it ended once"
        );
    }
    life.says(remove());
    life.settles().await;
    is_clean(&life.cloud.world(), "removed after its link was ended");
}

#[tokio::test(start_paused = true)]
async fn names_resolve_once_asked_for_and_only_where_the_networks_can() {
    let mut life = Life::active().await;
    for side in Side::BOTH {
        life.cloud.out_of_band().set_dns(
            &life.network(side),
            DnsSupport {
                resolution: true,
                hostnames: false,
            },
        );
    }
    life.says(SetDnsResolution {
        peering_id: peering_id(),
        side: Side::Remote,
        enabled: true,
    });
    life.blocks(BlockCause::DnsPrecondition, Side::Local).await;
    for side in Side::BOTH {
        life.cloud.out_of_band().set_dns(
            &life.network(side),
            DnsSupport {
                resolution: true,
                hostnames: true,
            },
        );
    }
    life.settles().await;
    assert!(
        life.log
            .peering()
            .option(Side::Remote, LinkOption::DnsResolution)
            .applied
            && life.log.peering().is_converged()
    );
    life.cloud.out_of_band().flip(
        &life.link(),
        LinkRole::Second,
        LinkOption::DnsResolution,
        false,
    );
    life.looks_again().await;
    assert_eq!(
        (life.count("DriftDetected"), life.count("DriftRepaired")),
        (1, 1)
    );
    life.says(remove());
    life.settles().await;
    is_clean(&life.cloud.world(), "removed with its option");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_asked_of_the_cloud_when_nothing_is_due_and_each_kind_once_when_it_is() {
    let mut life = Life::active().await;
    let settings = ProvisionerSettings::default();
    let limited = RateLimited::new(Arc::new(life.cloud.clone()), settings.calls.clone());
    settle(
        &limited,
        &life.log,
        &life.clock,
        &settings,
        &mut life.memories,
        LONG,
    )
    .await;
    assert_eq!(limited.calls().total(), 0);
    tokio::time::advance(settings.drift_interval).await;
    settle(
        &limited,
        &life.log,
        &life.clock,
        &settings,
        &mut life.memories,
        LONG,
    )
    .await;
    let counts = limited.calls().snapshot();
    let of = |operation| {
        counts
            .iter()
            .filter(|((it, _), _)| *it == operation)
            .map(|(_, count)| count)
            .sum::<u64>()
    };
    assert_eq!(
        (
            of(Operation::Links),
            of(Operation::RouteTables),
            of(Operation::FirewallGroups),
            of(Operation::Interfaces)
        ),
        (1, 2, 2, 2),
        "{counts:#?}"
    );
    assert!(
        counts
            .keys()
            .all(|(operation, _)| operation.class() != CallClass::Write)
    );
    assert_eq!(limited.calls().total(), 7, "{counts:#?}");
}
