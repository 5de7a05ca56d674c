//! How answers are printed: tables for people, JSON for programs.

use super::Trouble;
use crate::api::v1::{CommandResponse, Event, Network, Peering};
use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;
use serde_json::{Map, Value};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    Table,
    Json,
}

/// Prints the answer itself as JSON, or what `human` makes of it.
pub(super) fn print<T: Serialize>(output: Output, answer: &T, human: impl FnOnce(&T) -> String) -> Result<(), Trouble> {
    let text = match output {
        Output::Json => serde_json::to_string_pretty(answer).map_err(Trouble::failed)?,
        Output::Table => human(answer),
    };
    println!("{text}");
    Ok(())
}

/// A table with these headings.
pub(super) fn table<const N: usize>(headings: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Dynamic).set_header(headings);
    let mut empty = true;
    for row in rows {
        empty = false;
        table.add_row(row);
    }
    if empty { "(none)".to_owned() } else { table.to_string() }
}

pub(super) fn command(answer: &CommandResponse) -> String {
    let subject = if answer.peering_id.is_empty() {
        format!("network {}", answer.network_id)
    } else {
        format!("peering {} of network {}", answer.peering_id, answer.network_id)
    };
    let what = match (answer.repeated, answer.events.is_empty()) {
        (true, _) => "done before by the same command".to_owned(),
        (false, true) => "nothing to change".to_owned(),
        (false, false) => answer.events.join(", "),
    };
    format!("{subject}\n{what} (revision {})", answer.revision)
}

pub(super) fn networks(networks: &[Network]) -> String {
    let rows = networks.iter().map(|it| {
        let peerings = it.live_peerings.to_string();
        let name = format!("{}/{}", it.project, it.name);
        [it.network_id.clone(), name, it.provider.clone(), it.region.clone(), it.account.clone(), it.range.clone(), peerings]
    });
    table(["network", "name", "provider", "region", "account", "range", "peerings"], rows)
}

/// Life, and what lies over it.
pub(super) fn state(peering: &Peering) -> String {
    match (&peering.blocked, peering.life.as_str(), peering.converged) {
        (Some(blocked), life, _) => format!("{life}, blocked: {}", blocked.cause),
        (None, "active", false) => "active, in progress".to_owned(),
        (None, life, _) => life.to_owned(),
    }
}

pub(super) fn peerings(peerings: &[Peering]) -> String {
    let rows = peerings.iter().map(|it| {
        let peer = it.peer.clone().unwrap_or_default();
        let link = if it.link.is_empty() { "-".to_owned() } else { it.link.clone() };
        [it.peering_id.clone(), state(it), link, peer.account, peer.region, peer.cloud_network, peer.ranges.join(", ")]
    });
    table(["peering", "state", "link", "account", "region", "peer", "ranges"], rows)
}

/// One peering with everything about it.
pub(super) fn peering(peering: &Peering) -> String {
    let routes = peering.routes.iter().map(|it| {
        let conflicts = it.conflicts.iter().map(|it| format!("{} → {} (not ours)", it.route_table, it.target));
        let installed: Vec<_> = it.installed_in.iter().cloned().chain(conflicts).collect();
        [it.side.clone(), it.destination.clone(), if installed.is_empty() { "not yet".to_owned() } else { installed.join(", ") }]
    });
    let posture = peering.firewall.iter().map(|it| {
        let admit: Vec<_> = it.admit.iter().map(|rule| format!("{} → TCP {}", rule.source, rule.port)).collect();
        let admit = if admit.is_empty() { "nothing".to_owned() } else { admit.join(", ") };
        let group = if it.group.is_empty() { "-".to_owned() } else { it.group.clone() };
        [it.side.clone(), admit, group, if it.enforced { "enforced" } else { "not yet" }.to_owned()]
    });
    let mut text = format!(
        "{}\nroutes\n{}\nfirewall\n{}",
        peerings(std::slice::from_ref(peering)),
        table(["side", "destination", "installed in"], routes),
        table(["side", "admits from the link", "group", "state"], posture),
    );
    if let Some(blocked) = &peering.blocked {
        text += &format!("\nblocked on the {} side: {} ({})", blocked.side, blocked.message, blocked.cause);
        blocked.remedy.iter().for_each(|line| text += &format!("\n  {line}"));
    }
    if !peering.failure.is_empty() {
        text += &format!("\nthe cloud says: {}", peering.failure);
    }
    for advisory in &peering.advisories {
        text += &format!("\nnote {}: {}", advisory.code, advisory.message);
    }
    text
}

pub(super) fn events(events: &[Event]) -> String {
    let rows = events.iter().map(|it| {
        let position = it.position.split('/').next().unwrap_or_default().to_owned();
        let data = if it.problem.is_empty() { brief(&it.data) } else { format!("unreadable: {}", it.problem) };
        [position, it.created.clone(), it.revision.to_string(), it.r#type.clone(), it.actor.clone(), data]
    });
    table(["position", "time", "revision", "event", "actor", "what"], rows)
}

/// An event's own facts, without the ids that the reader has already.
pub(super) fn brief(data: &str) -> String {
    let Ok(Value::Object(fields)) = serde_json::from_str(data) else { return String::new() };
    let shown = fields.iter().filter(|(key, value)| !value.is_null() && !KNOWN.contains(&key.as_str()));
    shown.map(|(key, value)| format!("{key}={}", plain(value))).collect::<Vec<_>>().join(" ")
}

/// What the heading, or another column, says already.
const KNOWN: [&str; 4] = ["peering_id", "network_id", "requested_at", "started_at"];

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
    let shown = fields.iter().filter(|(_, value)| value.as_array().is_none_or(|it| !it.is_empty()));
    shown.map(|(_, value)| plain(value)).collect::<Vec<_>>().join("/")
}
