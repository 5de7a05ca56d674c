//! What can be asked about a connector ingress.

use crate::{
    ids::{IngressId, PeeringId},
    range::Range,
    text::Reason,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Lets the private network reach a target behind the peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllowConnectorIngress {
    /// The peering.
    pub peering_id: PeeringId,
    /// The target, a range within the peer's.
    pub target: Range,
    /// The TCP port, from 1 to 65535.
    pub port: u16,
    /// Why, as the caller put it.
    pub reason: Reason,
    /// When it ends by itself; `None` for never.
    pub expires_at: Option<DateTime<Utc>>,
    /// From where. Left out by callers of before there was a choice: the nodes, as they are on
    /// record. What was opened by such a command then is open from the network's whole range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<IngressSource>,
    /// Whether it is meant to have no end: one of this and an end is said. Left out where it is
    /// not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_expiry: bool,
}

/// From where a connector ingress is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IngressSource {
    /// From the nodes' addresses or subnets, as they are on record of the private network.
    Nodes,
    /// From these ranges of the private network.
    Ranges(Vec<Range>),
}

/// Closes such an exception.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokeConnectorIngress {
    /// The peering.
    pub peering_id: PeeringId,
    /// The connector ingress.
    pub ingress_id: IngressId,
}
