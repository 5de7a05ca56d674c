//! Moves the history of an event store to another, as lines of JSON that people can read.
//!
//! Both ends are reached through the official client, so either may be a KurrentDB, of any size, or
//! the embedded store behind a connection string. [`export()`] writes the events of a store in the
//! order of its log; [`import()`] appends them, each at the revision that it had. Both can be
//! interrupted and repeated: an export goes on where its file ends, an import appends nothing that
//! is there already.
//!
//! What comes over, byte for byte: ids, types, data, metadata, their order and their numbers, the
//! metadata of streams, soft deletes and tombstones. What does not: positions and the store's own
//! times, and what each store keeps for itself (links of projections, users, groups).
//!
//! The crate reads no clock, no environment and no arguments. Progress is told to a function.
//!
//! Read first: [`Store`] (how a store that does not answer is asked again), then [`export()`] and
//! [`import()`]; the form of a line is in `line.rs`.

#![warn(missing_docs)]

mod append;
mod error;
mod export;
mod import;
mod line;
mod store;
mod summary;

pub use error::TransferError;
pub use export::{ExportFile, Exported, export};
pub use import::{Import, import};
pub use store::Store;
pub use summary::Imported;

/// How far a transfer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// So much is done: a position in the log for an export, bytes of the source for an import.
    pub done: u64,
    /// Of so much, in the same unit; 0 when that is not known.
    pub of: u64,
    /// Events that have gone over so far.
    pub events: u64,
}
