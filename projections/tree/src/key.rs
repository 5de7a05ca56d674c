//! Keys as the signed notes of C2SP write them: ed25519, with the name of whose they are.

use crate::Hash;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret as _, SecretString, zeroize::Zeroizing};
use std::{fmt, str::FromStr};
use thiserror::Error;

/// What a private key's line begins with.
const PRIVATE: &str = "PRIVATE+KEY+";
/// The longest name that is read.
const LONGEST_NAME: usize = 255;
/// The most keys that sign at a time: the one that goes and the one that comes, and one to spare.
pub const MOST_KEYS: usize = 3;

/// What a key's signatures say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// This is what the log holds: a log's own signature.
    Log,
    /// This follows what the log held before, seen at a time: a witness's cosignature.
    Witness,
}

impl Purpose {
    /// The byte that signed notes know it by.
    fn byte(self) -> u8 {
        match self {
            Self::Log => 1,
            Self::Witness => 4,
        }
    }

    fn of(byte: u8) -> Option<Self> {
        [Self::Log, Self::Witness]
            .into_iter()
            .find(|it| it.byte() == byte)
    }
}

/// Why a text is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    /// No key at all.
    #[error(
        "a key is NAME+ID+KEY, like example.com/log+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
    )]
    Form,
    /// A private key where a public one belongs.
    #[error("that is a private key; verify with the public one, and keep this one to the servers")]
    Private,
    /// A public key where a private one belongs.
    #[error("that is a public key; a private one begins with PRIVATE+KEY+")]
    Public,
    /// A name that no signature could carry.
    #[error(
        "a key's name has 1 to {LONGEST_NAME} bytes, without spaces, control characters and `+`"
    )]
    Name,
    /// Of a kind that is not known here.
    #[error("its kind is not known: ed25519 of a log (1) and of a witness (4) are")]
    Kind,
    /// The id is not that of this name and key.
    #[error("its id does not belong to its name and key: a part of it was changed")]
    Id,
    /// No ed25519 key.
    #[error("it holds no ed25519 key")]
    Key,
    /// Keys in one file that sign for different logs, or for different purposes.
    #[error("all keys of a file have one name and one purpose")]
    Mixed,
    /// None at all, or more than are needed to change one.
    #[error("a file has 1 to {MOST_KEYS} keys")]
    Many,
}

/// Checks a key's name, and a log's origin.
pub(crate) fn checked_name(name: &str) -> Result<&str, KeyError> {
    let is_bad = |it: char| it.is_whitespace() || it.is_control() || it == '+';
    let fits = !name.is_empty() && name.len() <= LONGEST_NAME && !name.contains(is_bad);
    fits.then_some(name).ok_or(KeyError::Name)
}

/// What a signature is verified with: whose it is, what for, and the public key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct VerifierKey {
    name: String,
    purpose: Purpose,
    key: [u8; 32],
}

impl VerifierKey {
    /// Whose it is. A log's key has the name of its log.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its signatures say.
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// What its signatures name it by, beside the name.
    pub fn id(&self) -> u32 {
        let hash = Hash::of(&[
            self.name.as_bytes(),
            b"\n",
            &[self.purpose.byte()],
            &self.key,
        ]);
        let [a, b, c, d, ..] = hash.0;
        u32::from_be_bytes([a, b, c, d])
    }

    pub(crate) fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let key = UnparsedPublicKey::new(&ED25519, self.key);
        key.verify(message, signature).is_ok()
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[self.purpose.byte()], &self.key[..]].concat();
        write!(
            f,
            "{}+{:08x}+{}",
            self.name,
            self.id(),
            STANDARD.encode(key)
        )
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for VerifierKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        if text.starts_with(PRIVATE) {
            return Err(KeyError::Private);
        }
        let (name, id, purpose, key) = parts(text)?;
        let key = Self {
            name: checked_name(name)?.to_owned(),
            purpose,
            key: key.as_slice().try_into().map_err(|_| KeyError::Key)?,
        };
        if key.id() != id {
            return Err(KeyError::Id);
        }
        Ok(key)
    }
}

type Parts<'a> = (&'a str, u32, Purpose, Zeroizing<Vec<u8>>);

/// The name, the id, the purpose and the bytes of a key.
fn parts(text: &str) -> Result<Parts<'_>, KeyError> {
    // The base64 of a key may hold a `+` too.
    let (name, rest) = text.split_once('+').ok_or(KeyError::Form)?;
    let (id, key) = rest.split_once('+').ok_or(KeyError::Form)?;
    let is_id = id.len() == 8 && id.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'));
    if !is_id {
        return Err(KeyError::Form);
    }
    let id = u32::from_str_radix(id, 16).map_err(|_| KeyError::Form)?;
    let key = Zeroizing::new(STANDARD.decode(key).map_err(|_| KeyError::Form)?);
    let (kind, key) = key.split_first().ok_or(KeyError::Form)?;
    let purpose = Purpose::of(*kind).ok_or(KeyError::Kind)?;
    Ok((name, id, purpose, Zeroizing::new(key.to_vec())))
}

/// What signs.
#[derive(Debug)]
pub struct SigningKey {
    pair: Ed25519KeyPair,
    public: VerifierKey,
}

impl SigningKey {
    /// One of this seed, which is from a source of randomness.
    ///
    /// # Errors
    /// When the name is none.
    pub fn from_seed(name: &str, purpose: Purpose, seed: &[u8; 32]) -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| KeyError::Key)?;
        let key = pair.public_key().as_ref();
        let public = VerifierKey {
            name: checked_name(name)?.to_owned(),
            purpose,
            key: key.try_into().map_err(|_| KeyError::Key)?,
        };
        Ok(Self { pair, public })
    }

    /// What its signatures are verified with.
    pub fn public(&self) -> &VerifierKey {
        &self.public
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        let mut signature = [0; 64];
        signature.copy_from_slice(self.pair.sign(message).as_ref());
        signature
    }

    /// The line of it in a key file.
    pub fn line(name: &str, purpose: Purpose, seed: &[u8; 32]) -> Result<SecretString, KeyError> {
        let public = Self::from_seed(name, purpose, seed)?.public;
        let key = Zeroizing::new([&[purpose.byte()], &seed[..]].concat());
        let key = Zeroizing::new(STANDARD.encode(&*key));
        let line = format!("{PRIVATE}{name}+{:08x}+{}", public.id(), key.as_str());
        Ok(SecretString::from(line))
    }

    fn parse(line: &str) -> Result<Self, KeyError> {
        let text = line.strip_prefix(PRIVATE).ok_or(KeyError::Public)?;
        let (name, id, purpose, seed) = parts(text)?;
        let seed: &[u8; 32] = seed.as_slice().try_into().map_err(|_| KeyError::Key)?;
        let key = Self::from_seed(name, purpose, seed)?;
        if key.public.id() != id {
            return Err(KeyError::Id);
        }
        Ok(key)
    }
}

/// The keys that one log, or one witness, signs with: one, or while one is changed the old and the
/// new. What is signed is signed with all of them, so that who knows either can verify it.
#[derive(Debug)]
pub struct SigningKeys(Vec<SigningKey>);

impl SigningKeys {
    /// Reads a key file: a key a line; lines that are empty or begin with `#` say nothing.
    ///
    /// # Errors
    /// The line, from 1, and what is wrong with it.
    pub fn parse(text: &SecretString) -> Result<Self, (usize, KeyError)> {
        let mut keys = Vec::<SigningKey>::new();
        let mut last = 1;
        for (number, line) in (1..).zip(text.expose_secret().lines()) {
            last = number;
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let key = SigningKey::parse(line).map_err(|error| (number, error))?;
            let is_one_of = |it: &SigningKey| {
                let (one, other) = (&it.public, &key.public);
                one.name == other.name && one.purpose == other.purpose && one.key != other.key
            };
            if !keys.iter().all(is_one_of) {
                return Err((number, KeyError::Mixed));
            }
            keys.push(key);
        }
        if !(1..=MOST_KEYS).contains(&keys.len()) {
            return Err((last, KeyError::Many));
        }
        Ok(Self(keys))
    }

    /// Them.
    pub fn keys(&self) -> &[SigningKey] {
        &self.0
    }

    /// Whose they are.
    pub fn name(&self) -> &str {
        self.0.first().map_or("", |it| it.public.name())
    }

    /// What their signatures say.
    pub fn purpose(&self) -> Purpose {
        self.0
            .first()
            .map_or(Purpose::Log, |it| it.public.purpose())
    }
}
