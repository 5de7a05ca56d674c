//! What can be asked of a network: intents from people, outcomes from workers.

use super::event::{
    FirewallEnforced, FirewallGroupCreated, FirewallRuleAuthorized, FirewallRuleRevoked, InboundRule, PeeringAccepted, PeeringActivated,
    PeeringExpired, PeeringFailed, PeeringInitiated, PeeringInitiationRefused, PeeringInitiationStarted, PeeringRejected,
    ProvisioningBlocked, ProvisioningUnblocked, RouteConflicted, RouteInstalled,
};
use super::peering::Peer;
use crate::{
    ids::PeeringId,
    place::{Provider, Region},
    range::Range,
    side::Side,
    text::{Account, CloudNetwork, Name, Project, Subnet},
};
use serde::Serialize;

/// A command to one network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "command", content = "body")]
pub enum NetworkCommand {
    RegisterNetwork(RegisterNetwork),
    RequestPeering(RequestPeering),
    AcceptRoute(AcceptRoute),
    RestrictFirewall(RestrictFirewall),
    /// A worker's report of what the cloud showed.
    Record(Outcome),
}

impl NetworkCommand {
    /// The command's name, for logs and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::RegisterNetwork(_) => "RegisterNetwork",
            Self::RequestPeering(_) => "RequestPeering",
            Self::AcceptRoute(_) => "AcceptRoute",
            Self::RestrictFirewall(_) => "RestrictFirewall",
            Self::Record(_) => "Record",
        }
    }
}

/// Puts a private network on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RegisterNetwork {
    pub project: Project,
    pub name: Name,
    pub provider: Provider,
    pub region: Region,
    pub account: Account,
    pub cloud_network: CloudNetwork,
    pub range: Range,
    pub subnets: Vec<Subnet>,
}

/// Asks for a link to a peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RequestPeering {
    pub peer: Peer,
}

/// Lets one side send a destination range over the link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AcceptRoute {
    pub peering_id: PeeringId,
    pub side: Side,
    pub destination: Range,
}

/// Replaces what one side's firewall admits from the link. On the remote side only the empty list is possible.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RestrictFirewall {
    pub peering_id: PeeringId,
    pub side: Side,
    pub admit: Vec<InboundRule>,
}

/// What a worker saw or did, in the words of the event that will say so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", content = "body")]
pub enum Outcome {
    InitiationStarted(PeeringInitiationStarted),
    InitiationRefused(PeeringInitiationRefused),
    Initiated(PeeringInitiated),
    Accepted(PeeringAccepted),
    Activated(PeeringActivated),
    Rejected(PeeringRejected),
    Expired(PeeringExpired),
    Failed(PeeringFailed),
    RouteInstalled(RouteInstalled),
    RouteConflicted(RouteConflicted),
    FirewallGroupCreated(FirewallGroupCreated),
    FirewallRuleAuthorized(FirewallRuleAuthorized),
    FirewallRuleRevoked(FirewallRuleRevoked),
    FirewallEnforced(FirewallEnforced),
    Blocked(ProvisioningBlocked),
    Unblocked(ProvisioningUnblocked),
}

impl Outcome {
    pub fn peering_id(&self) -> PeeringId {
        match self {
            Self::InitiationStarted(it) => it.peering_id,
            Self::InitiationRefused(it) => it.peering_id,
            Self::Initiated(it) => it.peering_id,
            Self::Accepted(it) => it.peering_id,
            Self::Activated(it) => it.peering_id,
            Self::Rejected(it) => it.peering_id,
            Self::Expired(it) => it.peering_id,
            Self::Failed(it) => it.peering_id,
            Self::RouteInstalled(it) => it.peering_id,
            Self::RouteConflicted(it) => it.peering_id,
            Self::FirewallGroupCreated(it) => it.peering_id,
            Self::FirewallRuleAuthorized(it) => it.peering_id,
            Self::FirewallRuleRevoked(it) => it.peering_id,
            Self::FirewallEnforced(it) => it.peering_id,
            Self::Blocked(it) => it.peering_id,
            Self::Unblocked(it) => it.peering_id,
        }
    }
}
