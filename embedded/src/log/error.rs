//! What can go wrong with the log.

use std::{io, path::PathBuf};

use thiserror::Error;

use super::files::Fault;
use crate::model::{Position, RecordError};

/// An operation on an open log failed.
#[derive(Debug, Error)]
pub(crate) enum LogError {
    #[error("cannot write to the log")]
    Commit(#[source] fjall::Error),
    #[error("cannot read the log")]
    Read(#[source] fjall::Error),
    #[error("the log is damaged: {fault}")]
    DamagedFile {
        fault: Fault,
        #[source]
        source: fjall::Error,
    },
    #[error("the log is closed since a write failed")]
    Closed,
    #[error("the log cannot be opened again after a write failed")]
    Reopen(#[source] Box<OpenError>),
    #[error("the name of a stream has {0} bytes, more than the log can hold")]
    LongName(usize),
    #[error("the log is damaged")]
    Damaged(#[from] RecordError),
    #[error("the index is damaged: an entry has a key or value of an unexpected form")]
    DamagedIndex,
    #[error("the index points at position {}, where no record stands", .0.get())]
    Dangling(Position),
}

/// A log on disk could not be opened.
#[derive(Debug, Error)]
pub(crate) enum OpenError {
    #[error("another process uses {}", .0.display())]
    InUse(PathBuf),
    #[error("there is no event store in {}", .0.display())]
    NoStore(PathBuf),
    #[error("{} says the format is {found:?}, which this version does not know", .file.display())]
    UnknownFormat { file: PathBuf, found: String },
    #[error("{} says the format is {found}, and this version knows {known}", .file.display())]
    OtherFormat {
        file: PathBuf,
        found: u32,
        known: u32,
    },
    #[error("{0}")]
    Damaged(Fault),
    #[error("the storage library could make nothing of {}", .path.display())]
    Senseless { path: PathBuf },
    #[error("events are missing: {} says the log has reached position {}, and it ends at {}", .file.display(), .extent.get(), .end.get())]
    Shorter {
        file: PathBuf,
        extent: Position,
        end: Position,
    },
    #[error("{} cannot be read", .file.display())]
    Unreadable { file: PathBuf },
    #[error("the records in {} cannot be read", .path.display())]
    Records {
        path: PathBuf,
        #[source]
        source: Box<LogError>,
    },
    #[error("cannot use {}", .path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot open the store in {}", .path.display())]
    Store {
        path: PathBuf,
        #[source]
        source: fjall::Error,
    },
}
