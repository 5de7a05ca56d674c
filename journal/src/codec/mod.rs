//! Events as bytes: how ours are written, and how whatever stands in the log is read.
//!
//! An event is decoded by its type and its schema version. Older versions are lifted step by step
//! to the current one, so that the rest of the program knows only one form. What cannot be read
//! becomes [`Body::Undecodable`]; nothing here panics on what the log holds.

use crate::{Body, Metadata, Position, Recorded, Stored};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use domain::{
    CommandId, Digest, EventId, Ids, NetworkId,
    network::{LinkOption, NetworkEvent},
};
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use uuid::Uuid;

/// The version in which every event type is written today.
pub const SCHEMA_VERSION: u32 = 1;

/// An event, ready to be appended.
#[derive(Clone, Debug, PartialEq)]
pub struct Encoded {
    /// The type as the log names it.
    pub event_type: &'static str,
    /// What the event says, as JSON.
    pub data: Value,
    /// What stands beside it.
    pub metadata: Metadata,
}

/// Lifts the JSON of one version of an event type to the next.
#[derive(Clone, Copy, Debug)]
struct Upcast {
    event_type: &'static str,
    from: u32,
    lift: fn(Value) -> Value,
}

/// Every step there is. An event type's entry is added with its new version, and stays.
const UPCASTS: &[Upcast] = &[];

/// An event type that is no longer written, and the one that says the same today.
#[derive(Clone, Copy, Debug)]
struct Older {
    event_type: &'static str,
    successor: &'static str,
    lift: fn(Value) -> Value,
}

/// Every such type there was. An entry stays for ever: a history somewhere has such an event.
const OLDER: &[Older] = &[
    Older {
        event_type: "DnsResolutionSet",
        successor: "LinkOptionSet",
        lift: of_name_resolution,
    },
    Older {
        event_type: "DnsResolutionApplied",
        successor: "LinkOptionApplied",
        lift: of_name_resolution,
    },
];

/// Name resolution is one option among others.
fn of_name_resolution(mut data: Value) -> Value {
    if let Value::Object(fields) = &mut data {
        fields.insert(
            "option".to_owned(),
            LinkOption::DnsResolution.as_str().into(),
        );
    }
    data
}

/// The event type that says today what this one said.
pub fn current_type(event_type: &str) -> &str {
    let older = OLDER.iter().find(|it| it.event_type == event_type);
    older.map_or(event_type, |it| it.successor)
}

/// What an event says, in the form in which it would be written today: that of
/// [`Recorded::event_type`] and [`SCHEMA_VERSION`], whatever form the log has. Null for what is no
/// JSON.
pub fn current_data(recorded: &Recorded) -> Value {
    let stored = || serde_json::from_slice(&recorded.data).unwrap_or(Value::Null);
    match &recorded.body {
        Body::Event(event) if may_be_lifted(event.name()) => event
            .data_json()
            .and_then(|it| serde_json::from_str(&it))
            .unwrap_or_else(|_| stored()),
        Body::Event(_) | Body::Undecodable { .. } => stored(),
    }
}

/// Whether an event of this type may have been stored in another form.
fn may_be_lifted(event_type: &str) -> bool {
    OLDER.iter().any(|it| it.successor == event_type)
        || UPCASTS.iter().any(|it| it.event_type == event_type)
}

/// Writes an event: its type is its name, its data the JSON of its content.
pub fn encode(event: &NetworkEvent, metadata: Metadata) -> Result<Encoded, serde_json::Error> {
    let data = match serde_json::to_value(event)? {
        Value::Object(mut tagged) => tagged.remove("data").unwrap_or(Value::Null),
        other @ (Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)) => other,
    };
    Ok(Encoded {
        event_type: event.name(),
        data,
        metadata,
    })
}

/// Reads an event's JSON, of any version that was ever written.
pub fn decode(event_type: &str, schema_version: u32, data: &[u8]) -> Body {
    match decode_with(UPCASTS, SCHEMA_VERSION, event_type, schema_version, data) {
        Ok(event) => Body::Event(event),
        Err(problem) => Body::Undecodable {
            event_type: event_type.to_owned(),
            problem,
        },
    }
}

/// The id under which an event is appended. It follows from the command's id, and from what the
/// event says: the store takes an append for a repetition by its ids alone, and must not take one
/// for it that says something else.
pub(crate) fn event_id(command: CommandId, digest: &Digest, index: usize, data: &str) -> EventId {
    EventId(Uuid::new_v5(
        &Ids::of(command).event(index).0,
        format!("{digest} {data}").as_bytes(),
    ))
}

fn decode_with(
    upcasts: &[Upcast],
    current: u32,
    event_type: &str,
    version: u32,
    data: &[u8],
) -> Result<NetworkEvent, String> {
    if let Some(older) = OLDER.iter().find(|it| it.event_type == event_type) {
        let data = serde_json::from_slice(data).map_err(|error| format!("not JSON: {error}"))?;
        let lifted = json!({ "type": older.successor, "data": (older.lift)(data) });
        return serde_json::from_value(lifted).map_err(|error| error.to_string());
    }
    if !NetworkEvent::NAMES.contains(&event_type) {
        return Err("this version does not know the event type".to_owned());
    }
    if version > current {
        return Err(format!(
            "schema version {version} is newer than {current}, the newest this version knows"
        ));
    }
    let is_lifted = upcasts
        .iter()
        .any(|it| it.event_type == event_type && (version..current).contains(&it.from));
    if !is_lifted && let Some(event) = read_at_once(event_type, data) {
        return Ok(event);
    }
    let mut data: Value =
        serde_json::from_slice(data).map_err(|error| format!("not JSON: {error}"))?;
    for from in version..current {
        if let Some(step) = upcasts
            .iter()
            .find(|it| it.event_type == event_type && it.from == from)
        {
            data = (step.lift)(data);
        }
    }
    serde_json::from_value(json!({ "type": event_type, "data": data }))
        .map_err(|error| error.to_string())
}

/// Reads the JSON of the current version without a tree in between, which takes several times as
/// long. Nothing if that does not go; why not, and whether it goes after all, is told by the tree.
fn read_at_once(event_type: &str, data: &[u8]) -> Option<NetworkEvent> {
    // One value and nothing behind it: what is put around it must not become part of it.
    serde_json::from_slice::<IgnoredAny>(data).ok()?;
    let tagged = [
        b"{\"type\":\"",
        event_type.as_bytes(),
        b"\",\"data\":",
        data,
        b"}",
    ]
    .concat();
    serde_json::from_slice(&tagged).ok()
}

/// An event as it came over the wire, from either of the two ways to read it.
#[derive(Clone, Debug)]
pub(crate) struct Raw {
    pub(crate) stream: String,
    pub(crate) revision: u64,
    pub(crate) position: Position,
    pub(crate) event_id: Uuid,
    pub(crate) event_type: String,
    /// 100 ns steps since the Unix epoch, as text.
    pub(crate) created: Option<String>,
    pub(crate) metadata: Bytes,
    pub(crate) data: Bytes,
}

impl Raw {
    /// Whether the store wrote it for itself: `$metadata`, `$streamDeleted` and the like.
    pub(crate) fn is_system(&self) -> bool {
        self.event_type.starts_with('$') || self.stream.starts_with('$')
    }

    /// When the store wrote it.
    pub(crate) fn written(&self) -> DateTime<Utc> {
        created(self.created.as_deref())
    }

    pub(crate) fn read(self) -> Recorded {
        let (metadata, body) = self.metadata_and_body();
        Recorded {
            network_id: network_of(&self.stream),
            stream: self.stream,
            revision: self.revision,
            position: self.position,
            event_id: EventId(self.event_id),
            created: created(self.created.as_deref()),
            metadata,
            stored: Stored {
                event_type: self.event_type,
                metadata: self.metadata,
            },
            data: self.data,
            body,
        }
    }

    /// An event without metadata is of the first version; one with metadata that is not ours says
    /// nothing about its version.
    fn metadata_and_body(&self) -> (Option<Metadata>, Body) {
        if self.metadata.is_empty() {
            return (None, decode(&self.event_type, 1, &self.data));
        }
        match serde_json::from_slice::<Metadata>(&self.metadata) {
            Ok(metadata) => {
                let body = decode(&self.event_type, metadata.schema_version, &self.data);
                (Some(metadata), body)
            }
            Err(error) => {
                let problem = format!("its metadata is not ours: {error}");
                (
                    None,
                    Body::Undecodable {
                        event_type: self.event_type.clone(),
                        problem,
                    },
                )
            }
        }
    }
}

/// The network whose stream this is; only the one way to write an id counts.
pub(crate) fn network_of(stream: &str) -> Option<NetworkId> {
    NetworkId::from_stream(stream).filter(|id| id.stream() == stream)
}

fn created(ticks: Option<&str>) -> DateTime<Utc> {
    let ticks: i64 = ticks.and_then(|it| it.parse().ok()).unwrap_or_default();
    DateTime::from_timestamp(ticks / 10_000_000, (ticks % 10_000_000) as u32 * 100)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
