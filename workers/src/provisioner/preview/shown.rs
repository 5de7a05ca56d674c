//! What a preview shows.

use crate::provisioner::{elsewhere::Elsewhere, plan};
use cloud::CloudError;
use domain::{
    Advisory, PeeringId, Side,
    network::{AdoptPeering, Refusal, RequestPeering},
};
use journal::JournalError;
use thiserror::Error;

/// What to plan for.
#[derive(Clone, Debug)]
pub enum Subject {
    /// A peering that is on record.
    OnRecord(PeeringId),
    /// A peering as it would be requested.
    Request(RequestPeering),
    /// A link as it would be adopted.
    Adopt(AdoptPeering),
}

/// What would be done.
#[derive(Clone, Debug)]
pub struct Preview {
    /// Everything that a first write would wait for.
    pub checks: Vec<CheckReport>,
    /// What is true and better known beforehand.
    pub advisories: Vec<Advisory>,
    /// In the order in which they would be made.
    pub actions: Vec<PlannedAction>,
    /// Who must act before more can be said.
    pub waits_for: Option<String>,
}

/// One check, and what it came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckReport {
    /// The check's name.
    pub check: &'static str,
    /// The side it is about; `None` for both.
    pub side: Option<Side>,
    /// What it came to.
    pub outcome: CheckOutcome,
}

/// What a check came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckOutcome {
    /// Nothing speaks against the first write.
    Passed,
    /// The first write would wait.
    Failed {
        /// What stands in the way.
        message: String,
        /// What to do about it: sentences, or commands that can be run as they are.
        remedy: Vec<String>,
    },
    /// Nothing speaks against the first write, and there is something to know.
    Noted {
        /// What is good to know.
        message: String,
    },
    /// It was not made.
    Skipped {
        /// Why not.
        why: &'static str,
    },
}

/// One change that would be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedAction {
    /// The side whose identity would make it.
    pub side: Side,
    /// The action's name.
    pub action: &'static str,
    /// What it is about, for people.
    pub detail: String,
}

/// Why there is no preview.
#[derive(Debug, Error)]
pub enum PreviewError {
    /// The command would be refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The log could not be read.
    #[error("the log could not be read")]
    Journal(#[from] JournalError),
    /// Part of the network's history cannot be read, so nothing can be planned on it.
    #[error("part of the network's history cannot be read")]
    Undecodable,
    /// The network is not at this engine's cloud.
    #[error(transparent)]
    Elsewhere(#[from] Elsewhere),
    /// As many ask as may at the same time.
    #[error("as many plans as this server makes at once are being made; ask again")]
    TooMany,
    /// The cloud gave no answer that helps.
    #[error(transparent)]
    Cloud(#[from] CloudError),
}

impl From<plan::CheckReport> for CheckReport {
    fn from(report: plan::CheckReport) -> Self {
        let outcome = match report.outcome {
            plan::CheckOutcome::Passed => CheckOutcome::Passed,
            plan::CheckOutcome::Failed {
                message, remedy, ..
            } => CheckOutcome::Failed { message, remedy },
            plan::CheckOutcome::Noted { message } => CheckOutcome::Noted { message },
            plan::CheckOutcome::Skipped { why } => CheckOutcome::Skipped { why },
        };
        Self {
            check: report.check,
            side: report.side,
            outcome,
        }
    }
}
