//! Sends spans to a collector, in OTLP over gRPC or over HTTP.
//!
//! Spans wait in a queue with a bound; what does not fit is dropped, and so is what a collector
//! does not take in time. The queue is emptied by a thread of its own: nothing that Peerage does
//! ever waits for it but the end of the process, and that briefly.
//!
//! What the configuration leaves open is taken from OpenTelemetry's own variables, as its
//! specification has them.

use super::over_http::{self, HttpExporter};
use crate::config::{Traces, TracesProtocol};
use http::HeaderMap;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::WithTonicConfig as _;
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{
        BatchConfigBuilder, BatchSpanProcessor, SdkTracer, SdkTracerProvider, SpanData,
        SpanExporter,
    },
};
use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};

/// How long the end of the process waits for the last spans to be sent.
pub(super) const LAST_SPANS: Duration = Duration::from_millis(300);

/// How many bytes of a text a span keeps.
const LONGEST_TEXT: usize = 256;

/// What the spans are of, where nobody says.
const SERVICE: &str = "peerage";

/// Why no spans are sent although a collector is named.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotSent {
    /// The configuration is wrong.
    Configured(String),
    /// The environment is. What is put into every container is no reason not to serve.
    Environment(String),
}

/// What sends spans.
#[derive(Debug)]
pub(super) struct Exporter {
    endpoint: String,
    provider: SdkTracerProvider,
}

impl Exporter {
    /// As the configuration says, or else the environment; none where neither names a collector.
    pub(super) fn of(
        traces: &Traces,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, NotSent> {
        let Some(target) = Target::of(traces, &environment)? else {
            return Ok(None);
        };
        let why = if traces.endpoint.is_empty() {
            NotSent::Environment
        } else {
            NotSent::Configured
        };
        let watched = Watched {
            sender: Sender::of(&target).map_err(why)?,
            endpoint: target.endpoint.clone(),
            fails: AtomicBool::default(),
        };
        let config = BatchConfigBuilder::default();
        let processor = BatchSpanProcessor::builder(watched).with_batch_config(config.build());
        let resource = Resource::builder();
        let resource = match environment("OTEL_SERVICE_NAME") {
            Some(name) if !name.is_empty() => resource,
            Some(_) | None => resource.with_service_name(SERVICE),
        };
        let provider = SdkTracerProvider::builder()
            .with_span_processor(processor.build())
            .with_resource(resource.build())
            .build();
        Ok(Some(Self {
            endpoint: target.endpoint,
            provider,
        }))
    }

    /// One that hands each span to this, for tests.
    #[cfg(test)]
    pub(super) fn into(kept: impl SpanExporter + 'static) -> Self {
        Self {
            endpoint: String::new(),
            provider: SdkTracerProvider::builder()
                .with_simple_exporter(kept)
                .build(),
        }
    }

    /// Where spans are sent.
    pub(super) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    pub(super) fn tracer(&self) -> SdkTracer {
        self.provider.tracer(SERVICE)
    }

    /// Sends what is left, and blocks this thread no longer than [`LAST_SPANS`].
    pub(super) fn shutdown(self) {
        if let Err(error) = self.provider.shutdown_with_timeout(LAST_SPANS) {
            tracing::warn!(%error, "the last spans were not sent");
        }
    }
}

/// Where spans are to be sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) protocol: TracesProtocol,
    pub(super) endpoint: String,
    pub(super) ca: PathBuf,
    pub(super) timeout: Duration,
    /// What goes with each request over HTTP; the exporter over gRPC reads them itself.
    pub(super) headers: HeaderMap,
}

impl Target {
    pub(super) fn of(
        traces: &Traces,
        environment: &impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, NotSent> {
        let said = |name: &str| environment(name).filter(|it| !it.trim().is_empty());
        let of_traces = |rest: &str| {
            said(&format!("OTEL_EXPORTER_OTLP_TRACES_{rest}"))
                .or_else(|| said(&format!("OTEL_EXPORTER_OTLP_{rest}")))
        };
        let is_off = said("OTEL_SDK_DISABLED").is_some_and(|it| it.eq_ignore_ascii_case("true"))
            || said("OTEL_TRACES_EXPORTER").is_some_and(|it| it == "none");
        let ca = of_traces("CERTIFICATE").map(PathBuf::from);
        let ca = if traces.ca.as_os_str().is_empty() {
            ca.unwrap_or_default()
        } else {
            traces.ca.clone()
        };
        if traces.endpoint.is_empty() && (is_off || of_traces("ENDPOINT").is_none()) {
            return Ok(None);
        }
        let headers =
            of_traces("HEADERS").map_or(Ok(HeaderMap::new()), |it| over_http::headers(&it));
        let headers = headers
            .map_err(|why| NotSent::Environment(format!("OTEL_EXPORTER_OTLP_HEADERS: {why}")))?;
        if !traces.endpoint.is_empty() {
            let endpoint = match traces.protocol {
                TracesProtocol::HttpProtobuf if !over_http::has_path(&traces.endpoint) => {
                    over_http::below(&traces.endpoint)
                }
                TracesProtocol::HttpProtobuf | TracesProtocol::Grpc => traces.endpoint.clone(),
            };
            return Ok(Some(Self {
                protocol: traces.protocol,
                endpoint,
                ca,
                timeout: traces.timeout,
                headers,
            }));
        }
        let protocol = match of_traces("PROTOCOL").as_deref() {
            None | Some("grpc") => TracesProtocol::Grpc,
            Some("http/protobuf") => TracesProtocol::HttpProtobuf,
            Some(other) => {
                return Err(NotSent::Environment(format!(
                    "OTEL_EXPORTER_OTLP_PROTOCOL is {other}, and traces go by grpc or http/protobuf"
                )));
            }
        };
        // The variable of all signals names whose they are, the traces' own where they are taken.
        let of_all = said("OTEL_EXPORTER_OTLP_ENDPOINT").map(|it| match protocol {
            TracesProtocol::Grpc => it,
            TracesProtocol::HttpProtobuf => over_http::below(&it),
        });
        let endpoint = said("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").or(of_all);
        let timeout = of_traces("TIMEOUT").and_then(|it| it.trim().parse().ok());
        Ok(Some(Self {
            protocol,
            endpoint: endpoint.unwrap_or_default(),
            ca,
            timeout: timeout.map_or(traces.timeout, Duration::from_millis),
            headers,
        }))
    }

    /// The way there, which is taken with the first spans.
    fn channel(&self) -> Result<Channel, String> {
        let wrong = |why: String| format!("the collector {}: {why}", self.endpoint);
        let endpoint = Endpoint::from_shared(self.endpoint.clone())
            .map_err(|error| wrong(error.to_string()))?;
        let is_secure = match endpoint.uri().scheme_str() {
            Some("https") => true,
            Some("http") => false,
            Some(_) | None => {
                return Err(wrong("write it as http://127.0.0.1:4317".to_owned()));
            }
        };
        let mut endpoint = endpoint
            .timeout(self.timeout)
            .connect_timeout(self.timeout)
            .tcp_nodelay(true);
        if is_secure {
            let mut tls = ClientTlsConfig::new().with_native_roots();
            if !self.ca.as_os_str().is_empty() {
                let pem = fs::read(&self.ca).map_err(|error| {
                    format!("the collector's authorities {}: {error}", self.ca.display())
                })?;
                tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem));
            }
            let secured = endpoint.tls_config(tls);
            endpoint = secured.map_err(|error| wrong(domain::error_chain(&error)))?;
        }
        Ok(endpoint.connect_lazy())
    }
}

/// How spans are sent.
#[derive(Debug)]
enum Sender {
    Grpc(Box<opentelemetry_otlp::SpanExporter>),
    Http(Box<HttpExporter>),
}

impl Sender {
    fn of(target: &Target) -> Result<Self, String> {
        match target.protocol {
            TracesProtocol::HttpProtobuf => {
                let Target { endpoint, ca, .. } = target;
                let exporter = HttpExporter::of(endpoint, ca, target.timeout, &target.headers);
                exporter.map(|it| Self::Http(Box::new(it)))
            }
            TracesProtocol::Grpc => {
                let exporter = opentelemetry_otlp::SpanExporter::builder()
                    .with_tonic()
                    .with_channel(target.channel()?)
                    .build();
                exporter
                    .map(|it| Self::Grpc(Box::new(it)))
                    .map_err(|error| error.to_string())
            }
        }
    }
}

/// Sends spans, and tells once when that stops working, and once when it works again.
#[derive(Debug)]
struct Watched {
    sender: Sender,
    endpoint: String,
    fails: AtomicBool,
}

impl SpanExporter for Watched {
    async fn export(&self, mut batch: Vec<SpanData>) -> OTelSdkResult {
        for span in &mut batch {
            bound(span);
        }
        let count = batch.len();
        let sent = match &self.sender {
            Sender::Grpc(exporter) => exporter.export(batch).await,
            Sender::Http(exporter) => exporter.export(batch).await,
        };
        let failed_before = self.fails.swap(sent.is_err(), Ordering::Relaxed);
        match sent {
            Ok(()) if failed_before => {
                tracing::info!(collector = self.endpoint, "traces are taken again");
            }
            Ok(()) => {}
            Err(error) if !failed_before => {
                tracing::warn!(collector = self.endpoint, %error, lost = count, "traces are not taken; spans are dropped until they are");
            }
            Err(_) => {}
        }
        Ok(())
    }

    fn shutdown_with_timeout(&mut self, timeout: Duration) -> OTelSdkResult {
        match &mut self.sender {
            Sender::Grpc(exporter) => exporter.shutdown_with_timeout(timeout),
            Sender::Http(exporter) => exporter.shutdown_with_timeout(timeout),
        }
    }

    fn set_resource(&mut self, resource: &Resource) {
        match &mut self.sender {
            Sender::Grpc(exporter) => exporter.set_resource(resource),
            Sender::Http(exporter) => exporter.set_resource(resource),
        }
    }
}

/// Cuts texts that are long: part of them comes from callers and clouds.
pub(super) fn bound(span: &mut SpanData) {
    use opentelemetry::{StringValue, Value};
    for attribute in &mut span.attributes {
        if let Value::String(text) = &attribute.value
            && text.as_str().len() > LONGEST_TEXT
        {
            let text = text.as_str();
            let cut = text.floor_char_boundary(LONGEST_TEXT);
            attribute.value = Value::String(StringValue::from(text[..cut].to_owned()));
        }
    }
}
