//! What the peer's owner has to do, from the network as the log has it.
//!
//! Instructions follow from the folded state, not from the read models: they are a help beside the answer, and where the event store
//! does not answer in a moment, the answer goes without.

use super::{Rooms, v1};
use domain::network::Network;
use projections::{LifeName, PeeringView};
use std::time::Duration;

/// How long a read waits for them.
const PATIENCE: Duration = Duration::from_secs(1);

/// What somebody has to do about this peering; nothing where nobody is waited for.
pub(super) async fn of(rooms: &Rooms, view: &PeeringView) -> Vec<v1::Instruction> {
    if !is_waited_for(view) {
        return Vec::new();
    }
    let Ok(Ok(loaded)) = tokio::time::timeout(PATIENCE, rooms.journal.networks().load(view.network_id)).await else {
        tracing::debug!(peering_id = %view.id, "shown without its instructions: the event store does not answer");
        return Vec::new();
    };
    let network = match &loaded.network {
        Network::Registered(network) | Network::Retired(network) => network,
        Network::Unregistered => return Vec::new(),
    };
    let Some(peering) = network.peerings.get(&view.id) else { return Vec::new() };
    let instructions = domain::instructions::for_peer(network, peering).into_iter();
    instructions.map(|it| v1::Instruction { title: it.title.into(), language: it.language.into(), body: it.body.into() }).collect()
}

/// Whether the engine waits for somebody, or the peer's side is its owner's to keep.
fn is_waited_for(view: &PeeringView) -> bool {
    let owner_keeps = view.terms.consent == domain::network::Consent::Owner;
    view.life.is_live() && (owner_keeps || view.blocked.is_some() || view.life == LifeName::AwaitingAcceptance)
}
