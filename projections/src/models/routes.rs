//! `routes` and `route_tables`: what each side may send over a link, and where that is in place or in conflict.

use super::{At, Projection};
use domain::{
    PeeringId, Range, Side,
    network::{NetworkEvent, PeeringRequested},
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
    accepted_at TEXT NOT NULL,
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
            NetworkEvent::PeeringRequested(it) => requested(at, it),
            NetworkEvent::RouteAccepted(it) => accepted(at, it.peering_id, it.side, it.destination),
            NetworkEvent::RouteInstalled(it) => seen(at, it.peering_id, it.side, it.destination, &it.route_table, None),
            NetworkEvent::RouteConflicted(it) => seen(at, it.peering_id, it.side, it.destination, &it.route_table, Some(&it.target)),
            NetworkEvent::NetworkRegistered(_)
            | NetworkEvent::FirewallRestricted(_)
            | NetworkEvent::PeeringInitiationStarted(_)
            | NetworkEvent::PeeringInitiationRefused(_)
            | NetworkEvent::PeeringInitiated(_)
            | NetworkEvent::PeeringAccepted(_)
            | NetworkEvent::PeeringActivated(_)
            | NetworkEvent::PeeringRejected(_)
            | NetworkEvent::PeeringExpired(_)
            | NetworkEvent::PeeringFailed(_)
            | NetworkEvent::FirewallGroupCreated(_)
            | NetworkEvent::FirewallRuleAuthorized(_)
            | NetworkEvent::FirewallRuleRevoked(_)
            | NetworkEvent::FirewallEnforced(_)
            | NetworkEvent::ProvisioningBlocked(_)
            | NetworkEvent::ProvisioningUnblocked(_) => Ok(()),
        }
    }
}

/// A peering begins without routes.
fn requested(at: &At<'_>, it: &PeeringRequested) -> rusqlite::Result<()> {
    at.execute("DELETE FROM routes WHERE network_id = ?1 AND peering_id = ?2", at.key(it.peering_id))?;
    at.execute("DELETE FROM route_tables WHERE network_id = ?1 AND peering_id = ?2", at.key(it.peering_id))
}

fn accepted(at: &At<'_>, peering: PeeringId, side: Side, destination: Range) -> rusqlite::Result<()> {
    let (network, peering) = at.key(peering);
    at.execute(
        "INSERT INTO routes VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
        params![network, peering, side.as_str(), destination.to_string(), at.created()],
    )
}

fn seen(at: &At<'_>, peering: PeeringId, side: Side, destination: Range, table: &RouteTable, target: Option<&str>) -> rusqlite::Result<()> {
    accepted(at, peering, side, destination)?;
    let (network, peering) = at.key(peering);
    at.execute(
        "INSERT OR REPLACE INTO route_tables VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![network, peering, side.as_str(), destination.to_string(), table.as_str(), target, at.created()],
    )
}
