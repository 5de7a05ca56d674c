//! The provisioner is stopped before and after every call to the cloud and every append, one by
//! one, and starts again: what was asked for must exist, once, and nothing else.
#![allow(clippy::unwrap_used)]

use super::{
    memories::Memories,
    settings::ProvisionerSettings,
    testing::{
        CLIENTS, Fuse, Fused, IPV6, IPV6_CLIENTS, Log, Settled, client_rule, clock, cloud,
        cloud_of, owner, range, restrict, settle,
    },
};
use cloud::{CallClass, ClientPolicy, LinkState, RateLimited, RouteTarget};
use domain::{Side, network::NetworkEvent};
use simulated::{SecondRequest, SimulatedCloud, SimulatedSettings, World};
use std::{collections::BTreeSet, sync::Arc, time::Duration};

const LONG: Duration = Duration::from_secs(24 * 3600);

/// Like bad clouds, a second link for a pair is possible, so that asking twice would show.
fn careless(settings: SimulatedSettings) -> SimulatedSettings {
    SimulatedSettings {
        second_request: SecondRequest::AnotherLink,
        ..settings
    }
}

/// Nothing is lost and everything is late.
fn late(seed: u64) -> SimulatedSettings {
    let seconds = |from, to| Duration::from_secs(from)..=Duration::from_secs(to);
    SimulatedSettings {
        visibility: seconds(0, 8),
        stale_reads: 0..=2,
        initiating: seconds(0, 6),
        provisioning: seconds(1, 9),
        ..careless(SimulatedSettings::instant(seed))
    }
}

/// Runs until the fuse blows or all is settled; says whether it blew.
async fn run(cloud: &SimulatedCloud, log: &Log, fuse: Fuse, clock: &journal::Clock) -> bool {
    let settings = ProvisionerSettings::default();
    let limited = RateLimited::new(
        Arc::new(Fused(cloud.clone(), fuse.clone())),
        ClientPolicy {
            deadline: LONG,
            ..settings.calls.clone()
        },
    );
    let fused = Fused(log.clone(), fuse.clone());
    let mut memories = Memories::default();
    tokio::select! {
        biased;
        () = fuse.blown() => true,
        settled = settle(&limited, &fused, clock, &settings, &mut memories, LONG) => {
            assert_eq!(settled, Settled::Yes, "not settled: {:#?}", log.peering());
            false
        }
    }
}

/// Judges the world by what was asked for, not by what the engine thinks of it.
fn judge(world: &World, log: &Log, when: &str) {
    assert_eq!(world.links.len(), 1, "{when}: one link, of whatever state");
    let link = world.links.values().next().unwrap();
    assert_eq!(
        (&link.state, link.owner),
        (&LinkState::Active, Some(owner())),
        "{when}"
    );
    let (peering, over_the_link) = (log.peering(), RouteTarget::Link(link.id.clone()));
    let of_both = !log.network().ipv6_ranges.is_empty();
    let destinations = |side| match (side, of_both) {
        (Side::Local, false) => vec![CLIENTS],
        (Side::Remote, false) => vec!["10.20.0.0/16"],
        (Side::Local, true) => vec![CLIENTS, IPV6_CLIENTS],
        (Side::Remote, true) => vec!["10.20.0.0/16", IPV6],
    };
    for (key, network) in &world.networks {
        let side = if network.network.network == log.network().cloud_network {
            Side::Local
        } else {
            Side::Remote
        };
        for (index, table) in network.tables.iter().enumerate() {
            // The local main table serves none of the subnets on record.
            let serves = side == Side::Remote || index > 0;
            let ours: Vec<_> = table
                .routes
                .iter()
                .filter(|route| route.target != RouteTarget::Local)
                .collect();
            let mut found: Vec<_> = ours
                .iter()
                .map(|route| (route.destination, &route.target))
                .collect();
            found.sort_by_key(|(destination, _)| *destination);
            let expected: Vec<_> = destinations(side)
                .into_iter()
                .filter(|_| serves)
                .map(|to| (range(to).net(), &over_the_link))
                .collect();
            assert_eq!(found, expected, "{when}: routes of {key}, {}", table.id);
        }
        let rules: Vec<_> = network
            .groups
            .iter()
            .map(|group| {
                let mut rules: Vec<_> = group.rules.iter().filter_map(|it| it.rule).collect();
                rules.sort_unstable();
                rules
            })
            .collect();
        let admitted = peering
            .firewall
            .get(side)
            .admit
            .iter()
            .copied()
            .collect::<Vec<_>>();
        assert_eq!(
            rules,
            vec![admitted],
            "{when}: one group with the posture's rules in {key}"
        );
    }
    assert!(peering.is_converged(), "{when}: {peering:#?}");
    let mut once = BTreeSet::new();
    for event in log.events() {
        let may_repeat = matches!(
            event,
            NetworkEvent::ProvisioningBlocked(_)
                | NetworkEvent::ProvisioningUnblocked(_)
                | NetworkEvent::FirewallRestricted(_)
        );
        assert!(
            may_repeat || once.insert(format!("{event:?}")),
            "{when}: {event:?} is on record twice"
        );
    }
    assert_eq!(
        log.names(0)
            .iter()
            .filter(|name| **name == "PeeringInitiated")
            .count(),
        1,
        "{when}"
    );
}

/// A further start finds nothing to do: no change at the cloud, no event.
async fn rests(cloud: &SimulatedCloud, log: &Log, clock: &journal::Clock, when: &str) {
    let settings = ProvisionerSettings::default();
    let limited = RateLimited::new(Arc::new(cloud.clone()), settings.calls.clone());
    let (world, events) = (cloud.world(), log.events().len());
    settle(
        &limited,
        log,
        clock,
        &settings,
        &mut Memories::default(),
        LONG,
    )
    .await;
    let writes = limited
        .calls()
        .snapshot()
        .into_iter()
        .filter(|((operation, _), _)| operation.class() == CallClass::Write)
        .count();
    assert_eq!((writes, log.events().len()), (0, events), "{when}");
    assert_eq!(
        (cloud.world().networks, cloud.world().links),
        (world.networks, world.links),
        "{when}"
    );
}

/// Crashes at every step, one run each; gives the number of steps.
async fn crash_everywhere(
    settings: impl Fn() -> SimulatedSettings,
    prepare: impl AsyncFn(&SimulatedCloud, &Log, &journal::Clock),
) -> usize {
    crash_everywhere_of(Log::with_a_peering, settings, prepare).await
}

/// The same of what is asked for in this log.
async fn crash_everywhere_of(
    asked: impl Fn() -> Log,
    settings: impl Fn() -> SimulatedSettings,
    prepare: impl AsyncFn(&SimulatedCloud, &Log, &journal::Clock),
) -> usize {
    for step in 0.. {
        let (clock, log) = (clock(), asked());
        let cloud = cloud_of(&log, settings(), &clock);
        prepare(&cloud, &log, &clock).await;
        let crashed = run(&cloud, &log, Fuse::at(step), &clock).await;
        let when = format!("seed {}, crash at step {step}", settings().seed);
        if crashed {
            assert!(!run(&cloud, &log, Fuse::never(), &clock).await);
        }
        judge(&cloud.world(), &log, &when);
        if !crashed {
            rests(&cloud, &log, &clock, &when).await;
            return step;
        }
    }
    unreachable!("the steps of a run are finite")
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_step_of_a_new_peering_leaves_exactly_what_was_asked_for() {
    let steps = crash_everywhere(
        || careless(SimulatedSettings::instant(1)),
        async |_, _, _| {},
    )
    .await;
    assert!(steps > 60, "only {steps} steps");
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_step_of_a_peering_of_both_families_leaves_exactly_what_was_asked_for() {
    for settings in [SimulatedSettings::instant(11), late(12)] {
        let settings = || careless(settings.clone());
        let steps = crash_everywhere_of(Log::dual_stack, settings, async |_, _, _| {}).await;
        assert!(steps > 60, "only {steps} steps");
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_step_on_a_cloud_that_is_late_leaves_exactly_what_was_asked_for() {
    for seed in [7, 8] {
        crash_everywhere(|| late(seed), async |_, _, _| {}).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_step_of_a_new_posture_leaves_exactly_that_posture() {
    let other = domain::network::InboundRule {
        source: range("10.50.8.0/24").into(),
        port: 2113,
        target: None,
    };
    crash_everywhere(
        || careless(SimulatedSettings::instant(3)),
        async |cloud, log, clock| {
            run(cloud, log, Fuse::never(), clock).await;
            log.execute(&restrict(&[other])).unwrap();
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_while_a_rule_is_made_that_is_no_longer_wanted_afterwards_leaves_no_rule() {
    for step in 0.. {
        let clock = clock();
        let (cloud, log) = (
            cloud(careless(SimulatedSettings::instant(5)), &clock),
            Log::with_a_peering(),
        );
        let crashed = run(&cloud, &log, Fuse::at(step), &clock).await;
        log.execute(&restrict(&[])).unwrap();
        run(&cloud, &log, Fuse::never(), &clock).await;
        judge(
            &cloud.world(),
            &log,
            &format!("crash at step {step}, then nothing admitted"),
        );
        if !crashed {
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn storms_only_make_it_later() {
    for seed in 0..40 {
        let clock = clock();
        let (cloud, log) = (
            cloud(careless(SimulatedSettings::stormy(seed)), &clock),
            Log::with_a_peering(),
        );
        let crashed = run(
            &cloud,
            &log,
            Fuse::at(usize::try_from(seed).unwrap() * 5),
            &clock,
        )
        .await;
        if crashed {
            run(&cloud, &log, Fuse::never(), &clock).await;
        }
        judge(&cloud.world(), &log, &format!("storm {seed}"));
        assert!(
            log.peering()
                .firewall
                .local
                .rules
                .contains_key(&client_rule())
        );
    }
}
