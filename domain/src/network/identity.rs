//! Whose a network at a cloud is: one registration at a time.
//!
//! The id of a registration is derived from the provider, the account and the network's own id
//! there, and from how many registrations of it are over: its generation. So the second
//! registration meets the first in the first one's own stream, and no read model decides.
//!
//! Networks that were registered before ids were derived, or derived so, keep theirs. The stream
//! that would be theirs today gets a marker that names them, so that whoever registers finds them
//! there.

use super::{
    AdoptPeering, Connection, LinkOnRecordElsewhere, Network, NetworkCommand, NetworkRegistered,
    Peer, PeerLinkedElsewhere, Refusal, RegisterNetwork, Registered, RequestPeering,
    event::{NetworkEvent, NetworkIdentityMarked},
    outcome::Outcome,
};
use crate::{
    claim::{Claim, Claimed},
    ids::NetworkId,
    place::Provider,
    text::{Account, CloudNetwork},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use uuid::{Uuid, uuid};

/// The name space of derived network ids; never changed.
const NETWORKS: Uuid = uuid!("6f0c1f5e-2a57-4c0c-9a83-0d6e4b1f7c29");

/// A network at a cloud, whoever has it on record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    /// The cloud.
    pub provider: Provider,
    /// Who owns the network there.
    pub account: Account,
    /// Its id there.
    pub cloud_network: CloudNetwork,
}

impl Identity {
    /// The id of this network's registration after so many others are over.
    pub fn network_id(&self, generation: u32) -> NetworkId {
        let network = self.cloud_network.as_str();
        let (account, network) = match self.provider {
            Provider::Aws | Provider::Gcp => (self.account.as_str(), network.to_owned()),
            // A resource id is the same in any case, and of one subscription, whichever tenant that
            // is in.
            Provider::Azure => ("", network.to_ascii_lowercase()),
        };
        let name = format!("{}/{account}/{network}/{generation}", self.provider);
        NetworkId(Uuid::new_v5(&NETWORKS, name.as_bytes()))
    }

    /// Whether both are one network.
    pub fn is(&self, other: &Self) -> bool {
        self.provider == other.provider
            && self.provider.is_one_network(
                (&self.account, &self.cloud_network),
                (&other.account, &other.cloud_network),
            )
    }

    /// Whether a registration under this id is found by what the network is at its cloud: its id
    /// is derived from that, as this version derives it.
    pub fn is_found_by(&self, id: NetworkId, generation: Option<u32>) -> bool {
        generation.is_some_and(|it| self.network_id(it) == id)
    }
}

impl From<&Registered> for Identity {
    fn from(it: &Registered) -> Self {
        let (account, cloud_network) = (it.account.clone(), it.cloud_network.clone());
        Self {
            provider: it.provider,
            account,
            cloud_network,
        }
    }
}

impl From<&NetworkRegistered> for Identity {
    fn from(it: &NetworkRegistered) -> Self {
        let (account, cloud_network) = (it.account.clone(), it.cloud_network.clone());
        Self {
            provider: it.provider,
            account,
            cloud_network,
        }
    }
}

impl From<&RegisterNetwork> for Identity {
    fn from(it: &RegisterNetwork) -> Self {
        let (account, cloud_network) = (it.account.clone(), it.cloud_network.clone());
        Self {
            provider: it.provider,
            account,
            cloud_network,
        }
    }
}

impl From<&Peer> for Identity {
    fn from(it: &Peer) -> Self {
        let (account, cloud_network) = (it.account.clone(), it.cloud_network.clone());
        Self {
            provider: it.provider,
            account,
            cloud_network,
        }
    }
}

/// A stream whose network is on record under other ids, from before ids were derived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marked {
    /// The id that was marked.
    pub id: NetworkId,
    /// The registrations that it stands for; at least one.
    pub held_by: BTreeSet<NetworkId>,
}

impl Marked {
    pub(super) fn of(event: &NetworkIdentityMarked) -> Self {
        Self {
            id: event.network_id,
            held_by: BTreeSet::from([event.held_by]),
        }
    }
}

/// What these other networks have of what the command asks for in this one.
pub fn claims<'a>(
    network: &Registered,
    command: &NetworkCommand,
    others: impl IntoIterator<Item = &'a Registered>,
) -> Vec<Claim> {
    let (peer, link) = if let NetworkCommand::RequestPeering(RequestPeering { peer, .. }) = command
    {
        (peer, None)
    } else if let NetworkCommand::AdoptPeering(AdoptPeering { peer, link, .. }) = command {
        (peer, Some(link))
    } else {
        return Vec::new();
    };
    let ends = (Identity::from(network), Identity::from(peer));
    let of_one = |other: &Registered| {
        let own = Identity::from(other);
        let joined = other.connections.live().find_map(|connection| {
            let Connection::Peering(it) = connection;
            let far = Identity::from(&it.peer);
            let joins = own.is(&ends.0) && far.is(&ends.1) || own.is(&ends.1) && far.is(&ends.0);
            joins.then(|| Claim {
                network_id: other.id,
                peering_id: it.id,
                what: Claimed::Ends {
                    life: it.life.as_str(),
                },
            })
        });
        let held = link.and_then(|link| {
            Some(Claim {
                network_id: other.id,
                peering_id: other.owner_of(link)?,
                what: Claimed::Link(link.clone()),
            })
        });
        held.into_iter().chain(joined).collect::<Vec<_>>()
    };
    others
        .into_iter()
        .filter(|other| other.id != network.id)
        .flat_map(of_one)
        .collect()
}

/// Refuses what another network has already.
pub(super) fn check(claims: &[Claim]) -> Result<(), Refusal> {
    let Some(claim) = claims.first() else {
        return Ok(());
    };
    let (network_id, peering_id) = (claim.network_id, claim.peering_id);
    Err(match &claim.what {
        Claimed::Ends { life } => Refusal::PeerLinkedElsewhere(PeerLinkedElsewhere {
            network_id,
            peering_id,
            life,
        }),
        Claimed::Link(link) => Refusal::LinkOnRecordElsewhere(LinkOnRecordElsewhere {
            link: link.to_string(),
            network_id,
            peering_id,
        }),
    })
}

/// Marks a stream in which nothing is registered.
pub(super) fn mark(state: &Network, outcome: &Outcome) -> Result<Vec<NetworkEvent>, Refusal> {
    let Outcome::IdentityMarked(it) = outcome else {
        return Err(Refusal::NetworkUnknown);
    };
    let is_news = match state {
        Network::Unregistered => true,
        Network::Marked(marked) => !marked.held_by.contains(&it.held_by),
        Network::Registered(network) | Network::Retired(network) => is_news(network, it),
    };
    Ok(is_news.then(|| it.clone().into()).into_iter().collect())
}

/// Whether a registered network learns something by the marker: one that an older engine has
/// registered beside it.
pub(super) fn is_news(network: &Registered, marker: &NetworkIdentityMarked) -> bool {
    marker.held_by != network.id && !network.also_registered.contains(&marker.held_by)
}
