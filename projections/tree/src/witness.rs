//! What a witness does with a checkpoint (C2SP tlog-witness): it cosigns one that follows what it
//! saw last, and nothing else.
//!
//! Pure: what it saw last comes in, and what it is to remember goes out. Whoever calls must write
//! that down before it answers, and take one request of a log at a time.

use crate::{
    CheckpointError, FileError, GrowthProof, Hash, SignedCheckpoint, SigningKeys, VerifierKey,
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What a witness saw last of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// How many events.
    pub size: u64,
    /// Their root.
    pub root: Hash,
    /// The checkpoint, with the log's signature and the witness's.
    pub checkpoint: String,
}

/// Why a checkpoint is not cosigned.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refused {
    /// No request.
    #[error(transparent)]
    Request(#[from] FileError),
    /// The proof begins behind the checkpoint.
    #[error("the old size {old} is larger than the checkpoint's {new}")]
    Backwards {
        /// From where it goes.
        old: u64,
        /// To where.
        new: u64,
    },
    /// No log that it watches.
    #[error("this witness watches no log {0}")]
    UnknownLog(String),
    /// Not signed by the log.
    #[error(transparent)]
    Unsigned(CheckpointError),
    /// It saw another size last.
    #[error("this witness saw {0} events last")]
    SawAnother(u64),
    /// It does not follow what it saw.
    #[error("the checkpoint does not follow what this witness saw: {0}")]
    Inconsistent(crate::ProofError),
}

impl Refused {
    /// The status of the answer over HTTP.
    pub fn status(&self) -> u16 {
        match self {
            Self::Request(_) | Self::Backwards { .. } => 400,
            Self::UnknownLog(_) => 404,
            Self::Unsigned(_) => 403,
            Self::SawAnother(_) => 409,
            Self::Inconsistent(_) => 422,
        }
    }

    /// What the answer's body says. Of a conflict it is the size alone.
    pub fn body(&self) -> String {
        match self {
            Self::SawAnother(size) => format!("{size}\n"),
            Self::Request(_)
            | Self::Backwards { .. }
            | Self::UnknownLog(_)
            | Self::Unsigned(_)
            | Self::Inconsistent(_) => format!("{self}\n"),
        }
    }
}

/// Looks at a request, and cosigns.
///
/// # Errors
/// When it is not to be cosigned.
pub fn cosign(
    request: &GrowthProof,
    logs: &[VerifierKey],
    seen: Option<&Seen>,
    keys: &SigningKeys,
    time: u64,
) -> Result<(Seen, String), Refused> {
    let new = request.checkpoint.checkpoint();
    if let Err(error) = request.checkpoint.verify(logs) {
        return Err(match error {
            CheckpointError::OtherLog { origin, .. } => Refused::UnknownLog(origin),
            error @ (CheckpointError::Note(_)
            | CheckpointError::Form
            | CheckpointError::Forged(_)
            | CheckpointError::Unsigned) => Refused::Unsigned(error),
        });
    }
    if request.old > new.size {
        let (old, new) = (request.old, new.size);
        return Err(Refused::Backwards { old, new });
    }
    let last = seen.map_or(0, |it| it.size);
    if request.old != last {
        return Err(Refused::SawAnother(last));
    }
    let root = seen.map_or_else(Hash::empty, |it| it.root);
    let follows = request.holds_after(&root);
    follows.map_err(Refused::Inconsistent)?;
    // Only what the log signed, and this witness.
    let mut cosigned = SignedCheckpoint::clone(&request.checkpoint);
    cosigned.note_mut().keep(logs);
    let mut own = crate::Note::new(cosigned.note().text().to_owned());
    for key in keys.keys() {
        own.cosign(key, time);
        cosigned.note_mut().cosign(key, time);
    }
    let seen = Seen {
        size: new.size,
        root: new.root,
        checkpoint: cosigned.to_string(),
    };
    Ok((seen, own.signature_lines()))
}
