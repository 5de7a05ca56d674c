//! The tree over the log's events, kept: a file of its own beside the read models, written as they
//! are, a position in one transaction with the leaves that it stands for.
//!
//! The tree can be built again from the log at any time, and comes out the same. What cannot is
//! what was signed of it; so the file is put aside when it is damaged, and checkpoints stay in it
//! when the log becomes another one.
//!
//! **Epochs.** A log only grows, and so does its tree. A store that was restored to an older state,
//! or rewritten, has lost what may be signed already: that is another log, and the tree begins anew
//! with it, in the next *epoch*, under an origin of its own. The tree of the epoch before is kept
//! with its checkpoints, and how many events both begin with. A history that was moved to another
//! store with all its events is the same log: the tree is built again and the epoch goes on.
//!
//! Read next: `follow` (when), then `rows` (how it is kept) and `places` (where an event is in it);
//! `beside` and `anew` build a tree beside the one that serves.

mod anew;
mod beside;
mod follow;
mod places;
mod rows;
#[cfg(test)]
mod tests;

use crate::{NotCancelled, Rebuild, RebuildCounts, UnderWay, rebuild::Rebuilds, store::is_damage};
use chrono::{DateTime, Utc};
use domain::EventId;
use journal::{FollowError, Followed, Position};
use parking_lot::Mutex;
use rusqlite::Connection;
use std::{
    borrow::Cow,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use thiserror::Error;
use tokio::{sync::watch, task};
use tree::{Hash, LONGEST_PROOF, SignedCheckpoint};

pub use follow::{leaf as leaf_of, read_covered};
pub use rows::{Epoch, KeptCheckpoint, LeafPlace};

/// The tree of one log. A cheap handle; clones share everything.
#[derive(Clone, Debug)]
pub struct AuditTree {
    file: Arc<File>,
    progress: Arc<Progress>,
    rebuilds: Arc<Rebuilds>,
}

#[derive(Debug)]
struct File {
    /// `None` in memory.
    path: Option<PathBuf>,
    connection: Mutex<Connection>,
}

#[derive(Debug)]
struct Progress {
    position: watch::Sender<Position>,
    caught_up: watch::Sender<bool>,
}

/// The tree as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Which epoch of the log, from 1.
    pub epoch: u64,
    /// How many events.
    pub size: u64,
    /// Their root.
    pub root: Hash,
    /// Up to where in the log.
    pub position: Position,
}

/// What is asked of the tree and cannot be answered.
#[derive(Debug, Error)]
pub enum TreeError {
    /// It does not hold the whole log yet.
    #[error("the tree is being built from the log, and is at {at}")]
    Building {
        /// Up to where it is.
        at: Position,
    },
    /// There is no tree of this size: it has fewer leaves.
    #[error("the tree has {size} events, not {asked}")]
    Beyond {
        /// How many it has.
        size: u64,
        /// How many it was asked for.
        asked: u64,
    },
    /// The file cannot be read or written.
    #[error("the tree cannot be read or written")]
    File(#[from] rusqlite::Error),
    /// The file was damaged and could not be put aside.
    #[error("the damaged tree cannot be put aside")]
    Aside(#[from] io::Error),
    /// The process is ending.
    #[error("interrupted")]
    Interrupted,
}

/// Why the tree cannot follow the log any further.
#[derive(Debug, Error)]
pub enum TreeRunError {
    /// The log can never be followed, whatever time passes.
    #[error("the audit's tree cannot follow the log")]
    Follow(#[from] FollowError),
    /// The tree can never be written.
    #[error("the audit's tree cannot be kept")]
    Tree(#[from] TreeError),
}

/// A proof, and the tree that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Its hashes.
    pub hashes: Vec<Hash>,
    /// The tree's size.
    pub size: u64,
    /// The tree's root.
    pub root: Hash,
}

impl AuditTree {
    /// Opens the tree in this file, and makes it if there is none. One that is damaged is put
    /// aside.
    ///
    /// # Errors
    /// When it can neither be opened nor made.
    pub fn open(path: &Path) -> Result<Self, TreeError> {
        let connection = match rows::opened(path) {
            Ok(connection) => connection,
            Err(error) if is_damage(&error) => {
                put_aside(path)?;
                tracing::warn!(path = %path.display(), %error, "the tree of the audit was damaged; it is put aside and built again from the log");
                rows::opened(path)?
            }
            Err(error) => return Err(error.into()),
        };
        Self::over(Some(path.to_owned()), connection)
    }

    /// A tree that ends with the process.
    ///
    /// # Errors
    /// When there is no memory.
    pub fn in_memory() -> Result<Self, TreeError> {
        Self::over(None, rows::in_memory()?)
    }

    fn over(path: Option<PathBuf>, connection: Connection) -> Result<Self, TreeError> {
        let position = rows::current(&connection)?.position;
        let rebuilds = Rebuilds::new();
        if let Some(asked_at) = anew::unfinished(&connection)? {
            // Nothing else has been asked for yet.
            let _ = rebuilds.ask(Some(asked_at));
        }
        Ok(Self {
            file: Arc::new(File {
                path,
                connection: Mutex::new(connection),
            }),
            progress: Arc::new(Progress {
                position: watch::Sender::new(position),
                caught_up: watch::Sender::new(false),
            }),
            rebuilds: Arc::new(rebuilds),
        })
    }

    /// Has a tree built from the log while this one serves on, and compared with it: event by
    /// event, and the roots of as many events. Then it takes over; never with another root. Needs
    /// [`AuditTree::run`] to be running. What stands half built is gone on with by whoever opens
    /// the file next.
    ///
    /// # Errors
    /// When that is being done already.
    pub fn rebuild(&self, now: DateTime<Utc>) -> Result<(), UnderWay> {
        self.rebuilds.ask(Some(now))
    }

    /// Gives up what is being built.
    ///
    /// # Errors
    /// When nothing is.
    pub fn cancel_rebuild(&self) -> Result<(), NotCancelled> {
        self.rebuilds.cancel()
    }

    /// What is being built, or was last, since this process began.
    pub fn last_rebuild(&self) -> Option<Rebuild> {
        self.rebuilds.last()
    }

    /// How often what was built came to what, since this process began.
    pub fn rebuild_counts(&self) -> RebuildCounts {
        self.rebuilds.counts()
    }

    /// What of the log it follows.
    pub fn followed() -> Followed {
        Followed::Named(Cow::Borrowed(&follow::PREFIXES))
    }

    /// Up to which position of the log the tree is.
    pub fn position(&self) -> watch::Receiver<Position> {
        self.progress.position.subscribe()
    }

    /// Whether it has reached the end of the log since this process began to follow.
    pub fn caught_up(&self) -> watch::Receiver<bool> {
        self.progress.caught_up.subscribe()
    }

    /// Waits until what was appended at this position is in the tree. `false`: the time ran out.
    pub async fn wait_for(&self, position: Position, timeout: Duration) -> bool {
        let (mut at, mut whole) = (self.position(), self.caught_up());
        let reached = async {
            let reached = at.wait_for(|at| *at >= position).await.is_ok();
            reached && whole.wait_for(|it| *it).await.is_ok()
        };
        tokio::time::timeout(timeout, reached)
            .await
            .unwrap_or(false)
    }

    /// The tree as it is now.
    ///
    /// # Errors
    /// While it is being built, or when it cannot be read.
    pub async fn head(&self) -> Result<Head, TreeError> {
        self.ask(|rows| {
            let tree = rows::current(rows)?;
            let root = rows::root(rows, tree.tree, tree.size)?;
            Ok(tree.epoch.map(|epoch| Head {
                epoch,
                size: tree.size,
                root,
                position: tree.position,
            }))
        })
        .await?
        .ok_or_else(|| self.building())
    }

    /// What shows that the event at this place is in the tree of this size.
    ///
    /// # Errors
    /// When there is no such place or size, or it cannot be read.
    pub async fn inclusion(&self, index: u64, size: u64) -> Result<Proof, TreeError> {
        self.prove(index.saturating_add(1), size, move |rows, tree, size| {
            rows::inclusion(rows, tree, index, size)
        })
        .await
    }

    /// What shows that the tree of `new` events begins with that of `old`.
    ///
    /// # Errors
    /// When there is no such size, or it cannot be read.
    pub async fn consistency(&self, old: u64, new: u64) -> Result<Proof, TreeError> {
        self.prove(old, new, move |rows, tree, size| {
            rows::consistency(rows, tree, old, size)
        })
        .await
    }

    async fn prove(
        &self,
        part: u64,
        size: u64,
        hashes: impl FnOnce(&Connection, i64, u64) -> rusqlite::Result<Vec<Hash>> + Send + 'static,
    ) -> Result<Proof, TreeError> {
        let proved = self.ask(move |rows| {
            let tree = rows::current(rows)?;
            let asked = part.max(size);
            if asked > tree.size {
                return Ok(Err((tree.size, asked)));
            }
            if part > size {
                return Ok(Err((size, part)));
            }
            let hashes = hashes(rows, tree.tree, size)?;
            debug_assert!(hashes.len() <= LONGEST_PROOF);
            let root = rows::root(rows, tree.tree, size)?;
            Ok(Ok(Proof { hashes, size, root }))
        });
        let beyond = |(size, asked)| TreeError::Beyond { size, asked };
        proved.await?.map_err(beyond)
    }

    /// Where the events with this id are; the id is unique in each stream alone.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn find(&self, id: EventId) -> Result<Vec<LeafPlace>, TreeError> {
        self.ask(move |rows| places::find(rows, id)).await
    }

    /// Where the event at this position of the log is.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn place_at(&self, position: Position) -> Result<Option<LeafPlace>, TreeError> {
        self.ask(move |rows| places::at(rows, position)).await
    }

    /// Where the events from this place on are, so many at most.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn places(&self, from: u64, most: usize) -> Result<Vec<LeafPlace>, TreeError> {
        self.ask(move |rows| places::places(rows, from, most)).await
    }

    /// All epochs, the current one last.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn epochs(&self) -> Result<Vec<Epoch>, TreeError> {
        self.ask(rows::epochs).await
    }

    /// Keeps what was signed of an epoch, in place of what is kept of the same size.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn keep(&self, epoch: u64, checkpoint: SignedCheckpoint) -> Result<(), TreeError> {
        self.ask(move |rows| rows::keep(rows, epoch, &checkpoint))
            .await
    }

    /// The newest checkpoint of an epoch that has this many events at least.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn checkpoint(
        &self,
        epoch: u64,
        least: u64,
    ) -> Result<Option<KeptCheckpoint>, TreeError> {
        self.ask(move |rows| rows::checkpoint(rows, epoch, least))
            .await
    }

    fn building(&self) -> TreeError {
        TreeError::Building {
            at: *self.progress.position.borrow(),
        }
    }

    /// Runs one transaction; as a whole or not at all.
    async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, TreeError> {
        let file = Arc::clone(&self.file);
        let done = task::spawn_blocking(move || {
            let mut connection = file.connection.lock();
            let transaction = connection.transaction()?;
            let done = work(&transaction)?;
            transaction.commit()?;
            Ok::<_, rusqlite::Error>(done)
        });
        let done = done.await.map_err(|_| TreeError::Interrupted)?;
        Ok(done?)
    }

    /// Puts a damaged file aside, and begins a new one in its place.
    async fn begin_anew(&self) -> Result<(), TreeError> {
        let file = Arc::clone(&self.file);
        let begun = task::spawn_blocking(move || {
            let mut connection = file.connection.lock();
            *connection = rows::in_memory()?;
            if let Some(path) = &file.path {
                put_aside(path)?;
                *connection = rows::opened(path)?;
            }
            Ok(())
        });
        begun.await.map_err(|_| TreeError::Interrupted)?
    }
}

/// Gives the file another name: what was signed may still be read from it.
fn put_aside(path: &Path) -> io::Result<()> {
    for suffix in ["", "-wal", "-shm"] {
        let with = |more: &str| {
            let mut name = path.as_os_str().to_owned();
            name.push(more);
            PathBuf::from(name)
        };
        let from = with(suffix);
        match std::fs::rename(&from, with(&format!(".damaged{suffix}"))) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}
