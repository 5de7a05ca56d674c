//! Whether an engine leaves anything behind.

/// Where what must last is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// Under the data directory.
    OnDisk,
    /// Nowhere: gone with the process.
    InMemory,
}
