//! One peering inside the aggregate: its life, its routes and its firewall posture, and how they follow from events.

mod life;
mod sides;

pub use life::{Ending, Life, LinkTrace, RemovalCause};
pub use sides::{DnsResolution, Firewall, Ingress, Origin, Repairs, Route, Withdrawn};

use super::event::{
    Consent, DriftRepaired, Finding, FirewallRestricted, InboundRule, NetworkEvent, PeeringAdopted, PeeringInitiated, PeeringRequested,
    ProvisioningBlocked, Remnant, RouteInstalled, RouteWithdrawn, Terms,
};
use crate::{
    ids::{IngressId, PeeringId},
    place::{Provider, Region},
    range::Range,
    side::{BySide, Side},
    text::{Account, CloudNetwork, ExternalId, Link, Subnet},
};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How long a link waits for its accepter (AWS: pending requests expire after 168 h; fixed).
pub const ACCEPTANCE_WINDOW: TimeDelta = TimeDelta::hours(168);

/// Repairs of one thing that follow each other within this time are a fight.
pub const FIGHT_WINDOW: TimeDelta = TimeDelta::hours(24);

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
    pub terms: Terms,
    pub external_id: Option<ExternalId>,
    pub origin: Origin,
    pub life: Life,
    /// Links of this peering that are over, and that the cloud may still show.
    pub past_links: BTreeSet<Link>,
    /// What each side may send over the link, by destination.
    pub routes: BySide<BTreeMap<Range, Route>>,
    /// Every destination that was ever accepted: a route to one of them over a link of ours is of our making.
    pub ever_accepted: BySide<BTreeSet<Range>>,
    /// What each side shall no longer send, and still may.
    pub withdrawn: BySide<BTreeMap<Range, Withdrawn>>,
    pub firewall: BySide<Firewall>,
    /// What the private network may reach behind the peer.
    pub ingress: BTreeMap<IngressId, Ingress>,
    pub dns: BySide<DnsResolution>,
    /// What is otherwise than it was left, and since when.
    pub drift: BTreeMap<Finding, DateTime<Utc>>,
    /// How often each thing was put right.
    pub repairs: BTreeMap<Finding, Repairs>,
    /// What was found and is how it should be since then.
    pub tolerated: BTreeSet<Finding>,
    /// Why the engine waits for a person, if it does.
    pub blocked: Option<ProvisioningBlocked>,
}

impl Peering {
    pub(super) fn requested(event: &PeeringRequested) -> Self {
        Self::new(event.peering_id, &event.peer, event.requested_at, event.terms.clone(), event.external_id.clone())
    }

    /// An adopted link is taken as one that waits for its accepter: what it really is, the next look records.
    pub(super) fn adopted(event: &PeeringAdopted) -> Self {
        let terms = Terms { consent: event.consent, ..Terms::default() };
        let expires_at = event.adopted_at + ACCEPTANCE_WINDOW;
        Self {
            origin: Origin::Adopted { found: None },
            life: Life::Initiated { link: event.link.clone(), expires_at, warned: false },
            ..Self::new(event.peering_id, &event.peer, event.adopted_at, terms, event.external_id.clone())
        }
    }

    fn new(id: PeeringId, peer: &Peer, requested_at: DateTime<Utc>, terms: Terms, external_id: Option<ExternalId>) -> Self {
        Self {
            id,
            peer: peer.clone(),
            requested_at,
            terms,
            external_id,
            origin: Origin::Requested,
            life: Life::Requested,
            past_links: BTreeSet::new(),
            routes: BySide::default(),
            ever_accepted: BySide::default(),
            withdrawn: BySide::default(),
            firewall: BySide::default(),
            ingress: BTreeMap::new(),
            dns: BySide::default(),
            drift: BTreeMap::new(),
            repairs: BTreeMap::new(),
            tolerated: BTreeSet::new(),
            blocked: None,
        }
    }

    /// Whether the engine itself keeps this side's routes and rules; if not, its owner does.
    pub fn is_ours_to_keep(&self, side: Side) -> bool {
        side == Side::Local || self.terms.consent == Consent::Delegated
    }

    /// The sides that the engine keeps.
    pub fn kept_sides(&self) -> impl Iterator<Item = Side> + use<> {
        let consent = self.terms.consent;
        Side::BOTH.into_iter().filter(move |side| *side == Side::Local || consent == Consent::Delegated)
    }

    /// Whether the engine made the link, or will.
    pub fn made_the_link(&self) -> bool {
        self.origin == Origin::Requested
    }

    /// Whether the log says that everything asked for is in place.
    pub fn is_converged(&self) -> bool {
        matches!(self.life, Life::Active { .. })
            && self.blocked.is_none()
            && self.drift.is_empty()
            && self.kept_sides().all(|side| self.side_is_converged(side))
    }

    fn side_is_converged(&self, side: Side) -> bool {
        let dns = self.dns.get(side);
        self.firewall.get(side).enforced
            && self.withdrawn.get(side).is_empty()
            && dns.wanted == dns.applied
            && self.routes.get(side).values().all(|it| !it.installed.is_empty() && it.conflicts.is_empty())
    }

    /// Everything of the engine's making, or recorded as such, that may still stand.
    pub fn remnants(&self) -> Vec<Remnant> {
        let link = match self.life.trace() {
            LinkTrace::Never | LinkTrace::Gone(_) => None,
            LinkTrace::Perhaps { .. } => Some(Remnant::PossibleLink),
            LinkTrace::Seen(link) => Some(Remnant::Link { link }),
        };
        let sides = Side::BOTH.into_iter().flat_map(|side| self.remnants_of(side));
        link.into_iter().chain(sides).collect()
    }

    fn remnants_of(&self, side: Side) -> Vec<Remnant> {
        let kept = self.routes.get(side).iter().map(|(destination, route)| (*destination, &route.installed));
        let going = self.withdrawn.get(side).iter().map(|(destination, route)| (*destination, &route.installed));
        let route = |destination, tables: &BTreeSet<_>| {
            let of = |route_table: &crate::text::RouteTable| Remnant::Route { side, route_table: route_table.clone(), destination };
            tables.iter().map(of).collect::<Vec<_>>()
        };
        let routes = kept.chain(going).flat_map(|(destination, tables)| route(destination, tables));
        let firewall = self.firewall.get(side);
        let rules = firewall.rules.values().map(|rule_id| Remnant::FirewallRule { side, rule_id: rule_id.clone() });
        let group = firewall.group.iter().map(|group| Remnant::FirewallGroup { side, group: group.clone() });
        routes.chain(rules).chain(group).collect()
    }

    pub(super) fn evolve(mut self, event: &NetworkEvent) -> Self {
        match event {
            NetworkEvent::NetworkRegistered(_)
            | NetworkEvent::NetworkPolicySet(_)
            | NetworkEvent::DriftCheckRequested(_)
            | NetworkEvent::NetworkRetired(_)
            | NetworkEvent::PeeringRequested(_)
            | NetworkEvent::PeeringAdopted(_) => {}
            NetworkEvent::RouteAccepted(it) => {
                self.ever_accepted.get_mut(it.side).insert(it.destination);
                let installed = self.withdrawn.get_mut(it.side).remove(&it.destination).map(|it| it.installed).unwrap_or_default();
                self.routes.get_mut(it.side).entry(it.destination).or_insert(Route { installed, ..Route::default() });
            }
            NetworkEvent::RouteWithdrawn(it) => self.withdraw(it),
            NetworkEvent::FirewallRestricted(it) => self.restrict(it),
            NetworkEvent::ConnectorIngressAllowed(it) => {
                let (target, rule, reason) = (it.target, it.rule, it.reason.clone());
                let ingress = Ingress { target, rule, reason, allowed_at: it.allowed_at, expires_at: it.expires_at };
                self.ingress.insert(it.ingress_id, ingress);
                self.admit_ingress();
            }
            NetworkEvent::ConnectorIngressRevoked(it) => {
                self.ingress.remove(&it.ingress_id);
                self.admit_ingress();
            }
            NetworkEvent::DnsResolutionSet(it) => self.dns.get_mut(it.side).wanted = it.enabled,
            NetworkEvent::PeeringRemovalRequested(it) => self.remove(RemovalCause::Command { reason: it.reason.clone() }),
            NetworkEvent::PeeringDeadlinePassed(it) => self.remove(RemovalCause::Deadline { passed: it.deadline }),
            NetworkEvent::PeeringAbandoned(it) => {
                self.end(|link| Ending::Abandoned { link, left_behind: it.left_behind.clone() });
            }
            NetworkEvent::PeeringInitiationStarted(it) => {
                self.life = Life::Initiating { attempt: it.attempt, started_at: it.started_at };
            }
            NetworkEvent::PeeringInitiationRefused(it) => self.initiation_refused(it.attempt),
            NetworkEvent::PeeringInitiated(it) => self.initiated(it),
            NetworkEvent::PeeringExpiryNear(_) => {
                if let Life::Initiated { warned, .. } = &mut self.life {
                    *warned = true;
                }
            }
            NetworkEvent::PeeringAccepted(it) => self.life = Life::Accepted { link: it.link.clone() },
            NetworkEvent::PeeringActivated(it) => self.life = Life::Active { link: it.link.clone() },
            NetworkEvent::PeeringRejected(it) => self.end(|_| Ending::Rejected { link: it.link.clone() }),
            NetworkEvent::PeeringExpired(it) => self.end(|_| Ending::Expired { link: it.link.clone() }),
            NetworkEvent::PeeringRenewed(it) => {
                self.past_links.insert(it.expired.clone());
                self.terms.renew = false;
                self.life = Life::Requested;
            }
            NetworkEvent::PeeringFailed(it) => {
                self.end(|_| Ending::Failed { link: it.link.clone(), message: it.message.clone() });
            }
            NetworkEvent::PeeringSurveyed(it) => {
                self.origin = Origin::Adopted { found: Some(it.routes.iter().cloned().collect()) };
            }
            NetworkEvent::LinkRemoved(it) => {
                if let Life::Removing { trace, .. } = &mut self.life {
                    *trace = LinkTrace::Gone(it.link.clone());
                }
            }
            NetworkEvent::PeeringRemoved(it) => {
                self.end(|link| Ending::Removed { link, left_behind: it.left_behind.clone() });
            }
            NetworkEvent::RouteInstalled(it) => self.route_installed(it),
            NetworkEvent::RouteRemoved(it) => self.route_removed(it.side, it.destination, &it.route_table),
            NetworkEvent::RouteConflicted(it) => {
                let route = self.route(it.side, it.destination);
                route.installed.remove(&it.route_table);
                route.conflicts.insert(it.route_table.clone(), it.target.clone());
            }
            NetworkEvent::FirewallGroupCreated(it) => self.firewall.get_mut(it.side).hold(&it.group),
            NetworkEvent::FirewallGroupRemoved(it) => self.firewall.get_mut(it.side).forget_group(),
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
            NetworkEvent::FirewallExposed(it) => {
                let exposures = &mut self.firewall.get_mut(it.side).exposures;
                exposures.insert(it.exposure.rule_id.clone(), it.exposure.clone());
            }
            NetworkEvent::ExposureCleared(it) => {
                self.firewall.get_mut(it.side).exposures.remove(&it.rule_id);
            }
            NetworkEvent::DnsResolutionApplied(it) => self.dns.get_mut(it.side).applied = it.enabled,
            NetworkEvent::DriftDetected(it) => {
                self.drift.insert(it.finding.clone(), it.detected_at);
            }
            NetworkEvent::DriftRepaired(it) => self.repaired(it),
            NetworkEvent::DriftAdopted(it) => {
                self.drift.remove(&it.finding);
                self.tolerated.insert(it.finding.clone());
            }
            NetworkEvent::ProvisioningBlocked(it) => self.blocked = Some(it.clone()),
            NetworkEvent::ProvisioningUnblocked(_) => self.blocked = None,
        }
        self
    }

    fn end(&mut self, ending: impl FnOnce(Option<Link>) -> Ending) {
        let link = self.life.link().cloned();
        self.life = Life::Ended(ending(link));
        self.blocked = None;
        self.drift.clear();
    }

    fn remove(&mut self, because: RemovalCause) {
        let trace = self.life.trace();
        self.life = Life::Removing { trace, because };
        self.blocked = None;
        self.drift.clear();
    }

    fn initiation_refused(&mut self, attempt: u32) {
        match &mut self.life {
            Life::Removing { trace, .. } => *trace = LinkTrace::Never,
            life @ (Life::Requested
            | Life::Initiating { .. }
            | Life::InitiationRefused { .. }
            | Life::Initiated { .. }
            | Life::Accepted { .. }
            | Life::Active { .. }
            | Life::Ended(_)) => *life = Life::InitiationRefused { attempt },
        }
    }

    fn initiated(&mut self, event: &PeeringInitiated) {
        let link = event.link.clone();
        let since = match &mut self.life {
            Life::Removing { trace, .. } => {
                *trace = LinkTrace::Seen(link);
                return;
            }
            Life::Initiating { started_at, .. } => *started_at,
            Life::Requested
            | Life::InitiationRefused { .. }
            | Life::Initiated { .. }
            | Life::Accepted { .. }
            | Life::Active { .. }
            | Life::Ended(_) => self.requested_at,
        };
        let expires_at = event.expires_at.unwrap_or(since + ACCEPTANCE_WINDOW);
        self.life = Life::Initiated { link, expires_at, warned: false };
    }

    fn route(&mut self, side: Side, destination: Range) -> &mut Route {
        self.routes.get_mut(side).entry(destination).or_default()
    }

    /// A route that was withdrawn before anybody saw it was seen to be there: it has yet to go.
    fn route_installed(&mut self, event: &RouteInstalled) {
        match self.routes.get_mut(event.side).get_mut(&event.destination) {
            Some(route) => {
                route.conflicts.remove(&event.route_table);
                route.installed.insert(event.route_table.clone());
            }
            None => {
                let going = self.withdrawn.get_mut(event.side).entry(event.destination).or_default();
                going.installed.insert(event.route_table.clone());
            }
        }
    }

    fn withdraw(&mut self, event: &RouteWithdrawn) {
        let installed = self.routes.get_mut(event.side).remove(&event.destination).map(|it| it.installed).unwrap_or_default();
        let going = Withdrawn { installed, replaced_by: event.replaced_by };
        if going.installed.is_empty() {
            return;
        }
        self.withdrawn.get_mut(event.side).insert(event.destination, going);
    }

    fn route_removed(&mut self, side: Side, destination: Range, table: &crate::text::RouteTable) {
        if let Some(route) = self.routes.get_mut(side).get_mut(&destination) {
            route.installed.remove(table);
        }
        let withdrawn = self.withdrawn.get_mut(side);
        if let Some(route) = withdrawn.get_mut(&destination) {
            route.installed.remove(table);
            if route.installed.is_empty() {
                withdrawn.remove(&destination);
            }
        }
    }

    /// The remote side admits what was declared one by one, and nothing beside that.
    fn restrict(&mut self, event: &FirewallRestricted) {
        match event.side {
            Side::Local => self.firewall.local.admit(event.admit.iter().copied().collect()),
            Side::Remote => self.admit_ingress(),
        }
    }

    fn admit_ingress(&mut self) {
        let admit: BTreeSet<InboundRule> = self.ingress.values().map(|ingress| ingress.rule).collect();
        self.firewall.remote.admit(admit);
    }

    fn repaired(&mut self, event: &DriftRepaired) {
        self.drift.remove(&event.finding);
        let repairs = self.repairs.entry(event.finding.clone()).or_default();
        let again = repairs.last.is_some_and(|last| event.repaired_at - last < FIGHT_WINDOW);
        repairs.count = if again { repairs.count.saturating_add(1) } else { 1 };
        repairs.last = Some(event.repaired_at);
    }
}
