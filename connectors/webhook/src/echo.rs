//! What a receiver says is kept and shown; some say back what they were sent. The secrets among it
//! are hidden before anything is kept.

use crate::attempt::{Body, BodyEnd, KEPT};
use http::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};

/// How much more of an answer is read than is kept: a secret that the end cuts through is seen
/// whole before it is.
pub(crate) const MARGIN: usize = 4096;

/// What stands for a secret.
const HIDDEN: &str = "[hidden]";

/// Shorter ones would hide every other word, and are none.
const SHORTEST: usize = 4;

/// The secrets of an endpoint that travel with each request.
#[derive(Debug, Default)]
pub(crate) struct Travelling(Vec<SecretString>);

impl Travelling {
    pub(crate) fn add(&mut self, secret: &SecretString) {
        if secret.expose_secret().len() >= SHORTEST {
            self.0.push(secret.clone());
            // The longer one first: it may hold the shorter.
            self.0
                .sort_by_key(|it| usize::MAX - it.expose_secret().len());
        }
    }

    /// A body of which at most [`KEPT`] bytes are kept, without secrets.
    pub(crate) fn hidden(&self, body: Body, authorization: Option<&HeaderValue>) -> Body {
        let Body { mut text, mut end } = body;
        let value = authorization.and_then(|value| value.to_str().ok());
        // Basic and Bearer are no secret, what follows them is.
        let credentials = value.and_then(|value| value.split_once(' '));
        let credentials = credentials
            .map(|(_, secret)| secret)
            .filter(|it| it.len() >= SHORTEST);
        for secret in credentials
            .into_iter()
            .chain(self.0.iter().map(|it| it.expose_secret()))
        {
            if text.contains(secret) {
                text = text.replace(secret, HIDDEN);
            }
        }
        if text.len() > KEPT {
            text.truncate(text.floor_char_boundary(KEPT));
            end = BodyEnd::Cut;
        }
        Body { text, end }
    }
}
