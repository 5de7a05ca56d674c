//! Events for people: who did what, when and why.

use super::{network::stand_in, table::wrapped, time};
use crate::api::v1::{Actor, Event};
use serde_json::{Map, Value};

/// Where an event's own facts begin.
const INDENT: usize = 12;

/// The events of the audit: two lines for each, the second with its facts and its reason.
pub(in crate::cli) fn events(events: &[Event]) -> String {
    if events.is_empty() {
        return "(none)".to_owned();
    }
    let head = format!(
        "{:>10}  {:<20}  {:<26}  {}",
        "position", "time", "event", "who"
    );
    let blocks = events.iter().map(|it| {
        let line = format!(
            "{:>10}  {:<20}  {:<26}  {}",
            position(it),
            time::when(it.time.as_ref()),
            it.r#type,
            actor(it.actor.as_ref())
        );
        with_facts(&line, it)
    });
    std::iter::once(head)
        .chain(blocks)
        .collect::<Vec<_>>()
        .join("\n")
}

/// The same on one screen: the time of day, and no names, where all is of one network and one hand.
pub(in crate::cli) fn history(events: &[Event]) -> String {
    let lines = events.iter().map(|it| {
        let facts = facts(it);
        let line = format!(
            "{:>8}  {}  {:<26}  {facts}",
            position(it),
            time::clock(it.time.as_ref()),
            it.r#type
        );
        super::table::one_line(&line)
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// One event of a watch, on one line.
pub(in crate::cli) fn event(it: &Event) -> String {
    let facts = facts(it);
    super::table::one_line(&format!(
        "{}  {:<26}  {facts}",
        time::when(it.time.as_ref()),
        it.r#type
    ))
}

fn with_facts(line: &str, it: &Event) -> String {
    let (reason, ticket) = (it.reason.as_str(), it.ticket.as_str());
    let facts = facts(it);
    let own = [
        (!facts.is_empty()).then_some(facts),
        (!reason.is_empty()).then(|| format!("reason: {reason}")),
        (!ticket.is_empty()).then(|| format!("ticket: {ticket}")),
    ];
    let told = own.into_iter().flatten().collect::<Vec<_>>().join("; ");
    if told.is_empty() {
        return line.to_owned();
    }
    format!("{line}\n{}", wrapped(&super::cause(&told), INDENT))
}

/// The place in the log, as far as people care.
fn position(it: &Event) -> &str {
    it.position.split('/').next().unwrap_or_default()
}

/// Who it was: the verified subject, or what was claimed.
pub(super) fn actor(actor: Option<&Actor>) -> String {
    let Some(it) = actor else {
        return "-".to_owned();
    };
    match (it.subject.as_str(), it.claimed.as_str()) {
        ("", "") => "-".to_owned(),
        ("", claimed) => format!("{claimed} (claimed)"),
        (subject, "") => format!("{subject} ({})", it.method),
        (subject, claimed) => format!("{subject} ({}), claimed {claimed}", it.method),
    }
}

/// An event's own facts, and before them what stands in for the provider's own cloud: a simulated
/// event is not to be taken for a real one.
fn facts(it: &Event) -> String {
    let facts = if it.problem.is_empty() {
        brief(&it.raw_data)
    } else {
        format!("unreadable: {}", it.problem)
    };
    match (stand_in(it.cloud.as_ref()), facts.as_str()) {
        (None, _) => facts,
        (Some(mark), "") => mark.to_owned(),
        (Some(mark), facts) => format!("{mark}: {facts}"),
    }
}

/// An event's own facts, without the ids that the reader has already.
pub(in crate::cli) fn brief(data: &[u8]) -> String {
    let Ok(Value::Object(fields)) = serde_json::from_slice(data) else {
        return String::new();
    };
    let shown = fields
        .iter()
        .filter(|(key, value)| !value.is_null() && !KNOWN.contains(&key.as_str()));
    shown
        .map(|(key, value)| format!("{key}={}", plain(value)))
        .collect::<Vec<_>>()
        .join(" ")
}

/// What the heading, or another column, says already.
const KNOWN: [&str; 9] = [
    "peering_id",
    "network_id",
    "external_id",
    "requested_at",
    "adopted_at",
    "started_at",
    "allowed_at",
    "detected_at",
    "repaired_at",
];

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "nothing".to_owned(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(","),
        Value::Object(fields) => object(fields),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

fn object(fields: &Map<String, Value>) -> String {
    if let (Some(source), Some(port)) = (fields.get("source"), fields.get("port")) {
        return format!("{}→TCP {port}", plain(source));
    }
    let shown = fields.iter().filter_map(|(key, value)| match value {
        Value::Bool(true) => Some(key.clone()),
        Value::Null | Value::Bool(false) => None,
        Value::Array(items) if items.is_empty() => None,
        Value::Array(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            Some(plain(value))
        }
    });
    shown.collect::<Vec<_>>().join("/")
}
