//! `ImposeQuarantine` and `LiftQuarantine`: closes every peering in a scope, and opens it again.
//!
//! A scope that fits no peering is imposed all the same: it holds for later peerings too.

use super::{
    Refusal, Registered,
    command::{ImposeQuarantine, LiftQuarantine},
    event::{NetworkEvent, QuarantineImposed, QuarantineLifted},
    freeze,
};

/// The most quarantines that one network may have at a time.
const QUARANTINES: usize = 250;

pub(super) fn impose(
    network: &Registered,
    command: &ImposeQuarantine,
) -> Result<Vec<NetworkEvent>, Refusal> {
    let held = network.quarantines.get(&command.scope);
    if freeze::is_held(held, command.everywhere) {
        return Ok(Vec::new());
    }
    if held.is_none() && network.quarantines.len() >= QUARANTINES {
        return Err(Refusal::TooManyQuarantines { most: QUARANTINES });
    }
    Ok(vec![
        QuarantineImposed {
            network_id: network.id,
            scope: command.scope.clone(),
            reason: command.reason.clone(),
            everywhere: command.everywhere,
        }
        .into(),
    ])
}

pub(super) fn lift(network: &Registered, command: &LiftQuarantine) -> Vec<NetworkEvent> {
    let held = network.quarantines.keys();
    let lifted = held.filter(|scope| scope.is_same(&command.scope));
    lifted
        .map(|scope| {
            let lifted = QuarantineLifted {
                network_id: network.id,
                scope: scope.clone(),
                reason: command.reason.clone(),
            };
            NetworkEvent::from(lifted)
        })
        .collect()
}
