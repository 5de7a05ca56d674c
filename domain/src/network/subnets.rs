//! `ChangeNetworkSubnets` and `ChangePeerSubnets`: whose route tables serve an end, changed while
//! links stand.
//!
//! Routes move along: the tables that serve from now on get them, and those that no longer do lose
//! what the engine made in them.

use super::{
    Refusal, Registered,
    command::{ChangeNetworkSubnets, ChangePeerSubnets, SubnetChange},
    event::{NetworkEvent, NetworkSubnetsChanged, PeerSubnetsChanged},
    peer::PEER_RANGES,
    peering::Peering,
};
use crate::{side::Side, text::Subnet};

pub(super) fn of_network(
    network: &Registered,
    command: &ChangeNetworkSubnets,
) -> Result<Vec<NetworkEvent>, Refusal> {
    let subnets = changed(&network.subnets, &command.change)?;
    let event = subnets.map(|subnets| {
        let network_id = network.id;
        NetworkSubnetsChanged {
            network_id,
            subnets,
        }
        .into()
    });
    Ok(event.into_iter().collect())
}

pub(super) fn of_peer(
    network: &Registered,
    command: &ChangePeerSubnets,
) -> Result<Vec<NetworkEvent>, Refusal> {
    let peering_id = command.peering_id;
    let peering = network.standing(peering_id)?;
    let subnets = changed(&peering.peer.subnets, &command.change)?;
    let event = subnets.map(|subnets| {
        PeerSubnetsChanged {
            peering_id,
            subnets,
        }
        .into()
    });
    Ok(event.into_iter().collect())
}

impl Registered {
    /// Whether other subnets of this side were chosen since all its routes were last seen in place:
    /// what the engine made in tables that no longer serve goes.
    pub fn tables_moved(&self, peering: &Peering, side: Side) -> bool {
        match side {
            Side::Local => self.subnets_changed_at.is_some_and(|changed| {
                let seen = peering.routes_in_place.local.as_ref();
                seen.is_none_or(|seen| seen.since <= changed)
            }),
            Side::Remote => peering.tables_moved,
        }
    }
}

/// How many there may be, and that `*` stands alone.
pub(super) fn check(subnets: &[Subnet]) -> Result<(), Refusal> {
    if subnets.len() > PEER_RANGES {
        return Err(Refusal::TooManyRanges {
            given: subnets.len(),
            most: PEER_RANGES,
        });
    }
    let has_star = |it: &&Subnet| it.as_str().contains('*');
    match subnets.iter().find(has_star) {
        Some(star) if !Subnet::are_all(subnets) => Err(Refusal::SubnetsAmbiguous {
            subnet: star.to_string(),
        }),
        Some(_) | None => Ok(()),
    }
}

/// The subnets after the change; `None` if they are so already.
fn changed(now: &[Subnet], change: &SubnetChange) -> Result<Option<Vec<Subnet>>, Refusal> {
    let mut next = now.to_vec();
    match change {
        SubnetChange::Add { subnets } if Subnet::are_all(now) => {
            check(subnets)?;
            return Ok(None);
        }
        SubnetChange::Add { subnets } => {
            for subnet in subnets {
                if !next.contains(subnet) {
                    next.push(subnet.clone());
                }
            }
        }
        SubnetChange::Drop { subnets } => {
            if let Some(unknown) = subnets.iter().find(|it| !now.contains(it)) {
                return Err(Refusal::SubnetNotChosen {
                    subnet: unknown.to_string(),
                });
            }
            next.retain(|it| !subnets.contains(it));
            // None would mean the main route table, which is more than a drop asks for.
            if next.is_empty() && !now.is_empty() {
                return Err(Refusal::SubnetsMissing);
            }
        }
        SubnetChange::Set { subnets } => {
            next.clear();
            for subnet in subnets {
                if !next.contains(subnet) {
                    next.push(subnet.clone());
                }
            }
        }
    }
    check(&next)?;
    Ok((next != now).then_some(next))
}
