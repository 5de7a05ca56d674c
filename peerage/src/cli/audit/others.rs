//! Whose events are told.

use crate::api::v1::LogPart;
use clap::ValueEnum;

/// Whose events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Part {
    /// Networks and their peerings.
    Networks,
    /// How connectors were managed, and what became of them.
    Connectors,
    /// Which policy of access was enforced, and what was denied.
    Access,
    /// What waited for approval, who approved, and what became of it.
    Approvals,
    /// All of that.
    All,
}

impl Part {
    /// What it is called in a request.
    pub(super) fn parts(self) -> Vec<i32> {
        let parts: &[LogPart] = match self {
            Self::Networks => &[LogPart::Networks],
            Self::Connectors => &[LogPart::Connectors],
            Self::Access => &[LogPart::Access],
            Self::Approvals => &[LogPart::Approvals],
            Self::All => &[
                LogPart::Networks,
                LogPart::Connectors,
                LogPart::Access,
                LogPart::Approvals,
            ],
        };
        parts.iter().map(|it| (*it).into()).collect()
    }
}
