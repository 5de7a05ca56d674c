//! What may be recorded of a side's firewall and of exposures. Each function says whether it is news.

use super::super::{
    Refusal, Registered,
    event::{
        ExposureCleared, FirewallEnforced, FirewallExposed, FirewallGroupCreated,
        FirewallGroupRemoved, FirewallRuleAuthorized, FirewallRuleRevoked,
    },
};
use super::{active, out_of_order, standing};

pub(super) fn group_created(
    network: &Registered,
    it: &FirewallGroupCreated,
) -> Result<bool, Refusal> {
    let peering = standing(network, it.peering_id, "a firewall group")?;
    Ok(peering.firewall.get(it.side).group.as_ref() != Some(&it.group))
}

pub(super) fn group_removed(
    network: &Registered,
    it: &FirewallGroupRemoved,
) -> Result<bool, Refusal> {
    let peering = standing(network, it.peering_id, "a removed firewall group")?;
    Ok(peering.firewall.get(it.side).group.as_ref() == Some(&it.group))
}

pub(super) fn rule_authorized(
    network: &Registered,
    it: &FirewallRuleAuthorized,
) -> Result<bool, Refusal> {
    let peering = standing(network, it.peering_id, "a firewall rule")?;
    Ok(peering.firewall.get(it.side).rules.get(&it.rule) != Some(&it.rule_id))
}

pub(super) fn rule_revoked(
    network: &Registered,
    it: &FirewallRuleRevoked,
) -> Result<bool, Refusal> {
    let peering = standing(network, it.peering_id, "a revoked firewall rule")?;
    Ok(peering.firewall.get(it.side).rules.get(&it.rule) == Some(&it.rule_id))
}

pub(super) fn enforced(network: &Registered, it: &FirewallEnforced) -> Result<bool, Refusal> {
    let peering = active(network, it.peering_id, "an enforced firewall")?;
    let firewall = peering.firewall.get(it.side);
    let wanted = network.admitted(peering, it.side);
    if wanted != it.admit.iter().copied().collect() {
        return Err(out_of_order(peering, "a firewall for another posture"));
    }
    let is_kept = if wanted == firewall.admit {
        firewall.is_enforced()
    } else {
        firewall.closed_at.is_some()
    };
    Ok(!is_kept || firewall.group.as_ref() != Some(&it.group))
}

pub(super) fn exposed(network: &Registered, it: &FirewallExposed) -> Result<bool, Refusal> {
    let peering = active(network, it.peering_id, "an exposure")?;
    let exposures = &peering.firewall.get(it.side).exposures;
    let known = exposures.get(&it.exposure.rule_id);
    Ok(known.is_none_or(|known| known.exposure != it.exposure))
}

pub(super) fn exposure_cleared(
    network: &Registered,
    it: &ExposureCleared,
) -> Result<bool, Refusal> {
    let peering = standing(network, it.peering_id, "an exposure that is over")?;
    Ok(peering
        .firewall
        .get(it.side)
        .exposures
        .contains_key(&it.rule_id))
}
