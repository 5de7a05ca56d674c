//! What people do to a cloud behind the engine's back: permissions, outages, things put where ours should be.

use super::{
    SimulatedCloud,
    weather::prefixes,
    world::{Shown, SimulatedLink, SimulatedNetwork, SimulatedRoute, SimulatedRule, SimulatedTable},
};
use crate::cloud::{LinkEnd, LinkState, NetworkRef, RouteTarget};
use domain::{
    PeeringId,
    text::{Account, FirewallRule, Link, RouteTable, Subnet},
};
use ipnet::IpNet;

/// Hands in a simulated cloud. Nothing here waits, is refused or gets lost.
#[derive(Clone, Debug)]
pub struct Hands {
    cloud: SimulatedCloud,
}

impl Hands {
    pub(super) fn of(cloud: SimulatedCloud) -> Self {
        Self { cloud }
    }

    /// From now on nothing may be changed in this account.
    pub fn deny(&self, account: &Account) {
        self.cloud.state().denied.insert(account.clone());
    }

    pub fn allow(&self, account: &Account) {
        self.cloud.state().denied.remove(account);
    }

    /// From now on the credentials for one account act in the other.
    pub fn mix_up(&self, expected: &Account, actual: &Account) {
        self.cloud.state().impostors.insert(expected.clone(), actual.clone());
    }

    pub fn sort_out(&self, expected: &Account) {
        self.cloud.state().impostors.remove(expected);
    }

    /// From now on nothing answers.
    pub fn cut(&self) {
        self.cloud.state().down = true;
    }

    pub fn mend(&self) {
        self.cloud.state().down = false;
    }

    /// A network with these ranges, its main table, and one more table for each of the subnets.
    pub fn build(&self, network: &NetworkRef, ranges: &[IpNet], subnets: &[Subnet]) {
        let state = &mut *self.cloud.state();
        let table = prefixes(network.place.provider).table;
        let mut built = SimulatedNetwork::new(network.clone(), ranges.to_vec(), state.weather.id(table));
        for subnet in subnets {
            let routes = built.tables.first().map(|main| main.routes.clone()).unwrap_or_default();
            built.tables.push(SimulatedTable { id: state.weather.id(table), subnets: vec![subnet.clone()], routes });
        }
        state.world.networks.insert(network.to_string(), built);
    }

    /// Somebody's own link between two networks.
    pub fn join(&self, requester: &LinkEnd, accepter: &LinkEnd, linked: LinkState, owner: Option<PeeringId>) -> Link {
        let state = &mut *self.cloud.state();
        let id: Link = state.weather.id(prefixes(requester.network.place.provider).link);
        let link = SimulatedLink {
            id: id.clone(),
            requester: requester.clone(),
            accepter: accepter.clone(),
            state: linked,
            message: None,
            expires_at: None,
            owner,
            turns: None,
            shown_to_requester: Shown::always(),
            shown_to_accepter: Shown::always(),
        };
        state.world.links.insert(id.clone(), link);
        id
    }

    /// The link is in this state now, and stays there.
    pub fn turn(&self, link: &Link, into: LinkState) {
        if let Some(link) = self.cloud.state().world.links.get_mut(link) {
            link.state = into;
            link.turns = None;
        }
    }

    /// The link is forgotten, as terminal ones are after a while.
    pub fn forget(&self, link: &Link) {
        self.cloud.state().world.links.remove(link);
    }

    /// Somebody's own route, in the place of any other for that destination.
    pub fn route(&self, network: &NetworkRef, table: &RouteTable, destination: IpNet, target: RouteTarget) {
        let mut state = self.cloud.state();
        let Some(table) = state.world.table(&network.place, table) else { return };
        table.routes.retain(|route| route.destination != destination);
        table.routes.push(SimulatedRoute { destination, target, shown: Shown::always() });
    }

    /// No route for that destination any more.
    pub fn unroute(&self, network: &NetworkRef, table: &RouteTable, destination: IpNet) {
        if let Some(table) = self.cloud.state().world.table(&network.place, table) {
            table.routes.retain(|route| route.destination != destination);
        }
    }

    /// Somebody's own rule in the peering's firewall group.
    pub fn slip_in(&self, network: &NetworkRef, peering: PeeringId, text: &str) -> Option<FirewallRule> {
        let state = &mut *self.cloud.state();
        let id: FirewallRule = state.weather.id(prefixes(network.place.provider).rule);
        let network = state.world.network(network)?;
        let group = network.groups.iter_mut().find(|group| group.owner == Some(peering))?;
        group.rules.push(SimulatedRule { id: id.clone(), rule: None, text: text.to_owned(), owner: None, shown: Shown::always() });
        Some(id)
    }

    /// The rule is gone, whoever made it.
    pub fn drop_rule(&self, network: &NetworkRef, rule: &FirewallRule) {
        if let Some(network) = self.cloud.state().world.network(network) {
            network.groups.iter_mut().for_each(|group| group.rules.retain(|it| it.id != *rule));
        }
    }
}
