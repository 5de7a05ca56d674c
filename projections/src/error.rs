//! What can go wrong with read models.

use journal::{FollowError, Position};
use std::path::PathBuf;
use thiserror::Error;

/// The read models cannot be opened, and not be made either.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The file cannot be opened or made.
    #[error("the read models at {} cannot be opened", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why, from SQLite.
        #[source]
        source: rusqlite::Error,
    },
    /// The file is of another program, and is left alone.
    #[error("{} holds something else than read models; name another file", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be used, and not be deleted either.
    #[error("the unusable read models at {} cannot be deleted", path.display())]
    Delete {
        /// The file.
        path: PathBuf,
        /// Why, from the system.
        #[source]
        source: std::io::Error,
    },
    /// The new file cannot be put in the place of the old one.
    #[error("the read models at {} cannot be put in their place", path.display())]
    Switch {
        /// The place.
        path: PathBuf,
        /// Why, from the system.
        #[source]
        source: std::io::Error,
    },
    /// A database in memory cannot be made.
    #[error("read models in memory cannot be made")]
    Memory(#[source] rusqlite::Error),
}

/// A question that cannot be answered.
#[derive(Debug, Error)]
pub enum QueryError {
    /// The token is not one that this question gave out, with these filters.
    #[error("the page token belongs to another question; start without one")]
    PageToken,
    /// The read models do not hold the whole log yet; what they hold must not pass for it.
    #[error("the read models are being built from the log, and are at {at}")]
    Building {
        /// Up to where they are.
        at: Position,
    },
    /// The file cannot be read.
    #[error("{operation}: the read models cannot be read")]
    Store {
        /// What was asked.
        operation: &'static str,
        /// Why, from SQLite.
        #[source]
        source: rusqlite::Error,
    },
    /// As many questions as may wait for an answer do.
    #[error("{operation}: {most} questions wait for the read models already; ask again")]
    Busy {
        /// What was asked.
        operation: &'static str,
        /// How many may wait.
        most: usize,
    },
    /// The process is ending.
    #[error("{operation}: interrupted")]
    Interrupted {
        /// What was asked.
        operation: &'static str,
    },
}

/// Why the read models cannot follow the log any further.
#[derive(Debug, Error)]
pub enum RunError {
    /// The log can never be followed, whatever time passes.
    #[error("the read models cannot follow the log")]
    Follow(#[from] FollowError),
    /// The file's place is taken by something that is not ours to delete.
    #[error("the read models cannot be built again")]
    Rebuild(#[source] OpenError),
    /// The process is ending.
    #[error("the read models were interrupted")]
    Interrupted,
}
