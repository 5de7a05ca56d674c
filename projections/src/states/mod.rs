//! What networks were, every so many of their events: kept, so that a question about last year
//! costs what one about today does.
//!
//! A state is the audit's own fold up to an event. A question begins at the last one that lies
//! before its place, and folds on from there; without any, at the network's first event. So what is
//! kept is never more than a shortcut: it is thrown away with its version, with its file, and with
//! the log that it was made of, and whatever cannot be read of it is done without.
//!
//! They are kept ahead of questions, by a task that reads on in each network that has grown by
//! enough: a first question about a network of a million events would wait for all of them
//! otherwise. Which networks have grown is told by the read models, and nothing else of them is
//! used; a network of few events costs nothing.
//!
//! Read next: `fill` (when), then `rows` (how they are kept, and how many).

mod fill;
mod rows;
#[cfg(test)]
mod tests;

use audit::{Comparison, Difference, DifferenceError, Told, Until};
use domain::{EventId, NetworkId};
use journal::{Journal, JournalError, Position, Recorded};
use parking_lot::Mutex;
use rows::{Kept, Rows};
use std::{
    future::Future,
    io,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::Arc,
};
use thiserror::Error;
use tokio::task;

/// After how many events of a network another state of it is kept, if that is small.
const EVERY: u64 = 512;

/// How many events are read at once where many are needed.
const PART: usize = 2_048;

/// So many bytes of a state are worth one event more that a question reads: a large one is kept
/// less often.
const WORTH: u64 = 1024;

/// States of networks. A cheap handle; clones share everything.
#[derive(Clone, Debug)]
pub struct FoldedStates {
    rows: Arc<Mutex<Rows>>,
    every: u64,
    worth: u64,
    part: usize,
}

/// They cannot be kept where that was wanted.
#[derive(Debug, Error)]
pub enum StatesError {
    /// The file cannot be opened or made.
    #[error("folded states cannot be kept in {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why, from SQLite.
        #[source]
        source: rusqlite::Error,
    },
    /// The file is of another program, and is left alone.
    #[error("{} holds something else than folded states; name another folder", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be used, and not be deleted either.
    #[error("the unusable folded states at {} cannot be deleted", path.display())]
    Delete {
        /// The file.
        path: PathBuf,
        /// Why, from the system.
        #[source]
        source: io::Error,
    },
}

/// Where histories are read.
pub(crate) trait Histories: Send + Sync {
    /// Up to so many events of a stream after this event number; fewer only at its end.
    fn part(
        &self,
        stream: &str,
        after: Option<u64>,
        most: usize,
    ) -> impl Future<Output = Result<Vec<Recorded>, JournalError>> + Send;

    /// Which event has this number in this stream, and where it is.
    fn event(
        &self,
        stream: &str,
        revision: u64,
    ) -> impl Future<Output = Result<Option<(EventId, Position)>, JournalError>> + Send;
}

impl Histories for Journal {
    fn part(
        &self,
        stream: &str,
        after: Option<u64>,
        most: usize,
    ) -> impl Future<Output = Result<Vec<Recorded>, JournalError>> + Send {
        let from = after.map_or(0, |it| it.saturating_add(1));
        self.read_some(stream, from, most)
    }

    async fn event(
        &self,
        stream: &str,
        revision: u64,
    ) -> Result<Option<(EventId, Position)>, JournalError> {
        let found = self.event_at(stream, revision).await?;
        Ok(found.map(|it| (it.event_id, it.position)))
    }
}

impl FoldedStates {
    /// Opens the states in this file, and makes it if there is none. What cannot be used is
    /// deleted: the log has it all.
    ///
    /// # Errors
    /// When the file is somebody else's, or can be neither opened nor made.
    pub fn open(path: &Path) -> Result<Self, StatesError> {
        Rows::open(path).map(Self::over)
    }

    /// States that end with the process.
    ///
    /// # Errors
    /// When there is no memory.
    pub fn in_memory() -> Result<Self, StatesError> {
        Rows::in_memory().map(Self::over)
    }

    fn over(rows: Rows) -> Self {
        Self {
            rows: Arc::new(Mutex::new(rows)),
            every: EVERY,
            worth: WORTH,
            part: PART,
        }
    }

    /// Up to which event number of this network states are kept.
    pub fn kept(&self, network: NetworkId) -> Option<u64> {
        self.rows.lock().up_to(network)
    }

    /// This network at this place of its history.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub async fn at(
        &self,
        journal: &Journal,
        network: NetworkId,
        until: Until,
    ) -> Result<Told, JournalError> {
        self.at_of(journal, network, until).await
    }

    pub(crate) async fn at_of(
        &self,
        histories: &impl Histories,
        network: NetworkId,
        until: Until,
    ) -> Result<Told, JournalError> {
        let kept = self.nearest(histories, network, &[until]).await?;
        let mut told = kept.map(|it| it.told).unwrap_or_default();
        let after = told.past.last.map(|it| it.revision);
        let walked = self.walk(histories, network, after, |event| told.take(event, until));
        walked.await?;
        Ok(told)
    }

    /// What changed in this network between two places of its history.
    ///
    /// # Errors
    /// When the history cannot be read, or a state be written as a document.
    pub async fn diff(
        &self,
        journal: &Journal,
        network: NetworkId,
        from: Until,
        to: Until,
    ) -> Result<Difference, DifferenceError> {
        self.diff_of(journal, network, from, to).await
    }

    pub(crate) async fn diff_of(
        &self,
        histories: &impl Histories,
        network: NetworkId,
        from: Until,
        to: Until,
    ) -> Result<Difference, DifferenceError> {
        let kept = self.nearest(histories, network, &[from, to]).await?;
        let told = kept.map(|it| it.told).unwrap_or_default();
        let after = told.past.last.map(|it| it.revision);
        let mut comparison = Comparison::behind(told, from, to);
        let walked = self.walk(histories, network, after, |event| comparison.take(event));
        walked.await?;
        comparison.finish()
    }

    /// The last state of this network that lies within all of these, if the log still has its last
    /// event where it was.
    async fn nearest(
        &self,
        histories: &impl Histories,
        network: NetworkId,
        within: &[Until],
    ) -> Result<Option<Kept>, JournalError> {
        let (rows, asked) = (Arc::clone(&self.rows), within.to_vec());
        let found = task::spawn_blocking(move || rows.lock().nearest(network, &asked)).await;
        // What was interrupted, or cannot be read, is done without.
        let Some(kept) = found.ok().flatten() else {
            return Ok(None);
        };
        let Some(last) = kept.told.past.last else {
            return Ok(None);
        };
        let known = histories.event(&network.stream(), last.revision).await?;
        if known == Some((last.event_id, last.position)) {
            return Ok(Some(kept));
        }
        tracing::warn!(%network, "what is kept of the network's history is of another log, and is thrown away");
        let rows = Arc::clone(&self.rows);
        // Whoever asks next finds it once more, if it did not go.
        let _ = task::spawn_blocking(move || rows.lock().forget(network)).await;
        Ok(None)
    }

    /// Reads this network's history part by part behind this event number, until it ends or there
    /// is enough of it. The first part is what lies between two states, and mostly enough.
    async fn walk(
        &self,
        histories: &impl Histories,
        network: NetworkId,
        mut after: Option<u64>,
        mut each: impl FnMut(&Recorded) -> ControlFlow<()>,
    ) -> Result<(), JournalError> {
        let stream = network.stream();
        let first = usize::try_from(self.every).unwrap_or(self.part);
        let mut most = first.min(self.part) + 1;
        loop {
            let events = histories.part(&stream, after, most).await?;
            for event in &events {
                if each(event).is_break() {
                    return Ok(());
                }
            }
            if events.len() < most {
                return Ok(());
            }
            after = events.last().map(|it| it.revision);
            most = self.part;
        }
    }
}
