//! How the engine shows a receiver who it is: nothing, Basic, a bearer token, or a token that it
//! fetches by OAuth 2.0 client credentials.

use super::headers::secret_value;
use crate::{
    exchange::Client,
    oauth::Tokens,
    template::Template,
    wrong::{Problem, Wrong},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderName, HeaderValue, header};
use secrecy::{ExposeSecret as _, SecretString};
use std::sync::Arc;

/// How the engine authenticates with a receiver.
#[derive(Clone, Debug)]
pub enum Authentication {
    /// Not at all, or by a header or certificate.
    None,
    /// A name and a password (RFC 7617).
    Basic {
        /// The name, without a colon.
        username: String,
        /// The password; may be empty.
        password: SecretString,
    },
    /// A token that does not change (RFC 6750).
    Bearer {
        /// The token.
        token: SecretString,
    },
    /// Tokens that are fetched where and when they are needed (RFC 6749, section 4.4). The token
    /// endpoint is asked through the same guard as the receiver.
    ClientCredentials {
        /// Where tokens are given.
        token_url: String,
        /// Who the engine is there.
        client_id: String,
        /// What proves it.
        client_secret: SecretString,
        /// What the tokens are for, if the endpoint wants to know.
        scope: Option<String>,
        /// Whom they are for, if the endpoint wants to know.
        audience: Option<String>,
    },
}

impl Authentication {
    /// The header that it sets.
    pub(super) fn header(&self) -> Option<HeaderName> {
        match self {
            Self::None => None,
            Self::Basic { .. } | Self::Bearer { .. } | Self::ClientCredentials { .. } => {
                Some(header::AUTHORIZATION)
            }
        }
    }
}

impl Authentication {
    /// Where tokens are fetched.
    pub(super) fn token_url(&self) -> Option<&str> {
        match self {
            Self::ClientCredentials { token_url, .. } => Some(token_url),
            Self::None | Self::Basic { .. } | Self::Bearer { .. } => None,
        }
    }

    /// What proves who the engine is.
    pub(super) fn secret(&self) -> Option<&SecretString> {
        match self {
            Self::None => None,
            Self::Basic { password, .. } => Some(password),
            Self::Bearer { token } => Some(token),
            Self::ClientCredentials { client_secret, .. } => Some(client_secret),
        }
    }
}

/// A certificate that the engine shows to a receiver that asks for one. Public authorities issue
/// none for clients: it takes a private one.
#[derive(Clone, Debug)]
pub struct ClientCertificate {
    /// The certificate and what leads to its authority, PEM.
    pub chain: String,
    /// Its private key, PEM.
    pub key: SecretString,
}

/// Authentication, made ready.
#[derive(Debug)]
pub(crate) enum Authorizer {
    None,
    Fixed(HeaderValue),
    Fetched(Box<Tokens>),
}

impl Authorizer {
    pub(super) fn new(
        authentication: Authentication,
        client: &Arc<Client>,
        url: impl FnOnce(&str, &mut Vec<Wrong>) -> Option<Template>,
        wrong: &mut Vec<Wrong>,
    ) -> Option<Self> {
        match authentication {
            Authentication::None => Some(Self::None),
            Authentication::Basic { username, password } => {
                if username.contains(':') {
                    wrong.push(Wrong::of("authentication:username", Problem::Colon));
                }
                let pair = format!("{username}:{}", password.expose_secret());
                fixed(
                    "password",
                    &format!("Basic {}", STANDARD.encode(pair)),
                    wrong,
                )
            }
            Authentication::Bearer { token } => {
                let token = token.expose_secret();
                if token.is_empty() {
                    wrong.push(Wrong::of("authentication:token", Problem::Empty));
                }
                fixed("token", &format!("Bearer {token}"), wrong)
            }
            Authentication::ClientCredentials {
                token_url,
                client_id,
                client_secret,
                scope,
                audience,
            } => {
                if client_id.is_empty() {
                    wrong.push(Wrong::of("authentication:client_id", Problem::Empty));
                }
                if client_secret.expose_secret().is_empty() {
                    wrong.push(Wrong::of("authentication:client_secret", Problem::Empty));
                }
                let url = url(&token_url, wrong)?;
                Some(Self::Fetched(Box::new(Tokens::new(
                    Arc::clone(client),
                    url,
                    &client_id,
                    &client_secret,
                    scope,
                    audience,
                ))))
            }
        }
    }
}

fn fixed(field: &str, text: &str, wrong: &mut Vec<Wrong>) -> Option<Authorizer> {
    let value = secret_value(text);
    if value.is_none() {
        wrong.push(Wrong::of(
            format!("authentication:{field}"),
            Problem::HeaderValue,
        ));
    }
    value.map(Authorizer::Fixed)
}
