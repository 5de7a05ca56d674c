//! Routes: what each side may send over the link, and where it was seen.

use crate::{ids::PeeringId, range::Range, side::Side, text::RouteTable};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteAccepted {
    pub peering_id: PeeringId,
    pub side: Side,
    pub destination: Range,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteWithdrawn {
    pub peering_id: PeeringId,
    pub side: Side,
    pub destination: Range,
    /// The destination that takes its place: the old route goes once the new one is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced_by: Option<Range>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteInstalled {
    pub peering_id: PeeringId,
    pub side: Side,
    pub destination: Range,
    pub route_table: RouteTable,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteRemoved {
    pub peering_id: PeeringId,
    pub side: Side,
    pub destination: Range,
    pub route_table: RouteTable,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteConflicted {
    pub peering_id: PeeringId,
    pub side: Side,
    pub destination: Range,
    pub route_table: RouteTable,
    /// Where the route table sends the destination instead, by the provider's id.
    pub target: String,
}
