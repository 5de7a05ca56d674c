//! Refusals and failures as statuses: a code that clients can act on, a reason that never changes,
//! and a text that says what to do.

use domain::network::{Refusal, RefusalKind};
use journal::{ExecuteError, JournalError};
use std::{collections::HashMap, time::Duration};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// The `domain` of every `google.rpc.ErrorInfo` of this API.
pub const DOMAIN: &str = "peerage";

/// How long a client should wait before it tries again.
const RETRY: Duration = Duration::from_secs(1);

/// A refusal: its kind decides the code, its name is the reason, its facts are the metadata.
pub(super) fn refused(refusal: &Refusal) -> Status {
    let (reason, facts) = facts(refusal);
    let text = refusal.to_string();
    let code = match refusal.kind() {
        RefusalKind::Invalid => Code::InvalidArgument,
        RefusalKind::Unknown => Code::NotFound,
        RefusalKind::Exists => Code::AlreadyExists,
        RefusalKind::Precondition => Code::FailedPrecondition,
        RefusalKind::Quota => Code::ResourceExhausted,
    };
    let subject = facts
        .get("peering_id")
        .or_else(|| facts.get("network_id"))
        .cloned()
        .unwrap_or_default();
    let mut details = ErrorDetails::with_error_info(reason.clone(), DOMAIN, facts);
    match refusal.kind() {
        RefusalKind::Precondition | RefusalKind::Exists => {
            details.add_precondition_failure_violation(reason, subject, text.clone());
        }
        RefusalKind::Quota => {
            details.add_quota_failure_violation(subject, text.clone());
        }
        RefusalKind::Invalid | RefusalKind::Unknown => {}
    }
    Status::with_error_details(code, text, details)
}

/// The refusal's serialized form: the reason's name, and each fact as a text.
fn facts(refusal: &Refusal) -> (String, HashMap<String, String>) {
    let mut reason = "REFUSED".to_owned();
    let mut facts = HashMap::new();
    if let Ok(serde_json::Value::Object(fields)) = serde_json::to_value(refusal) {
        for (key, value) in fields {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            if key == "reason" {
                reason = text;
            } else {
                facts.insert(key, text);
            }
        }
    }
    (reason, facts)
}

/// Any other status with a reason.
pub(super) fn status(
    code: Code,
    reason: &str,
    text: impl Into<String>,
    facts: &[(&str, String)],
) -> Status {
    let facts: HashMap<_, _> = facts
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.clone()))
        .collect();
    let mut details = ErrorDetails::with_error_info(reason, DOMAIN, facts);
    if code == Code::Unavailable {
        details.set_retry_info(Some(RETRY));
    }
    Status::with_error_details(code, text, details)
}

/// A command that was not carried out.
pub(super) fn failed(error: &ExecuteError) -> Status {
    match error {
        ExecuteError::Refused(refusal) => refused(refusal),
        ExecuteError::CommandIdReused { command_id, .. } => status(
            Code::AlreadyExists,
            "COMMAND_ID_REUSED",
            format!(
                "command {command_id} was another command; give each command a UUID of its own"
            ),
            &[("command_id", command_id.to_string())],
        ),
        ExecuteError::WrongRevision { expected, actual } => {
            let actual = actual.map_or_else(|| "none".to_owned(), |it| it.to_string());
            status(
                Code::FailedPrecondition,
                "WRONG_EXPECTED_REVISION",
                format!(
                    "the network is at revision {actual}, not at {expected}; look at what has changed and send the command again"
                ),
                &[("expected", expected.to_string()), ("actual", actual)],
            )
        }
        ExecuteError::Contended { attempts } => status(
            Code::Aborted,
            "CONTENDED",
            format!("the network changed under the command {attempts} times; send it again"),
            &[("attempts", attempts.to_string())],
        ),
        ExecuteError::Journal(error) => unavailable(error),
    }
}

/// The event store did not answer as it should have.
pub(super) fn unavailable(error: &JournalError) -> Status {
    let text = full_text(error);
    match error {
        JournalError::Unavailable { .. } | JournalError::DeadlineExceeded { .. } => {
            let text = format!(
                "{text}; nothing is lost: send the same command with the same command_id again"
            );
            status(Code::Unavailable, "EVENT_STORE_UNAVAILABLE", text, &[])
        }
        JournalError::AccessDenied { .. } => {
            status(Code::Unavailable, "EVENT_STORE_DENIES_ACCESS", text, &[])
        }
        JournalError::Rejected { .. } => {
            status(Code::InvalidArgument, "EVENT_STORE_REJECTED", text, &[])
        }
        JournalError::StreamDeleted { .. }
        | JournalError::Truncated { .. }
        | JournalError::Unreadable { .. } => {
            status(Code::DataLoss, "HISTORY_UNREADABLE", text, &[])
        }
        JournalError::Encoding { .. } => status(Code::Internal, "NOT_ENCODABLE", text, &[]),
    }
}

/// An error with its causes, each said once.
pub(super) fn full_text(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |it| it.source());
    std::iter::once(error)
        .chain(causes)
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}
