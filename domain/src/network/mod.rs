//! The aggregate: one private network with all its peerings, routes and firewall posture, on one stream.
//!
//! Overlap, quotas and posture are decided here against one expected revision, and one stream read is the network's whole
//! history.
//!
//! ```text
//!   Unregistered ── NetworkRegistered ──▶ Registered
//!
//!   a peering (Life):
//!
//!   Requested ── PeeringInitiationStarted ──▶ Initiating ── PeeringInitiated ──▶ Initiated
//!                                              │      ▲                            │
//!                 PeeringInitiationRefused ────┘      └── (the next attempt)       │ PeeringAccepted
//!                                                                                  ▼
//!   Ended ◀── PeeringRejected │ PeeringExpired │ PeeringFailed ──────────────── Accepted
//!     ▲                                                                            │ PeeringActivated
//!     └───────────────────────── PeeringFailed ─────────────────────────────── Active
//! ```
//!
//! A peering is *live* until it has ended. `blocked` lies over any live state: the engine cannot go on until a person acts.
//! Routes and firewall posture are asked for in any live state and installed once the link is active.

mod accept_route;
mod command;
mod event;
mod peering;
mod record_outcome;
mod refusal;
mod register;
mod request_peering;
mod restrict_firewall;
#[cfg(test)]
mod tests;

pub use command::{AcceptRoute, NetworkCommand, Outcome, RegisterNetwork, RequestPeering, RestrictFirewall};
pub use event::*;
pub use peering::{Ending, Firewall, Life, Peer, Peering, Route};
pub use refusal::{Refusal, RefusalKind};

use crate::{
    ids::{Ids, NetworkId, PeeringId},
    place::{Provider, Region},
    range::Range,
    text::{Account, CloudNetwork, Name, Project, Subnet},
};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

/// How many live peerings a network may have (AWS: 125 active peerings per VPC at most, L-7E9ECCDB).
pub const LIVE_PEERINGS: usize = 125;

/// What the log says of one `network-{uuid}` stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Network {
    #[default]
    Unregistered,
    Registered(Registered),
}

/// A private network that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    pub id: NetworkId,
    pub project: Project,
    pub name: Name,
    pub provider: Provider,
    pub region: Region,
    pub account: Account,
    pub cloud_network: CloudNetwork,
    pub range: Range,
    /// The subnets whose route tables serve the clusters; all others keep their routes. Empty means the main route table.
    pub subnets: Vec<Subnet>,
    pub peerings: BTreeMap<PeeringId, Peering>,
}

impl Registered {
    /// The peerings that have not ended.
    pub fn live_peerings(&self) -> impl Iterator<Item = &Peering> {
        self.peerings.values().filter(|peering| peering.life.is_live())
    }

    fn live(&self, id: PeeringId) -> Result<&Peering, Refusal> {
        let peering = self.peerings.get(&id).ok_or(Refusal::PeeringUnknown { peering_id: id })?;
        match peering.life.ending() {
            Some(ending) => Err(Refusal::PeeringEnded { peering_id: id, ending: ending.as_str() }),
            None => Ok(peering),
        }
    }
}

/// Decides a command: the events that follow from it, or the reason why not. An empty list means that all is as asked already.
pub fn decide(state: &Network, command: &NetworkCommand, now: DateTime<Utc>, ids: Ids) -> Result<Vec<NetworkEvent>, Refusal> {
    match state {
        Network::Unregistered => match command {
            NetworkCommand::RegisterNetwork(register) => register::decide(register, ids),
            NetworkCommand::RequestPeering(_)
            | NetworkCommand::AcceptRoute(_)
            | NetworkCommand::RestrictFirewall(_)
            | NetworkCommand::Record(_) => Err(Refusal::NetworkUnknown),
        },
        Network::Registered(network) => match command {
            NetworkCommand::RegisterNetwork(_) => Err(Refusal::NetworkAlreadyRegistered { network_id: network.id }),
            NetworkCommand::RequestPeering(request) => request_peering::decide(network, request, now, ids),
            NetworkCommand::AcceptRoute(accept) => accept_route::decide(network, accept),
            NetworkCommand::RestrictFirewall(restrict) => restrict_firewall::decide(network, restrict),
            NetworkCommand::Record(outcome) => record_outcome::decide(network, outcome),
        },
    }
}

/// Applies an event. Total: an event that the state has no place for changes nothing.
pub fn evolve(state: Network, event: &NetworkEvent) -> Network {
    match state {
        Network::Unregistered => {
            if let NetworkEvent::NetworkRegistered(registered) = event {
                Network::Registered(register::evolve(registered))
            } else {
                Network::Unregistered
            }
        }
        Network::Registered(mut network) => {
            if let NetworkEvent::PeeringRequested(requested) = event {
                network.peerings.insert(requested.peering_id, Peering::requested(requested));
            } else if let Some(id) = event.peering_id()
                && let Some(peering) = network.peerings.remove(&id)
            {
                network.peerings.insert(id, peering.evolve(event));
            }
            Network::Registered(network)
        }
    }
}
