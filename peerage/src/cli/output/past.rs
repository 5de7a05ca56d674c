//! What was, for people: networks as they were, what changed, who could reach an address.

use super::{
    event::actor,
    line,
    network::{network, networks, stood_in},
    peering::{bare, peerings},
    table::wrapped,
    time, word,
};
use crate::api::v1::{
    CompareNetworkResponse, Event, EventPlace, GetNetworkAtResponse, Reachability, Side, Way,
    WhoCanReachResponse,
};
use crate::cli::terminal;
use chrono::{DateTime, Utc};
use prost_types::{Value, value::Kind};

/// One network as it was, with everything about it and about each of its peerings; at this time,
/// or else when the last event was decided.
pub(in crate::cli) fn network_at(
    answers: &[GetNetworkAtResponse],
    at: Option<DateTime<Utc>>,
) -> String {
    let blocks = answers.iter().map(|it| {
        let last = it.last.as_ref().and_then(|it| it.time.as_ref());
        let now = at.or_else(|| last.and_then(time::time));
        let now = now.unwrap_or_else(Utc::now);
        let mut parts = vec![format!("as of {}", seen(it.last.as_ref()))];
        parts.extend(it.network.as_ref().map(network));
        parts.extend(it.peerings.iter().map(|it| bare(it, now)));
        parts.extend(unread(it));
        parts.join("\n\n")
    });
    blocks.collect::<Vec<_>>().join("\n\n")
}

fn unread(it: &GetNetworkAtResponse) -> Option<String> {
    let many = format!("{} events could not be read by this version", it.unreadable);
    (it.unreadable > 0).then(|| format!("{many}: what they did is missing"))
}

/// Networks as they were, each with its peerings, a line for each.
pub(in crate::cli) fn at(answers: &[GetNetworkAtResponse]) -> String {
    if answers.is_empty() {
        return "(none)".to_owned();
    }
    let blocks = answers.iter().map(|it| {
        let network: Vec<_> = it.network.iter().cloned().collect();
        let mut parts = vec![
            format!("as of {}", seen(it.last.as_ref())),
            networks(&network),
        ];
        if !it.peerings.is_empty() {
            parts.push(peerings(&it.peerings));
        }
        parts.extend(unread(it));
        parts.join("\n")
    });
    blocks.collect::<Vec<_>>().join("\n\n")
}

/// Each change with what it was, what it is, and the events that made it so.
pub(in crate::cli) fn difference(it: &CompareNetworkResponse) -> String {
    if it.changes.is_empty() {
        return "(nothing changed)".to_owned();
    }
    let of = |revision: &u64| it.events.iter().find(|it| it.revision == *revision);
    let blocks = it.changes.iter().map(|change| {
        let pointer = match change.pointer.as_str() {
            "" => "the network".to_owned(),
            // As a JSON pointer is written where it stands by itself (RFC 6901).
            pointer => pointer.replace("~1", "/").replace("~0", "~"),
        };
        let (before, after) = (value(change.before.as_ref()), value(change.after.as_ref()));
        let head = format!("{pointer}  {before} → {after}");
        let is_short = head.chars().count() <= usize::from(terminal::width());
        let head = if is_short {
            head
        } else {
            let was = wrapped(&format!("was {before}"), 2);
            format!("{pointer}\n{was}\n{}", wrapped(&format!("is  {after}"), 2))
        };
        let causes = change.revisions.iter().filter_map(of).map(by);
        std::iter::once(head)
            .chain(causes)
            .collect::<Vec<_>>()
            .join("\n")
    });
    blocks.collect::<Vec<_>>().join("\n")
}

/// The same of each network that changed, under its name.
pub(in crate::cli) fn differences(answers: &[CompareNetworkResponse]) -> String {
    if answers.is_empty() {
        return "(nothing changed)".to_owned();
    }
    let blocks = answers
        .iter()
        .map(|it| format!("{}\n{}", line(&it.network_name), difference(it)));
    blocks.collect::<Vec<_>>().join("\n\n")
}

/// Each peering that led there, with the decisions that it goes back to.
pub(in crate::cli) fn ways(it: &WhoCanReachResponse) -> String {
    it.ways.iter().map(way).collect::<Vec<_>>().join("\n")
}

fn way(it: &Way) -> String {
    let peer = format!("{}/{}", it.peer_account, it.peer_network);
    let (from, to) = match it.side() {
        Side::Remote => (it.network_name.as_str(), peer.as_str()),
        Side::Local | Side::Unspecified => (peer.as_str(), it.network_name.as_str()),
    };
    let why = match it.reachability() {
        Reachability::Reachable => format!("from {}", it.sources.join(", ")),
        Reachability::Unreachable | Reachability::Undetermined | Reachability::Unspecified => {
            word(it.reason())
        }
    };
    let head = line(&format!(
        "{}  {from} to {to}: {why}",
        stood_in(word(it.reachability()), it.cloud.as_ref())
    ));
    let rules = it
        .rules
        .iter()
        .map(|it| format!("{} (TCP {} from {})", it.rule_id, it.port, it.source));
    let denials = it.denials.iter();
    let denials = denials.map(|it| format!("{} {} ({})", it.list, it.number, it.denies));
    let over = [
        named("link", std::slice::from_ref(&it.link)),
        named("routes in", &it.route_tables),
        named("rules", &rules.collect::<Vec<_>>()),
        named("rules of others", &it.exposures),
        named("denied by", &denials.collect::<Vec<_>>()),
        format!("as of {}", seen(it.seen.as_ref())),
    ];
    let over: Vec<_> = over.into_iter().filter(|it| !it.is_empty()).collect();
    let over = wrapped(&over.join("; "), 2);
    let decided = it.decisions.iter().map(by);
    [head, over]
        .into_iter()
        .chain(decided)
        .collect::<Vec<_>>()
        .join("\n")
}

fn named(name: &str, ids: &[String]) -> String {
    let ids: Vec<_> = ids.iter().filter(|it| !it.is_empty()).cloned().collect();
    if ids.is_empty() {
        return String::new();
    }
    format!("{name} {}", ids.join(", "))
}

/// An event that did something, by whom and by which command.
fn by(it: &Event) -> String {
    let reason = super::cause(&it.reason);
    let (command, id) = match it.cause_command_id.as_str() {
        "" => ("command ", &it.command_id),
        _ => ("caused by command ", &it.cause_command_id),
    };
    let own = [
        ("", it.sentence.as_str()),
        (command, id),
        ("ticket: ", &it.ticket),
        ("reason: ", &reason),
    ];
    let own = own.into_iter().filter(|(_, it)| !it.is_empty());
    let own: Vec<_> = own.map(|(name, it)| format!("{name}{it}")).collect();
    let (when, who) = (time::when(it.time.as_ref()), actor(it.actor.as_ref()));
    wrapped(&format!("{when} {who}: {}", own.join("; ")), 4)
}

fn seen(place: Option<&EventPlace>) -> String {
    place.map_or_else(
        || "no event".to_owned(),
        |it| format!("{} ({})", time::when(it.time.as_ref()), it.position),
    )
}

/// A value on a part of a line.
fn value(value: Option<&Value>) -> String {
    match value.and_then(|it| it.kind.as_ref()) {
        None => "nothing".to_owned(),
        Some(Kind::NullValue(_)) => "null".to_owned(),
        Some(Kind::BoolValue(it)) => it.to_string(),
        Some(Kind::NumberValue(it)) => it.to_string(),
        Some(Kind::StringValue(it)) => it.clone(),
        Some(Kind::ListValue(it)) => {
            let all: Vec<_> = it.values.iter().map(|it| self::value(Some(it))).collect();
            format!("[{}]", all.join(", "))
        }
        Some(Kind::StructValue(it)) => {
            let all = it
                .fields
                .iter()
                .map(|(name, it)| format!("{name}: {}", self::value(Some(it))));
            format!("{{{}}}", all.collect::<Vec<_>>().join(", "))
        }
    }
}
