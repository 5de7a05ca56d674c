//! One request, one answer: nothing is sent twice here.

use crate::tokens::{TokenError, TokenSource, said};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::{ClientConfig, crypto::aws_lc_rs};
use secrecy::ExposeSecret as _;
use std::{
    fmt, io,
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::time::timeout;

/// The longest answer that is read. A page of 500 networks with 25 peerings each is some 10 MB.
const LONGEST: usize = 64 << 20;

/// How long a connection is kept without use.
const IDLE: Duration = Duration::from_secs(60);

type Connections = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// The way to the API. Clones share connections and tokens.
#[derive(Clone)]
pub(crate) struct Transport {
    connections: Connections,
    tokens: Arc<dyn TokenSource>,
    deadline: Duration,
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport")
            .field("tokens", &self.tokens)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

/// An answer of the API, or of whatever stands before it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) body: Bytes,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum NoAnswer {
    /// Nothing was sent.
    NotSent(String),
    /// Nothing was sent, since there is no token.
    NoToken(TokenError),
    /// It may have arrived.
    Lost(String),
}

impl Transport {
    /// A way to the API; nothing is asked yet.
    pub(crate) fn new(tokens: Arc<dyn TokenSource>, deadline: Duration) -> io::Result<Self> {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls()?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        let connections = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            // What may have been sent is never sent again unasked.
            .retry_canceled_requests(false)
            .build(connector);
        Ok(Self {
            connections,
            tokens,
            deadline,
        })
    }

    /// Sends one request.
    pub(crate) async fn send(
        &self,
        method: Method,
        url: &str,
        body: Option<&serde_json::Value>,
    ) -> Result<Answer, NoAnswer> {
        let url: Uri = url
            .parse()
            .map_err(|error| NoAnswer::NotSent(format!("`{url}`: {error}")))?;
        let token = self.tokens.token().await.map_err(NoAnswer::NoToken)?;
        let bearer = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()));
        let mut bearer = bearer.map_err(|_| {
            let words = "it cannot be sent in a header".to_owned();
            NoAnswer::NoToken(TokenError::Refused(words))
        })?;
        bearer.set_sensitive(true);
        let mut request = Request::builder()
            .method(method)
            .uri(url)
            .header(header::AUTHORIZATION, bearer);
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let bytes = body.map(|it| Bytes::from(it.to_string()));
        let request = request
            .body(Full::new(bytes.unwrap_or_default()))
            .map_err(|error| NoAnswer::NotSent(error.to_string()))?;
        let late = |_| NoAnswer::Lost(format!("no answer within {:?}", self.deadline));
        timeout(self.deadline, self.exchange(request))
            .await
            .map_err(late)?
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Answer, NoAnswer> {
        let answer = self.connections.request(request).await.map_err(|error| {
            let words = said(&error);
            if error.is_connect() {
                NoAnswer::NotSent(words)
            } else {
                NoAnswer::Lost(words)
            }
        })?;
        let status = answer.status();
        let retry_after = retry_after(answer.headers().get(header::RETRY_AFTER));
        let body = Limited::new(answer.into_body(), LONGEST).collect().await;
        let body = body.map_err(|error| NoAnswer::Lost(said(&*error)))?;
        Ok(Answer {
            status,
            retry_after,
            body: body.to_bytes(),
        })
    }
}

/// TLS with the authorities that the machine trusts. They are read once: there may be hundreds.
fn tls() -> io::Result<ClientConfig> {
    static TLS: OnceLock<ClientConfig> = OnceLock::new();
    if let Some(known) = TLS.get() {
        return Ok(known.clone());
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let made = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_native_roots()?
        .with_no_client_auth();
    Ok(TLS.get_or_init(|| made).clone())
}

/// How long the answer asks to wait; only seconds are understood, and at most an hour of them.
fn retry_after(header: Option<&HeaderValue>) -> Option<Duration> {
    let seconds: u64 = header?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.min(3600)))
}
