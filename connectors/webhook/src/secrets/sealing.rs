//! Sealing a secret, opening it, and putting its data key under another master key.
//!
//! The ciphertext, before base64: a version; the master key's id with its length before it; the
//! data key under the master key (nonce, ciphertext, tag); the text under the data key (nonce,
//! ciphertext, tag). Associated data of both: the version, the connector, and of the text the
//! field, each with its length before it.

use super::{KEY, Key, MasterKeys, NoRandomness, random_key};
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hmac,
    rand::SecureRandom,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret as _, SecretString, zeroize::Zeroizing};
use serde::{Deserialize, Serialize};
use std::fmt;
use thiserror::Error;

/// The version of the form.
const VERSION: u8 = 1;

/// A tag's bytes.
const TAG: usize = 16;

/// A data key under a master key.
const WRAPPED: usize = NONCE_LEN + KEY + TAG;

/// How many bytes of the print are kept.
const PRINT: usize = 16;

/// A secret as it stands in the log.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// The ciphertext, base64. It differs each time that the same secret is sealed.
    pub sealed: String,
    /// Equal for equal secrets of one connector.
    pub print: String,
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(…)")
    }
}

/// Why a sealed secret is not opened.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OpenError {
    /// Not of the form of sealed secrets.
    #[error("it is no sealed secret")]
    Malformed,
    /// A master key that this key file does not have.
    #[error("it is sealed under the master key {0:?}, which the key file does not have")]
    UnknownMasterKey(String),
    /// Damaged, of another connector or field, or under another key of the same id.
    #[error(
        "it does not open: it is damaged, of another connector or field, or of another key file"
    )]
    Refused,
    /// No randomness to wrap with.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// Seals secrets of one connector under one new data key.
pub struct Sealer<'a> {
    masters: &'a MasterKeys,
    connector: String,
    data_key: Key,
    wrapped: Vec<u8>,
}

impl fmt::Debug for Sealer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer")
            .field("connector", &self.connector)
            .finish_non_exhaustive()
    }
}

impl Sealer<'_> {
    /// Seals a secret of this field.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn seal(
        &self,
        field: &str,
        secret: &SecretString,
        random: &dyn SecureRandom,
    ) -> Result<Sealed, NoRandomness> {
        let text = secret.expose_secret().as_bytes();
        let bound = bound_to(&[&self.connector, field]);
        let sealed = encrypt(&self.data_key, &bound, text, random)?;
        let whole = whole(self.masters.current(), &self.wrapped, &sealed);
        let print = print(&self.masters.print, &self.connector, text);
        Ok(Sealed {
            sealed: STANDARD.encode(whole),
            print,
        })
    }
}

impl MasterKeys {
    /// A new data key for this connector's secrets.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn sealer(
        &self,
        connector: &str,
        random: &dyn SecureRandom,
    ) -> Result<Sealer<'_>, NoRandomness> {
        let data_key = random_key(random)?;
        let (_, master) = self.keys.first().ok_or(NoRandomness)?;
        let wrapped = encrypt(
            master,
            &bound_to(&[connector]),
            data_key.expose_secret(),
            random,
        )?;
        Ok(Sealer {
            masters: self,
            connector: connector.to_owned(),
            data_key,
            wrapped,
        })
    }

    /// Opens a secret of this connector and field.
    ///
    /// # Errors
    /// When it is none, or not of them.
    pub fn open(
        &self,
        connector: &str,
        field: &str,
        sealed: &str,
    ) -> Result<SecretString, OpenError> {
        let bytes = STANDARD.decode(sealed).map_err(|_| OpenError::Malformed)?;
        let parts = Parts::of(&bytes)?;
        let data_key = self.data_key(connector, &parts)?;
        let text = decrypt(&data_key, &bound_to(&[connector, field]), parts.text)?;
        let text = std::str::from_utf8(text.expose_secret()).map_err(|_| OpenError::Malformed)?;
        Ok(text.to_owned().into())
    }

    /// The same secret with its data key under the current master key; nothing if it is there
    /// already. The text is not read.
    ///
    /// # Errors
    /// When it is none, or not of this connector.
    pub fn rewrap(
        &self,
        connector: &str,
        sealed: &str,
        random: &dyn SecureRandom,
    ) -> Result<Option<String>, OpenError> {
        let bytes = STANDARD.decode(sealed).map_err(|_| OpenError::Malformed)?;
        let parts = Parts::of(&bytes)?;
        let (current, master) = self.keys.first().ok_or(OpenError::Malformed)?;
        if parts.master == current {
            return Ok(None);
        }
        let data_key = self.data_key(connector, &parts)?;
        let wrapped = encrypt(
            master,
            &bound_to(&[connector]),
            data_key.expose_secret(),
            random,
        )?;
        Ok(Some(STANDARD.encode(whole(current, &wrapped, parts.text))))
    }

    /// The id of the master key that a secret is sealed under.
    ///
    /// # Errors
    /// When it is no sealed secret.
    pub fn sealed_under(sealed: &str) -> Result<String, OpenError> {
        let bytes = STANDARD.decode(sealed).map_err(|_| OpenError::Malformed)?;
        Ok(Parts::of(&bytes)?.master.to_owned())
    }

    fn data_key(&self, connector: &str, parts: &Parts<'_>) -> Result<Key, OpenError> {
        let unknown = || OpenError::UnknownMasterKey(parts.master.to_owned());
        let master = self.key(parts.master).ok_or_else(unknown)?;
        decrypt(master, &bound_to(&[connector]), parts.wrapped)
    }
}

/// A sealed secret, taken apart.
struct Parts<'a> {
    master: &'a str,
    wrapped: &'a [u8],
    text: &'a [u8],
}

impl<'a> Parts<'a> {
    fn of(bytes: &'a [u8]) -> Result<Self, OpenError> {
        let parts = || {
            let (version, rest) = bytes.split_first()?;
            let (length, rest) = rest.split_first()?;
            let (master, rest) = rest.split_at_checked(usize::from(*length))?;
            let (wrapped, text) = rest.split_at_checked(WRAPPED)?;
            let is_whole = *version == VERSION && text.len() >= NONCE_LEN + TAG;
            is_whole.then_some((std::str::from_utf8(master).ok()?, wrapped, text))
        };
        let (master, wrapped, text) = parts().ok_or(OpenError::Malformed)?;
        Ok(Self {
            master,
            wrapped,
            text,
        })
    }
}

fn whole(master: &str, wrapped: &[u8], text: &[u8]) -> Vec<u8> {
    // An id is at most 64 bytes long.
    let length = u8::try_from(master.len()).unwrap_or(u8::MAX);
    [&[VERSION, length], master.as_bytes(), wrapped, text].concat()
}

/// Associated data: each part with its length before it, so that no two lists are one.
fn bound_to(parts: &[&str]) -> Vec<u8> {
    let mut bound = vec![VERSION];
    for part in parts {
        bound.extend((part.len() as u64).to_be_bytes());
        bound.extend(part.as_bytes());
    }
    bound
}

fn print(key: &Key, connector: &str, text: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose_secret());
    let mut context = hmac::Context::with_key(&key);
    context.update(&bound_to(&[connector]));
    context.update(text);
    STANDARD.encode(&context.sign().as_ref()[..PRINT])
}

fn cipher(key: &Key) -> Option<LessSafeKey> {
    let key = UnboundKey::new(&AES_256_GCM, key.expose_secret()).ok()?;
    Some(LessSafeKey::new(key))
}

/// Nonce, ciphertext, tag. Nonces are random: a data key seals a handful of secrets, and a master
/// key far fewer data keys than would make a repetition likely.
fn encrypt(
    key: &Key,
    bound: &[u8],
    text: &[u8],
    random: &dyn SecureRandom,
) -> Result<Vec<u8>, NoRandomness> {
    let mut nonce = [0; NONCE_LEN];
    random.fill(&mut nonce).map_err(|_| NoRandomness)?;
    let mut sealed = Zeroizing::new(text.to_vec());
    // Room for the tag, so that the text is not copied by growing.
    sealed.reserve_exact(TAG);
    let cipher = cipher(key).ok_or(NoRandomness)?;
    let tag = cipher.seal_in_place_separate_tag(
        Nonce::assume_unique_for_key(nonce),
        Aad::from(bound),
        &mut sealed,
    );
    let tag = tag.map_err(|_| NoRandomness)?;
    Ok([nonce.as_slice(), &sealed, tag.as_ref()].concat())
}

fn decrypt(key: &Key, bound: &[u8], sealed: &[u8]) -> Result<Key, OpenError> {
    let (nonce, rest) = sealed
        .split_at_checked(NONCE_LEN)
        .ok_or(OpenError::Malformed)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| OpenError::Malformed)?;
    let mut text = Zeroizing::new(rest.to_vec());
    let cipher = cipher(key).ok_or(OpenError::Refused)?;
    let opened = cipher.open_in_place(nonce, Aad::from(bound), &mut text);
    let opened = opened.map_err(|_| OpenError::Refused)?;
    Ok(opened.to_vec().into())
}
