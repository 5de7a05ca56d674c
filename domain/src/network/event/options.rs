//! Options of the link: name resolution.

use crate::{ids::PeeringId, side::Side};
use serde::{Deserialize, Serialize};

/// Whether one side's names shall resolve to private addresses on the other side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DnsResolutionSet {
    /// The peering.
    pub peering_id: PeeringId,
    /// The side whose network's names the other side resolves to private addresses.
    pub side: Side,
    /// Whether the side's names resolve to private addresses on the other side.
    pub enabled: bool,
}

/// One side's names were seen to resolve so on the other side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DnsResolutionApplied {
    /// The peering.
    pub peering_id: PeeringId,
    /// The side whose names are meant.
    pub side: Side,
    /// Whether the side's names resolve to private addresses on the other side.
    pub enabled: bool,
}
