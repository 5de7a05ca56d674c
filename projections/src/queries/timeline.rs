//! The audit: every event as the log holds it.

use crate::{
    Projections, QueryError, ranges,
    rows::{json, maybe, maybe_json, position, text},
};
use audit::Unsaid;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use domain::{
    Actor, CommandId, EventId, NetworkId, PeeringId, Range,
    text::{Reason, Ticket},
};
use ipnet::IpNet;
use journal::Position;
use rusqlite::Row;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};
use uuid::Uuid;

/// One event of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TimelineEntry {
    /// Its place in the store's log.
    pub position: Position,
    /// Its stream.
    pub stream: String,
    /// Its number in the stream, from 0.
    pub revision: u64,
    /// Unique in its stream.
    pub event_id: EventId,
    /// The network whose stream it is in; `None` of what is no network's.
    pub network_id: Option<NetworkId>,
    /// The peering that it is about; `None` if it is about the network.
    pub peering_id: Option<PeeringId>,
    /// Its type as stored.
    pub event_type: String,
    /// The event's data as JSON, as it was written; `None` if it is not JSON.
    pub data: Option<Value>,
    /// The event's data as stored, byte for byte.
    #[serde(skip)]
    pub raw: Bytes,
    /// Why it cannot be read.
    pub problem: Option<String>,
    /// When it was decided; where that is not on record, when the store wrote it.
    pub time: DateTime<Utc>,
    /// When the store wrote it, by the store's clock.
    pub created: DateTime<Utc>,
    /// Who gave the command that it came from; like all that follows, `None` if it is not ours.
    pub actor: Option<Actor>,
    /// Why, in the caller's words, where that was said.
    pub reason: Option<Reason>,
    /// Where the change is tracked, where that was said.
    pub ticket: Option<Ticket>,
    /// The command.
    pub command_id: Option<CommandId>,
    /// What it belongs to; most often the peering.
    pub correlation_id: Option<Uuid>,
    /// What it follows from: an event, or the command.
    pub causation_id: Option<Uuid>,
    /// Of what the engine recorded of a peering: the command that it goes back to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<CommandId>,
    /// The version of the data's form.
    pub schema_version: Option<u32>,
    /// The W3C trace context of the call that carried the command.
    pub traceparent: Option<String>,
    /// In a command's first event, the command as JSON; `None` too where it was too large to keep,
    /// and in events of versions that kept none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<Value>,
    /// What the event takes away and does not say itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unsaid: Option<Unsaid>,
}

/// Which events are wanted; all that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TimelineQuery {
    /// Only of this network.
    pub network: Option<NetworkId>,
    /// Only about this peering.
    pub peering: Option<PeeringId>,
    /// Only of this command.
    pub command: Option<CommandId>,
    /// The actor's name: the proved one, or else the claimed one.
    pub actor: Option<String>,
    /// Any of these event types; none means all.
    pub event_types: Vec<String>,
    /// Only what was decided at or after this time.
    pub since: Option<DateTime<Utc>>,
    /// Only what was decided before this time.
    pub until: Option<DateTime<Utc>>,
    /// Which, by whether this version can read them.
    pub of: Legible,
    /// Only what was said with this ticket.
    pub ticket: Option<String>,
    /// Only about peerings with this account.
    pub account: Option<String>,
    /// Only what names a range that is a part of this one, or that this one is a part of.
    pub range: Option<Range>,
    /// Only what lies behind this position.
    pub from: Option<Position>,
    /// Only what lies up to this position, itself included.
    pub to: Option<Position>,
    /// Only what lies beyond this position, in the order that is asked for.
    pub after: Option<Position>,
    /// In which order.
    pub order: Order,
    /// Only of these parts of the log; none means networks.
    pub parts: Vec<Part>,
}

/// A part of what is audited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Networks and their peerings.
    Networks,
    /// How connectors were managed, and what became of them.
    Connectors,
    /// Which policy of access was enforced, and what was denied.
    Access,
    /// What waited for approval, who approved, and what became of it.
    Approvals,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Networks,
        Self::Connectors,
        Self::Access,
        Self::Approvals,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Networks => "networks",
            Self::Connectors => "connectors",
            Self::Access => "access",
            Self::Approvals => "approvals",
        }
    }
}

impl TimelineQuery {
    /// Of which parts events are wanted, each named once.
    pub(super) fn wanted_parts(&self) -> Vec<Part> {
        if self.parts.is_empty() {
            return vec![Part::Networks];
        }
        let all = Part::ALL.into_iter();
        all.filter(|it| self.parts.contains(it)).collect()
    }
}

/// Which events are wanted by whether this version can read them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Legible {
    #[default]
    /// All of them.
    All,
    /// Those that cannot be read: parked here until a version can.
    Undecodable,
}

/// The order of a list of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    #[default]
    /// As in the log.
    OldestFirst,
    /// Against the log: what came last comes first.
    NewestFirst,
}

impl Projections {
    /// Of what the engine recorded at these places, the commands that it goes back to.
    ///
    /// # Errors
    /// When the read models cannot be read, or are of a form that keeps none.
    pub async fn causes(
        &self,
        places: Vec<Position>,
    ) -> Result<BTreeMap<Position, CommandId>, QueryError> {
        let found = self.answer("find the commands of outcomes", move |connection, _| {
            let mut select = connection.prepare_cached(
                "SELECT cause FROM timeline WHERE commit_position = ?1 AND prepare_position = ?2",
            )?;
            let mut found = BTreeMap::new();
            for place in places {
                let mut rows = select.query([place.commit, place.prepare])?;
                if let Some(row) = rows.next()?
                    && let Some(cause) = maybe::<CommandId>(row, "cause")?
                {
                    found.insert(place, cause);
                }
            }
            Ok(found)
        });
        found.await
    }

    /// The networks in whose events a range is named that this address is in, so many at most.
    pub async fn networks_naming(
        &self,
        address: IpAddr,
        most: usize,
    ) -> Result<Vec<NetworkId>, QueryError> {
        if !self.is_whole() {
            return Err(self.building());
        }
        let found = self.answer("find networks by an address", move |connection, _| {
            let Ok(range) = IpNet::from(address).to_string().parse() else {
                return Ok(Vec::new());
            };
            let mut select = connection.prepare_cached(
                "SELECT DISTINCT network_id FROM timeline_ranges_named
                 JOIN timeline ON timeline.rowid = event
                 WHERE lowest = ?1 AND highest = ?2 AND network_id IS NOT NULL",
            )?;
            let mut found = BTreeSet::new();
            for bounds in ranges::around(range) {
                let mut rows = select.query(bounds)?;
                while let Some(row) = rows.next()? {
                    found.extend(maybe::<NetworkId>(row, "network_id")?);
                }
            }
            Ok(found.into_iter().take(most).collect())
        });
        found.await
    }
}

pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<(TimelineEntry, usize)> {
    let raw = Bytes::from(row.get::<_, Vec<u8>>("data")?);
    let command: Option<String> = row.get("command")?;
    // What else stands beside an event is bounded each, and small.
    let bytes = raw.len() + command.as_ref().map_or(0, String::len) + 1_024;
    let entry = TimelineEntry {
        position: position(row)?,
        stream: row.get("stream")?,
        revision: row.get("revision")?,
        event_id: text(row, "event_id")?,
        network_id: maybe(row, "network_id")?,
        peering_id: maybe(row, "peering_id")?,
        event_type: row.get("event_type")?,
        data: serde_json::from_slice(&raw).ok(),
        raw,
        problem: row.get("problem")?,
        time: text(row, "time")?,
        created: text(row, "created")?,
        actor: maybe_json(row, "actor")?,
        reason: maybe(row, "reason")?,
        ticket: maybe(row, "ticket")?,
        command_id: maybe(row, "command_id")?,
        correlation_id: maybe(row, "correlation_id")?,
        causation_id: maybe(row, "causation_id")?,
        cause: cause(row)?,
        schema_version: row.get("schema_version")?,
        traceparent: row.get("traceparent")?,
        command: command
            .is_some()
            .then(|| json(row, "command"))
            .transpose()?,
        unsaid: unsaid(row)?,
    };
    Ok((entry, bytes))
}

/// None in a file of a form that keeps none.
fn cause(row: &Row<'_>) -> rusqlite::Result<Option<CommandId>> {
    match row.as_ref().column_index("cause") {
        Ok(_) => maybe(row, "cause"),
        Err(_) => Ok(None),
    }
}

/// The same.
fn unsaid(row: &Row<'_>) -> rusqlite::Result<Option<Unsaid>> {
    match row.as_ref().column_index("unsaid") {
        Ok(_) => maybe_json(row, "unsaid"),
        Err(_) => Ok(None),
    }
}
