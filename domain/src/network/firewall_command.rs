//! What can be asked about where a side's group is attached, and about what keeps the other side
//! out.

use super::event::AttachTo;
use crate::{ids::PeeringId, side::Side, text::Subnet};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Has the engine attach its group on one side to interfaces, in place of what was said before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachFirewall {
    /// The peering.
    pub peering_id: PeeringId,
    /// The side whose group it is.
    pub side: Side,
    /// Which interfaces.
    pub to: AttachTo,
}

/// Has the engine detach its group from what it attached it to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DetachFirewall {
    /// The peering.
    pub peering_id: PeeringId,
    /// The side whose group it is.
    pub side: Side,
}

/// Has the engine keep the other side out of subnets of one side, by entries in the lists in front
/// of them, in place of what was said before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DenyWithLists {
    /// The peering.
    pub peering_id: PeeringId,
    /// The side whose subnets they are.
    pub side: Side,
    /// The subnets, by the provider's ids.
    pub subnets: BTreeSet<Subnet>,
}

/// Has the engine take those entries away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopDenying {
    /// The peering.
    pub peering_id: PeeringId,
    /// The side whose subnets they are.
    pub side: Side,
}
