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
    /// Why, as the caller put it.
    pub reason: Reason,
    /// When it was allowed.
    pub allowed_at: DateTime<Utc>,
    /// When it ends by itself; `None` for never.
    pub expires_at: Option<DateTime<Utc>>,
}

impl Peering {
    pub(in crate::network) fn ingress_allowed(
        &mut self,
        event: &ConnectorIngressAllowed,
        at: DateTime<Utc>,
    ) {
        let ingress = Ingress {
            target: event.target,
            rule: event.rule,
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
        let admit: BTreeSet<InboundRule> =
            self.ingress.values().map(|ingress| ingress.rule).collect();
        self.firewall.remote.admit(admit, at);
    }
}
