//! `networks`: the private networks on record, and what the engine may do by itself in them.

use super::{At, Projection};
use crate::rows::{time, to_json};
use domain::network::{
    DriftCheckRequested, NetworkEvent, NetworkPolicySet, NetworkRegistered, NetworkRetired, Policy,
};
use rusqlite::params;

pub(super) struct Networks;

impl Projection for Networks {
    const TABLES: &'static str = "
CREATE TABLE networks (
    network_id TEXT PRIMARY KEY,
    project TEXT NOT NULL,
    name TEXT NOT NULL,
    provider TEXT NOT NULL,
    region TEXT NOT NULL,
    account TEXT NOT NULL,
    cloud_network TEXT NOT NULL,
    range TEXT NOT NULL,
    subnets TEXT NOT NULL, -- JSON list
    registered_at TEXT NOT NULL,
    commit_position INTEGER NOT NULL, -- of its registration
    prepare_position INTEGER NOT NULL,
    policy TEXT NOT NULL, -- JSON
    drift_check_at TEXT, -- when somebody last asked for a look at everything
    retired_at TEXT, -- NULL while it is served
    retired_reason TEXT,
    revision INTEGER NOT NULL, -- of the last event of its stream
    changed_at TEXT NOT NULL
);
CREATE UNIQUE INDEX networks_in_order ON networks (commit_position, prepare_position);
";

    fn apply(at: &At<'_>, event: &NetworkEvent) -> rusqlite::Result<()> {
        match event {
            NetworkEvent::NetworkRegistered(it) => registered(at, it),
            NetworkEvent::NetworkPolicySet(it) => policy_set(at, it),
            NetworkEvent::DriftCheckRequested(it) => drift_check(at, it),
            NetworkEvent::NetworkRetired(it) => retired(at, it),
            NetworkEvent::PeeringRequested(_)
            | NetworkEvent::PeeringAdopted(_)
            | NetworkEvent::RouteAccepted(_)
            | NetworkEvent::RouteWithdrawn(_)
            | NetworkEvent::FirewallRestricted(_)
            | NetworkEvent::ConnectorIngressAllowed(_)
            | NetworkEvent::ConnectorIngressRevoked(_)
            | NetworkEvent::DnsResolutionSet(_)
            | NetworkEvent::PeeringRemovalRequested(_)
            | NetworkEvent::PeeringAbandoned(_)
            | NetworkEvent::PeeringInitiationStarted(_)
            | NetworkEvent::PeeringInitiationRefused(_)
            | NetworkEvent::PeeringInitiated(_)
            | NetworkEvent::PeeringExpiryNear(_)
            | NetworkEvent::PeeringAccepted(_)
            | NetworkEvent::PeeringActivated(_)
            | NetworkEvent::PeeringRejected(_)
            | NetworkEvent::PeeringExpired(_)
            | NetworkEvent::PeeringRenewed(_)
            | NetworkEvent::PeeringFailed(_)
            | NetworkEvent::PeeringDeadlinePassed(_)
            | NetworkEvent::PeeringSurveyed(_)
            | NetworkEvent::LinkRemoved(_)
            | NetworkEvent::PeeringRemoved(_)
            | NetworkEvent::RouteInstalled(_)
            | NetworkEvent::RouteRemoved(_)
            | NetworkEvent::RouteConflicted(_)
            | NetworkEvent::FirewallGroupCreated(_)
            | NetworkEvent::FirewallGroupRemoved(_)
            | NetworkEvent::FirewallRuleAuthorized(_)
            | NetworkEvent::FirewallRuleRevoked(_)
            | NetworkEvent::FirewallEnforced(_)
            | NetworkEvent::FirewallExposed(_)
            | NetworkEvent::ExposureCleared(_)
            | NetworkEvent::DnsResolutionApplied(_)
            | NetworkEvent::DriftDetected(_)
            | NetworkEvent::DriftRepaired(_)
            | NetworkEvent::DriftAdopted(_)
            | NetworkEvent::ProvisioningBlocked(_)
            | NetworkEvent::ProvisioningUnblocked(_) => Ok(()),
        }
    }
}

fn registered(at: &At<'_>, it: &NetworkRegistered) -> rusqlite::Result<()> {
    at.execute(
        "INSERT INTO networks VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, NULL, NULL, NULL, ?14, ?10)
         ON CONFLICT DO NOTHING",
        params![
            at.id(),
            it.project.as_str(),
            it.name.as_str(),
            it.provider.as_str(),
            it.region.as_str(),
            it.account.as_str(),
            it.cloud_network.as_str(),
            it.range.to_string(),
            to_json(&it.subnets)?,
            at.created(),
            at.recorded.position.commit,
            at.recorded.position.prepare,
            to_json(&Policy::default())?,
            at.recorded.revision,
        ],
    )
}

fn policy_set(at: &At<'_>, it: &NetworkPolicySet) -> rusqlite::Result<()> {
    at.execute(
        "UPDATE networks SET policy = ?2 WHERE network_id = ?1",
        params![at.id(), to_json(&it.policy)?],
    )
}

fn drift_check(at: &At<'_>, it: &DriftCheckRequested) -> rusqlite::Result<()> {
    at.execute(
        "UPDATE networks SET drift_check_at = ?2 WHERE network_id = ?1",
        params![at.id(), time(&it.requested_at)],
    )
}

fn retired(at: &At<'_>, it: &NetworkRetired) -> rusqlite::Result<()> {
    at.execute(
        "UPDATE networks SET retired_at = ?2, retired_reason = ?3 WHERE network_id = ?1",
        params![at.id(), at.created(), it.reason.as_str()],
    )
}

/// Notes that the network's stream has this event too, whatever it says.
pub(super) fn touch(at: &At<'_>) -> rusqlite::Result<()> {
    at.execute(
        "UPDATE networks SET revision = ?2, changed_at = ?3 WHERE network_id = ?1",
        params![at.id(), at.recorded.revision, at.created()],
    )
}
