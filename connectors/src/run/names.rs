//! What networks and peerings are called: it stays so for ever, and is told with each record.

use super::network;
use crate::{
    lane,
    sink::{Names, PeeringNames},
};
use domain::{
    NetworkId, PeeringId,
    network::{Network, Peer},
};
use journal::{JournalError, Networks, Recorded};
use std::{collections::HashMap, sync::Arc};

/// How many are remembered.
const KNOWN: usize = 20_000;

/// What was looked up lately.
pub(super) struct NameBook {
    networks: Networks,
    known: HashMap<(NetworkId, Option<PeeringId>), Arc<Names>>,
}

impl NameBook {
    pub(super) fn new(networks: Networks) -> Self {
        Self {
            networks,
            known: HashMap::new(),
        }
    }

    /// What the record's network and peering are called; nothing of what is no network's record.
    pub(super) async fn of(
        &mut self,
        recorded: &Recorded,
    ) -> Result<Option<Arc<Names>>, JournalError> {
        let Some(id) = network(recorded) else {
            return Ok(None);
        };
        let peering = lane::peering(recorded);
        if let Some(names) = self.known.get(&(id, peering)) {
            return Ok(Some(Arc::clone(names)));
        }
        let loaded = self.networks.load_with(id, recorded.revision).await?;
        let Network::Registered(network) = &loaded.network else {
            return Ok(None);
        };
        let peer = |id: &PeeringId| -> Option<&Peer> {
            let live = network.peerings().get(id).map(|it| &it.peer);
            live.or_else(|| network.ended_peerings().get(id).map(|it| &it.peer))
        };
        let names = Arc::new(Names {
            project: network.project.clone(),
            network: network.name.clone(),
            provider: network.provider,
            account: network.account.clone(),
            cloud: network.cloud.clone(),
            peering: peering.and_then(|id| {
                peer(&id).map(|peer| PeeringNames {
                    id,
                    account: peer.account.clone(),
                    cloud_network: peer.cloud_network.to_string(),
                })
            }),
        });
        if self.known.len() >= KNOWN {
            self.known.clear();
        }
        self.known.insert((id, peering), Arc::clone(&names));
        Ok(Some(names))
    }
}
