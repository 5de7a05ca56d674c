//! Where in a trace something happens, in the form of W3C's Trace Context, level 1.

use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};
use std::{cell::RefCell, fmt, str::FromStr};
use tracing::span;

/// The header, and the field of our spans.
pub(super) const NAME: &str = "traceparent";

/// The most bytes that are looked at: a later version of the form may be longer than ours.
const LONGEST: usize = 512;

thread_local! {
    /// The spans that this thread is in, innermost last.
    static ENTERED: RefCell<Vec<(span::Id, Option<TraceContext>)>> = const { RefCell::new(Vec::new()) };
}

/// A trace, a span of it, and whether it is kept. Written as a `traceparent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TraceContext {
    trace_id: TraceId,
    span_id: SpanId,
    flags: TraceFlags,
}

impl TraceContext {
    /// Of the work at hand.
    pub(crate) fn current() -> Option<Self> {
        ENTERED.with_borrow(|it| it.last().and_then(|(_, context)| *context))
    }

    /// Of the work at hand, or else what a call says: one header of a form that is known. Anything
    /// else is none.
    pub(crate) fn of(headers: &http::HeaderMap) -> Option<Self> {
        Self::current().or_else(|| Self::said(headers))
    }

    /// What a call says.
    pub(crate) fn said(headers: &http::HeaderMap) -> Option<Self> {
        let mut said = headers.get_all(NAME).iter();
        let first = said.next()?.to_str().ok()?;
        if said.next().is_some() {
            return None;
        }
        first.parse().ok()
    }

    pub(super) fn trace_id(&self) -> TraceId {
        self.trace_id
    }

    pub(super) fn span_id(&self) -> SpanId {
        self.span_id
    }

    /// As a span of another process.
    pub(super) fn remote(&self) -> SpanContext {
        let Self {
            trace_id,
            span_id,
            flags,
        } = *self;
        SpanContext::new(trace_id, span_id, flags, true, TraceState::default())
    }
}

impl From<&SpanContext> for TraceContext {
    fn from(it: &SpanContext) -> Self {
        Self {
            trace_id: it.trace_id(),
            span_id: it.span_id(),
            flags: it.trace_flags(),
        }
    }
}

/// Why a text is no `traceparent`; nobody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoTraceContext;

impl FromStr for TraceContext {
    type Err = NoTraceContext;

    fn from_str(text: &str) -> Result<Self, NoTraceContext> {
        if text.len() > LONGEST {
            return Err(NoTraceContext);
        }
        let mut parts = text.split('-');
        let mut part = |length| {
            let is_hex = |it: &&str| {
                let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
                it.len() == length && it.bytes().all(hex)
            };
            parts.next().filter(is_hex).ok_or(NoTraceContext)
        };
        let (version, trace_id, span_id, flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
        let has_more = parts.next().is_some();
        if version == "ff" || version == "00" && has_more {
            return Err(NoTraceContext);
        }
        let trace_id = TraceId::from_hex(trace_id).map_err(|_| NoTraceContext)?;
        let span_id = SpanId::from_hex(span_id).map_err(|_| NoTraceContext)?;
        let flags = u8::from_str_radix(flags, 16).map_err(|_| NoTraceContext)?;
        if trace_id == TraceId::INVALID || span_id == SpanId::INVALID {
            return Err(NoTraceContext);
        }
        Ok(Self {
            trace_id,
            span_id,
            // The others are of later versions.
            flags: TraceFlags::new(flags) & TraceFlags::SAMPLED,
        })
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            trace_id,
            span_id,
            flags,
        } = self;
        write!(f, "00-{trace_id}-{span_id}-{flags:02x}")
    }
}

/// This thread has entered a span.
pub(super) fn enter(id: &span::Id, context: Option<TraceContext>) {
    ENTERED.with_borrow_mut(|it| it.push((id.clone(), context)));
}

/// This thread has left a span.
pub(super) fn exit(id: &span::Id) {
    ENTERED.with_borrow_mut(|it| {
        if let Some(place) = it.iter().rposition(|(entered, _)| entered == id) {
            it.remove(place);
        }
    });
}
