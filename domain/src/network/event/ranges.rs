//! The ranges and subnets of an end: what may be reached there, and whose tables serve.

use crate::{
    ids::{NetworkId, PeeringId},
    range::{Ipv6Range, Range},
    text::Subnet,
};
use serde::{Deserialize, Serialize};

/// The peer has more ranges. No route leads into one of them, and no rule admits from there, before
/// the cloud was seen to show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PeerRangesAdded {
    /// The peering.
    pub peering_id: PeeringId,
    /// The ranges that are added.
    pub ranges: Vec<Range>,
}

/// The cloud was seen to show these ranges at the peer, and none of the private network's meets
/// them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PeerRangesConfirmed {
    /// The peering.
    pub peering_id: PeeringId,
    /// The ranges that were seen.
    pub ranges: Vec<Range>,
}

/// Ranges of the peer are given up. What led there was closed before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PeerRangesDropped {
    /// The peering.
    pub peering_id: PeeringId,
    /// The ranges that are given up.
    pub ranges: Vec<Range>,
}

/// Other subnets of the private network use its links.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct NetworkSubnetsChanged {
    /// The network.
    pub network_id: NetworkId,
    /// All of them from now on; none means the main route table, and `*` every subnet.
    pub subnets: Vec<Subnet>,
}

/// From which addresses the nodes of the private network's clusters call out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct NetworkNodesSet {
    /// The network.
    pub network_id: NetworkId,
    /// All of them from now on: the nodes' addresses, or the ranges of their subnets.
    pub nodes: Vec<Range>,
}

/// The private network has other IPv6 ranges beside its own range. What needed one that goes was
/// closed before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct NetworkIpv6RangesSet {
    /// The network.
    pub network_id: NetworkId,
    /// All of them from now on.
    pub ranges: Vec<Ipv6Range>,
}

/// Other subnets of the peer use the link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PeerSubnetsChanged {
    /// The peering.
    pub peering_id: PeeringId,
    /// All of them from now on; none means the main route table, and `*` every subnet.
    pub subnets: Vec<Subnet>,
}
