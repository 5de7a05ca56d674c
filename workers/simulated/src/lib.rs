//! A cloud in this process, with the annoyances of real ones.
//!
//! Reads lag behind what was made, changed and removed; links fail a while after the request; calls
//! are throttled and answers lost; a second request for a pair gives the first one's id; a reversed
//! pair fails at acceptance; routes go nowhere until their link is active, and again once it is
//! gone; a link that is over is shown for hours, and then never was. At GCP and Azure a link is two
//! halves, made and removed one side at a time, and a network is busy while one of its halves is.
//! All of it is set by [`SimulatedSettings`] and drawn from one seed; time is told by a clock.
//!
//! Four parts: [`World`] is what exists, `admission` is who gets in, `faults` is chance, `calls` is
//! what calls do. [`OutOfBand`] does what people do to a cloud behind the engine's back.

#![warn(missing_docs)]

mod admission;
mod calls;
mod faults;
mod inner;
mod out_of_band;
mod persistence;
mod settings;
#[cfg(test)]
mod tests;
mod world;

pub use admission::{NextCall, Refused};
pub use out_of_band::OutOfBand;
pub use persistence::PersistenceError;
pub use settings::{CallRate, Rehearsing, SecondRequest, SimulatedSettings, Span, Unknown};
pub use world::{
    Ended, Face, Gone, Guard, Shown, SimulatedAccessList, SimulatedGroup, SimulatedHalf,
    SimulatedInterface, SimulatedLink, SimulatedNetwork, SimulatedOperation, SimulatedRoute,
    SimulatedRule, SimulatedSubnet, SimulatedTable, Turn, World,
};

use admission::Admission;
use async_trait::async_trait;
use calls::Call;
use cloud::{
    AccessListView, AccountRegion, CallClass, Cloud, CloudError, CloudErrorKind, DnsSupport,
    FirewallPart, Groundwork, GroupView, HalfAnswer, InterfaceView, Limits, LinkRole, LinkSpec,
    LinkView, NetworkRef, NetworkView, Operation, OperationState, Owner, Rehearsal, Rehearsed,
    RequestId, RouteTableView, SubnetView, Switch,
};
use domain::{
    Clock, CloudMode, Provider, QuotaOverrides, Range, SeenQuotas, Side,
    network::{Denial, InboundRule, LinkOption},
    text::{
        Account, CloudNetwork, CloudOperation, FirewallGroup, FirewallRule, Interface, Link,
        RouteTable,
    },
};
use faults::Faults;
use inner::{Inner, State};
use parking_lot::{Mutex, MutexGuard};
use persistence::Persistence;
use std::{collections::BTreeMap, fmt, sync::Arc};

/// The simulated cloud. Clones share one world.
#[derive(Clone)]
pub struct SimulatedCloud {
    inner: Arc<Inner>,
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
    ) -> Result<Self, PersistenceError> {
        let persistence = Persistence::at(path);
        let world = persistence.load()?.unwrap_or_else(|| World {
            chance: settings.seed,
            ..World::default()
        });
        Ok(Self::of(settings, clock, world, Some(persistence)))
    }

    fn of(
        settings: SimulatedSettings,
        clock: Clock,
        world: World,
        persistence: Option<Persistence>,
    ) -> Self {
        let admission = Admission::of(&settings);
        let state = State {
            faults: Faults::of(world.chance),
            world,
            admission,
            impostors: BTreeMap::new(),
        };
        Self {
            inner: Arc::new(Inner {
                settings,
                clock,
                persistence,
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

    /// Changes made out of band, by people and other tools.
    pub fn out_of_band(&self) -> OutOfBand {
        OutOfBand::of(self.clone())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock()
    }

    /// One call: the way there, its effect, the way back.
    async fn call<T>(
        &self,
        operation: Operation,
        at: &AccountRegion,
        call: impl FnOnce(&mut Call<'_>) -> Result<T, CloudError> + Send,
    ) -> Result<T, CloudError> {
        let latency = self.state().faults.draw(&self.inner.settings.latency);
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        let state = &mut *self.state();
        let (settings, now) = (&self.inner.settings, (self.inner.clock)());
        state.admission.reach(operation, at)?;
        let prepared = state.admission.prepared(operation, at);
        match prepared {
            Some(NextCall::Throttled) => return Err(admission::throttled(operation, at)),
            Some(NextCall::Refused(why)) => return Err(why.error(operation, at)),
            Some(NextCall::AnswerLost) | None => {}
        }
        state.faults.on_the_way(settings, operation, at)?;
        state
            .admission
            .pace(settings.call_rate, operation, at, now)?;
        state.admission.enter(operation, at)?;
        state.world.pass_time(now);
        let done = call(&mut Call {
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
        if prepared == Some(NextCall::AnswerLost) {
            return Err(faults::answer_lost(operation, at));
        }
        state.faults.on_the_way_back(settings, operation, at)?;
        Ok(done)
    }

    fn keep(
        &self,
        state: &mut State,
        operation: Operation,
        at: &AccountRegion,
    ) -> Result<(), CloudError> {
        state.world.chance = state.faults.state();
        let Some(persistence) = &self.inner.persistence else {
            return Ok(());
        };
        persistence.save(&state.world).map_err(|problem| {
            CloudError::new(operation, at, CloudErrorKind::Unexpected).message(problem.to_string())
        })
    }
}

#[async_trait]
impl Cloud for SimulatedCloud {
    async fn identity(&self, at: &AccountRegion) -> Result<Account, CloudError> {
        self.call(Operation::Identity, at, |call| call.identity())
            .await
    }

    async fn networks(
        &self,
        at: &AccountRegion,
        of: &[CloudNetwork],
    ) -> Result<Vec<NetworkView>, CloudError> {
        self.call(Operation::Networks, at, |call| Ok(call.networks(of)))
            .await
    }

    async fn subnets(
        &self,
        at: &AccountRegion,
        of: &[CloudNetwork],
    ) -> Result<Vec<SubnetView>, CloudError> {
        self.call(Operation::Subnets, at, |call| Ok(call.subnets(of)))
            .await
    }

    async fn links(
        &self,
        at: &AccountRegion,
        of: &[CloudNetwork],
    ) -> Result<Vec<LinkView>, CloudError> {
        self.call(Operation::Links, at, |call| Ok(call.links(of)))
            .await
    }

    async fn route_tables(
        &self,
        at: &AccountRegion,
        of: &[CloudNetwork],
    ) -> Result<Vec<RouteTableView>, CloudError> {
        self.call(Operation::RouteTables, at, |call| Ok(call.route_tables(of)))
            .await
    }

    async fn firewall_groups(
        &self,
        at: &AccountRegion,
        of: &[CloudNetwork],
    ) -> Result<Vec<GroupView>, CloudError> {
        self.call(Operation::FirewallGroups, at, |call| {
            Ok(call.firewall_groups(of))
        })
        .await
    }

    async fn access_lists(
        &self,
        at: &AccountRegion,
        of: &[CloudNetwork],
    ) -> Result<Vec<AccessListView>, CloudError> {
        self.call(Operation::AccessLists, at, |call| Ok(call.access_lists(of)))
            .await
    }

    async fn interfaces(
        &self,
        at: &AccountRegion,
        of: &[CloudNetwork],
    ) -> Result<Vec<InterfaceView>, CloudError> {
        self.call(Operation::Interfaces, at, |call| Ok(call.interfaces(of)))
            .await
    }

    async fn dns_support(&self, network: &NetworkRef) -> Result<DnsSupport, CloudError> {
        let at = &network.at;
        self.call(Operation::DnsSupport, at, |it| it.dns_support(network))
            .await
    }

    /// It knows permissions by the names of the port's operations.
    fn permissions(&self, _: Provider, operation: Operation) -> Vec<&'static str> {
        vec![operation.as_str()]
    }

    fn mode(&self, _provider: Provider) -> Option<CloudMode> {
        Some(CloudMode::Simulated)
    }

    fn limits(&self, _at: &AccountRegion, seen: QuotaOverrides) -> Limits {
        self.inner.settings.limits().seeing(&seen)
    }

    /// Only what somebody has set: all else is as the settings say, and known.
    fn tells_quotas(&self, at: &AccountRegion) -> bool {
        self.state().world.quotas_at(at).is_some()
    }

    fn quota_scope(&self, at: &AccountRegion, of: &CloudNetwork) -> String {
        self.state().world.quota_scope(at, of)
    }

    async fn quotas(
        &self,
        at: &AccountRegion,
        of: &CloudNetwork,
    ) -> Result<SeenQuotas, CloudError> {
        self.call(Operation::Quotas, at, |it| it.quotas(of)).await
    }

    async fn rehearse(&self, rehearsal: &Rehearsal) -> Result<Rehearsed, CloudError> {
        let at = rehearsal.at();
        self.call(Operation::Rehearse, at, |it| Ok(it.rehearse(rehearsal)))
            .await
    }

    async fn make_half(
        &self,
        spec: &LinkSpec,
        side: Side,
        request: RequestId,
    ) -> Result<HalfAnswer, CloudError> {
        let (operation, at) = (Operation::of_making(spec, side), &spec.network(side).at);
        self.call(operation, at, |call| call.make_half(spec, side, request))
            .await
    }

    async fn remove_half(
        &self,
        spec: &LinkSpec,
        side: Side,
        request: RequestId,
    ) -> Result<HalfAnswer, CloudError> {
        let at = &spec.network(side).at;
        self.call(Operation::DeleteLink, at, |it| {
            it.remove_half(spec, side, request)
        })
        .await
    }

    async fn operation(
        &self,
        at: &AccountRegion,
        operation: &CloudOperation,
    ) -> Result<OperationState, CloudError> {
        self.call(Operation::OperationState, at, |it| it.operation(operation))
            .await
    }

    async fn tag_link(
        &self,
        at: &AccountRegion,
        link: &Link,
        owner: Owner,
    ) -> Result<(), CloudError> {
        self.call(Operation::TagLink, at, |call| call.tag_link(link, owner))
            .await
    }

    async fn set_option(
        &self,
        network: &NetworkRef,
        link: &Link,
        end: LinkRole,
        option: LinkOption,
        to: Switch,
    ) -> Result<(), CloudError> {
        self.call(Operation::SetOption, &network.at, |call| {
            call.set_option(network, link, end, option, to.is_on())
        })
        .await
    }

    async fn install_route(
        &self,
        at: &AccountRegion,
        table: &RouteTable,
        destination: Range,
        link: &Link,
    ) -> Result<(), CloudError> {
        self.call(Operation::InstallRoute, at, |call| {
            call.install_route(table, destination, link)
        })
        .await
    }

    async fn remove_route(
        &self,
        at: &AccountRegion,
        table: &RouteTable,
        destination: Range,
    ) -> Result<(), CloudError> {
        self.call(Operation::RemoveRoute, at, |call| {
            call.remove_route(table, destination)
        })
        .await
    }

    async fn create_group(
        &self,
        network: &NetworkRef,
        owner: Owner,
    ) -> Result<FirewallGroup, CloudError> {
        self.call(Operation::CreateGroup, &network.at, |call| {
            call.create_group(network, owner)
        })
        .await
    }

    async fn delete_group(
        &self,
        at: &AccountRegion,
        group: &FirewallGroup,
    ) -> Result<(), CloudError> {
        self.call(Operation::DeleteGroup, at, |call| call.delete_group(group))
            .await
    }

    async fn authorize_rule(
        &self,
        at: &AccountRegion,
        group: &FirewallGroup,
        rule: InboundRule,
        owner: Owner,
    ) -> Result<FirewallRule, CloudError> {
        self.call(Operation::AuthorizeRule, at, |call| {
            call.authorize_rule(group, rule, owner)
        })
        .await
    }

    async fn tag_firewall(
        &self,
        at: &AccountRegion,
        part: &FirewallPart,
        owner: Owner,
    ) -> Result<(), CloudError> {
        self.call(Operation::TagFirewall, at, |call| {
            call.tag_firewall(part, owner)
        })
        .await
    }

    async fn revoke_rule(
        &self,
        at: &AccountRegion,
        group: &FirewallGroup,
        rule: &FirewallRule,
    ) -> Result<(), CloudError> {
        self.call(Operation::RevokeRule, at, |call| {
            call.revoke_rule(group, rule)
        })
        .await
    }

    async fn attach_group(
        &self,
        at: &AccountRegion,
        interface: &Interface,
        group: &FirewallGroup,
    ) -> Result<(), CloudError> {
        self.call(Operation::AttachGroup, at, |call| {
            call.attach_group(interface, group)
        })
        .await
    }

    async fn detach_group(
        &self,
        at: &AccountRegion,
        interface: &Interface,
        group: &FirewallGroup,
    ) -> Result<(), CloudError> {
        self.call(Operation::DetachGroup, at, |call| {
            call.detach_group(interface, group)
        })
        .await
    }

    async fn make_denial(&self, at: &AccountRegion, denial: &Denial) -> Result<(), CloudError> {
        self.call(Operation::MakeDenial, at, |call| call.make_denial(denial))
            .await
    }

    async fn remove_denial(&self, at: &AccountRegion, denial: &Denial) -> Result<(), CloudError> {
        self.call(Operation::RemoveDenial, at, |it| it.remove_denial(denial))
            .await
    }
}

#[async_trait]
impl Groundwork for SimulatedCloud {
    async fn create_network(
        &self,
        at: &AccountRegion,
        range: Range,
        name: &str,
    ) -> Result<CloudNetwork, CloudError> {
        self.call(Operation::CreateNetwork, at, |call| {
            call.create_network(range, name)
        })
        .await
    }
}
