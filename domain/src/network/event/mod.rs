//! What has happened to a network: the contract that everything else is built from.
//!
//! The names and the JSON of these types are stored for ever. A field may be added with a default;
//! anything else is a new version of the event, upcast where events are read. Each type has a
//! golden sample in the room's `golden` folder.
//!
//! One file per topic: the network itself, which network an end is, what its accounts allow, holds
//! on it, orphans, the link and its halves, what is about to be made, ranges and subnets, routes,
//! firewalls, ingress, options, drift and blocks.

mod attachment;
mod block;
mod denial;
mod drift;
mod firewall;
mod halves;
mod hold;
mod identity;
mod ingress;
mod installation;
mod link;
mod network;
mod options;
mod orphan;
mod quotas;
mod ranges;
mod review;
mod routes;
mod tenure;

pub use attachment::*;
pub use block::*;
pub use denial::*;
pub use drift::*;
pub use firewall::*;
pub use halves::*;
pub use hold::*;
pub use identity::*;
pub use ingress::*;
pub use installation::*;
pub use link::*;
pub use network::*;
pub use options::*;
pub use orphan::*;
pub use quotas::*;
pub use ranges::*;
pub use review::*;
pub use routes::*;
pub use tenure::*;

use crate::ids::{NetworkId, PeeringId};
use serde::{Deserialize, Serialize};

macro_rules! events {
    ($($(#[$doc:meta])* $name:ident $peering:tt),* $(,)?) => {
        /// An event of a `network-{uuid}` stream, named in the log as the variant is here.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(tag = "type", content = "data")]
        pub enum NetworkEvent {
            $($(#[$doc])* $name($name),)*
        }

        impl NetworkEvent {
            /// Every event type, in the order of a peering's life.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($name)),*];

            /// What the data of each type is like, with what the type is for.
            #[cfg(test)]
            pub(crate) fn schemas() -> Vec<(&'static str, schemars::Schema)> {
                vec![$((stringify!($name), schemars::schema_for!($name))),*]
            }

            /// The event type as the log names it.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => stringify!($name),)*
                }
            }

            /// What the event says, as the JSON that the log holds.
            pub fn data_json(&self) -> Result<String, serde_json::Error> {
                match self {
                    $(Self::$name(it) => serde_json::to_string(it),)*
                }
            }

            /// The peering that the event is about; `None` for the network's own.
            pub fn peering_id(&self) -> Option<PeeringId> {
                match self {
                    $(Self::$name(it) => events!(@peering it $peering),)*
                }
            }
        }

        $(impl From<$name> for NetworkEvent {
            fn from(event: $name) -> Self {
                Self::$name(event)
            }
        })*
    };
    (@peering $it:ident (peering)) => { Some($it.peering_id) };
    (@peering $it:ident (network)) => {{ let _: &NetworkId = &$it.network_id; None }};
}

events! {
    /// A private network is on record.
    NetworkRegistered(network),
    /// Which cloud the network is at, of one that was registered before that was on record.
    NetworkCloudRecorded(network),
    /// The id was seen that the network has for ever, whatever its name.
    NetworkImmutableIdSeen(network),
    /// The cloud told what an account allows in which the network or a peer is.
    NetworkQuotasSeen(network),
    /// The network of this id is on record under another one.
    NetworkIdentityMarked(network),
    /// What the engine may do by itself in this network.
    NetworkPolicySet(network),
    /// Other subnets of the private network use its links.
    NetworkSubnetsChanged(network),
    /// From which addresses the nodes of the private network's clusters call out.
    NetworkNodesSet(network),
    /// The private network has other IPv6 ranges beside its own range.
    NetworkIpv6RangesSet(network),
    /// Somebody asked for a look at everything, now.
    DriftCheckRequested(network),
    /// Nothing is opened or repaired in the network until it is thawed.
    NetworkFrozen(network),
    /// The freeze is over.
    NetworkThawed(network),
    /// Peerings of the network are closed on both sides, links apart, until that is lifted.
    QuarantineImposed(network),
    /// That quarantine is over.
    QuarantineLifted(network),
    /// Something was seen that was made for none of the live peerings.
    OrphanFound(network),
    /// It is gone, or accounted for.
    OrphanCleared(network),
    /// Somebody asked for its removal.
    OrphanRemovalRequested(network),
    /// Its removal was refused.
    OrphanRemovalFailed(network),
    /// The network is no longer served.
    NetworkRetired(network),
    /// Somebody asked for a link.
    PeeringRequested(peering),
    /// Somebody put a link on record that the engine did not make.
    PeeringAdopted(peering),
    /// The peer has more ranges.
    PeerRangesAdded(peering),
    /// They were seen to be the peer's.
    PeerRangesConfirmed(peering),
    /// Ranges of the peer are given up.
    PeerRangesDropped(peering),
    /// Other subnets of the peer use the link.
    PeerSubnetsChanged(peering),
    /// The id was seen that the peer's network has for ever, whatever its name.
    PeerImmutableIdSeen(peering),
    /// One side may send a destination range over the link.
    RouteAccepted(peering),
    /// One side shall no longer send a destination range over the link.
    RouteWithdrawn(peering),
    /// What one side's firewall admits from the link; the rest is denied.
    FirewallRestricted(peering),
    /// The private network may reach a target behind the peer.
    ConnectorIngressAllowed(peering),
    /// It may no longer.
    ConnectorIngressRevoked(peering),
    /// What an option of one side's half of the link shall be.
    LinkOptionSet(peering),
    /// The engine shall attach its group on one side to interfaces.
    FirewallAttachmentRequested(peering),
    /// It shall detach it again.
    FirewallAttachmentWithdrawn(peering),
    /// The engine shall keep the other side out of subnets of one side.
    DenialRequested(peering),
    /// It shall no longer.
    DenialWithdrawn(peering),
    /// Somebody asked for the link's end.
    PeeringRemovalRequested(peering),
    /// Somebody asked to give the peering up, whatever still stands.
    PeeringAbandonmentRequested(peering),
    /// The link is no longer the engine's concern, whatever still stands.
    PeeringAbandoned(peering),
    /// The engine is about to ask the cloud for the link: from here on one may exist.
    PeeringInitiationStarted(peering),
    /// The cloud answered that attempt with an error, so it made no link.
    PeeringInitiationRefused(peering),
    /// The link was seen at the cloud.
    PeeringInitiated(peering),
    /// Nobody has accepted the link, and a day is left.
    PeeringExpiryNear(peering),
    /// The remote side has accepted the link.
    PeeringAccepted(peering),
    /// The cloud shows the link as active.
    PeeringActivated(peering),
    /// The remote side has rejected the link.
    PeeringRejected(peering),
    /// Nobody accepted the link in time.
    PeeringExpired(peering),
    /// The link is asked for once more, as its request allowed.
    PeeringRenewed(peering),
    /// The cloud has given the link up.
    PeeringFailed(peering),
    /// The link was not active by the time that its request named.
    PeeringDeadlinePassed(peering),
    /// Which side of an adopted link was asked for it.
    LinkAccepterSeen(peering),
    /// What an adopted link had when it was first looked at; it is left alone for ever.
    PeeringSurveyed(peering),
    /// The engine is about to make or remove a side's half of the link.
    HalfChangeStarted(peering),
    /// The cloud has begun with that, under a name by which it can be asked about it.
    HalfOperationStarted(peering),
    /// That has ended with an error of its own: the half is as it was.
    HalfOperationFailed(peering),
    /// A side's half of the link was seen in place.
    HalfMade(peering),
    /// A side's half of the link was seen to be gone.
    HalfRemoved(peering),
    /// The link was seen to be gone.
    LinkRemoved(peering),
    /// Nothing is left of the peering but what is named.
    PeeringRemoved(peering),
    /// The engine is about to make these things on a side: from here on each of them may exist.
    InstallationStarted(peering),
    /// Some of them are not there, and will not come any more.
    InstallationEnded(peering),
    /// A route was seen in a route table.
    RouteInstalled(peering),
    /// A route that was withdrawn was seen to be gone.
    RouteRemoved(peering),
    /// A route table already sends the destination elsewhere; it is left alone.
    RouteConflicted(peering),
    /// An accepted route was there before the engine made one; it is used and left alone.
    RouteFound(peering),
    /// All routes of a side were seen everywhere that the side routes from.
    RoutesEnforced(peering),
    /// The routes of a side are withdrawn while somebody else's rules let the private network in.
    RoutesSuspended(peering),
    /// The routes of that side are wanted again.
    RoutesResumed(peering),
    /// The firewall group that the engine owns on one side was seen.
    FirewallGroupCreated(peering),
    /// That group was seen to be gone.
    FirewallGroupRemoved(peering),
    /// A rule was seen in that group.
    FirewallRuleAuthorized(peering),
    /// A rule that this engine had made was seen to be gone from that group.
    FirewallRuleRevoked(peering),
    /// That group holds exactly what the posture admits.
    FirewallEnforced(peering),
    /// Somebody else's rule lets the private network in.
    FirewallExposed(peering),
    /// That rule is gone, or lets nothing in any more.
    ExposureCleared(peering),
    /// An option of one side's half was seen to be so.
    LinkOptionApplied(peering),
    /// What a choice of interfaces came to when somebody looked.
    FirewallAttachmentChosen(peering),
    /// The group was seen on an interface to which the engine has attached it.
    FirewallGroupAttached(peering),
    /// It was seen not to be there any more.
    FirewallGroupDetached(peering),
    /// To how many interfaces the group was seen to be attached.
    FirewallAttachmentSeen(peering),
    /// An entry of the engine's was seen in a list in front of subnets.
    DenialMade(peering),
    /// It was seen not to be there any more.
    DenialRemoved(peering),
    /// The lists in front of all subnets that were named keep out what is to be kept out.
    DenialEnforced(peering),
    /// They were seen not to keep all of that out any more.
    DenialLapsed(peering),
    /// Something that was in place was seen to be otherwise.
    DriftDetected(peering),
    /// It was seen to be as it should be again.
    DriftRepaired(peering),
    /// It stays as it was found: from now on that is how it should be.
    DriftAdopted(peering),
    /// The engine cannot go on until somebody acts.
    ProvisioningBlocked(peering),
    /// The cause of the block is gone.
    ProvisioningUnblocked(peering),
    /// Who answers for the peering or for a source that it admits, and when that ends.
    PeeringTenureSet(peering),
    /// The end of the peering has come.
    PeeringTenureEnded(peering),
    /// The end of a source that the private network admits has come.
    AdmissionExpired(peering),
    /// A review found that something that is open is still needed.
    OpeningConfirmed(peering),
}
