//! Why a call has no answer, or has a refusal for one.

use crate::cli::{CliError, hint};
use tonic::{Code, Status};
use tonic_types::StatusExt;

/// A call without an answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// No connection, and why: nothing was sent.
    Unreachable(String),
    /// The caller has nothing to prove with who it is: nothing was sent.
    Credentials(String),
    /// The engine's status, or the one that stands for an answer that was lost.
    Status(Box<Status>),
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Self::Status(Box::new(status))
    }
}

impl Failure {
    /// Whether another server, or the same one later, may answer otherwise.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Credentials(_) => false,
            Self::Status(status) => {
                is_lost(status)
                    || matches!(status.code(), Code::Unavailable | Code::Aborted)
                    || has_expired(status)
            }
        }
    }

    /// Whether the engine may have seen it.
    pub(super) fn was_sent(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Credentials(_) => false,
            Self::Status(_) => true,
        }
    }

    /// Whether what came back was not the protocol.
    pub(super) fn is_no_grpc(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Credentials(_) => false,
            Self::Status(status) => {
                is_lost(status)
                    && (matches!(status.code(), Code::Unknown | Code::Internal)
                        || has_broken(status))
            }
        }
    }

    /// Whether it was sent, and nothing is known of what became of it.
    pub(super) fn is_lost(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Credentials(_) => false,
            Self::Status(status) => is_lost(status),
        }
    }

    /// What happened, in a few words.
    pub(super) fn in_short(&self) -> String {
        match self {
            Self::Unreachable(why) => format!("no connection: {why}"),
            Self::Credentials(why) => why.clone(),
            Self::Status(status) if is_lost(status) => if was_late(status) {
                "no answer in time"
            } else {
                "the connection broke"
            }
            .to_owned(),
            Self::Status(status) => status.message().to_owned(),
        }
    }
}

/// Whether what the caller was let in by has expired meanwhile: a new one may be at hand.
fn has_expired(status: &Status) -> bool {
    let info = status.get_details_error_info();
    info.is_some_and(|it| it.reason == "CREDENTIAL_EXPIRED")
}

/// Whether the time was over before there was an answer.
fn was_late(status: &Status) -> bool {
    matches!(status.code(), Code::DeadlineExceeded | Code::Cancelled) && !has_broken(status)
}

/// Whether the connection was closed before the call was on its way: the client then says that it
/// was cancelled, as it does of a call whose time is over.
fn has_broken(status: &Status) -> bool {
    let mut causes = std::iter::successors(std::error::Error::source(status), |it| it.source());
    status.code() == Code::Cancelled
        && std::error::Error::source(status).is_some()
        && !causes.any(|it| it.is::<tonic::TimeoutExpired>())
}

/// Whether the status is no answer of the engine: each of those has an `ErrorInfo`. What was sent
/// may have been done.
fn is_lost(status: &Status) -> bool {
    let by_transport = matches!(
        status.code(),
        Code::Unavailable
            | Code::DeadlineExceeded
            | Code::Cancelled
            | Code::Unknown
            | Code::Internal
    );
    by_transport && status.get_details_error_info().is_none()
}

/// The engine's refusal as a text: its reason, what it says, and each wrong field on a line of its
/// own.
pub(super) fn refused(status: &Status) -> CliError {
    let violations = status
        .get_details_bad_request()
        .map(|it| it.field_violations)
        .unwrap_or_default();
    if !violations.is_empty() {
        let lines: Vec<_> = violations
            .iter()
            .map(|it| format!("{}: {}", called(&it.field), it.description))
            .collect();
        return CliError::failed(lines.join("\n"));
    }
    let reason = status.get_details_error_info().map(|it| it.reason);
    match (reason, status.code()) {
        (Some(reason), _) => CliError::failed(format!("{} [{reason}]", status.message()))
            .with_hint(hint(&reason))
            .because(reason),
        (None, _) if has_broken(status) => {
            CliError::failed("the server closed the connection before it answered")
        }
        (None, Code::DeadlineExceeded | Code::Cancelled) => {
            CliError::failed("the engine did not answer in time")
        }
        (None, code) => CliError::failed(format!("{} [{code:?}]", status.message())),
    }
}

/// What a field of a question about the log is called on the command line.
fn called(field: &str) -> &str {
    match field {
        "start_time" => "--since",
        "end_time" => "--until",
        "after_position" => "--after",
        "until_position" => "--up-to",
        "event_position" => "EVENT",
        "place.position" => "the position",
        "place.time" => "the time",
        "from.position" | "from.time" => "FROM",
        "to.position" | "to.time" => "TO",
        field => field,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;
    use tonic_types::{ErrorDetails, FieldViolation};

    fn answered(code: Code, reason: &str) -> Status {
        let details = ErrorDetails::with_error_info(reason, "peerage", HashMap::new());
        Status::with_error_details(code, "text", details)
    }

    #[test]
    fn an_answer_is_lost_only_where_the_engine_gave_none() {
        for code in [
            Code::Unavailable,
            Code::DeadlineExceeded,
            Code::Cancelled,
            Code::Unknown,
        ] {
            assert!(is_lost(&Status::new(code, "")), "{code:?}");
            assert!(!is_lost(&answered(code, "STOPPING")), "{code:?}");
        }
        assert!(!is_lost(&Status::new(Code::NotFound, "")));
        assert!(Failure::from(answered(Code::Unavailable, "STOPPING")).is_passing());
        assert!(!Failure::from(answered(Code::NotFound, "PEERING_UNKNOWN")).is_passing());
    }

    #[test]
    fn a_refusal_is_its_text_its_reason_and_what_helps() {
        let error = refused(&answered(Code::NotFound, "PEERING_UNKNOWN"));
        assert_eq!(error.text, "text [PEERING_UNKNOWN]");
        assert!(error.hint.unwrap().contains("peerage peering list"));
        let violations = ["a", "until_position"].map(|it| FieldViolation::new(it, "is wrong"));
        let details = ErrorDetails::with_bad_request(violations.to_vec());
        let status = Status::with_error_details(Code::InvalidArgument, "", details);
        assert_eq!(refused(&status).text, "a: is wrong\n--up-to: is wrong");
    }

    #[test]
    fn a_closed_connection_is_not_taken_for_an_answer_that_is_late() {
        let closed = || std::io::Error::other("operation was canceled");
        let cancelled = |source: Box<dyn std::error::Error + Send + Sync>| {
            let mut status = Status::cancelled("operation was canceled");
            status.set_source(source.into());
            status
        };
        let broken = cancelled(Box::new(closed()));
        assert!(refused(&broken).text.contains("closed the connection"));
        assert!(Failure::from(broken).is_no_grpc());
        let late = cancelled(Box::new(tonic::TimeoutExpired(())));
        assert!(refused(&late).text.contains("in time"));
        assert!(!Failure::from(late).is_no_grpc());
        let answered = Status::cancelled("Timeout expired");
        assert!(refused(&answered).text.contains("in time"));
    }
}
