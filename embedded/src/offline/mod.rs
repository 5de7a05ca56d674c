//! A data directory that no node uses, looked at without starting one: what is in it, and whether
//! all of it is sound.
//!
//! Both block, and may take a while: they say how far they are.

mod stats;
mod verify;

use std::path::PathBuf;

pub use stats::{Stats, stats};
pub use verify::{Verification, verify};

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
