//! Why something is as it is, as a tree; and what is open, as a table.

use super::{
    event::actor,
    line,
    network::stood_in,
    table::{Column, lines_of, table},
    time, word,
};
use crate::api::v1::{
    CallAnswer, CloudCall, ExplainResponse, ExplainedCommand, ExplainedDecision, ExplainedOutcome,
    IntentAnswer, OpeningKind, ReviewedOpening,
};
use std::collections::BTreeSet;

/// One part of a tree: its lines, and the parts below it.
struct Branch {
    lines: Vec<String>,
    below: Vec<Branch>,
}

/// The commands, each with what followed from it down to the calls.
pub(in crate::cli) fn explained(it: &ExplainResponse) -> String {
    if it.commands.is_empty() {
        return "(nothing is on record)".to_owned();
    }
    let head = if it.network_id.is_empty() {
        let decisions = it.commands.iter().flat_map(|it| &it.decisions);
        let streams = decisions.filter_map(|it| it.event.as_ref());
        let streams: BTreeSet<_> = streams.map(|it| it.stream.as_str()).collect();
        Vec::from_iter(streams).join(", ")
    } else if it.peering_id.is_empty() {
        format!("network {}", it.network_name)
    } else {
        format!("peering {} of {}", it.peering_id, it.network_name)
    };
    let mut lines = vec![line(&head)];
    for command in &it.commands {
        draw(&self::command(command), "", "", &mut lines);
    }
    lines.join("\n")
}

fn draw(branch: &Branch, first: &str, rest: &str, lines: &mut Vec<String>) {
    let own = if branch.below.is_empty() {
        format!("{rest}   ")
    } else {
        format!("{rest}│  ")
    };
    let room = first.chars().count().max(own.chars().count());
    let text = branch.lines.iter().flat_map(|it| lines_of(it, room));
    for (nth, text) in text.enumerate() {
        let begins = if nth == 0 { first } else { &own };
        lines.push(line(&format!("{begins}{text}")));
    }
    let last = branch.below.len().saturating_sub(1);
    for (nth, below) in branch.below.iter().enumerate() {
        let (first, then) = if nth == last {
            ("└─ ", "   ")
        } else {
            ("├─ ", "│  ")
        };
        draw(
            below,
            &format!("{rest}{first}"),
            &format!("{rest}{then}"),
            lines,
        );
    }
}

fn command(it: &ExplainedCommand) -> Branch {
    let event = it.decisions.first().and_then(|it| it.event.as_ref());
    let name = match (it.name.as_str(), it.command_id.as_str()) {
        ("", "") => "no command is on record".to_owned(),
        ("", id) => format!("command {id}"),
        (name, id) => format!("{name}, command {id}"),
    };
    let mut lines = vec![name];
    if let Some(event) = event {
        lines.push(format!(
            "{} {}",
            time::when(event.time.as_ref()),
            actor(event.actor.as_ref())
        ));
        let said = [("ticket", &event.ticket), ("reason", &event.reason)];
        let said = said.into_iter().filter(|(_, it)| !it.is_empty());
        lines.extend(said.map(|(name, it)| format!("{name}: {it}")));
    }
    Branch {
        lines,
        below: it.decisions.iter().map(decision).collect(),
    }
}

fn decision(it: &ExplainedDecision) -> Branch {
    let event = it.event.clone().unwrap_or_default();
    Branch {
        lines: vec![format!("{}: {}", event.revision, event.sentence)],
        below: it.outcomes.iter().map(outcome).collect(),
    }
}

fn outcome(it: &ExplainedOutcome) -> Branch {
    let event = it.event.clone().unwrap_or_default();
    let mut lines = vec![format!(
        "{}: {} {}",
        event.revision,
        time::when(event.time.as_ref()),
        event.sentence
    )];
    lines.extend(it.answers.iter().map(answer));
    let mut below: Vec<_> = it.calls.iter().map(call).collect();
    if it.calls_omitted > 0 {
        below.push(Branch {
            lines: vec![format!("and {} calls that were left out", it.calls_omitted)],
            below: Vec::new(),
        });
    }
    Branch { lines, below }
}

fn answer(it: &IntentAnswer) -> String {
    let thing = if it.thing.is_empty() {
        String::new()
    } else {
        format!("{}: ", it.thing)
    };
    let by = it.revision.map(|it| format!(" {it}")).unwrap_or_default();
    match it.answer() {
        CallAnswer::OnRecord => format!("{thing}answered, with{by}"),
        CallAnswer::UnknownAndSeen => {
            format!("{thing}intent on record, answer unknown; seen by{by}")
        }
        CallAnswer::Unknown | CallAnswer::Unspecified => {
            format!("{thing}intent on record, answer unknown")
        }
        CallAnswer::NotKept => format!("{thing}seen by{by}, of a release that kept no calls"),
    }
}

fn call(it: &CloudCall) -> Branch {
    let about = if it.thing.is_empty() {
        String::new()
    } else {
        format!(" ({})", it.thing)
    };
    let code = if it.provider_code.is_empty() {
        String::new()
    } else {
        format!(" ({})", it.provider_code)
    };
    let millis = it
        .duration
        .as_ref()
        .map_or(0, |it| it.seconds * 1000 + i64::from(it.nanos) / 1_000_000);
    let mut lines = vec![
        format!("{}{about}", it.operation),
        format!(
            "{} {}, {}: {}{code} in {millis} ms, try {}",
            time::when(it.start_time.as_ref()),
            it.account,
            it.region,
            it.outcome,
            it.attempt
        ),
    ];
    if !it.request_id.is_empty() {
        lines.push(format!("request {}", it.request_id));
    }
    Branch {
        lines,
        below: Vec::new(),
    }
}

/// What is open, a row each.
pub(in crate::cli) fn reviewed(openings: &[ReviewedOpening]) -> String {
    let short = super::short(openings.iter().map(|it| it.peering_id.as_str()));
    let rows = openings.iter().map(|it| {
        let tenure = it.tenure.clone().unwrap_or_default();
        let opened = it.opened.clone().unwrap_or_default();
        let confirmed = it.confirmed_at.as_ref();
        let why = [opened.reason.as_str(), opened.ticket.as_str()];
        let why: Vec<_> = why.into_iter().filter(|it| !it.is_empty()).collect();
        [
            short(&it.peering_id),
            what(it),
            super::or_dash(&tenure.owner),
            super::cause(&super::or_dash(&why.join(", "))),
            day(it.opened_at.as_ref()),
            confirmed.map_or_else(|| "never".to_owned(), |it| day(Some(it))),
            tenure
                .expires_at
                .as_ref()
                .map_or_else(|| "-".to_owned(), |it| day(Some(it))),
        ]
    });
    table(
        [
            Column::Whole("peering"),
            Column::Wrapped("open"),
            Column::Wrapped("owner"),
            Column::Wrapped("why"),
            Column::Whole("since"),
            Column::Whole("confirmed"),
            Column::Whole("ends"),
        ],
        rows,
    )
}

fn what(it: &ReviewedOpening) -> String {
    let what = match it.kind() {
        OpeningKind::Peering => format!(
            "{} with {}/{}",
            it.network_name, it.peer_account, it.peer_network
        ),
        OpeningKind::Admission => {
            let rule = it.rule.clone().unwrap_or_default();
            format!("admits {}:{}", rule.source, rule.port)
        }
        OpeningKind::Ingress => format!("ingress to {}:{}", it.target, it.port),
        OpeningKind::Unspecified => word(it.kind()),
    };
    stood_in(what, it.cloud.as_ref())
}

/// A time to the day.
fn day(at: Option<&prost_types::Timestamp>) -> String {
    let when = time::when(at);
    when.split(['T', ' ']).next().unwrap_or_default().to_owned()
}
