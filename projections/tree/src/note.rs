//! Signed notes (C2SP): a text, an empty line, and a line for each signature.

use crate::{Purpose, SigningKey, VerifierKey};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::fmt;
use thiserror::Error;

/// The largest note that is read, and the most signatures of one.
const LARGEST: usize = 256 * 1024;
const MOST_SIGNATURES: usize = 64;
/// What a signature's line begins with.
const DASH: &str = "— ";

/// Why a text is no signed note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NoteError {
    /// Far too large.
    #[error("it is larger than {LARGEST} bytes")]
    Large,
    /// Bytes that no note has.
    #[error("it holds control characters, which no signed note has")]
    Control,
    /// No empty line, or nothing signed before or behind it.
    #[error("a signed note is a text, an empty line, and signatures; it is cut, or something else")]
    Form,
    /// A line behind the text that is no signature.
    #[error("line {0} behind its text is no signature")]
    Signature(usize),
    /// More signatures than are read.
    #[error("it has more than {MOST_SIGNATURES} signatures")]
    Many,
}

/// One signature of a note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signature {
    name: String,
    id: u32,
    bytes: Vec<u8>,
}

/// A text with signatures, which nobody has looked at yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

/// A signature that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// By which key.
    pub key: VerifierKey,
    /// When, in seconds since 1970, where it says so: a witness's does.
    pub time: Option<u64>,
}

/// A signature by a key that is known, and it does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the signature of {name} (key {id:08x}) does not hold: what it signed was changed")]
pub struct Forged {
    /// Whose it claims to be.
    pub name: String,
    /// By which key.
    pub id: u32,
}

impl Note {
    /// A text that is to be signed; it ends with a newline.
    pub fn new(text: String) -> Self {
        Self {
            text,
            signatures: Vec::new(),
        }
    }

    /// Reads a note.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        if note.len() > LARGEST {
            return Err(NoteError::Large);
        }
        if note.contains(|it: char| it < ' ' && it != '\n') {
            return Err(NoteError::Control);
        }
        let at = note.rfind("\n\n").ok_or(NoteError::Form)?;
        let (text, signatures) = (&note[..=at], &note[at + 2..]);
        if text.len() < 2 || signatures.is_empty() || !signatures.ends_with('\n') {
            return Err(NoteError::Form);
        }
        Ok(Self {
            text: text.to_owned(),
            signatures: signatures_of(signatures)?,
        })
    }

    /// What is signed, with its last newline.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Adds the signature of a log.
    pub fn sign(&mut self, key: &SigningKey) {
        let bytes = key.sign(self.text.as_bytes()).to_vec();
        self.add(key, bytes);
    }

    /// Adds the cosignature of a witness, with the time in seconds since 1970.
    pub fn cosign(&mut self, key: &SigningKey, time: u64) {
        let signed = key.sign(self.cosigned(time).as_bytes());
        let bytes = [&time.to_be_bytes()[..], &signed].concat();
        self.add(key, bytes);
    }

    fn add(&mut self, key: &SigningKey, bytes: Vec<u8>) {
        let (name, id) = (key.public().name().to_owned(), key.public().id());
        self.signatures.push(Signature { name, id, bytes });
    }

    /// What a witness signs.
    fn cosigned(&self, time: u64) -> String {
        format!("cosignature/v1\ntime {time}\n{}", self.text)
    }

    /// Those signatures that are by one of these keys. Signatures of others say nothing.
    ///
    /// # Errors
    /// When one is by such a key and does not hold.
    pub fn verify(&self, keys: &[VerifierKey]) -> Result<Vec<Signed>, Forged> {
        let mut signed = Vec::new();
        for signature in &self.signatures {
            let is_by = |it: &&VerifierKey| it.name() == signature.name && it.id() == signature.id;
            let Some(key) = keys.iter().find(is_by) else {
                continue;
            };
            let time = self.verified(key, signature).ok_or_else(|| Forged {
                name: signature.name.clone(),
                id: signature.id,
            })?;
            let known = signed.iter().any(|it: &Signed| it.key == *key);
            if !known {
                signed.push(Signed {
                    key: key.clone(),
                    time,
                });
            }
        }
        Ok(signed)
    }

    /// The time of a signature that holds.
    fn verified(&self, key: &VerifierKey, signature: &Signature) -> Option<Option<u64>> {
        match key.purpose() {
            Purpose::Log => {
                let holds = key.has_signed(self.text.as_bytes(), &signature.bytes);
                holds.then_some(None)
            }
            Purpose::Witness => {
                let (time, bytes) = signature.bytes.split_at_checked(8)?;
                let time = u64::from_be_bytes(time.try_into().ok()?);
                let holds = key.has_signed(self.cosigned(time).as_bytes(), bytes);
                (holds && i64::try_from(time).is_ok()).then_some(Some(time))
            }
        }
    }

    /// How many signatures it has.
    pub fn signatures(&self) -> usize {
        self.signatures.len()
    }

    /// Whose signatures it has, a name for each.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.signatures.iter().map(|it| it.name.as_str())
    }

    /// The lines of its signatures, as a witness answers with them.
    pub fn signature_lines(&self) -> String {
        let lines = self.signatures.iter().map(ToString::to_string);
        lines.collect()
    }

    /// Keeps the signatures of these keys alone.
    pub fn keep(&mut self, keys: &[VerifierKey]) {
        let is_by = |it: &Signature| {
            let by = |key: &VerifierKey| key.name() == it.name && key.id() == it.id;
            keys.iter().any(by)
        };
        self.signatures.retain(is_by);
    }

    /// Takes over signatures, of these keys, that hold, from lines that a witness answered with.
    /// Others are left out.
    ///
    /// # Errors
    /// When a line is no signature, or one by such a key does not hold.
    pub fn take_over(&mut self, lines: &str, keys: &[VerifierKey]) -> Result<usize, TakeOverError> {
        let offered = Self {
            text: self.text.clone(),
            signatures: signatures_of(lines)?,
        };
        offered.verify(keys)?;
        let is_known = |it: &Signature| {
            keys.iter()
                .any(|key| key.name() == it.name && key.id() == it.id)
        };
        let mut taken = 0;
        for signature in offered.signatures.into_iter().filter(is_known) {
            self.signatures
                .retain(|it| (&it.name, it.id) != (&signature.name, signature.id));
            self.signatures.push(signature);
            taken += 1;
        }
        Ok(taken)
    }
}

/// Why signatures of a witness are not taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TakeOverError {
    /// They are none.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// One does not hold.
    #[error(transparent)]
    Forged(#[from] Forged),
}

fn signatures_of(lines: &str) -> Result<Vec<Signature>, NoteError> {
    let mut signatures = Vec::new();
    for (number, line) in (1..).zip(lines.lines()) {
        if signatures.len() == MOST_SIGNATURES {
            return Err(NoteError::Many);
        }
        signatures.push(signature(line).ok_or(NoteError::Signature(number))?);
    }
    Ok(signatures)
}

fn signature(line: &str) -> Option<Signature> {
    let (name, signed) = line.strip_prefix(DASH)?.split_once(' ')?;
    crate::key::checked_name(name).ok()?;
    let signed = STANDARD.decode(signed).ok()?;
    let (id, bytes) = signed.split_at_checked(4)?;
    (!bytes.is_empty()).then(|| Signature {
        name: name.to_owned(),
        id: u32::from_be_bytes(id.try_into().unwrap_or_default()),
        bytes: bytes.to_vec(),
    })
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let signed = [&self.id.to_be_bytes()[..], &self.bytes].concat();
        writeln!(f, "{DASH}{} {}", self.name, STANDARD.encode(signed))
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.text, self.signature_lines())
    }
}
