//! Observe: what a look at the cloud has shown of one peering.
//!
//! A plan says what it must see ([`Sight`]); whatever it did not ask for nobody has looked at, and
//! is `None` here. Nothing is read twice in a visit, and nothing that no plan needs is read at all.

use super::{place, survey::Survey};
use cloud::{
    AccessListView, DnsSupport, GroupView, LinkView, NetworkRef, NetworkView, Place, Rehearsed,
    RouteTableView, SubnetView,
};
use domain::{
    BySide, Side,
    network::{Peering, Registered},
    text::Account,
};

/// One thing to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Sight {
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

impl Sight {
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
    /// What the survey shows of this peering.
    pub(super) fn of(survey: &Survey, network: &Registered, peering: &Peering) -> Self {
        let ends = place::networks(network, peering);
        let at = |side| &ends.get(side).place;
        let links = |side: Side, between: bool| {
            let all = survey.links.get(at(side))?;
            let of_this = all.iter().filter(|link| link.end(ends.get(side)).is_some());
            Some(
                of_this
                    .filter(|link| joins(link, &ends) == between)
                    .cloned()
                    .collect(),
            )
        };
        let rehearsed = |sight| survey.rehearsed.get(&(peering.id, sight)).cloned();
        Self {
            identity: BySide::of(|side| survey.identities.get(at(side)).cloned()),
            network: BySide::of(|side| {
                own(&survey.networks, ends.get(side), |it: &NetworkView| {
                    &it.network
                })
            }),
            subnets: BySide::of(|side| {
                own(&survey.subnets, ends.get(side), |it: &SubnetView| {
                    &it.network
                })
            }),
            links: BySide::of(|side| links(side, true)),
            neighbours: BySide::of(|side| links(side, false)),
            tables: BySide::of(|side| {
                own(&survey.tables, ends.get(side), |it: &RouteTableView| {
                    &it.network
                })
            }),
            groups: BySide::of(|side| {
                own(&survey.groups, ends.get(side), |it: &GroupView| &it.network)
            }),
            lists: BySide::of(|side| {
                own(&survey.lists, ends.get(side), |it: &AccessListView| {
                    &it.network
                })
            }),
            dns: BySide::of(|side| survey.dns.get(ends.get(side)).copied()),
            may_create_link: rehearsed(Sight::MayCreateLink),
            may_create_group: BySide::of(|side| rehearsed(Sight::MayCreateGroup(side))),
        }
    }
}

/// Whether a link joins these two networks.
fn joins(link: &LinkView, ends: &BySide<NetworkRef>) -> bool {
    link.end(&ends.local).is_some() && link.end(&ends.remote).is_some()
}

/// Those of a place's views that are of this network.
fn own<V: Clone>(
    views: &std::collections::BTreeMap<Place, Vec<V>>,
    network: &NetworkRef,
    of: impl Fn(&V) -> &domain::text::CloudNetwork,
) -> Option<Vec<V>> {
    let all = views.get(&network.place)?;
    Some(
        all.iter()
            .filter(|view| *of(view) == network.network)
            .cloned()
            .collect(),
    )
}
