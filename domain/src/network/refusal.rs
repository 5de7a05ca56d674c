//! Why a command is not possible: one variant per reason, with its facts and their text.

use super::event::{LinkOption, Pattern};
use super::option_refusal as options;
use super::refusal_facts::{
    AccepterMismatch, AddressFamilyMissing, AdmissionUnknown, DenialUnsupported, DeniedSubnets,
    ExpiryTooFar, IngressNotApart, LinkOnRecordElsewhere, NetworkRangeNotAllowed,
    NothingAdmittedAnew, OrphanIsACopy, PartitionMismatch, PeerLinkedElsewhere, RegionUnknown,
    SourceGroupUnsupported, SourceOutsideNetwork,
};
use super::refusal_text::{list, span, told, written};
use crate::ids::{IngressId, NetworkId, PeeringId};
use crate::{place::Provider, range::Range, side::Side};
use chrono::{DateTime, Utc};
use serde::Serialize;
use thiserror::Error;

/// A refused command. Serialized, it is the reason's name and its facts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Error)]
#[serde(tag = "reason", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Refusal {
    /// There is no such network.
    #[error("no such network")]
    NetworkUnknown,
    /// There is no such orphan on record.
    #[error("no orphan {orphan} is on record in this network")]
    OrphanUnknown {
        /// What was named.
        orphan: String,
    },
    /// It has the engine's tag and was not made by it.
    #[error(transparent)]
    OrphanIsACopy(OrphanIsACopy),
    /// The network is on record already.
    #[error("network {network_id} is on record already")]
    NetworkAlreadyRegistered {
        /// The network.
        network_id: NetworkId,
    },
    /// The provider has no such region.
    #[error(transparent)]
    RegionUnknown(RegionUnknown),
    /// The two ends are in parts of the provider's cloud that share nothing.
    #[error(transparent)]
    PartitionMismatch(PartitionMismatch),
    /// The engine has no way to this provider, so that nothing would ever become of the network.
    #[error(
        "this engine does not serve {provider}, so nothing would become of the network; it serves {}",
        told(served)
    )]
    ProviderNotServed {
        /// The cloud provider.
        provider: Provider,
        /// Those that it serves.
        served: Vec<Provider>,
    },
    /// The text is not an account of this provider.
    #[error("`{account}` is not an account: {form}")]
    AccountMalformed {
        /// The text that was given.
        account: String,
        /// The form that an account has, in words.
        form: &'static str,
    },
    /// The text is not a network id of this provider.
    #[error("`{cloud_network}` is not a network id: {form}")]
    CloudNetworkMalformed {
        /// The text that was given.
        cloud_network: String,
        /// The form that a network id has, in words.
        form: &'static str,
    },
    /// The two ends are on different providers.
    #[error(
        "the private network is on {network} and the peer on {peer}; both ends of a peering are on one provider"
    )]
    ProviderMismatch {
        /// The private network's provider.
        network: Provider,
        /// The peer's provider.
        peer: Provider,
    },
    /// The peer is the private network itself.
    #[error("{cloud_network} is the private network itself; name the network on the other end")]
    PeerIsTheNetwork {
        /// The network at the cloud, by the provider's id, like AWS's `vpc-0a1b2c3d4e5f60718`.
        cloud_network: String,
    },
    /// A live peering with this peer is on record.
    #[error("peering {peering_id} with this peer is {life} already; use it, or remove it first")]
    PeerAlreadyLinked {
        /// The peering.
        peering_id: PeeringId,
        /// The name of the state that it is in.
        life: &'static str,
    },
    /// The network has as many live peerings as it may have.
    #[error("{live} live peerings of {most}; remove one first")]
    PeeringQuotaReached {
        /// How many are live.
        live: usize,
        /// How many there may be.
        most: usize,
    },
    /// No address range of the peer is named.
    #[error("name at least one address range of the peer")]
    PeerRangesMissing,
    /// Too many ranges or subnets are named.
    #[error("{given} ranges or subnets; name {most} at most, or one range that covers several")]
    TooManyRanges {
        /// How many were given.
        given: usize,
        /// How many there may be.
        most: usize,
    },
    /// A range of the peer overlaps the private network's.
    #[error(
        "{range} overlaps the private network's own range {network}; a peering needs ranges that do not"
    )]
    RangeOverlapsNetwork {
        /// The peer's range.
        range: Range,
        /// The private network's range.
        network: Range,
    },
    /// A destination overlaps one that another live peering has.
    #[error(
        "{range} overlaps {other} of peering {peering_id}; traffic could only go to one of them"
    )]
    RangeOverlapsPeering {
        /// The destination.
        range: Range,
        /// The destination that it overlaps.
        other: Range,
        /// The peering that has the other route.
        peering_id: PeeringId,
    },
    /// Two ranges of the same peer overlap.
    #[error("{range} and {other} of the same peer overlap; name each address once")]
    RangesOverlapEachOther {
        /// The one range.
        range: Range,
        /// The other range.
        other: Range,
    },
    /// The network has no such peering.
    #[error("this network has no peering {peering_id}")]
    PeeringUnknown {
        /// The peering.
        peering_id: PeeringId,
    },
    /// The peering has ended.
    #[error("peering {peering_id} has ended ({ending}); request a new one")]
    PeeringEnded {
        /// The peering.
        peering_id: PeeringId,
        /// How it ended, by name.
        ending: &'static str,
    },
    /// The destination is not behind this link, seen from this side.
    #[error("{destination} is not behind this link on the {side} side; it reaches {}", list(.reachable))]
    DestinationOutOfReach {
        /// The side that would send.
        side: Side,
        /// The destination, a range in CIDR form.
        destination: Range,
        /// What the side can reach over the link.
        reachable: Vec<Range>,
    },
    /// The route is on record already.
    #[error(
        "the {side} side of peering {peering_id} has a route to {destination} on record already"
    )]
    RouteAlreadyAccepted {
        /// The peering.
        peering_id: PeeringId,
        /// The side that it is about.
        side: Side,
        /// The destination, a range in CIDR form.
        destination: Range,
    },
    /// The remote side admits nothing but connector ingress.
    #[error(
        "the remote side of peering {peering_id} admits nothing from the private network; what a connector needs is declared as a connector ingress"
    )]
    RemoteInboundDenied {
        /// The peering.
        peering_id: PeeringId,
    },
    /// A rule admits traffic from outside of the peer.
    #[error("{from} is not an address range of the peer, which has {}", list(.ranges))]
    SourceOutsidePeer {
        /// The source that was given.
        from: Range,
        /// The peer's ranges.
        ranges: Vec<Range>,
    },
    /// Port 0 is no port.
    #[error("port 0 is no port; name 1 to 65535 (KurrentDB listens on 2113)")]
    PortZero,
    /// A request brings too many routes along.
    #[error("{given} routes; {most} at most")]
    TooManyRoutes {
        /// How many were given.
        given: usize,
        /// How many there may be.
        most: usize,
    },
    /// A side would admit by too many rules.
    #[error("{given} rules; {most} at most")]
    TooManyRules {
        /// How many were given.
        given: usize,
        /// How many there may be.
        most: usize,
    },
    /// What a worker reports cannot follow from the state.
    #[error("peering {peering_id} is {life}; {outcome} does not follow from that")]
    OutcomeOutOfOrder {
        /// The peering.
        peering_id: PeeringId,
        /// The name of the state that it is in.
        life: &'static str,
        /// What was reported, in words.
        outcome: &'static str,
    },
    /// Another link than the one on record is reported.
    #[error("peering {peering_id} has link {recorded}, not {reported}")]
    LinkMismatch {
        /// The peering.
        peering_id: PeeringId,
        /// The link on record.
        recorded: String,
        /// The link that was reported.
        reported: String,
    },
    /// No such route is on record.
    #[error("the {side} side of peering {peering_id} has no route to {destination} on record")]
    RouteNotAccepted {
        /// The peering.
        peering_id: PeeringId,
        /// The side that it is about.
        side: Side,
        /// The destination, a range in CIDR form.
        destination: Range,
    },
    /// The network is no longer served.
    #[error("network {network_id} is retired; register a new one")]
    NetworkRetired {
        /// The network.
        network_id: NetworkId,
    },
    /// Peerings of the network are live.
    #[error("network {network_id} has {live} live peerings; remove or abandon them first")]
    NetworkInUse {
        /// The network.
        network_id: NetworkId,
        /// How many are live.
        live: usize,
    },
    /// The network has as many quarantines as it may have.
    #[error("the network has {most} quarantines, which is the most; lift one first")]
    TooManyQuarantines {
        /// How many there may be.
        most: usize,
    },
    /// Too many firewall groups are named.
    #[error("{given} firewall groups; {most} at most")]
    TooManyGroups {
        /// How many were given.
        given: usize,
        /// How many there may be.
        most: usize,
    },
    /// The deadline lies in the past.
    #[error("the deadline {} has passed; name a later one, or none", written(.deadline))]
    DeadlinePassed {
        /// The deadline that was given.
        deadline: DateTime<Utc>,
    },
    /// At this provider nothing comes in that nothing admits.
    #[error("on {provider} a link lets in only what is admitted: there is nothing open to accept")]
    NothingOpenToAccept {
        /// The cloud provider.
        provider: Provider,
    },
    /// The link belongs to another peering.
    #[error("link {link} belongs to peering {peering_id} already")]
    LinkOnRecord {
        /// The link, by the provider's id, like AWS's `pcx-0123456789abcdef0`.
        link: String,
        /// The peering that it belongs to.
        peering_id: PeeringId,
    },
    /// The peering is being removed.
    #[error("peering {peering_id} is being removed; wait for that, and request a new one")]
    PeeringBeingRemoved {
        /// The peering.
        peering_id: PeeringId,
    },
    /// The peering is being given up.
    #[error("peering {peering_id} is being given up; wait for that, and request a new one")]
    PeeringBeingAbandoned {
        /// The peering.
        peering_id: PeeringId,
    },
    /// A route would be replaced by itself.
    #[error("{destination} cannot take its own place; name another destination")]
    RouteReplacedByItself {
        /// The destination, a range in CIDR form.
        destination: Range,
    },
    /// The target is not within the peer.
    #[error("{target} is not an address range of the peer, which has {}", list(.ranges))]
    IngressTargetOutsidePeer {
        /// The target that was given.
        target: Range,
        /// The peer's ranges.
        ranges: Vec<Range>,
    },
    /// The expiry lies in the past.
    #[error("the expiry {} has passed; name a later one, or none", written(.expires_at))]
    ExpiryPassed {
        /// The expiry that was given.
        expires_at: DateTime<Utc>,
    },
    /// The policy asks for an end, and none was named.
    #[error("the network's policy asks for an end, at most {} from now; name one", span(*most))]
    ExpiryRequired {
        /// How far away it may be, in seconds.
        most: u64,
    },
    /// The end is further away than the policy allows.
    #[error(transparent)]
    ExpiryTooFar(ExpiryTooFar),
    /// The policy asks for an owner, and none was named.
    #[error("the network's policy asks who answers for a peering; name an owner")]
    OwnerRequired,
    /// An owner or an end is named for what is admitted anew, and nothing is.
    #[error(transparent)]
    NothingAdmittedAnew(NothingAdmittedAnew),
    /// The private network does not admit this.
    #[error(transparent)]
    AdmissionUnknown(AdmissionUnknown),
    /// An ingress allows this target and port already.
    #[error("ingress {ingress_id} allows this target and port already")]
    IngressAlreadyAllowed {
        /// The connector ingress.
        ingress_id: IngressId,
    },
    /// The peering has no such ingress.
    #[error("peering {peering_id} has no ingress {ingress_id}")]
    IngressUnknown {
        /// The peering.
        peering_id: PeeringId,
        /// The connector ingress.
        ingress_id: IngressId,
    },
    /// Links of this provider have no such option.
    #[error("a link on {provider} has no such option; names resolve as that provider's zones say")]
    DnsResolutionUnsupported {
        /// The cloud provider.
        provider: Provider,
    },
    /// Links of this provider have no such option.
    #[error("a link on {provider} has no {}", option.as_str())]
    LinkOptionUnsupported {
        /// The cloud provider.
        provider: Provider,
        /// The option.
        option: LinkOption,
    },
    /// The option needs another one on the other side, which nobody has asked for.
    #[error(transparent)]
    LinkOptionNeedsOther(options::OptionNeedsOther),
    /// Another option, on the other side, needs this one.
    #[error(transparent)]
    LinkOptionNeeded(options::OptionNeeded),
    /// Two options exclude each other.
    #[error(transparent)]
    LinkOptionExcluded(options::OptionExcluded),
    /// A network can have the option once, and another peering has it.
    #[error(transparent)]
    LinkOptionTaken(options::OptionTaken),
    /// Only a link between regions has the option, and both ends are in one.
    #[error(transparent)]
    LinkOptionWithinRegion(options::OptionWithinRegion),
    /// Firewalls of this provider are not attached to interfaces.
    #[error("firewalls on {provider} are not attached to interfaces")]
    AttachmentUnsupported {
        /// The cloud provider.
        provider: Provider,
    },
    /// Subnets of this provider's have no lists that the engine can deny with.
    #[error(transparent)]
    DenialUnsupported(DenialUnsupported),
    /// The subnets before which to deny are not named one by one, or are too many.
    #[error(transparent)]
    DeniedSubnets(DeniedSubnets),
    /// The peer's owner keeps that side, and the engine changes nothing there.
    #[error(
        "the owner keeps the {side} side of peering {peering_id}; the engine changes nothing there"
    )]
    SideKeptByOwner {
        /// The peering.
        peering_id: PeeringId,
        /// The side.
        side: Side,
    },
    /// No interface is named, or too many.
    #[error("{given} interfaces; name 1 to {most}, or a tag that they carry")]
    InterfaceCount {
        /// How many were given.
        given: usize,
        /// How many there may be.
        most: usize,
    },
    /// Another account than the peer's has accepted the link.
    #[error(transparent)]
    AccepterMismatch(AccepterMismatch),
    /// The network's policy requires a reason.
    #[error("this network's policy requires a reason; give one with the command")]
    ReasonRequired,
    /// The reason is not as the network's policy requires it.
    #[error("this network's policy requires a reason that matches `{pattern}`")]
    ReasonMalformed {
        /// The pattern that it must match as a whole.
        pattern: Pattern,
    },
    /// The network's policy requires a ticket.
    #[error("this network's policy requires a ticket; name one with the command")]
    TicketRequired,
    /// The ticket is not as the network's policy requires it.
    #[error("this network's policy requires a ticket that matches `{pattern}`")]
    TicketMalformed {
        /// The pattern that it must match as a whole.
        pattern: Pattern,
    },
    /// The two networks are joined already, by another network's peering.
    #[error(transparent)]
    PeerLinkedElsewhere(PeerLinkedElsewhere),
    /// The link belongs to another network's peering.
    #[error(transparent)]
    LinkOnRecordElsewhere(LinkOnRecordElsewhere),
    /// A network at one end has no addresses of this family.
    #[error(transparent)]
    AddressFamilyMissing(AddressFamilyMissing),
    /// A rule cannot name a group of this peer.
    #[error(transparent)]
    SourceGroupUnsupported(SourceGroupUnsupported),
    /// The private network cannot have this range.
    #[error(transparent)]
    NetworkRangeNotAllowed(NetworkRangeNotAllowed),
    /// The provider allows no network to have this range.
    #[error("{range} cannot be a range of the peer: {form}")]
    PeerRangeNotAllowed {
        /// The peer's range.
        range: Range,
        /// What a range may be, in words.
        form: &'static str,
    },
    /// The peer has no such range on record.
    #[error("{range} is no range of the peer on record, which has {}", list(.ranges))]
    PeerRangeNotOnRecord {
        /// The range that was named.
        range: Range,
        /// The peer's ranges.
        ranges: Vec<Range>,
    },
    /// A subnet is named that is not among the chosen ones.
    #[error("{subnet} is not among the chosen subnets")]
    SubnetNotChosen {
        /// The subnet that was named.
        subnet: String,
    },
    /// No subnet would be left, which would mean the main route table.
    #[error("no subnet would be left; name those that shall stay, or choose the main route table")]
    SubnetsMissing,
    /// A source is no part of the private network.
    #[error(transparent)]
    SourceOutsideNetwork(SourceOutsideNetwork),
    /// An ingress is to be open from the nodes, and nobody has said where they are.
    #[error(
        "it is not on record from where the nodes call out; name a source, or put the nodes' addresses or subnets on record"
    )]
    NodesNotOnRecord,
    /// An ingress names a source, and neither an end nor that it has none, or both.
    #[error("an ingress has an end, or is said to have none: one of the two")]
    IngressEndUnclear,
    /// At this provider a rule is not aimed at a target, and another ingress has the same one.
    #[error(transparent)]
    IngressNotApart(IngressNotApart),
    /// `*` stands among others.
    #[error("`{subnet}` is not alone: `*` means every subnet, and names no part of one")]
    SubnetsAmbiguous {
        /// The subnet that was named.
        subnet: String,
    },
}
