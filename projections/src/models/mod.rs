//! How events become rows: one projection per group of tables, and the order in which they see an
//! event.
//!
//! A projection says in one match what each event means to its tables. All of them are driven from
//! [`apply`], which alone knows what it takes for an event to have a place: the same as in the
//! domain's fold, so that rows and fold agree whatever the log holds.

mod drift;
mod firewall;
mod life;
mod networks;
mod peerings;
mod routes;
mod timeline;
mod upkeep;

use crate::{LifeName, rows::text, store};
use domain::{NetworkId, PeeringId, network::NetworkEvent};
use journal::{Body, Position, Recorded};
use rusqlite::{Connection, OptionalExtension};

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

pub(crate) const TABLES: [&str; 7] = [
    networks::Networks::TABLES,
    peerings::Peerings::TABLES,
    routes::Routes::TABLES,
    firewall::Firewall::TABLES,
    drift::Drift::TABLES,
    upkeep::Upkeep::TABLES,
    timeline::TABLES,
];

/// Writes what these events mean, and the position that the rows then stand for. An event that the
/// rows stand for already changes nothing, so it does not matter how often the log is followed over
/// the same place.
pub(crate) fn apply(
    rows: &Connection,
    events: &[Recorded],
    checkpoint: Option<Position>,
) -> rusqlite::Result<Position> {
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
    let Some(network) = recorded.network_id else {
        return Ok(());
    };
    let at = At {
        rows,
        network,
        recorded,
    };
    if let Body::Event(event) = &recorded.body
        && at.has_place(event)?
    {
        networks::Networks::apply(&at, event)?;
        peerings::Peerings::apply(&at, event)?;
        routes::Routes::apply(&at, event)?;
        firewall::Firewall::apply(&at, event)?;
        drift::Drift::apply(&at, event)?;
        upkeep::Upkeep::apply(&at, event)?;
    }
    networks::touch(&at)
}

impl At<'_> {
    /// Whether what the event is about is on record and can still follow it, in a network that is
    /// served. What has ended stays as it ended, but for a renewal.
    fn has_place(&self, event: &NetworkEvent) -> rusqlite::Result<bool> {
        if let NetworkEvent::NetworkRegistered(_) = event {
            return Ok(true);
        }
        if !self.exists(
            "SELECT 1 FROM networks WHERE network_id = ?1 AND retired_at IS NULL",
            [self.id()],
        )? {
            return Ok(false);
        }
        let Some(peering) = event.peering_id() else {
            return Ok(true);
        };
        let life = self.life(peering)?;
        Ok(match event {
            NetworkEvent::PeeringRequested(_) | NetworkEvent::PeeringAdopted(_) => life.is_none(),
            NetworkEvent::PeeringRenewed(_) => life == Some(LifeName::Expired),
            NetworkEvent::NetworkRegistered(_)
            | NetworkEvent::NetworkPolicySet(_)
            | NetworkEvent::DriftCheckRequested(_)
            | NetworkEvent::NetworkRetired(_)
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
            | NetworkEvent::ProvisioningUnblocked(_) => life.is_some_and(|it| it.is_live()),
        })
    }

    /// Where the peering is in its life, if it is on record.
    fn life(&self, peering: PeeringId) -> rusqlite::Result<Option<LifeName>> {
        let mut select = self.rows.prepare_cached(
            "SELECT life FROM peerings WHERE network_id = ?1 AND peering_id = ?2",
        )?;
        select
            .query_row(self.key(peering), |row| text(row, "life"))
            .optional()
    }

    fn exists(&self, sql: &str, key: impl rusqlite::Params) -> rusqlite::Result<bool> {
        self.rows.prepare_cached(sql)?.exists(key)
    }

    fn execute(&self, sql: &str, params: impl rusqlite::Params) -> rusqlite::Result<()> {
        self.rows.prepare_cached(sql)?.execute(params).map(drop)
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
