//! Routes: what each side may send over the link, and where it was seen.

use crate::{ids::PeeringId, range::Range, side::Side, text::RouteTable};
use serde::{Deserialize, Serialize};

/// One side may send a destination range over the link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RouteAccepted {
    /// The peering.
    pub peering_id: PeeringId,
    /// The side that may send.
    pub side: Side,
    /// The destination, a range in CIDR form.
    pub destination: Range,
}

/// One side shall no longer send a destination range over the link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RouteWithdrawn {
    /// The peering.
    pub peering_id: PeeringId,
    /// The side that shall no longer send.
    pub side: Side,
    /// The destination, a range in CIDR form.
    pub destination: Range,
    /// The destination that takes its place: the old route goes once the new one is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced_by: Option<Range>,
}

/// A route was seen in a route table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RouteInstalled {
    /// The peering.
    pub peering_id: PeeringId,
    /// The side that it is about.
    pub side: Side,
    /// The destination, a range in CIDR form.
    pub destination: Range,
    /// The route table, by the provider's id, like AWS's `rtb-0d1e2f30415263748`.
    pub route_table: RouteTable,
}

/// A route was seen to be gone from a route table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RouteRemoved {
    /// The peering.
    pub peering_id: PeeringId,
    /// The side that it is about.
    pub side: Side,
    /// The destination, a range in CIDR form.
    pub destination: Range,
    /// The route table, by the provider's id, like AWS's `rtb-0d1e2f30415263748`.
    pub route_table: RouteTable,
}

/// A route table already sends the destination elsewhere; it is left alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RouteConflicted {
    /// The peering.
    pub peering_id: PeeringId,
    /// The side that it is about.
    pub side: Side,
    /// The destination, a range in CIDR form.
    pub destination: Range,
    /// The route table, by the provider's id, like AWS's `rtb-0d1e2f30415263748`.
    pub route_table: RouteTable,
    /// Where the route table sends the destination instead, by the provider's id.
    pub target: String,
    /// The peering of this network that has ended and left that route behind, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_by: Option<PeeringId>,
}
