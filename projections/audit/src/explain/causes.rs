//! To which command what the engine recorded goes back, told event by event: as the tree tells it,
//! without having all events at hand.

use super::{
    body, command_id, is_decision,
    subject::{Subject, Topic},
};
use domain::CommandId;
use journal::Recorded;
use serde::{Deserialize, Serialize};

/// The most subjects of one peering that are told apart: as many as it has routes and sides.
const MOST: usize = 1_000;

/// The last command on each subject of a peering, the latest at the end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Causes(Vec<(Topic, CommandId)>);

impl Causes {
    /// Takes the next event of the peering in. Of what the engine recorded, the command that it
    /// goes back to.
    pub fn follow(&mut self, event: &Recorded) -> Option<CommandId> {
        let topic = Topic::of(body(event)?);
        if !is_decision(event) {
            return self.of(topic);
        }
        let command = command_id(event)?;
        self.0.retain(|(known, _)| *known != topic);
        // What began it explains whatever nothing else does.
        if self.0.len() >= MOST
            && let Some(oldest) = self.0.iter().position(|(it, _)| *it != Topic::Whole)
        {
            self.0.remove(oldest);
        }
        self.0.push((topic, command));
        None
    }

    fn of(&self, topic: Topic) -> Option<CommandId> {
        let mut best: Option<(Subject, CommandId)> = None;
        for (decided, command) in &self.0 {
            let fits = decided.fits(&topic);
            if best.is_none_or(|(known, _)| fits >= known) {
                best = Some((fits, *command));
            }
        }
        best.map(|(_, command)| command)
    }
}
