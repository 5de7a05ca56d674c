//! One issuer: what is believed of it, and its keys.
//!
//! Keys are fetched when the first token asks for them, again when they are old, and once more when
//! a token names one that is not there: all at a bounded pace, by one caller at a time. A key that
//! is known stays known while the issuer does not answer; it goes when the issuer's list comes
//! without it.

use crate::fetch::{Fetch, FetchError, is_loopback};
use domain::text::ActorName;
use http::Uri;
use jsonwebtoken::{
    AlgorithmFamily, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse},
};
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};
use std::{collections::VecDeque, io, path::PathBuf, sync::Arc, time::Duration};
use thiserror::Error;
use tokio::{sync::Mutex, time::Instant};

/// Keys that are so old are fetched again while the old ones answer.
const FRESH: Duration = Duration::from_secs(600);

/// How often keys are fetched in so long at most, whatever tokens ask for.
const FETCHES: usize = 5;
const WITHIN: Duration = Duration::from_secs(60);

/// The most keys that are kept of an issuer.
const MOST_KEYS: usize = 100;

/// How a token may be signed: with a key that the issuer alone has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names of RFC 7518")]
pub enum Algorithm {
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    EdDSA,
}

impl Algorithm {
    pub(crate) fn known(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::RS256 => jsonwebtoken::Algorithm::RS256,
            Self::RS384 => jsonwebtoken::Algorithm::RS384,
            Self::RS512 => jsonwebtoken::Algorithm::RS512,
            Self::PS256 => jsonwebtoken::Algorithm::PS256,
            Self::PS384 => jsonwebtoken::Algorithm::PS384,
            Self::PS512 => jsonwebtoken::Algorithm::PS512,
            Self::ES256 => jsonwebtoken::Algorithm::ES256,
            Self::ES384 => jsonwebtoken::Algorithm::ES384,
            Self::EdDSA => jsonwebtoken::Algorithm::EdDSA,
        }
    }
}

/// An issuer of tokens, and what is believed of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerSettings {
    /// Its URL, as tokens have it in `iss`; `/.well-known/openid-configuration` is found below it.
    pub url: String,
    /// Whom its tokens must be for (`aud`): one of these.
    pub audiences: Vec<String>,
    /// How they may be signed.
    #[serde(default = "usual_algorithms")]
    pub algorithms: Vec<Algorithm>,
    /// The claim that is the subject.
    #[serde(default = "usual_subject")]
    pub subject_claim: String,
    /// The claim that lists groups, or is one.
    #[serde(default = "usual_groups")]
    pub groups_claim: String,
    /// By how many seconds its clock may differ.
    #[serde(default = "usual_skew")]
    pub clock_skew_seconds: u64,
    /// The authorities that its certificate is believed of, PEM. None: the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// Asks it without TLS, on this machine alone: for tests.
    #[serde(default)]
    pub allow_http_on_loopback: bool,
}

fn usual_algorithms() -> Vec<Algorithm> {
    vec![Algorithm::RS256, Algorithm::ES256]
}

fn usual_subject() -> String {
    "sub".to_owned()
}

fn usual_groups() -> String {
    "groups".to_owned()
}

fn usual_skew() -> u64 {
    60
}

/// Settings that cannot be.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// No URL, or one that is not asked.
    #[error("the issuer {0} is no https URL")]
    Url(String),
    /// Any token would do.
    #[error("the issuer {0} needs an audience, and an algorithm")]
    Unbounded(String),
    /// Twice the same.
    #[error("the issuer {0} is there twice")]
    Twice(String),
    /// A skew that makes expiry mean nothing.
    #[error("the issuer {0} has a clock skew of more than 600 s")]
    Skew(String),
    /// Its authorities.
    #[error("the authorities of the issuer {0} cannot be used")]
    Authorities(String, #[source] io::Error),
}

/// An issuer at work.
#[derive(Debug)]
pub(crate) struct Issuer {
    pub(crate) settings: IssuerSettings,
    pub(crate) name: ActorName,
    discovery: Uri,
    fetch: Fetch,
    keys: RwLock<Arc<Keys>>,
    asked: Mutex<VecDeque<Instant>>,
}

/// What an issuer published.
#[derive(Debug, Default)]
struct Keys {
    all: Vec<(Jwk, DecodingKey)>,
    fetched: Option<Instant>,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

#[derive(Deserialize)]
struct Published {
    keys: Vec<serde_json::Value>,
}

/// Why there is no key.
#[derive(Debug, Error)]
pub(crate) enum KeyError {
    /// The issuer's list does not have it.
    #[error("no key of the issuer has that id and algorithm")]
    Unknown,
    /// The issuer has not been reached yet.
    #[error("the issuer's keys are not known: it cannot be reached")]
    Unreachable,
}

impl Issuer {
    pub(crate) fn new(settings: IssuerSettings) -> Result<Self, SettingsError> {
        let url = || settings.url.clone();
        let uri: Uri = settings
            .url
            .parse()
            .map_err(|_| SettingsError::Url(url()))?;
        let is_asked = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => settings.allow_http_on_loopback && is_loopback(&uri),
            Some(_) | None => false,
        };
        let well_known = format!(
            "{}/.well-known/openid-configuration",
            settings.url.trim_end_matches('/')
        );
        let (Some(name), Ok(discovery), true) = (
            crate::name::name(&settings.url),
            well_known.parse(),
            is_asked,
        ) else {
            return Err(SettingsError::Url(url()));
        };
        if settings.audiences.is_empty() || settings.algorithms.is_empty() {
            return Err(SettingsError::Unbounded(url()));
        }
        if settings.clock_skew_seconds > 600 {
            return Err(SettingsError::Skew(url()));
        }
        let fetch = Fetch::new(settings.ca.as_deref(), settings.allow_http_on_loopback)
            .map_err(|error| SettingsError::Authorities(url(), error))?;
        Ok(Self {
            settings,
            name,
            discovery,
            fetch,
            keys: RwLock::default(),
            asked: Mutex::default(),
        })
    }

    /// The key for a token that names it so. Without a name it must be the only one that fits.
    pub(crate) async fn key(
        self: &Arc<Self>,
        kid: Option<&str>,
        algorithm: jsonwebtoken::Algorithm,
    ) -> Result<DecodingKey, KeyError> {
        let keys = Arc::clone(&self.keys.read());
        if let Some(key) = keys.find(kid, algorithm) {
            if keys.fetched.is_some_and(|at| at.elapsed() > FRESH) {
                // Who is known does not wait.
                let issuer = Arc::clone(self);
                tokio::spawn(async move { issuer.refresh().await });
            }
            return Ok(key);
        }
        self.refresh().await;
        let keys = Arc::clone(&self.keys.read());
        match keys.find(kid, algorithm) {
            Some(key) => Ok(key),
            None if keys.fetched.is_none() => Err(KeyError::Unreachable),
            None => Err(KeyError::Unknown),
        }
    }

    /// Fetches the keys, unless that was tried too often of late. All who ask meanwhile wait for
    /// the same attempt.
    async fn refresh(&self) {
        let began = Instant::now();
        let mut asked = self.asked.lock().await;
        while asked.front().is_some_and(|at| at.elapsed() > WITHIN) {
            asked.pop_front();
        }
        let is_done = asked.back().is_some_and(|at| *at >= began);
        if is_done || asked.len() >= FETCHES {
            return;
        }
        asked.push_back(Instant::now());
        match self.published().await {
            Ok(all) => {
                tracing::debug!(issuer = self.settings.url, keys = all.len(), "keys fetched");
                *self.keys.write() = Arc::new(Keys {
                    all,
                    fetched: Some(Instant::now()),
                });
            }
            Err(error) => {
                let known = self.keys.read().all.len();
                let error = domain::error_chain(&error);
                tracing::warn!(
                    issuer = self.settings.url,
                    known,
                    error,
                    "an issuer's keys cannot be fetched; those that are known stay"
                );
            }
        }
    }

    async fn published(&self) -> Result<Vec<(Jwk, DecodingKey)>, FetchError> {
        let discovery: Discovery = self.fetch.document(&self.discovery).await?;
        let other = || FetchError::Document(self.discovery.clone());
        if discovery.issuer != self.settings.url {
            return Err(other());
        }
        let uri: Uri = discovery.jwks_uri.parse().map_err(|_| other())?;
        let published: Published = self.fetch.document(&uri).await?;
        // Kinds of keys that are not known here are nobody's mistake.
        let all = published.keys.into_iter().take(MOST_KEYS);
        let known = all.filter_map(|it| serde_json::from_value::<Jwk>(it).ok());
        let usable = known.filter(|it| {
            let usage = it.common.public_key_use.as_ref();
            usage.is_none_or(|it| *it == PublicKeyUse::Signature)
        });
        Ok(usable
            .filter_map(|it| Some((DecodingKey::from_jwk(&it).ok()?, it)))
            .filter(|(key, _)| key.family() != AlgorithmFamily::Hmac)
            .map(|(key, jwk)| (jwk, key))
            .collect())
    }
}

impl Keys {
    fn find(&self, kid: Option<&str>, algorithm: jsonwebtoken::Algorithm) -> Option<DecodingKey> {
        let fits = |jwk: &Jwk, key: &DecodingKey| {
            let is_named = kid.is_none_or(|kid| jwk.common.key_id.as_deref() == Some(kid));
            let is_for = jwk
                .common
                .key_algorithm
                .is_none_or(|it| it.to_string() == format!("{algorithm:?}"));
            is_named && is_for && key.family() == algorithm.family() && has_curve(jwk, algorithm)
        };
        let mut fitting = self.all.iter().filter(|(jwk, key)| fits(jwk, key));
        let (_, first) = fitting.next()?;
        // Two of one name, or several without: which one is meant is not to be guessed.
        fitting.next().is_none().then(|| first.clone())
    }
}

/// Whether an elliptic curve's key is of the algorithm's own curve.
fn has_curve(jwk: &Jwk, algorithm: jsonwebtoken::Algorithm) -> bool {
    let AlgorithmParameters::EllipticCurve(it) = &jwk.algorithm else {
        return true;
    };
    let wanted = if algorithm == jsonwebtoken::Algorithm::ES384 {
        EllipticCurve::P384
    } else {
        EllipticCurve::P256
    };
    it.curve == wanted
}
