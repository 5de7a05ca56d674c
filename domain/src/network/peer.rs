//! The network on the other end of a peering.

use crate::{
    place::{Provider, Region, Sources},
    range::Range,
    text::{Account, CloudNetwork, Subnet},
};
use serde::{Deserialize, Serialize};

/// The most ranges, and the most subnets, that one end may name.
pub(super) const PEER_RANGES: usize = 32;

/// The network on the other end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Peer {
    /// The peer's cloud.
    pub provider: Provider,
    /// The peer's account: AWS account, GCP project or Azure tenant.
    pub account: Account,
    /// The peer's region, as the provider writes it.
    pub region: Region,
    /// The peer's network, by the provider's id, like AWS's `vpc-0f9e8d7c6b5a43210`.
    pub cloud_network: CloudNetwork,
    /// The peer's address ranges; at least one.
    pub ranges: Vec<Range>,
    /// The subnets whose clients use the link. Empty means the main route table.
    #[serde(default)]
    pub subnets: Vec<Subnet>,
}

impl Peer {
    /// Whether this is the same network, whatever ranges are named.
    pub fn is_same_network(&self, other: &Self) -> bool {
        self.provider == other.provider
            && self.provider.is_one_network(
                (&self.account, &self.cloud_network),
                (&other.account, &other.cloud_network),
            )
    }

    /// Whether a rule of a network at this place can name a group of the peer's: where rules can at
    /// all, and only within a region (EC2, "Reference security groups across peered VPCs").
    pub fn lends_groups_to(&self, provider: Provider, region: &Region) -> bool {
        match provider.firewall().sources {
            Sources::Ranges => false,
            Sources::RangesAndGroups => self.provider == provider && self.region == *region,
        }
    }
}
