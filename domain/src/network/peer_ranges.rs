//! `AddPeerRanges` and `DropPeerRanges`: the peer gets more address ranges, or gives some up. The
//! link stays as it is.
//!
//! Routes and rules into a new range may be asked for at once; the engine opens them when it has
//! seen that the range is the peer's. With a range goes all that needs it, in the same append.

use super::{
    Refusal, Registered,
    command::{AddPeerRanges, DropPeerRanges},
    event::{NetworkEvent, PeerRangesAdded, PeerRangesDropped},
    peer::Peer,
    peering::Ingress,
    range_gone::{self, Kept},
    request_peering::check_ranges,
};
use crate::{place::Places, range::Range, side::Side};
use std::collections::BTreeSet;

pub(super) fn add(
    network: &Registered,
    command: &AddPeerRanges,
    places: &Places,
) -> Result<Vec<NetworkEvent>, Refusal> {
    let peering = network.standing(command.peering_id)?;
    let known = &peering.peer.ranges;
    let mut added = command.ranges.clone();
    added.retain(|range| !known.contains(range));
    if added.is_empty() {
        return if command.ranges.is_empty() {
            Err(Refusal::PeerRangesMissing)
        } else {
            Ok(Vec::new())
        };
    }
    let peer = Peer {
        ranges: known.iter().chain(&added).copied().collect(),
        ..peering.peer.clone()
    };
    check_ranges(network, &peer, places)?;
    let event = PeerRangesAdded {
        peering_id: command.peering_id,
        ranges: added,
    };
    Ok(vec![event.into()])
}

pub(super) fn drop(
    network: &Registered,
    command: &DropPeerRanges,
) -> Result<Vec<NetworkEvent>, Refusal> {
    let peering_id = command.peering_id;
    let peering = network.standing(peering_id)?;
    let given_up: BTreeSet<Range> = command.ranges.iter().copied().collect();
    let known = &peering.peer.ranges;
    if let Some(range) = given_up.iter().find(|range| !known.contains(range)) {
        return Err(Refusal::PeerRangeNotOnRecord {
            range: *range,
            ranges: known.clone(),
        });
    }
    let mut kept = known.clone();
    kept.retain(|range| !given_up.contains(range));
    if given_up.is_empty() || kept.is_empty() {
        return Err(Refusal::PeerRangesMissing);
    }
    let stays = |range: Range| kept.iter().any(|kept| kept.contains(&range));
    // A network without a family of addresses sends nothing to those of the other.
    let is_spoken = |range: Range| kept.iter().any(|it| it.family() == range.family());
    let mut events = range_gone::close(
        peering,
        &Kept {
            route: |side, destination| match side {
                Side::Local => stays(destination),
                Side::Remote => is_spoken(destination),
            },
            source: stays,
            ingress: |it: &Ingress| stays(it.target),
        },
    );
    let dropped = PeerRangesDropped {
        peering_id,
        ranges: given_up.into_iter().collect(),
    };
    events.push(dropped.into());
    Ok(events)
}
