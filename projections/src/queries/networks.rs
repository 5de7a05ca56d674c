//! Private networks, with what their peerings come to.

use super::{
    Order, Select, Unreadable, flag, state_bytes, text as value, unreadable::unreadable_of,
};
use crate::{
    Page, PageRequest, Projections, QueryError,
    rows::{self, time},
};
use chrono::{DateTime, Utc};
use domain::{NetworkId, Provider, network::Registered};
use journal::Position;
use rusqlite::{Connection, Row};
use serde::Serialize;

/// A private network on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NetworkView {
    /// The position of the log that this stands for.
    pub as_of: Position,
    /// The revision of the last event of the network's stream.
    pub revision: u64,
    /// When its last event was decided.
    pub changed_at: DateTime<Utc>,
    /// The network without its peerings.
    pub network: Registered,
    /// How many peerings it has.
    pub peerings: PeeringCounts,
    /// What of its history cannot be read; then what is shown is folded from the rest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<Unreadable>,
}

/// How many peerings a network has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PeeringCounts {
    /// Those that have not ended; the provider's quota is about these.
    pub live: u64,
    /// Those whose link is up.
    pub active: u64,
    /// Those that wait for a person.
    pub blocked: u64,
    /// Those that are over, however they ended.
    pub ended: u64,
    /// Those that have not ended and that somebody else's rules expose.
    pub exposed: u64,
}

/// Which networks are wanted; all that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct NetworkFilter {
    /// Its project, exactly.
    pub project: Option<String>,
    /// Its name, exactly.
    pub name: Option<String>,
    /// The private network's own account, exactly.
    pub account: Option<String>,
    /// Its cloud.
    pub provider: Option<Provider>,
    /// How its id begins.
    pub id_prefix: Option<String>,
    /// Whether one of its peerings waits for a person.
    pub blocked: Option<bool>,
    /// Whether it is retired.
    pub retired: Option<bool>,
    /// Only those with an event at or after this time.
    pub changed_since: Option<DateTime<Utc>>,
}

const SELECT: &str = concat!(
    "SELECT *, ",
    unreadable_of!("networks.network_id"),
    " FROM networks"
);

const BLOCKED: &str = "(EXISTS (SELECT 1 FROM peerings p WHERE p.network_id = networks.network_id AND p.blocked IS NOT NULL)
    OR EXISTS (SELECT 1 FROM timeline t WHERE t.network_id = networks.network_id AND t.problem IS NOT NULL)) = ?";

impl Projections {
    /// The networks in the order in which their streams began.
    pub async fn list_networks(
        &self,
        filter: &NetworkFilter,
        request: &PageRequest,
    ) -> Result<Page<NetworkView>, QueryError> {
        let select = Select::from(SELECT)
            .and("state IS NOT NULL", [])
            .and_maybe("project = ?", filter.project.as_ref())
            .and_maybe("name = ?", filter.name.as_ref())
            .and_maybe("account = ?", filter.account.as_ref())
            .and_maybe("provider = ?", filter.provider)
            .and_id_from("network_id", filter.id_prefix.as_ref());
        let select = match filter.blocked {
            Some(blocked) => select.and(BLOCKED, [flag(blocked)]),
            None => select,
        };
        let select = match filter.retired {
            Some(retired) => select.and("retired = ?", [flag(retired)]),
            None => select,
        };
        let select = match &filter.changed_since {
            Some(since) => select.and("changed_at >= ?", [value(time(since))]),
            None => select,
        };
        let order = Order::OldestFirst;
        let question = ("list networks", filter);
        let after = request.after(&question).ok_or(QueryError::PageToken)?;
        let limit = request.limit();
        let select = select.beyond(order, after).in_log_order(order);
        self.page(
            "list networks",
            question,
            request,
            move |connection, as_of| {
                select.fill(connection, limit, |row| {
                    let view = read(connection, row, as_of)?;
                    Ok((rows::position(row)?, view, state_bytes(row)?))
                })
            },
        )
        .await
    }

    /// One network; `None` if none has this id.
    pub async fn network(&self, id: NetworkId) -> Result<Option<NetworkView>, QueryError> {
        let select = Select::from(SELECT)
            .and("state IS NOT NULL", [])
            .and_maybe("network_id = ?", Some(id));
        self.item("show network", move |connection, as_of| {
            select.one(connection, |row| read(connection, row, as_of))
        })
        .await
    }
}

fn read(connection: &Connection, row: &Row<'_>, as_of: Position) -> rusqlite::Result<NetworkView> {
    let network: Registered = rows::json(row, "state")?;
    let peerings = counts(connection, network.id)?;
    Ok(NetworkView {
        as_of,
        revision: row.get("revision")?,
        changed_at: rows::text(row, "changed_at")?,
        network,
        peerings,
        unreadable: rows::maybe_json(row, "unreadable")?,
    })
}

fn counts(connection: &Connection, id: NetworkId) -> rusqlite::Result<PeeringCounts> {
    let mut select = connection.prepare_cached(
        "SELECT count(*) FILTER (WHERE live), count(*) FILTER (WHERE life = 'active'),
             count(*) FILTER (WHERE blocked IS NOT NULL), count(*) FILTER (WHERE NOT live), count(*) FILTER (WHERE exposed)
         FROM peerings WHERE network_id = ?1",
    )?;
    select.query_row([id.to_string()], |row| {
        Ok(PeeringCounts {
            live: row.get(0)?,
            active: row.get(1)?,
            blocked: row.get(2)?,
            ended: row.get(3)?,
            exposed: row.get(4)?,
        })
    })
}
