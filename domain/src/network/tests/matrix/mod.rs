//! Every state meets every command, and the table says what comes of it.
//!
//! The table cannot be incomplete: a new command, outcome, life, trace or ending does not compile
//! until it has a row or a column here, and a row without an entry for each column does not compile
//! either. The columns are in [`columns`], the rows in [`rows`].

#![allow(
    unreachable_patterns,
    reason = "several rows try the same command in different ways"
)]

mod columns;
mod digests;
mod rows;

use super::{super::*, COMMAND, fold, now, reason, samples::*};
use columns::{COLUMNS, has_a_column, view};
pub(super) use rows::ROWS;
use rows::has_a_row;

/// What the table says of a pair; a refusal by its reason.
type Expected = &'static str;
/// The command leads to events.
const YES: Expected = "events";
/// All is as the command wants it already.
const NIL: Expected = "nothing";

fn verdict(state: &Network, command: &NetworkCommand) -> String {
    match decide(state, command, &Context::default(), now(), Ids::of(COMMAND)) {
        Ok(events) if events.is_empty() => NIL.to_owned(),
        Ok(_) => YES.to_owned(),
        Err(refusal) => reason(&refusal),
    }
}

#[test]
fn every_command_in_every_state_comes_to_what_the_table_says() {
    let mut disagreements = Vec::new();
    for (row, command, verdicts) in ROWS {
        for ((column, events, _), wanted) in COLUMNS.iter().zip(verdicts) {
            let came = verdict(&fold(events()), &command());
            if came != *wanted {
                disagreements.push(format!("{column} × {row}: wanted {wanted}, came {came}"));
            }
        }
    }
    assert_eq!(disagreements, Vec::<String>::new());
}

#[test]
fn a_block_changes_no_verdict_but_those_about_blocks() {
    let block = NetworkEvent::from(blocked(BlockCause::PermissionDenied));
    for (row, command, verdicts) in ROWS {
        for ((column, events, _), entry) in COLUMNS.iter().zip(verdicts) {
            let state = fold(events());
            if !view(&state).is_live() {
                continue;
            }
            let expected = match *row {
                "block" => NIL,
                "unblock" => YES,
                _ => entry,
            };
            assert_eq!(
                verdict(&evolve(state, &block, now()), &command()),
                expected,
                "{column}, blocked × {row}"
            );
        }
    }
}

#[test]
fn whatever_leads_to_events_leads_to_none_or_to_a_refusal_the_second_time() {
    for (row, command, verdicts) in ROWS {
        for ((column, events, _), _) in COLUMNS
            .iter()
            .zip(verdicts)
            .filter(|(_, wanted)| **wanted == YES)
        {
            let (state, command) = (fold(events()), command());
            let first = decide(
                &state,
                &command,
                &Context::default(),
                now(),
                Ids::of(COMMAND),
            )
            .unwrap();
            let after = first
                .iter()
                .fold(state, |state, event| evolve(state, event, now()));
            let again = decide(
                &after,
                &command,
                &Context::default(),
                now(),
                Ids::of(COMMAND),
            );
            let is_asked_anew = matches!(command, NetworkCommand::CheckDrift(_));
            assert!(
                is_asked_anew || again.unwrap_or_default().is_empty(),
                "{column} × {row}, twice"
            );
        }
    }
}

#[test]
fn each_column_is_the_state_that_it_is_named_after_and_each_row_its_command() {
    for (name, events, is_it) in COLUMNS {
        let state = fold(events());
        has_a_column(&state);
        assert!(is_it(&state), "{name}");
        assert_eq!(
            COLUMNS.iter().filter(|(_, _, is_it)| is_it(&state)).count(),
            1,
            "{name}"
        );
    }
    for (_, command, _) in ROWS {
        has_a_row(&command());
    }
}
