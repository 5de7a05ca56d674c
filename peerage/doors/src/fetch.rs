//! What an issuer publishes: small JSON documents over HTTPS, bounded in size and time. Redirects
//! are not followed, and no proxy is asked.

use bytes::Bytes;
use http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use serde::de::DeserializeOwned;
use std::{io, net::IpAddr, path::Path, sync::Arc, time::Duration};
use thiserror::Error;
use tokio::time::timeout;

/// How long one document may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The most bytes of a document.
const LARGEST: usize = 256 * 1024;

/// Why a document is not there.
#[derive(Debug, Error)]
pub enum FetchError {
    /// The address is none that is asked.
    #[error("{0} is not asked: an issuer is asked over https")]
    Address(Uri),
    /// No answer.
    #[error("{0} does not answer")]
    Silent(
        Uri,
        #[source] Option<Box<dyn std::error::Error + Send + Sync>>,
    ),
    /// Another answer.
    #[error("{0} answers with {1}")]
    Status(Uri, StatusCode),
    /// Too large, or cut off.
    #[error("{0} answers with too much, or not to the end")]
    Body(Uri),
    /// No such document.
    #[error("{0} answers with something else")]
    Document(Uri),
}

/// Asks issuers.
#[derive(Clone, Debug)]
pub(crate) struct Fetch {
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
    allows_plain: bool,
}

impl Fetch {
    /// Believing the authorities in this file, or the system's. `allows_plain`: http is asked too,
    /// on loopback alone.
    pub(crate) fn new(authorities: Option<&Path>, allows_plain: bool) -> io::Result<Self> {
        let builder = HttpsConnectorBuilder::new();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = match authorities {
            None => builder.with_provider_and_native_roots(provider)?,
            Some(path) => {
                let mut roots = RootCertStore::empty();
                let all = CertificateDer::pem_file_iter(path).map_err(io::Error::other)?;
                for authority in all {
                    let authority = authority.map_err(io::Error::other)?;
                    roots.add(authority).map_err(io::Error::other)?;
                }
                if roots.is_empty() {
                    return Err(io::Error::other("there is no certificate"));
                }
                let config = ClientConfig::builder_with_provider(provider)
                    .with_safe_default_protocol_versions()
                    .map_err(io::Error::other)?
                    .with_root_certificates(roots)
                    .with_no_client_auth();
                builder.with_tls_config(config)
            }
        };
        let builder = if allows_plain {
            builder.https_or_http()
        } else {
            builder.https_only()
        };
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_connect_timeout(Some(PATIENCE));
        let connector = builder.enable_http1().wrap_connector(http);
        Ok(Self {
            client: Client::builder(TokioExecutor::new())
                .pool_max_idle_per_host(1)
                .build(connector),
            allows_plain,
        })
    }

    /// The document at this address.
    pub(crate) async fn document<T: DeserializeOwned>(&self, uri: &Uri) -> Result<T, FetchError> {
        if !self.may_ask(uri) {
            return Err(FetchError::Address(uri.clone()));
        }
        match timeout(PATIENCE, self.ask(uri)).await {
            Ok(answer) => {
                serde_json::from_slice(&answer?).map_err(|_| FetchError::Document(uri.clone()))
            }
            Err(_) => Err(FetchError::Silent(uri.clone(), None)),
        }
    }

    async fn ask(&self, uri: &Uri) -> Result<Bytes, FetchError> {
        let request = Request::get(uri.clone())
            .header(header::ACCEPT, "application/json")
            .body(Empty::new())
            .map_err(|error| FetchError::Silent(uri.clone(), Some(error.into())))?;
        let answer = self.client.request(request).await;
        let answer = answer.map_err(|error| FetchError::Silent(uri.clone(), Some(error.into())))?;
        if answer.status() != StatusCode::OK {
            return Err(FetchError::Status(uri.clone(), answer.status()));
        }
        let body = Limited::new(answer.into_body(), LARGEST).collect().await;
        let body = body.map_err(|_| FetchError::Body(uri.clone()))?;
        Ok(body.to_bytes())
    }

    fn may_ask(&self, uri: &Uri) -> bool {
        match uri.scheme_str() {
            Some("https") => true,
            Some("http") => self.allows_plain && is_loopback(uri),
            Some(_) | None => false,
        }
    }
}

/// Whether an address is this machine's own.
pub(crate) fn is_loopback(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost"
        || bare
            .parse::<IpAddr>()
            .is_ok_and(|it| it.to_canonical().is_loopback())
}
