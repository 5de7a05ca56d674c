//! What may be recorded of denials. Each function says whether it is news.

use super::super::{
    Refusal, Registered,
    event::{DenialEnforced, DenialLapsed, DenialMade, DenialRemoved},
};
use super::{active, out_of_order, standing};

pub(super) fn made(network: &Registered, it: &DenialMade) -> Result<bool, Refusal> {
    let peering = standing(network, it.peering_id, "a denial")?;
    Ok(!peering
        .firewall
        .get(it.side)
        .denials
        .made
        .contains(&it.denial))
}

pub(super) fn removed(network: &Registered, it: &DenialRemoved) -> Result<bool, Refusal> {
    let peering = standing(network, it.peering_id, "a denial that is gone")?;
    Ok(peering
        .firewall
        .get(it.side)
        .denials
        .made
        .contains(&it.denial))
}

pub(super) fn enforced(network: &Registered, it: &DenialEnforced) -> Result<bool, Refusal> {
    let peering = active(network, it.peering_id, "an enforced denial")?;
    let denials = &peering.firewall.get(it.side).denials;
    if denials.wanted.is_none() || network.denied(peering, it.side) != it.denies {
        return Err(out_of_order(peering, "a denial that nobody asked for"));
    }
    let known = denials.enforced.as_ref();
    Ok(known.is_none_or(|known| {
        (&known.lists, &known.denies, &known.subnets) != (&it.lists, &it.denies, &it.subnets)
    }))
}

pub(super) fn lapsed(network: &Registered, it: &DenialLapsed) -> Result<bool, Refusal> {
    let peering = standing(network, it.peering_id, "a denial that lapsed")?;
    Ok(peering.firewall.get(it.side).denials.enforced.is_some())
}
