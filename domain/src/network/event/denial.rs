//! Denials: entries in the lists in front of a side's subnets that keep the other side out, where a
//! cloud's groups can only allow.

use crate::{
    ids::PeeringId,
    range::Range,
    side::Side,
    text::{AccessList, Subnet},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A protocol that has ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PortProtocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl PortProtocol {
    /// Its name, as clouds write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// Ports of a protocol, from the first to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Ports {
    /// Of which protocol.
    pub protocol: PortProtocol,
    /// The first port.
    pub first: u16,
    /// The last one.
    pub last: u16,
}

/// What a denial keeps out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Denied {
    /// Where the traffic comes from.
    pub source: Range,
    /// To which ports it goes; absent: everything, whatever the protocol.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ports: Option<Ports>,
}

impl std::fmt::Display for Denied {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let source = self.source;
        match self.ports {
            None => write!(f, "everything from {source}"),
            Some(Ports {
                protocol,
                first,
                last,
            }) if first == last => write!(f, "{} {first} from {source}", protocol.as_str()),
            Some(Ports {
                protocol,
                first,
                last,
            }) => write!(f, "{} {first} to {last} from {source}", protocol.as_str()),
        }
    }
}

/// One entry of a list in front of subnets that denies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Denial {
    /// The list, by the provider's id, like AWS's `acl-0a1b2c3d4e5f60718`.
    pub list: AccessList,
    /// Its number in the list: entries are tried from the least number up.
    pub number: u16,
    /// What it keeps out.
    pub denies: Denied,
}

/// The engine shall keep the other side out of subnets of one side, by entries in the lists in
/// front of them, in place of what was said before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DenialRequested {
    /// The peering.
    pub peering_id: PeeringId,
    /// The side that it is about.
    pub side: Side,
    /// The subnets, by the provider's ids.
    pub subnets: BTreeSet<Subnet>,
}

/// It shall no longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DenialWithdrawn {
    /// The peering.
    pub peering_id: PeeringId,
    /// The side that it is about.
    pub side: Side,
}

/// An entry of the engine's was seen in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DenialMade {
    /// The peering.
    pub peering_id: PeeringId,
    /// The side that it is about.
    pub side: Side,
    /// The entry.
    pub denial: Denial,
}

/// It was seen not to be there any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DenialRemoved {
    /// The peering.
    pub peering_id: PeeringId,
    /// The side that it is about.
    pub side: Side,
    /// The entry.
    pub denial: Denial,
}

/// One observation has seen that the lists in front of all subnets that were named keep out what is
/// to be kept out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DenialEnforced {
    /// The peering.
    pub peering_id: PeeringId,
    /// The side that it is about.
    pub side: Side,
    /// The lists, by the provider's ids.
    pub lists: BTreeSet<AccessList>,
    /// What they keep out.
    pub denies: BTreeSet<Denied>,
    /// The subnets with their addresses, each with the list in front of it; none if those were not
    /// all seen.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub subnets: BTreeSet<DeniedSubnet>,
}

/// A subnet that a list stands before.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DeniedSubnet {
    /// The subnet.
    pub subnet: Subnet,
    /// Addresses of it.
    pub range: Range,
    /// The list.
    pub list: AccessList,
}

/// What was seen to be kept out is not kept out any more: an entry is gone, one of somebody else's
/// comes before it, or a subnet has another list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DenialLapsed {
    /// The peering.
    pub peering_id: PeeringId,
    /// The side that it is about.
    pub side: Side,
}
