//! The log in sentences: for each event who did it to what, then what happened, then the rest.

use super::{event::actor, table::wrapped, time};
use crate::api::v1::Event;

/// The events, one under the other.
pub(in crate::cli) fn log(events: &[Event]) -> String {
    if events.is_empty() {
        return "(none)".to_owned();
    }
    let told: Vec<_> = events.iter().map(told).collect();
    told.join("\n")
}

fn told(it: &Event) -> String {
    let head = format!(
        "{}  {}  {}",
        time::when(it.time.as_ref()),
        whose(it),
        actor(it.actor.as_ref())
    );
    let own = [
        format!("{} at {}", it.r#type, it.position),
        said("peering", it.peering_id.get(..8).unwrap_or(&it.peering_id)),
        command(it),
        said("reason:", &super::cause(&it.reason)),
        said("ticket:", &it.ticket),
    ];
    let own: Vec<_> = own.into_iter().filter(|it| !it.is_empty()).collect();
    let (sentence, rest) = (wrapped(&it.sentence, 2), wrapped(&own.join("; "), 4));
    format!("{}\n{sentence}\n{rest}", super::line(&head))
}

/// What the network is called, where that is known; the stream of what is no network's.
fn whose(it: &Event) -> &str {
    if !it.network_name.is_empty() {
        &it.network_name
    } else if it.network_id.is_empty() {
        &it.stream
    } else {
        it.network_id.get(..8).unwrap_or(&it.network_id)
    }
}

/// What the engine recorded goes back to a command; the rest was decided by one.
fn command(it: &Event) -> String {
    if it.cause_command_id.is_empty() {
        said("command", &it.command_id)
    } else {
        said("caused by command", &it.cause_command_id)
    }
}

fn said(name: &str, value: &str) -> String {
    if value.is_empty() {
        String::new()
    } else {
        format!("{name} {value}")
    }
}
