//! Where the two sides of a peering are, in the words of the cloud port.

use crate::cloud::{LinkEnd, LinkSpec, NetworkRef, Place};
use domain::{
    Side,
    network::{Peering, Registered},
    text::Subnet,
};
use ipnet::IpNet;

/// Where calls for this side go, and as whom.
pub(super) fn of(network: &Registered, peering: &Peering, side: Side) -> Place {
    match side {
        Side::Local => Place { provider: network.provider, account: network.account.clone(), region: network.region.clone() },
        Side::Remote => {
            let peer = &peering.peer;
            Place { provider: peer.provider, account: peer.account.clone(), region: peer.region.clone() }
        }
    }
}

/// The network of this side.
pub(super) fn network(network: &Registered, peering: &Peering, side: Side) -> NetworkRef {
    let cloud_network = match side {
        Side::Local => &network.cloud_network,
        Side::Remote => &peering.peer.cloud_network,
    };
    NetworkRef { place: of(network, peering, side), network: cloud_network.clone() }
}

/// The network of this side with the ranges on record.
pub(super) fn end(on_record: &Registered, peering: &Peering, side: Side) -> LinkEnd {
    let ranges = match side {
        Side::Local => std::slice::from_ref(&on_record.range),
        Side::Remote => peering.peer.ranges.as_slice(),
    };
    LinkEnd { network: network(on_record, peering, side), ranges: ranges.iter().map(|range| IpNet::V4(range.net())).collect() }
}

/// The link that is wanted.
pub(super) fn link(network: &Registered, peering: &Peering) -> LinkSpec {
    LinkSpec { peering: peering.id, requester: end(network, peering, Side::Local), accepter: end(network, peering, Side::Remote) }
}

/// The subnets of this side whose route tables matter.
pub(super) fn subnets<'a>(network: &'a Registered, peering: &'a Peering, side: Side) -> &'a [Subnet] {
    match side {
        Side::Local => &network.subnets,
        Side::Remote => &peering.peer.subnets,
    }
}
