//! One peering inside the aggregate, folded from its events. One file per topic says what is known
//! of it and how that follows: the life, the link and its halves, routes, firewall, ingress,
//! options, drift and blocks.

mod attachment;
mod block;
mod denial;
mod drift;
mod ended;
mod firewall;
mod halves;
mod ingress;
mod installation;
mod life;
mod life_name;
mod link;
mod options;
mod ranges;
mod review;
mod routes;
mod tenure;

pub use attachment::{Attachment, Seen, Wanted};
pub use block::{BlockCount, Blocked};
pub(super) use block::{REPETITION, flickers};
pub use denial::{DenialSeen, DenialWanted, Denials};
pub use drift::Repairs;
pub use ended::EndedPeering;
pub use firewall::{Exposed, Firewall, REVOCATIONS};
pub use halves::{Half, HalfRequest};
pub use ingress::Ingress;
pub use installation::Intents;
pub use life::{Ending, Life, LinkTrace, OpenAttempt, RefusedAttempts, Removal, RemovalCause};
pub use life_name::{LifeName, NotALife};
pub use options::OptionState;
pub use routes::{Conflict, Route, RoutesInPlace, Suspension, Withdrawn};

use installation::Foreign;

use super::event::{
    BlockCause, Consent, DriftKind, Evidence, FoundRoute, InboundRule, Leftover, LinkOption,
    PeeringAdopted, PeeringRequested, Reviewed, Tenure, Terms,
};
use super::{peer::Peer, routing::Routing};
use crate::{
    ids::{IngressId, PeeringId},
    pairs,
    range::Range,
    side::{BySide, Side},
    text::{ExternalId, ImmutableId, Link, RouteTable},
};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How long a peering that is given up is tried to be looked at once more. After that it ends, and
/// the sides that were not seen are named.
pub const ABANDONMENT_WINDOW: TimeDelta = TimeDelta::minutes(5);

/// Repairs of one thing that follow each other within this time are a fight.
pub const FIGHT_WINDOW: TimeDelta = TimeDelta::hours(24);

/// How a peering came to be on record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The engine makes the link.
    #[default]
    Requested,
    /// Somebody else made it, and it is never removed.
    Adopted {
        /// The routes over it that were there before; `None` until somebody has looked.
        found: Option<BTreeSet<FoundRoute>>,
    },
}

/// What the log says of one peering.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peering {
    /// Its id.
    pub id: PeeringId,
    /// The network on the other end.
    pub peer: Peer,
    /// Ranges of the peer that were added, and that the cloud was not seen to show yet.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub unconfirmed: BTreeSet<Range>,
    /// The id that the peer's cloud gave the peer's network and gives no other one, once that was
    /// seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer_immutable_id: Option<ImmutableId>,
    /// When it was requested, or adopted.
    pub requested_at: DateTime<Utc>,
    /// On what terms the link is asked for.
    pub terms: Terms,
    /// What the engine shows when it enters the peer's account.
    pub external_id: Option<ExternalId>,
    /// How it came to be on record.
    pub origin: Origin,
    /// Which side of an adopted link was asked for it, once that was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Side>,
    /// Where it is in its life.
    pub life: Life,
    /// What is on record of the halves of the link, where each side has one.
    #[serde(default, skip_serializing_if = "BySide::is_default")]
    pub halves: BySide<Half>,
    /// An attempt that was followed by the next one before the cloud had answered it: it may have
    /// made a link all the same.
    pub open_attempt: Option<OpenAttempt>,
    /// When the remote side agreed.
    pub accepted_at: Option<DateTime<Utc>>,
    /// When the link became active.
    pub activated_at: Option<DateTime<Utc>>,
    /// Why and since when it is being taken back, or was taken back or given up.
    pub removal: Option<Removal>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// How it is known that the remote side agreed, where that was recorded.
    pub acceptance: Option<Evidence>,
    /// Links of this peering that are over, and that the cloud may still show.
    pub past_links: BTreeSet<Link>,
    /// What each side may send over the link, by destination.
    pub routes: BySide<BTreeMap<Range, Route>>,
    /// Every destination that was ever accepted, and when first: a route to one of them over a link
    /// of ours is of our making.
    pub ever_accepted: BySide<BTreeMap<Range, DateTime<Utc>>>,
    /// What each side shall no longer send, and still may.
    pub withdrawn: BySide<BTreeMap<Range, Withdrawn>>,
    /// Where a route to an accepted destination was seen to be gone: one that is there again is of
    /// the engine's making only if it was asked for again.
    pub gone: BySide<BTreeSet<(RouteTable, Range)>>,
    /// What the engine was about to make and has not seen yet.
    #[serde(default, skip_serializing_if = "BySide::is_default")]
    pub intents: BySide<Intents>,
    /// Accepted routes that somebody else made before the engine did: used, and never removed.
    #[serde(default, skip_serializing_if = "BySide::is_default")]
    pub foreign: BySide<Foreign>,
    /// Since when all routes of the side are known to be everywhere that it routes from; `None` if
    /// they are not.
    #[serde(default, skip_serializing_if = "BySide::is_default")]
    pub routes_in_place: BySide<Option<RoutesInPlace>>,
    /// Whether it is recorded when all routes of the side are in place: from the first route that
    /// was on record before it was made.
    #[serde(default, skip_serializing_if = "BySide::is_default")]
    pub watches_all_routes: BySide<bool>,
    /// Whether other subnets of the peer were chosen since all its routes were last seen in place.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tables_moved: bool,
    /// Set while the routes of the side are withdrawn for an exposure.
    #[serde(default, skip_serializing_if = "BySide::is_default")]
    pub suspended: BySide<Option<Suspension>>,
    /// The firewall of each side.
    pub firewall: BySide<Firewall>,
    /// What the private network may reach behind the peer.
    pub ingress: BTreeMap<IngressId, Ingress>,
    /// Who answers for it, and when it ends.
    #[serde(default, skip_serializing_if = "Tenure::is_empty")]
    pub tenure: Tenure,
    /// The end that has come and was told, while the peering stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenure_ended: Option<DateTime<Utc>>,
    /// The same of what the private network admits, where something is said.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", with = "pairs")]
    pub admissions: BTreeMap<InboundRule, Tenure>,
    /// When somebody last said of what is open that it is still needed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", with = "pairs")]
    pub confirmed: BTreeMap<Reviewed, DateTime<Utc>>,
    /// The options of each side's half that were ever asked for or seen.
    pub options: BySide<BTreeMap<LinkOption, OptionState>>,
    /// What differs from the desired state, and since when.
    #[serde(with = "pairs")]
    pub drift: BTreeMap<DriftKind, DateTime<Utc>>,
    /// How often each thing was repaired.
    #[serde(with = "pairs")]
    pub repairs: BTreeMap<DriftKind, Repairs>,
    /// Drift that is how it should be since then.
    #[serde(with = "pairs")]
    pub accepted_drift: BTreeMap<DriftKind, DateTime<Utc>>,
    /// Why the engine waits for a person, if it does.
    pub blocked: Option<Blocked>,
    /// How often each cause of a block began lately, on each side.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", with = "pairs")]
    pub blocks: BTreeMap<(BlockCause, Side), BlockCount>,
    /// The last attempts to make the link that the cloud refused for the same cause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<RefusedAttempts>,
}

impl Peering {
    pub(super) fn requested(event: &PeeringRequested, at: DateTime<Utc>) -> Self {
        Self::new(
            at,
            event.peering_id,
            &event.peer,
            event.requested_at,
            event.terms.clone(),
            event.external_id.clone(),
        )
    }

    /// An adopted link is taken as one that waits to be accepted: what it really is, the next
    /// look records.
    pub(super) fn adopted(event: &PeeringAdopted, at: DateTime<Utc>) -> Self {
        let terms = Terms {
            consent: event.consent,
            ..Terms::default()
        };
        let window = event.peer.provider.quotas().acceptance_window;
        let usual = window.map(|window| event.adopted_at + window);
        let expires_at = event.expires_at.or(usual);
        Self {
            origin: Origin::Adopted { found: None },
            life: Life::AwaitingAcceptance {
                link: event.link.clone(),
                expires_at,
                warned: false,
            },
            ..Self::new(
                at,
                event.peering_id,
                &event.peer,
                event.adopted_at,
                terms,
                event.external_id.clone(),
            )
        }
    }

    fn new(
        at: DateTime<Utc>,
        id: PeeringId,
        peer: &Peer,
        requested_at: DateTime<Utc>,
        terms: Terms,
        external_id: Option<ExternalId>,
    ) -> Self {
        Self {
            id,
            peer: peer.clone(),
            unconfirmed: BTreeSet::new(),
            peer_immutable_id: None,
            requested_at,
            terms,
            external_id,
            origin: Origin::Requested,
            asked: None,
            life: Life::Requested,
            halves: BySide::default(),
            open_attempt: None,
            accepted_at: None,
            activated_at: None,
            removal: None,
            ended_at: None,
            acceptance: None,
            past_links: BTreeSet::new(),
            routes: BySide::default(),
            ever_accepted: BySide::default(),
            withdrawn: BySide::default(),
            gone: BySide::default(),
            intents: BySide::default(),
            foreign: BySide::default(),
            routes_in_place: BySide::default(),
            watches_all_routes: BySide::default(),
            tables_moved: false,
            suspended: BySide::default(),
            firewall: BySide::of(|_| Firewall::closed(at)),
            ingress: BTreeMap::new(),
            tenure: Tenure::default(),
            tenure_ended: None,
            admissions: BTreeMap::new(),
            confirmed: BTreeMap::new(),
            options: BySide::default(),
            drift: BTreeMap::new(),
            repairs: BTreeMap::new(),
            accepted_drift: BTreeMap::new(),
            blocked: None,
            blocks: BTreeMap::new(),
            refused: None,
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

    /// The side that is asked for the link, and accepts it; `None` while nobody has looked at a
    /// link that was adopted.
    pub fn asked_side(&self) -> Option<Side> {
        if self.made_the_link() {
            Some(Side::Remote)
        } else {
            self.asked
        }
    }

    /// Whether the log says that everything asked for is in place.
    pub fn is_converged(&self) -> bool {
        matches!(self.life, Life::Active { .. })
            && self.blocked.is_none()
            && self.drift.is_empty()
            && self.kept_sides().all(|side| self.side_is_converged(side))
    }

    fn side_is_converged(&self, side: Side) -> bool {
        (self.firewall.get(side).is_enforced() || self.is_left_open(side))
            && self.firewall.get(side).denials.are_in_place()
            && self.withdrawn.get(side).is_empty()
            && self.suspended.get(side).is_none()
            && self.options_are_applied(side)
            && self.routes_are_in_place(side)
            && self.routes_were_seen(side)
    }

    /// Whether the side has nothing that denies what comes over the link, and may have nothing: its
    /// request accepted that, and the engine has made no group there.
    pub fn is_left_open(&self, side: Side) -> bool {
        let firewall = self.firewall.get(side);
        self.terms.accept_open.is_some() && firewall.group.is_none() && self.is_ours_to_keep(side)
    }

    /// Whether all routes of the side are where they should be: one observation has seen that. In
    /// histories from before that was recorded, that each was seen somewhere has to do.
    fn routes_are_in_place(&self, side: Side) -> bool {
        self.routes.get(side).is_empty()
            || self.routes_in_place.get(side).is_some()
            || !self.watches_all_routes.get(side)
            || self.has_accepted_route_drift(side)
    }

    /// Whether each route of the side was seen: in a table, or among those that are exchanged.
    fn routes_were_seen(&self, side: Side) -> bool {
        let mut routes = self.routes.get(side).values();
        let is_exchanged = match Routing::of(self.peer.provider) {
            Routing::PerTable => false,
            Routing::Exchanged { .. } => self.routes_in_place.get(side).is_some(),
        };
        is_exchanged || routes.all(|it| !it.installed.is_empty() && it.conflicts.is_empty())
    }

    /// Whether it was accepted that a route of the side is not where it should be: then no
    /// observation can see all of them, and that each was seen somewhere has to do.
    fn has_accepted_route_drift(&self, side: Side) -> bool {
        let destinations = self.routes.get(side).keys();
        let mut accepted = destinations.flat_map(|to| {
            let drift = self.accepted_drift.keys();
            drift.filter(move |drift| drift.is_about_route(side, *to))
        });
        accepted.next().is_some()
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
        self.life.ending().is_some_and(|it| it.leaves(link))
    }

    /// Everything of the engine's making, or recorded as such, that may still stand; of a peering
    /// that has ended, what it left.
    pub fn leftovers(&self) -> Vec<Leftover> {
        if let Some(ending) = self.life.ending() {
            return ending.left_behind().to_vec();
        }
        let link = match self.trace() {
            _ if self.has_halves() => None,
            LinkTrace::Never | LinkTrace::Gone(_) => None,
            LinkTrace::Perhaps { .. } => Some(Leftover::PossibleLink),
            LinkTrace::Seen(link) => Some(Leftover::Link { link }),
        };
        let link = link.into_iter().chain(self.halves_left());
        link.chain(self.leftovers_on_sides()).collect()
    }

    /// The same without the link.
    pub(super) fn leftovers_on_sides(&self) -> impl Iterator<Item = Leftover> + '_ {
        Side::BOTH
            .into_iter()
            .flat_map(|side| self.leftovers_of(side))
    }

    fn leftovers_of(&self, side: Side) -> Vec<Leftover> {
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
            .flat_map(|(destination, tables)| tables.keys().map(move |table| (destination, table)));
        let ours = tables.filter(|(destination, table)| !self.was_found(side, table, *destination));
        let routes = ours.map(|(destination, table)| Leftover::Route {
            side,
            route_table: table.clone(),
            destination,
        });
        let firewall = self.firewall.get(side);
        let rules = firewall
            .rules
            .values()
            .map(|rule_id| Leftover::FirewallRule {
                side,
                rule_id: rule_id.clone(),
            });
        let group = firewall.group.iter().map(|group| Leftover::FirewallGroup {
            side,
            group: group.clone(),
        });
        let possible = self
            .intents
            .get(side)
            .iter()
            .map(|(thing, _)| Leftover::PossibleThing {
                side,
                thing: thing.clone(),
            });
        let denials = firewall.denials.made.iter().map(|it| Leftover::Denial {
            side,
            denial: it.clone(),
        });
        let rules = routes.chain(rules).chain(group).chain(denials);
        rules.chain(possible).collect()
    }
}
