//! Secrets of connectors as they stand in the log: ciphertext, under a data key that a master key
//! wraps.
//!
//! A sealed secret carries all that is needed to read it but the master key: which master key that
//! is, the data key under it, and the text under the data key. Both bind it to its connector and
//! its field (AES-256-GCM, associated data), so that a ciphertext moved elsewhere opens nothing.
//! Keys of both kinds can be changed: a new data key comes with the next sealing, and
//! [`MasterKeys::rewrap`] puts a data key under the current master key without its text being
//! read.
//!
//! Beside the ciphertext, which differs each time, stands a print (HMAC): equal for equal secrets
//! of one connector, and of no use without the key file.

mod file;
mod sealing;

pub use file::KeyFileError;
pub use sealing::{OpenError, Sealed, Sealer};

use aws_lc_rs::rand::SecureRandom;
use secrecy::SecretSlice;
use std::fmt;

/// How many bytes a key has.
const KEY: usize = 32;

/// The longest id of a master key.
const LONGEST_ID: usize = 64;

/// The most master keys of a file.
const MOST_KEYS: usize = 32;

/// The master keys of one key file: the current one, and those that still open what they sealed.
pub struct MasterKeys {
    print: Key,
    /// The first is the current one.
    keys: Vec<(String, Key)>,
}

type Key = SecretSlice<u8>;

impl fmt::Debug for MasterKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MasterKeys")
            .field(&self.ids().collect::<Vec<_>>())
            .finish()
    }
}

impl MasterKeys {
    /// The id of the key that seals.
    #[must_use]
    pub fn current(&self) -> &str {
        self.keys.first().map_or("", |(id, _)| id)
    }

    /// The ids of all keys, the current one first.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|(id, _)| id.as_str())
    }

    fn key(&self, id: &str) -> Option<&Key> {
        let found = self.keys.iter().find(|(known, _)| known == id);
        found.map(|(_, key)| key)
    }
}

/// A key of random bytes.
fn random_key(random: &dyn SecureRandom) -> Result<Key, NoRandomness> {
    let mut key = vec![0; KEY];
    random.fill(&mut key).map_err(|_| NoRandomness)?;
    Ok(key.into())
}

/// The system gave no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no randomness")]
pub struct NoRandomness;

#[cfg(test)]
mod tests;
