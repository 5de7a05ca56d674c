//! Why something is as it is: a peering's commands, what each decided, what followed from that, and
//! the calls to the cloud that led there, as a tree.
//!
//! Nothing of it is recorded as a tree. A command's events are the ones that carry its id; what the
//! engine recorded later belongs to the last decision on the same subject (a route, a side's
//! firewall, an option, the end), or else to the one that began the peering (`subject`). What the
//! engine was about to do is on record before it is done, so an intent whose answer is not on
//! record is told as that (`answer`): a crash, or a lost answer, leaves no other trace.

mod answer;
mod causes;
mod subject;
#[cfg(test)]
mod tests;

pub use answer::{Answer, Answered};
pub use causes::Causes;

use domain::{CloudCall, CloudCalls, CommandId, network::NetworkEvent};
use journal::{Body, Recorded};
use std::collections::{BTreeMap, BTreeSet};
use subject::{Subject, Topic};

/// One command, or, where none is on record, what was recorded without one.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// Its id.
    pub id: Option<CommandId>,
    /// What it decided, each with what followed from it.
    pub decisions: Vec<Decided>,
}

/// An event, and what followed from it.
#[derive(Clone, Debug, PartialEq)]
pub struct Decided {
    /// What was decided.
    pub event: Recorded,
    /// What the engine recorded that follows from it.
    pub outcomes: Vec<Outcome>,
}

/// What the engine recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The event.
    pub event: Recorded,
    /// The call that made what it says, or else the calls to the cloud since something was recorded
    /// before; `None` where none are kept with it.
    pub calls: Option<CloudCalls>,
    /// Of an intent: what became of the calls that it announced.
    pub answers: Vec<Answered>,
}

/// The tree of these events, which are all of one peering or of a network's own, oldest first.
pub fn explain(events: &[Recorded]) -> Vec<Command> {
    let mut calls = calls_of(events);
    let mut commands: Vec<Command> = Vec::new();
    for (index, event) in events.iter().enumerate() {
        if is_decision(event) {
            decided(&mut commands, event);
        } else {
            let calls = calls.remove(&index);
            followed(&mut commands, events, index, (event, calls));
        }
    }
    commands
}

/// The calls of each event, by its index. They are recorded beside the first event of what was
/// recorded at once; one that made a thing belongs to the event that says so.
fn calls_of(events: &[Recorded]) -> BTreeMap<usize, CloudCalls> {
    let mut found = BTreeMap::new();
    for (first, event) in events.iter().enumerate() {
        let about = event.metadata.as_ref();
        let Some(all) = about.and_then(|it| it.cloud_calls.as_ref()) else {
            continue;
        };
        let id = command_id(event);
        let behind = events.iter().enumerate().skip(first);
        let at_once: Vec<_> = behind.take_while(|(_, it)| command_id(it) == id).collect();
        let mut taken = BTreeSet::new();
        let none = CloudCalls {
            calls: Vec::new(),
            omitted: all.omitted,
        };
        found.insert(first, none);
        for call in &all.calls {
            let is_done = call.outcome == CloudCall::OK;
            let thing = call.thing.as_ref().filter(|_| is_done);
            let shows = |(index, event): &&(usize, &Recorded)| {
                let shown = thing.zip(body(event));
                !taken.contains(index)
                    && shown.is_some_and(|(thing, it)| answer::shows_somewhere(it, thing))
            };
            let of = at_once.iter().find(shows).map(|(index, _)| *index);
            taken.extend(of);
            let own = found.entry(of.unwrap_or(first)).or_default();
            own.calls.push(call.clone());
        }
    }
    found
}

/// The part of the tree that one event is in: its command, and what leads from there to it, with
/// the intents that it answers. What was decided is shown with all that followed.
pub fn around(commands: Vec<Command>, revision: u64) -> Vec<Command> {
    let mut found = Vec::new();
    for mut command in commands {
        command.decisions.retain_mut(|it| {
            if it.event.revision == revision {
                return true;
            }
            it.outcomes.retain(|it| {
                it.event.revision == revision
                    || it.answers.iter().any(|it| it.answer.by() == Some(revision))
            });
            it.outcomes.iter().any(|it| it.event.revision == revision)
        });
        if !command.decisions.is_empty() {
            found.push(command);
        }
    }
    found
}

/// Whether somebody decided it; otherwise the engine recorded what it did or saw.
fn is_decision(event: &Recorded) -> bool {
    let by_engine = event
        .metadata
        .as_ref()
        .is_some_and(|it| it.cloud_calls.is_some());
    body(event).is_some_and(|it| !it.is_outcome()) && !by_engine
}

fn body(event: &Recorded) -> Option<&NetworkEvent> {
    match &event.body {
        Body::Event(it) => Some(it),
        Body::Undecodable { .. } => None,
    }
}

fn command_id(event: &Recorded) -> Option<CommandId> {
    event.metadata.as_ref().map(|it| it.command_id)
}

fn decided(commands: &mut Vec<Command>, event: &Recorded) {
    let id = command_id(event);
    let decision = Decided {
        event: event.clone(),
        outcomes: Vec::new(),
    };
    match commands.last_mut().filter(|it| id.is_some() && it.id == id) {
        Some(command) => command.decisions.push(decision),
        None => commands.push(Command {
            id,
            decisions: vec![decision],
        }),
    }
}

fn followed(
    commands: &mut Vec<Command>,
    events: &[Recorded],
    index: usize,
    (event, calls): (&Recorded, Option<CloudCalls>),
) {
    let outcome = Outcome {
        event: event.clone(),
        calls,
        answers: answer::answers(events, index),
    };
    match cause(commands, event) {
        Some(decision) => decision.outcomes.push(outcome),
        // Recorded before anything was decided, as far as can be read.
        None => commands.push(Command {
            id: None,
            decisions: vec![Decided {
                event: event.clone(),
                outcomes: vec![outcome],
            }],
        }),
    }
}

/// The last decision on what the event is about; or the one that began it all.
fn cause<'a>(commands: &'a mut [Command], event: &Recorded) -> Option<&'a mut Decided> {
    let topic = body(event).map_or(Topic::Whole, Topic::of);
    let mut best: Option<(Subject, usize, usize)> = None;
    for (at, command) in commands.iter().enumerate() {
        for (nth, decision) in command.decisions.iter().enumerate() {
            let decided = body(&decision.event).map_or(Topic::Whole, Topic::of);
            let fits = decided.fits(&topic);
            if best.is_none_or(|(known, ..)| fits >= known) {
                best = Some((fits, at, nth));
            }
        }
    }
    let (_, at, nth) = best?;
    commands.get_mut(at)?.decisions.get_mut(nth)
}
