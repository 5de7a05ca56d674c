//! What is asked for a token in, and what whoever gives tokens answers.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::SecretString;
use serde::Deserialize;

/// What the login service answers.
#[derive(Deserialize)]
pub(super) struct Granted {
    pub(super) access_token: SecretString,
    /// In seconds.
    pub(super) expires_in: u64,
}

/// A text as it stands in a form or a query.
pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}
