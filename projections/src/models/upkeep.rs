//! `exposures` and `dns_resolution`: what others let in, and what resolves to private addresses.

use super::{At, Projection, drift};
use domain::{
    PeeringId, Side,
    network::{
        DnsResolutionApplied, DnsResolutionSet, ExposureCleared, FirewallExposed, NetworkEvent,
    },
};
use rusqlite::params;

pub(super) struct Upkeep;

impl Projection for Upkeep {
    const TABLES: &'static str = "
CREATE TABLE exposures (
    network_id TEXT NOT NULL,
    peering_id TEXT NOT NULL,
    side TEXT NOT NULL,
    rule_id TEXT NOT NULL,
    firewall_group TEXT NOT NULL,
    group_name TEXT NOT NULL,
    admits TEXT NOT NULL,
    owner TEXT NOT NULL,
    since TEXT NOT NULL,
    commit_position INTEGER NOT NULL, -- of the event that first told of it
    prepare_position INTEGER NOT NULL,
    PRIMARY KEY (peering_id, network_id, side, rule_id)
) WITHOUT ROWID;
CREATE INDEX exposures_in_order ON exposures (commit_position, prepare_position);
CREATE TABLE dns_resolution (
    network_id TEXT NOT NULL,
    peering_id TEXT NOT NULL,
    side TEXT NOT NULL,
    wanted INTEGER NOT NULL,
    applied INTEGER NOT NULL, -- what was last seen to be so
    changed_at TEXT, -- when either last changed; NULL if neither ever did
    PRIMARY KEY (peering_id, network_id, side)
) WITHOUT ROWID;
";

    fn apply(at: &At<'_>, event: &NetworkEvent) -> rusqlite::Result<()> {
        match event {
            NetworkEvent::PeeringRequested(it) => begun(at, it.peering_id),
            NetworkEvent::PeeringAdopted(it) => begun(at, it.peering_id),
            NetworkEvent::FirewallExposed(it) => exposed(at, it),
            NetworkEvent::ExposureCleared(it) => cleared(at, it),
            NetworkEvent::DnsResolutionSet(it) => dns_set(at, it),
            NetworkEvent::DnsResolutionApplied(it) => dns_applied(at, it),
            NetworkEvent::NetworkRegistered(_)
            | NetworkEvent::NetworkPolicySet(_)
            | NetworkEvent::DriftCheckRequested(_)
            | NetworkEvent::NetworkRetired(_)
            | NetworkEvent::RouteAccepted(_)
            | NetworkEvent::RouteWithdrawn(_)
            | NetworkEvent::FirewallRestricted(_)
            | NetworkEvent::ConnectorIngressAllowed(_)
            | NetworkEvent::ConnectorIngressRevoked(_)
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
            | NetworkEvent::DriftDetected(_)
            | NetworkEvent::DriftRepaired(_)
            | NetworkEvent::DriftAdopted(_)
            | NetworkEvent::ProvisioningBlocked(_)
            | NetworkEvent::ProvisioningUnblocked(_) => Ok(()),
        }
    }
}

/// A peering begins with names that resolve as they did.
fn begun(at: &At<'_>, peering: PeeringId) -> rusqlite::Result<()> {
    for side in Side::BOTH {
        let (network, peering) = at.key(peering);
        at.execute(
            "INSERT INTO dns_resolution VALUES (?1, ?2, ?3, 0, 0, NULL)",
            params![network, peering, side.as_str()],
        )?;
    }
    Ok(())
}

/// A rule that is told of again may admit something else by now; it is no new one.
fn exposed(at: &At<'_>, it: &FirewallExposed) -> rusqlite::Result<()> {
    let (network, peering) = at.key(it.peering_id);
    let exposure = &it.exposure;
    at.execute(
        "INSERT INTO exposures VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT DO UPDATE SET
             firewall_group = excluded.firewall_group, group_name = excluded.group_name, admits = excluded.admits,
             owner = excluded.owner",
        params![
            network,
            peering,
            it.side.as_str(),
            exposure.rule_id.as_str(),
            exposure.group.as_str(),
            exposure.group_name,
            exposure.admits,
            exposure.owner,
            at.created(),
            at.recorded.position.commit,
            at.recorded.position.prepare,
        ],
    )
}

fn cleared(at: &At<'_>, it: &ExposureCleared) -> rusqlite::Result<()> {
    let (network, peering) = at.key(it.peering_id);
    at.execute(
        "DELETE FROM exposures WHERE network_id = ?1 AND peering_id = ?2 AND side = ?3 AND rule_id = ?4",
        params![network, peering, it.side.as_str(), it.rule_id.as_str()],
    )
}

fn dns_set(at: &At<'_>, it: &DnsResolutionSet) -> rusqlite::Result<()> {
    drift::forget_dns(at, it.peering_id, it.side)?;
    let (network, peering) = at.key(it.peering_id);
    at.execute(
        "UPDATE dns_resolution SET wanted = ?4, changed_at = ?5 WHERE network_id = ?1 AND peering_id = ?2 AND side = ?3",
        params![network, peering, it.side.as_str(), it.enabled, at.created()],
    )
}

fn dns_applied(at: &At<'_>, it: &DnsResolutionApplied) -> rusqlite::Result<()> {
    let (network, peering) = at.key(it.peering_id);
    at.execute(
        "UPDATE dns_resolution SET applied = ?4, changed_at = ?5 WHERE network_id = ?1 AND peering_id = ?2 AND side = ?3",
        params![network, peering, it.side.as_str(), it.enabled, at.created()],
    )
}

/// Names were found to resolve otherwise than was asked for.
pub(super) fn dns_flipped(at: &At<'_>, peering: PeeringId, side: Side) -> rusqlite::Result<()> {
    let (network, peering) = at.key(peering);
    at.execute(
        "UPDATE dns_resolution SET applied = NOT wanted WHERE network_id = ?1 AND peering_id = ?2 AND side = ?3",
        params![network, peering, side.as_str()],
    )
}
