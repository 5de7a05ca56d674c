//! One peering inside the aggregate: its life, its routes and its firewall posture. How they follow
//! from events is in `evolve`.

mod evolve;
mod life;
mod sides;
mod upkeep;

pub use life::{Ending, Life, LinkTrace, OpenAttempt, RemovalCause};
pub use sides::{DnsResolution, Firewall, Ingress, Origin, Repairs, Route, Withdrawn};

use super::event::{
    Consent, Evidence, Finding, PeeringAdopted, PeeringRequested, ProvisioningBlocked, Remnant,
    Terms,
};
use crate::{
    ids::{IngressId, PeeringId},
    place::{Provider, Region},
    range::Range,
    side::{BySide, Side},
    text::{Account, CloudNetwork, ExternalId, Link, RouteTable, Subnet},
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
        (self.provider, &self.account, &self.cloud_network)
            == (other.provider, &other.account, &other.cloud_network)
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
    /// An attempt that was followed by the next one before the cloud had answered it: it may have
    /// made a link all the same.
    pub open_attempt: Option<OpenAttempt>,
    /// How it is known that the remote side agreed, where that was recorded.
    pub acceptance: Option<Evidence>,
    /// Links of this peering that are over, and that the cloud may still show.
    pub past_links: BTreeSet<Link>,
    /// What each side may send over the link, by destination.
    pub routes: BySide<BTreeMap<Range, Route>>,
    /// Every destination that was ever accepted: a route to one of them over a link of ours is of
    /// our making.
    pub ever_accepted: BySide<BTreeSet<Range>>,
    /// What each side shall no longer send, and still may.
    pub withdrawn: BySide<BTreeMap<Range, Withdrawn>>,
    /// Where a route to an accepted destination was seen to be gone: one that is there again is of
    /// the engine's making only if it was asked for again.
    pub gone: BySide<BTreeSet<(RouteTable, Range)>>,
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
        Self::new(
            event.peering_id,
            &event.peer,
            event.requested_at,
            event.terms.clone(),
            event.external_id.clone(),
        )
    }

    /// An adopted link is taken as one that waits for its accepter: what it really is, the next
    /// look records.
    pub(super) fn adopted(event: &PeeringAdopted) -> Self {
        let terms = Terms {
            consent: event.consent,
            ..Terms::default()
        };
        let expires_at = event.adopted_at + ACCEPTANCE_WINDOW;
        Self {
            origin: Origin::Adopted { found: None },
            life: Life::Initiated {
                link: event.link.clone(),
                expires_at,
                warned: false,
            },
            ..Self::new(
                event.peering_id,
                &event.peer,
                event.adopted_at,
                terms,
                event.external_id.clone(),
            )
        }
    }

    fn new(
        id: PeeringId,
        peer: &Peer,
        requested_at: DateTime<Utc>,
        terms: Terms,
        external_id: Option<ExternalId>,
    ) -> Self {
        Self {
            id,
            peer: peer.clone(),
            requested_at,
            terms,
            external_id,
            origin: Origin::Requested,
            life: Life::Requested,
            open_attempt: None,
            acceptance: None,
            past_links: BTreeSet::new(),
            routes: BySide::default(),
            ever_accepted: BySide::default(),
            withdrawn: BySide::default(),
            gone: BySide::default(),
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
        Side::BOTH
            .into_iter()
            .filter(move |side| *side == Side::Local || consent == Consent::Delegated)
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
            && self
                .routes
                .get(side)
                .values()
                .all(|it| !it.installed.is_empty() && it.conflicts.is_empty())
    }

    /// What is known of the link, for when it is to go.
    pub(super) fn trace(&self) -> LinkTrace {
        if matches!(self.life, Life::InitiationRefused { .. })
            && let Some(open) = self.open_attempt
        {
            return open.into();
        }
        self.life.trace()
    }

    /// Whether this link is, or was, one of this peering's.
    pub(super) fn knows(&self, link: &Link) -> bool {
        self.life.link() == Some(link) || self.past_links.contains(link)
    }

    /// Whether this peering has ended and left this link where it was.
    pub(super) fn left_behind(&self, link: &Link) -> bool {
        let left = self
            .life
            .ending()
            .map(Ending::left_behind)
            .unwrap_or_default();
        left.iter()
            .any(|it| matches!(it, Remnant::Link { link: left } if left == link))
    }

    /// Whether this route over an adopted link was there before the engine was; such a one is never
    /// removed.
    pub fn was_found(&self, side: Side, route_table: &RouteTable, destination: Range) -> bool {
        let Origin::Adopted { found: Some(found) } = &self.origin else {
            return false;
        };
        found.iter().any(|it| {
            (it.side, &it.route_table, it.destination) == (side, route_table, destination)
        })
    }

    /// Whether this route was seen to be gone, and was not asked for again since.
    pub fn has_lost(&self, side: Side, route_table: &RouteTable, destination: Range) -> bool {
        self.gone
            .get(side)
            .iter()
            .any(|(table, range)| (table, *range) == (route_table, destination))
    }

    /// Everything of the engine's making, or recorded as such, that may still stand; of a peering
    /// that has ended, what it left.
    pub fn remnants(&self) -> Vec<Remnant> {
        if let Some(ending) = self.life.ending() {
            return ending.left_behind().to_vec();
        }
        let link = match self.trace() {
            LinkTrace::Never | LinkTrace::Gone(_) => None,
            LinkTrace::Perhaps { .. } => Some(Remnant::PossibleLink),
            LinkTrace::Seen(link) => Some(Remnant::Link { link }),
        };
        link.into_iter().chain(self.remnants_on_sides()).collect()
    }

    /// The same without the link.
    pub(super) fn remnants_on_sides(&self) -> impl Iterator<Item = Remnant> + '_ {
        Side::BOTH
            .into_iter()
            .flat_map(|side| self.remnants_of(side))
    }

    fn remnants_of(&self, side: Side) -> Vec<Remnant> {
        let kept = self
            .routes
            .get(side)
            .iter()
            .map(|(destination, route)| (*destination, &route.installed));
        let going = self
            .withdrawn
            .get(side)
            .iter()
            .map(|(destination, route)| (*destination, &route.installed));
        let tables = kept
            .chain(going)
            .flat_map(|(destination, tables)| tables.iter().map(move |table| (destination, table)));
        let ours = tables.filter(|(destination, table)| !self.was_found(side, table, *destination));
        let routes = ours.map(|(destination, table)| Remnant::Route {
            side,
            route_table: table.clone(),
            destination,
        });
        let firewall = self.firewall.get(side);
        let rules = firewall
            .rules
            .values()
            .map(|rule_id| Remnant::FirewallRule {
                side,
                rule_id: rule_id.clone(),
            });
        let group = firewall.group.iter().map(|group| Remnant::FirewallGroup {
            side,
            group: group.clone(),
        });
        routes.chain(rules).chain(group).collect()
    }
}
