//! Lives in which options of the link are asked for, at the clouds where each side has a half of
//! its own: in the order that they need each other, kept so, and switched off in reverse.

use super::{CLIENTS, Life, is_clean, range, remove};
use crate::provisioner::{
    ProvisionerSettings,
    testing::{Fuse, Log, peering_id},
};
use cloud::LinkRole;
use domain::{
    Provider, Side,
    network::{
        AcceptRoute, BlockCause, Consent, DriftKind, LinkOption, NetworkEvent, SetLinkOption,
        Terms, Thing, WithdrawRoute,
    },
};
use simulated::SimulatedSettings;
use std::{collections::BTreeSet, time::Duration};

const MINUTE: Duration = Duration::from_secs(60);

async fn active(provider: Provider, settings: SimulatedSettings) -> Life {
    let mut life = Life::at(provider, &Terms::default(), settings);
    life.settles().await;
    life
}

impl Life {
    fn switches(&self, side: Side, option: LinkOption, enabled: bool) {
        self.says(SetLinkOption {
            peering_id: peering_id(),
            side,
            option,
            enabled,
        });
    }

    /// The options that are on at the cloud.
    fn on(&self, side: Side) -> BTreeSet<LinkOption> {
        let (world, network) = (self.cloud.world(), self.network(side));
        let half = world.half(&network, &self.link()).unwrap();
        half.options.clone()
    }

    /// The same, but for access, which every link is asked for with.
    fn lent(&self, side: Side) -> BTreeSet<LinkOption> {
        let mut on = self.on(side);
        on.remove(&LinkOption::VirtualNetworkAccess);
        on
    }

    fn is_applied(&self, side: Side, option: LinkOption) -> bool {
        self.log.peering().option(side, option).applied
    }
}

#[tokio::test(start_paused = true)]
async fn each_option_of_each_provider_is_switched_on_kept_so_and_switched_off() {
    for provider in [Provider::Gcp, Provider::Azure] {
        let mut life = active(provider, SimulatedSettings::instant(21)).await;
        let alone = |it: &LinkOption| !it.is_upkeep() && it.excludes().is_none();
        for option in LinkOption::of(provider).filter(alone) {
            for side in Side::BOTH {
                life.switches(side, option, true);
            }
            life.settles().await;
            assert!(life.log.peering().is_converged(), "{option:?}");
            for side in Side::BOTH {
                assert!(life.on(side).contains(&option), "{option:?}, {side}");
                assert!(life.is_applied(side, option), "{option:?}, {side}");
            }
            let (network, link) = (life.network(Side::Remote), life.link());
            let by_hand = life.cloud.out_of_band();
            by_hand.switch(&network, &link, option, false);
            life.looks_again().await;
            assert!(
                life.on(Side::Remote).contains(&option),
                "{option:?}, undone"
            );
            for side in Side::BOTH {
                life.switches(side, option, false);
            }
            life.settles().await;
            for side in Side::BOTH {
                assert!(!life.on(side).contains(&option), "{option:?}, {side}");
            }
        }
        life.says(remove());
        life.settles().await;
        is_clean(&life.cloud.world(), "removed");
    }
}

/// A link of one object, between regions.
#[tokio::test(start_paused = true)]
async fn several_paths_are_taken_where_that_is_asked_for_kept_so_and_given_up() {
    let paths = LinkOption::MultipathResilience;
    let mut life = Life::active().await;
    let ends = [LinkRole::First, LinkRole::Second];
    let shown = |life: &Life| {
        let link = life.cloud.world().links[&life.link()].clone();
        [&link.first, &link.second].map(|it| it.options.get(&paths).copied().unwrap_or_default())
    };
    assert_eq!(shown(&life), [false, false], "nobody asked for it");
    life.switches(Side::Local, paths, true);
    life.settles().await;
    assert_eq!(shown(&life), [true, false], "each side by itself");
    life.switches(Side::Remote, paths, true);
    life.settles().await;
    assert_eq!(shown(&life), [true, true]);
    assert!(Side::BOTH.iter().all(|side| life.is_applied(*side, paths)));
    let link = life.link();
    for end in ends {
        life.cloud.out_of_band().flip(&link, end, paths, false);
    }
    life.looks_again().await;
    assert_eq!(shown(&life), [true, true], "what differs is drift");
    let flipped = |side| DriftKind::option_flipped(side, paths);
    for side in Side::BOTH {
        let detected =
            life.log.events().into_iter().any(
                |it| matches!(it, NetworkEvent::DriftDetected(it) if it.finding == flipped(side)),
            );
        assert!(detected, "{side}");
    }
    for side in Side::BOTH {
        life.switches(side, paths, false);
    }
    life.settles().await;
    assert_eq!(shown(&life), [false, false]);
    life.cloud.out_of_band().flip(&link, ends[0], paths, true);
    life.looks_again().await;
    assert_eq!(shown(&life), [false, false], "it costs, and nobody asked");
}

/// The engine does not look at a side that its owner keeps: what that one did, the cloud tells of
/// the connection.
#[tokio::test(start_paused = true)]
async fn what_comes_of_several_paths_is_seen_though_the_other_side_is_its_owners() {
    let paths = LinkOption::MultipathResilience;
    let mut life = Life::asked_for();
    life.log = Log::with_consent(Consent::Owner).told_by(&life.clock);
    life.run(Fuse::never(), 10 * MINUTE).await;
    let link = life.link();
    life.cloud.out_of_band().accept(&link);
    life.settles().await;
    let effect = |life: &Life| {
        let peering = life.log.peering();
        (
            peering.option(Side::Local, paths).in_effect,
            peering.option_waits(Side::Local, paths),
        )
    };
    life.switches(Side::Local, paths, true);
    life.settles().await;
    assert_eq!(effect(&life), (Some(false), true));
    for (theirs, expected) in [(true, (Some(true), false)), (false, (Some(false), true))] {
        let by_hand = life.cloud.out_of_band();
        by_hand.flip(&link, LinkRole::Second, paths, theirs);
        life.looks_again().await;
        assert_eq!(effect(&life), expected);
        let recorded = life.count("LinkOptionApplied");
        life.looks_again().await;
        assert_eq!(life.count("LinkOptionApplied"), recorded, "once");
    }
    assert!(!life.is_applied(Side::Remote, paths), "nobody looked there");
    life.switches(Side::Local, paths, false);
    life.settles().await;
    assert_eq!(effect(&life), (None, false));
}

#[tokio::test(start_paused = true)]
async fn a_half_is_made_closed_and_stays_so_while_somebody_elses_rule_lets_the_other_side_in() {
    let open = LinkOption::VirtualNetworkAccess;
    let mut life = active(Provider::Azure, SimulatedSettings::instant(21)).await;
    for side in Side::BOTH {
        assert_eq!(life.on(side), [open].into(), "both networks are closed");
        life.switches(side, open, false);
    }
    life.settles().await;
    assert!(life.on(Side::Local).is_empty() && life.on(Side::Remote).is_empty());
    let theirs = life.network(Side::Remote);
    let by_hand = life.cloud.out_of_band();
    let web = by_hand.group(&theirs, "web", &[]).unwrap();
    let rule = by_hand.admit(&theirs, &web, "tcp 443 from 10.0.0.0/8");
    life.looks_again().await;
    for side in Side::BOTH {
        life.switches(side, open, true);
    }
    life.run(Fuse::never(), 10 * MINUTE).await;
    let blocked = life.log.peering().blocked.expect("the peer is exposed");
    assert_eq!(blocked.cause, BlockCause::OptionPrecondition);
    assert!(blocked.message.contains("web"), "{}", blocked.message);
    for side in Side::BOTH {
        assert!(life.on(side).is_empty(), "closed while the peer is exposed");
    }
    life.cloud.out_of_band().drop_rule(&theirs, &rule.unwrap());
    life.looks_again().await;
    for side in Side::BOTH {
        assert_eq!(life.on(side), [open].into());
    }
    assert!(life.log.peering().is_converged());
}

#[tokio::test(start_paused = true)]
async fn a_gateway_is_lent_before_it_is_borrowed_and_given_back_before_it_is_taken_away() {
    let (lend, borrow) = (LinkOption::GatewayTransit, LinkOption::RemoteGateways);
    let slow = SimulatedSettings {
        visibility: Duration::from_secs(2)..=Duration::from_secs(9),
        busy: Duration::from_secs(1)..=Duration::from_secs(5),
        ..SimulatedSettings::instant(3)
    };
    for (lender, settings) in [
        (Side::Remote, SimulatedSettings::instant(21)),
        (Side::Local, SimulatedSettings::instant(22)),
        (Side::Remote, slow),
    ] {
        let borrower = lender.other();
        let mut life = active(Provider::Azure, settings).await;
        life.switches(lender, lend, true);
        life.switches(borrower, borrow, true);
        let hub = life.network(lender);
        life.run(Fuse::never(), 10 * MINUTE).await;
        let blocked = life.log.peering().blocked.expect("there is no gateway");
        assert_eq!(blocked.cause, BlockCause::OptionPrecondition);
        assert!(
            blocked.message.contains("no gateways"),
            "{}",
            blocked.message
        );
        life.cloud.out_of_band().set_gateway(&hub, true);
        life.looks_again().await;
        assert_eq!(life.lent(lender), [lend].into());
        assert_eq!(life.lent(borrower), [borrow].into());
        assert!(life.log.peering().is_converged());

        life.switches(borrower, borrow, false);
        life.switches(lender, lend, false);
        life.settles().await;
        assert!(life.lent(lender).is_empty() && life.lent(borrower).is_empty());
        assert!(life.log.peering().is_converged());
        // A read that is late may have made a route wait: that is another matter.
        let is_this = |it: &NetworkEvent| matches!(it, NetworkEvent::ProvisioningBlocked(it) if it.cause == BlockCause::OptionPrecondition);
        let times = life.log.events().iter().filter(|it| is_this(it)).count();
        assert_eq!(times, 1, "{lender} lends");
    }
}

/// For which options of a side it was put on record that they are about to be switched on.
fn announced(life: &Life, side: Side) -> Vec<LinkOption> {
    let mut options = Vec::new();
    for event in life.log.events() {
        if let NetworkEvent::InstallationStarted(it) = event
            && it.side == side
        {
            options.extend(it.things.iter().filter_map(|thing| match thing {
                Thing::Option { option } => Some(*option),
                Thing::Route { .. }
                | Thing::Group
                | Thing::Rule { .. }
                | Thing::Attachment { .. }
                | Thing::Denial { .. } => None,
            }));
        }
    }
    options
}

#[tokio::test(start_paused = true)]
async fn an_option_is_on_record_before_it_is_switched_on_and_off_it_goes_without_that() {
    let export = LinkOption::ExportCustomRoutes;
    let mut life = active(Provider::Gcp, SimulatedSettings::instant(21)).await;
    life.switches(Side::Remote, export, true);
    life.settles().await;
    assert_eq!(announced(&life, Side::Remote), [export]);
    life.switches(Side::Remote, export, false);
    life.settles().await;
    assert!(!life.on(Side::Remote).contains(&export));
    assert_eq!(
        announced(&life, Side::Remote),
        [export],
        "this opens nothing"
    );
    assert_eq!(announced(&life, Side::Local), []);
}

#[tokio::test(start_paused = true)]
async fn a_half_follows_the_other_networks_ranges_if_that_is_asked_for_and_is_left_alone_if_not() {
    let sync = LinkOption::AddressSpaceSync;
    let mut life = active(Provider::Azure, SimulatedSettings::instant(21)).await;
    let hub = life.network(Side::Remote);
    let synced = |life: &Life| {
        let (world, network) = (life.cloud.world(), life.network(Side::Local));
        world.half(&network, &life.link()).unwrap().synced.len()
    };
    let before = synced(&life);
    let widen = |life: &Life, range: &str| {
        life.cloud.out_of_band().widen(&hub, range.parse().unwrap());
    };
    widen(&life, "172.16.0.0/16");
    life.looks_again().await;
    assert_eq!(synced(&life), before, "nobody asked");
    let told = DriftKind::option_flipped(Side::Local, sync);
    assert!(life.log.peering().drift.contains_key(&told), "and is told");
    assert!(!life.log.peering().is_converged());
    life.looks_again().await;
    assert_eq!(life.count("DriftDetected"), 1, "once");

    life.switches(Side::Local, sync, true);
    life.settles().await;
    assert_eq!(synced(&life), before + 1);
    assert!(life.is_applied(Side::Local, sync));
    widen(&life, "172.17.0.0/16");
    life.looks_again().await;
    assert_eq!(synced(&life), before + 2, "it follows");
    assert_eq!(life.count("DriftRepaired"), 2);

    life.switches(Side::Local, sync, false);
    life.settles().await;
    assert!(life.log.peering().is_converged());
    life.says(remove());
    life.settles().await;
    is_clean(&life.cloud.world(), "removed");
}

#[tokio::test(start_paused = true)]
async fn a_crash_between_an_option_and_its_record_changes_nothing_of_what_comes_of_it() {
    let export = LinkOption::ExportCustomRoutes;
    for blow in 1..40 {
        let mut life = active(Provider::Gcp, SimulatedSettings::instant(21)).await;
        life.switches(Side::Local, export, true);
        let fuse = Fuse::at(blow);
        let crashed = life.run(fuse, 10 * MINUTE).await.is_none();
        life.settles().await;
        assert_eq!(life.on(Side::Local), [export].into(), "crash at {blow}");
        assert_eq!(life.count("LinkOptionApplied"), 1, "crash at {blow}");
        if !crashed {
            return;
        }
    }
    panic!("it never came to an end");
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_the_halves_do_not_exchange_is_missed_and_named_with_what_lets_it_through()
 {
    let mut life = active(Provider::Gcp, SimulatedSettings::instant(21)).await;
    let (hub, on_premises) = (life.network(Side::Remote), "10.50.128.0/17");
    let by_hand = life.cloud.out_of_band();
    by_hand.widen(&hub, "10.50.0.0/17".parse().unwrap());
    by_hand.narrow(&hub, CLIENTS.parse().unwrap());
    by_hand.add_custom_route(&hub, on_premises.parse().unwrap());
    life.says(AcceptRoute {
        peering_id: peering_id(),
        side: Side::Local,
        destination: range(on_premises),
    });
    life.says(WithdrawRoute {
        peering_id: peering_id(),
        side: Side::Local,
        destination: range(CLIENTS),
    });
    life.look_for(60 * MINUTE).await;
    let blocked = life.log.peering().blocked.expect("it is not exchanged");
    assert_eq!(blocked.cause, BlockCause::NotFound);
    let remedy = blocked.remedy.join("\n");
    for option in [
        "--side remote export-custom-routes",
        "--side local import-custom-routes",
    ] {
        assert!(remedy.contains(option), "{remedy}");
    }
    assert!(!life.log.peering().is_converged());

    life.switches(Side::Remote, LinkOption::ExportCustomRoutes, true);
    life.switches(Side::Local, LinkOption::ImportCustomRoutes, true);
    life.settles().await;
    assert!(life.log.peering().is_converged());
    let peering = life.log.peering();
    let seen = peering.routes_in_place.local.as_ref().unwrap();
    assert_eq!(seen.destinations, [range(on_premises)].into());
}

#[tokio::test(start_paused = true)]
async fn a_destination_of_which_the_other_network_has_subnets_alone_is_sent_once_all_of_them_are() {
    let mut life = active(Provider::Gcp, SimulatedSettings::instant(21)).await;
    let hub = life.network(Side::Remote);
    let by_hand = life.cloud.out_of_band();
    by_hand.widen(&hub, "10.51.0.0/20".parse().unwrap());
    by_hand.narrow(&hub, CLIENTS.parse().unwrap());
    tokio::time::advance(ProvisionerSettings::default().drift_interval).await;
    life.look_for(60 * MINUTE).await;
    let blocked = life.log.peering().blocked.map(|it| it.cause);
    assert_eq!(
        blocked,
        Some(BlockCause::NotFound),
        "nothing of it is there"
    );
    by_hand.widen(&hub, "10.50.16.0/20".parse().unwrap());
    by_hand.widen(&hub, "10.50.64.0/20".parse().unwrap());
    life.settles().await;
    assert!(life.log.peering().is_converged());
    let peering = life.log.peering();
    let seen = peering.routes_in_place.local.as_ref().unwrap();
    assert_eq!(seen.destinations, [range(CLIENTS)].into());
}

#[tokio::test(start_paused = true)]
async fn a_route_that_is_withdrawn_where_routes_are_exchanged_asks_the_cloud_for_nothing() {
    for provider in [Provider::Gcp, Provider::Azure] {
        let mut life = active(provider, SimulatedSettings::instant(21)).await;
        life.says(WithdrawRoute {
            peering_id: peering_id(),
            side: Side::Local,
            destination: range(CLIENTS),
        });
        life.settles().await;
        let peering = life.log.peering();
        assert!(peering.is_converged(), "{provider}: {peering:#?}");
        assert!(peering.withdrawn.local.is_empty());
        assert_eq!(life.count("RouteInstalled") + life.count("RouteRemoved"), 0);
    }
}
