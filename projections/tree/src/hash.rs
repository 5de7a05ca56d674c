//! SHA-256 as RFC 6962 uses it: a leaf and a node are hashed apart, so that neither passes for the
//! other.

use aws_lc_rs::digest::{Context, SHA256};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use thiserror::Error;

/// What stands before a leaf's bytes, and before two hashes.
const LEAF: u8 = 0;
const NODE: u8 = 1;

/// A SHA-256 hash; as text it is base64.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hash(pub [u8; Hash::LENGTH]);

/// A text that is no hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a hash is 32 bytes in base64")]
pub struct NoHash;

impl Hash {
    /// How many bytes one has.
    pub const LENGTH: usize = 32;

    /// What the tree of a leaf with these bytes hashes to.
    pub fn leaf(bytes: &[u8]) -> Self {
        Self::of(&[&[LEAF], bytes])
    }

    /// What two neighbours hash to.
    pub fn node(left: &Self, right: &Self) -> Self {
        Self::of(&[&[NODE], &left.0, &right.0])
    }

    /// What the tree without a leaf hashes to.
    pub fn empty() -> Self {
        Self::of(&[])
    }

    /// Of these bytes alone, which are no leaf.
    pub fn plain(bytes: &[u8]) -> Self {
        Self::of(&[bytes])
    }

    pub(crate) fn of(parts: &[&[u8]]) -> Self {
        let mut context = Context::new(&SHA256);
        for part in parts {
            context.update(part);
        }
        let mut hash = [0; Self::LENGTH];
        hash.copy_from_slice(context.finish().as_ref());
        Self(hash)
    }

    /// From exactly so many bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Hash {
    type Err = NoHash;

    fn from_str(text: &str) -> Result<Self, NoHash> {
        let bytes = STANDARD.decode(text).map_err(|_| NoHash)?;
        Self::from_bytes(&bytes).ok_or(NoHash)
    }
}

impl TryFrom<String> for Hash {
    type Error = NoHash;

    fn try_from(text: String) -> Result<Self, NoHash> {
        text.parse()
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> Self {
        hash.to_string()
    }
}
