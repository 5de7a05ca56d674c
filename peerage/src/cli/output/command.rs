//! What a command did.

use super::{
    Output, Proto, approval, facts, network, peering, print,
    table::{
        Column::{Whole, Wrapped},
        table,
    },
};
use crate::{
    api::v1::{Advisory, NetworkAnswer},
    cli::{CliError, engine::Done},
};
use serde::Serialize;

/// The answer, and the id of the command, which the answer itself does not repeat.
#[derive(Serialize)]
struct Answer<'a> {
    #[serde(rename = "commandId")]
    command_id: String,
    #[serde(flatten)]
    answer: Proto<'a, crate::api::v1::CommandResponse>,
}

/// Prints what a command did.
pub(in crate::cli) fn command(output: Output, done: &Done) -> Result<(), CliError> {
    let answer = Answer {
        command_id: done.command_id.to_string(),
        answer: Proto(&done.answer),
    };
    print(output, &answer, |_| in_words(done))?;
    if done.answer.approval.is_some() {
        return Err(CliError::waiting());
    }
    Ok(())
}

fn in_words(done: &Done) -> String {
    let it = &done.answer;
    if let Some(waits) = &it.approval {
        return format!(
            "nothing was done yet: the command waits for approval\n\n{}",
            approval::approval(waits)
        );
    }
    let is_of_one = !it.network_id.is_empty() || !it.connector_id.is_empty();
    if !it.networks.is_empty() || !is_of_one {
        return in_all(done);
    }
    let types = it.event_types.join(", ");
    let outcome = match (it.validated_only, it.repeated, types.is_empty()) {
        (true, _, true) => "nothing would change".to_owned(),
        (true, _, false) => format!("{types} would be recorded; nothing was written"),
        (false, true, _) => format!("done before by the same command ({types})"),
        (false, false, true) => "nothing to change".to_owned(),
        (false, false, false) => types,
    };
    let told = facts([
        ("outcome", outcome),
        ("network", it.network_id.clone()),
        ("connector", it.connector_id.clone()),
        ("records", records(it.records)),
        ("peering", it.peering_id.clone()),
        ("ingress", it.ingress_id.clone()),
        ("in scope", in_scope(&it.event_types, it.peerings_in_scope)),
        ("revision", it.revision.to_string()),
        ("command", done.command_id.to_string()),
        ("needs", needs(it.approvals_needed)),
        ("note", notes(&it.advisories)),
    ]);
    let would_be = match (&it.peering, &it.network) {
        (Some(peering), _) if it.validated_only => Some(peering::bare(peering, chrono::Utc::now())),
        (_, Some(network)) if it.validated_only => Some(network::network(network)),
        (_, _) => None,
    };
    match would_be {
        Some(would_be) => format!("{told}\n\nwhat it would be\n{would_be}"),
        None => told,
    }
}

/// How many people would have to approve it.
fn needs(approvals: u32) -> String {
    match approvals {
        0 => String::new(),
        1 => "1 approval".to_owned(),
        many => format!("{many} approvals"),
    }
}

fn notes(all: &[Advisory]) -> String {
    let messages: Vec<&str> = all.iter().map(|it| it.message.as_str()).collect();
    messages.join("\n")
}

/// What came of it in each network, those that refused it last.
fn in_all(done: &Done) -> String {
    let outcome = |it: &NetworkAnswer| {
        if !it.reason.is_empty() {
            return it.message.clone();
        }
        match it.event_types.as_slice() {
            [] => "nothing to change".to_owned(),
            types => types.join(", "),
        }
    };
    let (refused, done_in): (Vec<_>, Vec<_>) = done
        .answer
        .networks
        .iter()
        .partition(|it| !it.reason.is_empty());
    let rows: Vec<_> = done_in
        .into_iter()
        .chain(refused)
        .map(|it| {
            let held = in_scope(&it.event_types, it.peerings_in_scope);
            [it.network_id.clone(), outcome(it), held]
        })
        .collect();
    let told = facts([("command", done.command_id.to_string())]);
    let answers = if rows.iter().all(|[_, _, held]| held.is_empty()) {
        let rows = rows
            .into_iter()
            .map(|[network, outcome, _]| [network, outcome]);
        table([Whole("network"), Wrapped("outcome")], rows)
    } else {
        let columns = [Whole("network"), Wrapped("outcome"), Whole("in scope")];
        table(columns, rows)
    };
    format!("{answers}\n{told}")
}

/// How many parked records a command is about; empty for every other command.
fn records(records: u32) -> String {
    match records {
        0 => String::new(),
        many => many.to_string(),
    }
}

/// How many peerings a quarantine is about; empty for every other command.
fn in_scope(event_types: &[String], peerings: u32) -> String {
    if !event_types.iter().any(|it| it.starts_with("Quarantine")) {
        return String::new();
    }
    match peerings {
        1 => "1 peering".to_owned(),
        many => format!("{many} peerings"),
    }
}
