//! CloudEvents 1.0: a record's attributes, as members of an object or as headers.
//!
//! `source` is the stream as a URN, and (`source`, `id`) is unique as the specification asks: an
//! event's id is. `subject` is the peering, or else the network. Our own attributes have names of
//! small letters alone, as extensions must.

use crate::{
    record::Record,
    values::{encoded, rfc3339},
};
use http::{HeaderMap, HeaderName};
use serde_json::{Map, Value, json};

/// The prefix of types: an event's type of ours, and no one else's of the same name.
const TYPES: &str = "peerage.";

/// The event as a JSON object.
pub(super) fn event(record: &Record) -> Value {
    let mut event: Map<String, Value> = attributes(record)
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    event.insert("datacontenttype".to_owned(), json!("application/json"));
    event.insert("data".to_owned(), record.data.clone());
    Value::Object(event)
}

/// The event's attributes as headers; the content type stands in its own.
pub(super) fn describe(record: &Record, headers: &mut HeaderMap) {
    for (name, value) in attributes(record) {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        let name = format!("ce-{name}").parse::<HeaderName>();
        if let (Ok(name), Some(value)) = (name, encoded(&text)) {
            headers.insert(name, value);
        }
    }
}

/// All attributes but the content type of the data. Numbers are texts where they could be larger
/// than CloudEvents' integer, which has 32 bits.
fn attributes(record: &Record) -> impl Iterator<Item = (&'static str, Value)> {
    let Record {
        network,
        peering,
        actor,
        cloud,
        ..
    } = record;
    let about = peering.as_ref().or(network.as_ref());
    let name = |of: &Option<crate::record::Named>| of.as_ref().and_then(|it| it.name.clone());
    let all = [
        ("specversion", Some(json!("1.0"))),
        ("id", Some(json!(record.id))),
        (
            "source",
            Some(json!(format!("urn:peerage:stream:{}", record.stream))),
        ),
        ("type", Some(json!(format!("{TYPES}{}", record.event_type)))),
        ("time", Some(json!(rfc3339(record.time)))),
        ("subject", about.map(|it| json!(it.id))),
        ("schemaversion", Some(json!(record.schema_version))),
        ("streamrevision", Some(json!(record.revision.to_string()))),
        ("logposition", Some(json!(record.position.to_string()))),
        ("networkid", network.as_ref().map(|it| json!(it.id))),
        ("networkname", name(network).map(Value::from)),
        ("peeringid", peering.as_ref().map(|it| json!(it.id))),
        ("peeringname", name(peering).map(Value::from)),
        ("account", record.account.clone().map(Value::from)),
        ("cloudmode", cloud.as_ref().map(|it| json!(it.mode))),
        (
            "cloudendpoint",
            cloud
                .as_ref()
                .and_then(|it| it.endpoint.clone())
                .map(Value::from),
        ),
        ("actor", actor.as_ref().map(|it| json!(it.name))),
        ("actorclaimed", actor.as_ref().map(|it| json!(it.claimed))),
        ("reason", record.reason.clone().map(Value::from)),
        ("ticket", record.ticket.clone().map(Value::from)),
        ("commandid", record.command_id.map(|it| json!(it))),
    ];
    all.into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
}
