//! An event as the audit shows it, made of nothing but what the log itself holds of it: what a
//! proof of it proves. It has no sentence, which each version of this program words in its own way.

use super::{export, place::exact};
use crate::{
    api::{
        cloud_of, struct_of,
        v1::{self, Actor, Event},
    },
    cli::{CliError, output},
};
use domain::NetworkId;
use journal::Body;
use prost_types::{Struct, Timestamp};
use serde_json::Value;
use tree::Leaf;

/// The same as a document. A member that says nothing is there all the same, but for the sentence.
pub(super) fn document(event: &Event) -> Result<Value, CliError> {
    let text = output::document(&output::Proto(event)).map_err(CliError::failed)?;
    let mut document: Value = serde_json::from_str(&text).map_err(CliError::failed)?;
    if let Value::Object(members) = &mut document {
        members.remove("sentence");
    }
    Ok(document)
}

/// The event of this leaf, at this place of a store's log and written there at that time.
pub(super) fn event(
    leaf: &Leaf,
    position: &str,
    created: Option<Timestamp>,
) -> Result<Event, CliError> {
    let entry = export::entry(v1::LogRecord {
        position: position.to_owned(),
        stream: leaf.stream.clone(),
        revision: leaf.revision,
        event_id: leaf.id.to_string(),
        r#type: leaf.event_type.clone(),
        created,
        data: leaf.data.clone(),
        metadata: leaf.metadata.clone(),
        cloud: None,
    })?;
    let about = entry.about();
    let about = about.as_ref();
    let text = |it: Option<String>| it.unwrap_or_default();
    let network = NetworkId::from_stream(&leaf.stream);
    let version = about.map_or(journal::SCHEMA_VERSION, |it| it.schema_version);
    let peering = match journal::decode(&leaf.event_type, version, &leaf.data) {
        Body::Event(event) if network.is_some() => event.peering_id(),
        Body::Event(_) | Body::Undecodable { .. } => None,
    };
    Ok(Event {
        position: entry.position.to_string(),
        network_id: text(network.map(|it| it.to_string())),
        peering_id: text(peering.map(|it| it.to_string())),
        stream: entry.stream.clone(),
        revision: entry.revision,
        r#type: entry.event_type.clone(),
        actor: about.map(|it| Actor {
            subject: text(it.actor.subject.as_ref().map(ToString::to_string)),
            method: text(it.actor.method.as_ref().map(ToString::to_string)),
            issuer: text(it.actor.issuer.as_ref().map(ToString::to_string)),
            claimed: text(it.actor.claimed.as_ref().map(ToString::to_string)),
        }),
        command_id: text(about.map(|it| it.command_id.to_string())),
        reason: text(about.and_then(|it| it.reason.as_ref().map(ToString::to_string))),
        ticket: text(about.and_then(|it| it.ticket.as_ref().map(ToString::to_string))),
        time: Some(exact(entry.time())),
        created,
        data: serde_json::from_slice(&leaf.data).ok().and_then(object),
        raw_data: leaf.data.clone(),
        command: about.and_then(|it| it.command.clone()).and_then(object),
        event_id: leaf.id.to_string(),
        cloud: about.and_then(|it| it.cloud.as_ref()).map(cloud_of),
        ..Event::default()
    })
}

fn object(document: Value) -> Option<Struct> {
    match document {
        Value::Object(fields) => Some(struct_of(fields)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            None
        }
    }
}
