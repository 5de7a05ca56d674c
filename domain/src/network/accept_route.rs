//! `AcceptRoute`: lets one side send a destination range over the link.
//!
//! The local side may reach what the peer owns, the remote side what the private network owns, and
//! nothing that lies behind either: peerings are not transitive.

use super::{
    Refusal, Registered,
    command::AcceptRoute,
    event::{NetworkEvent, RouteAccepted},
    ipv6,
    peering::Peering,
};
use crate::{range::Range, side::Side};

pub(super) fn decide(
    network: &Registered,
    command: &AcceptRoute,
) -> Result<Vec<NetworkEvent>, Refusal> {
    let AcceptRoute {
        peering_id,
        side,
        destination,
    } = *command;
    let peering = network.standing(peering_id)?;
    check_reach(network, peering, side, destination)?;
    if peering.routes.get(side).contains_key(&destination) {
        return Err(Refusal::RouteAlreadyAccepted {
            peering_id,
            side,
            destination,
        });
    }
    check_neighbours(network, peering, side, destination)?;
    Ok(vec![
        RouteAccepted {
            peering_id,
            side,
            destination,
        }
        .into(),
    ])
}

/// Whether the private network sends none of this over another of its links.
pub(super) fn check_neighbours(
    network: &Registered,
    peering: &Peering,
    side: Side,
    destination: Range,
) -> Result<(), Refusal> {
    if side == Side::Remote {
        return Ok(());
    }
    let mut others = network.live_peerings().filter(|it| it.id != peering.id);
    let taken = others.find_map(|other| {
        let mut routes = other.routes.local.keys();
        let other_range = routes.find(|it| it.overlaps(&destination))?;
        Some((other.id, *other_range))
    });
    match taken {
        None => Ok(()),
        Some((peering_id, other)) => Err(Refusal::RangeOverlapsPeering {
            range: destination,
            other,
            peering_id,
        }),
    }
}

/// Whether the destination is behind this link, seen from this side.
pub(super) fn check_reach(
    network: &Registered,
    peering: &Peering,
    side: Side,
    destination: Range,
) -> Result<(), Refusal> {
    let reachable = network.ranges_of(peering, side.other());
    if reachable.iter().any(|range| range.contains(&destination)) {
        return ipv6::has_family(network, peering, side, destination);
    }
    Err(Refusal::DestinationOutOfReach {
        side,
        destination,
        reachable,
    })
}
