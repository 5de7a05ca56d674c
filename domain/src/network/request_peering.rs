//! `RequestPeering`: asks for a link, and closes it against the private network in the same breath.
//! What it brings along is decided as the commands that it stands for would be, each on the state
//! that the one before it leaves.
//!
//! A link carries traffic both ways. So the request and the posture that denies everything coming
//! over it are one append: there is no moment in the log at which a peering exists without a
//! posture.

use super::{
    Connection, Network, PartitionMismatch, Refusal, Registered, accept_route,
    command::{
        AcceptRoute, RequestPeering, RestrictFirewall, SetDnsResolution, SetLinkOption, Setup,
        SetupOption,
    },
    event::{
        Consent, FirewallRestricted, LinkOption, LinkOptionSet, NetworkEvent, PeeringRequested,
        Tenure,
    },
    evolve,
    identity::Identity,
    link_option, live_peerings,
    peer::{PEER_RANGES, Peer},
    register, restrict_firewall, subnets, tenure,
};
use crate::{
    ids::{Ids, PeeringId},
    place::{Places, Provider},
    side::Side,
};
use chrono::{DateTime, Utc};

/// The most routes that a request may bring along.
const ROUTES: usize = 64;

pub(super) fn decide(
    network: &Registered,
    command: &RequestPeering,
    places: &Places,
    now: DateTime<Utc>,
    ids: Ids,
) -> Result<Vec<NetworkEvent>, Refusal> {
    let RequestPeering { peer, terms, setup } = command;
    if let Some(deadline) = terms.deadline.filter(|it| *it <= now) {
        return Err(Refusal::DeadlinePassed { deadline });
    }
    if terms.accept_open.is_some() && !is_open_by_itself(network.provider) {
        return Err(Refusal::NothingOpenToAccept {
            provider: network.provider,
        });
    }
    if setup.routes.len() > ROUTES {
        return Err(Refusal::TooManyRoutes {
            given: setup.routes.len(),
            most: ROUTES,
        });
    }
    check_place(network, peer, places)?;
    check_ranges(network, peer, places)?;
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
            tenure: Tenure::default(),
        }
        .into()
    });
    let closed = std::iter::once(requested.into()).chain(denied);
    let closed = closed.chain(tenure::begin(network, peering_id, &setup.tenure, now)?);
    // A half that is made closed is to be opened, once it is seen that its network keeps the other
    // one out.
    let kept = Side::BOTH
        .into_iter()
        .filter(|side| *side == Side::Local || terms.consent == Consent::Delegated);
    let opened = kept
        .filter(|_| is_open_by_itself(network.provider))
        .map(|side| {
            LinkOptionSet {
                peering_id,
                side,
                option: LinkOption::VirtualNetworkAccess,
                enabled: true,
            }
            .into()
        });
    let closed = closed.chain(opened);
    let closed = closed.collect();
    set_up(network, peering_id, setup, closed, places, now)
}

/// Whether the provider lets a peered network in unless something denies it; its halves are made
/// closed for that reason.
fn is_open_by_itself(provider: Provider) -> bool {
    provider == LinkOption::VirtualNetworkAccess.provider()
}

/// Adds what follows from what the request brings along.
fn set_up(
    network: &Registered,
    peering_id: PeeringId,
    setup: &Setup,
    mut events: Vec<NetworkEvent>,
    places: &Places,
    now: DateTime<Utc>,
) -> Result<Vec<NetworkEvent>, Refusal> {
    if setup.is_empty() {
        return Ok(events);
    }
    let mut state = Network::Registered(network.clone());
    let mut folded = 0;
    let mut decide = |decision: &dyn Fn(&Registered) -> Result<Vec<NetworkEvent>, Refusal>| {
        for event in events.iter().skip(folded) {
            state = evolve(std::mem::take(&mut state), event, now);
        }
        folded = events.len();
        if let Network::Registered(network) = &state {
            events.extend(decision(network)?);
        }
        Ok(())
    };
    decide(&|network| {
        let command = RestrictFirewall {
            peering_id,
            side: Side::Local,
            admit: setup.admit.clone(),
            tenure: setup.admission.clone(),
        };
        restrict_firewall::decide(network, &command, places, now)
    })?;
    for route in &setup.routes {
        let command = AcceptRoute {
            peering_id,
            side: route.side,
            destination: route.destination,
        };
        decide(&|network| accept_route::decide(network, &command))?;
    }
    for side in &setup.dns_resolution {
        let command = SetDnsResolution {
            peering_id,
            side: *side,
            enabled: true,
        };
        decide(&|network| link_option::decide_dns(network, &command))?;
    }
    for SetupOption { option, side } in &setup.options {
        let command = SetLinkOption {
            peering_id,
            side: *side,
            option: *option,
            enabled: true,
        };
        decide(&|network| link_option::decide(network, &command))?;
    }
    Ok(events)
}

pub(super) fn check_place(
    network: &Registered,
    peer: &Peer,
    places: &Places,
) -> Result<(), Refusal> {
    if peer.provider != network.provider {
        return Err(Refusal::ProviderMismatch {
            network: network.provider,
            peer: peer.provider,
        });
    }
    register::check_region(places, peer.provider, &peer.region)?;
    let (own, partition) = (
        places.partition(network.provider, &network.region),
        places.partition(peer.provider, &peer.region),
    );
    if own != partition {
        return Err(Refusal::PartitionMismatch(PartitionMismatch {
            region: peer.region.to_string(),
            partition: partition.to_string(),
            own: own.to_string(),
        }));
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
    if Identity::from(peer).is(&Identity::from(network)) {
        return Err(Refusal::PeerIsTheNetwork {
            cloud_network: peer.cloud_network.to_string(),
        });
    }
    for connection in network.connections.live() {
        let Connection::Peering(live) = connection;
        if live.peer.is_same_network(peer) {
            return Err(Refusal::PeerAlreadyLinked {
                peering_id: live.id,
                life: live.life.as_str(),
            });
        }
    }
    let live = network.connections.links_taken();
    let most = live_peerings(network.provider);
    if live >= most {
        return Err(Refusal::PeeringQuotaReached { live, most });
    }
    Ok(())
}

/// Only the two ends of a link may not overlap. That other peers have the same ranges matters once
/// a route leads there.
pub(super) fn check_ranges(
    network: &Registered,
    peer: &Peer,
    places: &Places,
) -> Result<(), Refusal> {
    if peer.ranges.is_empty() {
        return Err(Refusal::PeerRangesMissing);
    }
    if peer.ranges.len() > PEER_RANGES {
        return Err(Refusal::TooManyRanges {
            given: peer.ranges.len(),
            most: PEER_RANGES,
        });
    }
    subnets::check(&peer.subnets)?;
    let quotas = places.quotas(peer.provider, &peer.account);
    for (index, range) in peer.ranges.iter().enumerate() {
        peer.provider
            .check_range(range, &quotas)
            .map_err(|form| Refusal::PeerRangeNotAllowed {
                range: *range,
                form,
            })?;
        if let Some(own) = network.ranges().into_iter().find(|it| it.overlaps(range)) {
            return Err(Refusal::RangeOverlapsNetwork {
                range: *range,
                network: own,
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
    }
    Ok(())
}
