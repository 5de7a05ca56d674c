//! The tree over the log's events, and what it proves: the form of a leaf, the tree of RFC 6962,
//! the log's signed checkpoints, proofs as files, and how a file is verified with nothing but a
//! key.
//!
//! The formats are those of C2SP, which other programs read: signed notes, checkpoints,
//! cosignatures, `tlog-proof`, the requests of `tlog-witness`, and tiles. Pure: no store, no file,
//! no clock and no randomness; whoever keeps the tree hands them in.
//!
//! Read first: `leaf` (what is proved), then `merkle` (how), then `verify` (what a file says).

#![warn(missing_docs)]

mod checkpoint;
mod export;
mod files;
mod hash;
mod key;
mod leaf;
mod merkle;
mod note;
mod tiles;
mod verify;
mod witness;

pub use checkpoint::{
    Checkpoint, CheckpointError, SignedCheckpoint, Vouched, is_origin_of, origin_of,
};
pub use export::{Content, ExportError, ExportHeader, FORMAT as EXPORT, read_events};
pub use files::{EventProof, FileError, GrowthProof};
pub use hash::{Hash, NoHash};
pub use key::{KeyError, MOST_KEYS, Purpose, SigningKey, SigningKeys, VerifierKey};
pub use leaf::{COVERED, Covered, Leaf, LeafRecord, NoContent, NoLeaf, is_covered};
pub use merkle::{
    Edge, LONGEST_PROOF, Nodes, ProofError, consistency, inclusion, root, verify_consistency,
    verify_inclusion,
};
pub use note::{Forged, Note, NoteError, Signed, TakeOverError};
pub use tiles::{Growth, TileError, TileId, Tiled, Tiles, WIDTH};
pub use verify::{Against, Proved, Verdict, VerifyError, verify};
pub use witness::{Refused, Seen, cosign};

#[cfg(test)]
mod tests;
