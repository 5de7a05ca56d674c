//! How many commands came, what came of them and how long that took: labels are the commands'
//! names and a closed set of outcomes, never networks or people.

use super::{problem::Problem, v1};
use prometheus_client::{
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::Registry,
};
use std::{fmt, time::Duration};
use tonic::Code;

/// The bounds of what commands take, in seconds.
const BOUNDS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0];

type Labels = Vec<(&'static str, &'static str)>;

/// What commands came to. Clones share everything.
#[derive(Clone)]
pub struct CommandFigures {
    counts: Family<Labels, Counter>,
    took: Family<Labels, Histogram, fn() -> Histogram>,
}

impl fmt::Debug for CommandFigures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommandFigures").finish_non_exhaustive()
    }
}

impl Default for CommandFigures {
    fn default() -> Self {
        Self {
            counts: Family::default(),
            took: Family::new_with_constructor(|| Histogram::new(BOUNDS)),
        }
    }
}

/// What came of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Done,
    Repeated,
    Tried,
    Waits,
    Refused,
    Denied,
    Failed,
}

impl Outcome {
    fn of(answer: &Result<v1::CommandResponse, Problem>) -> Self {
        match answer {
            Ok(it) if it.validated_only => Self::Tried,
            Ok(it) if it.approval.is_some() => Self::Waits,
            Ok(it) if it.repeated => Self::Repeated,
            Ok(_) => Self::Done,
            Err(problem) => match problem.code() {
                Code::PermissionDenied | Code::Unauthenticated => Self::Denied,
                Code::Unavailable
                | Code::Aborted
                | Code::Internal
                | Code::Unknown
                | Code::DataLoss
                | Code::Unimplemented
                | Code::DeadlineExceeded
                | Code::Cancelled => Self::Failed,
                Code::Ok
                | Code::InvalidArgument
                | Code::NotFound
                | Code::AlreadyExists
                | Code::ResourceExhausted
                | Code::FailedPrecondition
                | Code::OutOfRange => Self::Refused,
            },
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Repeated => "repeated",
            Self::Tried => "tried",
            Self::Waits => "waits",
            Self::Refused => "refused",
            Self::Denied => "denied",
            Self::Failed => "failed",
        }
    }
}

impl CommandFigures {
    pub(super) fn note(
        &self,
        command: &'static str,
        answer: &Result<v1::CommandResponse, Problem>,
        took: Duration,
    ) {
        let outcome = Outcome::of(answer).as_str();
        let labels = vec![("command", command), ("outcome", outcome)];
        self.counts.get_or_create(&labels).inc();
        let labels = vec![("command", command)];
        self.took.get_or_create(&labels).observe(took.as_secs_f64());
    }

    pub(super) fn register(&self, it: &mut Registry) {
        it.register(
            "peerage_commands",
            "Commands to networks, by name and outcome",
            self.counts.clone(),
        );
        it.register(
            "peerage_command_seconds",
            "What commands to networks took, in seconds, by name",
            self.took.clone(),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::problem::Reason;
    use prometheus_client::encoding::text::encode;

    #[test]
    fn commands_are_counted_by_name_and_outcome_and_timed_by_name() {
        let figures = CommandFigures::default();
        let done = v1::CommandResponse::default();
        let waits = v1::CommandResponse {
            approval: Some(v1::Approval::default()),
            ..done.clone()
        };
        let failed = |reason| Err(Problem::new(reason, "x"));
        for answer in [
            Ok(done),
            Ok(waits),
            failed(Reason::EventStoreUnavailable),
            failed(Reason::AccessDenied),
            failed(Reason::CommandIdReused),
            failed(Reason::CommandIdReused),
        ] {
            figures.note("AcceptRoute", &answer, Duration::from_millis(3));
        }
        let mut registry = Registry::default();
        figures.register(&mut registry);
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        for line in [
            r#"peerage_commands_total{command="AcceptRoute",outcome="done"} 1"#,
            r#"peerage_commands_total{command="AcceptRoute",outcome="waits"} 1"#,
            r#"peerage_commands_total{command="AcceptRoute",outcome="failed"} 1"#,
            r#"peerage_commands_total{command="AcceptRoute",outcome="denied"} 1"#,
            r#"peerage_commands_total{command="AcceptRoute",outcome="refused"} 2"#,
            r#"peerage_command_seconds_count{command="AcceptRoute"} 6"#,
            r#"peerage_command_seconds_bucket{le="0.0025",command="AcceptRoute"} 0"#,
            r#"peerage_command_seconds_bucket{le="0.005",command="AcceptRoute"} 6"#,
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
    }
}
