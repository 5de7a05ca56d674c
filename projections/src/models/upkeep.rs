//! `exposures`, `dns_resolution` and `drift`: what others let in, what resolves to private addresses, and what is otherwise than it
//! was left.

use super::{At, Projection};
use crate::rows::{maybe, time, to_json};
use chrono::{DateTime, Utc};
use domain::{
    PeeringId, Side,
    network::{
        DnsResolutionApplied, DnsResolutionSet, DriftAdopted, DriftDetected, DriftRepaired, ExposureCleared, FIGHT_WINDOW, Finding,
        FirewallExposed, NetworkEvent,
    },
};
use rusqlite::{OptionalExtension, params};

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
CREATE TABLE drift (
    network_id TEXT NOT NULL,
    peering_id TEXT NOT NULL,
    finding TEXT NOT NULL, -- JSON
    since TEXT, -- NULL unless it is so now
    repairs INTEGER NOT NULL, -- how often it was put right within a day of the time before
    repaired_at TEXT,
    adopted_at TEXT, -- since when it is how it should be
    PRIMARY KEY (peering_id, network_id, finding)
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
            NetworkEvent::DriftDetected(it) => detected(at, it),
            NetworkEvent::DriftRepaired(it) => repaired(at, it),
            NetworkEvent::DriftAdopted(it) => adopted(at, it),
            NetworkEvent::PeeringRemovalRequested(it) => over(at, it.peering_id),
            NetworkEvent::PeeringDeadlinePassed(it) => over(at, it.peering_id),
            NetworkEvent::PeeringRejected(it) => over(at, it.peering_id),
            NetworkEvent::PeeringExpired(it) => over(at, it.peering_id),
            NetworkEvent::PeeringFailed(it) => over(at, it.peering_id),
            NetworkEvent::PeeringRemoved(it) => over(at, it.peering_id),
            NetworkEvent::PeeringAbandoned(it) => over(at, it.peering_id),
            NetworkEvent::NetworkRegistered(_)
            | NetworkEvent::NetworkPolicySet(_)
            | NetworkEvent::DriftCheckRequested(_)
            | NetworkEvent::NetworkRetired(_)
            | NetworkEvent::RouteAccepted(_)
            | NetworkEvent::RouteWithdrawn(_)
            | NetworkEvent::FirewallRestricted(_)
            | NetworkEvent::ConnectorIngressAllowed(_)
            | NetworkEvent::ConnectorIngressRevoked(_)
            | NetworkEvent::PeeringInitiationStarted(_)
            | NetworkEvent::PeeringInitiationRefused(_)
            | NetworkEvent::PeeringInitiated(_)
            | NetworkEvent::PeeringExpiryNear(_)
            | NetworkEvent::PeeringAccepted(_)
            | NetworkEvent::PeeringActivated(_)
            | NetworkEvent::PeeringRenewed(_)
            | NetworkEvent::PeeringSurveyed(_)
            | NetworkEvent::LinkRemoved(_)
            | NetworkEvent::RouteInstalled(_)
            | NetworkEvent::RouteRemoved(_)
            | NetworkEvent::RouteConflicted(_)
            | NetworkEvent::FirewallGroupCreated(_)
            | NetworkEvent::FirewallGroupRemoved(_)
            | NetworkEvent::FirewallRuleAuthorized(_)
            | NetworkEvent::FirewallRuleRevoked(_)
            | NetworkEvent::FirewallEnforced(_)
            | NetworkEvent::ProvisioningBlocked(_)
            | NetworkEvent::ProvisioningUnblocked(_) => Ok(()),
        }
    }
}

/// A peering begins with nothing found, and with names that resolve as they did.
fn begun(at: &At<'_>, peering: PeeringId) -> rusqlite::Result<()> {
    at.execute("DELETE FROM exposures WHERE network_id = ?1 AND peering_id = ?2", at.key(peering))?;
    at.execute("DELETE FROM drift WHERE network_id = ?1 AND peering_id = ?2", at.key(peering))?;
    for side in Side::BOTH {
        let (network, peering) = at.key(peering);
        at.execute("INSERT OR REPLACE INTO dns_resolution VALUES (?1, ?2, ?3, 0, 0, NULL)", params![network, peering, side.as_str()])?;
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

fn detected(at: &At<'_>, it: &DriftDetected) -> rusqlite::Result<()> {
    let (network, peering) = at.key(it.peering_id);
    at.execute(
        "INSERT INTO drift VALUES (?1, ?2, ?3, ?4, 0, NULL, NULL) ON CONFLICT DO UPDATE SET since = excluded.since",
        params![network, peering, to_json(&it.finding)?, time(&it.detected_at)],
    )
}

/// Repairs count while each follows the one before within a day.
fn repaired(at: &At<'_>, it: &DriftRepaired) -> rusqlite::Result<()> {
    let (network, peering) = at.key(it.peering_id);
    let (count, last) = repairs(at, it.peering_id, &it.finding)?;
    let again = last.is_some_and(|last| it.repaired_at - last < FIGHT_WINDOW);
    let count = if again { count.saturating_add(1) } else { 1 };
    at.execute(
        "INSERT INTO drift VALUES (?1, ?2, ?3, NULL, ?4, ?5, NULL)
         ON CONFLICT DO UPDATE SET since = NULL, repairs = excluded.repairs, repaired_at = excluded.repaired_at",
        params![network, peering, to_json(&it.finding)?, count, time(&it.repaired_at)],
    )
}

fn repairs(at: &At<'_>, peering: PeeringId, finding: &Finding) -> rusqlite::Result<(u32, Option<DateTime<Utc>>)> {
    let (network, peering) = at.key(peering);
    let mut select =
        at.rows.prepare_cached("SELECT repairs, repaired_at FROM drift WHERE network_id = ?1 AND peering_id = ?2 AND finding = ?3")?;
    let read = |row: &rusqlite::Row<'_>| Ok((row.get("repairs")?, maybe(row, "repaired_at")?));
    Ok(select.query_row(params![network, peering, to_json(finding)?], read).optional()?.unwrap_or_default())
}

fn adopted(at: &At<'_>, it: &DriftAdopted) -> rusqlite::Result<()> {
    let (network, peering) = at.key(it.peering_id);
    at.execute(
        "INSERT INTO drift VALUES (?1, ?2, ?3, NULL, 0, NULL, ?4)
         ON CONFLICT DO UPDATE SET since = NULL, adopted_at = excluded.adopted_at",
        params![network, peering, to_json(&it.finding)?, at.created()],
    )
}

/// What is being taken back, or has ended, is nowhere that it should not be.
fn over(at: &At<'_>, peering: PeeringId) -> rusqlite::Result<()> {
    at.execute("UPDATE drift SET since = NULL WHERE network_id = ?1 AND peering_id = ?2", at.key(peering))
}
