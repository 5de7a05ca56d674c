//! What may be recorded of drift. Each function says whether it is news.

use super::super::{
    Refusal, Registered,
    event::{DriftDetected, DriftKind},
};
use super::active;
use crate::ids::PeeringId;

pub(super) fn drift_detected(network: &Registered, it: &DriftDetected) -> Result<bool, Refusal> {
    let peering = active(network, it.peering_id, "drift")?;
    Ok(!peering.drift.contains_key(&it.finding)
        && !peering.accepted_drift.contains_key(&it.finding))
}

pub(super) fn is_drifting(
    network: &Registered,
    peering_id: PeeringId,
    finding: &DriftKind,
) -> Result<bool, Refusal> {
    let peering = network.live(peering_id)?;
    Ok(peering.drift.contains_key(finding))
}
