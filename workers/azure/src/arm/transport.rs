//! A request and its answer over HTTP, in bounded time and size, and never twice.

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    version::{TLS12, TLS13},
};
use std::{
    error::Error as _,
    fmt::Write as _,
    sync::{Arc, LazyLock},
    time::Duration,
};

/// The largest answer: a VNet with all its subnets, peerings and interfaces.
const LARGEST: usize = 32 * 1024 * 1024;

/// How long a connection is kept without use.
const IDLE: Duration = Duration::from_secs(60);

type Pool = legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// Sends requests. Clones share connections.
#[derive(Clone, Debug)]
pub(crate) struct Transport {
    pool: Pool,
    timeout: Duration,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Why there is none.
#[derive(Debug)]
pub(crate) enum NoAnswer {
    /// The request was not sent, for certain.
    NotSent(String),
    /// It may have been.
    Lost(String),
}

impl Answer {
    /// A header's text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// How long it asks to wait. Resource Manager says it in seconds.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let seconds = self.header("retry-after")?.trim().parse().ok()?;
        Some(Duration::from_secs(seconds))
    }
}

impl Transport {
    pub(crate) fn new(connect_timeout: Duration, timeout: Duration) -> Self {
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(connect_timeout));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(TLS.clone())
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        let pool = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .retry_canceled_requests(false)
            .build(connector);
        Self { pool, timeout }
    }

    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Result<Answer, NoAnswer> {
        let exchange = async {
            let answer = self.pool.request(request).await.map_err(|error| {
                if error.is_connect() {
                    NoAnswer::NotSent(said(&error))
                } else {
                    NoAnswer::Lost(said(&error))
                }
            })?;
            let (head, body) = answer.into_parts();
            let body = Limited::new(body, LARGEST).collect().await;
            let body = body.map_err(|error| NoAnswer::Lost(error.to_string()))?;
            Ok(Answer {
                status: head.status,
                headers: head.headers,
                body: body.to_bytes(),
            })
        };
        let timeout = self.timeout;
        tokio::time::timeout(timeout, exchange)
            .await
            .unwrap_or_else(|_| Err(NoAnswer::Lost(format!("no answer within {timeout:?}"))))
    }
}

/// Read once: a machine may trust hundreds of authorities.
static TLS: LazyLock<ClientConfig> = LazyLock::new(tls);

/// TLS 1.2 or later, with the authorities that the machine trusts.
fn tls() -> ClientConfig {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    let provider = Arc::new(aws_lc_rs::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])
        .expect("the provider knows both versions")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// Whether both addresses are answered by one service: the same scheme, and the same host and port
/// or a host below it. Tokens go nowhere else.
pub(crate) fn is_of(endpoint: &Uri, url: &Uri) -> bool {
    let (Some(one), Some(other)) = (endpoint.host(), url.host()) else {
        return false;
    };
    let is_below = other
        .to_ascii_lowercase()
        .strip_suffix(&one.to_ascii_lowercase())
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    is_below && endpoint.scheme() == url.scheme() && endpoint.port_u16() == url.port_u16()
}

/// An error and its sources as one line.
fn said(error: &legacy::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let _ = write!(text, ": {error}");
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_to_the_endpoint_and_to_hosts_below_it_and_nowhere_else() {
        let endpoint: Uri = "https://management.azure.com".parse().unwrap();
        let is_of = |url: &str| is_of(&endpoint, &url.parse().unwrap());
        assert!(is_of("https://management.azure.com/subscriptions/1?a=b"));
        assert!(is_of("https://westeurope.Management.azure.com/x"));
        for other in [
            "http://management.azure.com/x",
            "https://management.azure.com:8443/x",
            "https://notmanagement.azure.com/x",
            "https://management.azure.com.example.org/x",
            "https://gatewaymanager.network.azure.com/x",
            "/subscriptions/1",
        ] {
            assert!(!is_of(other), "{other}");
        }
    }
}
