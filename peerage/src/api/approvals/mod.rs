//! Approval by several people: what holds a command up, what judges it, and what carries it out.
//!
//! `gate` stands before every command to a network: what opens something that the policy in force
//! asks approval for becomes a request, in a stream of its own. `judge` takes approvals, rejections
//! and withdrawals. `carry_out` does what was granted, under the command's own id and in the name
//! of the one who asked: at once where the last approval was given, and at any server otherwise, so
//! that a crash between the two is none. `waiting` is what each server knows of requests that have
//! not ended, from the log.

mod carry_out;
mod gate;
mod judge;
mod log;
mod show;
mod waiting;

pub(super) use gate::{Gate, gate, needs};
pub(super) use judge::{approve, get, list, reject, withdraw};
pub(super) use show::rule;
pub use waiting::Waiting;

pub(crate) use carry_out::run;

use super::problem::Problem;
use domain::{
    Digest,
    access::Policy,
    approval::{Shown, Standing},
};
use journal::Preview;

/// What a command would come to, as approvers see it.
fn shown(preview: &Preview) -> Result<Shown, Problem> {
    let events = preview.events.iter().map(serde_json::to_value);
    let events = events.collect::<Result<Vec<_>, _>>();
    let shown = events.and_then(|events| Shown::of(events, preview.revision));
    shown.map_err(|error| Problem::not_encodable(&error))
}

/// The policy that commands to requests are decided by.
fn standing<'a>(policy: &'a Policy, hash: &'a Digest) -> Standing<'a> {
    Standing { policy, hash }
}
