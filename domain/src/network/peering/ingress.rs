//! Connector ingress: the declared exceptions, and what the remote side admits for them.

use super::{
    super::event::{ConnectorIngressAllowed, InboundRule},
    Peering,
};
use crate::{ids::IngressId, range::Range, side::Side, text::Reason};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The declared exception that lets the private network reach a target behind the peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ingress {
    /// The target, a range within the peer's.
    pub target: Range,
    /// What the peer's firewall admits for it.
    pub rule: InboundRule,
    /// The same from further ranges.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<InboundRule>,
    /// Why, as the caller put it.
    pub reason: Reason,
    /// When it was allowed.
    pub allowed_at: DateTime<Utc>,
    /// When it ends by itself; `None` for never.
    pub expires_at: Option<DateTime<Utc>>,
}

impl Ingress {
    /// All that the peer's firewall admits for it.
    pub fn rules(&self) -> impl Iterator<Item = InboundRule> {
        std::iter::once(self.rule).chain(self.also.iter().copied())
    }

    /// Whether all that the other one's rules admit is admitted by this one's.
    pub fn admits_all_of(&self, other: &Self) -> bool {
        other.rules().all(|it| {
            let covers = |one: InboundRule| one.port == it.port && one.source.contains(&it.source);
            self.rules().any(covers)
        })
    }

    /// Whether a rule of this one admits what a rule of the other one does: as long as one of the
    /// two is open, so is what they share.
    pub fn shares_a_rule(&self, other: &Self) -> bool {
        self.rules()
            .any(|one| other.rules().any(|it| one.shares(&it)))
    }
}

impl InboundRule {
    /// Whether some traffic is admitted by both rules.
    pub fn shares(&self, other: &Self) -> bool {
        let meets = |one: Option<Range>, other: Option<Range>| match (one, other) {
            (Some(one), Some(other)) => one.overlaps(&other),
            (None, Some(_)) | (Some(_) | None, None) => true,
        };
        self.port == other.port
            && self.source.may_overlap(&other.source)
            && meets(self.target, other.target)
    }
}

impl Peering {
    /// The other ingresses of which a rule admits what one of this one's does: whatever becomes of
    /// this one, they keep that open.
    pub fn kept_open_by(&self, id: IngressId) -> Vec<IngressId> {
        let Some(ingress) = self.ingress.get(&id) else {
            return Vec::new();
        };
        let others = self.ingress.iter();
        let others = others.filter(|(other, it)| **other != id && it.shares_a_rule(ingress));
        others.map(|(id, _)| *id).collect()
    }

    pub(in crate::network) fn ingress_allowed(
        &mut self,
        event: &ConnectorIngressAllowed,
        at: DateTime<Utc>,
    ) {
        let ingress = Ingress {
            target: event.target,
            rule: event.rule,
            also: event.also.clone(),
            reason: event.reason.clone(),
            allowed_at: event.allowed_at,
            expires_at: event.expires_at,
        };
        self.ingress.insert(event.ingress_id, ingress);
        self.admit_ingress(at);
    }

    pub(in crate::network) fn ingress_revoked(&mut self, id: IngressId, at: DateTime<Utc>) {
        self.ingress.remove(&id);
        self.admit_ingress(at);
    }

    pub(super) fn admit_ingress(&mut self, at: DateTime<Utc>) {
        self.forget_drift(|drift| drift.is_about_firewall(Side::Remote));
        let admit: BTreeSet<InboundRule> = self.ingress.values().flat_map(Ingress::rules).collect();
        self.firewall.remote.admit(admit, at);
        self.forget_confirmations();
    }
}
