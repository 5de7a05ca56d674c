//! What may be recorded of blocks. Each function says what of it is news.
//!
//! First sight, change and end are told. That the same block is met again is a count, told once a
//! day; and what comes and goes is told a few times, then every few hours: two engines with
//! different rights, or a right that flickers, write no storm. Whoever asks for a check of the
//! network hears at once.

use super::super::{
    Refusal, Registered,
    event::{ProvisioningBlocked, ProvisioningUnblocked},
    peering::{Peering, REPETITION},
};
use chrono::{DateTime, Utc};

pub(super) fn blocked(
    network: &Registered,
    peering: &Peering,
    it: &ProvisioningBlocked,
    now: DateTime<Utc>,
) -> Result<Option<ProvisioningBlocked>, Refusal> {
    network.live(peering.id)?;
    let Some(known) = &peering.blocked else {
        return Ok(Some(it.clone()));
    };
    if known.is_met_again(it) {
        let is_due = now - known.told_at.unwrap_or(known.since) >= REPETITION;
        return Ok(is_due.then(|| ProvisioningBlocked {
            times: it.times.max(2),
            ..it.clone()
        }));
    }
    let flickers = peering.block_flickers(it.cause, it.side, network.drift_check, now);
    Ok((!flickers).then(|| it.clone()))
}

/// The end of a block that comes and goes is told a while after its last beginning.
pub(super) fn unblocked(
    network: &Registered,
    peering: &Peering,
    it: &ProvisioningUnblocked,
    now: DateTime<Utc>,
) -> Option<ProvisioningUnblocked> {
    let known = peering.blocked.as_ref()?;
    let flickers = peering.block_flickers(known.cause, known.side, network.drift_check, now);
    (!flickers).then(|| it.clone())
}
