//! Tokens by OAuth 2.0 client credentials (RFC 6749, section 4.4): one for each tenant, fetched
//! when it is needed and kept until shortly before it expires, by one caller at a time.
//!
//! Written by hand: the field's own library has no way to say in which tenants one application may
//! ask, and brings a second HTTP client and a second crate for time. What it takes is one request.

use super::{
    error::{ArmError, Failure},
    grant::{Granted, encoded},
    machine, same,
    transport::{NoAnswer, Transport},
};
use crate::settings::{AzureSettings, Credential};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderValue, Method, Request, header};
use http_body_util::Full;
use parking_lot::Mutex;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};
use tokio::{sync::Mutex as AsyncMutex, time::Instant};

/// How long before its end a token is not used any more.
const MARGIN: Duration = Duration::from_secs(120);

/// The longest that one is used, whatever it says.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// What kind of proof a token of another issuer is (RFC 7523, section 2.2).
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The tokens of every tenant.
pub(crate) struct Tokens {
    transport: Transport,
    login: String,
    scope: String,
    credential: Credential,
    tenants: Mutex<BTreeMap<String, Arc<AsyncMutex<Option<Token>>>>>,
}

#[derive(Clone)]
struct Token {
    text: SecretString,
    until: Instant,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tokens({}, [hidden])", self.login)
    }
}

/// What it answers when it refuses.
#[derive(Deserialize)]
struct Refused {
    error: Option<String>,
    #[serde(default)]
    error_codes: Vec<u32>,
}

impl Tokens {
    pub(crate) fn new(transport: Transport, settings: &AzureSettings) -> Self {
        Self {
            transport,
            login: settings.login.trim_end_matches('/').to_owned(),
            scope: settings.scope(),
            credential: settings.credential.clone(),
            tenants: Mutex::default(),
        }
    }

    /// The header with a token of this tenant that still holds.
    pub(crate) async fn bearer(&self, tenant: &str) -> Result<HeaderValue, ArmError> {
        let token = self.token(tenant).await?;
        let text = format!("Bearer {}", token.expose_secret());
        let no_header = |_| failed(Failure::CredentialsRefused, "the token fits no header");
        let mut value = HeaderValue::from_str(&text).map_err(no_header)?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// The tenant that this tenant's token really is of, as the token says.
    pub(crate) async fn tenant_of(&self, tenant: &str) -> Result<String, ArmError> {
        let token = self.token(tenant).await?;
        let told = tenant_in(token.expose_secret());
        // One that is given as it is may be for a stand-in, and says nothing.
        let given = matches!(self.credential, Credential::Fixed(_)).then(|| tenant.to_owned());
        told.or(given)
            .ok_or_else(|| failed(Failure::Unexpected, "the token does not say its tenant"))
    }

    /// Forgets a token that was not taken, so that the next call has another.
    pub(crate) async fn forget(&self, tenant: &str) {
        *self.slot(tenant).lock().await = None;
    }

    fn slot(&self, tenant: &str) -> Arc<AsyncMutex<Option<Token>>> {
        let key = tenant.to_ascii_lowercase();
        Arc::clone(self.tenants.lock().entry(key).or_default())
    }

    async fn token(&self, tenant: &str) -> Result<SecretString, ArmError> {
        let slot = self.slot(tenant);
        let mut current = slot.lock().await;
        if let Some(token) = current.as_ref().filter(|it| it.until > Instant::now()) {
            return Ok(token.text.clone());
        }
        let token = self.fetch(tenant).await?;
        let text = token.text.clone();
        *current = Some(token);
        Ok(text)
    }

    async fn fetch(&self, tenant: &str) -> Result<Token, ArmError> {
        let since = Instant::now();
        let granted = match &self.credential {
            Credential::Fixed(text) => {
                let (text, until) = (text.clone(), since + LONGEST);
                return Ok(Token { text, until });
            }
            Credential::ClientSecret { client_id, secret } => {
                let shown = ("client_secret", secret.expose_secret());
                self.granted(tenant, client_id, shown).await?
            }
            Credential::Federated {
                client_id,
                token_file,
            } => {
                let read = tokio::fs::read_to_string(token_file).await;
                let shown = read.map_err(|error| {
                    let what = format!("{} is not read: {error}", token_file.display());
                    failed(Failure::CredentialsRefused, what)
                })?;
                let shown = ("client_assertion", shown.trim());
                self.granted(tenant, client_id, shown).await?
            }
            Credential::Trusting {
                client_id,
                identity,
            } => {
                let of_machine = machine::token(&self.transport, identity, machine::EXCHANGE);
                let of_machine = of_machine.await?.access_token;
                let shown = ("client_assertion", of_machine.expose_secret());
                self.granted(tenant, client_id, shown).await?
            }
            Credential::Managed(identity) => {
                let resource = self.scope.trim_end_matches("/.default");
                let granted = machine::token(&self.transport, identity, resource).await?;
                is_known_in(tenant, &granted.access_token)?;
                granted
            }
        };
        let holds = Duration::from_secs(granted.expires_in).min(LONGEST);
        Ok(Token {
            text: granted.access_token,
            until: since + holds - MARGIN.min(holds / 2),
        })
    }

    /// A token in this tenant for the application that shows this.
    async fn granted(
        &self,
        tenant: &str,
        client_id: &str,
        (kind, shown): (&str, &str),
    ) -> Result<Granted, ArmError> {
        let mut form = format!(
            "grant_type=client_credentials&scope={}&client_id={}&{kind}={}",
            encoded(&self.scope),
            encoded(client_id),
            encoded(shown)
        );
        if kind == "client_assertion" {
            form = format!("{form}&client_assertion_type={}", encoded(ASSERTION));
        }
        // A tenant is a name of letters, digits and hyphens: it stands in a path as it is.
        let url = format!("{}/{tenant}/oauth2/v2.0/token", self.login);
        let request = Request::builder()
            .method(Method::POST)
            .uri(url)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "application/json")
            .body(Full::from(form))
            .map_err(|error| failed(Failure::CredentialsRefused, error.to_string()))?;
        // Nothing of what was to be called was sent, whatever becomes of this.
        let answer = self.transport.send(request).await.map_err(|error| {
            let (NoAnswer::NotSent(words) | NoAnswer::Lost(words)) = error;
            failed(Failure::NotSent, format!("no token: {words}"))
        })?;
        if answer.status.is_server_error() || answer.status.as_u16() == 429 {
            let words = format!("no token: the login service answered {}", answer.status);
            return Err(failed(Failure::NotSent, words));
        }
        if !answer.status.is_success() {
            return Err(refused(tenant, &answer.body));
        }
        serde_json::from_slice(&answer.body)
            .map_err(|_| failed(Failure::CredentialsRefused, "the answer is no token"))
    }
}

/// A machine's identity is known in one tenant: its tokens say in which, whoever asks.
fn is_known_in(tenant: &str, token: &SecretString) -> Result<(), ArmError> {
    match tenant_in(token.expose_secret()) {
        Some(own) if !same(&own, tenant) => {
            let words = format!(
                "the managed identity is of tenant {own}, and is not known in {tenant}: name an \
                 application that trusts it as cloud.azure.client_id"
            );
            Err(failed(Failure::CredentialsRefused, words))
        }
        Some(_) | None => Ok(()),
    }
}

/// What the service says in words may hold what was sent: only its codes are told.
fn refused(tenant: &str, body: &[u8]) -> ArmError {
    let told: Option<Refused> = serde_json::from_slice(body).ok();
    let numbers = told.iter().flat_map(|it| &it.error_codes);
    let numbers: Vec<String> = numbers.map(|it| format!("AADSTS{it}")).collect();
    let code = told.and_then(|it| it.error);
    let words = format!("no token in tenant {tenant}: {}", numbers.join(", "));
    ArmError {
        code,
        ..failed(
            Failure::CredentialsRefused,
            words.trim_end_matches([':', ' ']),
        )
    }
}

fn failed(failure: Failure, words: impl Into<String>) -> ArmError {
    ArmError::new(failure, words)
}

/// The `tid` of a token. It is read and not checked: it is ours, and only says where it leads.
fn tenant_in(token: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Claims {
        tid: String,
    }
    let claims = token.split('.').nth(1)?;
    let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
    let claims: Claims = serde_json::from_slice(&claims).ok()?;
    Some(claims.tid)
}
