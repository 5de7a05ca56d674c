//! Where the two sides of a peering are, in the words of the cloud port.

use cloud::{
    AccountRegion, Cloud, CloudError, CloudErrorKind, Limits, LinkEnd, LinkForm, LinkSpec,
    NetworkRef, Operation, Owner, RequestId,
};
use domain::{
    BySide, Side,
    network::{Peer, Peering, Registered},
    text::{CloudNetwork, ExternalId, Link, Subnet},
};
use ipnet::IpNet;
use std::collections::BTreeSet;

/// Where calls for this side go, and as whom. The peer's role is entered with the tenant's own
/// external id, unless the peer is in the private network's account.
pub(super) fn of(network: &Registered, peering: &Peering, side: Side) -> AccountRegion {
    match side {
        Side::Local => local(network),
        Side::Remote => remote(network, &peering.peer, peering.external_id.as_ref()),
    }
}

/// How much of everything there may be on this side, as far as that was seen, is said or is usual.
pub(super) fn limits(
    cloud: &dyn Cloud,
    network: &Registered,
    peering: &Peering,
    side: Side,
) -> Limits {
    let at = of(network, peering, side);
    cloud.limits(&at, network.quotas_seen_at(&at.account, &at.region))
}

/// Makes sure that calls there act in the account on record.
pub(super) async fn check_account(cloud: &dyn Cloud, at: &AccountRegion) -> Result<(), CloudError> {
    let actual = cloud.identity(at).await?;
    if actual == at.account {
        return Ok(());
    }
    let expected = at.account.clone();
    let kind = CloudErrorKind::WrongAccount { expected, actual };
    Err(CloudError::new(Operation::Identity, at, kind))
}

/// Where the private network is.
pub(super) fn local(network: &Registered) -> AccountRegion {
    AccountRegion {
        provider: network.provider,
        account: network.account.clone(),
        region: network.region.clone(),
        external_id: None,
    }
}

/// The private network itself.
pub(super) fn local_network(network: &Registered) -> NetworkRef {
    NetworkRef {
        at: local(network),
        network: network.cloud_network.clone(),
    }
}

fn remote(network: &Registered, peer: &Peer, external_id: Option<&ExternalId>) -> AccountRegion {
    let external_id = external_id
        .filter(|_| peer.account != network.account)
        .cloned();
    AccountRegion {
        provider: peer.provider,
        account: peer.account.clone(),
        region: peer.region.clone(),
        external_id,
    }
}

/// The network of this side.
pub(super) fn network(network: &Registered, peering: &Peering, side: Side) -> NetworkRef {
    let cloud_network = match side {
        Side::Local => &network.cloud_network,
        Side::Remote => &peering.peer.cloud_network,
    };
    NetworkRef {
        at: of(network, peering, side),
        network: cloud_network.clone(),
    }
}

/// The networks there of which the engine keeps a side: what their account allows counts for each.
pub(super) fn kept_at(network: &Registered, at: &AccountRegion) -> Vec<CloudNetwork> {
    let peers = network
        .live_peerings()
        .filter(|it| it.is_ours_to_keep(Side::Remote));
    let peers = peers.map(|it| (remote(network, &it.peer, None), &it.peer.cloud_network));
    let all = std::iter::once((local(network), &network.cloud_network)).chain(peers);
    let is_there = |it: &AccountRegion| (&it.account, &it.region) == (&at.account, &at.region);
    let there = all.filter(|(it, _)| is_there(it));
    there.map(|(_, network)| network.clone()).collect()
}

/// The networks of both sides.
pub(super) fn networks(on_record: &Registered, peering: &Peering) -> BySide<NetworkRef> {
    BySide::of(|side| network(on_record, peering, side))
}

/// The same of a peering that is over, of which the peer alone is known.
pub(super) fn networks_with(
    on_record: &Registered,
    peer: &Peer,
    external_id: Option<&ExternalId>,
) -> BySide<NetworkRef> {
    BySide {
        local: NetworkRef {
            at: local(on_record),
            network: on_record.cloud_network.clone(),
        },
        remote: NetworkRef {
            at: remote(on_record, peer, external_id),
            network: peer.cloud_network.clone(),
        },
    }
}

/// The network of this side with the ranges on record.
pub(super) fn end(on_record: &Registered, peering: &Peering, side: Side) -> LinkEnd {
    LinkEnd::new(
        network(on_record, peering, side),
        ranges(on_record, peering, side),
    )
}

/// The ranges of this side that are on record.
pub(super) fn ranges(on_record: &Registered, peering: &Peering, side: Side) -> Vec<IpNet> {
    let ranges = on_record.ranges_of(peering, side).into_iter();
    ranges.map(|range| range.net()).collect()
}

/// What is put on everything that is made for this peering.
pub(super) fn owner(network: &Registered, peering: &Peering) -> Owner {
    Owner::new(network.id, peering.id)
}

/// The name of the halves of the link that is wanted, where names are chosen beforehand. A link
/// that is over does not give its name to the next one.
pub(super) fn half_name(network: &Registered, peering: &Peering) -> Option<Link> {
    let is_two = LinkForm::of(network.provider).is_two_objects();
    let turn = peering.past_links.len();
    is_two.then(|| cloud::half_name(peering.id, turn)).flatten()
}

/// The link on record.
pub(super) fn existing(network: &Registered, peering: &Peering, it: &Link) -> LinkSpec {
    LinkSpec {
        link: Some(it.clone()),
        ..link(network, peering)
    }
}

/// The name of the request that makes or removes this side's half: the one on record, where there
/// is one.
pub(super) fn request(peering: &Peering, side: Side) -> RequestId {
    let on_record = peering.halves.get(side).request();
    RequestId(on_record.map_or(peering.id.0, |it| it.id))
}

/// The link that is wanted.
pub(super) fn link(network: &Registered, peering: &Peering) -> LinkSpec {
    LinkSpec {
        link: half_name(network, peering),
        owner: owner(network, peering),
        first: end(network, peering, Side::Local),
        second: end(network, peering, Side::Remote),
    }
}

/// The subnets of this side whose route tables matter.
pub(super) fn subnets<'a>(
    network: &'a Registered,
    peering: &'a Peering,
    side: Side,
) -> &'a [Subnet] {
    match side {
        Side::Local => &network.subnets,
        Side::Remote => &peering.peer.subnets,
    }
}

/// The networks that this network's peerings have in an account and region; this peering's own
/// always.
pub(super) fn networks_at(
    network: &Registered,
    peering: &Peering,
    at: &AccountRegion,
) -> Vec<CloudNetwork> {
    let local = (local(network) == *at).then(|| network.cloud_network.clone());
    let own = std::iter::once(peering);
    let peers = network
        .live_peerings()
        .chain(own)
        .filter(|peering| of(network, peering, Side::Remote) == *at);
    let all: BTreeSet<CloudNetwork> = local
        .into_iter()
        .chain(peers.map(|peering| peering.peer.cloud_network.clone()))
        .collect();
    all.into_iter().collect()
}

/// Of how many peerings that have ended the networks are read with those of the live ones, in an
/// account and region.
const MOST_BEFORE: usize = 50;

/// The networks that peerings which ended last had there: what is left of them, or comes too late,
/// is an orphan.
pub(super) fn networks_before(
    network: &Registered,
    at: &AccountRegion,
) -> impl Iterator<Item = CloudNetwork> + use<> {
    let over = network.peerings().values().filter(|it| !it.life.is_live());
    let kept = over.map(|it| (it.ended_at, &it.peer));
    let folded = network
        .ended_peerings()
        .iter()
        .map(|(_, it)| (it.ended_at, &it.peer));
    let is_here = |peer: &Peer| {
        (peer.provider, &peer.account, &peer.region) == (at.provider, &at.account, &at.region)
    };
    let mut before: Vec<_> = kept
        .chain(folded)
        .filter(|(_, peer)| is_here(peer))
        .map(|(ended_at, peer)| (ended_at, peer.cloud_network.clone()))
        .collect();
    before.sort_by(|one, other| other.cmp(one));
    let mut seen = BTreeSet::new();
    before.retain(|(_, it)| seen.insert(it.clone()));
    before.into_iter().map(|(_, it)| it).take(MOST_BEFORE)
}
