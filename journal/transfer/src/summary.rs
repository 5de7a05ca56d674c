//! What an import comes to.

use serde::Serialize;

/// What was done.
#[derive(Debug, Default, Clone, Serialize)]
pub struct Imported {
    /// Lines that were read.
    pub lines: u64,
    /// Events that were appended now, tombstones included.
    pub appended: u64,
    /// Events that the store had already.
    pub there_before: u64,
    /// Events that stand in for scavenged ones.
    pub filled: u64,
    /// Events marked as JSON that are no text; they are appended as bytes.
    pub marked_as_bytes: u64,
}
