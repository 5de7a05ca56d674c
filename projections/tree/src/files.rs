//! The two files of proofs, each one text: that an event is in the log (C2SP tlog-proof), and that
//! one checkpoint follows another (the request of C2SP tlog-witness).

use crate::{
    CheckpointError, Hash, LONGEST_PROOF, SignedCheckpoint, checkpoint::number, merkle::ProofError,
    verify_consistency, verify_inclusion,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::fmt;
use thiserror::Error;

/// The first line of a proof that an event is in the log.
pub(crate) const TLOG_PROOF: &str = "c2sp.org/tlog-proof@v1";
/// What a consistency proof begins with.
const OLD: &str = "old ";

/// Why a file is no proof.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FileError {
    /// A line is missing, or is something else.
    #[error("line {line} is not {expected}")]
    Line {
        /// Which one, from 1.
        line: usize,
        /// What belongs there.
        expected: &'static str,
    },
    /// It ends before its checkpoint.
    #[error("it ends before its checkpoint: it is cut")]
    Cut,
    /// More hashes than any proof has.
    #[error("it has more than {LONGEST_PROOF} hashes")]
    Long,
    /// What stands below is no checkpoint.
    #[error("its checkpoint cannot be read")]
    Checkpoint(#[from] CheckpointError),
}

/// That an event is in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventProof {
    /// The leaf's bytes, as far as they go along.
    pub leaf: Option<Vec<u8>>,
    /// The event's place among all.
    pub index: u64,
    /// The hashes beside its way, from the leaf up.
    pub hashes: Vec<Hash>,
    /// What the log signed.
    pub checkpoint: SignedCheckpoint,
}

impl EventProof {
    /// Reads one.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, FileError> {
        let mut lines = Lines::of(text)?;
        let expect = |line, expected| FileError::Line { line, expected };
        if lines.next() != Some(TLOG_PROOF) {
            return Err(expect(1, "c2sp.org/tlog-proof@v1"));
        }
        let mut next = lines.next().ok_or(FileError::Cut)?;
        let mut leaf = None;
        if let Some(extra) = next.strip_prefix("extra ") {
            let bytes = STANDARD.decode(extra);
            leaf = Some(bytes.map_err(|_| expect(2, "`extra` with base64"))?);
            next = lines.next().ok_or(FileError::Cut)?;
        }
        let index = next.strip_prefix("index ").and_then(number);
        let index = index.ok_or(expect(lines.number, "`index` with a number"))?;
        Ok(Self {
            leaf,
            index,
            hashes: lines.hashes()?,
            checkpoint: SignedCheckpoint::parse(lines.rest)?,
        })
    }

    /// Whether the leaf with this hash is in the tree that the checkpoint names. Who signed that is
    /// another question.
    ///
    /// # Errors
    /// When the proof does not show it.
    pub fn holds_for(&self, leaf: &Hash) -> Result<(), ProofError> {
        let of = self.checkpoint.checkpoint();
        verify_inclusion(leaf, self.index, of.size, &self.hashes, &of.root)
    }
}

impl fmt::Display for EventProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{TLOG_PROOF}")?;
        if let Some(leaf) = &self.leaf {
            writeln!(f, "extra {}", STANDARD.encode(leaf))?;
        }
        writeln!(f, "index {}", self.index)?;
        write_hashes(f, &self.hashes)?;
        write!(f, "\n{}", self.checkpoint)
    }
}

/// That a checkpoint follows an older one: nothing but additions lies between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrowthProof {
    /// The older one's size.
    pub old: u64,
    /// The proof's hashes.
    pub hashes: Vec<Hash>,
    /// The newer one.
    pub checkpoint: SignedCheckpoint,
}

impl GrowthProof {
    /// Whether a text begins like one.
    pub fn is_like(text: &str) -> bool {
        text.starts_with(OLD)
    }

    /// Reads one.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, FileError> {
        let mut lines = Lines::of(text)?;
        let old = lines.next().and_then(|it| number(it.strip_prefix(OLD)?));
        let expected = "`old` with a number";
        let old = old.ok_or(FileError::Line { line: 1, expected })?;
        Ok(Self {
            old,
            hashes: lines.hashes()?,
            checkpoint: SignedCheckpoint::parse(lines.rest)?,
        })
    }

    /// Whether the checkpoint follows the older tree, which has this root.
    ///
    /// # Errors
    /// When the proof does not show it.
    pub fn holds_after(&self, root: &Hash) -> Result<(), ProofError> {
        let new = self.checkpoint.checkpoint();
        verify_consistency((self.old, root), (new.size, &new.root), &self.hashes)
    }
}

impl fmt::Display for GrowthProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{OLD}{}", self.old)?;
        write_hashes(f, &self.hashes)?;
        write!(f, "\n{}", self.checkpoint)
    }
}

fn write_hashes(f: &mut fmt::Formatter<'_>, hashes: &[Hash]) -> fmt::Result {
    hashes.iter().try_for_each(|it| writeln!(f, "{it}"))
}

/// The lines before the empty one, and what stands behind it.
struct Lines<'a> {
    lines: std::str::Split<'a, char>,
    number: usize,
    rest: &'a str,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Result<Self, FileError> {
        let (head, rest) = text.split_once("\n\n").ok_or(FileError::Cut)?;
        Ok(Self {
            lines: head.split('\n'),
            number: 0,
            rest,
        })
    }

    fn next(&mut self) -> Option<&'a str> {
        self.number += 1;
        self.lines.next()
    }

    fn hashes(&mut self) -> Result<Vec<Hash>, FileError> {
        let mut hashes = Vec::new();
        while let Some(line) = self.next() {
            if hashes.len() == LONGEST_PROOF {
                return Err(FileError::Long);
            }
            let expected = "a hash in base64";
            let line = line.parse().map_err(|_| FileError::Line {
                line: self.number,
                expected,
            })?;
            hashes.push(line);
        }
        Ok(hashes)
    }
}
