//! What may be recorded of which network the peer's is.

use super::super::{Refusal, Registered, event::PeerImmutableIdSeen, peering::Peering};
use crate::ids::PeeringId;

/// What was seen first stands; another one is drift.
pub(super) fn seen(network: &Registered, it: &PeerImmutableIdSeen) -> Result<bool, Refusal> {
    let peering = wanted(network, it.peering_id, "immutable id")?;
    Ok(peering.peer_immutable_id.is_none())
}

/// The peering, while its link is still wanted: what is taken back opens nothing any more.
pub(super) fn wanted<'a>(
    network: &'a Registered,
    id: PeeringId,
    outcome: &'static str,
) -> Result<&'a Peering, Refusal> {
    let peering = network.live(id)?;
    network
        .standing(id)
        .map_err(|_| super::out_of_order(peering, outcome))
}
