//! Sends spans in OTLP over HTTP, as `http/protobuf`: each batch is one POST.
//!
//! Batches come from a thread that is none of the runtime's. What is sent runs on the runtime all
//! the same, where the connection lives, and the thread waits for it.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use opentelemetry_proto::{
    tonic::collector::trace::v1::ExportTraceServiceRequest,
    transform::{
        common::tonic::ResourceAttributesWithSchema,
        trace::tonic::group_spans_by_resource_and_scope,
    },
};
use opentelemetry_sdk::{
    Resource,
    error::{OTelSdkError, OTelSdkResult},
    trace::{SpanData, SpanExporter},
};
use percent_encoding::percent_decode_str;
use prost::Message as _;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use std::{io, path::Path, sync::Arc, time::Duration};
use tokio::runtime::Handle;

/// Where traces are taken below a collector's address.
const PATH: &str = "/v1/traces";

/// The most that is read of an answer, so that the connection can be used again.
const LARGEST: usize = 64 << 10;

/// The way to a collector.
#[derive(Debug)]
pub(super) struct HttpExporter {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    uri: Uri,
    headers: HeaderMap,
    timeout: Duration,
    resource: ResourceAttributesWithSchema,
    runtime: Handle,
}

impl HttpExporter {
    /// The way there, which is taken with the first spans.
    pub(super) fn of(
        endpoint: &str,
        ca: &Path,
        timeout: Duration,
        headers: &HeaderMap,
    ) -> Result<Self, String> {
        let wrong = |why: String| format!("the collector {endpoint}: {why}");
        let uri: Uri = endpoint.parse().map_err(|it| wrong(format!("{it}")))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(wrong("write it as http://127.0.0.1:4318".to_owned()));
        }
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(timeout));
        let connector = authorities(ca)
            .map_err(|it| format!("the collector's authorities {}: {it}", ca.display()))?
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        Ok(Self {
            client: Client::builder(TokioExecutor::new())
                .pool_max_idle_per_host(1)
                .build(connector),
            uri,
            headers: headers.clone(),
            timeout,
            resource: ResourceAttributesWithSchema::default(),
            runtime: Handle::current(),
        })
    }

    fn request(&self, batch: Vec<SpanData>) -> Request<Full<Bytes>> {
        let resource_spans = group_spans_by_resource_and_scope(batch, &self.resource);
        let message = ExportTraceServiceRequest { resource_spans };
        let mut request = Request::new(Full::new(Bytes::from(message.encode_to_vec())));
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        let protobuf = HeaderValue::from_static("application/x-protobuf");
        request.headers_mut().insert(header::CONTENT_TYPE, protobuf);
        request
    }
}

impl SpanExporter for HttpExporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let (request, client) = (self.request(batch), self.client.clone());
        let exchange = async move {
            let answer = client.request(request).await;
            let answer = answer.map_err(|error| domain::error_chain(&error))?;
            let status = answer.status();
            let _ = Limited::new(answer.into_body(), LARGEST).collect().await;
            match status.is_success() {
                true => Ok(()),
                false => Err(format!("it answers with {status}")),
            }
        };
        // Made there too: no clock of the runtime's can be asked for here.
        let patience = self.timeout;
        let bounded = async move { tokio::time::timeout(patience, exchange).await };
        let exchange = self.runtime.spawn(bounded);
        let sent = match exchange.await {
            Ok(Ok(sent)) => sent,
            Ok(Err(_)) => Err(format!("no answer within {:?}", self.timeout)),
            Err(_) => Err("the process ends".to_owned()),
        };
        sent.map_err(OTelSdkError::InternalFailure)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.resource = resource.into();
    }
}

/// Whose certificates the collector may show.
fn authorities(
    ca: &Path,
) -> io::Result<HttpsConnectorBuilder<hyper_rustls::builderstates::WantsSchemes>> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = HttpsConnectorBuilder::new();
    if ca.as_os_str().is_empty() {
        return builder.with_provider_and_native_roots(provider);
    }
    let mut roots = RootCertStore::empty();
    for authority in CertificateDer::pem_file_iter(ca).map_err(io::Error::other)? {
        let authority = authority.map_err(io::Error::other)?;
        roots.add(authority).map_err(io::Error::other)?;
    }
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(builder.with_tls_config(config))
}

/// Where traces are taken below an address that is all signals'.
pub(super) fn below(address: &str) -> String {
    format!("{}{PATH}", address.trim_end_matches('/'))
}

/// Whether an address says where traces are taken, and not only whose they are.
pub(super) fn has_path(address: &str) -> bool {
    let uri = address.parse::<Uri>();
    uri.is_ok_and(|it| !matches!(it.path(), "" | "/"))
}

/// What goes with each request, as `OTEL_EXPORTER_OTLP_HEADERS` has it: `name=value,name=value`,
/// values percent-encoded. They may be credentials, and are shown nowhere.
pub(super) fn headers(text: &str) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (number, pair) in text.split(',').enumerate() {
        if pair.trim().is_empty() {
            continue;
        }
        let wrong = || format!("header {} is not of the form name=value", number + 1);
        let (name, value) = pair.split_once('=').ok_or_else(wrong)?;
        let value = percent_decode_str(value.trim());
        let value = value.decode_utf8().map_err(|_| wrong())?;
        let name: HeaderName = name.trim().parse().map_err(|_| wrong())?;
        let mut value: HeaderValue = value.parse().map_err(|_| wrong())?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}
