//! `RequestPeering`: asks for a link, and closes it against the private network in the same breath.
//!
//! A link carries traffic both ways. So the request and the posture that denies everything coming
//! over it are one append: there is no moment in the log at which a peering exists without a
//! posture.

use super::{
    LIVE_PEERINGS, Refusal, Registered,
    command::RequestPeering,
    event::{FirewallRestricted, NetworkEvent, PeeringRequested},
    peering::Peer,
};
use crate::{ids::Ids, side::Side};
use chrono::{DateTime, Utc};

/// The most ranges, and the most subnets, that one end may name.
pub(super) const PEER_RANGES: usize = 32;

pub(super) fn decide(
    network: &Registered,
    command: &RequestPeering,
    now: DateTime<Utc>,
    ids: Ids,
) -> Result<Vec<NetworkEvent>, Refusal> {
    let RequestPeering { peer, terms } = command;
    if let Some(deadline) = terms.deadline.filter(|it| *it <= now) {
        return Err(Refusal::DeadlinePassed { deadline });
    }
    check_place(network, peer)?;
    check_ranges(network, peer)?;
    let peering_id = ids.peering(network.id);
    let external_id = Some(network.id.external_id(&peer.account));
    let requested = PeeringRequested {
        peering_id,
        peer: peer.clone(),
        requested_at: now,
        terms: terms.clone(),
        external_id,
    };
    let denied = Side::BOTH.map(|side| {
        FirewallRestricted {
            peering_id,
            side,
            admit: Vec::new(),
        }
        .into()
    });
    Ok(std::iter::once(requested.into()).chain(denied).collect())
}

pub(super) fn check_place(network: &Registered, peer: &Peer) -> Result<(), Refusal> {
    if peer.provider != network.provider {
        return Err(Refusal::ProviderMismatch {
            network: network.provider,
            peer: peer.provider,
        });
    }
    if !peer.region.belongs_to(peer.provider) {
        return Err(Refusal::RegionUnknown {
            provider: peer.provider,
            region: peer.region.to_string(),
        });
    }
    peer.provider
        .check_account(&peer.account)
        .map_err(|form| Refusal::AccountMalformed {
            account: peer.account.to_string(),
            form,
        })?;
    peer.provider
        .check_network(&peer.cloud_network)
        .map_err(|form| Refusal::CloudNetworkMalformed {
            cloud_network: peer.cloud_network.to_string(),
            form,
        })?;
    if (&peer.account, &peer.cloud_network) == (&network.account, &network.cloud_network) {
        return Err(Refusal::PeerIsTheNetwork {
            cloud_network: peer.cloud_network.to_string(),
        });
    }
    if let Some(live) = network
        .live_peerings()
        .find(|live| live.peer.is_same_network(peer))
    {
        return Err(Refusal::PeerAlreadyLinked {
            peering_id: live.id,
            life: live.life.as_str(),
        });
    }
    let live = network.live_peerings().count();
    if live >= LIVE_PEERINGS {
        return Err(Refusal::PeeringQuotaReached {
            live,
            most: LIVE_PEERINGS,
        });
    }
    Ok(())
}

pub(super) fn check_ranges(network: &Registered, peer: &Peer) -> Result<(), Refusal> {
    if peer.ranges.is_empty() {
        return Err(Refusal::PeerRangesMissing);
    }
    let named = peer.ranges.len().max(peer.subnets.len());
    if named > PEER_RANGES {
        return Err(Refusal::TooManyRanges {
            given: named,
            most: PEER_RANGES,
        });
    }
    for (index, range) in peer.ranges.iter().enumerate() {
        if range.overlaps(&network.range) {
            return Err(Refusal::RangeOverlapsNetwork {
                range: *range,
                network: network.range,
            });
        }
        if let Some(other) = peer
            .ranges
            .iter()
            .skip(index + 1)
            .find(|other| other.overlaps(range))
        {
            return Err(Refusal::RangesOverlapEachOther {
                range: *range,
                other: *other,
            });
        }
        for live in network.live_peerings() {
            if let Some(other) = live.peer.ranges.iter().find(|other| other.overlaps(range)) {
                return Err(Refusal::RangeOverlapsPeering {
                    range: *range,
                    other: *other,
                    peering_id: live.id,
                });
            }
        }
    }
    Ok(())
}
