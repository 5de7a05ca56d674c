//! `networks`: the private networks on record.

use super::{At, Projection};
use crate::rows::to_json;
use domain::network::{NetworkEvent, NetworkRegistered};
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
    revision INTEGER NOT NULL, -- of the last event of its stream
    changed_at TEXT NOT NULL
);
CREATE UNIQUE INDEX networks_in_order ON networks (commit_position, prepare_position);
";

    fn apply(at: &At<'_>, event: &NetworkEvent) -> rusqlite::Result<()> {
        match event {
            NetworkEvent::NetworkRegistered(it) => registered(at, it),
            NetworkEvent::PeeringRequested(_)
            | NetworkEvent::RouteAccepted(_)
            | NetworkEvent::FirewallRestricted(_)
            | NetworkEvent::PeeringInitiationStarted(_)
            | NetworkEvent::PeeringInitiationRefused(_)
            | NetworkEvent::PeeringInitiated(_)
            | NetworkEvent::PeeringAccepted(_)
            | NetworkEvent::PeeringActivated(_)
            | NetworkEvent::PeeringRejected(_)
            | NetworkEvent::PeeringExpired(_)
            | NetworkEvent::PeeringFailed(_)
            | NetworkEvent::RouteInstalled(_)
            | NetworkEvent::RouteConflicted(_)
            | NetworkEvent::FirewallGroupCreated(_)
            | NetworkEvent::FirewallRuleAuthorized(_)
            | NetworkEvent::FirewallRuleRevoked(_)
            | NetworkEvent::FirewallEnforced(_)
            | NetworkEvent::ProvisioningBlocked(_)
            | NetworkEvent::ProvisioningUnblocked(_) => Ok(()),
        }
    }
}

fn registered(at: &At<'_>, it: &NetworkRegistered) -> rusqlite::Result<()> {
    at.execute(
        "INSERT INTO networks VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?10) ON CONFLICT DO NOTHING",
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
            at.recorded.revision,
        ],
    )
}

/// Notes that the network's stream has this event too, whatever it says.
pub(super) fn touch(at: &At<'_>) -> rusqlite::Result<()> {
    at.execute(
        "UPDATE networks SET revision = ?2, changed_at = ?3 WHERE network_id = ?1",
        params![at.id(), at.recorded.revision, at.created()],
    )
}
