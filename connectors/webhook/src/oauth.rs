//! Tokens by OAuth 2.0 client credentials (RFC 6749, section 4.4): fetched when one is needed, kept
//! until shortly before they expire, by one caller at a time.

use crate::{
    attempt::{BodyEnd, Fault, Outcome, outcome_of, retry_after},
    exchange::{Client, Failure, exchange},
    message::Place,
    template::Template,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{HeaderValue, Method, Request, header};
use http_body_util::Full;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use std::{fmt, sync::Arc, time::Duration};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout_at},
};

/// The largest answer of a token endpoint.
const LARGEST: usize = 64 * 1024;

/// How long before its end a token is not used any more.
const MARGIN: Duration = Duration::from_secs(30);

/// How long a token is used that does not say how long it holds.
const UNSAID: Duration = Duration::from_secs(300);

/// The longest that one is used, whatever it says.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// The tokens of one endpoint.
pub(crate) struct Tokens {
    client: Arc<Client>,
    url: Template,
    credentials: HeaderValue,
    form: Bytes,
    current: Mutex<Option<Token>>,
    /// Tokens that were fetched before this are not used any more.
    forgotten: parking_lot::Mutex<Option<Instant>>,
}

struct Token {
    header: HeaderValue,
    since: Instant,
    until: Instant,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tokens({}, [hidden])", self.url.origin())
    }
}

/// What a token endpoint answers.
#[derive(Deserialize)]
struct Granted {
    access_token: SecretString,
    token_type: String,
    expires_in: Option<u64>,
}

impl Tokens {
    pub(crate) fn new(
        client: Arc<Client>,
        url: Template,
        client_id: &str,
        client_secret: &SecretString,
        scope: Option<String>,
        audience: Option<String>,
    ) -> Self {
        // Section 2.3.1: both are form-encoded before they become a pair.
        let pair = format!(
            "{}:{}",
            form(client_id),
            form(client_secret.expose_secret())
        );
        let mut credentials = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(pair)))
            .expect("base64 is a header's value");
        credentials.set_sensitive(true);
        let mut body = "grant_type=client_credentials".to_owned();
        for (name, value) in [("scope", scope), ("audience", audience)] {
            if let Some(value) = value {
                body.push_str(&format!("&{name}={}", form(&value)));
            }
        }
        Self {
            client,
            url,
            credentials,
            form: body.into(),
            current: Mutex::new(None),
            forgotten: parking_lot::Mutex::new(None),
        }
    }

    /// The header with a token that still holds.
    pub(crate) async fn header(
        &self,
        deadline: Instant,
        patience: Duration,
        now: DateTime<Utc>,
    ) -> Result<HeaderValue, Failure> {
        let timed_out = || {
            (
                Outcome::Transient { retry_after: None },
                Fault::Timeout(patience),
            )
        };
        let locked = timeout_at(deadline, self.current.lock()).await;
        let mut current = locked.map_err(|_| timed_out())?;
        let forgotten = *self.forgotten.lock();
        let usable = current.as_ref().filter(|token| {
            token.until > Instant::now() && forgotten.is_none_or(|before| token.since > before)
        });
        if let Some(token) = usable {
            return Ok(token.header.clone());
        }
        let token = self.fetch(deadline, patience, now).await?;
        let header = token.header.clone();
        *current = Some(token);
        Ok(header)
    }

    /// Forgets a token that was fetched before an attempt began and was not taken in it. False when
    /// it was fetched in the attempt itself: another one would fare no better.
    pub(crate) fn forget_all_but_fresh(&self, started: Instant) -> bool {
        let is_older = match self.current.try_lock() {
            Ok(current) => current.as_ref().is_none_or(|token| token.since < started),
            // Somebody fetches one at this moment.
            Err(_) => true,
        };
        if is_older {
            *self.forgotten.lock() = Some(started);
        }
        is_older
    }

    async fn fetch(
        &self,
        deadline: Instant,
        patience: Duration,
        now: DateTime<Utc>,
    ) -> Result<Token, Failure> {
        let said = |what: &str| (Outcome::EndpointRefused, Fault::Token(what.to_owned()));
        let url = self
            .url
            .fill(&Place::default())
            .map_err(|problem| said(&problem.to_string()))?;
        let mut request = Request::new(Full::new(self.form.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = url;
        let headers = request.headers_mut();
        headers.insert(header::AUTHORIZATION, self.credentials.clone());
        let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(header::CONTENT_TYPE, kind);
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        let since = Instant::now();
        let answer = exchange(&self.client, request, deadline, patience, LARGEST).await?;
        // What the endpoint says of a fault may hold what was sent: it is not repeated.
        let status = answer.status;
        match outcome_of(status, retry_after(answer.retry_after.as_ref(), now)) {
            Outcome::Delivered => {}
            Outcome::Transient { retry_after } => {
                let fault = Fault::Token(format!("it answered with {status}"));
                return Err((Outcome::Transient { retry_after }, fault));
            }
            Outcome::RecordRefused | Outcome::EndpointRefused | Outcome::Gone => {
                return Err(said(&format!("it answered with {status}")));
            }
        }
        if answer.body.end != BodyEnd::Whole {
            let fault = Fault::Token("its answer is cut off".to_owned());
            return Err((Outcome::Transient { retry_after: None }, fault));
        }
        let granted: Granted =
            serde_json::from_str(&answer.body.text).map_err(|_| said("its answer is no token"))?;
        if !granted.token_type.eq_ignore_ascii_case("bearer") {
            return Err(said("its token is no bearer token"));
        }
        let header = format!("Bearer {}", granted.access_token.expose_secret());
        let mut header =
            HeaderValue::from_str(&header).map_err(|_| said("its token fits no header"))?;
        header.set_sensitive(true);
        let holds = granted
            .expires_in
            .map_or(UNSAID, Duration::from_secs)
            .min(LONGEST);
        let margin = MARGIN.min(holds / 2);
        Ok(Token {
            header,
            since,
            until: since + holds - margin,
        })
    }
}

fn form(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}
