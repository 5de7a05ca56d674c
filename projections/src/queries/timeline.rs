//! The audit: every event as the log holds it, and which commands were given where.

use super::{Select, page};
use crate::{
    Page, PageRequest, Projections, QueryError,
    rows::{maybe, position, text},
};
use chrono::{DateTime, Utc};
use domain::{Actor, CommandId, Digest, EventId, NetworkId, PeeringId, Receipt};
use journal::Position;
use rusqlite::Row;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// One event of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TimelineEntry {
    pub position: Position,
    pub stream: String,
    pub revision: u64,
    pub event_id: EventId,
    pub network_id: Option<NetworkId>,
    pub peering_id: Option<PeeringId>,
    pub event_type: String,
    /// The event's JSON; `None` if this version cannot read it.
    pub data: Option<Value>,
    /// Why it cannot be read.
    pub problem: Option<String>,
    /// When the store wrote it, by the store's clock.
    pub created: DateTime<Utc>,
    /// Who gave the command that it came from; like all that follows, `None` if it is not ours.
    pub actor: Option<Actor>,
    pub command_id: Option<CommandId>,
    pub correlation_id: Option<Uuid>,
    pub causation_id: Option<Uuid>,
    pub schema_version: Option<u32>,
    pub traceparent: Option<String>,
}

/// Which events are wanted; all that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TimelineQuery {
    pub network: Option<NetworkId>,
    pub peering: Option<PeeringId>,
    pub command: Option<CommandId>,
    pub of: Legible,
    /// Only what lies beyond this position, in the order that is asked for.
    pub after: Option<Position>,
    pub order: Order,
}

/// Which events are wanted by whether this version can read them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Legible {
    #[default]
    All,
    /// Those that cannot be read: parked here until a version can.
    Undecodable,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    #[default]
    OldestFirst,
    NewestFirst,
}

/// A command that a network has answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandUse {
    pub network_id: NetworkId,
    pub receipt: Receipt,
    /// The position of its last event.
    pub position: Position,
}

impl Projections {
    /// Events in the order of the log, or against it.
    pub async fn timeline(
        &self,
        query: &TimelineQuery,
        request: &PageRequest,
    ) -> Result<Page<TimelineEntry>, QueryError> {
        let mut select = Select::from("SELECT * FROM timeline")
            .and_maybe("network_id = ?", query.network)
            .and_maybe("peering_id = ?", query.peering)
            .and_maybe("command_id = ?", query.command)
            .beyond(query.order, query.after);
        if query.of == Legible::Undecodable {
            select = select.and("problem IS NOT NULL", []);
        }
        page(
            &self.store,
            "read timeline",
            query,
            request,
            (select, query.order),
            read,
        )
        .await
    }

    /// Where this command has left events: in more than one network if its id was used for several.
    pub async fn find_command(&self, command: CommandId) -> Result<Vec<CommandUse>, QueryError> {
        let select = Select::from("SELECT * FROM timeline")
            .and_maybe("command_id = ?", Some(command))
            .and("network_id IS NOT NULL", [])
            .ordered(Order::OldestFirst);
        let events = self
            .answer("find command", |rows| select.all(rows, read_use))
            .await?;
        Ok(events.into_iter().fold(Vec::new(), gathered))
    }
}

/// Adds an event of the command to what is known of its use in that network.
fn gathered(mut uses: Vec<CommandUse>, event: CommandUse) -> Vec<CommandUse> {
    match uses.iter_mut().find(|it| it.network_id == event.network_id) {
        Some(known) => {
            known.receipt.last_revision = event.receipt.last_revision;
            known.position = event.position;
        }
        None => uses.push(event),
    }
    uses
}

fn read_use(row: &Row<'_>) -> rusqlite::Result<CommandUse> {
    let revision: u64 = row.get("revision")?;
    let digest: Digest = text(row, "command_digest")?;
    Ok(CommandUse {
        network_id: text(row, "network_id")?,
        receipt: Receipt {
            digest,
            first_revision: revision,
            last_revision: revision,
        },
        position: position(row)?,
    })
}

fn read(row: &Row<'_>) -> rusqlite::Result<TimelineEntry> {
    let data: Option<String> = row.get("data")?;
    Ok(TimelineEntry {
        position: position(row)?,
        stream: row.get("stream")?,
        revision: row.get("revision")?,
        event_id: text(row, "event_id")?,
        network_id: maybe(row, "network_id")?,
        peering_id: maybe(row, "peering_id")?,
        event_type: row.get("event_type")?,
        data: data
            .is_some()
            .then(|| crate::rows::json(row, "data"))
            .transpose()?,
        problem: row.get("problem")?,
        created: text(row, "created")?,
        actor: maybe(row, "actor")?,
        command_id: maybe(row, "command_id")?,
        correlation_id: maybe(row, "correlation_id")?,
        causation_id: maybe(row, "causation_id")?,
        schema_version: row.get("schema_version")?,
        traceparent: row.get("traceparent")?,
    })
}
