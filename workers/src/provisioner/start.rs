//! Where the provisioner begins: at its last checkpoint, with what the networks up to there fold
//! to.
//!
//! What it needs of the whole log is which networks there are, which of them each peering is of,
//! and which of them meet at a peer. All of that follows from the folded networks, and those are
//! loaded from their snapshots. So a start costs as much as there are networks, not as there are
//! events. Without a checkpoint of this log it begins at the first event, as it would have without
//! any.

use super::{directory::Directory, progress::Progress, scheduler::Scheduler};
use domain::{
    NetworkId,
    network::{Network, Registered},
};
use futures::stream::{self, StreamExt as _};
use journal::{Checkpoint, Journal, JournalError, Loaded, Networks, Position, Recorded};
use std::{sync::Arc, time::Duration};
use tokio::{
    task::JoinHandle,
    time::{Instant, timeout},
};

/// How many networks are loaded at the same time.
const LOADS: usize = 16;

/// How often a network is loaded again whose history is longer than is read in one go.
const LOAD_ATTEMPTS: usize = 60;

/// How often a checkpoint is written, while there is something new, for each so many networks: it
/// names them all, so what it takes of the store in an hour does not grow with them.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(30);
const FOR_NETWORKS: usize = 20_000;

/// How many events are noted before it is looked whether one is due.
const LOOK_EVERY: u32 = 1_024;

/// How long the last checkpoint may hold up the end of the engine.
const LAST_PATIENCE: Duration = Duration::from_secs(2);

/// How far the log was followed, and what of that is stored.
#[derive(Debug, Default)]
pub(super) struct Reached {
    checkpoint: Checkpoint,
    /// The place of the last checkpoint that was stored, and when that was.
    stored: Option<Position>,
    stored_at: Option<Instant>,
    noted: u32,
    writing: Option<JoinHandle<()>>,
}

impl Reached {
    /// Where following goes on; `None`: at the beginning.
    pub(super) fn position(&self) -> Option<Position> {
        self.checkpoint.position()
    }

    /// Goes on to this event.
    pub(super) fn note(&mut self, recorded: &Recorded, journal: &Journal) {
        self.checkpoint.advance(recorded);
        self.noted += 1;
        if self.noted >= LOOK_EVERY {
            self.store(journal);
        }
    }

    /// Stores a checkpoint, if there is something new and the last one is not of just now.
    pub(super) fn store(&mut self, journal: &Journal) {
        self.noted = 0;
        let every = checkpoint_every(self.checkpoint.networks().len());
        let is_fresh = |at: Instant| at.elapsed() < every;
        let is_busy = |writing: &JoinHandle<()>| !writing.is_finished();
        if self.position() == self.stored
            || self.stored_at.is_some_and(is_fresh)
            || self.writing.as_ref().is_some_and(is_busy)
        {
            return;
        }
        (self.stored, self.stored_at) = (self.position(), Some(Instant::now()));
        let (journal, checkpoint) = (journal.clone(), self.checkpoint.clone());
        self.writing = Some(tokio::spawn(async move {
            write(&journal, &checkpoint).await;
        }));
    }

    /// Stores the last checkpoint, before the engine ends.
    pub(super) async fn store_last(&self, journal: &Journal) {
        if self.position() != self.stored {
            // A start from an older one is right as well.
            let _ = timeout(LAST_PATIENCE, write(journal, &self.checkpoint)).await;
        }
    }

    /// Whether the log is still the one that was followed up to here.
    pub(super) async fn is_in(&self, journal: &Journal) -> Result<bool, JournalError> {
        journal.has(&self.checkpoint).await
    }
}

fn checkpoint_every(networks: usize) -> Duration {
    let times = networks.div_ceil(FOR_NETWORKS).max(1);
    CHECKPOINT_EVERY.saturating_mul(u32::try_from(times).unwrap_or(u32::MAX))
}

async fn write(journal: &Journal, checkpoint: &Checkpoint) {
    match journal.set_checkpoint(checkpoint).await {
        Ok(true) => {}
        Ok(false) => tracing::info!(
            networks = checkpoint.networks().len(),
            "there are too many networks for a checkpoint; a start reads the whole log"
        ),
        Err(error) => tracing::warn!(
            error = &error as &dyn std::error::Error,
            "no checkpoint was written; a start begins at the one before"
        ),
    }
}

/// Takes in everything up to the last checkpoint.
pub(super) async fn begin(
    journal: &Journal,
    scheduler: &mut Scheduler,
    directory: &Directory,
    progress: &Progress,
) -> Reached {
    let begun = Instant::now();
    let found = match journal.checkpoint().await {
        Ok(Some(found)) => load(journal, &found, scheduler, directory)
            .await
            .map(|()| found),
        Ok(None) => return Reached::default(),
        Err(error) => Err(error),
    };
    match found {
        Ok(checkpoint) => {
            let networks = checkpoint.networks().len();
            progress.begun_with(networks);
            tracing::info!(networks, took = ?begun.elapsed(), "begins at a checkpoint");
            Reached {
                stored: checkpoint.position(),
                checkpoint,
                ..Reached::default()
            }
        }
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the checkpoint cannot be used; the log is followed from its beginning"
            );
            Reached::default()
        }
    }
}

async fn load(
    journal: &Journal,
    checkpoint: &Checkpoint,
    scheduler: &mut Scheduler,
    directory: &Directory,
) -> Result<(), JournalError> {
    let networks = journal.networks();
    let ids: Vec<_> = checkpoint.networks().collect();
    let mut loads = stream::iter(ids)
        .map(|id| async move { (id, load_one(networks, id).await) })
        .buffer_unordered(LOADS);
    while let Some((id, loaded)) = loads.next().await {
        let loaded = loaded?;
        if let Some(network) = registered(&loaded) {
            directory.note_network(id, network);
            scheduler.begin_with(id, network);
        } else if let Network::Marked(marked) = &loaded.network {
            marked.held_by.iter().for_each(|it| directory.marked(*it));
        }
    }
    Ok(())
}

/// What was read of a network stays: a history that is longer than one deadline takes several.
async fn load_one(networks: &Networks, id: NetworkId) -> Result<Arc<Loaded>, JournalError> {
    let mut attempts = 0;
    loop {
        match networks.load(id).await {
            Err(JournalError::DeadlineExceeded { .. }) if attempts < LOAD_ATTEMPTS => attempts += 1,
            loaded => return loaded,
        }
    }
}

fn registered(loaded: &Loaded) -> Option<&Registered> {
    match &loaded.network {
        Network::Registered(network) | Network::Retired(network) => Some(network),
        Network::Unregistered | Network::Marked(_) => None,
    }
}
