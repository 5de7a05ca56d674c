//! Observe: what a read of the cloud has shown of one peering.
//!
//! A plan says what it must see ([`Query`]); whatever it did not ask for nobody has looked at, and
//! is `None` here. Nothing is read twice in a pass, and nothing that no plan needs is read at all.

use super::{observation::Observation, sides};
use cloud::{
    AccessListView, AccountRegion, DnsSupport, GroupView, LinkView, NetworkRef, NetworkView,
    Rehearsed, RouteTableView, SubnetView,
};
use domain::{
    BySide, Side,
    network::{Peering, Registered},
    text::Account,
};

/// One thing to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Query {
    Identity(Side),
    /// The network itself, with its ranges.
    Network(Side),
    Subnets(Side),
    /// The links of the network, as this side shows them.
    Links(Side),
    Tables(Side),
    Groups(Side),
    AccessLists(Side),
    Dns(Side),
    /// Whether the engine may create the link, and a firewall group.
    MayCreateLink,
    MayCreateGroup(Side),
}

impl Query {
    /// The side whose cloud shows it.
    pub(super) fn side(self) -> Side {
        match self {
            Self::Identity(side)
            | Self::Network(side)
            | Self::Subnets(side)
            | Self::Links(side)
            | Self::Tables(side)
            | Self::Groups(side)
            | Self::AccessLists(side)
            | Self::Dns(side)
            | Self::MayCreateGroup(side) => side,
            Self::MayCreateLink => Side::Local,
        }
    }
}

/// What was seen; `None` where nobody looked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Observed {
    pub(super) identity: BySide<Option<Account>>,
    /// The side's network; empty if it is not there.
    pub(super) network: BySide<Option<Vec<NetworkView>>>,
    pub(super) subnets: BySide<Option<Vec<SubnetView>>>,
    /// The links between the two networks, as each side shows them.
    pub(super) links: BySide<Option<Vec<LinkView>>>,
    /// All other links of the side's network.
    pub(super) neighbours: BySide<Option<Vec<LinkView>>>,
    /// All tables of the side's network.
    pub(super) tables: BySide<Option<Vec<RouteTableView>>>,
    /// All groups of the side's network.
    pub(super) groups: BySide<Option<Vec<GroupView>>>,
    pub(super) lists: BySide<Option<Vec<AccessListView>>>,
    pub(super) dns: BySide<Option<DnsSupport>>,
    pub(super) may_create_link: Option<Rehearsed>,
    pub(super) may_create_group: BySide<Option<Rehearsed>>,
}

impl Observed {
    /// What the observation shows of this peering.
    pub(super) fn of(observation: &Observation, network: &Registered, peering: &Peering) -> Self {
        let ends = sides::networks(network, peering);
        let at = |side| &ends.get(side).at;
        let links = |side: Side, between: bool| {
            let all = observation.links.get(at(side))?;
            let of_this = all.iter().filter(|link| link.end(ends.get(side)).is_some());
            Some(
                of_this
                    .filter(|link| joins(link, &ends) == between)
                    .cloned()
                    .collect(),
            )
        };
        let rehearsed = |query| observation.rehearsed.get(&(peering.id, query)).cloned();
        Self {
            identity: BySide::of(|side| observation.identities.get(at(side)).cloned()),
            network: BySide::of(|side| {
                own(&observation.networks, ends.get(side), |it: &NetworkView| {
                    &it.network
                })
            }),
            subnets: BySide::of(|side| {
                own(&observation.subnets, ends.get(side), |it: &SubnetView| {
                    &it.network
                })
            }),
            links: BySide::of(|side| links(side, true)),
            neighbours: BySide::of(|side| links(side, false)),
            tables: BySide::of(|side| {
                own(
                    &observation.tables,
                    ends.get(side),
                    |it: &RouteTableView| &it.network,
                )
            }),
            groups: BySide::of(|side| {
                own(&observation.groups, ends.get(side), |it: &GroupView| {
                    &it.network
                })
            }),
            lists: BySide::of(|side| {
                own(&observation.lists, ends.get(side), |it: &AccessListView| {
                    &it.network
                })
            }),
            dns: BySide::of(|side| observation.dns.get(ends.get(side)).copied()),
            may_create_link: rehearsed(Query::MayCreateLink),
            may_create_group: BySide::of(|side| rehearsed(Query::MayCreateGroup(side))),
        }
    }
}

/// Whether a link joins these two networks.
fn joins(link: &LinkView, ends: &BySide<NetworkRef>) -> bool {
    link.end(&ends.local).is_some() && link.end(&ends.remote).is_some()
}

/// Those of an account and region that are of this network.
fn own<V: Clone>(
    views: &std::collections::BTreeMap<AccountRegion, Vec<V>>,
    network: &NetworkRef,
    of: impl Fn(&V) -> &domain::text::CloudNetwork,
) -> Option<Vec<V>> {
    let all = views.get(&network.at)?;
    Some(
        all.iter()
            .filter(|view| *of(view) == network.network)
            .cloned()
            .collect(),
    )
}
