//! Each part of a life stopped before and after every call and every append, one by one, and
//! started again; and disturbed otherwise ([`disturbed_everywhere`]).

use super::{LONG, Life, disturbed::disturbed_everywhere, ingress, is_clean, remove};
use crate::provisioner::{
    memories::Memories,
    sides,
    testing::{CLIENTS, Fuse, Log, peering_id, range},
};
use cloud::LinkState;
use domain::{
    Side,
    network::{
        ExposurePolicy, LinkOption, Policy, ReplaceRoute, SetDnsResolution, SetPolicy,
        WithdrawRoute,
    },
};
use std::time::Duration;

/// Stops one after the other at every step of what follows a change, starts again each time, and
/// judges what has become of it.
pub(super) async fn stopped_everywhere(
    prepare: impl AsyncFn() -> Life,
    change: impl Fn(&Life),
    judge: impl Fn(&Life, &str),
) {
    for step in 0.. {
        let mut life = prepare().await;
        change(&life);
        // As after a start: everything is looked at.
        life.memories = Memories::default();
        let stopped = life.run(Fuse::at(step), LONG).await.is_none();
        life.memories = Memories::default();
        life.settles().await;
        let when = format!("stopped at step {step}");
        judge(&life, &when);
        let (events, world) = (life.log.events().len(), life.cloud.world());
        life.memories = Memories::default();
        life.settles().await;
        assert_eq!(
            life.log.events().len(),
            events,
            "{when}: a second pass records nothing"
        );
        assert_eq!(
            (life.cloud.world().networks, life.cloud.world().links),
            (world.networks, world.links),
            "{when}: nor changes anything"
        );
        if !stopped {
            assert!(step > 6, "only {step} steps");
            break;
        }
    }
    disturbed_everywhere(&prepare, &change, &judge).await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_step_of_a_removal_leaves_nothing() {
    stopped_everywhere(
        Life::active,
        |life| life.says(remove()),
        |life, when| {
            is_clean(&life.cloud.world(), when);
            assert_eq!(life.log.peering().life.as_str(), "removed", "{when}");
            assert_eq!(life.count("PeeringRemoved"), 1, "{when}");
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_step_before_a_removal_that_comes_at_once_leaves_nothing() {
    for step in 0.. {
        let mut life = Life::asked_for();
        let stopped = life.run(Fuse::at(step), LONG).await.is_none();
        life.memories = Memories::default();
        life.says(remove());
        life.settles().await;
        is_clean(
            &life.cloud.world(),
            &format!("stopped at step {step}, then removed"),
        );
        assert_eq!(life.log.peering().life.as_str(), "removed");
        if !stopped {
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_step_of_a_replaced_route_leaves_the_new_one_alone() {
    let to = "10.50.128.0/17";
    stopped_everywhere(
        Life::active,
        |life| {
            life.says(ReplaceRoute {
                peering_id: peering_id(),
                side: Side::Local,
                from: range(CLIENTS),
                to: range(to),
            })
        },
        |life, when| {
            let routes = life.routes(Side::Local);
            assert_eq!(
                routes.iter().map(|(_, it)| it.as_str()).collect::<Vec<_>>(),
                [to, to],
                "{when}"
            );
            assert!(life.log.peering().is_converged(), "{when}");
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_step_of_a_withdrawal_leaves_no_route_and_keeps_the_other_sides() {
    stopped_everywhere(
        Life::active,
        |life| {
            life.says(WithdrawRoute {
                peering_id: peering_id(),
                side: Side::Local,
                destination: range(CLIENTS),
            })
        },
        |life, when| {
            assert_eq!(
                (
                    life.routes(Side::Local).len(),
                    life.routes(Side::Remote).len()
                ),
                (0, 1),
                "{when}"
            );
            assert_eq!(life.count("RouteRemoved"), 2, "{when}");
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_step_of_a_repair_puts_back_what_was_there_and_nothing_else() {
    stopped_everywhere(
        Life::active,
        |life| {
            let (local, table) = (
                life.network(Side::Local),
                life.routes(Side::Local)[0].0.clone(),
            );
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
            life.cloud
                .out_of_band()
                .unroute(&local, &table, CLIENTS.parse().unwrap());
            life.cloud.out_of_band().drop_rule(&local, &rule);
        },
        |life, when| {
            assert!(
                life.log.peering().is_converged(),
                "{when}: {:#?}",
                life.log.peering()
            );
            assert_eq!(
                (
                    life.routes(Side::Local).len(),
                    life.count("DriftDetected"),
                    life.count("DriftRepaired")
                ),
                (2, 2, 2),
                "{when}"
            );
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_step_of_name_resolution_leaves_it_as_asked() {
    stopped_everywhere(
        Life::active,
        |life| {
            for side in Side::BOTH {
                life.says(SetDnsResolution {
                    peering_id: peering_id(),
                    side,
                    enabled: true,
                });
            }
        },
        |life, when| {
            let resolves = |side| {
                life.log
                    .peering()
                    .option(side, LinkOption::DnsResolution)
                    .applied
            };
            assert!(
                resolves(Side::Local)
                    && resolves(Side::Remote)
                    && life.log.peering().is_converged(),
                "{when}"
            );
            assert_eq!(life.count("LinkOptionApplied"), 2, "{when}");
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_step_of_an_adoption_keeps_the_link_and_adds_what_was_asked_for_once() {
    let prepare = async || {
        let mut life = Life::asked_for();
        let (network, peering) = (life.log.network(), life.log.peering());
        let ends = Side::BOTH.map(|side| sides::end(&network, &peering, side));
        let link = life
            .cloud
            .out_of_band()
            .join(&ends[0], &ends[1], LinkState::Active, None);
        life.log = Log::adopting(&link).told_by(&life.clock);
        life
    };
    let judge = |life: &Life, when: &str| {
        assert!(life.log.peering().is_converged(), "{when}");
        assert_eq!(
            (
                life.cloud.world().links.len(),
                life.count("PeeringSurveyed"),
                life.routes(Side::Local).len()
            ),
            (1, 1, 2),
            "{when}"
        );
    };
    stopped_everywhere(prepare, |_| {}, judge).await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_step_of_closing_an_exposure_revokes_that_rule_alone() {
    stopped_everywhere(
        Life::active,
        |life| {
            let remote = life.network(Side::Remote);
            let rules = ["tcp 22 from 10.0.0.0/8", "tcp 443 from 192.168.0.0/16"];
            let group = life
                .cloud
                .out_of_band()
                .group(&remote, "legacy", &rules)
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
        },
        |life, when| {
            let world = life.cloud.world();
            let groups = &world.networks[&life.network(Side::Remote).to_string()].groups;
            assert_eq!(
                groups
                    .iter()
                    .find(|it| it.name == "legacy")
                    .unwrap()
                    .rules
                    .len(),
                1,
                "{when}"
            );
            assert_eq!(
                (life.count("FirewallExposed"), life.count("ExposureCleared")),
                (1, 1),
                "{when}"
            );
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_step_of_an_ingress_opens_it_once_and_its_end_closes_it() {
    let rules = |life: &Life| {
        life.log
            .peering()
            .firewall
            .remote
            .rules
            .keys()
            .map(|it| it.port)
            .collect::<Vec<_>>()
    };
    stopped_everywhere(
        Life::active,
        |life| life.says(ingress(life, None)),
        |life, when| assert_eq!(rules(life), [9092], "{when}"),
    )
    .await;
    let mut life = Life::active().await;
    life.says(ingress(&life, Some(Duration::from_secs(3600))));
    life.settles().await;
    assert_eq!(rules(&life), [9092]);
    for _ in 0..13 {
        life.looks_again().await;
    }
    assert_eq!(
        (rules(&life), life.count("ConnectorIngressRevoked")),
        (vec![], 1)
    );
    let world = life.cloud.world();
    assert!(
        world.networks[&life.network(Side::Remote).to_string()]
            .groups
            .iter()
            .all(|group| group.rules.is_empty())
    );
}
