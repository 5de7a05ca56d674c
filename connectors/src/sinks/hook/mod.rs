//! Webhooks: settings made ready, and what an answer means to the runtime.

use super::outgoing::message;
use crate::sink::{Attempt, Outcome, Parcel, Sink};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{
    Clock,
    connector::{
        Authentication as Wanted, HeaderValue, Sealed, SignatureScheme, Webhook, WebhookFormat,
        WebhookMethod,
    },
    text::ConnectorId,
};
use parking_lot::Mutex;
use secrecy::SecretString;
use std::{fmt, sync::Arc, time::Duration};
use webhook::{
    Authentication, Breakers, ClientCertificate, Endpoint, Fault, Format, Permit, Settings,
    SigningKey, SigningKeys, Transport, secrets::MasterKeys, send,
};

/// A webhook.
pub(super) struct HookSink {
    endpoint: Endpoint,
    format: Format,
    batch: Option<(usize, Duration)>,
    timeout: Duration,
    keys: Mutex<Keys>,
    breakers: Arc<Breakers>,
    clock: Clock,
}

/// The keys that sign, each until when.
struct Keys {
    all: Vec<(SecretString, Option<DateTime<Utc>>)>,
    /// Those that sign now, until the first of them ends.
    now: Arc<SigningKeys>,
    until: Option<DateTime<Utc>>,
}

impl fmt::Debug for HookSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("HookSink");
        shown
            .field("origin", &self.endpoint.origin())
            .finish_non_exhaustive()
    }
}

/// The secrets of one connector.
struct Secrets<'a> {
    id: &'a ConnectorId,
    keys: Option<&'a MasterKeys>,
}

impl Secrets<'_> {
    fn open(&self, field: &str, sealed: &Sealed) -> Result<SecretString, String> {
        let keys = self.keys.ok_or_else(|| {
            format!("{field} is a secret, and this server has no keys; `secrets.key_file` in its configuration names them")
        })?;
        let opened = keys.open(self.id.as_str(), field, &sealed.sealed);
        opened.map_err(|error| format!("{field} cannot be read: {error}"))
    }
}

impl HookSink {
    pub(super) fn new(
        id: &ConnectorId,
        webhook: &Webhook,
        keys: Option<&MasterKeys>,
        transport: &Transport,
        breakers: Arc<Breakers>,
        clock: Clock,
    ) -> Result<Self, String> {
        let secrets = Secrets { id, keys };
        let settings = settings(webhook, &secrets)?;
        let timeout = settings.timeout;
        let endpoint = Endpoint::new(settings, transport).map_err(|wrong| {
            let each: Vec<_> = wrong.iter().map(ToString::to_string).collect();
            each.join("; ")
        })?;
        let mut all = Vec::new();
        for key in &webhook.signing {
            let secret = secrets.open(SIGNING, &key.key)?;
            let parsed = SigningKey::parse(&secret).map_err(|error| error.to_string())?;
            let fits = match (&parsed, key.scheme) {
                (SigningKey::Hmac(_), SignatureScheme::V1)
                | (SigningKey::Ed25519(_), SignatureScheme::V1a) => true,
                (SigningKey::Hmac(_), SignatureScheme::V1a)
                | (SigningKey::Ed25519(_), SignatureScheme::V1) => false,
            };
            if !fits {
                return Err("a signing key is of another scheme than is said".to_owned());
            }
            all.push((secret, key.until));
        }
        let now = clock();
        Ok(Self {
            endpoint,
            format: match webhook.format {
                WebhookFormat::Envelope => Format::Envelope,
                WebhookFormat::Record => Format::Record,
                WebhookFormat::CloudEvents => Format::CloudeventsStructured,
                WebhookFormat::CloudEventsBinary => Format::CloudeventsBinary,
            },
            batch: webhook.batch.map(|it| {
                let wait = Duration::from_millis(it.max_wait_ms.into());
                (usize::from(it.max_records), wait)
            }),
            timeout,
            keys: Mutex::new(Keys::new(all, now)?),
            breakers,
            clock,
        })
    }
}

/// The field of signing keys, as their secrets are bound to it.
pub const SIGNING: &str = "/sink/signing/key";

fn settings(webhook: &Webhook, secrets: &Secrets<'_>) -> Result<Settings, String> {
    let mut headers = Vec::new();
    for (name, value) in &webhook.headers {
        let value = match value {
            HeaderValue::Plain(text) => text.to_string().into(),
            HeaderValue::Secret(sealed) => {
                secrets.open(&format!("/sink/headers/{name}/secret"), sealed)?
            }
        };
        headers.push((name.to_string(), value));
    }
    let authentication = match &webhook.authentication {
        Wanted::None => Authentication::None,
        Wanted::Basic { username, password } => Authentication::Basic {
            username: username.to_string(),
            password: secrets.open("/sink/authentication/password", password)?,
        },
        Wanted::Bearer { token } => Authentication::Bearer {
            token: secrets.open("/sink/authentication/token", token)?,
        },
        Wanted::ClientCredentials {
            token_url,
            client_id,
            client_secret,
            scope,
            audience,
        } => Authentication::ClientCredentials {
            token_url: token_url.to_string(),
            client_id: client_id.to_string(),
            client_secret: secrets.open("/sink/authentication/client_secret", client_secret)?,
            scope: scope.as_ref().map(ToString::to_string),
            audience: audience.as_ref().map(ToString::to_string),
        },
    };
    let client_certificate = match &webhook.client_certificate {
        None => None,
        Some(it) => Some(ClientCertificate {
            chain: it.chain.clone(),
            key: secrets.open("/sink/client_certificate/key", &it.key)?,
        }),
    };
    let ranges = webhook.allowed_ranges.iter().map(ToString::to_string);
    let hosts = webhook.allowed_hosts.iter().map(ToString::to_string);
    Ok(Settings {
        method: match webhook.method {
            WebhookMethod::Post => "POST",
            WebhookMethod::Put => "PUT",
            WebhookMethod::Patch => "PATCH",
        }
        .to_owned(),
        headers,
        authentication,
        client_certificate,
        allow: ranges.chain(hosts).collect(),
        timeout: Duration::from_millis(webhook.timeout_ms.into()),
        authorities: webhook.authorities.clone(),
        plain_http: is_plain_at_an_allowed_host(webhook),
        ..Settings::to(webhook.url.as_str())
    })
}

/// Whether the endpoint is a host that is named as one that may be dialled without TLS.
fn is_plain_at_an_allowed_host(webhook: &Webhook) -> bool {
    let Some(rest) = webhook.url.as_str().strip_prefix("http://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|it| it.is_ascii_digit()) => host,
        Some(_) | None => authority,
    };
    let host = host.trim_matches(['[', ']']);
    let mut hosts = webhook.allowed_hosts.iter();
    hosts.any(|it| {
        it.as_str()
            .trim_matches(['[', ']'])
            .eq_ignore_ascii_case(host)
    })
}

impl Keys {
    fn new(
        all: Vec<(SecretString, Option<DateTime<Utc>>)>,
        now: DateTime<Utc>,
    ) -> Result<Self, String> {
        let mut this = Self {
            all,
            now: Arc::new(SigningKeys::default()),
            until: Some(now),
        };
        this.at(now).map(|_| this)
    }

    /// Those that sign at this time.
    fn at(&mut self, now: DateTime<Utc>) -> Result<Arc<SigningKeys>, String> {
        if self.until.is_some_and(|it| it <= now) {
            let valid = self
                .all
                .iter()
                .filter(|(_, it)| it.is_none_or(|it| it > now));
            self.until = valid.clone().filter_map(|(_, it)| *it).min();
            let keys = SigningKeys::parse(valid.map(|(key, _)| key));
            let keys = keys.map_err(|error| error.to_string())?;
            self.now = Arc::new(keys);
        }
        Ok(Arc::clone(&self.now))
    }
}

#[async_trait]
impl Sink for HookSink {
    async fn deliver(&self, parcel: &Parcel) -> Attempt {
        let now = (self.clock)();
        let refused = |outcome| Attempt {
            at: now,
            took: Duration::ZERO,
            status: None,
            body: String::new(),
            outcome,
        };
        if let Permit::Wait { pause } = self.breakers.permit(self.endpoint.origin(), now) {
            return refused(Outcome::EndpointFailed {
                cause: "the host fails, and is left alone for a while".to_owned(),
                retry_after: Some(pause),
            });
        }
        let Some(message) = message(self.format, parcel, now) else {
            let cause = "the records make no message in this format".to_owned();
            return refused(Outcome::RecordRefused(cause));
        };
        let keys = match self.keys.lock().at(now) {
            Ok(keys) => keys,
            Err(cause) => {
                return refused(Outcome::EndpointFailed {
                    cause,
                    retry_after: None,
                });
            }
        };
        let attempt = send(&self.endpoint, &keys, &message, now).await;
        self.breakers
            .record(self.endpoint.origin(), &attempt, (self.clock)());
        Attempt {
            at: attempt.at,
            took: attempt.took,
            status: attempt.status,
            outcome: meaning(&attempt),
            body: attempt.body.text,
        }
    }

    fn batch(&self) -> Option<(usize, Duration)> {
        self.batch
    }

    fn timeout(&self) -> Duration {
        self.timeout
    }
}

/// What an attempt means: a fault of the record, of the endpoint, or of the moment.
fn meaning(attempt: &webhook::Attempt) -> Outcome {
    let cause = attempt.fault.as_ref().map(ToString::to_string);
    let cause = cause.unwrap_or_default();
    match attempt.outcome {
        webhook::Outcome::Delivered => Outcome::Delivered,
        webhook::Outcome::Gone => Outcome::Gone,
        webhook::Outcome::RecordRefused => Outcome::RecordRefused(cause),
        webhook::Outcome::EndpointRefused => Outcome::EndpointFailed {
            cause,
            retry_after: None,
        },
        webhook::Outcome::Transient { retry_after } => {
            let is_endpoints = match &attempt.fault {
                Some(
                    Fault::Resolve(_)
                    | Fault::Connect(_)
                    | Fault::Tls(_)
                    | Fault::Token(_)
                    | Fault::Refused(_),
                ) => true,
                // A receiver may well choke on one record.
                Some(
                    Fault::Status(_) | Fault::Timeout(_) | Fault::Answer(_) | Fault::Request(_),
                )
                | None => false,
            };
            if is_endpoints {
                Outcome::EndpointFailed { cause, retry_after }
            } else {
                Outcome::Busy { cause, retry_after }
            }
        }
    }
}

#[cfg(test)]
mod tests;
