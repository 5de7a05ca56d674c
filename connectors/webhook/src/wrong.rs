//! What can be wrong with an endpoint's settings, field by field.

use crate::guard::{AllowError, Refused};
use thiserror::Error;

/// One wrong field of an endpoint's settings.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{field}: {problem}")]
pub struct Wrong {
    /// The field, by its name in [`crate::Settings`]; of a header with its name (`headers:X-Key`).
    pub field: String,
    /// What is wrong with it.
    #[source]
    pub problem: Problem,
}

impl Wrong {
    pub(crate) fn of(field: impl Into<String>, problem: Problem) -> Self {
        let field = field.into();
        Self { field, problem }
    }
}

/// What is wrong with a field. None of them shows a secret.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Problem {
    /// Not a URL.
    #[error("it is no URL: {0}")]
    NoUrl(String),
    /// Neither `https` nor `http`.
    #[error("a webhook is sent over https, not {0}")]
    OtherScheme(String),
    /// `http` where it was not allowed.
    #[error(
        "it is not encrypted: use https, or allow the host by its exact name where the network is trusted"
    )]
    NotEncrypted,
    /// A user name or password in the URL.
    #[error("user names and passwords do not belong in a URL: use the authentication")]
    UserInUrl,
    /// A fragment, which is never sent.
    #[error("what follows # is never sent")]
    Fragment,
    /// A placeholder in the host, the query or elsewhere.
    #[error("placeholders are filled in in the path alone")]
    PlaceholderOutsidePath,
    /// A placeholder that is none.
    #[error("{{{0}}} is none of {{event-type}}, {{stream}}, {{schema-subject}}, {{network}}")]
    UnknownPlaceholder(String),
    /// Longer than may be.
    #[error("it is longer than {most} bytes")]
    TooLong {
        /// The most bytes.
        most: usize,
    },
    /// An address that may not be reached.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// An entry of the allow list that is none.
    #[error(transparent)]
    Allow(#[from] AllowError),
    /// A method that carries no webhook.
    #[error("{0} is none of POST, PUT, PATCH")]
    Method(String),
    /// No header's name.
    #[error("it is no name of a header")]
    HeaderName,
    /// A header that the engine itself sets.
    #[error("the engine sets it itself")]
    ReservedHeader,
    /// A value that no header can have.
    #[error("its value is empty, longer than 4 KiB, or holds a character that no header can have")]
    HeaderValue,
    /// More headers than may be.
    #[error("there are more than {most}")]
    TooMany {
        /// The most of them.
        most: usize,
    },
    /// Nothing, where something is needed.
    #[error("it is empty")]
    Empty,
    /// A colon in a user name, which would end it.
    #[error("a user name of Basic has no colon")]
    Colon,
    /// Outside of what may be.
    #[error("it is from {least} ms to {most} ms")]
    Timeout {
        /// The least, in milliseconds.
        least: u64,
        /// The most, in milliseconds.
        most: u64,
    },
    /// No certificates in PEM.
    #[error("there is no usable certificate in it (PEM)")]
    Certificate,
    /// No private key in PEM, or none that belongs to the certificate.
    #[error("it is no private key of that certificate (PEM)")]
    PrivateKey,
    /// The machine trusts no authority, and the settings name none.
    #[error("this machine has no certificate authorities: name some ({0})")]
    NoAuthorities(String),
}
