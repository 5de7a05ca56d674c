//! One thing that was found.

use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Severity {
    /// It does not work, or something is open that should not be.
    Problem,
    /// It works, and may not tomorrow.
    Risk,
    /// Worth knowing.
    Note,
    /// Looked at, and as it should be.
    Well,
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) severity: Severity,
    /// What was looked at.
    pub(super) check: &'static str,
    /// What it is about: a server, a network, a peering, a connector.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) subject: String,
    pub(super) text: String,
    /// What to do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) remedy: Vec<String>,
}

pub(super) fn finding(
    severity: Severity,
    check: &'static str,
    subject: impl Into<String>,
    text: impl Into<String>,
    remedy: impl IntoIterator<Item = String>,
) -> Finding {
    Finding {
        severity,
        check,
        subject: subject.into(),
        text: text.into(),
        remedy: remedy.into_iter().collect(),
    }
}
