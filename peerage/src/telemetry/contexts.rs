//! Gives each span of ours its place in a trace.
//!
//! A span goes on with the trace that its field `traceparent` names, or else with that of the span
//! around it; `links` names further ones, separated by commas, that led to it as well. What is no
//! trace context counts for nothing. Where spans are sent, this stands behind the layer that makes
//! them (`tracing_opentelemetry`), and changes what that has made.

use super::context::{self, NAME, TraceContext};
use opentelemetry::{
    Context as Parent,
    trace::{Link, SpanKind, Status, TraceContextExt as _},
};
use opentelemetry_sdk::trace::SdkTracer;
use std::fmt::Debug;
use tracing::{
    Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_opentelemetry::{OtelData, PreSampledTracer as _};
use tracing_subscriber::{
    Layer,
    layer::Context,
    registry::{LookupSpan, SpanRef},
};

/// The field with what came of it; a failure is everything but this.
const OUTCOME: &str = "outcome";
const OK: &str = "ok";

/// The layer; with what makes spans, where they are sent.
pub(super) struct Contexts {
    tracer: Option<SdkTracer>,
}

impl Contexts {
    pub(super) fn of(tracer: Option<SdkTracer>) -> Self {
        Self { tracer }
    }

    fn place<S>(&self, span: &SpanRef<'_, S>, said: &Said) -> Option<TraceContext>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let around = span.parent();
        let around = around.and_then(|it| it.extensions().get::<TraceContext>().copied());
        let mut extensions = span.extensions_mut();
        let Some((tracer, data)) = self.tracer.as_ref().zip(extensions.get_mut::<OtelData>())
        else {
            return said.parent.or(around);
        };
        data.builder.span_kind = Some(kind(span.name()));
        if let Some(parent) = &said.parent {
            data.parent_cx = Parent::new().with_remote_span_context(parent.remote());
            data.builder.sampling_result = None;
        }
        if !said.links.is_empty() {
            let links = said.links.iter().map(|it| Link::with_context(it.remote()));
            data.builder.links = Some(links.collect());
        }
        let placed = tracer.sampled_context(data);
        Some(TraceContext::from(placed.span().span_context()))
    }
}

impl<S> Layer<S> for Contexts
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        let Some(span) = ctx.span(id) else { return };
        let mut said = Said::default();
        attributes.record(&mut said);
        let context = self.place(&span, &said);
        if let Some(context) = context {
            span.extensions_mut().insert(context);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, ctx: Context<'_, S>) {
        let mut said = Said::default();
        values.record(&mut said);
        if let Some(failed) = said.failed
            && let Some(span) = ctx.span(id)
            && let Some(data) = span.extensions_mut().get_mut::<OtelData>()
        {
            data.builder.status = Status::error(failed);
        }
    }

    fn on_enter(&self, id: &Id, ctx: Context<'_, S>) {
        let span = ctx.span(id);
        let placed = span.and_then(|it| it.extensions().get::<TraceContext>().copied());
        context::enter(id, placed);
    }

    fn on_exit(&self, id: &Id, _: Context<'_, S>) {
        context::exit(id);
    }
}

/// What a span is to the trace: who is called, and who calls.
fn kind(name: &str) -> SpanKind {
    match name {
        "call" => SpanKind::Server,
        "cloud call" => SpanKind::Client,
        _ => SpanKind::Internal,
    }
}

/// What the fields of a span say of its trace.
#[derive(Default)]
struct Said {
    parent: Option<TraceContext>,
    links: Vec<TraceContext>,
    failed: Option<String>,
}

impl Visit for Said {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            NAME => self.parent = value.parse().ok(),
            "links" => {
                let links = value
                    .split(',')
                    .filter_map(|it| it.parse::<TraceContext>().ok());
                self.links.extend(links);
            }
            OUTCOME if value != OK => self.failed = Some(value.to_owned()),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}
