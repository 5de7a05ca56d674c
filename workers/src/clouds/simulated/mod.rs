//! A cloud in this process, with the annoyances of real ones.
//!
//! Reads lag behind, links fail a while after the request, calls are throttled and answers lost, a second request for a pair
//! gives the first one's id, a reversed pair fails at acceptance, routes go nowhere until their link is active. All of it is set
//! by [`SimulatedSettings`] and drawn from one seed; time is told by a clock. The facts behind it are AWS's.
//!
//! Three parts: [`World`] is what exists, `weather` is chance, `deeds` is what calls do. [`Hands`] does what people do to a cloud
//! behind the engine's back.

mod deeds;
mod hands;
mod keeping;
mod settings;
#[cfg(test)]
mod tests;
mod weather;
mod world;

pub use hands::Hands;
pub use keeping::KeepingError;
pub use settings::{SecondRequest, SimulatedSettings, Span, Unknown};
pub use world::{Shown, SimulatedGroup, SimulatedLink, SimulatedNetwork, SimulatedRoute, SimulatedRule, SimulatedTable, Turn, World};

use crate::cloud::{
    CallClass, Cloud, CloudError, CloudErrorKind, Groundwork, GroupView, LinkSpec, LinkView, NetworkRef, Operation, Place, RouteTableView,
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{
    PeeringId, Range,
    network::InboundRule,
    text::{Account, CloudNetwork, FirewallGroup, FirewallRule, Link, RouteTable, Subnet},
};
use journal::Clock;
use keeping::Keeping;
use std::{
    collections::{BTreeMap, BTreeSet},
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
    /// Accounts in which nothing may be changed.
    denied: BTreeSet<Account>,
    /// Whose credentials are really used where.
    impostors: BTreeMap<Account, Account>,
    /// Whether nothing answers at all.
    down: bool,
}

impl fmt::Debug for SimulatedCloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatedCloud").field("settings", &self.inner.settings).finish_non_exhaustive()
    }
}

impl SimulatedCloud {
    /// A new and empty world in memory.
    pub fn new(settings: SimulatedSettings, clock: Clock) -> Self {
        let world = World { chance: settings.seed, ..World::default() };
        Self::of(settings, clock, world, None)
    }

    /// The world that is kept in this file, or a new one; every change is in the file before its call returns.
    pub fn kept_in(path: &std::path::Path, settings: SimulatedSettings, clock: Clock) -> Result<Self, KeepingError> {
        let keeping = Keeping::at(path);
        let world = keeping.load()?.unwrap_or_else(|| World { chance: settings.seed, ..World::default() });
        Ok(Self::of(settings, clock, world, Some(keeping)))
    }

    fn of(settings: SimulatedSettings, clock: Clock, world: World, keeping: Option<Keeping>) -> Self {
        let state = State {
            weather: Weather::of(world.chance),
            world,
            denied: settings.denied.iter().cloned().collect(),
            impostors: BTreeMap::new(),
            down: false,
        };
        Self { inner: Arc::new(Inner { settings, clock, keeping, state: Mutex::new(state) }) }
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
        // A panic of another holder leaves a world that is as good as any: each deed changes it in one go.
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
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
        if state.down {
            return Err(CloudError::new(operation, at, CloudErrorKind::Unreachable).message("connection refused"));
        }
        state.weather.on_the_way(&self.inner.settings, operation, at)?;
        let writes = operation.class() == CallClass::Write;
        if writes && state.denied.contains(&at.account) {
            let error = CloudError::new(operation, at, CloudErrorKind::Denied).code("UnauthorizedOperation");
            return Err(error.message("You are not authorized to perform this operation."));
        }
        let now = (self.inner.clock)();
        state.world.pass_time(now);
        let done = deed(&mut Deed { settings: &self.inner.settings, state, operation, at, now })?;
        if writes {
            self.keep(state, operation, at)?;
        }
        state.weather.on_the_way_back(&self.inner.settings, operation, at)?;
        Ok(done)
    }

    fn keep(&self, state: &mut State, operation: Operation, at: &Place) -> Result<(), CloudError> {
        state.world.chance = state.weather.state();
        let Some(keeping) = &self.inner.keeping else { return Ok(()) };
        keeping
            .save(&state.world)
            .map_err(|problem| CloudError::new(operation, at, CloudErrorKind::Unexpected).message(problem.to_string()))
    }
}

/// A call that has arrived: everything it may touch.
struct Deed<'a> {
    settings: &'a SimulatedSettings,
    state: &'a mut State,
    operation: Operation,
    at: &'a Place,
    now: DateTime<Utc>,
}

#[async_trait]
impl Cloud for SimulatedCloud {
    async fn identity(&self, at: &Place) -> Result<Account, CloudError> {
        self.call(Operation::Identity, at, |deed| deed.identity()).await
    }

    async fn links(&self, at: &Place, one: &NetworkRef, other: &NetworkRef) -> Result<Vec<LinkView>, CloudError> {
        self.call(Operation::Links, at, |deed| Ok(deed.links(one, other))).await
    }

    async fn create_link(&self, spec: &LinkSpec) -> Result<Link, CloudError> {
        self.call(Operation::CreateLink, &spec.requester.network.place, |deed| deed.create_link(spec)).await
    }

    async fn accept_link(&self, at: &Place, link: &Link) -> Result<(), CloudError> {
        self.call(Operation::AcceptLink, at, |deed| deed.accept_link(link)).await
    }

    async fn route_tables(&self, network: &NetworkRef, subnets: &[Subnet]) -> Result<Vec<RouteTableView>, CloudError> {
        self.call(Operation::RouteTables, &network.place, |deed| deed.route_tables(network, subnets)).await
    }

    async fn install_route(&self, at: &Place, table: &RouteTable, destination: Range, link: &Link) -> Result<(), CloudError> {
        self.call(Operation::InstallRoute, at, |deed| deed.install_route(table, destination, link)).await
    }

    async fn firewall_groups(&self, network: &NetworkRef, peering: PeeringId) -> Result<Vec<GroupView>, CloudError> {
        self.call(Operation::FirewallGroups, &network.place, |deed| deed.firewall_groups(network, peering)).await
    }

    async fn create_group(&self, network: &NetworkRef, peering: PeeringId) -> Result<FirewallGroup, CloudError> {
        self.call(Operation::CreateGroup, &network.place, |deed| deed.create_group(network, peering)).await
    }

    async fn authorize_rule(
        &self,
        at: &Place,
        group: &FirewallGroup,
        rule: InboundRule,
        peering: PeeringId,
    ) -> Result<FirewallRule, CloudError> {
        self.call(Operation::AuthorizeRule, at, |deed| deed.authorize_rule(group, rule, peering)).await
    }

    async fn revoke_rule(&self, at: &Place, group: &FirewallGroup, rule: &FirewallRule) -> Result<(), CloudError> {
        self.call(Operation::RevokeRule, at, |deed| deed.revoke_rule(group, rule)).await
    }
}

#[async_trait]
impl Groundwork for SimulatedCloud {
    async fn create_network(&self, at: &Place, range: Range, name: &str) -> Result<CloudNetwork, CloudError> {
        self.call(Operation::CreateNetwork, at, |deed| deed.create_network(range, name)).await
    }
}
