//! One event of the log, as the audit shows it.

use super::text;
use crate::api::{time::timestamp, v1};
use audit::Decision;
use domain::{Actor, CloudMode, network::Registered};
use journal::{Body, Recorded};
use projections::TimelineEntry;
use prost_types::{ListValue, Struct, Value, value::Kind};

/// How deep a document may be that is shown as a structure; what is deeper is there as bytes.
const DEPTH: usize = 64;

/// An event as what its log is known by.
pub(in crate::api) fn known_event(row: &TimelineEntry) -> v1::KnownEvent {
    v1::KnownEvent {
        position: row.position.to_string(),
        stream: row.stream.clone(),
        revision: row.revision,
        event_id: row.event_id.0.to_string(),
    }
}

pub(in crate::api) fn event(row: &TimelineEntry) -> v1::Event {
    v1::Event {
        position: row.position.to_string(),
        network_id: text(row.network_id.as_ref()),
        peering_id: text(row.peering_id.as_ref()),
        stream: row.stream.clone(),
        revision: row.revision,
        r#type: row.event_type.clone(),
        actor: row.actor.as_ref().map(actor),
        command_id: text(row.command_id.as_ref()),
        reason: text(row.reason.as_ref()),
        ticket: text(row.ticket.as_ref()),
        time: Some(timestamp(row.time)),
        created: Some(timestamp(row.created)),
        data: row.data.as_ref().and_then(structure),
        raw_data: row.raw.to_vec(),
        command: row.command.as_ref().and_then(structure),
        network_name: String::new(),
        sentence: sentence(row),
        event_id: row.event_id.to_string(),
        problem: row.problem.clone().unwrap_or_default(),
        cloud: None,
        cause_command_id: text(row.cause.as_ref()),
    }
}

/// Says in an event at which cloud its network is; what is no real one stands in its sentence too.
pub(in crate::api) fn at_cloud(event: &mut v1::Event, cloud: Option<&CloudMode>) {
    event.sentence = audit::marked(&event.sentence, cloud);
    event.cloud = cloud.map(super::cloud);
}

/// An event as it was read, without its data. Where its network is stands beside it, or else
/// beside the network.
pub(in crate::api) fn recorded(it: &Recorded, network: Option<&CloudMode>) -> v1::Event {
    let about = it.metadata.as_ref();
    let body = match &it.body {
        Body::Event(event) => Some(event),
        Body::Undecodable { .. } => None,
    };
    let mut event = v1::Event {
        position: it.position.to_string(),
        network_id: text(it.network_id.as_ref()),
        peering_id: text(body.and_then(|it| it.peering_id()).as_ref()),
        stream: it.stream.clone(),
        revision: it.revision,
        r#type: it.event_type().to_owned(),
        actor: about.map(|it| actor(&it.actor)),
        command_id: text(about.map(|it| it.command_id).as_ref()),
        reason: text(about.and_then(|it| it.reason.as_ref())),
        ticket: text(about.and_then(|it| it.ticket.as_ref())),
        time: Some(timestamp(it.time())),
        created: Some(timestamp(it.created)),
        event_id: it.event_id.to_string(),
        sentence: body.map_or_else(|| audit::unreadable(it.event_type()), audit::sentence),
        ..v1::Event::default()
    };
    at_cloud(
        &mut event,
        about.and_then(|it| it.cloud.as_ref()).or(network),
    );
    event
}

/// An event that decided something, without its data.
pub(in crate::api) fn decision(network: &Registered, it: &Decision) -> v1::Event {
    let mut event = v1::Event {
        position: it.position.to_string(),
        network_id: network.id.to_string(),
        peering_id: text(it.peering.as_ref()),
        stream: network.id.stream(),
        revision: it.revision,
        r#type: it.event_type.to_owned(),
        actor: it.actor.as_ref().map(actor),
        command_id: text(it.command_id.as_ref()),
        reason: text(it.reason.as_ref()),
        ticket: text(it.ticket.as_ref()),
        time: Some(timestamp(it.time)),
        sentence: it.sentence.clone(),
        event_id: it.event_id.to_string(),
        ..v1::Event::default()
    };
    at_cloud(&mut event, network.cloud.as_ref());
    event
}

/// A JSON value as protobuf's; `None` for one that is too deep.
pub(in crate::api) fn value(it: &serde_json::Value) -> Option<Value> {
    structured(it, DEPTH)
}

/// What the event says, from the very bytes that the log holds.
fn sentence(row: &TimelineEntry) -> String {
    let version = row.schema_version.unwrap_or(journal::SCHEMA_VERSION);
    if row.network_id.is_none() {
        return audit::sentence_of(&row.event_type, version, &row.raw);
    }
    match journal::decode(&row.event_type, version, &row.raw) {
        Body::Event(event) => audit::sentence_with(&event, row.unsaid.as_ref()),
        Body::Undecodable { event_type, .. } => audit::unreadable(&event_type),
    }
}

fn actor(it: &Actor) -> v1::Actor {
    v1::Actor {
        subject: text(it.subject.as_ref()),
        method: text(it.method.as_ref()),
        issuer: text(it.issuer.as_ref()),
        claimed: text(it.claimed.as_ref()),
    }
}

/// A JSON object as protobuf's structure; `None` for what is no object, or too deep.
pub(in crate::api) fn structure(value: &serde_json::Value) -> Option<Struct> {
    let serde_json::Value::Object(fields) = value else {
        return None;
    };
    let fields = fields
        .iter()
        .map(|(name, value)| Some((name.clone(), structured(value, DEPTH)?)))
        .collect::<Option<_>>()?;
    Some(Struct { fields })
}

fn structured(value: &serde_json::Value, depth: usize) -> Option<Value> {
    let depth = depth.checked_sub(1)?;
    let kind = match value {
        serde_json::Value::Null => Kind::NullValue(0),
        serde_json::Value::Bool(it) => Kind::BoolValue(*it),
        serde_json::Value::Number(it) => Kind::NumberValue(it.as_f64()?),
        serde_json::Value::String(it) => Kind::StringValue(it.clone()),
        serde_json::Value::Array(items) => Kind::ListValue(ListValue {
            values: items
                .iter()
                .map(|it| structured(it, depth))
                .collect::<Option<_>>()?,
        }),
        serde_json::Value::Object(fields) => Kind::StructValue(Struct {
            fields: fields
                .iter()
                .map(|(name, value)| Some((name.clone(), structured(value, depth)?)))
                .collect::<Option<_>>()?,
        }),
    };
    Some(Value { kind: Some(kind) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_document_is_a_structure_and_one_that_is_too_deep_is_none() {
        let shown = structure(&json!({ "a": [1, "b", null, { "c": true }] })).expect("a structure");
        assert_eq!(shown.fields.len(), 1);
        let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
        assert_eq!(structure(&json!({ "a": deep })), None);
        assert_eq!(structure(&json!(["a"])), None);
    }
}
