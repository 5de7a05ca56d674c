//! What exists in a simulated cloud, and how it changes with time alone.
//!
//! The world is one serde value: it can be kept in a file, printed, and judged by a test. What is
//! gone is not in it, except where reads may still show it: that is kept apart, as [`Gone`].
//! Whoever enters with whatever external id enters the same account, so no place in it has one.

mod firewall;
mod guard;
mod half;
mod link;
mod network;
mod operation;
mod shown;
mod traffic;

pub use firewall::{SimulatedGroup, SimulatedRule};
pub use guard::Guard;
pub use half::SimulatedHalf;
pub use link::{Ended, Face, SimulatedLink, Turn};
pub use network::{
    SimulatedAccessList, SimulatedInterface, SimulatedNetwork, SimulatedRoute, SimulatedSubnet,
    SimulatedTable,
};
pub use operation::SimulatedOperation;
pub use shown::{Gone, Shown};

pub(super) use link::has_begun;
pub(super) use shown::ghosts;
pub(super) use traffic::traffic;

use chrono::{DateTime, Utc};
use cloud::{AccountRegion, LinkRole, LinkState, NetworkRef, RouteState, RouteTarget};
use domain::{
    Provider, SeenQuotas,
    text::{
        AccessList, Account, CloudNetwork, FirewallGroup, ImmutableId, Interface, Link, RouteTable,
    },
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Everything that exists.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct World {
    /// By [`NetworkRef`] as text, which says nothing of external ids.
    pub networks: BTreeMap<String, SimulatedNetwork>,
    /// By their ids.
    pub links: BTreeMap<Link, SimulatedLink>,
    /// The halves of links, where each side has one.
    #[serde(default)]
    pub halves: Vec<SimulatedHalf>,
    /// Halves that were removed and may still be shown.
    #[serde(default)]
    pub gone_halves: Vec<Gone<SimulatedHalf>>,
    /// Changes that were begun, and can be asked about.
    #[serde(default)]
    pub operations: Vec<SimulatedOperation>,
    /// How many networks of each name there were before, and are gone.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub razed: BTreeMap<String, u32>,
    /// What the cloud tells of a network's immutable id, where that is not the truth.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub told_ids: BTreeMap<String, Option<ImmutableId>>,
    /// What accounts allow that have other quotas than the settings say, each in a region.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub quotas: BTreeMap<String, SeenQuotas>,
    /// What the next change of a half in an account ends with.
    #[serde(default)]
    pub failing: Vec<(Account, String)>,
    /// What the generator would draw next.
    pub(super) chance: u64,
}

impl World {
    /// What somebody has set that this account allows in this region.
    pub(super) fn quotas_at(&self, at: &AccountRegion) -> Option<SeenQuotas> {
        self.quotas.get(&bare(at).to_string()).copied()
    }

    /// Which part of the account this network goes by: one of its own, if somebody has set that.
    pub(super) fn quota_scope(&self, at: &AccountRegion, of: &CloudNetwork) -> String {
        let own = self.quotas_of(at, of).map(|_| of.to_string());
        own.unwrap_or_default()
    }

    /// What somebody has set that the part of the account allows which this network is in.
    pub(super) fn quotas_of(&self, at: &AccountRegion, of: &CloudNetwork) -> Option<SeenQuotas> {
        self.quotas.get(&format!("{} {of}", bare(at))).copied()
    }

    pub(super) fn network(&self, network: &NetworkRef) -> Option<&SimulatedNetwork> {
        self.networks.get(&network.to_string())
    }

    pub(super) fn network_mut(&mut self, network: &NetworkRef) -> Option<&mut SimulatedNetwork> {
        self.networks.get_mut(&network.to_string())
    }

    /// What the cloud gives this network and no other one, not even a later one of its name;
    /// nothing at AWS, whose names never come back.
    pub(super) fn immutable_id(&self, network: &NetworkRef) -> Option<ImmutableId> {
        let name = bare_network(network).to_string();
        if let Some(told) = self.told_ids.get(&name) {
            return told.clone();
        }
        let before = self.razed.get(&name).copied().unwrap_or_default();
        let id = Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("{name}#{before}").as_bytes());
        let written = match network.at.provider {
            Provider::Aws => return None,
            Provider::Gcp => id.as_u64_pair().0.to_string(),
            Provider::Azure => id.to_string(),
        };
        written.parse().ok()
    }

    /// Does this with each of the named networks that are in this account and region.
    pub(super) fn each(
        &mut self,
        at: &AccountRegion,
        of: &[CloudNetwork],
        mut call: impl FnMut(&mut SimulatedNetwork),
    ) {
        for network in of.iter().collect::<BTreeSet<_>>() {
            if let Some(network) = self.network_mut(&NetworkRef {
                at: at.clone(),
                network: network.clone(),
            }) {
                call(network);
            }
        }
    }

    /// All networks in this account and region.
    fn at(&mut self, at: &AccountRegion) -> impl Iterator<Item = &mut SimulatedNetwork> {
        self.networks
            .values_mut()
            .filter(|it| it.network.at.is_same(at))
    }

    /// The network in this account and region that has the table.
    pub(super) fn home_of_table(
        &mut self,
        at: &AccountRegion,
        id: &RouteTable,
    ) -> Option<&mut SimulatedNetwork> {
        self.at(at)
            .find(|network| network.tables.iter().any(|table| table.id == *id))
    }

    /// The table of this id, if its network is in this account and region.
    pub(super) fn table(
        &mut self,
        at: &AccountRegion,
        id: &RouteTable,
    ) -> Option<&mut SimulatedTable> {
        self.at(at)
            .flat_map(|it| &mut it.tables)
            .find(|table| table.id == *id)
    }

    /// The network in this account and region that has the group.
    pub(super) fn home_of_group(
        &mut self,
        at: &AccountRegion,
        id: &FirewallGroup,
    ) -> Option<&mut SimulatedNetwork> {
        self.at(at)
            .find(|network| network.groups.iter().any(|group| group.id == *id))
    }

    /// The network in this account and region that has the list.
    pub(super) fn home_of_list(
        &mut self,
        at: &AccountRegion,
        list: &AccessList,
    ) -> Option<&mut SimulatedNetwork> {
        self.at(at).find(|network| {
            let views = network.access_list_views();
            views.iter().any(|it| it.list.as_ref() == Some(list))
        })
    }

    /// The group of this id, if its network is in this account and region.
    pub(super) fn group(
        &mut self,
        at: &AccountRegion,
        id: &FirewallGroup,
    ) -> Option<&mut SimulatedGroup> {
        self.at(at)
            .flat_map(|it| &mut it.groups)
            .find(|group| group.id == *id)
    }

    /// The interface of this id, if its network is in this account and region.
    pub(super) fn interface(
        &mut self,
        at: &AccountRegion,
        id: &Interface,
    ) -> Option<&mut SimulatedInterface> {
        self.at(at)
            .flat_map(|it| &mut it.interfaces)
            .find(|interface| interface.id == *id)
    }

    /// The live links of this network.
    pub(super) fn live_links(&self, network: &NetworkRef) -> impl Iterator<Item = &SimulatedLink> {
        self.links
            .values()
            .filter(|link| link.state.is_live() && link.role_of(network).is_some())
    }

    /// Lets happen what was due by now, and forgets links that nobody is told of any more.
    pub(super) fn pass_time(&mut self, now: DateTime<Utc>) {
        self.halves_pass_time(now);
        self.links.retain(|_, link| {
            link.pass_time(now);
            [LinkRole::First, LinkRole::Second]
                .into_iter()
                .any(|role| link.is_told_to(role, now))
        });
    }

    /// Whether a route of this network with this target carries packets.
    pub(super) fn route_state(
        &self,
        home: &NetworkRef,
        target: &RouteTarget,
        now: DateTime<Utc>,
    ) -> RouteState {
        if let RouteTarget::Link(name) = target
            && let Some(half) = self.half(home, name)
            && self.state_of(half, now) == LinkState::Active
        {
            return RouteState::Active;
        }
        match target {
            RouteTarget::Local | RouteTarget::Other(_) => RouteState::Active,
            RouteTarget::Link(link) => match self.links.get(link) {
                Some(link) if link.state == LinkState::Active => RouteState::Active,
                Some(_) | None => RouteState::Blackhole,
            },
        }
    }
}

/// The account and region as the world keeps them.
pub(super) fn bare(at: &AccountRegion) -> AccountRegion {
    AccountRegion {
        external_id: None,
        ..at.clone()
    }
}

/// The network as the world keeps it.
pub(super) fn bare_network(network: &NetworkRef) -> NetworkRef {
    NetworkRef {
        at: bare(&network.at),
        network: network.network.clone(),
    }
}
