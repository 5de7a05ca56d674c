//! Peerings: the domain's own folded state, each with the network that it is of.

use super::{
    Order, Select, Unreadable, flag, state_bytes, text as value, unreadable::unreadable_of,
};
use crate::{
    Page, PageRequest, Projections, QueryError,
    rows::{self, time},
};
use chrono::{DateTime, Utc};
use domain::{
    NetworkId, PeeringId,
    network::{LifeName, Peering, Registered},
};
use journal::Position;
use rusqlite::Row;
use serde::Serialize;

/// A peering on record: one row, read at one position.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PeeringView {
    /// The position of the log that this stands for.
    pub as_of: Position,
    /// The revision of the last event that the peering could follow.
    pub revision: u64,
    /// When that event was decided.
    pub changed_at: DateTime<Utc>,
    /// The network without its peerings.
    pub network: Registered,
    /// The peering, folded.
    pub peering: Peering,
    /// What of its network's history cannot be read; then what is shown is folded from the rest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<Unreadable>,
}

/// Which peerings are wanted; all that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PeeringFilter {
    /// Only of this network.
    pub network: Option<NetworkId>,
    /// Any of these; none means all.
    pub lives: Vec<LifeName>,
    /// How its id begins.
    pub id_prefix: Option<String>,
    /// The peer's account.
    pub account: Option<String>,
    /// Whether it waits for a person.
    pub blocked: Option<bool>,
    /// Whether everything asked for is in place.
    pub converged: Option<bool>,
    /// Whether somebody else's rules expose it.
    pub exposed: Option<bool>,
    /// Whether something differs from the desired state.
    pub drifting: Option<bool>,
    /// Only those with an event at or after this time.
    pub changed_since: Option<DateTime<Utc>>,
}

const SELECT: &str = concat!(
    "SELECT p.*, n.state AS network, ",
    unreadable_of!("p.network_id"),
    "\nFROM peerings p JOIN (SELECT network_id AS its_id, state FROM networks) n ON n.its_id = p.network_id"
);

const BLOCKED: &str = "(blocked IS NOT NULL OR live AND EXISTS (
    SELECT 1 FROM timeline t WHERE t.network_id = p.network_id AND t.problem IS NOT NULL)) = ?";

impl Projections {
    /// The peerings in the order in which they were requested or adopted.
    pub async fn list_peerings(
        &self,
        filter: &PeeringFilter,
        request: &PageRequest,
    ) -> Result<Page<PeeringView>, QueryError> {
        let mut select = Select::from(SELECT)
            .and_maybe("network_id = ?", filter.network)
            .and_one_of("life", &filter.lives)
            .and_id_from("peering_id", filter.id_prefix.as_ref())
            .and_maybe("account = ?", filter.account.as_ref());
        for (condition, wanted) in [
            (BLOCKED, filter.blocked),
            ("converged = ?", filter.converged),
            ("exposed = ?", filter.exposed),
            ("drifting = ?", filter.drifting),
        ] {
            if let Some(wanted) = wanted {
                select = select.and(condition, [flag(wanted)]);
            }
        }
        if let Some(since) = &filter.changed_since {
            select = select.and("changed_at >= ?", [value(time(since))]);
        }
        self.page_in_log_order(
            "list peerings",
            filter,
            request,
            (select, Order::OldestFirst),
            |row, as_of| Ok((read(row, as_of)?, state_bytes(row)?)),
        )
        .await
    }

    /// The peering of this id: the newest, should several networks have one.
    pub async fn peering(&self, id: PeeringId) -> Result<Option<PeeringView>, QueryError> {
        let select = Select::from(SELECT)
            .and_maybe("peering_id = ?", Some(id))
            .in_log_order(Order::NewestFirst);
        self.item("show peering", move |connection, as_of| {
            select.one(connection, |row| read(row, as_of))
        })
        .await
    }
}

fn read(row: &Row<'_>, as_of: Position) -> rusqlite::Result<PeeringView> {
    Ok(PeeringView {
        as_of,
        revision: row.get("revision")?,
        changed_at: rows::text(row, "changed_at")?,
        network: rows::json(row, "network")?,
        peering: rows::json(row, "state")?,
        unreadable: rows::maybe_json(row, "unreadable")?,
    })
}
