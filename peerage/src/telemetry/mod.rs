//! What the process tells its operator as it goes: the log on standard error, so that standard
//! output is only ever the answer, and traces to a collector where one is configured.
//!
//! The rooms know neither. They open spans of `tracing` and name in them, where a piece of work
//! follows from a call, the call's `traceparent`; `contexts` makes one trace of that across
//! processes, `export` sends it, and `json` puts its ids on each line of the log.

mod context;
mod contexts;
mod export;
mod json;
mod over_http;
#[cfg(test)]
mod tests;

pub(crate) use context::TraceContext;

use crate::config::{Log, LogFormat, Traces};
use contexts::Contexts;
use export::{Exporter, LAST_SPANS, NotSent};
use std::io::IsTerminal;
use tracing::{Level, Metadata, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    filter::{FilterFn, filter_fn},
    fmt,
    fmt::{MakeWriter, format::JsonFields},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

/// Whose spans are traced: ours.
const OURS: &str = "peerage";

type BoxedLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// What is to be sent before the process ends.
#[derive(Debug)]
#[must_use = "what is not flushed is lost"]
pub(crate) struct Telemetry(Option<Exporter>);

impl Telemetry {
    /// Sends the spans that are still here, and waits no longer for that than a caller notices.
    pub(crate) async fn flush(self) {
        let Some(exporter) = self.0 else { return };
        let flushed = tokio::task::spawn_blocking(move || exporter.shutdown());
        // The exporter is bounded itself; a thread that is not scheduled is not.
        if tokio::time::timeout(LAST_SPANS * 2, flushed).await.is_err() {
            tracing::debug!("the last spans were not sent in time");
        }
    }
}

/// Sets the process's log up. A filter that cannot be read is an error, as any other wrong setting.
pub(crate) fn log(log: &Log) -> Result<(), String> {
    install(log, None)
}

/// The same, and sends traces where a collector is named, in the configuration or by
/// OpenTelemetry's own variables. No collector is waited for, now or later.
pub(crate) fn start(log: &Log, traces: &Traces) -> Result<Telemetry, String> {
    let (exporter, note) = match Exporter::of(traces, |name| std::env::var(name).ok()) {
        Ok(exporter) => (exporter, None),
        Err(NotSent::Configured(why)) => return Err(format!("traces: {why}")),
        Err(NotSent::Environment(why)) => (None, Some(why)),
    };
    install(log, exporter.as_ref())?;
    if let Some(why) = note {
        tracing::warn!(why, "no traces are sent");
    }
    if let Some(exporter) = &exporter {
        tracing::info!(collector = exporter.endpoint(), "sending traces");
    }
    Ok(Telemetry(exporter))
}

fn install(log: &Log, exporter: Option<&Exporter>) -> Result<(), String> {
    let filter = EnvFilter::try_new(&log.filter).map_err(|error| format!("log.filter: {error}"))?;
    let mut layers = traced(exporter);
    layers.push(
        written(log.format, std::io::stderr)
            .with_filter(filter)
            .boxed(),
    );
    let started = tracing_subscriber::registry().with(layers).try_init();
    started.map_err(|error| format!("log: {error}"))
}

fn written<W>(format: LogFormat, writer: W) -> BoxedLayer
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = fmt::layer()
        .with_writer(writer)
        .with_ansi(std::io::stderr().is_terminal());
    match format {
        LogFormat::Text => lines.with_target(false).boxed(),
        LogFormat::Json => {
            let format = fmt::format().json().flatten_event(true);
            let lines = lines.fmt_fields(JsonFields::new());
            lines.event_format(json::WithIds(format)).boxed()
        }
    }
}

/// What makes traces, in the order in which a span goes through it.
fn traced(exporter: Option<&Exporter>) -> Vec<BoxedLayer> {
    let mut layers: Vec<BoxedLayer> = Vec::new();
    if let Some(exporter) = exporter {
        let spans = tracing_opentelemetry::layer()
            .with_tracer(exporter.tracer())
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false);
        layers.push(spans.with_filter(ours()).boxed());
    }
    let contexts = Contexts::of(exporter.map(Exporter::tracer));
    layers.push(contexts.with_filter(ours()).boxed());
    layers
}

/// Our own spans. What the log says within them stays in the log: its lines have the same ids.
fn ours<S: Subscriber>() -> impl tracing_subscriber::layer::Filter<S> {
    let is_ours = |it: &Metadata<'_>| {
        it.is_span() && *it.level() <= Level::INFO && it.target().starts_with(OURS)
    };
    let filter: FilterFn<_> = filter_fn(is_ours);
    filter.with_max_level_hint(LevelFilter::INFO)
}
