//! Observe: what a read of the cloud has shown of one peering.
//!
//! A plan says what it must see ([`Query`]); whatever it did not ask for nobody has looked at, and
//! is `None` here. Nothing is read twice in a pass, and nothing that no plan needs is read at all.

use super::{
    observation::{Freshness, Observation, Of, Reads},
    query::Query,
    sides,
};
use cloud::{
    AccessListView, DnsSupport, GroupView, InterfaceView, LinkForm, LinkView, NetworkRef,
    NetworkView, OperationState, Rehearsed, RouteTableView, SubnetView,
};
use domain::{
    BySide, Side,
    network::{Peering, Registered},
    text::Account,
};

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
    /// The interfaces of the side's network; the inner `None` where they may not be read.
    pub(super) interfaces: BySide<Option<Option<Vec<InterfaceView>>>>,
    pub(super) dns: BySide<Option<DnsSupport>>,
    /// What has become of the change of the side's half that is under way.
    pub(super) operations: BySide<Option<OperationState>>,
    pub(super) may_create_link: Option<Rehearsed>,
    pub(super) may_create_group: BySide<Option<Rehearsed>>,
}

impl Observed {
    /// What the observation shows of this peering, as far as that is good enough for it.
    pub(super) fn of(
        observation: &Observation,
        network: &Registered,
        peering: &Peering,
        freshness: &Freshness,
    ) -> Self {
        let reads = &*observation.reads.lock();
        let ends = sides::networks(network, peering);
        let links = |side: Side, between: bool| {
            let end = ends.get(side);
            let all = Reads::good(&reads.links, Query::Links(side), end, freshness)?;
            // Where each side has an object, a side's are those of its own network.
            let is_two = LinkForm::of(end.at.provider).is_two_objects();
            let of_this = all.shows.iter().filter(|link| {
                link.end(end).is_some() && (!is_two || link.first.network.is_same(end))
            });
            Some(
                of_this
                    .filter(|link| joins(link, &ends) == between)
                    .cloned()
                    .collect(),
            )
        };
        let rehearsed = |query| reads.rehearsed(peering.id, query, freshness);
        Self {
            identity: BySide::of(|side| reads.identity(&ends.get(side).at, side, freshness)),
            network: BySide::of(|side| {
                let (end, query) = (ends.get(side), Query::Network(side));
                own(&reads.networks, query, end, freshness, |it| &it.network)
            }),
            subnets: BySide::of(|side| {
                let (end, query) = (ends.get(side), Query::Subnets(side));
                own(&reads.subnets, query, end, freshness, |it| &it.network)
            }),
            links: BySide::of(|side| links(side, true)),
            neighbours: BySide::of(|side| links(side, false)),
            tables: BySide::of(|side| {
                let (end, query) = (ends.get(side), Query::Tables(side));
                own(&reads.tables, query, end, freshness, |it| &it.network)
            }),
            groups: BySide::of(|side| {
                let (end, query) = (ends.get(side), Query::Groups(side));
                own(&reads.groups, query, end, freshness, |it| &it.network)
            }),
            lists: BySide::of(|side| {
                let (end, query) = (ends.get(side), Query::AccessLists(side));
                own(&reads.lists, query, end, freshness, |it| &it.network)
            }),
            interfaces: BySide::of(|side| {
                let (end, query) = (ends.get(side), Query::Interfaces(side));
                let read = Reads::good(&reads.interfaces, query, end, freshness)?;
                let shown = read.shows.iter().flatten().flatten();
                let own = shown.filter(|view| view.network == end.network);
                let is_told = read.shows.iter().any(Option::is_some);
                Some(is_told.then(|| own.cloned().collect()))
            }),
            dns: BySide::of(|side| reads.dns(ends.get(side), side, freshness)),
            operations: BySide::of(|side| reads.operation(peering, side, freshness)),
            may_create_link: rehearsed(Query::MayCreateLink),
            may_create_group: BySide::of(|side| rehearsed(Query::MayCreateGroup(side))),
        }
    }
}

/// Whether a link joins these two networks.
fn joins(link: &LinkView, ends: &BySide<NetworkRef>) -> bool {
    link.end(&ends.local).is_some() && link.end(&ends.remote).is_some()
}

/// Those views of an account and region that are of this network.
fn own<V: Clone>(
    views: &Of<V>,
    query: Query,
    network: &NetworkRef,
    freshness: &Freshness,
    of: impl Fn(&V) -> &domain::text::CloudNetwork,
) -> Option<Vec<V>> {
    let all = &Reads::good(views, query, network, freshness)?.shows;
    Some(
        all.iter()
            .filter(|view| *of(view) == network.network)
            .cloned()
            .collect(),
    )
}
