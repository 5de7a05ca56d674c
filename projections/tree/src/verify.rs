//! Whether a file says the truth about a log: offline, from the file and keys alone.
//!
//! What can be checked: a proof that an event is in the log, a checkpoint, a proof that a
//! checkpoint follows an older one, and a file of events. What is found is told as facts
//! ([`Verdict`]); what does not hold is an error that says what was changed, as far as that can be
//! told.

use crate::{
    CheckpointError, Content, EventProof, ExportError, ExportHeader, FileError, GrowthProof, Hash,
    Leaf, ProofError, SignedCheckpoint, VerifierKey, Vouched, files::TLOG_PROOF, read_events,
    verify_inclusion,
};
use std::io::{self, BufRead, Read as _};
use thiserror::Error;

/// The largest proof or checkpoint that is read: a leaf may hold what a store takes.
const LARGEST: u64 = 64 << 20;

/// What somebody holds a file against.
#[derive(Clone, Debug, Default)]
pub struct Against {
    /// The log's keys, and those of the witnesses that are trusted.
    pub keys: Vec<VerifierKey>,
    /// What the log signed earlier: the file must go on from there.
    pub older: Option<SignedCheckpoint>,
    /// What the log is known to hold at least: the file must go as far.
    pub expected: Option<SignedCheckpoint>,
}

/// What a file proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What it is.
    pub what: Proved,
    /// The log's origin.
    pub origin: String,
    /// How many events the log held when it signed.
    pub size: u64,
    /// The root of their tree.
    pub root: Hash,
    /// Who stands for that.
    pub vouched: Vouched,
    /// The size of the older checkpoint that it goes on from.
    pub follows: Option<u64>,
    /// The size of the expected checkpoint that it reaches.
    pub reaches: Option<u64>,
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proved {
    /// This event is in the log.
    Event {
        /// Its place among all, from 0.
        index: u64,
        /// It.
        leaf: Leaf,
    },
    /// A statement of the log's.
    Checkpoint,
    /// All events of the log, up to that statement.
    AllEvents,
    /// So many events of the log; of others it says nothing.
    SomeEvents(usize),
}

/// Why a file is not believed.
#[derive(Debug, Error)]
pub enum VerifyError {
    /// It cannot be read.
    #[error("the file cannot be read")]
    Read(#[from] io::Error),
    /// It is none that can be checked.
    #[error(
        "this is no file that can be checked: neither a .tlog-proof, nor a checkpoint, nor events of an export"
    )]
    Unknown,
    /// A proof that is damaged.
    #[error("the proof is damaged")]
    File(#[from] FileError),
    /// Its checkpoint is not believed.
    #[error("the checkpoint is not believed")]
    Checkpoint(#[from] CheckpointError),
    /// The older or the expected checkpoint is not believed.
    #[error("the {which} checkpoint is not believed")]
    Other {
        /// Which one.
        which: &'static str,
        /// Why.
        #[source]
        source: CheckpointError,
    },
    /// The older or the expected checkpoint is of another log.
    #[error(
        "the {which} checkpoint is of {other}, and the file is of {origin}: another log, or another epoch of it"
    )]
    OtherLog {
        /// Which one.
        which: &'static str,
        /// Its origin.
        other: String,
        /// The file's.
        origin: String,
    },
    /// The proof has no event in it.
    #[error("the proof does not say what it is about: it has no event in its `extra` line")]
    NoLeaf,
    /// The event is not what was signed.
    #[error(
        "event {index} is not in the log as the file shows it: it, its place or its proof was changed"
    )]
    Event {
        /// Its place.
        index: u64,
        /// What the proof shows.
        #[source]
        source: ProofError,
    },
    /// A file of events is damaged.
    #[error("the file of events is damaged")]
    Export(#[from] ExportError),
    /// Nothing in or beside it is signed.
    #[error("nothing of it is signed: it holds no checkpoint, and none is expected (--expect)")]
    Unsigned,
    /// Fewer events than were signed.
    #[error("it is cut: {found} events, and the {which} checkpoint has {size}")]
    Cut {
        /// Which checkpoint.
        which: &'static str,
        /// How many there are.
        found: u64,
        /// How many there must be.
        size: u64,
    },
    /// More events than were signed.
    #[error(
        "it holds {found} events, and the {which} checkpoint {size}: what comes later is signed by nobody"
    )]
    Beyond {
        /// Which checkpoint.
        which: &'static str,
        /// How many there are.
        found: u64,
        /// How many are signed.
        size: u64,
    },
    /// The events do not make the root that was signed.
    #[error("its first {size} events are not those of the {which} checkpoint: {}", changed(*.from, *.size))]
    Events {
        /// Which checkpoint.
        which: &'static str,
        /// Its size.
        size: u64,
        /// The events before this one are those of another checkpoint, and so unchanged.
        from: u64,
    },
    /// Two checkpoints that cannot both be of one log that only grows.
    #[error("it does not follow the {which} checkpoint: the log was changed in what it had signed")]
    Forked {
        /// Which one.
        which: &'static str,
        /// What the proof shows.
        #[source]
        source: ProofError,
    },
    /// What lies between is not in the file.
    #[error(
        "the file has {size} events and the {which} checkpoint {other}, and nothing shows that the one follows the other: \
         get such a proof with `peerage audit checkpoint --older FILE`"
    )]
    Between {
        /// Which one.
        which: &'static str,
        /// The file's size.
        size: u64,
        /// The other's.
        other: u64,
    },
}

fn changed(from: u64, size: u64) -> String {
    match from {
        0 => "at least one was edited, left out, added or moved".to_owned(),
        from => format!(
            "of those from {from} to {} at least one was edited, left out, added or moved",
            size - 1
        ),
    }
}

/// The names of the two, as messages call them.
const OLDER: &str = "older";
const EXPECTED: &str = "expected";
const OWN: &str = "file's own";

/// Checks a file.
///
/// # Errors
/// When it is damaged, or does not hold.
pub fn verify(mut file: impl BufRead, against: &Against) -> Result<Verdict, VerifyError> {
    for (which, checkpoint) in others(against) {
        let vouched = checkpoint.verify(&against.keys);
        vouched.map_err(|source| VerifyError::Other { which, source })?;
    }
    if file.fill_buf()?.first() == Some(&b'{') {
        return events(file, against);
    }
    let mut text = Vec::new();
    file.take(LARGEST).read_to_end(&mut text)?;
    let text = String::from_utf8(text).map_err(|_| VerifyError::Unknown)?;
    if text.starts_with(TLOG_PROOF) {
        return event(&text, against);
    }
    if GrowthProof::is_like(&text) {
        let proof = GrowthProof::parse(&text)?;
        return checkpoint(&proof.checkpoint, Some(&proof), against);
    }
    match SignedCheckpoint::parse(&text) {
        Ok(found) => checkpoint(&found, None, against),
        Err(CheckpointError::Note(_) | CheckpointError::Form) if !text.contains("\n\n— ") => {
            Err(VerifyError::Unknown)
        }
        Err(error) => Err(error.into()),
    }
}

fn others(against: &Against) -> impl Iterator<Item = (&'static str, &SignedCheckpoint)> {
    let older = against.older.iter().map(|it| (OLDER, it));
    older.chain(against.expected.iter().map(|it| (EXPECTED, it)))
}

/// What the file's own checkpoint says, and who stands for it.
fn verdict(
    what: Proved,
    checkpoint: &SignedCheckpoint,
    against: &Against,
) -> Result<Verdict, VerifyError> {
    let vouched = checkpoint.verify(&against.keys)?;
    let of = checkpoint.checkpoint();
    for (which, other) in others(against) {
        let other = &other.checkpoint().origin;
        if *other != of.origin {
            let (other, origin) = (other.clone(), of.origin.clone());
            return Err(VerifyError::OtherLog {
                which,
                other,
                origin,
            });
        }
    }
    let size = |it: &Option<SignedCheckpoint>| it.as_ref().map(|it| it.checkpoint().size);
    Ok(Verdict {
        what,
        origin: of.origin.clone(),
        size: of.size,
        root: of.root,
        vouched,
        follows: size(&against.older),
        reaches: size(&against.expected),
    })
}

fn event(text: &str, against: &Against) -> Result<Verdict, VerifyError> {
    let proof = EventProof::parse(text)?;
    let bytes = proof.leaf.as_deref().ok_or(VerifyError::NoLeaf)?;
    let leaf = Leaf::parse(bytes).map_err(|_| VerifyError::NoLeaf)?;
    let index = proof.index;
    let found = verdict(Proved::Event { index, leaf }, &proof.checkpoint, against)?;
    let holds = proof.holds_for(&Hash::leaf(bytes));
    holds.map_err(|source| VerifyError::Event { index, source })?;
    relate(&proof.checkpoint, None, against)?;
    Ok(found)
}

fn checkpoint(
    checkpoint: &SignedCheckpoint,
    proof: Option<&GrowthProof>,
    against: &Against,
) -> Result<Verdict, VerifyError> {
    let found = verdict(Proved::Checkpoint, checkpoint, against)?;
    relate(checkpoint, proof, against)?;
    Ok(found)
}

/// Whether a checkpoint goes on from the older one and reaches the expected one, by a proof if it
/// takes one.
fn relate(
    checkpoint: &SignedCheckpoint,
    proof: Option<&GrowthProof>,
    against: &Against,
) -> Result<(), VerifyError> {
    let of = checkpoint.checkpoint();
    for (which, other) in others(against) {
        let other = other.checkpoint();
        if other.size > of.size {
            let (found, size) = (of.size, other.size);
            return Err(VerifyError::Cut { which, found, size });
        }
        if other.size == of.size {
            if other.root != of.root {
                let source = ProofError::Root;
                return Err(VerifyError::Forked { which, source });
            }
            continue;
        }
        let proof = proof.filter(|it| it.old == other.size);
        let Some(proof) = proof else {
            let (size, other) = (of.size, other.size);
            return Err(VerifyError::Between { which, size, other });
        };
        let holds = proof.holds_after(&other.root);
        holds.map_err(|source| VerifyError::Forked { which, source })?;
    }
    Ok(())
}

fn events(mut file: impl BufRead, against: &Against) -> Result<Verdict, VerifyError> {
    let mut first = String::new();
    (&mut file).take(LARGEST).read_line(&mut first)?;
    let header = ExportHeader::parse(first.trim_end())?;
    let own = header.checkpoint.as_deref().map(SignedCheckpoint::parse);
    let own = own.transpose()?;
    let whose = if own.is_some() { OWN } else { EXPECTED };
    let signed = own.as_ref().or(against.expected.as_ref());
    let signed = signed.ok_or(VerifyError::Unsigned)?.clone();
    let wanted = others(against).map(|(_, it)| it.checkpoint().size);
    let sizes: Vec<_> = wanted.chain([signed.checkpoint().size]).collect();
    match read_events(file, &sizes)? {
        Content::All { size, roots } => {
            let found = verdict(Proved::AllEvents, &signed, against)?;
            all(size, &roots, (whose, &signed), against)?;
            Ok(found)
        }
        Content::Some { events } => {
            let found = verdict(Proved::SomeEvents(events.len()), &signed, against)?;
            let of = signed.checkpoint();
            for (index, leaf, proof) in events {
                let holds = verify_inclusion(&leaf, index, of.size, &proof, &of.root);
                holds.map_err(|source| VerifyError::Event { index, source })?;
            }
            relate(&signed, None, against)?;
            Ok(found)
        }
    }
}

/// Whether all events make what was signed, from the oldest statement to the newest.
fn all(
    found: u64,
    roots: &[(u64, Hash)],
    (whose, signed): (&'static str, &SignedCheckpoint),
    against: &Against,
) -> Result<(), VerifyError> {
    let mut statements: Vec<_> = others(against).collect();
    statements.push((whose, signed));
    statements.sort_by_key(|(_, it)| it.checkpoint().size);
    let mut from = 0;
    for (which, statement) in statements {
        let of = statement.checkpoint();
        let (size, root) = (of.size, roots.iter().find(|(at, _)| *at == of.size));
        let Some((_, root)) = root else {
            return Err(VerifyError::Cut { which, found, size });
        };
        if *root != of.root {
            return Err(VerifyError::Events { which, size, from });
        }
        from = size;
    }
    let size = signed.checkpoint().size;
    if found > size {
        let which = whose;
        return Err(VerifyError::Beyond { which, found, size });
    }
    Ok(())
}
