//! `SetTenure`: who answers for a peering or for an admitted source, and when it ends; and what the
//! policy asks of that wherever it is said.

use super::{
    Refusal, Registered,
    command::{Change, SetTenure},
    event::{NetworkEvent, PeeringTenureSet, Tenure, TenurePolicy},
    refusal_facts::{AdmissionUnknown, ExpiryTooFar},
};
use crate::ids::PeeringId;
use chrono::{DateTime, TimeDelta, Utc};

pub(super) fn set(
    network: &Registered,
    command: &SetTenure,
    now: DateTime<Utc>,
) -> Result<Vec<NetworkEvent>, Refusal> {
    let SetTenure {
        peering_id,
        rule,
        owner,
        expires_at,
    } = command;
    let peering = network.standing(*peering_id)?;
    let before = match rule {
        None => peering.tenure.clone(),
        Some(rule) if peering.firewall.local.admit.contains(rule) => peering.admission(rule),
        Some(rule) => {
            return Err(Refusal::AdmissionUnknown(AdmissionUnknown {
                peering_id: *peering_id,
                from: rule.source,
                port: rule.port,
            }));
        }
    };
    let tenure = Tenure {
        owner: changed(owner.as_ref(), before.owner.clone()),
        expires_at: changed(expires_at.as_ref(), before.expires_at),
    };
    let policy = &network.policy.tenure;
    // What is not changed may be older than the policy; nothing is opened by leaving it.
    if expires_at.is_some() {
        let most = match rule {
            None => policy.longest_peering,
            Some(_) => policy.longest_admission,
        };
        check_end(most, tenure.expires_at, now)?;
    }
    if rule.is_none() && owner.is_some() {
        check_owner(policy, &tenure)?;
    }
    if tenure == before {
        return Ok(Vec::new());
    }
    Ok(vec![of(*peering_id, *rule, tenure)])
}

fn of(
    peering_id: PeeringId,
    rule: Option<super::event::InboundRule>,
    tenure: Tenure,
) -> NetworkEvent {
    PeeringTenureSet {
        peering_id,
        rule,
        tenure,
    }
    .into()
}

/// What a request or an adoption says of the peering itself.
pub(super) fn begin(
    network: &Registered,
    peering_id: PeeringId,
    tenure: &Tenure,
    now: DateTime<Utc>,
) -> Result<Option<NetworkEvent>, Refusal> {
    let policy = &network.policy.tenure;
    check_owner(policy, tenure)?;
    check_end(policy.longest_peering, tenure.expires_at, now)?;
    Ok((!tenure.is_empty()).then(|| of(peering_id, None, tenure.clone())))
}

fn check_owner(policy: &TenurePolicy, tenure: &Tenure) -> Result<(), Refusal> {
    if policy.owner_required && tenure.owner.is_none() {
        return Err(Refusal::OwnerRequired);
    }
    Ok(())
}

/// An end lies ahead, and no further than the policy allows.
pub(super) fn check_end(
    most: Option<u64>,
    expires_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<(), Refusal> {
    if let Some(expires_at) = expires_at.filter(|it| *it <= now) {
        return Err(Refusal::ExpiryPassed { expires_at });
    }
    let Some(most) = most else {
        return Ok(());
    };
    let latest = i64::try_from(most).ok().and_then(TimeDelta::try_seconds);
    let latest = latest.and_then(|it| now.checked_add_signed(it));
    // A maximum beyond the end of the calendar is none; but an end it asks for all the same.
    match (expires_at, latest) {
        (None, _) => Err(Refusal::ExpiryRequired { most }),
        (Some(expires_at), Some(latest)) if expires_at > latest => {
            Err(Refusal::ExpiryTooFar(ExpiryTooFar { expires_at, latest }))
        }
        (Some(_), _) => Ok(()),
    }
}

fn changed<T: Clone>(change: Option<&Change<T>>, before: Option<T>) -> Option<T> {
    match change {
        None => before,
        Some(Change::To(value)) => Some(value.clone()),
        Some(Change::None) => None,
    }
}
