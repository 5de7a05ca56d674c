//! `SetNetworkIpv6Ranges`: which IPv6 ranges the private network has beside its own range, and what
//! both families mean for its peerings.
//!
//! Packets have the addresses of one family at both ends. So nothing of a family is opened while a
//! network at either end has none of it, and with a range goes all that needs it, in the same
//! append.

use super::{
    AddressFamilyMissing, NetworkRangeNotAllowed, Refusal, Registered,
    command::SetNetworkIpv6Ranges,
    event::{NetworkEvent, NetworkIpv6RangesSet, NetworkNodesSet},
    peering::{Ingress, Peering},
    range_gone::{self, Kept},
};
use crate::{
    place::Provider,
    range::{Family, Ipv6Range, Range},
    side::Side,
    source::AdmittedSource,
};

/// The most IPv6 ranges of a private network (AWS: 5 blocks of a VPC unless the quota is raised).
const RANGES: usize = 16;

impl Registered {
    /// All ranges of the private network.
    pub fn ranges(&self) -> Vec<Range> {
        let more = self.ipv6_ranges.iter().map(|it| Range::from(*it));
        std::iter::once(self.range.into()).chain(more).collect()
    }

    /// The ranges of this side's network that are on record.
    pub fn ranges_of(&self, peering: &Peering, side: Side) -> Vec<Range> {
        match side {
            Side::Local => self.ranges(),
            Side::Remote => peering.peer.ranges.clone(),
        }
    }
}

/// The ranges in order, each once, if a network of the provider's can have them all.
pub(super) fn checked(provider: Provider, ranges: &[Ipv6Range]) -> Result<Vec<Ipv6Range>, Refusal> {
    let mut ranges = ranges.to_vec();
    ranges.sort_unstable();
    ranges.dedup();
    if ranges.len() > RANGES {
        return Err(Refusal::TooManyRanges {
            given: ranges.len(),
            most: RANGES,
        });
    }
    for range in &ranges {
        provider
            .check_range(range, &provider.quotas())
            .map_err(|form| {
                let range = Range::from(*range);
                Refusal::NetworkRangeNotAllowed(NetworkRangeNotAllowed { range, form })
            })?;
    }
    for (one, other) in ranges.iter().zip(ranges.iter().skip(1)) {
        // In this order a range stands right before those within it.
        if one.overlaps(other) {
            return Err(Refusal::RangesOverlapEachOther {
                range: (*one).into(),
                other: (*other).into(),
            });
        }
    }
    Ok(ranges)
}

/// Whether the network on this side has addresses of the range's family.
pub(super) fn has_family(
    network: &Registered,
    peering: &Peering,
    side: Side,
    range: Range,
) -> Result<(), Refusal> {
    let mut own = network.ranges_of(peering, side).into_iter();
    if own.any(|it| it.family() == range.family()) {
        return Ok(());
    }
    let missing = AddressFamilyMissing { range, side };
    Err(Refusal::AddressFamilyMissing(missing))
}

/// How many of these are of the family that has the most: a provider's quotas hold for each by
/// itself (AWS: rules of a security group, routes of a table).
pub(super) fn most_of_a_family(sources: impl Iterator<Item = AdmittedSource> + Clone) -> usize {
    let of = |family| sources.clone().filter(|it| it.counts_as(family)).count();
    Family::BOTH.into_iter().map(of).max().unwrap_or_default()
}

/// Whether the command names a range that the network does not have yet.
pub(super) fn adds(network: &Registered, command: &SetNetworkIpv6Ranges) -> bool {
    let mut ranges = command.ranges.iter();
    ranges.any(|it| !network.ipv6_ranges.contains(it))
}

pub(super) fn set(
    network: &Registered,
    command: &SetNetworkIpv6Ranges,
) -> Result<Vec<NetworkEvent>, Refusal> {
    let ranges = checked(network.provider, &command.ranges)?;
    if ranges == network.ipv6_ranges {
        return Ok(Vec::new());
    }
    for range in &ranges {
        let mut live = network.live_peerings().flat_map(|it| &it.peer.ranges);
        if let Some(of_peer) = live.find(|it| it.overlaps(range)) {
            return Err(Refusal::RangeOverlapsNetwork {
                range: *of_peer,
                network: (*range).into(),
            });
        }
    }
    let mut events = Vec::new();
    for peering in network.live_peerings() {
        if network.standing(peering.id).is_ok() {
            events.extend(close(peering, &ranges));
        }
    }
    let stays = |range: &Range| is_kept(&ranges, *range);
    let (nodes, network_id) = (network.nodes.iter().copied(), network.id);
    let nodes: Vec<Range> = nodes.filter(|it| stays(it)).collect();
    if nodes != network.nodes {
        events.push(NetworkNodesSet { network_id, nodes }.into());
    }
    events.push(NetworkIpv6RangesSet { network_id, ranges }.into());
    Ok(events)
}

/// Whether such a part of the private network is still its own.
fn is_kept(ranges: &[Ipv6Range], part: Range) -> bool {
    match part.family() {
        Family::Ipv4 => true,
        Family::Ipv6 => ranges.iter().any(|it| it.contains(&part)),
    }
}

/// What of this peering needs a range that the private network does not keep.
fn close(peering: &Peering, ranges: &[Ipv6Range]) -> Vec<NetworkEvent> {
    // Of what the peer has, all of a family stays while any range of it does.
    let is_spoken = |range: Range| match range.family() {
        Family::Ipv4 => true,
        Family::Ipv6 => !ranges.is_empty(),
    };
    let is_kept = |range| is_kept(ranges, range);
    range_gone::close(
        peering,
        &Kept {
            route: |side, destination| match side {
                Side::Local => is_spoken(destination),
                Side::Remote => is_kept(destination),
            },
            source: is_spoken,
            ingress: |it: &Ingress| {
                let mut ranges = it.rules().filter_map(|rule| rule.source.range());
                ranges.all(is_kept)
            },
        },
    )
}
