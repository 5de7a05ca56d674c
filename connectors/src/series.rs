//! What figures are of, and those that are measured where something passes.

use domain::{connector::Sink, text::ConnectorId};
use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder},
    metrics::{family::Family, histogram::Histogram},
    registry::Registry,
};
use std::fmt;

/// What kind of sink a connector has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SinkKind {
    /// An HTTP endpoint.
    #[default]
    Webhook,
    /// A file.
    File,
    /// The server's standard output.
    Stdout,
}

impl SinkKind {
    /// The kind of this sink.
    pub fn of(sink: &Sink) -> Self {
        match sink {
            Sink::Webhook(_) => Self::Webhook,
            Sink::File(_) => Self::File,
            Sink::Stdout => Self::Stdout,
        }
    }

    /// Its name, as settings have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::File => "file",
            Self::Stdout => "stdout",
        }
    }
}

impl EncodeLabelValue for SinkKind {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        self.as_str().encode(encoder)
    }
}

/// A connector.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Of {
    pub(crate) connector: String,
    pub(crate) kind: SinkKind,
}

impl Of {
    pub(crate) fn new(id: &ConnectorId, kind: SinkKind) -> Self {
        Self {
            connector: id.to_string(),
            kind,
        }
    }
}

/// Times that are measured where they pass.
#[derive(Clone, Debug)]
pub(crate) struct Times {
    /// From when an event was recorded until the sink had taken it.
    pub(crate) write: Family<Of, Histogram, fn() -> Histogram>,
    /// How long writing a checkpoint took.
    pub(crate) commit: Family<Of, Histogram, fn() -> Histogram>,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            write: Family::new_with_constructor(seconds),
            commit: Family::new_with_constructor(seconds),
        }
    }
}

impl Times {
    /// A connector has left.
    pub(crate) fn forget(&self, of: &Of) {
        self.write.remove(of);
        self.commit.remove(of);
    }

    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register(
            "peerage_sink_write_latency_s",
            "Seconds from when an event was recorded until the sink had taken it",
            self.write.clone(),
        );
        registry.register(
            "peerage_messaging_consumer_commit_latency_s",
            "Seconds that writing a checkpoint took",
            self.commit.clone(),
        );
    }
}

/// Seconds, from a millisecond to an hour.
fn seconds() -> Histogram {
    let bounds = [
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
        600.0, 3_600.0,
    ];
    Histogram::new(bounds)
}
