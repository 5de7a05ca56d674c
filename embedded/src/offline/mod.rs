//! A data directory that no node uses, looked at without starting one: what is in it, and whether
//! all of it is sound; and backups of one, and one made of a backup.
//!
//! All block, and may take a while: they say how far they are.

mod backup;
mod restore;
mod stats;
mod verify;

use std::path::{Path, PathBuf};

use ::backup::BackupError;
use thiserror::Error;

use crate::{
    StartError,
    log::{OpenError, must_exist},
};

pub use self::backup::backup;
pub use restore::{Restored, Until, restore};
pub use stats::{Stats, stats};
pub use verify::{Verification, verify};

/// Whether a store is in this folder, of whatever format.
pub fn is_store(directory: &Path) -> bool {
    !matches!(must_exist(directory), Err(OpenError::NoStore(_)))
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub doing: Doing,
    /// How much of it is done: bytes of files, or positions of the log.
    pub done: u64,
    /// How much there is.
    pub of: u64,
}

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    /// The files are read and their checksums compared.
    Files,
    /// The events are read in the order of the log.
    Events,
    /// The index of streams is read.
    Index,
}

/// A file, or a part of the store, that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file, or the folder whose files do not agree.
    pub file: PathBuf,
    /// What is wrong with it.
    pub problem: String,
}

/// A backup, or a restore, that did not come to its end.
#[derive(Debug, Error)]
pub enum BackupFailure {
    /// The store cannot be read or written.
    #[error(transparent)]
    Store(#[from] StartError),
    /// The backup cannot be read or written.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// Something has the name of what is to be made.
    #[error("{} is there already; a restore makes a directory of its own", .0.display())]
    Exists(PathBuf),
}
