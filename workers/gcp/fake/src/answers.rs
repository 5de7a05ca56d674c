//! Answers in the service's form.

use serde_json::{Value, json};

/// The time of everything.
pub(crate) const TIME: &str = "2026-06-13T03:55:42.279-07:00";

/// One answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The body, in JSON; or a text that is none, if it is a string.
    pub body: Value,
    /// How many seconds the caller is asked to wait.
    pub retry_after: Option<u64>,
    /// Whether the connection ends before the answer is sent.
    pub is_lost: bool,
}

/// A call's outcome: what to answer, or why it was refused.
pub(crate) type Outcome = Result<Value, Reply>;

impl Reply {
    pub(crate) fn good(body: Value) -> Self {
        Self {
            status: 200,
            body,
            retry_after: None,
            is_lost: false,
        }
    }

    /// Recorded: gcp-peering-one-half-2026, 1.
    pub(crate) fn refused(status: u16, reason: &str, message: &str) -> Self {
        let body = json!({ "error": {
            "code": status,
            "message": message,
            "errors": [{ "domain": "global", "message": message, "reason": reason }],
        }});
        Self {
            status,
            body,
            retry_after: None,
            is_lost: false,
        }
    }

    /// Recorded: gcp-peering-one-half-2026, 1.
    pub(crate) fn missing(what: &str) -> Self {
        let message = format!("The resource '{what}' was not found");
        Self::refused(404, "notFound", &message)
    }

    pub(crate) fn invalid(message: &str) -> Self {
        Self::refused(400, "invalid", message)
    }

    pub(crate) fn bad(message: &str) -> Self {
        Self::refused(400, "badRequest", message)
    }

    pub(crate) fn there(what: &str) -> Self {
        let message = format!("The resource '{what}' already exists");
        Self::refused(409, "alreadyExists", &message)
    }

    /// Reported: terraform-google-network 375.
    pub(crate) fn denied(permission: &str, what: &str) -> Self {
        let message = format!("Required '{permission}' permission for '{what}'");
        Self::refused(403, "forbidden", &message)
    }
}
