//! How events become rows: one projection per group of tables, and the order in which they see an event.
//!
//! A projection says in one match what each event means to its tables. All of them are driven from [`apply`], which alone knows what
//! it takes for an event to have a place: the same as in the domain's fold, so that rows and fold agree whatever the log holds.

mod firewall;
mod life;
mod networks;
mod peerings;
mod routes;
mod timeline;
mod upkeep;

use crate::store;
use domain::{NetworkId, PeeringId, network::NetworkEvent};
use journal::{Body, Position, Recorded};
use rusqlite::Connection;

/// Keeps some tables true to the log.
trait Projection {
    /// The statements that make its tables.
    const TABLES: &'static str;

    /// Writes what this event means for the tables. Called once per event, in the order of the log.
    fn apply(at: &At<'_>, event: &NetworkEvent) -> rusqlite::Result<()>;
}

/// An event's place: the transaction that it is written in, and what stands beside the event.
struct At<'a> {
    rows: &'a Connection,
    network: NetworkId,
    recorded: &'a Recorded,
}

pub(crate) const TABLES: [&str; 6] = [
    networks::Networks::TABLES,
    peerings::Peerings::TABLES,
    routes::Routes::TABLES,
    firewall::Firewall::TABLES,
    upkeep::Upkeep::TABLES,
    timeline::TABLES,
];

/// Writes what these events mean, and the position that the rows then stand for. An event that the rows stand for already changes
/// nothing, so it does not matter how often the log is followed over the same place.
pub(crate) fn apply(rows: &Connection, events: &[Recorded], checkpoint: Option<Position>) -> rusqlite::Result<Position> {
    let from = store::position(rows)?;
    let mut to = from;
    for recorded in events {
        if recorded.position > to {
            one(rows, recorded)?;
            to = recorded.position;
        }
    }
    // A checkpoint may lie before an event that was delivered ahead of it.
    to = to.max(checkpoint.unwrap_or(to));
    if to != from {
        store::set_position(rows, to)?;
    }
    Ok(to)
}

fn one(rows: &Connection, recorded: &Recorded) -> rusqlite::Result<()> {
    timeline::write(rows, recorded)?;
    let Some(network) = recorded.network_id else { return Ok(()) };
    let at = At { rows, network, recorded };
    if let Body::Event(event) = &recorded.body
        && at.has_place(event)?
    {
        networks::Networks::apply(&at, event)?;
        peerings::Peerings::apply(&at, event)?;
        routes::Routes::apply(&at, event)?;
        firewall::Firewall::apply(&at, event)?;
        upkeep::Upkeep::apply(&at, event)?;
    }
    networks::touch(&at)
}

impl At<'_> {
    /// Whether what the event is about is on record, in a network that is served.
    fn has_place(&self, event: &NetworkEvent) -> rusqlite::Result<bool> {
        if let NetworkEvent::NetworkRegistered(_) = event {
            return Ok(true);
        }
        if !self.exists("SELECT 1 FROM networks WHERE network_id = ?1 AND retired_at IS NULL", [self.id()])? {
            return Ok(false);
        }
        let about = event.peering_id().filter(|_| !begins(event));
        about.map_or(Ok(true), |peering| self.exists("SELECT 1 FROM peerings WHERE network_id = ?1 AND peering_id = ?2", self.key(peering)))
    }

    fn exists(&self, sql: &str, key: impl rusqlite::Params) -> rusqlite::Result<bool> {
        self.rows.prepare_cached(sql)?.exists(key)
    }

    fn execute(&self, sql: &str, params: impl rusqlite::Params) -> rusqlite::Result<()> {
        self.rows.prepare_cached(sql)?.execute(params).map(drop)
    }

    /// The same; says whether any row was there to be changed.
    fn changed(&self, sql: &str, params: impl rusqlite::Params) -> rusqlite::Result<bool> {
        self.rows.prepare_cached(sql)?.execute(params).map(|rows| rows > 0)
    }

    fn id(&self) -> String {
        self.network.to_string()
    }

    /// The key of a peering's row: an id is unique within its network.
    fn key(&self, peering: PeeringId) -> (String, String) {
        (self.id(), peering.to_string())
    }

    fn created(&self) -> String {
        crate::rows::time(&self.recorded.created)
    }
}

/// Whether a peering comes on record with this event.
fn begins(event: &NetworkEvent) -> bool {
    matches!(event, NetworkEvent::PeeringRequested(_) | NetworkEvent::PeeringAdopted(_))
}
