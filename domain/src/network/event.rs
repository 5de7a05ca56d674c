//! What has happened to a network: the contract that everything else is built from.
//!
//! The names and the JSON of these types are stored for ever. A field may be added with a default; anything else is a new version
//! of the event, upcast where events are read. Each type has a golden sample in the room's `golden` folder.

use super::peering::Peer;
use crate::{
    ids::{NetworkId, PeeringId},
    place::{Provider, Region},
    range::Range,
    side::Side,
    text::{Account, CloudNetwork, FirewallGroup, FirewallRule, Link, Name, Project, RouteTable, Subnet},
};
use chrono::{DateTime, Utc};
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

            /// The event type as the log names it.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => stringify!($name),)*
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
    /// Somebody asked for a link.
    PeeringRequested(peering),
    /// One side may send a destination range over the link.
    RouteAccepted(peering),
    /// What one side's firewall admits from the link; the rest is denied.
    FirewallRestricted(peering),
    /// The engine is about to ask the cloud for the link: from here on one may exist.
    PeeringInitiationStarted(peering),
    /// The cloud answered that attempt with an error, so it made no link.
    PeeringInitiationRefused(peering),
    /// The link was seen at the cloud.
    PeeringInitiated(peering),
    /// The remote side has accepted the link.
    PeeringAccepted(peering),
    /// The cloud shows the link as active.
    PeeringActivated(peering),
    /// The remote side has rejected the link.
    PeeringRejected(peering),
    /// Nobody accepted the link in time.
    PeeringExpired(peering),
    /// The cloud has given the link up.
    PeeringFailed(peering),
    /// A route was seen in a route table.
    RouteInstalled(peering),
    /// A route table already sends the destination elsewhere; it is left alone.
    RouteConflicted(peering),
    /// The firewall group that the engine owns on one side was seen.
    FirewallGroupCreated(peering),
    /// A rule was seen in that group.
    FirewallRuleAuthorized(peering),
    /// A rule that this engine had made was seen to be gone from that group.
    FirewallRuleRevoked(peering),
    /// That group holds exactly what the posture admits.
    FirewallEnforced(peering),
    /// The engine cannot go on until somebody acts.
    ProvisioningBlocked(peering),
    /// The cause of the block is gone.
    ProvisioningUnblocked(peering),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkRegistered {
    pub network_id: NetworkId,
    pub project: Project,
    pub name: Name,
    pub provider: Provider,
    pub region: Region,
    pub account: Account,
    pub cloud_network: CloudNetwork,
    pub range: Range,
    #[serde(default)]
    pub subnets: Vec<Subnet>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeeringRequested {
    pub peering_id: PeeringId,
    pub peer: Peer,
    pub requested_at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteAccepted {
    pub peering_id: PeeringId,
    pub side: Side,
    pub destination: Range,
}

/// TCP from a range to a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct InboundRule {
    pub source: Range,
    pub port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirewallRestricted {
    pub peering_id: PeeringId,
    pub side: Side,
    pub admit: Vec<InboundRule>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeeringInitiationStarted {
    pub peering_id: PeeringId,
    /// Counts from 1.
    pub attempt: u32,
    pub started_at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeeringInitiationRefused {
    pub peering_id: PeeringId,
    pub attempt: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeeringInitiated {
    pub peering_id: PeeringId,
    pub link: Link,
    /// When an unaccepted link expires, where the cloud says so.
    pub expires_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeeringAccepted {
    pub peering_id: PeeringId,
    pub link: Link,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeeringActivated {
    pub peering_id: PeeringId,
    pub link: Link,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeeringRejected {
    pub peering_id: PeeringId,
    pub link: Link,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeeringExpired {
    pub peering_id: PeeringId,
    pub link: Link,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeeringFailed {
    pub peering_id: PeeringId,
    /// The link, if one was ever seen.
    pub link: Option<Link>,
    /// The cloud's own words.
    pub message: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteInstalled {
    pub peering_id: PeeringId,
    pub side: Side,
    pub destination: Range,
    pub route_table: RouteTable,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteConflicted {
    pub peering_id: PeeringId,
    pub side: Side,
    pub destination: Range,
    pub route_table: RouteTable,
    /// Where the route table sends the destination instead, by the provider's id.
    pub target: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirewallGroupCreated {
    pub peering_id: PeeringId,
    pub side: Side,
    pub group: FirewallGroup,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirewallRuleAuthorized {
    pub peering_id: PeeringId,
    pub side: Side,
    pub rule: InboundRule,
    /// The provider's id of the rule.
    pub rule_id: FirewallRule,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirewallRuleRevoked {
    pub peering_id: PeeringId,
    pub side: Side,
    pub rule: InboundRule,
    pub rule_id: FirewallRule,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirewallEnforced {
    pub peering_id: PeeringId,
    pub side: Side,
    pub group: FirewallGroup,
    pub admit: Vec<InboundRule>,
}

/// Why the engine waits for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockCause {
    /// The cloud's API cannot be reached.
    EndpointUnreachable,
    /// The cloud does not accept who we say we are.
    CredentialsRefused,
    /// The cloud knows us and says no.
    PermissionDenied,
    /// The credentials belong to another account than the one on record.
    WrongAccount,
    /// A quota of the provider is used up.
    QuotaExceeded,
    /// The network, a subnet or a route table on record does not exist.
    NotFound,
    /// Something that we did not make stands where ours should be.
    Conflict,
    /// The cloud answered what no rule here covers.
    Unexpected,
}

impl BlockCause {
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::EndpointUnreachable => "endpoint_unreachable",
            Self::CredentialsRefused => "credentials_refused",
            Self::PermissionDenied => "permission_denied",
            Self::WrongAccount => "wrong_account",
            Self::QuotaExceeded => "quota_exceeded",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::Unexpected => "unexpected",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvisioningBlocked {
    pub peering_id: PeeringId,
    pub cause: BlockCause,
    /// The side whose owner must act.
    pub side: Side,
    /// What the engine was doing and what it was told.
    pub message: String,
    /// What to do about it: sentences, or commands that can be run as they are.
    pub remedy: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvisioningUnblocked {
    pub peering_id: PeeringId,
}
