//! What may be recorded of ends. Each function says whether it is news.

use super::{
    super::{
        Refusal, Registered,
        event::{AdmissionExpired, AtEnd, PeeringTenureEnded},
        peering::{Life, Peering},
    },
    out_of_order,
};
use chrono::{DateTime, Utc};

/// Only what has an end ends by itself, not before that, and not if another end was said since.
pub(super) fn admission_expired(
    network: &Registered,
    it: &AdmissionExpired,
    now: DateTime<Utc>,
) -> Result<bool, Refusal> {
    let peering = network.live(it.peering_id)?;
    if !peering.firewall.local.admit.contains(&it.rule) {
        return Ok(false);
    }
    let said = peering.admission(&it.rule).expires_at;
    has_come(peering, said, it.expires_at, now).map(|()| true)
}

/// What follows is what the policy says now, whatever it said when the worker looked.
pub(super) fn ended(
    network: &Registered,
    it: &PeeringTenureEnded,
    now: DateTime<Utc>,
) -> Result<bool, Refusal> {
    let peering = network.live(it.peering_id)?;
    if matches!(
        peering.life,
        Life::Removing { .. } | Life::Abandoning { .. }
    ) {
        return Ok(false);
    }
    has_come(peering, peering.tenure.expires_at, it.expires_at, now)?;
    if network.policy.tenure.at_end != it.at_end {
        return Err(out_of_order(
            peering,
            "an end that the policy no longer says",
        ));
    }
    Ok(match it.at_end {
        AtEnd::Remove => true,
        AtEnd::Report => peering.tenure_ended != Some(it.expires_at),
    })
}

fn has_come(
    peering: &Peering,
    said: Option<DateTime<Utc>>,
    reported: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), Refusal> {
    if said != Some(reported) {
        return Err(out_of_order(peering, "another end than the one on record"));
    }
    if now < reported {
        return Err(out_of_order(peering, "an end that is still to come"));
    }
    Ok(())
}
