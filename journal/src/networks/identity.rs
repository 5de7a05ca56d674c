//! Who has a network at a cloud on record: read from the streams that its registrations have or
//! would have, one generation after the other.
//!
//! A registration goes to the first stream that is free: every one before it is over. So two that
//! register the same network meet at one stream's expected revision, and the second is told of the
//! first. What older engines registered under ids of their own is found by its marker.

use super::{Caller, Executed, Loaded, Networks};
use crate::{ExecuteError, JournalError, deadline::Deadline};
use chrono::{DateTime, Utc};
use domain::{
    Actor, Claim, CommandId, Ids, NetworkId,
    network::{
        Identity, Network, NetworkCommand, NetworkIdentityMarked, Outcome, Refusal,
        RegisterNetwork, claims,
    },
};
use std::{collections::BTreeSet, sync::Arc};
use uuid::Uuid;

/// Where a network is, or would be, registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registration {
    /// The id, and with it the stream.
    pub network_id: NetworkId,
    /// How many registrations of the same network are over; `None` where an older engine has given
    /// the id.
    pub generation: Option<u32>,
}

/// What the streams of one network at a cloud say.
struct Found {
    /// The first generation that is not over.
    id: NetworkId,
    generation: u32,
    /// The registrations that are over.
    over: Vec<NetworkId>,
    /// Those that are not, under whatever id.
    holders: Vec<Arc<Loaded>>,
    /// Every id that is named by a marker.
    marked: BTreeSet<NetworkId>,
}

impl Networks {
    /// Where this command registers its network: the first generation that is not over, or where
    /// the same command was carried out before. Refused if the network is on record under another
    /// id.
    pub async fn registration(
        &self,
        command: &RegisterNetwork,
        caller: &Caller,
    ) -> Result<Registration, ExecuteError> {
        let before = Ids::of(caller.command_id).network();
        let is_known = self.load(before).await?.revision.is_some();
        if is_known {
            return Ok(Registration {
                network_id: before,
                generation: None,
            });
        }
        let found = self.find(&Identity::from(command)).await?;
        for (generation, network_id) in (0..).zip(&found.over) {
            if self.has_receipt(*network_id, caller.command_id).await? {
                return Ok(Registration {
                    network_id: *network_id,
                    generation: Some(generation),
                });
            }
        }
        // One that is found by a marker may be what this very command made, under an id of then.
        for holder in found.holders.iter().filter_map(|it| id_of(it)) {
            if self.has_receipt(holder, caller.command_id).await? {
                return Ok(Registration {
                    network_id: holder,
                    generation: None,
                });
            }
        }
        let under_another_id = found.holders.iter().filter_map(|it| id_of(it));
        if let Some(network_id) = under_another_id.into_iter().find(|it| *it != found.id) {
            return Err(Refusal::NetworkAlreadyRegistered { network_id }.into());
        }
        Ok(Registration {
            network_id: found.id,
            generation: Some(found.generation),
        })
    }

    /// Leaves a marker where the registration of this network would be: an older engine has
    /// registered it under an id of its own. Done once; whoever does it again, changes nothing.
    pub async fn mark(
        &self,
        identity: &Identity,
        held_by: NetworkId,
        actor: Actor,
        now: DateTime<Utc>,
    ) -> Result<Option<Executed>, ExecuteError> {
        let found = self.find(identity).await?;
        if found.marked.contains(&held_by) {
            return Ok(None);
        }
        let network_id = found.id;
        let command_id = CommandId(Uuid::new_v5(&network_id.0, held_by.0.as_bytes()));
        let marker = NetworkIdentityMarked {
            network_id,
            held_by,
        };
        let command = NetworkCommand::Record(Outcome::IdentityMarked(marker));
        let caller = Caller::new(command_id, actor);
        let executed = self.execute(network_id, &command, &caller, now).await?;
        Ok(Some(executed))
    }

    /// What other networks have of what this command asks for in the network: those that are
    /// registered of either end.
    pub(super) async fn claims(
        &self,
        loaded: &Loaded,
        command: &NetworkCommand,
    ) -> Result<Vec<Claim>, JournalError> {
        let peer = if let NetworkCommand::RequestPeering(it) = command {
            &it.peer
        } else if let NetworkCommand::AdoptPeering(it) = command {
            &it.peer
        } else {
            return Ok(Vec::new());
        };
        let Network::Registered(network) = &loaded.network else {
            return Ok(Vec::new());
        };
        let mut others = self.find(&Identity::from(network)).await?.holders;
        others.extend(self.find(&Identity::from(peer)).await?.holders);
        let others = others.iter().filter_map(|it| {
            if let Network::Registered(other) = &it.network {
                Some(other)
            } else {
                None
            }
        });
        Ok(claims(network, command, others))
    }

    async fn find(&self, identity: &Identity) -> Result<Found, JournalError> {
        let (mut over, mut holders, mut marked) = (Vec::new(), Vec::new(), BTreeSet::new());
        let mut generation = 0;
        loop {
            let id = identity.network_id(generation);
            let loaded = self.load(id).await?;
            let (is_over, beside) = match &loaded.network {
                Network::Unregistered => (false, BTreeSet::new()),
                Network::Registered(it) => (false, it.also_registered.clone()),
                Network::Retired(it) => (true, it.also_registered.clone()),
                Network::Marked(it) => (true, it.held_by.clone()),
            };
            let (mut is_free, is_marked) = (true, matches!(loaded.network, Network::Marked(_)));
            for other in &beside {
                let loaded = self.load(*other).await?;
                if id_of(&loaded).is_some() {
                    is_free = false;
                    holders.push(loaded);
                }
            }
            marked.extend(beside);
            let is_held = id_of(&loaded).is_some();
            holders.extend(is_held.then_some(loaded));
            // What is retired takes no marker any more; one beside it goes further on.
            if !is_over || is_marked && !is_free {
                return Ok(Found {
                    id,
                    generation,
                    over,
                    holders,
                    marked,
                });
            }
            over.push(id);
            generation += 1;
        }
    }

    /// Whether the stream has an event of this command.
    async fn has_receipt(&self, id: NetworkId, command: CommandId) -> Result<bool, JournalError> {
        let deadline = Deadline::after(self.command_deadline, "register");
        let slot = self.slot(id).await;
        self.fetch_receipts(id, &slot, &deadline).await?;
        Ok(slot.receipt(command).is_some())
    }
}

/// The id of a network that is registered and not retired.
fn id_of(loaded: &Loaded) -> Option<NetworkId> {
    if let Network::Registered(network) = &loaded.network {
        Some(network.id)
    } else {
        None
    }
}
