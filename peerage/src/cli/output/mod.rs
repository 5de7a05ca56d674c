//! How answers are printed: tables for people, JSON for programs.

mod peering;
mod plan;
mod table;
#[cfg(test)]
mod tests;

pub(super) use peering::{drift, exposures, left_behind, peering, peerings, state};
pub(super) use plan::plan;
pub(super) use table::{Column, cause, table};

use super::{CliError, terminal};
use crate::api::v0::{Advisory, CommandResponse, Event, Network};
use chrono::{DateTime, TimeDelta, Utc};
use clap::ValueEnum;
use serde::Serialize;
use serde_json::{Map, Value};
use table::{
    Column::{Whole, Wrapped},
    facts, plain as columns,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    Table,
    Json,
}

/// Prints the answer itself as JSON, or what `human` makes of it.
pub(super) fn print<T: Serialize>(
    output: Output,
    answer: &T,
    human: impl FnOnce(&T) -> String,
) -> Result<(), CliError> {
    let text = match output {
        Output::Json => {
            terminal::json(serde_json::to_string_pretty(answer).map_err(CliError::failed)?)
        }
        Output::Table => human(answer),
    };
    terminal::answer(&text)
}

/// What is good to know, a paragraph for each.
fn notes(advisories: &[Advisory]) -> Option<String> {
    let rows: Vec<_> = advisories
        .iter()
        .map(|it| [it.code.clone(), it.message.clone()])
        .collect();
    (!rows.is_empty()).then(|| format!("notes\n{}", columns([Whole(""), Wrapped("")], &rows)))
}

pub(super) fn command(answer: &CommandResponse) -> String {
    let subject = if answer.peering_id.is_empty() {
        format!("network {}", answer.network_id)
    } else {
        format!(
            "peering {} of network {}",
            answer.peering_id, answer.network_id
        )
    };
    let what = match (answer.repeated, answer.events.is_empty()) {
        (true, _) => "done before by the same command".to_owned(),
        (false, true) => "nothing to change".to_owned(),
        (false, false) => answer.events.join(", "),
    };
    let ingress = if answer.ingress_id.is_empty() {
        String::new()
    } else {
        format!("\ningress {}", answer.ingress_id)
    };
    format!("{subject}{ingress}\n{what} (revision {})", answer.revision)
}

/// How long it is until then, coarsely, as people say it; `None` for what is no time.
fn time_left(until: &str) -> Option<String> {
    let until = DateTime::parse_from_rfc3339(until).ok()?.to_utc();
    Some(spoken(until - Utc::now()))
}

fn spoken(left: TimeDelta) -> String {
    match (left.num_days(), left.num_hours(), left.num_minutes()) {
        _ if left <= TimeDelta::zero() => "over".to_owned(),
        (0, 0, 0) => "less than a minute left".to_owned(),
        (0, 0, minutes) => format!("{minutes} min left"),
        (0, hours, minutes) => format!("{hours} h {} min left", minutes % 60),
        (days, hours, _) => format!("{days} d {} h left", hours % 24),
    }
}

/// One network with what the engine may do in it.
pub(super) fn network(it: &Network) -> String {
    let policy = it.policy.clone().unwrap_or_default();
    let groups = if policy.groups.is_empty() {
        String::new()
    } else {
        format!(" in {}", policy.groups.join(", "))
    };
    let retired = if it.retired_at.is_empty() {
        String::new()
    } else {
        format!("{} ({})", it.retired_at, it.retired_reason)
    };
    let exposed = if it.exposed_peerings == 0 {
        String::new()
    } else {
        format!("{} peerings", it.exposed_peerings)
    };
    let text = facts([
        ("retired", retired),
        ("cloud network", it.cloud_network.clone()),
        ("subnets", it.subnets.join(", ")),
        (
            "policy",
            format!(
                "drift: {}, exposures: {}{groups}",
                policy.drift, policy.exposure
            ),
        ),
        ("exposed", exposed),
        ("last check asked", it.drift_check_at.clone()),
    ]);
    format!("{}\n{text}", networks(std::slice::from_ref(it)))
}

pub(super) fn networks(networks: &[Network]) -> String {
    let rows = networks.iter().map(|it| {
        let peerings = if it.retired_at.is_empty() {
            it.live_peerings.to_string()
        } else {
            "retired".to_owned()
        };
        let name = format!("{}/{}", it.project, it.name);
        [
            it.network_id.clone(),
            name,
            it.provider.clone(),
            it.region.clone(),
            it.account.clone(),
            it.range.clone(),
            peerings,
        ]
    });
    table(
        [
            Whole("network"),
            Wrapped("name"),
            Whole("provider"),
            Whole("region"),
            Wrapped("account"),
            Whole("range"),
            Whole("peerings"),
        ],
        rows,
    )
}

pub(super) fn events(events: &[Event]) -> String {
    let rows = events.iter().map(|it| {
        let position = it.position.split('/').next().unwrap_or_default().to_owned();
        let data = if it.problem.is_empty() {
            brief(&it.data)
        } else {
            format!("unreadable: {}", it.problem)
        };
        [
            position,
            it.created.clone(),
            it.revision.to_string(),
            it.r#type.clone(),
            it.actor.clone(),
            data,
        ]
    });
    table(
        [
            Whole("position"),
            Whole("time"),
            Whole("revision"),
            Whole("event"),
            Wrapped("actor"),
            Wrapped("what"),
        ],
        rows,
    )
}

/// An event's own facts, without the ids that the reader has already.
pub(super) fn brief(data: &str) -> String {
    let Ok(Value::Object(fields)) = serde_json::from_str(data) else {
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
