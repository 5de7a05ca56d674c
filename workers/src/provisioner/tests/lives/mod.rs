//! The whole life of a peering on a simulated cloud: consent, drift, exposure, adoption, removal;
//! and each of them stopped at every step.
#![allow(clippy::unwrap_used)]

mod adoption;
mod answered;
mod attachment;
mod calls;
mod closing;
mod consent;
mod crashes;
mod crowd;
mod denial;
mod denial_left;
mod denial_told;
mod disturbed;
mod drift;
mod elsewhere;
mod exposure;
mod groups;
mod halves;
mod holds;
mod ingress;
mod interrupted;
mod ipv6;
mod misled;
mod months;
mod neighbours;
mod options;
mod orphans;
mod ownership;
mod quotas;
mod ranges;
mod removal;
mod replaced;
mod rests;
mod routes;
mod shared;
mod stale;
mod storms;
mod strangers;
mod subnets;
mod tags;
mod tenure;
mod turns;

use crate::provisioner::{
    context::{Pass, Wake},
    memories::Memories,
    settings::ProvisionerSettings,
    sides,
    testing::{
        CLIENTS, Fuse, Fused, Log, Meddled, Settled, clock, cloud, cloud_of, everywhere,
        peering_id, range, settle, settle_until,
    },
};
use cloud::{ClientPolicy, LinkState, NetworkRef, RateLimited, RouteTarget};
use domain::{
    Provider, Side,
    network::{
        AcceptRoute, AllowConnectorIngress, BlockCause, NetworkCommand, Outcome, RemovePeering,
        Terms,
    },
    text::{Link, RouteTable},
};
use journal::Clock;
use simulated::{SimulatedCloud, SimulatedSettings, World};
use std::{ops::RangeInclusive, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

const HOUR: Duration = Duration::from_secs(3600);
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
        let (cloud, log) = (
            cloud(SimulatedSettings::instant(21), &clock),
            Log::with_a_peering().told_by(&clock),
        );
        Self {
            cloud,
            clock,
            log,
            memories: Memories::default(),
        }
    }

    /// The same at this provider, on these terms.
    fn at(provider: Provider, terms: &Terms, settings: SimulatedSettings) -> Self {
        let clock = clock();
        let log = Log::at(provider, terms, &clock);
        Self {
            cloud: cloud_of(&log, settings, &clock),
            clock,
            log,
            memories: Memories::default(),
        }
    }

    /// The same, on a cloud that takes so long for each call.
    fn slow(latency: Duration) -> Self {
        Self::taking(latency..=latency)
    }

    fn taking(latency: RangeInclusive<Duration>) -> Self {
        let clock = clock();
        let settings = SimulatedSettings {
            latency,
            ..SimulatedSettings::instant(21)
        };
        Self {
            cloud: cloud(settings, &clock),
            clock,
            ..Self::asked_for()
        }
    }

    async fn active() -> Self {
        let mut life = Self::asked_for();
        life.settles().await;
        life
    }

    async fn run(&mut self, fuse: Fuse, at_most: Duration) -> Option<Settled> {
        let settings = ProvisionerSettings::default();
        let calls = ClientPolicy {
            deadline: LONG,
            ..settings.calls.clone()
        };
        let limited = RateLimited::new(Arc::new(Fused(self.cloud.clone(), fuse.clone())), calls);
        let log = Fused(self.log.clone(), fuse.clone());
        let memories = &mut self.memories;
        tokio::select! {
            biased;
            () = fuse.blown() => None,
            settled = settle(&limited, &log, &self.clock, &settings, memories, at_most) => Some(settled),
        }
    }

    /// Works for so long on a cloud that somebody meddles with, or until the engine is told to
    /// stop.
    async fn meddled(
        &mut self,
        cloud: impl Into<Arc<Meddled>>,
        stop: &CancellationToken,
        time: Duration,
    ) {
        let settings = ProvisionerSettings::default();
        let limited = RateLimited::new(cloud.into(), settings.calls.clone());
        let (log, clock) = (&self.log, &self.clock);
        let memories = &mut self.memories;
        settle_until(stop, &limited, log, clock, &settings, memories, time).await;
    }

    /// Passes over the network until nothing has come up that the last was not told.
    async fn passes(&mut self, wake: &Wake) {
        let settings = ProvisionerSettings::default();
        let limited = RateLimited::new(Arc::new(self.cloud.clone()), settings.calls.clone());
        let mut reasons = wake.take();
        while !reasons.is_empty() {
            wake.tell(reasons);
            let pass = Pass {
                cloud: &limited,
                express: &limited,
                inquiries: &limited,
                log: &self.log,
                clock: &self.clock,
                settings: &settings,
                rest: &Default::default(),
                graph: &parking_lot::RwLock::default(),
                turns: &crate::provisioner::turns::Turns::default(),
                quotas: &Default::default(),
                stop: &CancellationToken::new(),
                wake,
            };
            pass.run(&mut self.memories).await.unwrap();
            reasons = wake.take();
        }
    }

    /// The rules in all groups of the engine's own on this side.
    fn rules(&self, side: Side) -> usize {
        let world = self.cloud.world();
        let groups = &world.networks[&self.network(side).to_string()].groups;
        let ours = groups.iter().filter(|group| group.owner.is_some());
        ours.map(|group| group.rules.len()).sum()
    }

    async fn settles(&mut self) {
        assert_eq!(
            self.run(Fuse::never(), LONG).await,
            Some(Settled::Yes),
            "{:#?}",
            self.log.peering()
        );
    }

    /// Lets the time of the next look come, and settles.
    async fn looks_again(&mut self) {
        tokio::time::advance(ProvisionerSettings::default().drift_interval).await;
        self.settles().await;
    }

    async fn blocks(&mut self, cause: BlockCause, side: Side) {
        assert_eq!(
            self.run(Fuse::never(), Duration::from_secs(60)).await,
            Some(Settled::No),
            "{:#?}",
            self.log.peering()
        );
        let blocked = self.log.peering().blocked.expect("blocked");
        assert_eq!(
            (blocked.cause, blocked.side),
            (cause, side),
            "{}",
            blocked.message
        );
    }

    /// Works for so long, whatever comes of it.
    async fn look_for(&mut self, time: Duration) {
        self.run(Fuse::never(), time).await;
    }

    /// A link that somebody has made between the two networks, in this state.
    fn somebodys(&self, requester: Side, state: LinkState) -> Link {
        let (network, peering) = (self.log.network(), self.log.peering());
        let end = |side| sides::end(&network, &peering, side);
        self.cloud
            .out_of_band()
            .join(&end(requester), &end(requester.other()), state, None)
    }

    fn says(&self, command: impl Into<NetworkCommand>) {
        self.log.execute(&command.into()).unwrap();
    }

    fn network(&self, side: Side) -> NetworkRef {
        sides::network(&self.log.network(), &self.log.peering(), side)
    }

    fn link(&self) -> Link {
        self.log.peering().life.link().unwrap().clone()
    }

    fn count(&self, event: &str) -> usize {
        self.log
            .names(0)
            .into_iter()
            .filter(|name| *name == event)
            .count()
    }

    /// The routes over any link, with the table of each, on this side.
    fn routes(&self, side: Side) -> Vec<(RouteTable, String)> {
        let world = self.cloud.world();
        let tables = &world.networks[&self.network(side).to_string()].tables;
        let over = |target: &RouteTarget| matches!(target, RouteTarget::Link(_));
        let routes = tables.iter().flat_map(|table| {
            table
                .routes
                .iter()
                .filter(|it| over(&it.target))
                .map(move |it| (table, it))
        });
        routes
            .map(|(table, route)| (table.id.clone(), route.destination.to_string()))
            .collect()
    }

    fn main_table(&self, side: Side) -> RouteTable {
        self.cloud.world().networks[&self.network(side).to_string()].tables[0]
            .id
            .clone()
    }
}

fn remove() -> RemovePeering {
    RemovePeering {
        peering_id: peering_id(),
        reason: "no longer needed".parse().unwrap(),
    }
}

fn ingress(life: &Life, lasts: Option<Duration>) -> AllowConnectorIngress {
    AllowConnectorIngress {
        peering_id: peering_id(),
        target: range("10.50.7.0/24"),
        port: 9092,
        reason: "orders go to the peer's broker".parse().unwrap(),
        expires_at: lasts.map(|lasts| (life.clock)() + lasts),
        from: everywhere(),
        no_expiry: lasts.is_none(),
    }
}

/// Nothing of the engine's making is left in this world.
fn is_clean(world: &World, when: &str) {
    assert!(
        world.links.values().all(|link| !link.state.is_live()),
        "{when}: {:#?}",
        world.links
    );
    assert_eq!(world.halves, [], "{when}");
    for (key, network) in &world.networks {
        assert!(
            network.groups.iter().all(|group| group.owner.is_none()),
            "{when}: groups of {key}"
        );
        let routes = network.tables.iter().flat_map(|table| &table.routes);
        assert!(
            routes
                .into_iter()
                .all(|route| !matches!(route.target, RouteTarget::Link(_))),
            "{when}: routes of {key}"
        );
    }
}

#[test]
fn outcomes_have_a_name_each() {
    let unblocked = Outcome::Unblocked(domain::network::ProvisioningUnblocked {
        peering_id: peering_id(),
    });
    assert_eq!(unblocked.name(), "Unblocked");
    let accept = AcceptRoute {
        peering_id: peering_id(),
        side: Side::Local,
        destination: range(CLIENTS),
    };
    assert_eq!(
        NetworkCommand::from(accept).peering_id(),
        Some(peering_id())
    );
}
