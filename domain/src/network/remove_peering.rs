//! `RemovePeering` and `AbandonPeering`: the two ways out.
//!
//! Removal takes back what the engine made, in order, and is done when it is seen to be gone.
//! Abandonment ends the engine's care after one more look, or a few minutes later where an account
//! does not answer any more, and writes down what is left behind.

use super::{
    Refusal, Registered,
    command::{AbandonPeering, RemovePeering},
    event::{NetworkEvent, PeeringAbandonmentRequested, PeeringRemovalRequested},
    peering::Life,
};
use chrono::{DateTime, Utc};

pub(super) fn remove(
    network: &Registered,
    command: &RemovePeering,
    now: DateTime<Utc>,
) -> Result<Vec<NetworkEvent>, Refusal> {
    let peering = network.live(command.peering_id)?;
    if matches!(peering.life, Life::Removing { .. }) {
        return Ok(Vec::new());
    }
    if matches!(peering.life, Life::Abandoning { .. }) {
        return Err(Refusal::PeeringBeingAbandoned {
            peering_id: peering.id,
        });
    }
    let (peering_id, reason) = (command.peering_id, command.reason.clone());
    Ok(vec![
        PeeringRemovalRequested {
            peering_id,
            reason,
            requested_at: now,
        }
        .into(),
    ])
}

/// Begins the end: the worker looks at what stands once more, cleans up the side that was named,
/// and says what is left.
pub(super) fn abandon(
    network: &Registered,
    command: &AbandonPeering,
    now: DateTime<Utc>,
) -> Result<Vec<NetworkEvent>, Refusal> {
    let peering = network.live(command.peering_id)?;
    let cleaning = peering.removal.as_ref().and_then(|it| it.clean);
    if matches!(peering.life, Life::Abandoning { .. })
        && (command.clean.is_none() || command.clean == cleaning)
    {
        return Ok(Vec::new());
    }
    Ok(vec![
        PeeringAbandonmentRequested {
            peering_id: peering.id,
            reason: command.reason.clone(),
            requested_at: now,
            clean: command.clean,
        }
        .into(),
    ])
}
