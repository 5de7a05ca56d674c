//! Why a command is not possible: one variant per reason, with its facts, and a text that says
//! them. What to run next is the caller's to say.

use super::event::Pattern;
use crate::{
    ids::{IngressId, NetworkId, PeeringId},
    place::Provider,
    range::Range,
    side::Side,
};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use thiserror::Error;

/// What kind of refusal it is, for callers that only need to know what class of answer to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// The command is wrong in itself, whatever the state.
    Invalid,
    /// What the command is about does not exist.
    Unknown,
    /// What the command asks for exists.
    Exists,
    /// The command does not fit the state as it is now.
    Precondition,
    /// A limit is reached.
    Quota,
}

/// A refused command. Serialized, it is the reason's name and its facts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Error)]
#[serde(tag = "reason", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Refusal {
    #[error("no such network")]
    NetworkUnknown,
    #[error("network {network_id} is on record already")]
    NetworkAlreadyRegistered { network_id: NetworkId },
    #[error(
        "`{region}` is not a region of {provider}; check the spelling, regions are written as the provider writes them"
    )]
    RegionUnknown { provider: Provider, region: String },
    #[error("`{account}` is not an account: {form}")]
    AccountMalformed { account: String, form: &'static str },
    #[error("`{cloud_network}` is not a network id: {form}")]
    CloudNetworkMalformed {
        cloud_network: String,
        form: &'static str,
    },
    #[error(
        "the private network is on {network} and the peer on {peer}; both ends of a peering are on one provider"
    )]
    ProviderMismatch { network: Provider, peer: Provider },
    #[error("{cloud_network} is the private network itself; name the network on the other end")]
    PeerIsTheNetwork { cloud_network: String },
    #[error("peering {peering_id} with this peer is {life} already; use it, or remove it first")]
    PeerAlreadyLinked {
        peering_id: PeeringId,
        life: &'static str,
    },
    #[error("{live} live peerings of {most}; remove one first")]
    PeeringQuotaReached { live: usize, most: usize },
    #[error("name at least one address range of the peer")]
    PeerRangesMissing,
    #[error("{given} ranges or subnets; name {most} at most, or one range that covers several")]
    TooManyRanges { given: usize, most: usize },
    #[error(
        "{range} overlaps the private network's own range {network}; a peering needs ranges that do not"
    )]
    RangeOverlapsNetwork { range: Range, network: Range },
    #[error(
        "{range} overlaps {other} of peering {peering_id}; traffic could only go to one of them"
    )]
    RangeOverlapsPeering {
        range: Range,
        other: Range,
        peering_id: PeeringId,
    },
    #[error("{range} and {other} of the same peer overlap; name each address once")]
    RangesOverlapEachOther { range: Range, other: Range },
    #[error("this network has no peering {peering_id}")]
    PeeringUnknown { peering_id: PeeringId },
    #[error("peering {peering_id} has ended ({ending}); request a new one")]
    PeeringEnded {
        peering_id: PeeringId,
        ending: &'static str,
    },
    #[error("{destination} is not behind this link on the {side} side; it reaches {}", list(.reachable))]
    DestinationOutOfReach {
        side: Side,
        destination: Range,
        reachable: Vec<Range>,
    },
    #[error(
        "the {side} side of peering {peering_id} has a route to {destination} on record already"
    )]
    RouteAlreadyAccepted {
        peering_id: PeeringId,
        side: Side,
        destination: Range,
    },
    #[error(
        "the remote side of peering {peering_id} admits nothing from the private network; what a connector needs is declared as a \
         connector ingress"
    )]
    RemoteInboundDenied { peering_id: PeeringId },
    #[error("{from} is not an address range of the peer, which has {}", list(.ranges))]
    SourceOutsidePeer { from: Range, ranges: Vec<Range> },
    #[error("port 0 is no port; name 1 to 65535 (KurrentDB listens on 2113)")]
    PortZero,
    #[error("{given} routes; {most} at most")]
    TooManyRoutes { given: usize, most: usize },
    #[error("{given} rules; {most} at most")]
    TooManyRules { given: usize, most: usize },
    #[error("peering {peering_id} is {life}; {outcome} does not follow from that")]
    OutcomeOutOfOrder {
        peering_id: PeeringId,
        life: &'static str,
        outcome: &'static str,
    },
    #[error("peering {peering_id} has link {recorded}, not {reported}")]
    LinkMismatch {
        peering_id: PeeringId,
        recorded: String,
        reported: String,
    },
    #[error("the {side} side of peering {peering_id} has no route to {destination} on record")]
    RouteNotAccepted {
        peering_id: PeeringId,
        side: Side,
        destination: Range,
    },
    #[error("network {network_id} is retired; register a new one")]
    NetworkRetired { network_id: NetworkId },
    #[error("network {network_id} has {live} live peerings; remove or abandon them first")]
    NetworkInUse { network_id: NetworkId, live: usize },
    #[error("the network has {most} quarantines, which is the most; lift one first")]
    TooManyQuarantines { most: usize },
    #[error("{given} firewall groups; {most} at most")]
    TooManyGroups { given: usize, most: usize },
    #[error("the deadline {} has passed; name a later one, or none", written(.deadline))]
    DeadlinePassed { deadline: DateTime<Utc> },
    #[error("link {link} belongs to peering {peering_id} already")]
    LinkOnRecord { link: String, peering_id: PeeringId },
    #[error("peering {peering_id} is being removed; wait for that, and request a new one")]
    PeeringBeingRemoved { peering_id: PeeringId },
    #[error("peering {peering_id} is being given up; wait for that, and request a new one")]
    PeeringBeingAbandoned { peering_id: PeeringId },
    #[error("{destination} cannot take its own place; name another destination")]
    RouteReplacedByItself { destination: Range },
    #[error("{target} is not an address range of the peer, which has {}", list(.ranges))]
    IngressTargetOutsidePeer { target: Range, ranges: Vec<Range> },
    #[error("the expiry {} has passed; name a later one, or none", written(.expires_at))]
    ExpiryPassed { expires_at: DateTime<Utc> },
    #[error("ingress {ingress_id} allows this target and port already")]
    IngressAlreadyAllowed { ingress_id: IngressId },
    #[error("peering {peering_id} has no ingress {ingress_id}")]
    IngressUnknown {
        peering_id: PeeringId,
        ingress_id: IngressId,
    },
    #[error("a link on {provider} has no such option; names resolve as that provider's zones say")]
    DnsResolutionUnsupported { provider: Provider },
    #[error(
        "peering {peering_id} is with account {on_record}, and {shown} has accepted its link; that is not the peer on record"
    )]
    AccepterMismatch {
        peering_id: PeeringId,
        on_record: String,
        shown: String,
    },
    #[error("this network's policy requires a reason; give one with the command")]
    ReasonRequired,
    #[error("this network's policy requires a reason that matches `{pattern}`")]
    ReasonMalformed { pattern: Pattern },
    #[error("this network's policy requires a ticket; name one with the command")]
    TicketRequired,
    #[error("this network's policy requires a ticket that matches `{pattern}`")]
    TicketMalformed { pattern: Pattern },
}

fn list(ranges: &[Range]) -> String {
    ranges
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

/// A time as its event has it.
fn written(time: &DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

impl Refusal {
    pub fn kind(&self) -> RefusalKind {
        match self {
            Self::RegionUnknown { .. }
            | Self::AccountMalformed { .. }
            | Self::CloudNetworkMalformed { .. }
            | Self::ProviderMismatch { .. }
            | Self::PeerIsTheNetwork { .. }
            | Self::PeerRangesMissing
            | Self::TooManyRanges { .. }
            | Self::RangesOverlapEachOther { .. }
            | Self::DestinationOutOfReach { .. }
            | Self::RemoteInboundDenied { .. }
            | Self::SourceOutsidePeer { .. }
            | Self::PortZero
            | Self::TooManyGroups { .. }
            | Self::DeadlinePassed { .. }
            | Self::RouteReplacedByItself { .. }
            | Self::IngressTargetOutsidePeer { .. }
            | Self::ExpiryPassed { .. }
            | Self::DnsResolutionUnsupported { .. }
            | Self::ReasonRequired
            | Self::ReasonMalformed { .. }
            | Self::TicketRequired
            | Self::TicketMalformed { .. }
            | Self::TooManyRoutes { .. }
            | Self::TooManyRules { .. } => RefusalKind::Invalid,
            Self::NetworkUnknown | Self::PeeringUnknown { .. } | Self::IngressUnknown { .. } => {
                RefusalKind::Unknown
            }
            Self::NetworkAlreadyRegistered { .. }
            | Self::PeerAlreadyLinked { .. }
            | Self::RouteAlreadyAccepted { .. }
            | Self::LinkOnRecord { .. }
            | Self::IngressAlreadyAllowed { .. } => RefusalKind::Exists,
            Self::RangeOverlapsNetwork { .. }
            | Self::RangeOverlapsPeering { .. }
            | Self::PeeringEnded { .. }
            | Self::OutcomeOutOfOrder { .. }
            | Self::LinkMismatch { .. }
            | Self::AccepterMismatch { .. }
            | Self::NetworkRetired { .. }
            | Self::NetworkInUse { .. }
            | Self::PeeringBeingRemoved { .. }
            | Self::PeeringBeingAbandoned { .. }
            | Self::RouteNotAccepted { .. } => RefusalKind::Precondition,
            Self::PeeringQuotaReached { .. } | Self::TooManyQuarantines { .. } => {
                RefusalKind::Quota
            }
        }
    }
}
