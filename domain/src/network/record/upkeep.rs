//! What may be recorded of ingresses and of drift. Each function says whether it is news.

use super::{
    super::{
        Refusal, Registered,
        event::{ConnectorIngressRevoked, DriftDetected, DriftKind, IngressEnd},
    },
    active, out_of_order,
};
use crate::ids::PeeringId;
use chrono::{DateTime, Utc};

/// Only an ingress with an end ends by itself, and not before that.
pub(super) fn ingress_expired(
    network: &Registered,
    it: &ConnectorIngressRevoked,
    now: DateTime<Utc>,
) -> Result<bool, Refusal> {
    let peering = network.live(it.peering_id)?;
    match peering.ingress.get(&it.ingress_id) {
        None => Ok(false),
        Some(ingress)
            if ingress.expires_at.is_some_and(|at| at <= now)
                && it.because == IngressEnd::Expired =>
        {
            Ok(true)
        }
        Some(_) => Err(out_of_order(
            peering,
            "the end of an ingress before its time",
        )),
    }
}

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
