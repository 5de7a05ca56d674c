//! What people do to networks, subnets and route tables.

use super::{
    super::{
        faults::{after, prefixes},
        world::{
            Shown, SimulatedAccessList, SimulatedHalf, SimulatedNetwork, SimulatedRoute,
            SimulatedSubnet, bare, bare_network, traffic,
        },
    },
    OutOfBand,
};
use cloud::{
    AccessEntry, AccessListView, AccountRegion, Direction, DnsSupport, NetworkRef, RouteTarget,
};
use domain::{
    SeenQuotas,
    text::{AccessList, Account, ImmutableId, RouteTable, Subnet},
};
use ipnet::{IpNet, Ipv4Net};
use std::time::Duration;

impl OutOfBand {
    /// A network with these ranges, its main table, and for each of the subnets one more table; the
    /// subnets are in the region's zones in turn. In the place of any that was there.
    pub fn build(&self, network: &NetworkRef, ranges: &[IpNet], subnets: &[Subnet]) {
        self.reach(|state, _| {
            let table = prefixes(network.at.provider).table;
            let mut built = SimulatedNetwork::new(
                bare_network(network),
                ranges.to_vec(),
                state.faults.id(table),
            );
            for (index, subnet) in subnets.iter().enumerate() {
                let zone = Some(format!("{}-az{}", network.at.region, index % 3 + 1));
                built.subnets.push(SimulatedSubnet {
                    id: subnet.clone(),
                    zone,
                    range: nth_block(ranges, index),
                });
                built.add_table(state.faults.id(table), std::slice::from_ref(subnet));
            }
            state.world.networks.insert(network.to_string(), built);
        });
    }

    /// The network is gone with everything in it and its links, and another one with its ranges and
    /// subnets has its name from now on: nothing but its immutable id tells the two apart.
    pub fn remake(&self, network: &NetworkRef) {
        let before = self.with_network(network, |it| {
            let subnets: Vec<_> = it.subnets.iter().map(|it| it.id.clone()).collect();
            (it.ranges.clone(), subnets)
        });
        self.raze(network);
        if let Some((ranges, subnets)) = before {
            self.build(network, &ranges, &subnets);
        }
    }

    /// From now on the account allows this in this region, and the cloud tells it.
    pub fn set_quotas(&self, at: &AccountRegion, quotas: SeenQuotas) {
        let key = bare(at).to_string();
        self.reach(|state, _| state.world.quotas.insert(key, quotas));
    }

    /// From now on the part of the account that this network is in tells this of itself; the
    /// account tells something too.
    pub fn tell_quotas_of(&self, network: &NetworkRef, quotas: SeenQuotas) {
        let key = format!("{} {}", bare(&network.at), network.network);
        self.reach(|state, _| state.world.quotas.insert(key, quotas));
    }

    /// From now on the cloud tells this of the network's immutable id, or nothing of it.
    pub fn tell_immutable_id(&self, network: &NetworkRef, told: Option<ImmutableId>) {
        self.reach(|state, _| state.world.told_ids.insert(network.to_string(), told));
    }

    /// It tells the truth again.
    pub fn tell_the_immutable_id(&self, network: &NetworkRef) {
        self.reach(|state, _| state.world.told_ids.remove(&network.to_string()));
    }

    /// The network is gone with everything in it, and with its links.
    pub fn raze(&self, network: &NetworkRef) {
        self.reach(|state, now| {
            let name = network.to_string();
            if state.world.networks.remove(&name).is_some() {
                *state.world.razed.entry(name).or_default() += 1;
            }
            let is_here = |it: &SimulatedHalf| it.network.is_same(network);
            state.world.halves.retain(|it| !is_here(it));
            for link in state
                .world
                .links
                .values_mut()
                .filter(|link| link.state.is_live())
            {
                if let Some(role) = link.role_of(network) {
                    link.delete(role, Duration::ZERO, now);
                    link.pass_time(now);
                }
            }
        });
    }

    pub(super) fn with_network<T>(
        &self,
        network: &NetworkRef,
        call: impl FnOnce(&mut SimulatedNetwork) -> T,
    ) -> Option<T> {
        self.reach(|state, _| state.world.network_mut(network).map(call))
    }

    /// The network's owner shares it with this account, which sees it from now on.
    pub fn share(&self, network: &NetworkRef, account: &Account) {
        self.with_network(network, |network| {
            network.shared_with.insert(account.clone());
        });
    }

    /// One more range, as its links tell it too.
    pub fn widen(&self, network: &NetworkRef, range: IpNet) {
        self.with_network(network, |network| network.widen(range));
        self.reach(|state, _| {
            for link in state.world.links.values_mut() {
                if let Some(role) = link.role_of(network) {
                    link.end_mut(role).ranges.push(range);
                }
            }
        });
    }

    /// The network does without this range from now on, and its links tell it so.
    pub fn narrow(&self, network: &NetworkRef, range: IpNet) {
        self.with_network(network, |network| network.narrow(range));
        self.reach(|state, _| {
            for link in state.world.links.values_mut() {
                if let Some(role) = link.role_of(network) {
                    link.end_mut(role).ranges.retain(|it| *it != range);
                }
            }
        });
    }

    /// One more subnet, served by the main table, in this zone.
    pub fn add_subnet(&self, network: &NetworkRef, subnet: &Subnet, zone: Option<&str>) {
        let subnet = SimulatedSubnet {
            id: subnet.clone(),
            zone: zone.map(str::to_owned),
            range: None,
        };
        self.with_network(network, |network| {
            let range = nth_block(&network.ranges, network.subnets.len());
            network.subnets.push(SimulatedSubnet { range, ..subnet });
        });
    }

    /// The subnet has these addresses; it has none of IPv4, if nothing is given.
    pub fn place_subnet(&self, network: &NetworkRef, subnet: &Subnet, range: Option<Ipv4Net>) {
        self.with_network(network, |network| {
            let mut subnets = network.subnets.iter_mut();
            if let Some(found) = subnets.find(|it| it.id == *subnet) {
                found.range = range;
            }
        });
    }

    /// One subnet less; no table names it any more.
    pub fn drop_subnet(&self, network: &NetworkRef, subnet: &Subnet) {
        self.with_network(network, |network| {
            network.subnets.retain(|it| it.id != *subnet);
            network
                .tables
                .iter_mut()
                .for_each(|table| table.subnets.retain(|it| it != subnet));
        });
    }

    /// One more table, which these subnets have chosen now.
    pub fn add_table(&self, network: &NetworkRef, subnets: &[Subnet]) -> Option<RouteTable> {
        let id: RouteTable =
            self.reach(|state, _| state.faults.id(prefixes(network.at.provider).table));
        self.with_network(network, |network| network.add_table(id.clone(), subnets))?;
        Some(id)
    }

    /// The table is gone with its routes; its subnets are back at the main one.
    pub fn drop_table(&self, network: &NetworkRef, table: &RouteTable) {
        self.with_network(network, |network| {
            network.tables.retain(|it| it.id != *table)
        });
    }

    /// Somebody's own route, in the place of any other for that destination.
    pub fn route(
        &self,
        network: &NetworkRef,
        table: &RouteTable,
        destination: IpNet,
        target: RouteTarget,
    ) {
        self.with_routes(network, table, |routes| {
            routes.retain(|route| route.destination != destination);
            routes.push(SimulatedRoute {
                destination,
                target,
                shown: Shown::always(),
            });
        });
    }

    /// No route for that destination any more.
    pub fn unroute(&self, network: &NetworkRef, table: &RouteTable, destination: IpNet) {
        self.with_routes(network, table, |routes| {
            routes.retain(|route| route.destination != destination)
        });
    }

    fn with_routes(
        &self,
        network: &NetworkRef,
        table: &RouteTable,
        call: impl FnOnce(&mut Vec<SimulatedRoute>),
    ) {
        self.reach(|state, _| {
            if let Some(table) = state.world.table(&network.at, table) {
                table.gone_routes.clear();
                call(&mut table.routes);
            }
        });
    }

    /// Whether the network has a gateway.
    pub fn set_gateway(&self, network: &NetworkRef, gateway: bool) {
        self.with_network(network, |network| network.gateway = gateway);
    }

    /// The network has a static or dynamic route to this range.
    pub fn add_custom_route(&self, network: &NetworkRef, range: IpNet) {
        self.with_network(network, |network| network.custom_routes.push(range));
    }

    /// What the network has of DNS.
    pub fn set_dns(&self, network: &NetworkRef, dns: DnsSupport) {
        self.with_network(network, |network| network.dns = dns);
    }

    /// An access list in front of these subnets, in the place of any they had. Each entry is the
    /// traffic as people write it, like `tcp 2113 from 10.20.0.0/16`, and whether it is allowed.
    pub fn fence(&self, network: &NetworkRef, subnets: &[Subnet], entries: &[(&str, bool)]) {
        let id: AccessList = self.reach(|state, _| state.faults.id("acl"));
        let entries = entries
            .iter()
            .zip(1..)
            .map(|((text, allow), priority)| AccessEntry {
                direction: Direction::Inbound,
                priority,
                traffic: traffic(text),
                allow: *allow,
            })
            .collect();
        self.with_network(network, |network| {
            network
                .access_lists
                .iter_mut()
                .for_each(|list| list.subnets.retain(|subnet| !subnets.contains(subnet)));
            network.access_lists.push(SimulatedAccessList {
                id: Some(id),
                subnets: subnets.to_vec(),
                entries,
            });
        });
    }

    /// A list that there is stands before this subnet, in the place of any that it had.
    pub fn move_list(&self, network: &NetworkRef, list: &AccessList, before: &Subnet) {
        self.with_network(network, |network| {
            for known in &mut network.access_lists {
                known.subnets.retain(|subnet| subnet != before);
                if known.id.as_ref() == Some(list) {
                    known.subnets.push(before.clone());
                }
            }
        });
    }

    /// The lists of the network, each with the subnets that it stands before.
    pub fn lists(&self, network: &NetworkRef) -> Vec<AccessListView> {
        let views = self.with_network(network, |network| network.access_list_views());
        views.unwrap_or_default()
    }

    /// Somebody's own entry in a list, in place of whatever has its number.
    pub fn enter(&self, network: &NetworkRef, list: &AccessList, number: u16, entry: (&str, bool)) {
        self.remove_entry(network, list, number);
        self.with_network(network, |network| {
            network.entries_of(list).map(|entries| {
                entries.push(AccessEntry {
                    direction: Direction::Inbound,
                    priority: number.into(),
                    traffic: traffic(entry.0),
                    allow: entry.1,
                });
            })
        });
    }

    /// The entry with this number is gone, whoever made it.
    pub fn remove_entry(&self, network: &NetworkRef, list: &AccessList, number: u16) {
        self.with_network(network, |network| {
            let entries = network.entries_of(list);
            entries.map(|it| it.retain(|entry| entry.priority != u32::from(number)))
        });
    }

    /// The network is in the middle of another operation until then, told in the world's time from
    /// now.
    pub fn occupy(&self, network: &NetworkRef, for_so_long: Duration) {
        self.reach(|state, now| {
            if let Some(network) = state.world.network_mut(network) {
                network.busy_until = after(now, for_so_long);
            }
        });
    }
}

/// The block of 256 addresses in this place of the first range that a subnet's may be taken from.
fn nth_block(ranges: &[IpNet], place: usize) -> Option<Ipv4Net> {
    let mut blocks = ranges.iter().filter_map(|range| match range {
        IpNet::V4(range) => range.subnets(24).ok(),
        IpNet::V6(_) => None,
    });
    blocks.next()?.nth(place)
}
