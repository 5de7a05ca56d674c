//! What a command is to a trace: a span of its own, and what stands with its events.

use super::{problem::Problem, v1};
use crate::telemetry::TraceContext;
use domain::CommandId;
use tonic::Request;
use tracing::{Span, field::Empty};

/// A command on its way to the log.
pub(super) fn span(name: &str, command_id: CommandId) -> Span {
    tracing::info_span!(
        "command", command = name, %command_id, network = Empty, events = Empty, position = Empty, outcome = Empty
    )
}

/// Says in the command's span what it came to.
pub(super) fn note(span: &Span, answer: &Result<v1::CommandResponse, Problem>) {
    match answer {
        Ok(answer) => {
            span.record("network", &answer.network_id);
            span.record("events", answer.event_types.join(","));
            span.record("position", &answer.position);
            span.record("outcome", "ok");
        }
        Err(problem) => drop(span.record("outcome", problem.reason())),
    }
}

/// Where in a trace the work at hand is, or else the call's own: what is recorded with events.
pub(super) fn traceparent<T>(request: &Request<T>) -> Option<String> {
    let context = TraceContext::of(request.metadata().as_ref());
    context.map(|it| it.to_string())
}
