//! `routes` and `route_tables`: what each side may send over a link, what it shall no longer send and still may, and where that is
//! in place or in conflict.

use super::{At, Projection};
use domain::{
    PeeringId, Range, Side,
    network::{NetworkEvent, RouteAccepted, RouteConflicted, RouteInstalled, RouteRemoved, RouteWithdrawn},
    text::RouteTable,
};
use rusqlite::params;

pub(super) struct Routes;

impl Projection for Routes {
    const TABLES: &'static str = "
CREATE TABLE routes (
    network_id TEXT NOT NULL,
    peering_id TEXT NOT NULL,
    side TEXT NOT NULL,
    destination TEXT NOT NULL,
    going INTEGER NOT NULL, -- 1 where it was withdrawn and still stands
    accepted_at TEXT NOT NULL,
    withdrawn_at TEXT,
    replaced_by TEXT, -- the destination that takes its place
    PRIMARY KEY (peering_id, network_id, side, destination, going)
) WITHOUT ROWID;
CREATE TABLE route_tables (
    network_id TEXT NOT NULL,
    peering_id TEXT NOT NULL,
    side TEXT NOT NULL,
    destination TEXT NOT NULL,
    going INTEGER NOT NULL,
    route_table TEXT NOT NULL,
    target TEXT, -- where the table sends the destination instead; NULL where the route is installed
    seen_at TEXT NOT NULL,
    PRIMARY KEY (peering_id, network_id, side, destination, going, route_table)
) WITHOUT ROWID;
";

    fn apply(at: &At<'_>, event: &NetworkEvent) -> rusqlite::Result<()> {
        match event {
            NetworkEvent::PeeringRequested(it) => begun(at, it.peering_id),
            NetworkEvent::PeeringAdopted(it) => begun(at, it.peering_id),
            NetworkEvent::RouteAccepted(it) => accepted(at, it),
            NetworkEvent::RouteWithdrawn(it) => withdrawn(at, it),
            NetworkEvent::RouteInstalled(it) => installed(at, it),
            NetworkEvent::RouteRemoved(it) => removed(at, it),
            NetworkEvent::RouteConflicted(it) => conflicted(at, it),
            NetworkEvent::NetworkRegistered(_)
            | NetworkEvent::NetworkPolicySet(_)
            | NetworkEvent::DriftCheckRequested(_)
            | NetworkEvent::NetworkRetired(_)
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

/// A route of one side, whether it is kept or going.
struct Key {
    network: String,
    peering: String,
    side: &'static str,
    destination: String,
}

impl Key {
    fn of(at: &At<'_>, peering: PeeringId, side: Side, destination: Range) -> Self {
        let (network, peering) = at.key(peering);
        Self { network, peering, side: side.as_str(), destination: destination.to_string() }
    }

    /// Executes `sql` with this key as its first parameters, and these as the next.
    fn execute(&self, at: &At<'_>, sql: &str, more: &[&dyn rusqlite::ToSql]) -> rusqlite::Result<()> {
        let key: [&dyn rusqlite::ToSql; 4] = [&self.network, &self.peering, &self.side, &self.destination];
        at.execute(sql, [&key, more].concat().as_slice())
    }

    fn is_kept(&self, at: &At<'_>) -> rusqlite::Result<bool> {
        at.exists(
            "SELECT 1 FROM routes WHERE network_id = ?1 AND peering_id = ?2 AND side = ?3 AND destination = ?4 AND going = 0",
            params![self.network, self.peering, self.side, self.destination],
        )
    }

    fn keep(&self, at: &At<'_>) -> rusqlite::Result<()> {
        self.execute(at, "INSERT INTO routes VALUES (?1, ?2, ?3, ?4, 0, ?5, NULL, NULL) ON CONFLICT DO NOTHING", &[&at.created()])
    }

    fn see(&self, at: &At<'_>, going: bool, table: &RouteTable, target: Option<&str>) -> rusqlite::Result<()> {
        self.execute(
            at,
            "INSERT OR REPLACE INTO route_tables VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            &[&going, &table.as_str(), &target, &at.created()],
        )
    }

    /// Forgets all of the route that is kept, or all of the one that is going.
    fn forget(&self, at: &At<'_>, going: bool) -> rusqlite::Result<()> {
        for table in ["routes", "route_tables"] {
            let here = "network_id = ?1 AND peering_id = ?2 AND side = ?3 AND destination = ?4 AND going = ?5";
            self.execute(at, &format!("DELETE FROM {table} WHERE {here}"), &[&going])?;
        }
        Ok(())
    }
}

/// A peering begins without routes.
fn begun(at: &At<'_>, peering: PeeringId) -> rusqlite::Result<()> {
    at.execute("DELETE FROM routes WHERE network_id = ?1 AND peering_id = ?2", at.key(peering))?;
    at.execute("DELETE FROM route_tables WHERE network_id = ?1 AND peering_id = ?2", at.key(peering))
}

/// A route that was going stays where it is.
fn accepted(at: &At<'_>, it: &RouteAccepted) -> rusqlite::Result<()> {
    let key = Key::of(at, it.peering_id, it.side, it.destination);
    if !key.is_kept(at)? {
        let here = "network_id = ?1 AND peering_id = ?2 AND side = ?3 AND destination = ?4 AND going = 1";
        key.execute(at, &format!("UPDATE route_tables SET going = 0 WHERE {here}"), &[])?;
        key.keep(at)?;
    }
    key.forget(at, true)
}

/// A route that stands nowhere is gone at once.
fn withdrawn(at: &At<'_>, it: &RouteWithdrawn) -> rusqlite::Result<()> {
    let key = Key::of(at, it.peering_id, it.side, it.destination);
    let stands = at.exists(
        "SELECT 1 FROM route_tables WHERE network_id = ?1 AND peering_id = ?2 AND side = ?3 AND destination = ?4 AND going = 0
             AND target IS NULL",
        params![key.network, key.peering, key.side, key.destination],
    )?;
    if stands {
        key.forget(at, true)?;
        let here = "network_id = ?1 AND peering_id = ?2 AND side = ?3 AND destination = ?4 AND going = 0";
        key.execute(at, &format!("UPDATE route_tables SET going = 1 WHERE {here} AND target IS NULL"), &[])?;
        key.execute(
            at,
            &format!("UPDATE routes SET going = 1, withdrawn_at = ?5, replaced_by = ?6 WHERE {here}"),
            &[&at.created(), &it.replaced_by.map(|range| range.to_string())],
        )?;
    }
    key.forget(at, false)
}

/// A route that was withdrawn before anybody saw it was seen to be there: it has yet to go.
fn installed(at: &At<'_>, it: &RouteInstalled) -> rusqlite::Result<()> {
    let key = Key::of(at, it.peering_id, it.side, it.destination);
    let kept = key.is_kept(at)?;
    if !kept {
        let created = at.created();
        key.execute(at, "INSERT INTO routes VALUES (?1, ?2, ?3, ?4, 1, ?5, ?5, NULL) ON CONFLICT DO NOTHING", &[&created])?;
    }
    key.see(at, !kept, &it.route_table, None)
}

fn conflicted(at: &At<'_>, it: &RouteConflicted) -> rusqlite::Result<()> {
    let key = Key::of(at, it.peering_id, it.side, it.destination);
    key.keep(at)?;
    key.see(at, false, &it.route_table, Some(&it.target))
}

/// What was withdrawn and stands nowhere any more is gone.
fn removed(at: &At<'_>, it: &RouteRemoved) -> rusqlite::Result<()> {
    let key = Key::of(at, it.peering_id, it.side, it.destination);
    let here = "network_id = ?1 AND peering_id = ?2 AND side = ?3 AND destination = ?4";
    key.execute(
        at,
        &format!("DELETE FROM route_tables WHERE {here} AND route_table = ?5 AND target IS NULL"),
        &[&it.route_table.as_str()],
    )?;
    key.execute(
        at,
        &format!("DELETE FROM routes WHERE {here} AND going = 1 AND NOT EXISTS (SELECT 1 FROM route_tables WHERE {here} AND going = 1)"),
        &[],
    )
}
