//! What only the network as the log has it can tell of a peering: what somebody has to do, and what
//! they should know.
//!
//! Both follow from the folded state, not from the read models. They are a help beside the answer:
//! where the event store does not answer in a moment, the answer goes without.

use super::{Rooms, show, v1};
use crate::clouds::instructions_for_peer;
use cloud::instructions::Instruction;
use domain::{advisory, network::Network};
use projections::{LifeName, PeeringView};
use std::time::Duration;

/// How long a read waits for the event store.
const PATIENCE: Duration = Duration::from_secs(1);

/// Adds to the message what the log tells of a peering that has not ended.
pub(super) async fn add(rooms: &Rooms, view: &PeeringView, message: &mut v1::Peering) {
    if !view.peering.life.is_live() {
        return;
    }
    let Ok(Ok(loaded)) =
        tokio::time::timeout(PATIENCE, rooms.journal.networks().load(view.network.id)).await
    else {
        tracing::debug!(peering_id = %view.peering.id, "shown without guidance: the event store does not answer");
        return;
    };
    let network = match &loaded.network {
        Network::Registered(network) | Network::Retired(network) => network,
        Network::Unregistered => return,
    };
    let Some(peering) = network.peerings.get(&view.peering.id) else {
        return;
    };
    message.advisories = advisory::advisories(network, peering)
        .into_iter()
        .map(show::advisory)
        .collect();
    if is_waited_for(view) {
        message.instructions = instructions_for_peer(network, peering)
            .into_iter()
            .map(instruction)
            .collect();
    }
}

fn instruction(it: Instruction) -> v1::Instruction {
    v1::Instruction {
        title: it.title,
        language: it.language.to_owned(),
        body: it.body,
    }
}

/// Whether the engine waits for somebody, or the peer's side is its owner's to keep.
fn is_waited_for(view: &PeeringView) -> bool {
    let owner_keeps = view.peering.terms.consent == domain::network::Consent::Owner;
    owner_keeps
        || view.peering.blocked.is_some()
        || view.peering.life.name() == LifeName::AwaitingAcceptance
}
