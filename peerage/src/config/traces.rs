//! Where traces are sent.

use serde::{Deserialize, Serialize};
use std::{path::PathBuf, time::Duration};

/// How spans go to a collector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TracesProtocol {
    /// OTLP over gRPC.
    #[default]
    #[serde(rename = "grpc")]
    Grpc,
    /// OTLP over HTTP, in binary protobuf.
    #[serde(rename = "http/protobuf")]
    HttpProtobuf,
}

/// The collector of traces. What is not said here is as OpenTelemetry's variables say.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Traces {
    /// A collector that takes OTLP: `http://127.0.0.1:4317`. Empty: what
    /// `OTEL_EXPORTER_OTLP_ENDPOINT` says, or none.
    pub endpoint: String,
    /// How spans go to `endpoint`; to one that the environment names, as
    /// `OTEL_EXPORTER_OTLP_PROTOCOL` says.
    pub protocol: TracesProtocol,
    /// The authorities whose certificates the collector may show, PEM. Empty: what
    /// `OTEL_EXPORTER_OTLP_CERTIFICATE` says, or the system's.
    pub ca: PathBuf,
    /// How long the collector may take for one batch of spans.
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
}

impl Default for Traces {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            protocol: TracesProtocol::default(),
            ca: PathBuf::new(),
            timeout: Duration::from_secs(10),
        }
    }
}

impl Traces {
    pub(super) fn check(&self, problems: &mut Vec<String>) {
        if self.timeout.is_zero() {
            problems.push("traces.timeout: name a time that is longer than none".to_owned());
        }
    }
}
