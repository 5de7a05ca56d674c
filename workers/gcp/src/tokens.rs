//! Tokens: what shows Google who calls.

use crate::settings::Credentials;
use async_trait::async_trait;
use secrecy::{ExposeSecret as _, SecretString};
use std::{fmt, path::PathBuf, sync::Arc};
use thiserror::Error;
use tokio::sync::OnceCell;

/// What is asked for with a token: all that the account may do, as its roles say.
const SCOPES: [&str; 1] = ["https://www.googleapis.com/auth/cloud-platform"];

/// Where tokens come from.
#[async_trait]
pub trait TokenSource: Send + Sync + fmt::Debug {
    /// A token that is valid for some time yet.
    async fn token(&self) -> Result<SecretString, TokenError>;
}

/// Why there is no token.
#[derive(Debug, Error)]
pub enum TokenError {
    /// Whoever gives tokens does not answer.
    #[error("no token: {0}")]
    Unreachable(String),
    /// There are no credentials, or nobody takes them.
    #[error("no token: {0}")]
    Refused(String),
}

/// The source that these credentials mean. Nothing is read or asked before the first call.
pub(crate) fn source(credentials: &Credentials) -> Arc<dyn TokenSource> {
    let of = |kind| {
        Arc::new(Google {
            kind,
            provider: OnceCell::new(),
        })
    };
    match credentials {
        Credentials::Default => of(Kind::Default),
        Credentials::KeyFile(path) => of(Kind::File(path.clone())),
        Credentials::Key(key) => of(Kind::Key(key.clone())),
        Credentials::Token(token) => Arc::new(Fixed(token.clone())),
    }
}

/// One token, always.
#[derive(Debug)]
struct Fixed(SecretString);

#[async_trait]
impl TokenSource for Fixed {
    async fn token(&self) -> Result<SecretString, TokenError> {
        Ok(self.0.clone())
    }
}

/// Google's ways to a token; each keeps what it was given until it runs out.
struct Google {
    kind: Kind,
    provider: OnceCell<Arc<dyn gcp_auth::TokenProvider>>,
}

#[derive(Debug)]
enum Kind {
    Default,
    File(PathBuf),
    Key(SecretString),
}

impl fmt::Debug for Google {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Google").field(&self.kind).finish()
    }
}

impl Google {
    async fn provider(&self) -> Result<Arc<dyn gcp_auth::TokenProvider>, TokenError> {
        use gcp_auth::CustomServiceAccount as Account;
        let unusable = |error: gcp_auth::Error| TokenError::Refused(said(&error));
        match &self.kind {
            Kind::Default => gcp_auth::provider().await.map_err(failed),
            Kind::File(path) => {
                let key = tokio::fs::read_to_string(path).await;
                let key = key.map_err(|error| {
                    TokenError::Refused(format!("`{}`: {error}", path.display()))
                })?;
                let account = Account::from_json(&key).map_err(unusable)?;
                Ok(Arc::new(account))
            }
            Kind::Key(key) => {
                let account = Account::from_json(key.expose_secret()).map_err(unusable)?;
                Ok(Arc::new(account))
            }
        }
    }
}

#[async_trait]
impl TokenSource for Google {
    async fn token(&self) -> Result<SecretString, TokenError> {
        let provider = self.provider.get_or_try_init(|| self.provider()).await?;
        let token = provider.token(&SCOPES).await.map_err(failed)?;
        Ok(token.as_str().to_owned().into())
    }
}

/// An answer that is no token is a refusal; none at all may be one later.
fn failed(error: gcp_auth::Error) -> TokenError {
    use gcp_auth::Error as E;
    let words = said(&error);
    match error {
        E::Http(..) | E::Other(..) | E::Io(..) => TokenError::Unreachable(words),
        E::NoAuthMethod(..) | E::Json(..) | E::Str(..) => TokenError::Refused(words),
    }
}

/// An error and its sources as one line.
pub(crate) fn said(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let next = error.to_string();
        if !text.ends_with(&next) {
            text = format!("{text}: {next}");
        }
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_key_that_is_none_is_refused_and_not_told() {
        let key: SecretString = "{\"private_key\": \"hush\"}".to_owned().into();
        let refused = source(&Credentials::Key(key)).token().await.unwrap_err();
        assert!(matches!(refused, TokenError::Refused(_)), "{refused}");
        assert!(!refused.to_string().contains("hush"), "{refused}");
        let nowhere = PathBuf::from("/nowhere/key.json");
        let refused = source(&Credentials::KeyFile(nowhere)).token().await;
        let refused = refused.unwrap_err();
        assert!(matches!(&refused, TokenError::Refused(_)), "{refused}");
        assert!(refused.to_string().contains("/nowhere/key.json"));
    }

    #[tokio::test]
    async fn a_token_that_is_there_is_given_as_it_is_and_never_shown() {
        let source = source(&Credentials::Token("hush".to_owned().into()));
        assert_eq!(source.token().await.unwrap().expose_secret(), "hush");
        assert!(!format!("{source:?}").contains("hush"));
    }
}
