//! `AttachFirewall` and `DetachFirewall`: a group admits only where it is attached, and attaching
//! it to machines is left to their owner unless the engine is asked to.

use super::{
    Refusal, Registered,
    command::{AttachFirewall, DetachFirewall},
    event::{AttachTo, FirewallAttachmentRequested, FirewallAttachmentWithdrawn, NetworkEvent},
};
use crate::place::Aim;

/// How many interfaces may be named one by one.
pub const INTERFACES: usize = 200;

pub(super) fn attach(
    network: &Registered,
    command: &AttachFirewall,
) -> Result<Vec<NetworkEvent>, Refusal> {
    let AttachFirewall {
        peering_id,
        side,
        to,
    } = command;
    let peering = network.standing(*peering_id)?;
    let provider = network.provider;
    match provider.firewall().aim {
        Aim::Attachment => {}
        Aim::Addresses => return Err(Refusal::AttachmentUnsupported { provider }),
    }
    if !peering.is_ours_to_keep(*side) {
        return Err(Refusal::SideKeptByOwner {
            peering_id: *peering_id,
            side: *side,
        });
    }
    if let AttachTo::Interfaces { interfaces } = to
        && !(1..=INTERFACES).contains(&interfaces.len())
    {
        return Err(Refusal::InterfaceCount {
            given: interfaces.len(),
            most: INTERFACES,
        });
    }
    let wanted = peering.firewall.get(*side).attachment.wanted.as_ref();
    // What was chosen once is chosen anew when that is said again.
    let is_fixed = matches!(
        to,
        AttachTo::Tag {
            followed: false,
            ..
        }
    );
    if wanted.is_some_and(|it| it.to == *to) && !is_fixed {
        return Ok(Vec::new());
    }
    let requested = FirewallAttachmentRequested {
        peering_id: *peering_id,
        side: *side,
        to: to.clone(),
    };
    Ok(vec![requested.into()])
}

pub(super) fn detach(
    network: &Registered,
    command: &DetachFirewall,
) -> Result<Vec<NetworkEvent>, Refusal> {
    let DetachFirewall { peering_id, side } = *command;
    let peering = network.standing(peering_id)?;
    if peering.firewall.get(side).attachment.wanted.is_none() {
        return Ok(Vec::new());
    }
    Ok(vec![
        FirewallAttachmentWithdrawn { peering_id, side }.into(),
    ])
}
