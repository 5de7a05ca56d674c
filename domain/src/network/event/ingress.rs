//! Connector ingress: the declared exceptions.

use super::InboundRule;
use crate::{
    ids::{IngressId, PeeringId},
    range::Range,
    text::Reason,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectorIngressAllowed {
    pub peering_id: PeeringId,
    pub ingress_id: IngressId,
    /// Where the target is, within the peer's ranges.
    pub target: Range,
    /// What the peer's firewall admits for it: the private network's range, to the target's port.
    pub rule: InboundRule,
    pub reason: Reason,
    pub allowed_at: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime<Utc>>,
}

/// Why an ingress was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IngressEnd {
    /// Somebody asked for it.
    Revoked,
    /// Its time was over.
    Expired,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectorIngressRevoked {
    pub peering_id: PeeringId,
    pub ingress_id: IngressId,
    pub because: IngressEnd,
}
