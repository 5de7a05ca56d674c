//! `AcceptRoute`: lets one side send a destination range over the link.
//!
//! The local side may reach what the peer owns, the remote side what the private network owns, and nothing that lies behind
//! either: peerings are not transitive.

use super::{
    Refusal, Registered,
    command::AcceptRoute,
    event::{NetworkEvent, RouteAccepted},
};
use crate::side::Side;

pub(super) fn decide(network: &Registered, command: &AcceptRoute) -> Result<Vec<NetworkEvent>, Refusal> {
    let AcceptRoute { peering_id, side, destination } = *command;
    let peering = network.live(peering_id)?;
    let reachable = match side {
        Side::Local => peering.peer.ranges.as_slice(),
        Side::Remote => std::slice::from_ref(&network.range),
    };
    if !reachable.iter().any(|range| range.contains(&destination)) {
        return Err(Refusal::DestinationOutOfReach { side, destination, reachable: reachable.to_vec() });
    }
    if peering.routes.get(side).contains_key(&destination) {
        return Err(Refusal::RouteAlreadyAccepted { peering_id, side, destination });
    }
    Ok(vec![RouteAccepted { peering_id, side, destination }.into()])
}
