//! What may be recorded of drift. Each function says whether it is news.
//!
//! Where the engine only reports, drift that comes and goes is told a few times a day, then every
//! few hours: it stays on record meanwhile. Where the engine repairs, its own pauses between
//! repairs bound it.

use super::super::{
    Refusal, Registered,
    event::{DriftDetected, DriftKind, DriftPolicy, DriftRepaired},
    peering::{Peering, flickers},
};
use super::{identity::wanted, linked};
use crate::ids::PeeringId;
use chrono::{DateTime, Utc};

pub(super) fn drift_detected(
    network: &Registered,
    it: &DriftDetected,
    now: DateTime<Utc>,
) -> Result<bool, Refusal> {
    // Which network an end is matters before there is a link.
    let peering = if it.finding.is_replacement() {
        wanted(network, it.peering_id, "drift")?
    } else {
        linked(network, it.peering_id, "drift")?
    };
    let is_known =
        peering.drift.contains_key(&it.finding) || peering.accepted_drift.contains_key(&it.finding);
    let subject = it.finding.subject();
    let is_held = || {
        let mut known = peering.drift.keys();
        known.any(|known| known.subject() == subject)
            && comes_and_goes(network, peering, &it.finding, now)
    };
    Ok(!is_known && !is_held())
}

pub(super) fn drift_repaired(
    network: &Registered,
    it: &DriftRepaired,
    now: DateTime<Utc>,
) -> Result<bool, Refusal> {
    let peering = network.live(it.peering_id)?;
    Ok(peering.drift.contains_key(&it.finding)
        && !comes_and_goes(network, peering, &it.finding, now))
}

fn comes_and_goes(
    network: &Registered,
    peering: &Peering,
    finding: &DriftKind,
    now: DateTime<Utc>,
) -> bool {
    let repairs = peering.repairs_of(finding);
    (network.policy.drift != DriftPolicy::Repair || finding.is_replacement())
        && repairs.last.is_some_and(|last| {
            let begun = repairs.count.saturating_add(1);
            flickers(begun, last, network.drift_check, now)
        })
}

/// Another network is never taken for the one that was asked for.
pub(super) fn drift_adopted(
    network: &Registered,
    peering_id: PeeringId,
    finding: &DriftKind,
) -> Result<bool, Refusal> {
    let peering = network.live(peering_id)?;
    Ok(peering.drift.contains_key(finding) && !finding.is_replacement())
}
