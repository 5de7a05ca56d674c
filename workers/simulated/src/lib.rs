//! A cloud in this process, with the annoyances of real ones.
//!
//! Reads lag behind what was made, changed and removed; links fail a while after the request; calls
//! are throttled and answers lost; a second request for a pair gives the first one's id; a reversed
//! pair fails at acceptance; routes go nowhere until their link is active, and again once it is
//! gone; a link that is over is shown for hours, and then never was. All of it is set by
//! [`SimulatedSettings`] and drawn from one seed; time is told by a clock. The facts behind it are
//! AWS's, except that a side of another provider deletes only its own half of a link.
//!
//! Four parts: [`World`] is what exists, `gate` is who gets in, `weather` is chance, `deeds` is
//! what calls do. [`Hands`] does what people do to a cloud behind the engine's back.

mod deeds;
mod gate;
mod hands;
mod keeping;
mod settings;
#[cfg(test)]
mod tests;
mod weather;
mod world;

pub use gate::CallRate;
pub use hands::Hands;
pub use keeping::KeepingError;
pub use settings::{Rehearsing, SecondRequest, SimulatedSettings, Span, Unknown};
pub use world::{
    Ended, Face, Gone, Shown, SimulatedAccessList, SimulatedGroup, SimulatedLink, SimulatedNetwork,
    SimulatedRoute, SimulatedRule, SimulatedSubnet, SimulatedTable, Turn, World,
};

use async_trait::async_trait;
use cloud::{
    AccessListView, CallClass, Cloud, CloudError, CloudErrorKind, DnsSupport, FirewallPart,
    Groundwork, GroupView, Limits, LinkRole, LinkSpec, LinkView, NetworkRef, NetworkView,
    Operation, Place, Rehearsal, Rehearsed, RouteTableView, SubnetView,
};
use deeds::Deed;
use domain::{
    Clock, PeeringId, Range,
    network::InboundRule,
    text::{Account, CloudNetwork, FirewallGroup, FirewallRule, Link, RouteTable},
};
use gate::Gate;
use keeping::Keeping;
use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use weather::Weather;

/// The simulated cloud. Clones share one world.
#[derive(Clone)]
pub struct SimulatedCloud {
    inner: Arc<Inner>,
}

struct Inner {
    settings: SimulatedSettings,
    clock: Clock,
    keeping: Option<Keeping>,
    state: Mutex<State>,
}

/// Everything that changes.
struct State {
    world: World,
    weather: Weather,
    gate: Gate,
    /// Whose credentials are really used where.
    impostors: BTreeMap<Account, Account>,
}

impl fmt::Debug for SimulatedCloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatedCloud")
            .field("settings", &self.inner.settings)
            .finish_non_exhaustive()
    }
}

impl SimulatedCloud {
    /// A new and empty world in memory.
    pub fn new(settings: SimulatedSettings, clock: Clock) -> Self {
        let world = World {
            chance: settings.seed,
            ..World::default()
        };
        Self::of(settings, clock, world, None)
    }

    /// The world that is kept in this file, or a new one; every change is in the file before its
    /// call returns.
    pub fn kept_in(
        path: &std::path::Path,
        settings: SimulatedSettings,
        clock: Clock,
    ) -> Result<Self, KeepingError> {
        let keeping = Keeping::at(path);
        let world = keeping.load()?.unwrap_or_else(|| World {
            chance: settings.seed,
            ..World::default()
        });
        Ok(Self::of(settings, clock, world, Some(keeping)))
    }

    fn of(
        settings: SimulatedSettings,
        clock: Clock,
        world: World,
        keeping: Option<Keeping>,
    ) -> Self {
        let gate = Gate::of(&settings);
        let state = State {
            weather: Weather::of(world.chance),
            world,
            gate,
            impostors: BTreeMap::new(),
        };
        Self {
            inner: Arc::new(Inner {
                settings,
                clock,
                keeping,
                state: Mutex::new(state),
            }),
        }
    }

    /// What exists now.
    pub fn world(&self) -> World {
        let mut state = self.state();
        let now = (self.inner.clock)();
        state.world.pass_time(now);
        state.world.clone()
    }

    /// The hands that reach into this cloud from elsewhere.
    pub fn hands(&self) -> Hands {
        Hands::of(self.clone())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic of another holder leaves a world that is as good as any: each deed changes it in
        // one go.
        self.inner
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// One call: the way there, the deed, the way back.
    async fn call<T>(
        &self,
        operation: Operation,
        at: &Place,
        deed: impl FnOnce(&mut Deed<'_>) -> Result<T, CloudError> + Send,
    ) -> Result<T, CloudError> {
        let latency = self.state().weather.draw(&self.inner.settings.latency);
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        let state = &mut *self.state();
        let (settings, now) = (&self.inner.settings, (self.inner.clock)());
        state.gate.reach(operation, at)?;
        state.weather.on_the_way(settings, operation, at)?;
        state.gate.pace(settings.call_rate, operation, at, now)?;
        state.gate.enter(operation, at)?;
        state.world.pass_time(now);
        let done = deed(&mut Deed {
            settings,
            state,
            operation,
            at,
            now,
        })?;
        let writes = operation.class() == CallClass::Write;
        if writes {
            self.keep(state, operation, at)?;
        }
        state.weather.on_the_way_back(settings, operation, at)?;
        Ok(done)
    }

    fn keep(&self, state: &mut State, operation: Operation, at: &Place) -> Result<(), CloudError> {
        state.world.chance = state.weather.state();
        let Some(keeping) = &self.inner.keeping else {
            return Ok(());
        };
        keeping.save(&state.world).map_err(|problem| {
            CloudError::new(operation, at, CloudErrorKind::Unexpected).message(problem.to_string())
        })
    }
}

#[async_trait]
impl Cloud for SimulatedCloud {
    async fn identity(&self, at: &Place) -> Result<Account, CloudError> {
        self.call(Operation::Identity, at, |deed| deed.identity())
            .await
    }

    async fn networks(
        &self,
        at: &Place,
        of: &[CloudNetwork],
    ) -> Result<Vec<NetworkView>, CloudError> {
        self.call(Operation::Networks, at, |deed| Ok(deed.networks(of)))
            .await
    }

    async fn subnets(
        &self,
        at: &Place,
        of: &[CloudNetwork],
    ) -> Result<Vec<SubnetView>, CloudError> {
        self.call(Operation::Subnets, at, |deed| Ok(deed.subnets(of)))
            .await
    }

    async fn links(&self, at: &Place, of: &[CloudNetwork]) -> Result<Vec<LinkView>, CloudError> {
        self.call(Operation::Links, at, |deed| Ok(deed.links(of)))
            .await
    }

    async fn route_tables(
        &self,
        at: &Place,
        of: &[CloudNetwork],
    ) -> Result<Vec<RouteTableView>, CloudError> {
        self.call(Operation::RouteTables, at, |deed| Ok(deed.route_tables(of)))
            .await
    }

    async fn firewall_groups(
        &self,
        at: &Place,
        of: &[CloudNetwork],
    ) -> Result<Vec<GroupView>, CloudError> {
        self.call(Operation::FirewallGroups, at, |deed| {
            Ok(deed.firewall_groups(of))
        })
        .await
    }

    async fn access_lists(
        &self,
        at: &Place,
        of: &[CloudNetwork],
    ) -> Result<Vec<AccessListView>, CloudError> {
        self.call(Operation::AccessLists, at, |deed| Ok(deed.access_lists(of)))
            .await
    }

    async fn dns_support(&self, network: &NetworkRef) -> Result<DnsSupport, CloudError> {
        self.call(Operation::DnsSupport, &network.place, |deed| {
            deed.dns_support(network)
        })
        .await
    }

    /// It knows permissions by the names of the port's operations.
    fn permissions(&self, operation: Operation) -> Vec<&'static str> {
        vec![operation.as_str()]
    }

    fn limits(&self, _at: &Place) -> Limits {
        self.inner.settings.limits()
    }

    async fn rehearse(&self, rehearsal: &Rehearsal) -> Result<Rehearsed, CloudError> {
        self.call(Operation::Rehearse, rehearsal.place(), |deed| {
            Ok(deed.rehearse(rehearsal))
        })
        .await
    }

    async fn create_link(&self, spec: &LinkSpec) -> Result<Link, CloudError> {
        self.call(
            Operation::CreateLink,
            &spec.requester.network.place,
            |deed| deed.create_link(spec),
        )
        .await
    }

    async fn accept_link(&self, at: &Place, link: &Link) -> Result<(), CloudError> {
        self.call(Operation::AcceptLink, at, |deed| deed.accept_link(link))
            .await
    }

    async fn delete_link(&self, at: &Place, link: &Link) -> Result<(), CloudError> {
        self.call(Operation::DeleteLink, at, |deed| deed.delete_link(link))
            .await
    }

    async fn tag_link(
        &self,
        at: &Place,
        link: &Link,
        peering: PeeringId,
    ) -> Result<(), CloudError> {
        self.call(Operation::TagLink, at, |deed| deed.tag_link(link, peering))
            .await
    }

    async fn set_dns_resolution(
        &self,
        at: &Place,
        link: &Link,
        end: LinkRole,
        enabled: bool,
    ) -> Result<(), CloudError> {
        self.call(Operation::SetDnsResolution, at, |deed| {
            deed.set_dns_resolution(link, end, enabled)
        })
        .await
    }

    async fn install_route(
        &self,
        at: &Place,
        table: &RouteTable,
        destination: Range,
        link: &Link,
    ) -> Result<(), CloudError> {
        self.call(Operation::InstallRoute, at, |deed| {
            deed.install_route(table, destination, link)
        })
        .await
    }

    async fn remove_route(
        &self,
        at: &Place,
        table: &RouteTable,
        destination: Range,
    ) -> Result<(), CloudError> {
        self.call(Operation::RemoveRoute, at, |deed| {
            deed.remove_route(table, destination)
        })
        .await
    }

    async fn create_group(
        &self,
        network: &NetworkRef,
        peering: PeeringId,
    ) -> Result<FirewallGroup, CloudError> {
        self.call(Operation::CreateGroup, &network.place, |deed| {
            deed.create_group(network, peering)
        })
        .await
    }

    async fn delete_group(&self, at: &Place, group: &FirewallGroup) -> Result<(), CloudError> {
        self.call(Operation::DeleteGroup, at, |deed| deed.delete_group(group))
            .await
    }

    async fn authorize_rule(
        &self,
        at: &Place,
        group: &FirewallGroup,
        rule: InboundRule,
        peering: PeeringId,
    ) -> Result<FirewallRule, CloudError> {
        self.call(Operation::AuthorizeRule, at, |deed| {
            deed.authorize_rule(group, rule, peering)
        })
        .await
    }

    async fn tag_firewall(
        &self,
        at: &Place,
        part: &FirewallPart,
        peering: PeeringId,
    ) -> Result<(), CloudError> {
        self.call(Operation::TagFirewall, at, |deed| {
            deed.tag_firewall(part, peering)
        })
        .await
    }

    async fn revoke_rule(
        &self,
        at: &Place,
        group: &FirewallGroup,
        rule: &FirewallRule,
    ) -> Result<(), CloudError> {
        self.call(Operation::RevokeRule, at, |deed| {
            deed.revoke_rule(group, rule)
        })
        .await
    }
}

#[async_trait]
impl Groundwork for SimulatedCloud {
    async fn create_network(
        &self,
        at: &Place,
        range: Range,
        name: &str,
    ) -> Result<CloudNetwork, CloudError> {
        self.call(Operation::CreateNetwork, at, |deed| {
            deed.create_network(range, name)
        })
        .await
    }
}
