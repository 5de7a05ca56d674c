//! One peering inside the aggregate: its life, its routes and its firewall posture.

use super::event::{InboundRule, NetworkEvent, PeeringRequested, ProvisioningBlocked};
use crate::{
    ids::PeeringId,
    place::{Provider, Region},
    range::Range,
    side::{BySide, Side},
    text::{Account, CloudNetwork, FirewallGroup, FirewallRule, Link, RouteTable, Subnet},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The network on the other end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peer {
    pub provider: Provider,
    pub account: Account,
    pub region: Region,
    pub cloud_network: CloudNetwork,
    pub ranges: Vec<Range>,
    /// The subnets whose clients use the link. Empty means the main route table.
    #[serde(default)]
    pub subnets: Vec<Subnet>,
}

impl Peer {
    /// Whether this is the same network, whatever ranges are named.
    pub fn is_same_network(&self, other: &Self) -> bool {
        (self.provider, &self.account, &self.cloud_network) == (other.provider, &other.account, &other.cloud_network)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peering {
    pub id: PeeringId,
    pub peer: Peer,
    pub requested_at: DateTime<Utc>,
    pub life: Life,
    /// What each side may send over the link, by destination.
    pub routes: BySide<BTreeMap<Range, Route>>,
    pub firewall: BySide<Firewall>,
    /// Why the engine waits for a person, if it does.
    pub blocked: Option<ProvisioningBlocked>,
}

/// Where a peering is in its life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Life {
    /// Nothing has been asked of the cloud.
    Requested,
    /// The cloud has been asked, or is about to be, and no link has been seen.
    Initiating {
        attempt: u32,
        started_at: DateTime<Utc>,
    },
    /// The last attempt was answered with an error: no link exists.
    InitiationRefused {
        attempt: u32,
    },
    /// A link waits for the remote side.
    Initiated {
        link: Link,
        expires_at: Option<DateTime<Utc>>,
    },
    /// The remote side agreed; the cloud is working on it.
    Accepted {
        link: Link,
    },
    Active {
        link: Link,
    },
    Ended(Ending),
}

/// How a peering ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    Rejected { link: Link },
    Expired { link: Link },
    Failed { link: Option<Link>, message: String },
}

impl Ending {
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Rejected { .. } => "rejected",
            Self::Expired { .. } => "expired",
            Self::Failed { .. } => "failed",
        }
    }
}

impl Life {
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Initiating { .. } | Self::InitiationRefused { .. } => "initiating",
            Self::Initiated { .. } => "initiated",
            Self::Accepted { .. } => "accepted",
            Self::Active { .. } => "active",
            Self::Ended(ending) => ending.as_str(),
        }
    }

    pub fn is_live(&self) -> bool {
        self.ending().is_none()
    }

    pub fn ending(&self) -> Option<&Ending> {
        if let Self::Ended(ending) = self { Some(ending) } else { None }
    }

    /// The link, once one has been seen.
    pub fn link(&self) -> Option<&Link> {
        match self {
            Self::Requested | Self::Initiating { .. } | Self::InitiationRefused { .. } => None,
            Self::Initiated { link, .. } | Self::Accepted { link } | Self::Active { link } => Some(link),
            Self::Ended(Ending::Rejected { link } | Ending::Expired { link }) => Some(link),
            Self::Ended(Ending::Failed { link, .. }) => link.as_ref(),
        }
    }
}

/// A route of one side: asked for, and where it has been seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Route {
    pub installed: BTreeSet<RouteTable>,
    /// Route tables that send the destination elsewhere, and where.
    pub conflicts: BTreeMap<RouteTable, String>,
}

/// The firewall of one side: what it must admit, and what has been seen of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Firewall {
    pub admit: BTreeSet<InboundRule>,
    pub group: Option<FirewallGroup>,
    pub rules: BTreeMap<InboundRule, FirewallRule>,
    /// Whether the group was seen to hold exactly `admit`.
    pub enforced: bool,
}

impl Firewall {
    /// Takes this group for the side's own. Another group than before holds none of the rules that were seen in that one.
    fn hold(&mut self, group: &FirewallGroup) {
        if self.group.as_ref() != Some(group) {
            let admit = std::mem::take(&mut self.admit);
            *self = Self { admit, group: Some(group.clone()), ..Self::default() };
        }
    }
}

impl Peering {
    pub(super) fn requested(event: &PeeringRequested) -> Self {
        Self {
            id: event.peering_id,
            peer: event.peer.clone(),
            requested_at: event.requested_at,
            life: Life::Requested,
            routes: BySide::default(),
            firewall: BySide::default(),
            blocked: None,
        }
    }

    /// Whether the log says that everything asked for is in place.
    pub fn is_converged(&self) -> bool {
        matches!(self.life, Life::Active { .. })
            && self.blocked.is_none()
            && self.firewall.iter().all(|(_, firewall)| firewall.enforced)
            && self.routes.iter().all(|(_, routes)| routes.values().all(|it| !it.installed.is_empty() && it.conflicts.is_empty()))
    }

    pub(super) fn evolve(mut self, event: &NetworkEvent) -> Self {
        match event {
            NetworkEvent::NetworkRegistered(_) | NetworkEvent::PeeringRequested(_) => {}
            NetworkEvent::RouteAccepted(it) => {
                self.routes.get_mut(it.side).entry(it.destination).or_default();
            }
            NetworkEvent::FirewallRestricted(it) => {
                let firewall = self.firewall.get_mut(it.side);
                firewall.admit = it.admit.iter().copied().collect();
                firewall.enforced = false;
            }
            NetworkEvent::PeeringInitiationStarted(it) => {
                self.life = Life::Initiating { attempt: it.attempt, started_at: it.started_at };
            }
            NetworkEvent::PeeringInitiationRefused(it) => self.life = Life::InitiationRefused { attempt: it.attempt },
            NetworkEvent::PeeringInitiated(it) => {
                self.life = Life::Initiated { link: it.link.clone(), expires_at: it.expires_at };
            }
            NetworkEvent::PeeringAccepted(it) => self.life = Life::Accepted { link: it.link.clone() },
            NetworkEvent::PeeringActivated(it) => self.life = Life::Active { link: it.link.clone() },
            NetworkEvent::PeeringRejected(it) => self.end(Ending::Rejected { link: it.link.clone() }),
            NetworkEvent::PeeringExpired(it) => self.end(Ending::Expired { link: it.link.clone() }),
            NetworkEvent::PeeringFailed(it) => {
                self.end(Ending::Failed { link: it.link.clone(), message: it.message.clone() });
            }
            NetworkEvent::RouteInstalled(it) => {
                let route = self.route(it.side, it.destination);
                route.conflicts.remove(&it.route_table);
                route.installed.insert(it.route_table.clone());
            }
            NetworkEvent::RouteConflicted(it) => {
                let route = self.route(it.side, it.destination);
                route.installed.remove(&it.route_table);
                route.conflicts.insert(it.route_table.clone(), it.target.clone());
            }
            NetworkEvent::FirewallGroupCreated(it) => self.firewall.get_mut(it.side).hold(&it.group),
            NetworkEvent::FirewallRuleAuthorized(it) => {
                self.firewall.get_mut(it.side).rules.insert(it.rule, it.rule_id.clone());
            }
            NetworkEvent::FirewallRuleRevoked(it) => {
                let firewall = self.firewall.get_mut(it.side);
                firewall.rules.remove(&it.rule);
                firewall.enforced &= !firewall.admit.contains(&it.rule);
            }
            NetworkEvent::FirewallEnforced(it) => {
                let firewall = self.firewall.get_mut(it.side);
                firewall.hold(&it.group);
                firewall.enforced = firewall.admit == it.admit.iter().copied().collect();
            }
            NetworkEvent::ProvisioningBlocked(it) => self.blocked = Some(it.clone()),
            NetworkEvent::ProvisioningUnblocked(_) => self.blocked = None,
        }
        self
    }

    fn end(&mut self, ending: Ending) {
        self.life = Life::Ended(ending);
        self.blocked = None;
    }

    fn route(&mut self, side: Side, destination: Range) -> &mut Route {
        self.routes.get_mut(side).entry(destination).or_default()
    }
}
