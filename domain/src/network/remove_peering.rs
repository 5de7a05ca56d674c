//! `RemovePeering` and `AbandonPeering`: the two ways out.
//!
//! Removal takes back what the engine made, in order, and is done when it is seen to be gone.
//! Abandonment ends the engine's care at once and writes down what is left behind, for when there
//! is no way to take it back.

use super::{
    Refusal, Registered,
    command::{AbandonPeering, RemovePeering},
    event::{NetworkEvent, PeeringAbandoned, PeeringRemovalRequested},
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

pub(super) fn abandon(
    network: &Registered,
    command: &AbandonPeering,
) -> Result<Vec<NetworkEvent>, Refusal> {
    let peering = network.live(command.peering_id)?;
    let left_behind = peering.leftovers();
    Ok(vec![
        PeeringAbandoned {
            peering_id: peering.id,
            reason: command.reason.clone(),
            left_behind,
        }
        .into(),
    ])
}
