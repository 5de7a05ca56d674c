//! `AdoptPeering`: puts a link on record that somebody else made.
//!
//! Nothing is asked of the cloud for it. The link itself is never removed by the engine; routes and
//! rules that the engine adds are. A link belongs to one peering only; but one that an ended
//! peering left behind can be taken up again.

use super::{
    Refusal, Registered,
    command::AdoptPeering,
    event::{FirewallRestricted, NetworkEvent, PeeringAdopted, Tenure},
    request_peering::{check_place, check_ranges},
};
use crate::{ids::Ids, place::Places, side::Side};
use chrono::{DateTime, Utc};

pub(super) fn decide(
    network: &Registered,
    command: &AdoptPeering,
    places: &Places,
    now: DateTime<Utc>,
    ids: Ids,
) -> Result<Vec<NetworkEvent>, Refusal> {
    let AdoptPeering {
        peer,
        link,
        consent,
        tenure,
    } = command;
    check_place(network, peer, places)?;
    check_ranges(network, peer, places)?;
    if let Some(peering_id) = network.owner_of(link) {
        return Err(Refusal::LinkOnRecord {
            link: link.to_string(),
            peering_id,
        });
    }
    let peering_id = ids.peering(network.id);
    let external_id = Some(network.id.external_id(&peer.account));
    let quotas = places.quotas(peer.provider, &peer.account);
    let window = quotas.unusual_window(peer.provider);
    let (peer, link, consent) = (peer.clone(), link.clone(), *consent);
    let adopted = PeeringAdopted {
        peering_id,
        peer,
        link,
        adopted_at: now,
        consent,
        external_id,
        expires_at: window.map(|window| now + window),
    };
    let denied = Side::BOTH.map(|side| {
        FirewallRestricted {
            peering_id,
            side,
            admit: Vec::new(),
            tenure: Tenure::default(),
        }
        .into()
    });
    let closed = std::iter::once(adopted.into()).chain(denied);
    let said = super::tenure::begin(network, peering_id, tenure, now)?;
    Ok(closed.chain(said).collect())
}
