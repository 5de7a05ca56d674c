//! Who somebody is, by what they prove: a bearer token that an issuer signed, a certificate, or the
//! user of a process at the other end of a Unix socket.
//!
//! Each way ends in an [`Authenticated`]: an identity of the domain, and until when it holds. What
//! this crate does not know: the API, and what anybody may do. It never logs a token, a key, or a
//! part of one.
//!
//! Read first: [`Tokens`], which keeps the keys of the issuers.

#![warn(missing_docs)]

mod certificate;
mod fetch;
mod issuer;
mod name;
mod socket;
mod tokens;

pub use certificate::{CertificateError, certificate};
pub use fetch::FetchError;
pub use issuer::{Algorithm, IssuerSettings, SettingsError};
pub use socket::{Users, socket};
pub use tokens::{TokenError, Tokens};

use chrono::{DateTime, Utc};
use domain::access::Identity;

/// Somebody who is known, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authenticated {
    /// Who.
    pub identity: Identity,
    /// When the credential ends; `None`: with the connection.
    pub expires: Option<DateTime<Utc>>,
}
