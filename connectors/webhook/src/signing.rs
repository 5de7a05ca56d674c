//! Signatures as Standard Webhooks 1.0 has them: over `id.timestamp.body`, `v1` with HMAC-SHA256
//! and `v1a` with ed25519, several in one header so that a secret can be changed without a gap.

use aws_lc_rs::{
    encoding::AsBigEndian as _,
    hmac,
    rand::SecureRandom,
    signature::{Ed25519KeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use http::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};
use std::fmt;
use thiserror::Error;

/// Prefixes by which a key says what it is.
const SECRET: &str = "whsec_";
const PRIVATE: &str = "whsk_";
const PUBLIC: &str = "whpk_";

/// How many bytes a secret may have, and how many a generated one has.
const LEAST: usize = 24;
const MOST: usize = 64;
const GENERATED: usize = 32;

/// The most keys that sign at once.
const MOST_KEYS: usize = 10;

/// Why a text is no signing key. It never shows the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SigningKeyError {
    /// Neither a secret nor a private key.
    #[error("a signing key begins with whsec_ (HMAC) or whsk_ (ed25519)")]
    Prefix,
    /// Not base64 behind the prefix.
    #[error("what follows the prefix is not base64")]
    Encoding,
    /// Too short or too long.
    #[error("a secret has {LEAST} to {MOST} bytes, this one {0}")]
    Length(usize),
    /// No ed25519 key.
    #[error("a private key is an ed25519 seed of 32 bytes, or with its public key 64")]
    PrivateKey,
    /// More than sign at once.
    #[error("there are {0} keys, the most is {MOST_KEYS}")]
    TooMany(usize),
    /// The system gave no random bytes.
    #[error("there is no randomness")]
    Randomness,
}

/// One key that signs.
pub enum SigningKey {
    /// `v1`: a secret that both ends have.
    Hmac(Box<hmac::Key>),
    /// `v1a`: a private key, whose public half the receiver has.
    Ed25519(Box<Ed25519KeyPair>),
}

/// It shows what it is, and not what it holds.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hmac(_) => f.write_str("Hmac([hidden])"),
            Self::Ed25519(_) => write!(f, "Ed25519({})", self.public_key().unwrap_or_default()),
        }
    }
}

impl SigningKey {
    /// Reads a key in its written form.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(written: &SecretString) -> Result<Self, SigningKeyError> {
        let written = written.expose_secret().trim();
        let decode = |text| STANDARD.decode(text).map_err(|_| SigningKeyError::Encoding);
        if let Some(secret) = written.strip_prefix(SECRET) {
            let secret = SecretBytes::new(decode(secret)?.into());
            return match secret.expose_secret().len() {
                LEAST..=MOST => Ok(Self::Hmac(Box::new(hmac::Key::new(
                    hmac::HMAC_SHA256,
                    secret.expose_secret(),
                )))),
                length => Err(SigningKeyError::Length(length)),
            };
        }
        let private = written
            .strip_prefix(PRIVATE)
            .ok_or(SigningKeyError::Prefix)?;
        let private = SecretBytes::new(decode(private)?.into());
        let private = private.expose_secret();
        let pair = match private.len() {
            32 => Ed25519KeyPair::from_seed_unchecked(private),
            64 => Ed25519KeyPair::from_seed_and_public_key(&private[..32], &private[32..]),
            _ => return Err(SigningKeyError::PrivateKey),
        };
        let pair = pair.map_err(|_| SigningKeyError::PrivateKey)?;
        Ok(Self::Ed25519(Box::new(pair)))
    }

    /// Makes a secret for `v1`, in its written form.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn generate_secret(random: &dyn SecureRandom) -> Result<SecretString, SigningKeyError> {
        let mut bytes = [0; GENERATED];
        random
            .fill(&mut bytes)
            .map_err(|_| SigningKeyError::Randomness)?;
        Ok(format!("{SECRET}{}", STANDARD.encode(bytes)).into())
    }

    /// Makes a private key for `v1a`, in its written form; [`Self::public_key`] is what the
    /// receiver gets.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn generate_private_key(
        random: &dyn SecureRandom,
    ) -> Result<SecretString, SigningKeyError> {
        let mut seed = [0; 32];
        random
            .fill(&mut seed)
            .map_err(|_| SigningKeyError::Randomness)?;
        let pair =
            Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| SigningKeyError::PrivateKey)?;
        let seed = pair.seed().and_then(|seed| seed.as_be_bytes());
        let seed = seed.map_err(|_| SigningKeyError::PrivateKey)?;
        let both = [seed.as_ref(), pair.public_key().as_ref()].concat();
        Ok(format!("{PRIVATE}{}", STANDARD.encode(both)).into())
    }

    /// The public half of a private key, in its written form.
    #[must_use]
    pub fn public_key(&self) -> Option<String> {
        match self {
            Self::Hmac(_) => None,
            Self::Ed25519(pair) => Some(format!("{PUBLIC}{}", STANDARD.encode(pair.public_key()))),
        }
    }

    fn sign(&self, head: &[u8], body: &[u8]) -> String {
        match self {
            Self::Hmac(key) => {
                let mut context = hmac::Context::with_key(key);
                context.update(head);
                context.update(body);
                format!("v1,{}", STANDARD.encode(context.sign()))
            }
            Self::Ed25519(pair) => {
                format!("v1a,{}", STANDARD.encode(pair.sign(&[head, body].concat())))
            }
        }
    }
}

type SecretBytes = secrecy::SecretSlice<u8>;

/// The keys that sign a connector's deliveries: the current one first, and for the time of a grace
/// those that it replaces.
#[derive(Debug, Default)]
pub struct SigningKeys(Vec<SigningKey>);

impl SigningKeys {
    /// These keys. Without any, deliveries carry no signature.
    ///
    /// # Errors
    /// When there are too many.
    pub fn new(keys: Vec<SigningKey>) -> Result<Self, SigningKeyError> {
        match keys.len() {
            0..=MOST_KEYS => Ok(Self(keys)),
            count => Err(SigningKeyError::TooMany(count)),
        }
    }

    /// Reads keys in their written form.
    ///
    /// # Errors
    /// When one is none, or there are too many.
    pub fn parse<'a>(
        written: impl IntoIterator<Item = &'a SecretString>,
    ) -> Result<Self, SigningKeyError> {
        let keys: Result<Vec<_>, _> = written.into_iter().map(SigningKey::parse).collect();
        Self::new(keys?)
    }

    /// The `webhook-signature` header: a signature by each key.
    #[must_use]
    pub fn signature(&self, id: &str, at: DateTime<Utc>, body: &[u8]) -> Option<HeaderValue> {
        if self.0.is_empty() {
            return None;
        }
        let head = format!("{id}.{}.", at.timestamp());
        let all: Vec<String> = self
            .0
            .iter()
            .map(|key| key.sign(head.as_bytes(), body))
            .collect();
        HeaderValue::from_str(&all.join(" ")).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::{
        rand::SystemRandom,
        signature::{ED25519, UnparsedPublicKey},
    };

    fn key(text: &str) -> Result<SigningKey, SigningKeyError> {
        SigningKey::parse(&text.to_owned().into())
    }

    #[test]
    fn the_specifications_example_signs_as_it_says() {
        let keys =
            SigningKeys::new(vec![key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap()]).unwrap();
        let at = DateTime::from_timestamp(1_614_265_330, 0).unwrap();
        let signed = keys.signature(
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            at,
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(
            signed.unwrap(),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn a_generated_private_key_signs_what_its_public_key_verifies() {
        let written = SigningKey::generate_private_key(&SystemRandom::new()).unwrap();
        let key = SigningKey::parse(&written).unwrap();
        let public = key.public_key().unwrap();
        let public = STANDARD
            .decode(public.strip_prefix("whpk_").unwrap())
            .unwrap();
        let keys = SigningKeys::new(vec![key]).unwrap();
        let at = DateTime::from_timestamp(1_700_000_000, 999_000_000).unwrap();
        let signed = keys.signature("a", at, b"body").unwrap();
        let signed = signed
            .to_str()
            .unwrap()
            .strip_prefix("v1a,")
            .unwrap()
            .to_owned();
        let signed = STANDARD.decode(signed).unwrap();
        let verifier = UnparsedPublicKey::new(&ED25519, public);
        verifier.verify(b"a.1700000000.body", &signed).unwrap();
    }

    #[test]
    fn every_key_signs_in_its_place() {
        let random = SystemRandom::new();
        let written = [
            SigningKey::generate_secret(&random).unwrap(),
            SigningKey::generate_private_key(&random).unwrap(),
            SigningKey::generate_secret(&random).unwrap(),
        ];
        let keys = SigningKeys::parse(&written).unwrap();
        let signed = keys.signature("a", DateTime::UNIX_EPOCH, b"").unwrap();
        let versions: Vec<&str> = signed
            .to_str()
            .unwrap()
            .split(' ')
            .map(|it| it.split_once(',').unwrap().0)
            .collect();
        assert_eq!(versions, ["v1", "v1a", "v1"]);
        assert!(
            SigningKeys::default()
                .signature("a", DateTime::UNIX_EPOCH, b"")
                .is_none()
        );
    }

    #[test]
    fn what_is_no_key_is_refused_and_not_shown() {
        let of = |length: usize| format!("whsec_{}", STANDARD.encode(vec![7; length]));
        assert_eq!(key("secret").unwrap_err(), SigningKeyError::Prefix);
        assert_eq!(key("whsec_!").unwrap_err(), SigningKeyError::Encoding);
        assert_eq!(key(&of(23)).unwrap_err(), SigningKeyError::Length(23));
        assert_eq!(key(&of(65)).unwrap_err(), SigningKeyError::Length(65));
        assert!(key(&of(24)).is_ok() && key(&of(64)).is_ok());
        let private = |bytes: Vec<u8>| key(&format!("whsk_{}", STANDARD.encode(bytes)));
        assert_eq!(
            private(vec![1; 31]).unwrap_err(),
            SigningKeyError::PrivateKey
        );
        assert_eq!(
            private(vec![1; 64]).unwrap_err(),
            SigningKeyError::PrivateKey
        );
        assert!(private(vec![1; 32]).is_ok());
        let many = (0..11).map(|_| key(&of(32)).unwrap()).collect();
        assert_eq!(
            SigningKeys::new(many).unwrap_err(),
            SigningKeyError::TooMany(11)
        );
    }

    #[test]
    fn a_key_shows_itself_to_nobody() {
        let secret = format!("whsec_{}", STANDARD.encode([7; 32]));
        let private = format!("whsk_{}", STANDARD.encode([9; 32]));
        let keys = SigningKeys::new(vec![key(&secret).unwrap(), key(&private).unwrap()]).unwrap();
        let shown = format!("{keys:?}");
        assert!(
            shown.contains("[hidden]") && shown.contains("whpk_"),
            "{shown}"
        );
        assert!(
            !shown.contains(&STANDARD.encode([7; 32]))
                && !shown.contains(&STANDARD.encode([9; 32]))
        );
    }
}
