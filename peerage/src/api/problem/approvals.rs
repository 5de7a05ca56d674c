//! Why a call about requests for approval has no answer.

use super::{Problem, Reason, code, facts};
use domain::approval::ApprovalRefusal;

impl Problem {
    /// A command to a request for approval that is refused.
    pub(in crate::api) fn of_approval(refusal: &ApprovalRefusal) -> Self {
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

    /// The code that it is answered with.
    pub(in crate::api) fn code(&self) -> tonic::Code {
        self.code
    }

    /// What could not be written down.
    pub(in crate::api) fn not_encodable(error: &serde_json::Error) -> Self {
        Self::new(Reason::NotEncodable, error.to_string())
    }

    /// Whether it is this refusal, whatever its facts.
    pub(in crate::api) fn is_refusal(&self, refusal: &ApprovalRefusal) -> bool {
        self.reason == facts(refusal).0
    }
}
