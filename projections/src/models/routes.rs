//! `routes` and `route_tables`: what each side may send over a link, what it shall no longer send
//! and still may, and where that is in place or in conflict.

use super::{At, Projection, drift};
use domain::{
    PeeringId, Range, Side,
    network::{
        NetworkEvent, RouteAccepted, RouteConflicted, RouteInstalled, RouteRemoved, RouteWithdrawn,
    },
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
    state TEXT NOT NULL, -- kept; going: withdrawn and still there; gone: once accepted, and nowhere any more
    accepted_at TEXT NOT NULL,
    withdrawn_at TEXT,
    replaced_by TEXT, -- the destination that takes its place
    PRIMARY KEY (peering_id, network_id, side, destination)
) WITHOUT ROWID;
CREATE TABLE route_tables (
    network_id TEXT NOT NULL,
    peering_id TEXT NOT NULL,
    side TEXT NOT NULL,
    destination TEXT NOT NULL,
    route_table TEXT NOT NULL,
    target TEXT, -- where the table sends the destination instead; NULL where the route is installed
    seen_at TEXT NOT NULL,
    PRIMARY KEY (peering_id, network_id, side, destination, route_table)
) WITHOUT ROWID;
";

    fn apply(at: &At<'_>, event: &NetworkEvent) -> rusqlite::Result<()> {
        match event {
            NetworkEvent::RouteAccepted(it) => accepted(at, it),
            NetworkEvent::RouteWithdrawn(it) => withdrawn(at, it),
            NetworkEvent::RouteInstalled(it) => installed(at, it),
            NetworkEvent::RouteRemoved(it) => removed(at, it),
            NetworkEvent::RouteConflicted(it) => conflicted(at, it),
            NetworkEvent::NetworkRegistered(_)
            | NetworkEvent::NetworkPolicySet(_)
            | NetworkEvent::DriftCheckRequested(_)
            | NetworkEvent::NetworkRetired(_)
            | NetworkEvent::PeeringRequested(_)
            | NetworkEvent::PeeringAdopted(_)
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

/// One side's route to one destination.
struct Key {
    network: String,
    peering: String,
    side: &'static str,
    destination: String,
}

/// The key as the first parameters of a statement.
const HERE: &str = "network_id = ?1 AND peering_id = ?2 AND side = ?3 AND destination = ?4";

/// Whether a route over an adopted link was there before the engine was, in the table `t`; such a
/// one is never removed.
const WAS_FOUND: &str = "EXISTS (SELECT 1 FROM peerings p, json_each(p.found) f
    WHERE p.network_id = ?1 AND p.peering_id = ?2 AND f.value ->> 'side' = ?3 AND f.value ->> 'destination' = ?4
        AND f.value ->> 'route_table' =";

impl Key {
    fn of(at: &At<'_>, peering: PeeringId, side: Side, destination: Range) -> Self {
        let (network, peering) = at.key(peering);
        Self {
            network,
            peering,
            side: side.as_str(),
            destination: destination.to_string(),
        }
    }

    /// Executes `sql` with this key as its first parameters, and these as the next.
    fn execute(
        &self,
        at: &At<'_>,
        sql: &str,
        more: &[&dyn rusqlite::ToSql],
    ) -> rusqlite::Result<()> {
        let key: [&dyn rusqlite::ToSql; 4] =
            [&self.network, &self.peering, &self.side, &self.destination];
        at.execute(sql, [&key[..], more].concat().as_slice())
    }

    fn is(&self, at: &At<'_>, state: &str) -> rusqlite::Result<bool> {
        let sql = format!("SELECT 1 FROM routes WHERE {HERE} AND state = ?5");
        at.exists(
            &sql,
            params![
                self.network,
                self.peering,
                self.side,
                self.destination,
                state
            ],
        )
    }

    fn see(&self, at: &At<'_>, table: &RouteTable, target: Option<&str>) -> rusqlite::Result<()> {
        let sql = "INSERT OR REPLACE INTO route_tables VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        self.execute(at, sql, &[&table.as_str(), &target, &at.created()])
    }

    /// What is withdrawn and stands nowhere is gone.
    fn settle(&self, at: &At<'_>) -> rusqlite::Result<()> {
        let nowhere = format!("NOT EXISTS (SELECT 1 FROM route_tables WHERE {HERE})");
        self.execute(
            at,
            &format!(
                "UPDATE routes SET state = 'gone' WHERE {HERE} AND state = 'going' AND {nowhere}"
            ),
            &[],
        )
    }
}

/// A route that was going stays where it is.
fn accepted(at: &At<'_>, it: &RouteAccepted) -> rusqlite::Result<()> {
    drift::forget_route(at, it.peering_id, it.side, it.destination)?;
    let sql = "INSERT INTO routes VALUES (?1, ?2, ?3, ?4, 'kept', ?5, NULL, NULL) ON CONFLICT DO UPDATE SET
            state = 'kept', accepted_at = iif(state = 'kept', accepted_at, excluded.accepted_at), withdrawn_at = NULL, replaced_by = NULL";
    Key::of(at, it.peering_id, it.side, it.destination).execute(at, sql, &[&at.created()])
}

/// What waited for this route to take its place waits for its successor, or for nothing.
fn withdrawn(at: &At<'_>, it: &RouteWithdrawn) -> rusqlite::Result<()> {
    drift::forget_route(at, it.peering_id, it.side, it.destination)?;
    let key = Key::of(at, it.peering_id, it.side, it.destination);
    let replaced_by = it.replaced_by.map(|range| range.to_string());
    let waiting = "network_id = ?1 AND peering_id = ?2 AND side = ?3 AND replaced_by = ?4";
    key.execute(
        at,
        &format!("UPDATE routes SET replaced_by = ?5 WHERE {waiting} AND state = 'going'"),
        &[&replaced_by],
    )?;
    if !key.is(at, "kept")? {
        return Ok(());
    }
    key.execute(at, &format!("DELETE FROM route_tables AS t WHERE {HERE} AND (target IS NOT NULL OR {WAS_FOUND} t.route_table))"), &[])?;
    let sql = format!(
        "UPDATE routes SET state = 'going', withdrawn_at = ?5, replaced_by = ?6 WHERE {HERE}"
    );
    key.execute(at, &sql, &[&at.created(), &replaced_by])?;
    key.settle(at)
}

/// A route that was withdrawn before anybody saw it was seen to be there: it has yet to go.
fn installed(at: &At<'_>, it: &RouteInstalled) -> rusqlite::Result<()> {
    let key = Key::of(at, it.peering_id, it.side, it.destination);
    if key.is(at, "kept")? {
        return key.see(at, &it.route_table, None);
    }
    let created = at.created();
    key.execute(
        at,
        &format!(
            "INSERT OR REPLACE INTO route_tables SELECT ?1, ?2, ?3, ?4, ?5, NULL, ?6 FROM routes WHERE {HERE} AND NOT {WAS_FOUND} ?5)"
        ),
        &[&it.route_table.as_str(), &created],
    )?;
    key.execute(
        at,
        &format!(
            "UPDATE routes SET state = 'going', withdrawn_at = ?5, replaced_by = NULL
             WHERE {HERE} AND state = 'gone' AND EXISTS (SELECT 1 FROM route_tables WHERE {HERE})"
        ),
        &[&created],
    )
}

fn conflicted(at: &At<'_>, it: &RouteConflicted) -> rusqlite::Result<()> {
    let key = Key::of(at, it.peering_id, it.side, it.destination);
    if key.is(at, "kept")? {
        key.see(at, &it.route_table, Some(&it.target))
    } else {
        Ok(())
    }
}

fn removed(at: &At<'_>, it: &RouteRemoved) -> rusqlite::Result<()> {
    let key = Key::of(at, it.peering_id, it.side, it.destination);
    key.execute(
        at,
        &format!("DELETE FROM route_tables WHERE {HERE} AND route_table = ?5"),
        &[&it.route_table.as_str()],
    )?;
    key.settle(at)
}

/// A route that was found missing from this table, or leading elsewhere, is not installed there.
pub(super) fn not_installed(
    at: &At<'_>,
    peering: PeeringId,
    side: Side,
    destination: Range,
    table: &RouteTable,
) -> rusqlite::Result<()> {
    let sql =
        format!("DELETE FROM route_tables WHERE {HERE} AND route_table = ?5 AND target IS NULL");
    Key::of(at, peering, side, destination).execute(at, &sql, &[&table.as_str()])
}
