//! Connectors' events as records of the log, and back.

use chrono::{DateTime, Utc};
use domain::{
    connector::{ConnectorCommand, ConnectorEvent},
    text::ConnectorId,
};
use journal::{Caller, Kept, Metadata, Record, SCHEMA_VERSION};
use serde_json::{Value, json};
use thiserror::Error;

/// An event of a connector's stream that this version cannot read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("event {revision} of {stream} ({event_type}) cannot be read: {problem}")]
pub struct Unreadable {
    /// The stream.
    pub stream: String,
    /// The event's number.
    pub revision: u64,
    /// Its type.
    pub event_type: String,
    /// Why, in words.
    pub problem: String,
}

/// An event, ready to be put on record.
pub(crate) fn record(
    event: &ConnectorEvent,
    command: &ConnectorCommand,
    caller: &Caller,
    now: DateTime<Utc>,
) -> Result<Record, serde_json::Error> {
    let mut tagged = serde_json::to_value(event)?;
    let data = tagged.get_mut("data").map(Value::take);
    Ok(Record {
        event_type: event.name(),
        data: data.unwrap_or_else(|| json!({})),
        metadata: Metadata {
            correlation_id: caller.correlation_id.unwrap_or(caller.command_id.0),
            causation_id: caller.causation_id.map_or(caller.command_id.0, |it| it.0),
            command_id: caller.command_id,
            command_digest: command.digest()?,
            actor: caller.actor.clone(),
            schema_version: SCHEMA_VERSION,
            traceparent: caller.traceparent.clone(),
            time: Some(now),
            reason: caller.reason.clone(),
            ticket: caller.ticket.clone(),
            command: None,
            cloud_calls: None,
        },
    })
}

/// Reads an event of this connector's stream.
pub(crate) fn read(id: &ConnectorId, kept: &Kept) -> Result<ConnectorEvent, Unreadable> {
    decode(&kept.event_type, &kept.data).map_err(|problem| Unreadable {
        stream: id.stream(),
        revision: kept.revision,
        event_type: kept.event_type.clone(),
        problem,
    })
}

/// Reads an event's JSON.
pub fn decode(event_type: &str, data: &[u8]) -> Result<ConnectorEvent, String> {
    if !ConnectorEvent::NAMES.contains(&event_type) {
        return Err("this version does not know the event type".to_owned());
    }
    let data: Value = serde_json::from_slice(data).map_err(|it| format!("not JSON: {it}"))?;
    serde_json::from_value(json!({ "type": event_type, "data": data }))
        .map_err(|error| error.to_string())
}
