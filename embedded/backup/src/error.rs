//! Why a backup cannot be made, gone on with, or read.

use crate::FrameError;
use std::{io, path::PathBuf};
use thiserror::Error;

/// A backup, or what was asked of it, cannot be.
#[derive(Debug, Error)]
pub enum BackupError {
    /// The operating system refused something.
    #[error("cannot use {}", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What it said.
        #[source]
        source: io::Error,
    },
    /// There is no backup in the folder.
    #[error("there is no backup in {}", .0.display())]
    NoBackup(PathBuf),
    /// The folder holds other things.
    #[error("{} is no backup: it holds {name}", .folder.display())]
    NotABackup {
        /// The folder.
        folder: PathBuf,
        /// What it holds.
        name: String,
    },
    /// Another process writes to the folder.
    #[error("another backup writes to {}", .0.display())]
    InUse(PathBuf),
    /// A backup was begun and never came to its end.
    #[error("the backup in {} never came to its end: run the same backup again, it goes on", .0.display())]
    Unfinished(PathBuf),
    /// Another version wrote it.
    #[error("{} has the format {found}, and this version reads {known}", .file.display())]
    OtherFormat {
        /// The file that says so.
        file: PathBuf,
        /// What it says.
        found: u32,
        /// What is known.
        known: u32,
    },
    /// A file is not what was written.
    #[error("{} is damaged: {problem}", .file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The store is another one, or was restored to an older state and went on from there.
    #[error("{} is a backup of another log: {why}", .folder.display())]
    AnotherLog {
        /// The folder of the backup.
        folder: PathBuf,
        /// By what that was recognised.
        why: String,
    },
    /// What the store sent is not what it was asked for.
    #[error("the store sent what no backup can hold: {0}")]
    Sent(String),
    /// The position or time asked for is outside of the backup.
    #[error("{what}, and the backup in {} ends at position {end}", .folder.display())]
    Beyond {
        /// The folder of the backup.
        folder: PathBuf,
        /// What was asked for.
        what: String,
        /// Where the backup ends.
        end: u64,
    },
}

impl BackupError {
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        |source| Self::Io { path, source }
    }

    pub(crate) fn damaged(file: impl Into<PathBuf>, problem: impl ToString) -> Self {
        Self::Damaged {
            file: file.into(),
            problem: problem.to_string(),
        }
    }
}

impl From<FrameError> for BackupError {
    fn from(error: FrameError) -> Self {
        Self::Sent(error.to_string())
    }
}
