//! A backup of an event store: the records of its log as they are, in files that are never changed
//! once they are finished.
//!
//! The problem: copying the files of a store while it runs gives no picture of any moment, and an
//! export through a client makes new positions and times and leaves users and groups behind. The
//! approach: the store sends its raw records from a position on, up to the end that it had when it
//! was asked ([`wire`]); [`Folder`] writes them to files and goes on later where it ended; with
//! [`Archive`] they are read again, every one checked.
//!
//! What it refuses: to go on with the log of another store, or of one that was restored to an older
//! state; a file that is not, byte for byte, what was written, by its name. What it does not know:
//! the form of a record, and the store.
//!
//! In a folder are `manifest.json`, which lists the finished files with their SHA-256; those files;
//! and perhaps one unfinished file. Read first: [`Folder`], then [`Archive`].

#![warn(missing_docs)]

mod archive;
mod error;
mod files;
mod folder;
mod frame;
mod manifest;
mod segment;
#[cfg(test)]
mod tests;
pub mod wire;

pub use archive::{Archive, Read};
pub use error::BackupError;
pub use files::{Disk, Files, Output};
pub use folder::{Folder, Written};
pub use frame::{Frame, FrameError, Kind};
pub use manifest::Anchor;
