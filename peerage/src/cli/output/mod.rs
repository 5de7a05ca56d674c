//! How answers are printed: tables for people, JSON for programs.
//!
//! JSON is the API's own, as protobuf maps it, so that one description serves both. Tables show the
//! first characters of ids, which are taken wherever an id is; one thing by itself shows its whole
//! id.

mod approval;
mod command;
mod event;
mod explained;
mod in_place;
mod json;
mod leftovers;
mod log;
mod network;
mod numbers;
mod past;
mod peering;
mod plan;
mod table;
#[cfg(test)]
mod tests;
mod time;
mod word;

pub(super) use approval::{approval, approvals, openings};
pub(super) use command::command;
pub(super) use event::{brief, event, events, history};
pub(super) use explained::{explained, reviewed};
pub(super) use in_place::{drift, exposures, links, orphans};
pub(super) use json::Proto;
pub(super) use leftovers::leftovers;
pub(super) use log::log;
pub(super) use network::{network, network_update, networks, stood_in};
pub(super) use numbers::pretty as document;
pub(super) use past::{at, difference, differences, network_at, ways};
pub(super) use peering::{peering, peering_update, peerings, state};
pub(super) use plan::plan;
pub(super) use table::{Column, behind, cause, facts, hanging, one_line as line, table};
pub(super) use time::{span, when};
pub(super) use word::word;

use super::{CliError, terminal};
use clap::ValueEnum;
use serde::Serialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    Table,
    /// For programs: the API's own JSON.
    Json,
}

/// Prints the answer itself as JSON, or what `human` makes of it.
pub(super) fn print<T: Serialize + ?Sized>(
    output: Output,
    answer: &T,
    human: impl FnOnce(&T) -> String,
) -> Result<(), CliError> {
    terminal::answer(&match output {
        Output::Json => pretty(answer)?,
        Output::Table => human(answer),
    })
}

/// The same for a message of the API.
pub(super) fn message<M: prost::Message + prost::Name>(
    output: Output,
    answer: &M,
    human: impl FnOnce(&M) -> String,
) -> Result<(), CliError> {
    print(output, &Proto(answer), |it| human(it.0))
}

/// The same for several of a kind: an array.
pub(super) fn messages<M: prost::Message + prost::Name>(
    output: Output,
    answers: &[M],
    human: impl FnOnce(&[M]) -> String,
) -> Result<(), CliError> {
    let shown: Vec<_> = answers.iter().map(Proto).collect();
    print(output, &shown, |_| human(answers))
}

fn pretty<T: Serialize + ?Sized>(answer: &T) -> Result<String, CliError> {
    let document = numbers::pretty(answer).map_err(CliError::failed)?;
    Ok(terminal::json(document))
}

/// A message of something that goes on, as one line of JSON.
pub(super) fn json_line<M: prost::Message + prost::Name>(message: &M) -> Result<(), CliError> {
    let document = numbers::line(&Proto(message)).map_err(CliError::failed)?;
    terminal::line(&terminal::json(document))
}

/// A message as a member of a list that is written piece by piece.
pub(super) fn json_member<M: prost::Message + prost::Name>(
    message: &M,
) -> Result<String, CliError> {
    let document = pretty(&Proto(message))?;
    Ok(format!("  {}", document.replace('\n', "\n  ")))
}

/// So many of these, like `1 event` and `2 events`.
pub(super) fn counted(many: u64, what: &str) -> String {
    let s = if many == 1 { "" } else { "s" };
    format!("{many} {what}{s}")
}

/// A text, or a dash in its place.
fn or_dash(text: &str) -> String {
    if text.is_empty() {
        "-".to_owned()
    } else {
        text.to_owned()
    }
}

/// The first characters of these ids: eight, or as many as tell them apart.
fn short<'a>(ids: impl Iterator<Item = &'a str> + Clone) -> impl Fn(&str) -> String {
    let whole = ids.clone().map(str::len).max().unwrap_or_default();
    let tells_apart = |length: usize| {
        let mut seen = std::collections::HashMap::new();
        ids.clone().all(|id| {
            let begins = id.get(..length).unwrap_or(id);
            *seen.entry(begins).or_insert(id) == id
        })
    };
    let length = (8..whole).find(|it| tells_apart(*it)).unwrap_or(whole);
    move |id| {
        id.get(..length)
            .unwrap_or(id)
            .trim_end_matches('-')
            .to_owned()
    }
}
