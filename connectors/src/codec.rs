//! Connectors' events as records of the log, and back.

use chrono::{DateTime, Utc};
use domain::{
    Digest,
    connector::{ConnectorEvent, built_in::BuiltInEvent},
    text::ConnectorId,
};
use journal::{Caller, Kept, Metadata, Record, SCHEMA_VERSION};
use serde::{Serialize, de::DeserializeOwned};
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

/// An event of this type, as it is when tagged with it, ready to be put on record.
pub(crate) fn record(
    (event_type, event): (&'static str, &impl Serialize),
    command_digest: &Digest,
    caller: &Caller,
    now: DateTime<Utc>,
) -> Result<Record, serde_json::Error> {
    let mut tagged = serde_json::to_value(event)?;
    let data = tagged.get_mut("data").map(Value::take);
    Ok(Record {
        event_type,
        data: data.unwrap_or_else(|| json!({})),
        metadata: Metadata {
            correlation_id: caller.correlation_id.unwrap_or(caller.command_id.0),
            causation_id: caller.causation_id.map_or(caller.command_id.0, |it| it.0),
            command_id: caller.command_id,
            command_digest: command_digest.clone(),
            actor: caller.actor.clone(),
            schema_version: SCHEMA_VERSION,
            traceparent: caller.traceparent.clone(),
            time: Some(now),
            reason: caller.reason.clone(),
            ticket: caller.ticket.clone(),
            command: None,
            cloud_calls: None,
            cloud: None,
            term: None,
        },
    })
}

/// Reads an event of this connector's stream.
pub(crate) fn read(id: &ConnectorId, kept: &Kept) -> Result<ConnectorEvent, Unreadable> {
    decode(&kept.event_type, &kept.data).map_err(|problem| unreadable(id.stream(), kept, problem))
}

/// An event of this stream, and why it cannot be read.
pub(crate) fn unreadable(stream: String, kept: &Kept, problem: String) -> Unreadable {
    Unreadable {
        stream,
        revision: kept.revision,
        event_type: kept.event_type.clone(),
        problem,
    }
}

/// Reads an event's JSON.
pub fn decode(event_type: &str, data: &[u8]) -> Result<ConnectorEvent, String> {
    tagged(&ConnectorEvent::NAMES, event_type, data)
}

/// Reads the JSON of an event of one of the engine's own connectors.
pub(crate) fn decode_built_in(event_type: &str, data: &[u8]) -> Result<BuiltInEvent, String> {
    tagged(&BuiltInEvent::NAMES, event_type, data)
}

fn tagged<T: DeserializeOwned>(known: &[&str], event_type: &str, data: &[u8]) -> Result<T, String> {
    if !known.contains(&event_type) {
        return Err("this version does not know the event type".to_owned());
    }
    let data: Value = serde_json::from_slice(data).map_err(|it| format!("not JSON: {it}"))?;
    serde_json::from_value(json!({ "type": event_type, "data": data }))
        .map_err(|error| error.to_string())
}
