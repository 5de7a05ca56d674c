//! The whole life of a peering on a simulated cloud: consent, upkeep, exposure, adoption, removal; and each of them stopped before and
//! after every call and every append, one by one.
#![allow(clippy::unwrap_used)]

mod interrupted;
mod neighbours;

use crate::provisioner::{
    pass::Memories,
    place,
    settings::ProvisionerSettings,
    testing::{CLIENTS, Fuse, Fused, Log, Settled, clock, cloud, peering_id, range, settle},
};
use crate::{
    cloud::{CallClass, LinkRole, LinkState, NetworkRef, Operation, RouteTarget},
    clouds::{CallSettings, Metered, SimulatedCloud, SimulatedSettings, simulated::World},
};
use domain::{
    Side,
    network::{
        AcceptRoute, AllowConnectorIngress, BlockCause, Consent, DriftPolicy, ExposurePolicy, NetworkCommand, Outcome, Policy,
        RemovePeering, ReplaceRoute, SetDnsResolution, SetPolicy, WithdrawRoute,
    },
    text::{Link, RouteTable},
};
use journal::Clock;
use std::{sync::Arc, time::Duration};

const LONG: Duration = Duration::from_secs(24 * 3600);

/// A network with a peering, its cloud, and what a running provisioner remembers.
struct Life {
    clock: Clock,
    cloud: SimulatedCloud,
    log: Log,
    memories: Memories,
}

impl Life {
    /// Before anybody has looked.
    fn asked_for() -> Self {
        let clock = clock();
        let (cloud, log) = (cloud(SimulatedSettings::instant(21), &clock), Log::with_a_peering().told_by(&clock));
        Self { cloud, clock, log, memories: Memories::new() }
    }

    async fn active() -> Self {
        let mut life = Self::asked_for();
        life.settles().await;
        life
    }

    async fn run(&mut self, fuse: Fuse, at_most: Duration) -> Option<Settled> {
        let settings = ProvisionerSettings::default();
        let calls = CallSettings { deadline: LONG, ..settings.calls.clone() };
        let metered = Metered::new(Arc::new(Fused(self.cloud.clone(), fuse.clone())), calls);
        let book = Fused(self.log.clone(), fuse.clone());
        let memories = &mut self.memories;
        tokio::select! {
            biased;
            () = fuse.blown() => None,
            settled = settle(&metered, &book, &self.clock, &settings, memories, at_most) => Some(settled),
        }
    }

    async fn settles(&mut self) {
        assert_eq!(self.run(Fuse::never(), LONG).await, Some(Settled::Yes), "{:#?}", self.log.peering());
    }

    /// Lets the time of the next look come, and settles.
    async fn looks_again(&mut self) {
        tokio::time::advance(ProvisionerSettings::default().drift_interval).await;
        self.settles().await;
    }

    async fn blocks(&mut self, cause: BlockCause, side: Side) {
        assert_eq!(self.run(Fuse::never(), Duration::from_secs(60)).await, Some(Settled::No), "{:#?}", self.log.peering());
        let blocked = self.log.peering().blocked.expect("blocked");
        assert_eq!((blocked.cause, blocked.side), (cause, side), "{}", blocked.message);
    }

    fn says(&self, command: impl Into<NetworkCommand>) {
        self.log.execute(&command.into()).unwrap();
    }

    fn network(&self, side: Side) -> NetworkRef {
        place::network(&self.log.network(), &self.log.peering(), side)
    }

    fn link(&self) -> Link {
        self.log.peering().life.link().unwrap().clone()
    }

    fn count(&self, event: &str) -> usize {
        self.log.names(0).into_iter().filter(|name| *name == event).count()
    }

    /// The routes over any link, with the table of each, on this side.
    fn routes(&self, side: Side) -> Vec<(RouteTable, String)> {
        let world = self.cloud.world();
        let tables = &world.networks[&self.network(side).to_string()].tables;
        let over = |target: &RouteTarget| matches!(target, RouteTarget::Link(_));
        let routes = tables.iter().flat_map(|table| table.routes.iter().filter(|it| over(&it.target)).map(move |it| (table, it)));
        routes.map(|(table, route)| (table.id.clone(), route.destination.to_string())).collect()
    }

    fn main_table(&self, side: Side) -> RouteTable {
        self.cloud.world().networks[&self.network(side).to_string()].tables[0].id.clone()
    }
}

fn remove() -> RemovePeering {
    RemovePeering { peering_id: peering_id(), reason: "no longer needed".parse().unwrap() }
}

fn ingress(life: &Life, lasts: Option<Duration>) -> AllowConnectorIngress {
    AllowConnectorIngress {
        peering_id: peering_id(),
        target: range("10.50.7.0/24"),
        port: 9092,
        reason: "orders go to the peer's broker".parse().unwrap(),
        expires_at: lasts.map(|lasts| (life.clock)() + lasts),
    }
}

/// Nothing of the engine's making is left in this world.
fn is_clean(world: &World, when: &str) {
    assert!(world.links.values().all(|link| !link.state.is_live()), "{when}: {:#?}", world.links);
    for (key, network) in &world.networks {
        assert!(network.groups.iter().all(|group| group.owner.is_none()), "{when}: groups of {key}");
        let routes = network.tables.iter().flat_map(|table| &table.routes);
        assert!(routes.into_iter().all(|route| !matches!(route.target, RouteTarget::Link(_))), "{when}: routes of {key}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_removed_peering_leaves_nothing_and_its_link_goes_after_its_routes() {
    let mut life = Life::active().await;
    let before = life.log.events().len();
    life.says(remove());
    life.settles().await;
    is_clean(&life.cloud.world(), "removed");
    let names = life.log.names(before);
    let first = |name: &str| names.iter().position(|it| *it == name).unwrap();
    let last = |name: &str| names.iter().rposition(|it| *it == name).unwrap();
    assert!(last("RouteRemoved") < first("LinkRemoved") && last("FirewallRuleRevoked") < first("LinkRemoved"), "{names:?}");
    assert!(first("LinkRemoved") < first("FirewallGroupRemoved"), "{names:?}");
    assert_eq!(names.last(), Some(&"PeeringRemoved"));
    assert_eq!(life.log.peering().life.as_str(), "removed");
}

/// Stops one after the other at every step of what follows a change, starts again each time, and judges what has become of it.
async fn stopped_everywhere(prepare: impl AsyncFn() -> Life, change: impl Fn(&Life), judge: impl Fn(&Life, &str)) {
    for step in 0.. {
        let mut life = prepare().await;
        change(&life);
        // As after a start: everything is looked at.
        life.memories = Memories::new();
        let stopped = life.run(Fuse::at(step), LONG).await.is_none();
        life.memories = Memories::new();
        life.settles().await;
        let when = format!("stopped at step {step}");
        judge(&life, &when);
        let (events, world) = (life.log.events().len(), life.cloud.world());
        life.memories = Memories::new();
        life.settles().await;
        assert_eq!(life.log.events().len(), events, "{when}: a second pass records nothing");
        assert_eq!((life.cloud.world().networks, life.cloud.world().links), (world.networks, world.links), "{when}: nor changes anything");
        if !stopped {
            assert!(step > 6, "only {step} steps");
            return;
        }
    }
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
        life.memories = Memories::new();
        life.says(remove());
        life.settles().await;
        is_clean(&life.cloud.world(), &format!("stopped at step {step}, then removed"));
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
        |life| life.says(ReplaceRoute { peering_id: peering_id(), side: Side::Local, from: range(CLIENTS), to: range(to) }),
        |life, when| {
            let routes = life.routes(Side::Local);
            assert_eq!(routes.iter().map(|(_, it)| it.as_str()).collect::<Vec<_>>(), [to, to], "{when}");
            assert!(life.log.peering().is_converged(), "{when}");
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_step_of_a_withdrawal_leaves_no_route_and_keeps_the_other_sides() {
    stopped_everywhere(
        Life::active,
        |life| life.says(WithdrawRoute { peering_id: peering_id(), side: Side::Local, destination: range(CLIENTS) }),
        |life, when| {
            assert_eq!((life.routes(Side::Local).len(), life.routes(Side::Remote).len()), (0, 1), "{when}");
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
            let (local, table) = (life.network(Side::Local), life.routes(Side::Local)[0].0.clone());
            let rule = life.log.peering().firewall.local.rules.values().next().unwrap().clone();
            life.cloud.hands().unroute(&local, &table, CLIENTS.parse().unwrap());
            life.cloud.hands().drop_rule(&local, &rule);
        },
        |life, when| {
            assert!(life.log.peering().is_converged(), "{when}: {:#?}", life.log.peering());
            assert_eq!((life.routes(Side::Local).len(), life.count("DriftDetected"), life.count("DriftRepaired")), (2, 2, 2), "{when}");
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
                life.says(SetDnsResolution { peering_id: peering_id(), side, enabled: true });
            }
        },
        |life, when| {
            let dns = life.log.peering().dns;
            assert!(dns.local.applied && dns.remote.applied && life.log.peering().is_converged(), "{when}");
            assert_eq!(life.count("DnsResolutionApplied"), 2, "{when}");
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_step_of_an_adoption_keeps_the_link_and_adds_what_was_asked_for_once() {
    let prepare = async || {
        let mut life = Life::asked_for();
        let (network, peering) = (life.log.network(), life.log.peering());
        let ends = Side::BOTH.map(|side| place::end(&network, &peering, side));
        let link = life.cloud.hands().join(&ends[0], &ends[1], LinkState::Active, None);
        life.log = Log::adopting(&link).told_by(&life.clock);
        life
    };
    let judge = |life: &Life, when: &str| {
        assert!(life.log.peering().is_converged(), "{when}");
        assert_eq!((life.cloud.world().links.len(), life.count("PeeringSurveyed"), life.routes(Side::Local).len()), (1, 1, 2), "{when}");
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
            let group = life.cloud.hands().group(&remote, "legacy", &rules).unwrap();
            let exposure = ExposurePolicy::Enforce { groups: [group].into() };
            life.says(SetPolicy { policy: Policy { exposure, ..Policy::default() } });
        },
        |life, when| {
            let world = life.cloud.world();
            let groups = &world.networks[&life.network(Side::Remote).to_string()].groups;
            assert_eq!(groups.iter().find(|it| it.name == "legacy").unwrap().rules.len(), 1, "{when}");
            assert_eq!((life.count("FirewallExposed"), life.count("ExposureCleared")), (1, 1), "{when}");
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_route_is_replaced_only_once_the_new_one_is_in() {
    let mut life = Life::active().await;
    let before = life.log.events().len();
    life.says(ReplaceRoute { peering_id: peering_id(), side: Side::Local, from: range(CLIENTS), to: range("10.50.0.0/17") });
    life.settles().await;
    let names = life.log.names(before);
    let installed = names.iter().rposition(|it| *it == "RouteInstalled").unwrap();
    assert!(names.iter().position(|it| *it == "RouteRemoved").unwrap() > installed, "{names:?}");
}

#[tokio::test(start_paused = true)]
async fn a_withdrawn_route_goes_and_a_strangers_stays() {
    let mut life = Life::active().await;
    let (local, main) = (life.network(Side::Local), life.main_table(Side::Local));
    life.cloud.hands().route(&local, &main, "10.60.0.0/16".parse().unwrap(), RouteTarget::Link(life.link()));
    life.says(WithdrawRoute { peering_id: peering_id(), side: Side::Local, destination: range(CLIENTS) });
    life.settles().await;
    assert_eq!(life.routes(Side::Local), [(main, "10.60.0.0/16".to_owned())]);
    assert_eq!((life.count("RouteRemoved"), life.count("DriftDetected")), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_step_of_an_ingress_opens_it_once_and_its_end_closes_it() {
    let rules = |life: &Life| life.log.peering().firewall.remote.rules.keys().map(|it| it.port).collect::<Vec<_>>();
    stopped_everywhere(Life::active, |life| life.says(ingress(life, None)), |life, when| assert_eq!(rules(life), [9092], "{when}")).await;
    let mut life = Life::active().await;
    life.says(ingress(&life, Some(Duration::from_secs(3600))));
    life.settles().await;
    assert_eq!(rules(&life), [9092]);
    for _ in 0..13 {
        life.looks_again().await;
    }
    assert_eq!((rules(&life), life.count("ConnectorIngressRevoked")), (vec![], 1));
    let world = life.cloud.world();
    assert!(world.networks[&life.network(Side::Remote).to_string()].groups.iter().all(|group| group.rules.is_empty()));
}

#[tokio::test(start_paused = true)]
async fn names_resolve_once_asked_for_and_only_where_the_networks_can() {
    let mut life = Life::active().await;
    for side in Side::BOTH {
        life.cloud.hands().set_dns(&life.network(side), crate::cloud::DnsSupport { resolution: true, hostnames: false });
    }
    life.says(SetDnsResolution { peering_id: peering_id(), side: Side::Remote, enabled: true });
    life.blocks(BlockCause::DnsPrecondition, Side::Local).await;
    for side in Side::BOTH {
        life.cloud.hands().set_dns(&life.network(side), crate::cloud::DnsSupport { resolution: true, hostnames: true });
    }
    life.settles().await;
    assert!(life.log.peering().dns.remote.applied && life.log.peering().is_converged());
    life.cloud.hands().flip(&life.link(), LinkRole::Accepter, false);
    life.looks_again().await;
    assert_eq!((life.count("DriftDetected"), life.count("DriftRepaired")), (1, 1));
    life.says(remove());
    life.settles().await;
    is_clean(&life.cloud.world(), "removed with its option");
}

#[tokio::test(start_paused = true)]
async fn what_drifts_is_found_and_put_right_and_said_so() {
    let mut life = Life::active().await;
    let (local, link) = (life.network(Side::Local), life.link());
    let table = life.routes(Side::Local)[0].0.clone();
    let hands = life.cloud.hands();
    hands.unroute(&local, &table, CLIENTS.parse().unwrap());
    hands.tag(&link, LinkRole::Requester, None);
    let rule = life.log.peering().firewall.local.rules.values().next().unwrap().clone();
    hands.drop_rule(&local, &rule);
    life.looks_again().await;
    assert_eq!((life.count("DriftDetected"), life.count("DriftRepaired")), (3, 3));
    assert!(life.log.peering().is_converged(), "{:#?}", life.log.peering());
    assert_eq!(life.routes(Side::Local).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_network_that_only_reports_and_one_that_adopts_change_nothing() {
    for drift in [DriftPolicy::Report, DriftPolicy::Adopt] {
        let mut life = Life::active().await;
        life.says(SetPolicy { policy: Policy { drift, exposure: ExposurePolicy::Report } });
        life.settles().await;
        let table = life.routes(Side::Local)[0].0.clone();
        life.cloud.hands().unroute(&life.network(Side::Local), &table, CLIENTS.parse().unwrap());
        life.looks_again().await;
        assert_eq!(life.routes(Side::Local).len(), 1, "{drift:?}");
        assert_eq!((life.count("DriftDetected"), life.count("DriftAdopted")), (1, usize::from(drift == DriftPolicy::Adopt)));
        assert_eq!(life.log.peering().is_converged(), drift == DriftPolicy::Adopt);
    }
}

#[tokio::test(start_paused = true)]
async fn a_repair_that_is_undone_again_and_again_ends_in_a_block_and_not_in_a_fight() {
    let mut life = Life::active().await;
    let (local, table) = (life.network(Side::Local), life.routes(Side::Local)[0].0.clone());
    for _ in 0..12 {
        life.cloud.hands().unroute(&local, &table, CLIENTS.parse().unwrap());
        tokio::time::advance(ProvisionerSettings::default().drift_interval).await;
        life.run(Fuse::never(), Duration::from_secs(240)).await;
    }
    assert_eq!(life.log.peering().blocked.map(|it| it.cause), Some(BlockCause::RepairUndone));
    assert_eq!(life.count("DriftRepaired"), 3);
}

#[tokio::test(start_paused = true)]
async fn a_strangers_rule_that_lets_the_private_network_in_is_an_exposure_until_it_is_gone() {
    let mut life = Life::active().await;
    let (remote, hands) = (life.network(Side::Remote), life.cloud.hands());
    let group = hands.group(&remote, "legacy", &["tcp 22 from 10.0.0.0/8", "tcp 443 from 192.168.0.0/16"]).unwrap();
    life.looks_again().await;
    let exposures = life.log.peering().firewall.remote.exposures;
    assert_eq!(exposures.values().map(|it| it.admits.as_str()).collect::<Vec<_>>(), ["tcp 22 from 10.0.0.0/8"]);
    life.says(SetPolicy { policy: Policy { exposure: ExposurePolicy::Enforce { groups: [group].into() }, ..Policy::default() } });
    life.settles().await;
    assert!(life.log.peering().firewall.remote.exposures.is_empty());
    assert_eq!((life.count("FirewallExposed"), life.count("ExposureCleared")), (1, 1));
    let world = life.cloud.world();
    let legacy = world.networks[&remote.to_string()].groups.iter().find(|it| it.name == "legacy").unwrap();
    assert_eq!(legacy.rules.len(), 1, "what lets nothing of the private network in is left alone");
}

#[tokio::test(start_paused = true)]
async fn what_no_list_lets_through_is_no_exposure() {
    let mut life = Life::active().await;
    let (remote, hands) = (life.network(Side::Remote), life.cloud.hands());
    let subnet = "subnet-r".parse().unwrap();
    hands.add_subnet(&remote, &subnet, None);
    hands.fence(&remote, &[subnet], &[("everything from 10.20.0.0/16", false), ("everything from 0.0.0.0/0", true)]);
    hands.group(&remote, "legacy", &["tcp 22 from 10.0.0.0/8"]).unwrap();
    life.looks_again().await;
    assert!(life.log.peering().firewall.remote.exposures.is_empty());
}

#[tokio::test(start_paused = true)]
async fn with_the_owners_consent_the_engine_waits_and_writes_down_who_accepted() {
    let mut life = Life::asked_for();
    life.log = Log::with_consent(Consent::Owner).told_by(&life.clock);
    assert_eq!(life.run(Fuse::never(), Duration::from_secs(600)).await, Some(Settled::No));
    assert_eq!((life.log.peering().life.as_str(), life.log.peering().blocked), ("awaiting_acceptance", None));
    let link = life.link();
    life.cloud.hands().accept(&link);
    life.settles().await;
    let peering = life.log.peering();
    assert!(peering.is_converged(), "{peering:#?}");
    let evidence = peering.acceptance;
    assert_eq!(evidence.map(|it| it.accepted_by), Some(domain::network::AcceptedBy::Owner));
    assert!(life.routes(Side::Remote).is_empty(), "that side is its owner's");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_nobody_accepts_is_warned_of_expires_and_is_renewed_once() {
    let mut life = Life::asked_for();
    life.log = Log::with_terms(domain::network::Terms { consent: Consent::Owner, deadline: None, renew: true }).told_by(&life.clock);
    life.run(Fuse::never(), Duration::from_secs(145 * 3600)).await;
    assert_eq!((life.count("PeeringExpiryNear"), life.count("PeeringExpired")), (1, 0));
    life.run(Fuse::never(), Duration::from_secs(400 * 3600)).await;
    assert_eq!((life.count("PeeringExpired"), life.count("PeeringRenewed"), life.count("PeeringExpiryNear")), (2, 1, 2));
    assert_eq!(life.log.peering().life.as_str(), "expired");
}

#[tokio::test(start_paused = true)]
async fn a_link_that_is_not_active_by_its_deadline_is_taken_back() {
    let mut life = Life::asked_for();
    let deadline = Some((life.clock)() + Duration::from_secs(7200));
    life.log = Log::with_terms(domain::network::Terms { consent: Consent::Owner, deadline, renew: false }).told_by(&life.clock);
    life.run(Fuse::never(), Duration::from_secs(3 * 3600)).await;
    assert_eq!((life.count("PeeringDeadlinePassed"), life.log.peering().life.as_str()), (1, "removed"));
    is_clean(&life.cloud.world(), "after the deadline");
}

#[tokio::test(start_paused = true)]
async fn an_adopted_link_is_kept_and_never_removed_nor_are_the_routes_it_had() {
    let mut life = Life::asked_for();
    let (network, peering) = (life.log.network(), life.log.peering());
    let ends = Side::BOTH.map(|side| place::end(&network, &peering, side));
    let hands = life.cloud.hands();
    let link = hands.join(&ends[1], &ends[0], LinkState::Active, None);
    let main = life.main_table(Side::Remote);
    hands.route(&ends[1].network, &main, "10.20.0.0/16".parse().unwrap(), RouteTarget::Link(link.clone()));
    life.log = Log::adopting(&link).told_by(&life.clock);
    life.settles().await;
    assert!(life.log.peering().is_converged(), "{:#?}", life.log.peering());
    assert_eq!((life.count("PeeringSurveyed"), life.routes(Side::Local).len()), (1, 2));
    life.says(remove());
    life.settles().await;
    assert_eq!(life.log.peering().life.as_str(), "removed");
    assert_eq!((life.routes(Side::Local), life.routes(Side::Remote)), (vec![], vec![(main, "10.20.0.0/16".to_owned())]));
    assert_eq!(life.cloud.world().links[&link].state, LinkState::Active);
}

#[tokio::test(start_paused = true)]
async fn a_removal_that_the_peer_refuses_names_it_and_goes_on_once_it_is_allowed() {
    let mut life = Life::active().await;
    let remote = life.network(Side::Remote).place.account;
    life.cloud.hands().deny(&remote);
    life.says(remove());
    life.blocks(BlockCause::PermissionDenied, Side::Remote).await;
    assert!(life.routes(Side::Local).is_empty(), "what can be taken back is");
    assert!(life.log.peering().blocked.unwrap().remedy.iter().any(|it| it.contains("abandon")));
    life.cloud.hands().allow(&remote);
    life.settles().await;
    is_clean(&life.cloud.world(), "allowed at last");
}

#[tokio::test(start_paused = true)]
async fn a_group_that_is_in_use_holds_up_the_end_and_is_named() {
    let mut life = Life::active().await;
    let (local, group) = (life.network(Side::Local), life.log.peering().firewall.local.group.unwrap());
    life.cloud.hands().use_group(&local, &group);
    life.says(remove());
    life.blocks(BlockCause::InUse, Side::Local).await;
    life.cloud.hands().leave_group(&local, &group);
    life.settles().await;
    is_clean(&life.cloud.world(), "no longer used");
}

#[tokio::test(start_paused = true)]
async fn a_link_that_somebody_else_ends_is_found_and_named_and_not_made_again() {
    let mut life = Life::active().await;
    let link = life.link();
    life.cloud.hands().delete(&link, LinkRole::Accepter);
    tokio::time::advance(ProvisionerSettings::default().drift_interval).await;
    life.blocks(BlockCause::LinkEnded, Side::Local).await;
    assert_eq!(life.count("DriftDetected"), 1);
    life.says(remove());
    life.settles().await;
    is_clean(&life.cloud.world(), "removed after its link was ended");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_asked_of_the_cloud_when_nothing_is_due_and_each_kind_once_when_it_is() {
    let mut life = Life::active().await;
    let settings = ProvisionerSettings::default();
    let metered = Metered::new(Arc::new(life.cloud.clone()), settings.calls.clone());
    settle(&metered, &life.log, &life.clock, &settings, &mut life.memories, LONG).await;
    assert_eq!(metered.calls().total(), 0);
    tokio::time::advance(settings.drift_interval).await;
    settle(&metered, &life.log, &life.clock, &settings, &mut life.memories, LONG).await;
    let counts = metered.calls().snapshot();
    let of = |operation| counts.iter().filter(|((it, _), _)| *it == operation).map(|(_, count)| count).sum::<u64>();
    assert_eq!((of(Operation::Links), of(Operation::RouteTables), of(Operation::FirewallGroups)), (1, 2, 2), "{counts:#?}");
    assert!(counts.keys().all(|(operation, _)| operation.class() != CallClass::Write));
    assert_eq!(metered.calls().total(), 5, "{counts:#?}");
}

#[test]
fn outcomes_have_a_name_each() {
    let unblocked = Outcome::Unblocked(domain::network::ProvisioningUnblocked { peering_id: peering_id() });
    assert_eq!(unblocked.name(), "Unblocked");
    let accept = AcceptRoute { peering_id: peering_id(), side: Side::Local, destination: range(CLIENTS) };
    assert_eq!(NetworkCommand::from(accept).peering_id(), Some(peering_id()));
}
