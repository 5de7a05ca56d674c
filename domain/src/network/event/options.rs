//! Options of the link: name resolution.

use crate::{ids::PeeringId, side::Side};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DnsResolutionSet {
    pub peering_id: PeeringId,
    /// The side whose network's names the other side resolves to private addresses.
    pub side: Side,
    pub enabled: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DnsResolutionApplied {
    pub peering_id: PeeringId,
    pub side: Side,
    pub enabled: bool,
}
