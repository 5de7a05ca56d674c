//! What this server makes of the log for itself: what is looked up, and what networks were.

use super::{Engine, StartError, Storage, rest};
use crate::config::Config;
use journal::Journal;
use projections::{FoldedStates, Projections};

/// Their files, in the data directory.
const READ_MODELS: &str = "read-models.sqlite";
const STATES: &str = "folded-states.sqlite";

pub(super) fn open(
    config: &Config,
    storage: Storage,
) -> Result<(Projections, FoldedStates), StartError> {
    let folder = &config.data.dir;
    let projections = match storage {
        Storage::OnDisk => Projections::open(&folder.join(READ_MODELS)),
        Storage::InMemory => Projections::in_memory(),
    };
    let states = match storage {
        Storage::OnDisk => FoldedStates::open(&folder.join(STATES)),
        Storage::InMemory => FoldedStates::in_memory(),
    };
    Ok((
        projections.map_err(StartError::Projections)?,
        states.map_err(StartError::States)?,
    ))
}

impl Engine {
    /// Starts what follows the log into the read models.
    pub(super) fn project(
        &mut self,
        projections: &Projections,
        journal: &Journal,
        rest: rest::Stopped,
    ) {
        let (projections, journal, stopping) =
            (projections.clone(), journal.clone(), self.stopping.clone());
        self.parts.spawn(async move {
            let ended = rest::project(&projections, &journal, rest, stopping).await;
            ("the read models", ended.map_err(Into::into))
        });
    }

    /// Starts what keeps states of networks ahead of questions about their past.
    pub(super) fn keep_states(
        &mut self,
        states: &FoldedStates,
        projections: &Projections,
        journal: &Journal,
    ) {
        let (states, projections) = (states.clone(), projections.clone());
        let (journal, stopping) = (journal.clone(), self.stopping.clone());
        self.parts.spawn(async move {
            states.run(&journal, &projections, stopping).await;
            ("what keeps folded states", Ok(()))
        });
    }
}
