//! Networks with what is in them.

use super::{
    firewall::SimulatedGroup,
    guard::Guard,
    shown::{Gone, Shown, ghosts},
};
use chrono::{DateTime, Utc};
use cloud::{
    AccessEntry, AccessListView, Direction, DnsSupport, InterfaceView, NetworkRef, NetworkView,
    RouteState, RouteTableView, RouteTarget, RouteView, Source, SubnetView, Traffic,
};
use domain::{
    Provider,
    text::{AccessList, Account, FirewallGroup, Interface, RouteTable, Subnet},
};
use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A network with everything in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SimulatedNetwork {
    /// Which network it is.
    pub network: NetworkRef,
    /// All its ranges; empty in a lenient cloud that has not been told yet.
    pub ranges: Vec<IpNet>,
    /// Its subnets.
    #[serde(default)]
    pub subnets: Vec<SimulatedSubnet>,
    /// The main table first.
    pub tables: Vec<SimulatedTable>,
    /// Its firewall groups.
    pub groups: Vec<SimulatedGroup>,
    /// The network interfaces of its machines.
    #[serde(default)]
    pub interfaces: Vec<SimulatedInterface>,
    /// Groups that were removed and may still be shown.
    #[serde(default)]
    pub gone_groups: Vec<Gone<SimulatedGroup>>,
    /// Those beside the default one, which serves the other subnets and allows everything.
    #[serde(default)]
    pub access_lists: Vec<SimulatedAccessList>,
    /// What the default one has beside that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub default_entries: Vec<AccessEntry>,
    /// What it has of DNS.
    #[serde(default = "all_supported")]
    pub dns: DnsSupport,
    /// Whether it has a gateway of its own that it could lend (Azure).
    #[serde(default)]
    pub gateway: bool,
    /// What stands before its machines (Azure).
    #[serde(default)]
    pub guard: Guard,
    /// Its static and dynamic routes, which it can export (GCP).
    #[serde(default)]
    pub custom_routes: Vec<IpNet>,
    /// The accounts that its owner shares it with: they see it, and whose it is.
    #[serde(default)]
    pub shared_with: BTreeSet<Account>,
    /// Until when it is busy with an operation.
    pub busy_until: DateTime<Utc>,
}

/// A subnet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SimulatedSubnet {
    /// Its id.
    pub id: Subnet,
    /// The zone that it is in.
    pub zone: Option<String>,
    /// Its addresses; none of one from before they were kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<Ipv4Net>,
}

/// A route table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SimulatedTable {
    /// Its id, given once.
    pub id: RouteTable,
    /// The subnets that use this table and not the main one.
    pub subnets: Vec<Subnet>,
    /// Its routes, the network's own among them.
    pub routes: Vec<SimulatedRoute>,
    /// Routes that were removed and may still be shown.
    #[serde(default)]
    pub gone_routes: Vec<Gone<SimulatedRoute>>,
}

/// A route.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SimulatedRoute {
    /// Where the packets go that it is about.
    pub destination: IpNet,
    /// Where it sends them.
    pub target: RouteTarget,
    /// From when on reads see it.
    pub shown: Shown,
}

/// A network interface of a machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SimulatedInterface {
    /// Its id.
    pub id: Interface,
    /// The groups that are attached to it.
    pub groups: BTreeSet<FirewallGroup>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// The service that manages it.
    pub managed_by: Option<String>,
}

/// A list in front of subnets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SimulatedAccessList {
    /// Its id, given once; none of one from before there were any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<AccessList>,
    /// The subnets that it stands before.
    pub subnets: Vec<Subnet>,
    /// Its inbound entries, in order.
    pub entries: Vec<AccessEntry>,
}

fn all_supported() -> DnsSupport {
    DnsSupport {
        resolution: true,
        hostnames: true,
    }
}

impl SimulatedNetwork {
    pub(crate) fn new(network: NetworkRef, ranges: Vec<IpNet>, main: RouteTable) -> Self {
        let mut table = SimulatedTable::new(main);
        ranges.iter().for_each(|range| table.hold_local(*range));
        Self {
            network,
            ranges,
            subnets: Vec::new(),
            tables: vec![table],
            groups: Vec::new(),
            interfaces: Vec::new(),
            gone_groups: Vec::new(),
            access_lists: Vec::new(),
            default_entries: Vec::new(),
            dns: all_supported(),
            gateway: false,
            guard: Guard::default(),
            custom_routes: Vec::new(),
            shared_with: BTreeSet::new(),
            busy_until: DateTime::<Utc>::MIN_UTC,
        }
    }

    /// One more range, with its local route in every table.
    pub(crate) fn widen(&mut self, range: IpNet) {
        self.ranges.push(range);
        self.tables
            .iter_mut()
            .for_each(|table| table.hold_local(range));
    }

    /// One range less, and its local routes.
    pub(crate) fn narrow(&mut self, range: IpNet) {
        self.ranges.retain(|it| *it != range);
        self.tables.iter_mut().for_each(|table| {
            table
                .routes
                .retain(|it| it.target != RouteTarget::Local || it.destination != range)
        });
    }

    /// A table beside the main one, which begins with the local routes.
    pub(crate) fn add_table(&mut self, id: RouteTable, subnets: &[Subnet]) {
        let mut table = SimulatedTable {
            subnets: subnets.to_vec(),
            ..SimulatedTable::new(id)
        };
        self.ranges
            .iter()
            .for_each(|range| table.hold_local(*range));
        self.tables
            .iter_mut()
            .for_each(|other| other.subnets.retain(|subnet| !subnets.contains(subnet)));
        self.tables.push(table);
    }

    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        self.ranges.iter().any(|one| {
            other
                .ranges
                .iter()
                .any(|two| one.contains(two) || two.contains(one))
        })
    }

    pub(crate) fn view(&self) -> NetworkView {
        NetworkView {
            network: self.network.network.clone(),
            ranges: self.ranges.clone(),
            immutable_id: None,
            shared_by: None,
        }
    }

    /// Only AWS attaches groups to interfaces.
    pub(crate) fn interface_views(&self) -> Vec<InterfaceView> {
        match self.network.at.provider {
            Provider::Aws => {}
            Provider::Gcp | Provider::Azure => return Vec::new(),
        }
        let view = |it: &SimulatedInterface| InterfaceView {
            network: self.network.network.clone(),
            interface: it.id.clone(),
            groups: it.groups.clone(),
            tags: it.tags.clone(),
            managed_by: it.managed_by.clone(),
        };
        self.interfaces.iter().map(view).collect()
    }

    pub(crate) fn subnet_views(&self) -> impl Iterator<Item = SubnetView> {
        let view = |it: &SimulatedSubnet| SubnetView {
            network: self.network.network.clone(),
            subnet: it.id.clone(),
            zone: it.zone.clone(),
            ranges: it.range.into_iter().collect(),
        };
        self.subnets.iter().map(view)
    }

    /// The tables, as if every route carried packets: that is for the links to say.
    pub(crate) fn table_views(&mut self, now: DateTime<Utc>) -> Vec<RouteTableView> {
        let route = |(destination, target)| RouteView {
            destination,
            target,
            state: RouteState::Active,
        };
        let home = &self.network.network;
        let view = |(index, table): (usize, &mut SimulatedTable)| {
            let routes = table.seen_routes(now).into_iter();
            RouteTableView {
                network: home.clone(),
                table: table.id.clone(),
                main: index == 0,
                subnets: table.subnets.clone(),
                routes: routes.map(route).collect(),
                others: Vec::new(),
            }
        };
        self.tables.iter_mut().enumerate().map(view).collect()
    }

    /// The id of the default list.
    fn default_list(&self) -> Option<AccessList> {
        format!("acl-{}", self.network.network).parse().ok()
    }

    /// The entries of the list of this id.
    pub(crate) fn entries_of(&mut self, list: &AccessList) -> Option<&mut Vec<AccessEntry>> {
        if self.default_list().as_ref() == Some(list) {
            return Some(&mut self.default_entries);
        }
        let mut lists = self.access_lists.iter_mut();
        let found = lists.find(|it| it.id.as_ref() == Some(list));
        found.map(|it| &mut it.entries)
    }

    /// The lists in front of subnets. Only AWS has such; there, every subnet has one.
    pub fn access_list_views(&self) -> Vec<AccessListView> {
        match self.network.at.provider {
            Provider::Aws => {}
            Provider::Gcp | Provider::Azure => return Vec::new(),
        }
        let view = |list, subnets, entries| AccessListView {
            network: self.network.network.clone(),
            list,
            subnets,
            entries,
            behind: None,
        };
        let named = self
            .access_lists
            .iter()
            .map(|it| view(it.id.clone(), it.subnets.clone(), it.entries.clone()));
        let has_one = |subnet: &Subnet| {
            self.access_lists
                .iter()
                .any(|list| list.subnets.contains(subnet))
        };
        let others = self
            .subnets
            .iter()
            .map(|it| it.id.clone())
            .filter(|subnet| !has_one(subnet))
            .collect();
        let everything = Traffic {
            source: Source::Ranges(vec![
                IpNet::V4(ipnet::Ipv4Net::default()),
                IpNet::V6(ipnet::Ipv6Net::default()),
            ]),
            protocol: None,
            ports: None,
            target: None,
        };
        named
            .chain([view(
                self.default_list(),
                others,
                std::iter::once(AccessEntry {
                    direction: Direction::Inbound,
                    priority: 100,
                    traffic: everything,
                    allow: true,
                })
                .chain(self.default_entries.iter().cloned())
                .collect(),
            )])
            .collect()
    }
}

impl SimulatedTable {
    fn new(id: RouteTable) -> Self {
        Self {
            id,
            subnets: Vec::new(),
            routes: Vec::new(),
            gone_routes: Vec::new(),
        }
    }

    fn hold_local(&mut self, range: IpNet) {
        self.routes.push(SimulatedRoute {
            destination: range,
            target: RouteTarget::Local,
            shown: Shown::always(),
        });
    }

    /// What a read shows of its routes; for each destination one.
    pub(crate) fn seen_routes(&mut self, now: DateTime<Utc>) -> Vec<(IpNet, RouteTarget)> {
        let mut seen: Vec<_> = self
            .routes
            .iter_mut()
            .filter_map(|it| {
                it.shown
                    .read(now)
                    .then(|| (it.destination, it.target.clone()))
            })
            .collect();
        for ghost in ghosts(&mut self.gone_routes, now) {
            if seen
                .iter()
                .all(|(destination, _)| *destination != ghost.destination)
            {
                seen.push((ghost.destination, ghost.target));
            }
        }
        seen
    }
}
