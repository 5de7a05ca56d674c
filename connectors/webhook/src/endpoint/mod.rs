//! Where a webhook goes: settings, checked as a whole and made ready to send.

mod authentication;
mod headers;
mod tls;

pub use authentication::{Authentication, ClientCertificate};

pub(crate) use authentication::Authorizer;

use tls::Trust;

use crate::{
    dial::{Dialer, Transport},
    echo::Travelling,
    exchange::Client,
    guard::{Allow, vet},
    template::Template,
    wrong::{Problem, Wrong},
};
use http::{HeaderMap, HeaderValue, Method, header};
use secrecy::SecretString;
use std::{net::IpAddr, sync::Arc, time::Duration};

/// How long one attempt may take in all, unless the settings say otherwise. Standard Webhooks asks
/// for 15 to 30 seconds.
pub const TIMEOUT: Duration = Duration::from_secs(15);

/// What the settings may say instead.
const TIMEOUTS: (u64, u64) = (100, 60_000);

/// How a webhook is sent, as its owner wishes it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `https://…`, with placeholders in its path: `{event-type}`, `{stream}`, `{schema-subject}`,
    /// `{network}`.
    pub url: String,
    /// `POST`, `PUT` or `PATCH`.
    pub method: String,
    /// Further headers. Every value is taken for a secret.
    pub headers: Vec<(String, SecretString)>,
    /// How the engine shows who it is.
    pub authentication: Authentication,
    /// A certificate of the engine's own, for receivers that ask for one.
    pub client_certificate: Option<ClientCertificate>,
    /// Ranges and hosts beyond public addresses, see [`Allow`].
    pub allow: Vec<String>,
    /// How long an attempt may take in all.
    pub timeout: Duration,
    /// The authorities (PEM) that sign the receiver's certificate instead of the machine's own.
    pub authorities: Option<String>,
    /// Whether `http://` is taken too.
    pub plain_http: bool,
}

impl Settings {
    /// The defaults, for this URL.
    #[must_use]
    pub fn to(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            method: Method::POST.to_string(),
            headers: Vec::new(),
            authentication: Authentication::None,
            client_certificate: None,
            allow: Vec::new(),
            timeout: TIMEOUT,
            authorities: None,
            plain_http: false,
        }
    }
}

/// A checked endpoint with its connections. Cheap to clone; the clones share the connections.
#[derive(Clone, Debug)]
pub struct Endpoint(Arc<Ready>);

#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) url: Template,
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) authorizer: Authorizer,
    pub(crate) travelling: Travelling,
    pub(crate) timeout: Duration,
    pub(crate) client: Arc<Client>,
}

impl Endpoint {
    /// Checks the settings and makes them ready. Nothing is resolved or dialled: an address that
    /// stands in the URL is checked here too, a name at each connection.
    ///
    /// # Errors
    /// Every field that is wrong.
    pub fn new(settings: Settings, transport: &Transport) -> Result<Self, Vec<Wrong>> {
        let mut wrong = Vec::new();
        let allow = allow(&settings.allow, &mut wrong);
        let url = url(
            "url",
            &settings.url,
            settings.plain_http,
            &allow,
            &mut wrong,
        );
        let method = match Method::from_bytes(settings.method.as_bytes()) {
            Ok(method @ (Method::POST | Method::PUT | Method::PATCH)) => method,
            Ok(_) | Err(_) => {
                wrong.push(Wrong::of("method", Problem::Method(settings.method)));
                Method::POST
            }
        };
        let (least, most) = TIMEOUTS;
        let bounds = Duration::from_millis(least)..=Duration::from_millis(most);
        if !bounds.contains(&settings.timeout) {
            wrong.push(Wrong::of("timeout", Problem::Timeout { least, most }));
        }
        let sets = settings.authentication.header();
        let mut headers = headers::checked(&settings.headers, sets, &mut wrong);
        let agent = HeaderValue::from_static(concat!("Peerage/", env!("CARGO_PKG_VERSION")));
        headers.entry(header::USER_AGENT).or_insert(agent);
        let certificate = settings.client_certificate.as_ref();
        let plain = url.as_ref().is_some_and(|url| !url.is_encrypted());
        let trust = match (&settings.authorities, settings.authentication.token_url()) {
            (Some(pem), _) => Trust::These(pem),
            (None, None) if plain => Trust::Nobody,
            (None, _) => Trust::Machine,
        };
        let config = tls::config(trust, certificate, transport, &mut wrong);
        let mut travelling = Travelling::default();
        let values = settings.headers.iter().map(|(_, value)| value);
        values
            .chain(settings.authentication.secret())
            .for_each(|secret| travelling.add(secret));
        let client = Arc::new(Client::new(config, Dialer::new(transport, allow.clone())));
        let authorizer = Authorizer::new(
            settings.authentication,
            &client,
            |text, wrong| {
                self::url(
                    "authentication:token_url",
                    text,
                    settings.plain_http,
                    &allow,
                    wrong,
                )
            },
            &mut wrong,
        );
        match (url, authorizer) {
            (Some(url), Some(authorizer)) if wrong.is_empty() => Ok(Self(Arc::new(Ready {
                url,
                method,
                headers,
                authorizer,
                travelling,
                timeout: settings.timeout,
                client,
            }))),
            _ => Err(wrong),
        }
    }

    /// Scheme, host and port, where a circuit breaker is kept for each.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.0.url.origin()
    }

    pub(crate) fn ready(&self) -> &Ready {
        &self.0
    }
}

fn allow(entries: &[String], wrong: &mut Vec<Wrong>) -> Allow {
    Allow::parse(entries.iter().map(String::as_str)).unwrap_or_else(|problems| {
        let problems = problems.into_iter().map(Problem::from);
        wrong.extend(problems.map(|problem| Wrong::of("allow", problem)));
        Allow::default()
    })
}

fn url(
    field: &str,
    text: &str,
    plain_http: bool,
    allow: &Allow,
    wrong: &mut Vec<Wrong>,
) -> Option<Template> {
    let before = wrong.len();
    let mut say = |problem| wrong.push(Wrong::of(field, problem));
    let template = match Template::parse(text) {
        Ok(template) => template,
        Err(problems) => {
            problems.into_iter().for_each(say);
            return None;
        }
    };
    if !template.is_encrypted() && !plain_http {
        say(Problem::NotEncrypted);
    }
    let host = template.host();
    if let Ok(address) = host.parse::<IpAddr>()
        && let Err(refused) = vet(host, &[address], allow)
    {
        say(refused.into());
    }
    (wrong.len() == before).then_some(template)
}

#[cfg(test)]
mod tests;
