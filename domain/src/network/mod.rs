//! The aggregate: one private network with all its connections, their routes and firewall posture,
//! on one stream. A peering is one kind of connection, and the only one so far.
//!
//! Overlap, quotas and posture are decided here against one expected revision, and one stream read
//! is the network's whole history.
//!
//! ```text
//! Unregistered ── NetworkRegistered ──▶ Registered ── NetworkRetired (no live connection) ──▶ Retired
//!       └── NetworkIdentityMarked (it is on record under another id) ──▶ Marked
//!
//!   a peering (Life):
//!
//! Requested ── PeeringInitiationStarted ──▶ Initiating ── PeeringInitiated ──▶ Initiated ◀──
//! PeeringAdopted
//!       ▲                                      │      ▲                            │
//! │         PeeringInitiationRefused ────┘      └── (the next attempt)       │ PeeringAccepted
//!       │                                                                          ▼
//!       │ PeeringRenewed (once)                                                 Accepted
//! │                                                                          │ PeeringActivated
//! └── Ended ◀── PeeringRejected │ PeeringExpired │ PeeringFailed ──          ▼
//!             ▲                                                                  Active
//!             │
//! ├── PeeringRemoved ── Removing ◀── PeeringRemovalRequested (any live state) │ ◀──
//! PeeringDeadlinePassed (any live state before Active) └── PeeringAbandoned ── Abandoning ◀──
//! PeeringAbandonmentRequested (any live state)
//!                 (from any live state in histories from before there was Abandoning)
//! ```
//!
//! A peering is *live* until it has ended. `blocked` lies over any live state: the engine cannot go
//! on until a person acts. Routes and firewall posture are asked for in any live state but Removing
//! and Abandoning, and installed once the link is active. A peering ends by itself only while
//! nothing is on its link and no attempt is unanswered; otherwise it is removed, its rest named.

mod accept_route;
mod adopt_peering;
mod attach_firewall;
mod command;
mod connections;
mod connector_ingress;
mod deny;
mod ended;
mod event;
mod evolve;
mod firewall_command;
mod freeze;
mod identity;
mod ingress_command;
mod ipv6;
mod link_option;
mod nodes;
mod opening;
mod option_refusal;
mod orphan;
mod outcome;
mod peer;
mod peer_ranges;
mod peering;
mod peerings;
mod policy;
mod quarantine;
mod quotas;
mod range_gone;
mod record;
mod refusal;
mod refusal_facts;
mod refusal_kind;
mod refusal_text;
mod register;
mod registered;
mod remove_peering;
mod request_peering;
mod requirements;
mod restrict_firewall;
mod review;
mod routing;
mod subnets;
mod tenure;
#[cfg(test)]
pub(crate) mod tests;
mod withdraw_route;

pub use attach_firewall::INTERFACES;
pub use command::*;
pub use connections::{Connection, Connections};
pub use deny::{DENIED_SUBNETS, FIRST_EPHEMERAL};
pub use ended::EndedPeerings;
pub use event::*;
pub use evolve::evolve;
pub use freeze::Hold;
pub use identity::{Identity, Marked, claims};
pub use opening::{Opening, may_open, may_rest_on_part, openings};
pub use option_refusal::{
    OptionExcluded, OptionNeeded, OptionNeedsOther, OptionTaken, OptionWithinRegion,
};
pub use orphan::{MOST_ORPHANS, Orphan, OrphanRemoval};
pub use outcome::Outcome;
pub use peer::Peer;
pub use peering::{
    ABANDONMENT_WINDOW, Attachment, BlockCount, Blocked, Conflict, DenialSeen, DenialWanted,
    Denials, EndedPeering, Ending, Exposed, FIGHT_WINDOW, Firewall, Half, HalfRequest, Ingress,
    Intents, Life, LifeName, LinkTrace, NotALife, OpenAttempt, OptionState, Origin, Peering,
    REVOCATIONS, RefusedAttempts, Removal, RemovalCause, Repairs, Route, RoutesInPlace, Seen,
    Suspension, Wanted, Withdrawn,
};
pub use peerings::Peerings;
pub use quotas::QuotasSeen;
pub use refusal::Refusal;
pub use refusal_facts::{
    AccepterMismatch, AddressFamilyMissing, AdmissionUnknown, DenialUnsupported, DeniedSubnets,
    ExpiryTooFar, IngressNotApart, LinkOnRecordElsewhere, NetworkRangeNotAllowed,
    NothingAdmittedAnew, OrphanIsACopy, PartitionMismatch, PeerLinkedElsewhere, RegionUnknown,
    SourceGroupUnsupported, SourceOutsideNetwork,
};
pub use refusal_kind::RefusalKind;
pub use routing::Routing;

use crate::{
    actor::Context,
    cloud_mode::CloudMode,
    ids::{Ids, NetworkId},
    pairs,
    place::{Provider, Region},
    range::{Ipv6Range, NetworkRange, Range},
    text::{Account, CloudNetwork, ImmutableId, Name, OrphanId, Project, Reason, Subnet},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The version of the fold: what was folded by another one is not to be believed. It is the hash of
/// what the committed events fold to, and a test holds it to that.
pub const FOLD_VERSION: &str = include_str!("../../golden/fold_version.txt").trim_ascii();

/// How many live peerings a network of this provider may have, whatever its account is given: what
/// the cloud never exceeds. AWS: 125 active peerings per VPC (L-7E9ECCDB). Azure: 1,000 of a VNet,
/// which a network manager allows. Google Cloud publishes no such number and is asked for more
/// than 25 project by project; it has Azure's here, since a network's log has to end somewhere.
pub const fn live_peerings(provider: Provider) -> usize {
    match provider {
        Provider::Aws => 125,
        Provider::Gcp | Provider::Azure => 1_000,
    }
}

/// What the log says of one `network-{uuid}` stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Network {
    /// Nothing is on record.
    #[default]
    Unregistered,
    /// The network is served.
    Registered(Registered),
    /// No longer served; what was, is still known.
    Retired(Registered),
    /// The network that this id is derived from is on record under others.
    Marked(Marked),
}

/// A private network that exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    /// Its id.
    pub id: NetworkId,
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
    /// Its one address range of IPv4.
    pub range: NetworkRange,
    /// The IPv6 ranges that it has beside that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ipv6_ranges: Vec<Ipv6Range>,
    /// The subnets whose route tables serve the clusters; all others keep their routes. Empty means
    /// the main route table.
    pub subnets: Vec<Subnet>,
    /// When other subnets were last chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnets_changed_at: Option<DateTime<Utc>>,
    /// From which addresses the nodes of its clusters call out: their own, or their subnets'. Empty
    /// while nobody has said so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<Range>,
    /// The id that the cloud gave it and gives no other network, once that was seen; another one
    /// under the same name is another network. `None` where a cloud has no such id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub immutable_id: Option<ImmutableId>,
    /// What was seen to be allowed in the accounts and regions of this network and of its peers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", with = "pairs")]
    pub quotas_seen: BTreeMap<(Account, Region), QuotasSeen>,
    /// Which cloud it is at; `None` until an engine has recorded that of an old network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud: Option<CloudMode>,
    /// How many registrations of the same network at its cloud are over; `None` if its id is not
    /// derived from that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u32>,
    /// The other ids under which older engines have registered the same network at its cloud.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub also_registered: BTreeSet<NetworkId>,
    /// When it was registered.
    pub registered_at: DateTime<Utc>,
    /// What the engine may do by itself, and what commands must carry.
    pub policy: Policy,
    /// When somebody last asked for a look at everything.
    pub drift_check: Option<DateTime<Utc>>,
    /// Set while nothing may be opened or repaired in this network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frozen: Option<Hold>,
    /// Which of its peerings are closed, and since when and why.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", with = "pairs")]
    pub quarantines: BTreeMap<QuarantineScope, Hold>,
    /// What stands at a cloud and was made for none of its live peerings, by what names it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub orphans: BTreeMap<OrphanId, Orphan>,
    /// Set once the network is retired, and never before.
    pub retired: Option<Retirement>,
    /// What joins it and other networks.
    #[serde(default)]
    pub connections: Connections,
    /// Whether a stored fold of this network was found to be wrong. It is no part of the fold: the
    /// process that found it out stops opening things in this network.
    #[serde(skip)]
    pub is_doubtful: bool,
}

/// That a network is no longer served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retirement {
    /// When it was retired.
    pub at: DateTime<Utc>,
    /// Why, as the caller put it.
    pub reason: Reason,
}

impl Network {
    /// From now on nothing is opened in this network by this process.
    pub fn doubt(&mut self) {
        if let Self::Registered(network) | Self::Retired(network) = self {
            network.is_doubtful = true;
        }
    }

    /// Folds the connections together that are over, so that a network costs what its live ones do.
    /// Every decision is the same before and after, and so is every later state but for what was
    /// folded. Read models do not do this: what they show of a peering, they show for ever.
    pub fn fold_ended(&mut self) {
        if let Self::Registered(network) | Self::Retired(network) = self {
            network.connections.fold_ended();
        }
    }
}

/// Whether anything would be recorded of this outcome now. What comes and goes again and again, or
/// was told already, is no news; a plan that waits for its record would wait for ever.
pub fn is_news(network: &Registered, outcome: &Outcome, now: DateTime<Utc>) -> bool {
    record::decide(network, outcome, now).is_ok_and(|events| !events.is_empty())
}

/// Decides a command: the events that follow from it, or the reason why not. An empty list means
/// that all is as asked already.
pub fn decide(
    state: &Network,
    command: &NetworkCommand,
    context: &Context,
    now: DateTime<Utc>,
    ids: Ids,
) -> Result<Vec<NetworkEvent>, Refusal> {
    let places = &*context.places();
    if let Network::Registered(network) = state {
        requirements::check(network, command, context)?;
    }
    match state {
        Network::Unregistered | Network::Marked(_) => match command {
            NetworkCommand::RegisterNetwork(register) => match state {
                Network::Marked(marked) => Err(Refusal::NetworkAlreadyRegistered {
                    network_id: marked.held_by.first().copied().unwrap_or(marked.id),
                }),
                Network::Unregistered | Network::Registered(_) | Network::Retired(_) => {
                    register::decide(register, context, ids)
                }
            },
            NetworkCommand::Record(outcome) => identity::mark(state, outcome),
            NetworkCommand::SetPolicy(_)
            | NetworkCommand::ChangeNetworkSubnets(_)
            | NetworkCommand::SetNetworkNodes(_)
            | NetworkCommand::SetNetworkIpv6Ranges(_)
            | NetworkCommand::CheckDrift(_)
            | NetworkCommand::FreezeNetwork(_)
            | NetworkCommand::ThawNetwork(_)
            | NetworkCommand::ImposeQuarantine(_)
            | NetworkCommand::LiftQuarantine(_)
            | NetworkCommand::RemoveOrphan(_)
            | NetworkCommand::RetireNetwork(_)
            | NetworkCommand::RequestPeering(_)
            | NetworkCommand::AdoptPeering(_)
            | NetworkCommand::AddPeerRanges(_)
            | NetworkCommand::DropPeerRanges(_)
            | NetworkCommand::ChangePeerSubnets(_)
            | NetworkCommand::AcceptRoute(_)
            | NetworkCommand::WithdrawRoute(_)
            | NetworkCommand::ReplaceRoute(_)
            | NetworkCommand::RestrictFirewall(_)
            | NetworkCommand::AllowConnectorIngress(_)
            | NetworkCommand::RevokeConnectorIngress(_)
            | NetworkCommand::SetDnsResolution(_)
            | NetworkCommand::SetLinkOption(_)
            | NetworkCommand::AttachFirewall(_)
            | NetworkCommand::DetachFirewall(_)
            | NetworkCommand::DenyWithLists(_)
            | NetworkCommand::StopDenying(_)
            | NetworkCommand::RemovePeering(_)
            | NetworkCommand::AbandonPeering(_)
            | NetworkCommand::SetTenure(_)
            | NetworkCommand::ConfirmOpening(_) => Err(Refusal::NetworkUnknown),
        },
        Network::Registered(network) => match command {
            NetworkCommand::RegisterNetwork(_) => Err(Refusal::NetworkAlreadyRegistered {
                network_id: network.id,
            }),
            NetworkCommand::SetPolicy(it) => policy::set(network, it),
            NetworkCommand::ChangeNetworkSubnets(it) => subnets::of_network(network, it),
            NetworkCommand::SetNetworkNodes(it) => nodes::set(network, it),
            NetworkCommand::SetNetworkIpv6Ranges(it) => ipv6::set(network, it),
            NetworkCommand::CheckDrift(_) => Ok(policy::check_drift(network, now)),
            NetworkCommand::FreezeNetwork(it) => Ok(freeze::freeze(network, it)),
            NetworkCommand::ThawNetwork(it) => Ok(freeze::thaw(network, it)),
            NetworkCommand::ImposeQuarantine(it) => quarantine::impose(network, it),
            NetworkCommand::LiftQuarantine(it) => Ok(quarantine::lift(network, it)),
            NetworkCommand::RemoveOrphan(it) => orphan::remove(network, it),
            NetworkCommand::RetireNetwork(it) => policy::retire(network, it),
            NetworkCommand::RequestPeering(it) => {
                let events = request_peering::decide(network, it, places, now, ids)?;
                identity::check(&context.claims).map(|()| events)
            }
            NetworkCommand::AdoptPeering(it) => {
                let events = adopt_peering::decide(network, it, places, now, ids)?;
                identity::check(&context.claims).map(|()| events)
            }
            NetworkCommand::AddPeerRanges(it) => peer_ranges::add(network, it, places),
            NetworkCommand::DropPeerRanges(it) => peer_ranges::drop(network, it),
            NetworkCommand::ChangePeerSubnets(it) => subnets::of_peer(network, it),
            NetworkCommand::AcceptRoute(it) => accept_route::decide(network, it),
            NetworkCommand::WithdrawRoute(it) => withdraw_route::withdraw(network, it),
            NetworkCommand::ReplaceRoute(it) => withdraw_route::replace(network, it),
            NetworkCommand::RestrictFirewall(it) => {
                restrict_firewall::decide(network, it, places, now)
            }
            NetworkCommand::AllowConnectorIngress(it) => {
                connector_ingress::allow(network, it, places, now, ids)
            }
            NetworkCommand::RevokeConnectorIngress(it) => connector_ingress::revoke(network, it),
            NetworkCommand::SetDnsResolution(it) => link_option::decide_dns(network, it),
            NetworkCommand::SetLinkOption(it) => link_option::decide(network, it),
            NetworkCommand::AttachFirewall(it) => attach_firewall::attach(network, it),
            NetworkCommand::DetachFirewall(it) => attach_firewall::detach(network, it),
            NetworkCommand::DenyWithLists(it) => deny::deny(network, it),
            NetworkCommand::StopDenying(it) => deny::stop(network, it),
            NetworkCommand::RemovePeering(it) => remove_peering::remove(network, it, now),
            NetworkCommand::AbandonPeering(it) => remove_peering::abandon(network, it, now),
            NetworkCommand::SetTenure(it) => tenure::set(network, it, now),
            NetworkCommand::ConfirmOpening(it) => review::confirm(network, it, now),
            NetworkCommand::Record(outcome) => record::decide(network, outcome, now),
        },
        Network::Retired(network) => Err(Refusal::NetworkRetired {
            network_id: network.id,
        }),
    }
}
