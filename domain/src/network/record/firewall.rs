//! What may be recorded of a side's firewall and of exposures. Each function says whether it is
//! news.

use super::super::{
    Refusal, Registered,
    event::{
        Exposure, ExposureCleared, ExposurePolicy, FirewallEnforced, FirewallExposed,
        FirewallGroupCreated, FirewallGroupRemoved, FirewallRuleAuthorized, FirewallRuleRevoked,
    },
    peering::{Firewall, REVOCATIONS, flickers},
};
use super::{active, linked, linked_or_ending, out_of_order, standing};
use chrono::{DateTime, Utc};

pub(super) fn group_created(
    network: &Registered,
    it: &FirewallGroupCreated,
) -> Result<bool, Refusal> {
    let peering = linked_or_ending(network, it.peering_id, "a firewall group")?;
    Ok(peering.firewall.get(it.side).group.as_ref() != Some(&it.group))
}

pub(super) fn group_removed(
    network: &Registered,
    it: &FirewallGroupRemoved,
) -> Result<bool, Refusal> {
    let peering = linked_or_ending(network, it.peering_id, "a removed firewall group")?;
    Ok(peering.firewall.get(it.side).group.as_ref() == Some(&it.group))
}

pub(super) fn rule_authorized(
    network: &Registered,
    it: &FirewallRuleAuthorized,
) -> Result<bool, Refusal> {
    let peering = linked_or_ending(network, it.peering_id, "a firewall rule")?;
    Ok(peering.firewall.get(it.side).rules.get(&it.rule) != Some(&it.rule_id))
}

pub(super) fn rule_revoked(
    network: &Registered,
    it: &FirewallRuleRevoked,
) -> Result<bool, Refusal> {
    let peering = linked_or_ending(network, it.peering_id, "a revoked firewall rule")?;
    Ok(peering.firewall.get(it.side).rules.get(&it.rule) == Some(&it.rule_id))
}

pub(super) fn enforced(network: &Registered, it: &FirewallEnforced) -> Result<bool, Refusal> {
    let peering = linked(network, it.peering_id, "an enforced firewall")?;
    let firewall = peering.firewall.get(it.side);
    let wanted = network.admitted(peering, it.side);
    if wanted != it.admit.iter().copied().collect() {
        return Err(out_of_order(peering, "a firewall for another posture"));
    }
    let is_kept = if wanted == firewall.admit {
        firewall.is_enforced()
    } else {
        // What is admitted for now, while a range waits to be confirmed, is no posture that is
        // kept.
        !wanted.is_empty() || firewall.closed_at.is_some()
    };
    Ok(!is_kept || firewall.group.as_ref() != Some(&it.group))
}

/// A rule that comes and goes has another id each time: while its end is held back it is the one
/// that is on record.
pub(super) fn exposed(
    network: &Registered,
    it: &FirewallExposed,
    now: DateTime<Utc>,
) -> Result<bool, Refusal> {
    let peering = active(network, it.peering_id, "an exposure")?;
    let firewall = peering.firewall.get(it.side);
    if let Some(known) = firewall.exposures.get(&it.exposure.rule_id) {
        return Ok(known.exposure != it.exposure);
    }
    let mut others = firewall.exposures.values();
    let stands = others.any(|known| is_alike(&known.exposure, &it.exposure));
    Ok(!stands || !comes_and_goes(network, firewall, &it.exposure, now))
}

pub(super) fn exposure_cleared(
    network: &Registered,
    it: &ExposureCleared,
    now: DateTime<Utc>,
) -> Result<bool, Refusal> {
    let peering = standing(network, it.peering_id, "an exposure that is over")?;
    let firewall = peering.firewall.get(it.side);
    let known = firewall.exposures.get(&it.rule_id);
    Ok(known.is_some_and(|known| !comes_and_goes(network, firewall, &known.exposure, now)))
}

fn is_alike(one: &Exposure, other: &Exposure) -> bool {
    (&one.group, &one.admits) == (&other.group, &other.admits)
}

/// Where the engine revokes such rules itself, each revocation is told, until it leaves them alone.
fn comes_and_goes(
    network: &Registered,
    firewall: &Firewall,
    exposure: &Exposure,
    now: DateTime<Utc>,
) -> bool {
    let is_revoked = matches!(
        &network.policy.exposure,
        ExposurePolicy::Enforce { groups } if groups.contains(&exposure.group)
    );
    firewall
        .went(&exposure.group, &exposure.admits, now)
        .filter(|(times, _)| !is_revoked || *times >= REVOCATIONS)
        .is_some_and(|(times, last)| {
            flickers(times.saturating_add(1), last, network.drift_check, now)
        })
}
