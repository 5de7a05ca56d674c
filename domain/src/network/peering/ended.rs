//! What stays of a peering that has ended: enough to answer whoever asks for it, and to say for
//! ever which things at a cloud were its own.

use super::{
    super::event::{Consent, Denial, FoundRoute, InboundRule},
    Ending, Intents, Life, Origin, Peer, Peering,
};
use crate::{
    ids::PeeringId,
    range::Range,
    side::{BySide, Side},
    text::{FirewallGroup, FirewallRule, Link, RouteTable},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A peering that has ended, folded together. What was asked for and when is in the log, and in the
/// read models; here stands what is decided on, and everything of it that may ever have been at a
/// cloud.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedPeering {
    /// The network on the other end.
    pub peer: Peer,
    /// Who accepted for the peer, and kept its side.
    #[serde(default, skip_serializing_if = "is_default")]
    pub consent: Consent,
    /// How it came to be on record.
    #[serde(default, skip_serializing_if = "is_default")]
    pub origin: Origin,
    /// How it ended, and what was left behind.
    pub ending: Ending,
    /// When it was requested, or adopted.
    pub requested_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// Links that it had before its last one.
    #[serde(default, skip_serializing_if = "is_default")]
    pub past_links: BTreeSet<Link>,
    /// Every destination that was ever accepted.
    #[serde(default, skip_serializing_if = "is_default")]
    pub destinations: BySide<BTreeSet<Range>>,
    /// Every table in which a route of the engine's was on record, with the destination.
    #[serde(default, skip_serializing_if = "is_default")]
    pub routes: BySide<BTreeSet<(RouteTable, Range)>>,
    /// The groups that were its own.
    #[serde(default, skip_serializing_if = "is_default")]
    pub groups: BySide<BTreeSet<FirewallGroup>>,
    /// The rules that were its own: what each admits, and its id at the cloud.
    #[serde(default, skip_serializing_if = "is_default")]
    pub rules: BySide<BTreeSet<(InboundRule, FirewallRule)>>,
    /// The entries that it had in lists in front of subnets.
    #[serde(default, skip_serializing_if = "is_default")]
    pub denials: BySide<BTreeSet<Denial>>,
    /// What the engine was about to make, and was never seen.
    #[serde(default, skip_serializing_if = "is_default")]
    pub intents: BySide<Intents>,
}

impl EndedPeering {
    /// Folds a peering together that is over for good; nothing if it is not. One that expired and
    /// may be asked for once more is kept whole.
    pub fn of(peering: &Peering) -> Option<Self> {
        let ending = peering.life.ending()?.clone();
        if matches!(ending, Ending::Expired { .. }) && peering.terms.renew {
            return None;
        }
        let firewall = |side| peering.firewall.get(side);
        Some(Self {
            peer: peering.peer.clone(),
            consent: peering.terms.consent,
            origin: peering.origin.clone(),
            ending,
            requested_at: peering.requested_at,
            ended_at: peering.ended_at,
            past_links: peering.past_links.clone(),
            destinations: BySide::of(|side| {
                peering.ever_accepted.get(side).keys().copied().collect()
            }),
            routes: BySide::of(|side| peering.routes_ever(side).collect()),
            groups: BySide::of(|side| firewall(side).group.iter().cloned().collect()),
            rules: BySide::of(|side| {
                let rules = firewall(side).rules.iter();
                rules.map(|(rule, id)| (*rule, id.clone())).collect()
            }),
            denials: BySide::of(|side| firewall(side).denials.made.clone()),
            intents: peering.intents.clone(),
        })
    }

    /// Whether this link is, or was, one of this peering's.
    pub fn knows(&self, link: &Link) -> bool {
        self.last_link() == Some(link) || self.past_links.contains(link)
    }

    /// Whether it left this link where it was.
    pub fn left_behind(&self, link: &Link) -> bool {
        self.ending.leaves(link)
    }

    /// The link that it had at the end.
    pub fn last_link(&self) -> Option<&Link> {
        self.ending.link()
    }

    /// The routes that were there before an adopted link was taken over: nobody's to remove.
    pub fn found(&self) -> impl Iterator<Item = &FoundRoute> {
        let found = match &self.origin {
            Origin::Requested => None,
            Origin::Adopted { found } => found.as_ref(),
        };
        found.into_iter().flatten()
    }

    /// The peering as far as a decision can still tell: what has ended is decided on as this alone.
    pub(in crate::network) fn unfolded(&self, id: PeeringId) -> Peering {
        let terms = super::super::event::Terms {
            consent: self.consent,
            ..Default::default()
        };
        Peering {
            origin: self.origin.clone(),
            life: Life::Ended(self.ending.clone()),
            ended_at: self.ended_at,
            past_links: self.past_links.clone(),
            intents: self.intents.clone(),
            ..Peering::new(
                self.requested_at,
                id,
                &self.peer,
                self.requested_at,
                terms,
                None,
            )
        }
    }
}

impl Peering {
    /// Every table that was ever on record as holding a route of the engine's on this side, as far
    /// as it is known now.
    fn routes_ever(&self, side: Side) -> impl Iterator<Item = (RouteTable, Range)> + '_ {
        let kept = self
            .routes
            .get(side)
            .iter()
            .map(|(destination, route)| (destination, &route.installed));
        let going = self
            .withdrawn
            .get(side)
            .iter()
            .map(|(destination, route)| (destination, &route.installed));
        let there = kept.chain(going).flat_map(|(destination, tables)| {
            tables
                .keys()
                .map(move |table| (table.clone(), *destination))
        });
        let all = there.chain(self.gone.get(side).iter().cloned());
        all.filter(move |(table, destination)| {
            let is_anothers = |it: &(RouteTable, Range)| (&it.0, it.1) == (table, *destination);
            !self.foreign.get(side).iter().any(is_anothers)
                && !self.was_found(side, table, *destination)
        })
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
