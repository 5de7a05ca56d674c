//! Bearer tokens: JWTs of the issuers that are believed.
//!
//! A token that was judged is remembered by its hash until it expires, so that a caller's later
//! calls cost no signature. What is wrong with one is told to its bearer in words, and never with
//! the token.

use crate::{
    Authenticated,
    issuer::{Issuer, IssuerSettings, KeyError, SettingsError},
    name::name,
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    access::{Identity, Proof, Subject},
    text::ActorName,
};
use jsonwebtoken::{Validation, errors::ErrorKind};
use moka::sync::Cache;
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use std::{sync::Arc, time::Duration};
use thiserror::Error;

/// The most bytes of a token.
const LARGEST: usize = 16 * 1024;

/// How many tokens are remembered, and how long at most: then the issuer's keys are asked again.
const REMEMBERED: u64 = 10_000;
const MEMORY: Duration = Duration::from_secs(300);

/// The most groups of a token that count.
const MOST_GROUPS: usize = 500;

/// Why a token proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TokenError {
    /// It is no JWT.
    #[error("it is no JSON web token")]
    Malformed,
    /// It is of nobody who is believed.
    #[error("its issuer is none that is configured here")]
    Issuer,
    /// Its algorithm is none that the issuer may use.
    #[error("its algorithm is none that its issuer may use here")]
    Algorithm,
    /// The issuer does not know its key.
    #[error("its key is none of its issuer's")]
    Key,
    /// The issuer's keys are not known yet.
    #[error("the keys of its issuer are not known yet, as the issuer does not answer; try again")]
    Unreachable,
    /// Its signature is wrong.
    #[error("its signature is wrong")]
    Signature,
    /// It is for somebody else.
    #[error("it is not for this engine: its audience is another")]
    Audience,
    /// It is over.
    #[error("it has expired")]
    Expired,
    /// It is not good yet.
    #[error("it is not valid yet")]
    Early,
    /// It lacks a claim, or has one of another form.
    #[error("it has no such claim as it needs: {0}")]
    Claim(String),
}

/// The issuers that are believed.
#[derive(Clone, Debug)]
pub struct Tokens {
    issuers: Arc<Vec<Arc<Issuer>>>,
    known: Cache<[u8; 32], Authenticated>,
}

/// What a token says of itself before anything is proved.
#[derive(Deserialize)]
struct Head {
    alg: String,
    kid: Option<String>,
    crit: Option<Value>,
}

#[derive(Deserialize)]
struct Claimed {
    iss: String,
}

impl Tokens {
    /// Those of these issuers. Nothing is asked yet.
    pub fn new(settings: Vec<IssuerSettings>) -> Result<Self, SettingsError> {
        let mut issuers: Vec<Arc<Issuer>> = Vec::new();
        for it in settings {
            if issuers.iter().any(|known| known.settings.url == it.url) {
                return Err(SettingsError::Twice(it.url));
            }
            issuers.push(Arc::new(Issuer::new(it)?));
        }
        Ok(Self {
            issuers: Arc::new(issuers),
            known: Cache::builder()
                .max_capacity(REMEMBERED)
                .time_to_live(MEMORY)
                .build(),
        })
    }

    /// Whether any issuer is believed.
    pub fn is_empty(&self) -> bool {
        self.issuers.is_empty()
    }

    /// The issuers' names.
    pub fn issuers(&self) -> Vec<ActorName> {
        self.issuers.iter().map(|it| it.name.clone()).collect()
    }

    /// Who bears this token.
    pub async fn authenticate(
        &self,
        token: &str,
        now: DateTime<Utc>,
    ) -> Result<Authenticated, TokenError> {
        if token.len() > LARGEST {
            return Err(TokenError::Malformed);
        }
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        if let Some(known) = self.known.get(&hash) {
            return match known.expires {
                Some(expires) if expires <= now => Err(TokenError::Expired),
                Some(_) | None => Ok(known),
            };
        }
        let authenticated = self.judge(token).await?;
        if authenticated.expires.is_some_and(|it| it <= now) {
            return Err(TokenError::Expired);
        }
        self.known.insert(hash, authenticated.clone());
        Ok(authenticated)
    }

    async fn judge(&self, token: &str) -> Result<Authenticated, TokenError> {
        let mut parts = token.split('.');
        let (Some(head), Some(claims), Some(_), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(TokenError::Malformed);
        };
        let head: Head = part(head)?;
        let Claimed { iss } = part(claims)?;
        // An extension that must be understood is none that is known here.
        if head.crit.is_some() {
            return Err(TokenError::Malformed);
        }
        let issuer = self.issuers.iter().find(|it| it.settings.url == iss);
        let issuer = issuer.ok_or(TokenError::Issuer)?;
        let allowed = issuer.settings.algorithms.iter().map(|it| it.known());
        let mut allowed = allowed.filter(|it| format!("{it:?}") == head.alg);
        let algorithm = allowed.next().ok_or(TokenError::Algorithm)?;
        let key = issuer.key(head.kid.as_deref(), algorithm).await;
        let key = key.map_err(|error| match error {
            KeyError::Unknown => TokenError::Key,
            KeyError::Unreachable => TokenError::Unreachable,
        })?;
        let mut validation = Validation::new(algorithm);
        validation.leeway = issuer.settings.clock_skew_seconds;
        validation.validate_nbf = true;
        validation.set_audience(&issuer.settings.audiences);
        validation.set_issuer(&[&issuer.settings.url]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        let decoded = jsonwebtoken::decode::<Map<String, Value>>(token, &key, &validation);
        let claims = decoded.map_err(|error| wrong(error.kind()))?.claims;
        authenticated(issuer, &claims)
    }
}

fn part<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, TokenError> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text);
    let bytes = bytes.map_err(|_| TokenError::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| TokenError::Malformed)
}

#[allow(
    clippy::wildcard_enum_match_arm,
    reason = "another crate's, which may grow"
)]
fn wrong(kind: &ErrorKind) -> TokenError {
    match kind {
        ErrorKind::ExpiredSignature => TokenError::Expired,
        ErrorKind::ImmatureSignature => TokenError::Early,
        ErrorKind::InvalidAudience => TokenError::Audience,
        ErrorKind::InvalidIssuer => TokenError::Issuer,
        ErrorKind::InvalidAlgorithm | ErrorKind::UnsupportedAlgorithm => TokenError::Algorithm,
        ErrorKind::MissingRequiredClaim(claim) | ErrorKind::InvalidClaimFormat(claim) => {
            TokenError::Claim(claim.clone())
        }
        ErrorKind::InvalidSignature => TokenError::Signature,
        _ => TokenError::Malformed,
    }
}

fn authenticated(
    issuer: &Issuer,
    claims: &Map<String, Value>,
) -> Result<Authenticated, TokenError> {
    let settings = &issuer.settings;
    let lacks = |claim: &str| TokenError::Claim(claim.to_owned());
    let claimed = claims.get(&settings.subject_claim).and_then(Value::as_str);
    let subject = claimed.and_then(name);
    let subject = subject.ok_or_else(|| lacks(&settings.subject_claim))?;
    let groups = match claims.get(&settings.groups_claim) {
        Some(Value::String(one)) => name(one).into_iter().collect(),
        Some(Value::Array(all)) => {
            let named = all.iter().filter_map(Value::as_str).filter_map(name);
            named.take(MOST_GROUPS).collect()
        }
        _ => Vec::new(),
    };
    let exp = claims.get("exp").and_then(Value::as_f64);
    let exp = exp.ok_or_else(|| lacks("exp"))?;
    #[expect(clippy::cast_possible_truncation, reason = "whole seconds are meant")]
    let ends = DateTime::from_timestamp(exp as i64, 0).ok_or_else(|| lacks("exp"))?;
    let skew = i64::try_from(settings.clock_skew_seconds).unwrap_or_default();
    Ok(Authenticated {
        identity: Identity {
            subject: Subject {
                method: Proof::Token,
                issuer: issuer.name.clone(),
                subject,
            },
            also: Vec::new(),
            groups,
        },
        expires: ends.checked_add_signed(TimeDelta::seconds(skew)),
    })
}
