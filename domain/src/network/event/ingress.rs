//! Connector ingress: the declared exceptions.

use super::InboundRule;
use crate::{
    ids::{IngressId, PeeringId},
    range::Range,
    text::Reason,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The private network may reach a target behind the peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ConnectorIngressAllowed {
    /// The peering.
    pub peering_id: PeeringId,
    /// The connector ingress.
    pub ingress_id: IngressId,
    /// Where the target is, within the peer's ranges.
    pub target: Range,
    /// What the peer's firewall admits for it: from a range of the private network's, to the
    /// target's port.
    pub rule: InboundRule,
    /// The same from further ranges.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<InboundRule>,
    /// Why, as the caller put it.
    pub reason: Reason,
    /// When it was allowed.
    pub allowed_at: DateTime<Utc>,
    /// When it ends by itself; `None` for never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime<Utc>>,
}

/// Why an ingress was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum IngressEnd {
    /// Somebody asked for it.
    Revoked,
    /// Its time was over.
    Expired,
}

/// It may no longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ConnectorIngressRevoked {
    /// The peering.
    pub peering_id: PeeringId,
    /// The connector ingress.
    pub ingress_id: IngressId,
    /// Why it was closed.
    pub because: IngressEnd,
}
