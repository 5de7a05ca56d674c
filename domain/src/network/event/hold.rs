//! Holds on a whole network: a freeze, and quarantines of what it is joined to.

use super::super::peer::Peer;
use crate::{
    ids::NetworkId,
    text::{Account, CloudNetwork, Reason},
};
use serde::{Deserialize, Serialize};

/// Nothing is opened or repaired in the network any more. What is to be closed is closed all the
/// same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct NetworkFrozen {
    /// The network.
    pub network_id: NetworkId,
    /// Why, as the caller put it.
    pub reason: Reason,
    /// Whether it is meant for every network, those that are registered later among them. Left out
    /// where it is not, so that what was stored before reads as it was meant.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub everywhere: bool,
}

/// The network is opened and repaired again as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct NetworkThawed {
    /// The network.
    pub network_id: NetworkId,
    /// Why, where the caller said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

/// Which peerings of a network a quarantine closes, those that are requested later among them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum QuarantineScope {
    /// Every peering of the network.
    Everything,
    /// The peerings with networks of one account.
    PeerAccount {
        /// The peer's account: AWS account, GCP project or Azure tenant.
        account: Account,
    },
    /// The peerings with one network.
    PeerNetwork {
        /// The peer's network, by the provider's id, like AWS's `vpc-0f9e8d7c6b5a43210`.
        cloud_network: CloudNetwork,
    },
}

impl QuarantineScope {
    /// Whether a peering with this peer is in the scope.
    pub fn covers(&self, peer: &Peer) -> bool {
        match self {
            Self::Everything => true,
            Self::PeerAccount { account } => account.is_same(&peer.account),
            Self::PeerNetwork { cloud_network } => cloud_network.is_same(&peer.cloud_network),
        }
    }

    /// Whether both are of one scope, however it is written.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Everything, Self::Everything) => true,
            (Self::PeerAccount { account: one }, Self::PeerAccount { account: other }) => {
                one.is_same(other)
            }
            (
                Self::PeerNetwork { cloud_network: one },
                Self::PeerNetwork {
                    cloud_network: other,
                },
            ) => one.is_same(other),
            (Self::Everything | Self::PeerAccount { .. } | Self::PeerNetwork { .. }, _) => false,
        }
    }
}

/// Every peering in the scope is closed on both sides until the quarantine is lifted: no route is
/// installed and nothing is admitted. Links stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct QuarantineImposed {
    /// The network.
    pub network_id: NetworkId,
    /// What is closed.
    pub scope: QuarantineScope,
    /// Why, as the caller put it.
    pub reason: Reason,
    /// Whether it is meant for every network, those that are registered later among them. Left out
    /// where it is not, so that what was stored before reads as it was meant.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub everywhere: bool,
}

/// What the quarantine closed is opened again as it was asked for, unless another one covers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct QuarantineLifted {
    /// The network.
    pub network_id: NetworkId,
    /// The scope that was imposed, as it was named then.
    pub scope: QuarantineScope,
    /// Why, where the caller said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}
