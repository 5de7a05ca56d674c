//! What a log signs: how many events it holds, and the root of their tree (C2SP tlog-checkpoint).

use crate::{Forged, Hash, Note, NoteError, Purpose, Signed, SigningKeys, VerifierKey, key};
use std::fmt;
use thiserror::Error;

/// What stands between a log's name and the number of its epoch, from the second on.
const EPOCH: &str = "/epoch-";

/// A statement about a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log it is about: its name, and from its second epoch on `/epoch-N`.
    pub origin: String,
    /// How many events it holds.
    pub size: u64,
    /// The root of their tree.
    pub root: Hash,
}

/// Why a text is no checkpoint, or one that is not to be believed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CheckpointError {
    /// No signed note.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// A note, and no checkpoint.
    #[error("a checkpoint has three lines: the log's origin, its size, and its root in base64")]
    Form,
    /// Of another log than any key's.
    #[error("it is of the log {origin}, and the key is for {}", .known.join(", "))]
    OtherLog {
        /// Its origin.
        origin: String,
        /// The names of the keys.
        known: Vec<String>,
    },
    /// A known key's signature does not hold.
    #[error(transparent)]
    Forged(#[from] Forged),
    /// Not signed by any key that is known.
    #[error(
        "it is signed by no key that you named: the log has another key, or somebody else made it"
    )]
    Unsigned,
}

/// A checkpoint with its signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    note: Note,
}

/// Who stands for a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vouched {
    /// The log's own keys.
    pub log: Vec<Signed>,
    /// Witnesses, each with the time at which it saw that the log had only grown.
    pub witnesses: Vec<Signed>,
    /// How many signatures are of keys that are not known.
    pub unknown: usize,
}

/// The origin of a log's epoch.
pub fn origin_of(name: &str, epoch: u64) -> String {
    if epoch <= 1 {
        name.to_owned()
    } else {
        format!("{name}{EPOCH}{epoch}")
    }
}

/// Whether a key of this name signs for this origin: the log's own name, or an epoch of it.
pub fn is_origin_of(origin: &str, name: &str) -> bool {
    let Some(rest) = origin.strip_prefix(name) else {
        return false;
    };
    let epoch = rest.strip_prefix(EPOCH).and_then(number);
    rest.is_empty() || epoch.is_some_and(|it| it > 1)
}

/// A decimal number as these formats write it: digits, and none too many.
pub(crate) fn number(text: &str) -> Option<u64> {
    let is_plain = text == "0" || !text.starts_with('0');
    let is_number = is_plain && text.bytes().all(|it| it.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

impl Checkpoint {
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
        // What a log adds is not looked at, and must not be empty.
        let is_whole = lines.all(|it| !it.is_empty());
        let origin = key::checked_name(origin).ok()?;
        is_whole.then_some(Self {
            origin: origin.to_owned(),
            size: number(size)?,
            root: root.parse().ok()?,
        })
    }

    /// Signs it with all of these keys.
    pub fn sign(self, keys: &SigningKeys) -> SignedCheckpoint {
        let mut note = Note::new(self.to_string());
        for key in keys.keys() {
            note.sign(key);
        }
        SignedCheckpoint {
            checkpoint: self,
            note,
        }
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, self.root)
    }
}

impl SignedCheckpoint {
    /// Reads one. Nobody has looked at its signatures yet.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let note = Note::parse(text)?;
        let checkpoint = Checkpoint::parse(note.text()).ok_or(CheckpointError::Form)?;
        Ok(Self { checkpoint, note })
    }

    /// What it says.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The note.
    pub fn note(&self) -> &Note {
        &self.note
    }

    /// The note, to add cosignatures to.
    pub fn note_mut(&mut self) -> &mut Note {
        &mut self.note
    }

    /// Who stands for it: one of the log's own keys at least, and those witnesses that are known.
    ///
    /// # Errors
    /// When it is of another log, signed by no key that is known, or a signature does not hold.
    pub fn verify(&self, keys: &[VerifierKey]) -> Result<Vouched, CheckpointError> {
        let is_log = |it: &&VerifierKey| it.purpose() == Purpose::Log;
        let origin = &self.checkpoint.origin;
        let logs = || keys.iter().filter(is_log);
        if !logs().any(|it| is_origin_of(origin, it.name())) {
            return Err(CheckpointError::OtherLog {
                origin: origin.clone(),
                known: logs().map(|it| it.name().to_owned()).collect(),
            });
        }
        let signed = self.note.verify(keys)?;
        let unknown = self.note.signatures() - signed.len();
        let (mut log, witnesses): (Vec<_>, Vec<_>) = signed
            .into_iter()
            .partition(|it| it.key.purpose() == Purpose::Log);
        log.retain(|it| is_origin_of(origin, it.key.name()));
        if log.is_empty() {
            return Err(CheckpointError::Unsigned);
        }
        Ok(Vouched {
            log,
            witnesses,
            unknown,
        })
    }
}

impl fmt::Display for SignedCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.note, f)
    }
}
