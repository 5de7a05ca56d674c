//! What can be asked of a network: intents from people, outcomes from workers.

pub use super::firewall_command::{AttachFirewall, DenyWithLists, DetachFirewall, StopDenying};
pub use super::ingress_command::{AllowConnectorIngress, IngressSource, RevokeConnectorIngress};

use super::event::{InboundRule, LinkOption, Policy, QuarantineScope, Reviewed, Tenure, Terms};
use super::{outcome::Outcome, peer::Peer};
use crate::{
    ids::PeeringId,
    place::{Provider, Region},
    range::{Ipv6Range, NetworkRange, Range},
    side::Side,
    text::{Account, CloudNetwork, Link, Name, OrphanId, OwnerName, Project, Reason, Subnet},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

macro_rules! commands {
    ($($(#[$doc:meta])* $name:ident($body:ident) => $peering:expr,)*) => {
        /// A command to one network.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(tag = "command", content = "body")]
        pub enum NetworkCommand {
            $($(#[$doc])* $name($body),)*
        }

        impl NetworkCommand {
            /// The command's name, for logs and metrics.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => stringify!($name),)*
                }
            }

            /// The peering that the command is about; `None` for one that is about the network, or
            /// that makes a peering.
            pub fn peering_id(&self) -> Option<PeeringId> {
                match self {
                    $(Self::$name(it) => { let of: fn(&$body) -> Option<PeeringId> = $peering; of(it) })*
                }
            }
        }

        $(impl From<$body> for NetworkCommand {
            fn from(body: $body) -> Self {
                Self::$name(body)
            }
        })*
    };
}

commands! {
    /// Puts a private network on record.
    RegisterNetwork(RegisterNetwork) => |_| None,
    /// Says what the engine may do by itself.
    SetPolicy(SetPolicy) => |_| None,
    /// Changes which subnets of the private network use its links.
    ChangeNetworkSubnets(ChangeNetworkSubnets) => |_| None,
    /// Puts on record from which addresses the nodes of its clusters call out.
    SetNetworkNodes(SetNetworkNodes) => |_| None,
    /// Says which IPv6 ranges the private network has beside its own range.
    SetNetworkIpv6Ranges(SetNetworkIpv6Ranges) => |_| None,
    /// Asks for a look at everything of this network, now.
    CheckDrift(CheckDrift) => |_| None,
    /// Stops everything that opens or repairs in this network; what closes goes on.
    FreezeNetwork(FreezeNetwork) => |_| None,
    /// Ends the freeze of this network.
    ThawNetwork(ThawNetwork) => |_| None,
    /// Closes every peering in a scope on both sides and keeps the links, until that is lifted.
    ImposeQuarantine(ImposeQuarantine) => |_| None,
    /// Ends the quarantine of this scope.
    LiftQuarantine(LiftQuarantine) => |_| None,
    /// Asks for the removal of something that no live peering accounts for.
    RemoveOrphan(RemoveOrphan) => |_| None,
    /// Ends the service of a network, none of whose peerings is live.
    RetireNetwork(RetireNetwork) => |_| None,
    /// Asks for a link to a peer.
    RequestPeering(RequestPeering) => |_| None,
    /// Puts a link on record that somebody else made.
    AdoptPeering(AdoptPeering) => |_| None,
    /// Adds address ranges to the peer's.
    AddPeerRanges(AddPeerRanges) => |it| Some(it.peering_id),
    /// Gives up ranges of the peer, and closes what needs them.
    DropPeerRanges(DropPeerRanges) => |it| Some(it.peering_id),
    /// Changes which subnets of the peer use the link.
    ChangePeerSubnets(ChangePeerSubnets) => |it| Some(it.peering_id),
    /// Lets one side send a destination range over the link.
    AcceptRoute(AcceptRoute) => |it| Some(it.peering_id),
    /// Takes a destination range off the link.
    WithdrawRoute(WithdrawRoute) => |it| Some(it.peering_id),
    /// Puts one destination range in the place of another: the new route is seen in place before
    /// the old one goes.
    ReplaceRoute(ReplaceRoute) => |it| Some(it.peering_id),
    /// Replaces what one side's firewall admits from the link. On the remote side only the empty
    /// list is possible.
    RestrictFirewall(RestrictFirewall) => |it| Some(it.peering_id),
    /// Lets the private network reach a target behind the peer.
    AllowConnectorIngress(AllowConnectorIngress) => |it| Some(it.peering_id),
    /// Closes such an exception.
    RevokeConnectorIngress(RevokeConnectorIngress) => |it| Some(it.peering_id),
    /// Says whether one side's names resolve to private addresses for the other side.
    SetDnsResolution(SetDnsResolution) => |it| Some(it.peering_id),
    /// Says whether an option of one side's half of the link is on.
    SetLinkOption(SetLinkOption) => |it| Some(it.peering_id),
    /// Has the engine attach its group on one side to interfaces.
    AttachFirewall(AttachFirewall) => |it| Some(it.peering_id),
    /// Has it detach the group again from what it attached it to.
    DetachFirewall(DetachFirewall) => |it| Some(it.peering_id),
    /// Has the engine keep the other side out of subnets of one side.
    DenyWithLists(DenyWithLists) => |it| Some(it.peering_id),
    /// Has it take those denials away.
    StopDenying(StopDenying) => |it| Some(it.peering_id),
    /// Asks for the end of a peering: everything that the engine made is taken back, in order.
    RemovePeering(RemovePeering) => |it| Some(it.peering_id),
    /// Ends a peering on record, whatever still stands.
    AbandonPeering(AbandonPeering) => |it| Some(it.peering_id),
    /// Says who answers for a peering or for a source that it admits, and when that ends.
    SetTenure(SetTenure) => |it| Some(it.peering_id),
    /// Says that something that is open is still needed.
    ConfirmOpening(ConfirmOpening) => |it| Some(it.peering_id),
    /// A worker's report of what the cloud showed.
    Record(Outcome) => Outcome::peering_id,
}

/// Puts a private network on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisterNetwork {
    /// The organisation unit that the network belongs to.
    pub project: Project,
    /// The network's name for people.
    pub name: Name,
    /// The cloud provider.
    pub provider: Provider,
    /// The region, as the provider writes it.
    pub region: Region,
    /// The account: AWS account, GCP project or Azure tenant.
    pub account: Account,
    /// The network at the cloud, by the provider's id, like AWS's `vpc-0a1b2c3d4e5f60718`.
    pub cloud_network: CloudNetwork,
    /// Its one address range: RFC 1918, canonical, /8 to /25.
    pub range: NetworkRange,
    /// The IPv6 ranges that it has beside that. Left out where there is none: a command's digest
    /// stays what it was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ipv6_ranges: Vec<Ipv6Range>,
    /// The subnets whose route tables serve the clusters; none means the main route table.
    pub subnets: Vec<Subnet>,
}

/// Says what the engine may do by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetPolicy {
    /// The whole policy.
    pub policy: Policy,
}

/// Asks for a look at everything of this network, now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckDrift {}

/// Stops everything that opens or repairs in this network; what closes goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FreezeNetwork {
    /// Why.
    pub reason: Reason,
    /// Whether it is meant for every network, later ones among them; left out where it is not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub everywhere: bool,
}

/// Ends the freeze of this network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThawNetwork {
    /// Why, where the caller says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

/// Closes every peering in a scope on both sides and keeps the links, until that is lifted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImposeQuarantine {
    /// What is closed.
    pub scope: QuarantineScope,
    /// Why.
    pub reason: Reason,
    /// Whether it is meant for every network, later ones among them; left out where it is not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub everywhere: bool,
}

/// Ends the quarantine of this scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiftQuarantine {
    /// The scope, as it was imposed.
    pub scope: QuarantineScope,
    /// Why, where the caller says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

/// Ends the service of a network, none of whose peerings is live.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetireNetwork {
    /// Why, as the caller put it.
    pub reason: Reason,
}

/// Asks for a link to a peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestPeering {
    /// The network on the other end.
    pub peer: Peer,
    /// Left out where they are the usual ones: so was it before there were any, and a command's
    /// digest stays what it was.
    #[serde(default, skip_serializing_if = "Terms::are_usual")]
    pub terms: Terms,
    /// Left out where there is none, for the same reason.
    #[serde(default, skip_serializing_if = "Setup::is_empty")]
    pub setup: Setup,
}

/// What a request brings along, decided with it: one command, one plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setup {
    /// What the sides may send over the link.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<SetupRoute>,
    /// What the private network admits from it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub admit: Vec<InboundRule>,
    /// The sides whose names resolve to private addresses on the other side.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub dns_resolution: BTreeSet<Side>,
    /// Other options that are on, in the order in which they are asked for.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub options: BTreeSet<SetupOption>,
    /// Who answers for the peering, and when it ends.
    #[serde(default, skip_serializing_if = "Tenure::is_empty")]
    pub tenure: Tenure,
    /// The same of what it admits.
    #[serde(default, skip_serializing_if = "Tenure::is_empty")]
    pub admission: Tenure,
}

/// An option of one side's half of the link, switched on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SetupOption {
    /// Which option.
    pub option: LinkOption,
    /// The side whose half it is.
    pub side: Side,
}

/// A destination that one side may send over the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetupRoute {
    /// The side that may send.
    pub side: Side,
    /// The destination, a range in CIDR form.
    pub destination: Range,
}

impl Setup {
    /// Whether the request brings nothing along.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Puts a link on record that somebody else made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdoptPeering {
    /// The network on the other end.
    pub peer: Peer,
    /// The link that somebody else made, by the provider's id.
    pub link: Link,
    /// Who accepts the link and keeps the peer's side.
    pub consent: super::event::Consent,
    /// Who answers for the peering, and when it ends.
    #[serde(default, skip_serializing_if = "Tenure::is_empty")]
    pub tenure: Tenure,
}

/// Which subnets are chosen from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum SubnetChange {
    /// These as well.
    Add {
        /// The subnets, by the provider's ids.
        subnets: Vec<Subnet>,
    },
    /// These no longer.
    Drop {
        /// The subnets, by the provider's ids.
        subnets: Vec<Subnet>,
    },
    /// These and no others; none means the main route table, and `*` every subnet.
    Set {
        /// The subnets, by the provider's ids.
        subnets: Vec<Subnet>,
    },
}

/// Changes which subnets of the private network use its links.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeNetworkSubnets {
    /// What changes.
    pub change: SubnetChange,
}

/// Puts on record from which addresses the nodes of the private network's clusters call out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetNetworkNodes {
    /// All of them: the nodes' addresses, or the ranges of their subnets; none if that is not known
    /// any more.
    pub nodes: Vec<Range>,
}

/// Says which IPv6 ranges the private network has. What needs one that goes is closed with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetNetworkIpv6Ranges {
    /// All of them from now on; none means that it has none.
    pub ranges: Vec<Ipv6Range>,
}

/// Changes which subnets of the peer use the link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangePeerSubnets {
    /// The peering.
    pub peering_id: PeeringId,
    /// What changes.
    pub change: SubnetChange,
}

/// Adds address ranges to the peer's. The link stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddPeerRanges {
    /// The peering.
    pub peering_id: PeeringId,
    /// The ranges to add, in CIDR form.
    pub ranges: Vec<Range>,
}

/// Gives up ranges of the peer, and closes what needs them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropPeerRanges {
    /// The peering.
    pub peering_id: PeeringId,
    /// The ranges to give up, as they are on record.
    pub ranges: Vec<Range>,
}

/// Lets one side send a destination range over the link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptRoute {
    /// The peering.
    pub peering_id: PeeringId,
    /// The side that may send.
    pub side: Side,
    /// The destination: a range of the peer for the local side, of the private network for the
    /// remote one.
    pub destination: Range,
}

/// Takes a destination range off the link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WithdrawRoute {
    /// The peering.
    pub peering_id: PeeringId,
    /// The side that shall no longer send.
    pub side: Side,
    /// The destination, a range in CIDR form.
    pub destination: Range,
}

/// Puts one destination range in the place of another: the new route is seen in place before the
/// old one goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplaceRoute {
    /// The peering.
    pub peering_id: PeeringId,
    /// The side whose route is replaced.
    pub side: Side,
    /// The destination that goes.
    pub from: Range,
    /// The destination that takes its place.
    pub to: Range,
}

/// Replaces what one side's firewall admits from the link. On the remote side only the empty list
/// is possible.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestrictFirewall {
    /// The peering.
    pub peering_id: PeeringId,
    /// The side whose firewall it is.
    pub side: Side,
    /// All that the side admits from the link.
    pub admit: Vec<InboundRule>,
    /// Who answers for what was not admitted before, and when it ends. What was keeps what it had.
    #[serde(default, skip_serializing_if = "Tenure::is_empty")]
    pub tenure: Tenure,
}

/// Says whether one side's names resolve to private addresses for the other side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetDnsResolution {
    /// The peering.
    pub peering_id: PeeringId,
    /// The side whose names are meant.
    pub side: Side,
    /// Whether the side's names resolve to private addresses on the other side.
    pub enabled: bool,
}

/// Says whether an option of one side's half of the link is on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetLinkOption {
    /// The peering.
    pub peering_id: PeeringId,
    /// The side whose half it is.
    pub side: Side,
    /// Which option, one that the provider's links have.
    pub option: LinkOption,
    /// Whether it shall be on.
    pub enabled: bool,
}

/// Asks for the end of a peering: everything that the engine made is taken back, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemovePeering {
    /// The peering.
    pub peering_id: PeeringId,
    /// Why, as the caller put it.
    pub reason: Reason,
}

/// Ends a peering on record, whatever still stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AbandonPeering {
    /// The peering.
    pub peering_id: PeeringId,
    /// Why.
    pub reason: Reason,
    /// The side to clean up first, as far as it can be reached. Left out where none is named, so
    /// that a command's digest stays what it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clean: Option<Side>,
}

/// Asks for the removal of an orphan. It is looked at once more first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoveOrphan {
    /// What names it: the provider's id; of a route, the table's and the destination.
    pub orphan: OrphanId,
    /// Why, as the caller put it.
    pub reason: Reason,
}

/// What becomes of something that may be there or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change<T> {
    /// It is this from now on.
    To(T),
    /// There is none any more.
    None,
}

/// Says who answers for a peering or for a source that it admits, and when that ends. What is not
/// named stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetTenure {
    /// The peering.
    pub peering_id: PeeringId,
    /// The admitted source that it is about; `None` for the peering itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<InboundRule>,
    /// Who answers for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Change<OwnerName>>,
    /// When it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Change<DateTime<Utc>>>,
}

/// Says that something that is open is still needed: what a review found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfirmOpening {
    /// The peering.
    pub peering_id: PeeringId,
    /// What is still needed.
    pub opening: Reviewed,
}
