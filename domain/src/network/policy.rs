//! `SetPolicy`, `CheckDrift`, `RetireNetwork`: what concerns a network as a whole.

use super::{
    Refusal, Registered,
    command::{RetireNetwork, SetPolicy},
    event::{DriftCheckRequested, ExposurePolicy, NetworkEvent, NetworkPolicySet, NetworkRetired},
};
use chrono::{DateTime, Utc};

/// The most groups that a policy may name.
const GROUPS: usize = 60;

pub(super) fn set(network: &Registered, command: &SetPolicy) -> Result<Vec<NetworkEvent>, Refusal> {
    if let ExposurePolicy::Enforce { groups } = &command.policy.exposure
        && groups.len() > GROUPS
    {
        return Err(Refusal::TooManyGroups {
            given: groups.len(),
            most: GROUPS,
        });
    }
    if network.policy == command.policy {
        return Ok(Vec::new());
    }
    Ok(vec![
        NetworkPolicySet {
            network_id: network.id,
            policy: command.policy.clone(),
        }
        .into(),
    ])
}

pub(super) fn check_drift(network: &Registered, now: DateTime<Utc>) -> Vec<NetworkEvent> {
    vec![
        DriftCheckRequested {
            network_id: network.id,
            requested_at: now,
        }
        .into(),
    ]
}

/// A network goes last: every connection of it is removed or abandoned by name first.
pub(super) fn retire(
    network: &Registered,
    command: &RetireNetwork,
) -> Result<Vec<NetworkEvent>, Refusal> {
    let live = network.connections.live().count();
    if live > 0 {
        return Err(Refusal::NetworkInUse {
            network_id: network.id,
            live,
        });
    }
    Ok(vec![
        NetworkRetired {
            network_id: network.id,
            reason: command.reason.clone(),
        }
        .into(),
    ])
}
