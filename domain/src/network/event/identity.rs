//! Which network an end is, whatever its name: names come back, the ids of some clouds do not.

use crate::{
    ids::{NetworkId, PeeringId},
    text::ImmutableId,
};
use serde::{Deserialize, Serialize};

/// The id was seen that the cloud gave the private network and gives no other one. What was seen
/// first stands: another id under the same name is drift.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct NetworkImmutableIdSeen {
    /// The network.
    pub network_id: NetworkId,
    /// The id, as the cloud writes it: a `resourceGuid` (Azure), a number (GCP).
    pub immutable_id: ImmutableId,
}

/// The same of the peer's network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PeerImmutableIdSeen {
    /// The peering.
    pub peering_id: PeeringId,
    /// The id, as the cloud writes it: a `resourceGuid` (Azure), a number (GCP).
    pub immutable_id: ImmutableId,
}
