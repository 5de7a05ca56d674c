//! A network folded from its stream.

use crate::{Body, Recorded};
use domain::{
    Ledger,
    network::{Network, evolve},
};

/// What a network's stream says up to one revision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// The fold of its events.
    pub network: Network,
    /// The commands that the stream has answered.
    pub ledger: Ledger,
    /// The number of the last event folded in; `None` if there is none.
    pub revision: Option<u64>,
    /// The events that could not be read and so are not folded in.
    pub undecodable: Vec<Undecodable>,
}

/// An event that was set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undecodable {
    /// The event's number in its stream, from 0.
    pub revision: u64,
    /// The type as the log names it.
    pub event_type: String,
    /// Why, in words.
    pub problem: String,
}

impl Loaded {
    /// Folds the next event in. One that cannot be read changes nothing but the list of those.
    pub fn apply(&mut self, recorded: &Recorded) {
        match &recorded.body {
            Body::Event(event) => {
                let network = std::mem::take(&mut self.network);
                self.network = evolve(network, event, recorded.time());
            }
            Body::Undecodable {
                event_type,
                problem,
            } => {
                let (event_type, problem) = (event_type.clone(), problem.clone());
                self.undecodable.push(Undecodable {
                    revision: recorded.revision,
                    event_type,
                    problem,
                });
            }
        }
        if let Some(metadata) = &recorded.metadata {
            self.ledger.note(
                metadata.command_id,
                metadata.command_digest.clone(),
                recorded.revision,
            );
        }
        self.revision = Some(recorded.revision);
    }

    /// The number that the next event will have.
    pub(crate) fn next_revision(&self) -> u64 {
        self.revision.map_or(0, |it| it + 1)
    }
}
