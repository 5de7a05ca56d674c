//! The network on the other end of a peering.

use crate::{
    place::{Provider, Region},
    range::Range,
    text::{Account, CloudNetwork, Subnet},
};
use serde::{Deserialize, Serialize};

/// The most ranges, and the most subnets, that one end may name.
pub(super) const PEER_RANGES: usize = 32;

/// The network on the other end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peer {
    pub provider: Provider,
    pub account: Account,
    pub region: Region,
    pub cloud_network: CloudNetwork,
    pub ranges: Vec<Range>,
    /// The subnets whose clients use the link. Empty means the main route table.
    #[serde(default)]
    pub subnets: Vec<Subnet>,
}

impl Peer {
    /// Whether this is the same network, whatever ranges are named.
    pub fn is_same_network(&self, other: &Self) -> bool {
        (self.provider, &self.account, &self.cloud_network)
            == (other.provider, &other.account, &other.cloud_network)
    }
}
