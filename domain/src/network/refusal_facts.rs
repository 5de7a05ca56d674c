//! The facts of refusals that have several, each with its message.

use super::refusal_text::{meant, written};
use crate::{
    ids::{IngressId, NetworkId, PeeringId},
    place::Provider,
    range::Range,
    side::Side,
    source::AdmittedSource,
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use thiserror::Error;

/// The end is further away than the policy allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Error)]
#[error(
    "the expiry {} is further away than the network's policy allows; name {} at the latest",
    written(.expires_at), written(.latest)
)]
pub struct ExpiryTooFar {
    /// The expiry that was given.
    pub expires_at: DateTime<Utc>,
    /// The last one that is allowed.
    pub latest: DateTime<Utc>,
}

/// No list in front of subnets of this provider's can be written into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Error)]
#[error("subnets on {provider} have no lists that the engine can deny with")]
pub struct DenialUnsupported {
    /// The cloud provider.
    pub provider: Provider,
}

/// The subnets before which to deny are not named one by one, or are too many.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Error)]
#[error("{given} subnets; name 1 to {most}, each by its id")]
pub struct DeniedSubnets {
    /// How many were given.
    pub given: usize,
    /// How many there may be.
    pub most: usize,
}

/// Another account than the peer's has accepted the link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Error)]
#[error(
    "peering {peering_id} is with account {on_record}, and {shown} has accepted its link; that is not the peer on record"
)]
pub struct AccepterMismatch {
    /// The peering.
    pub peering_id: PeeringId,
    /// The peer's account.
    pub on_record: String,
    /// The account that has accepted.
    pub shown: String,
}

/// A network at one end has no addresses of the family that a range is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Error)]
#[error("{range} is {}, and the network on the {side} side has no {} range on record", .range.family(), .range.family())]
pub struct AddressFamilyMissing {
    /// The range.
    pub range: Range,
    /// The side whose network has none.
    pub side: Side,
}

/// A rule of this network cannot name a group of that peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Error)]
#[error(
    "{from} cannot be a source here: only a rule of an AWS network names a group of its peer, and only within one region; the network is at {own} and the peer at {peer}. Name ranges instead"
)]
pub struct SourceGroupUnsupported {
    /// The group that was given.
    pub from: AdmittedSource,
    /// Provider and region of the private network.
    pub own: String,
    /// The same of the peer.
    pub peer: String,
}

/// The provider allows no private network to have this range, or the engine cannot route it there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Error)]
#[error("{range} cannot be a range of the private network: {form}")]
pub struct NetworkRangeNotAllowed {
    /// The range.
    pub range: Range,
    /// What a range may be, in words.
    pub form: &'static str,
}

/// The private network does not admit this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Error)]
#[error("the private network does not admit {from} to port {port} on peering {peering_id}")]
pub struct AdmissionUnknown {
    /// The peering.
    pub peering_id: PeeringId,
    /// Where the traffic would come from.
    pub from: AdmittedSource,
    /// The TCP port.
    pub port: u16,
}

/// It has the engine's tag and was not made by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Error)]
#[error(
    "{orphan} has the tag of peering {peering_id} and not the form that the engine gives: somebody has copied it; take the tag off it, or delete it at the cloud"
)]
pub struct OrphanIsACopy {
    /// What names it.
    pub orphan: String,
    /// The peering in its tag.
    pub peering_id: PeeringId,
}

/// An owner or an end is named for what is admitted anew, and nothing is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Error)]
#[error(
    "peering {peering_id} admitted all of it already, so the owner or end would be of nothing new"
)]
pub struct NothingAdmittedAnew {
    /// The peering.
    pub peering_id: PeeringId,
}

/// The provider has no such region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Error)]
#[error("`{region}` is not a region of {provider}; {}", meant(nearest.as_ref()))]
pub struct RegionUnknown {
    /// The cloud provider.
    pub provider: Provider,
    /// The region that was given.
    pub region: String,
    /// The region whose name is nearest, if one is near.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nearest: Option<String>,
}

/// The two ends are in parts of the provider's cloud that share nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Error)]
#[error(
    "{region} is in {partition} and the private network in {own}: no link joins two partitions"
)]
pub struct PartitionMismatch {
    /// The peer's region.
    pub region: String,
    /// Its partition.
    pub partition: String,
    /// The private network's partition.
    pub own: String,
}

/// The two networks are joined already, by another network's peering.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Error)]
#[error(
    "peering {peering_id} of network {network_id} joins these two networks and is {life} already; use it, or remove it first"
)]
pub struct PeerLinkedElsewhere {
    /// The other network.
    pub network_id: NetworkId,
    /// Its peering.
    pub peering_id: PeeringId,
    /// The name of the state that it is in.
    pub life: &'static str,
}

/// The link belongs to another network's peering.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Error)]
#[error("link {link} belongs to peering {peering_id} of network {network_id} already")]
pub struct LinkOnRecordElsewhere {
    /// The link, by the provider's id, like AWS's `pcx-0123456789abcdef0`.
    pub link: String,
    /// The other network.
    pub network_id: NetworkId,
    /// Its peering.
    pub peering_id: PeeringId,
}

/// At this provider a rule is not aimed at a target, and another ingress has the same one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Error)]
#[error(
    "ingress {ingress_id} admits TCP {port} to {target} from the same source, and a rule there is not aimed at a target: neither \
     could be closed without the other"
)]
pub struct IngressNotApart {
    /// The other ingress.
    pub ingress_id: IngressId,
    /// Its target.
    pub target: Range,
    /// The port of both.
    pub port: u16,
}

/// A source is no part of the private network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Error)]
#[error("{from} is no part of the private network's range {network}")]
pub struct SourceOutsideNetwork {
    /// The source.
    pub from: Range,
    /// The private network's range.
    pub network: Range,
}
