//! Why a call has no answer: a code that clients can act on, a reason that never changes, and a
//! text that says what to do.
//!
//! Everything that a caller can make long is cut: statuses travel in trailers, and clients refuse
//! trailers of more than 8 kB.

mod approvals;
mod reason;

pub use reason::Reason;

use domain::{
    NetworkId, PeeringId,
    connector::ConnectorRefusal,
    network::{Refusal, RefusalKind},
};
use journal::{ExecuteError, JournalError};
use serde::Serialize;
use std::{collections::BTreeMap, time::Duration};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

/// How long a client should wait before it tries again.
const RETRY: Duration = Duration::from_secs(1);

/// The most wrong fields that are named one by one.
const VIOLATIONS: usize = 10;
/// The most bytes that these may take together.
const VIOLATION_BYTES: usize = 2_500;
/// The most bytes of the text.
const TEXT_BYTES: usize = 1_000;
/// The most bytes of one fact.
const FACT_BYTES: usize = 256;

/// A call without an answer.
#[derive(Debug)]
pub(super) struct Problem {
    code: Code,
    reason: String,
    text: String,
    facts: BTreeMap<String, String>,
    violations: Vec<FieldViolation>,
    kind: Option<RefusalKind>,
}

impl Problem {
    pub(super) fn new(reason: Reason, text: impl Into<String>) -> Self {
        Self {
            code: reason.code(),
            reason: reason.as_str().to_owned(),
            text: text.into(),
            facts: BTreeMap::new(),
            violations: Vec::new(),
            kind: None,
        }
    }

    /// The reason, as the catalogue of errors names it.
    pub(super) fn reason(&self) -> &str {
        &self.reason
    }

    /// What it is, in words.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// A command to a connector that is refused.
    pub(super) fn of_connector(refusal: &ConnectorRefusal) -> Self {
        let code = match refusal {
            ConnectorRefusal::ConnectorUnknown => Code::NotFound,
            ConnectorRefusal::ConnectorAlreadyExists => Code::AlreadyExists,
            ConnectorRefusal::ConnectorBuiltIn { .. }
            | ConnectorRefusal::ConnectorNotStopped { .. }
            | ConnectorRefusal::ConnectorAlreadyStarted { .. } => Code::FailedPrecondition,
            ConnectorRefusal::ConnectorIdReserved
            | ConnectorRefusal::ConnectorStopNeedsDuration { .. }
            | ConnectorRefusal::ConnectorStopOutOfBounds { .. }
            | ConnectorRefusal::ConnectorSettingsWrong { .. } => Code::InvalidArgument,
            ConnectorRefusal::TooManyConnectors { .. }
            | ConnectorRefusal::ConnectorStoppedAtTooMany { .. } => Code::ResourceExhausted,
        };
        let (reason, facts) = facts(refusal);
        Self {
            code,
            reason,
            text: refusal.to_string(),
            facts,
            violations: Vec::new(),
            kind: None,
        }
    }

    #[must_use]
    pub(super) fn with(mut self, fact: &str, value: impl ToString) -> Self {
        self.facts.insert(fact.to_owned(), value.to_string());
        self
    }

    /// A network that is not on record.
    pub(super) fn unknown_network(id: NetworkId) -> Self {
        Self::from(&Refusal::NetworkUnknown).with("network_id", id)
    }

    /// A peering that is not on record.
    pub(super) fn unknown_peering(id: PeeringId) -> Self {
        Self {
            text: format!("no peering {id} is on record"),
            ..Self::from(&Refusal::PeeringUnknown { peering_id: id })
        }
    }

    /// One wrong field.
    pub(super) fn field(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self::fields(vec![FieldViolation::new(field, description)])
    }

    /// Wrong fields, all of them.
    pub(super) fn fields(violations: Vec<FieldViolation>) -> Self {
        let named = violations
            .iter()
            .map(|it| format!("{}: {}", it.field, it.description))
            .collect::<Vec<_>>()
            .join("; ");
        Self {
            violations,
            ..Self::new(Reason::InvalidFields, named)
        }
    }

    /// The same as gRPC carries it, from this service.
    pub(super) fn status(self, service: &'static str) -> Status {
        let mut text = self.text;
        let mut details = ErrorDetails::new();
        let mut facts = self.facts;
        if !self.violations.is_empty() {
            let count = self.violations.len();
            let named = bounded(self.violations);
            if named.len() < count {
                facts.insert("violations".to_owned(), count.to_string());
                text = format!("{count} fields are wrong, these among them: {text}");
            }
            details.set_bad_request(named);
        }
        let text = cut(&text, TEXT_BYTES);
        let subject = ["peering_id", "network_id"]
            .iter()
            .find_map(|it| facts.get(*it))
            .cloned()
            .unwrap_or_default();
        match self.kind {
            Some(RefusalKind::Precondition | RefusalKind::Exists) => {
                details.add_precondition_failure_violation(
                    self.reason.clone(),
                    subject,
                    text.clone(),
                );
            }
            Some(RefusalKind::Quota) => {
                details.add_quota_failure_violation(subject, text.clone());
            }
            Some(RefusalKind::Invalid | RefusalKind::Unknown) | None => {}
        }
        if self.code == Code::Unavailable {
            details.set_retry_info(Some(RETRY));
        }
        let facts = facts
            .into_iter()
            .map(|(name, value)| (name, cut(&value, FACT_BYTES)))
            .collect::<std::collections::HashMap<_, _>>();
        details.set_error_info(self.reason, service, facts);
        Status::with_error_details(self.code, text, details)
    }
}

/// The code that a refusal of this kind is answered with.
pub fn code(kind: RefusalKind) -> Code {
    match kind {
        RefusalKind::Invalid => Code::InvalidArgument,
        RefusalKind::Unknown => Code::NotFound,
        RefusalKind::Exists => Code::AlreadyExists,
        RefusalKind::Precondition => Code::FailedPrecondition,
        RefusalKind::Quota => Code::ResourceExhausted,
    }
}

/// A refusal: its kind decides the code, its name is the reason, its facts stand beside it.
impl From<&Refusal> for Problem {
    fn from(refusal: &Refusal) -> Self {
        let (reason, facts) = facts(refusal);
        Self {
            code: code(refusal.kind()),
            reason,
            text: refusal.to_string(),
            facts,
            violations: Vec::new(),
            kind: Some(refusal.kind()),
        }
    }
}

/// The refusal's serialized form: the reason's name, and each fact as a text.
pub(super) fn facts(refusal: &impl Serialize) -> (String, BTreeMap<String, String>) {
    let mut reason = "REFUSED".to_owned();
    let mut facts = BTreeMap::new();
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

/// A command that was not carried out.
impl From<&ExecuteError> for Problem {
    fn from(error: &ExecuteError) -> Self {
        match error {
            ExecuteError::Refused(refusal) => refusal.into(),
            ExecuteError::CommandIdReused { command_id, .. } => Self::new(
                Reason::CommandIdReused,
                format!(
                    "command {command_id} was another command; give each command a UUID of its own"
                ),
            )
            .with("command_id", command_id),
            ExecuteError::WrongRevision { expected, actual } => {
                let actual = actual.map_or_else(|| "none".to_owned(), |it| it.to_string());
                let text = format!(
                    "the network is at revision {actual}, not at {expected}; look at what has changed and send the command again"
                );
                Self::new(Reason::WrongExpectedRevision, text)
                    .with("expected", expected)
                    .with("actual", actual)
            }
            // No caller's command is sent under a term.
            ExecuteError::TermOver { .. } => Self::new(Reason::Contended, error.to_string()),
            ExecuteError::Contended { attempts } => Self::new(
                Reason::Contended,
                format!("the network changed under the command {attempts} times; send it again"),
            )
            .with("attempts", attempts),
            ExecuteError::Journal(error) => error.into(),
        }
    }
}

/// The event store did not answer as it should have.
impl From<&JournalError> for Problem {
    fn from(error: &JournalError) -> Self {
        let text = domain::error_chain(error);
        match error {
            JournalError::Unavailable { .. } | JournalError::DeadlineExceeded { .. } => {
                let text = format!(
                    "{text}; nothing is lost: send the same command with the same command_id again"
                );
                Self::new(Reason::EventStoreUnavailable, text)
            }
            JournalError::AccessDenied { .. } => Self::new(Reason::EventStoreDeniesAccess, text),
            JournalError::Rejected { .. } => Self::new(Reason::EventStoreRejected, text),
            JournalError::StreamDeleted { .. }
            | JournalError::Truncated { .. }
            | JournalError::Unreadable { .. } => Self::new(Reason::HistoryUnreadable, text),
            JournalError::NotYetReadable { .. } => Self::new(Reason::OlderServer, text),
            JournalError::Encoding { .. } => Self::new(Reason::NotEncodable, text),
        }
    }
}

/// As many wrong fields as a client can be sent, each cut.
fn bounded(violations: Vec<FieldViolation>) -> Vec<FieldViolation> {
    let mut bytes = 0;
    violations
        .into_iter()
        .take(VIOLATIONS)
        .map(|it| FieldViolation {
            field: cut(&it.field, FACT_BYTES),
            description: cut(&it.description, FACT_BYTES),
        })
        .take_while(|it| {
            bytes += it.field.len() + it.description.len();
            bytes <= VIOLATION_BYTES
        })
        .collect()
}

/// The text, or as much of it as fits into so many bytes.
fn cut(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let end = (0..=most.saturating_sub('…'.len_utf8()))
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or_default();
    format!("{}…", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICE: &str = "peerage.v1.PeeringService";

    #[test]
    fn forty_wrong_fields_are_ten_and_a_count_and_fit_into_trailers() {
        let violations = (0..40)
            .map(|it| FieldViolation::new(format!("peer.subnets[{it}]"), "ü".repeat(4_000)))
            .collect();
        let status = Problem::fields(violations).status(SERVICE);
        let details = status.get_error_details();
        let named = details.bad_request().expect("wrong fields");
        assert!(!named.field_violations.is_empty() && named.field_violations.len() <= VIOLATIONS);
        let info = details.error_info().expect("a reason");
        assert_eq!(
            info.metadata.get("violations").map(String::as_str),
            Some("40")
        );
        assert_eq!(info.domain, SERVICE);
        assert!(status.message().contains("40 fields are wrong"));
        // As gRPC writes them: the text percent-encoded, the details in base 64.
        assert!(status.message().len() * 3 + status.details().len() * 4 / 3 < 8_192);
    }

    #[test]
    fn three_wrong_fields_are_named_whole() {
        let violations = ["a", "b", "c"]
            .map(|it| FieldViolation::new(it, "is missing"))
            .to_vec();
        let status = Problem::fields(violations).status(SERVICE);
        assert_eq!(
            status.message(),
            "a: is missing; b: is missing; c: is missing"
        );
        assert_eq!(status.code(), Code::InvalidArgument);
        let details = status.get_error_details();
        assert_eq!(
            details.bad_request().map(|it| it.field_violations.len()),
            Some(3)
        );
    }

    #[test]
    fn no_two_reasons_are_the_same() {
        let names: std::collections::BTreeSet<_> = Reason::ALL.iter().map(Reason::as_str).collect();
        assert_eq!(names.len(), Reason::ALL.len());
    }
}
