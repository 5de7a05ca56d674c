//! What exists in a simulated cloud, and how it changes with time alone.
//!
//! The world is one serde value: it can be kept in a file, printed, and judged by a test.

use super::weather::after;
use crate::cloud::{LinkEnd, LinkState, LinkView, NetworkRef, Place, RouteState, RouteTarget};
use chrono::{DateTime, Utc};
use domain::{
    PeeringId,
    network::InboundRule,
    text::{FirewallGroup, FirewallRule, Link, RouteTable, Subnet},
};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};

/// Everything that exists.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct World {
    /// By [`NetworkRef`] as text.
    pub networks: BTreeMap<String, SimulatedNetwork>,
    pub links: BTreeMap<Link, SimulatedLink>,
    /// What the generator would draw next.
    pub(super) chance: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SimulatedNetwork {
    pub network: NetworkRef,
    pub ranges: Vec<IpNet>,
    /// The main table first.
    pub tables: Vec<SimulatedTable>,
    pub groups: Vec<SimulatedGroup>,
    pub busy_until: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SimulatedTable {
    pub id: RouteTable,
    /// The subnets that use this table and not the main one.
    pub subnets: Vec<Subnet>,
    pub routes: Vec<SimulatedRoute>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SimulatedRoute {
    pub destination: IpNet,
    pub target: RouteTarget,
    pub shown: Shown,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SimulatedGroup {
    pub id: FirewallGroup,
    pub name: String,
    pub owner: Option<PeeringId>,
    pub rules: Vec<SimulatedRule>,
    pub shown: Shown,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SimulatedRule {
    pub id: FirewallRule,
    pub rule: Option<InboundRule>,
    pub text: String,
    pub owner: Option<PeeringId>,
    pub shown: Shown,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SimulatedLink {
    pub id: Link,
    pub requester: LinkEnd,
    pub accepter: LinkEnd,
    pub state: LinkState,
    pub message: Option<String>,
    pub expires_at: Option<DateTime<Utc>>,
    /// Set by the requester, and visible only in its account and region.
    pub owner: Option<PeeringId>,
    /// What it becomes by itself, and when.
    pub turns: Option<Turn>,
    pub shown_to_requester: Shown,
    pub shown_to_accepter: Shown,
}

/// A change that is going to happen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    pub at: DateTime<Utc>,
    pub into: LinkState,
    pub message: Option<String>,
}

/// From when on reads see a thing: a time, and a number of reads that still miss it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shown {
    pub from: DateTime<Utc>,
    pub missed_by: u32,
}

impl Shown {
    pub(super) fn always() -> Self {
        Self { from: DateTime::<Utc>::MIN_UTC, missed_by: 0 }
    }

    /// One read: does it see the thing?
    pub(super) fn read(&mut self, now: DateTime<Utc>) -> bool {
        if now < self.from {
            return false;
        }
        let seen = self.missed_by == 0;
        self.missed_by = self.missed_by.saturating_sub(1);
        seen
    }
}

impl World {
    pub(super) fn network(&mut self, network: &NetworkRef) -> Option<&mut SimulatedNetwork> {
        self.networks.get_mut(&network.to_string())
    }

    /// The table of this id, if its network is at this place.
    pub(super) fn table(&mut self, at: &Place, id: &RouteTable) -> Option<&mut SimulatedTable> {
        let tables = self.networks.values_mut().filter(|it| it.network.place == *at).flat_map(|it| &mut it.tables);
        tables.into_iter().find(|table| table.id == *id)
    }

    /// The group of this id, if its network is at this place.
    pub(super) fn group(&mut self, at: &Place, id: &FirewallGroup) -> Option<&mut SimulatedGroup> {
        let groups = self.networks.values_mut().filter(|it| it.network.place == *at).flat_map(|it| &mut it.groups);
        groups.into_iter().find(|group| group.id == *id)
    }

    /// The live links of this network.
    pub(super) fn live_links(&self, network: &NetworkRef) -> impl Iterator<Item = &SimulatedLink> {
        self.links.values().filter(|link| link.state.is_live() && link.has_end(network))
    }

    /// Lets happen what was due by now.
    pub(super) fn pass_time(&mut self, now: DateTime<Utc>) {
        for link in self.links.values_mut() {
            link.pass_time(now);
        }
    }

    pub(super) fn route_state(&self, target: &RouteTarget) -> RouteState {
        match target {
            RouteTarget::Local | RouteTarget::Other(_) => RouteState::Active,
            RouteTarget::Link(link) => match self.links.get(link).map(|link| &link.state) {
                Some(LinkState::Active) => RouteState::Active,
                Some(_) | None => RouteState::Blackhole,
            },
        }
    }
}

impl SimulatedNetwork {
    pub(super) fn new(network: NetworkRef, ranges: Vec<IpNet>, main: RouteTable) -> Self {
        let local = |range: &IpNet| SimulatedRoute { destination: *range, target: RouteTarget::Local, shown: Shown::always() };
        let table = SimulatedTable { id: main, subnets: Vec::new(), routes: ranges.iter().map(local).collect() };
        Self { network, ranges, tables: vec![table], groups: Vec::new(), busy_until: DateTime::<Utc>::MIN_UTC }
    }

    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.ranges.iter().any(|one| other.ranges.iter().any(|two| one.contains(two) || two.contains(one)))
    }
}

impl SimulatedLink {
    pub(super) fn has_end(&self, network: &NetworkRef) -> bool {
        self.requester.network == *network || self.accepter.network == *network
    }

    pub(super) fn joins(&self, one: &NetworkRef, other: &NetworkRef) -> bool {
        self.has_end(one) && self.has_end(other)
    }

    fn pass_time(&mut self, now: DateTime<Utc>) {
        while let Some(turn) = self.turns.take_if(|turn| turn.at <= now) {
            self.state = turn.into;
            self.message = turn.message;
            if self.state == LinkState::Pending {
                self.turns = self.expires_at.map(|at| Turn {
                    at,
                    into: LinkState::Expired,
                    message: Some("nobody accepted the request in time".to_owned()),
                });
            }
        }
    }

    /// What a read at this place shows of it.
    pub(super) fn view(&mut self, at: &Place, now: DateTime<Utc>) -> Option<LinkView> {
        let requesters = self.requester.network.place == *at;
        let accepters = self.accepter.network.place == *at && self.state != LinkState::Failed;
        let shown = (requesters && self.shown_to_requester.read(now)) || (accepters && self.shown_to_accepter.read(now));
        shown.then(|| LinkView {
            link: self.id.clone(),
            requester: self.requester.clone(),
            accepter: self.told_accepter(),
            state: self.state.clone(),
            message: self.message.clone(),
            expires_at: self.expires_at.filter(|_| self.state == LinkState::Pending),
            owner: self.owner.filter(|_| requesters),
        })
    }

    /// The accepter's end; its ranges are told only once it has accepted.
    fn told_accepter(&self) -> LinkEnd {
        match self.state {
            LinkState::Provisioning | LinkState::Active | LinkState::Deleting | LinkState::Deleted => self.accepter.clone(),
            LinkState::Initiating
            | LinkState::Pending
            | LinkState::Rejected
            | LinkState::Expired
            | LinkState::Failed
            | LinkState::Unknown(_) => LinkEnd { network: self.accepter.network.clone(), ranges: Vec::new() },
        }
    }
}

impl Turn {
    pub(super) fn later(now: DateTime<Utc>, wait: Duration, into: LinkState, message: Option<&str>) -> Self {
        Self { at: after(now, wait), into, message: message.map(str::to_owned) }
    }
}
