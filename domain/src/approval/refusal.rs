//! Why a command to a request for approval is not possible.

use super::{MOST_BYTES, MOST_OF_A_NETWORK, MOST_OF_A_REQUESTER};
use crate::{ledger::Digest, network::RefusalKind};
use chrono::{DateTime, Utc};
use serde::Serialize;
use thiserror::Error;

/// A refused command. Serialized, it is the reason's name and its facts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Error)]
#[serde(tag = "reason", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ApprovalRefusal {
    /// There is no such request.
    #[error("no such request for approval")]
    ApprovalUnknown,
    /// The command's id was another's.
    #[error("a request for approval of another command has this id")]
    ApprovalIdReused,
    /// It is over.
    #[error("the request for approval has ended: {state}")]
    ApprovalEnded {
        /// How.
        state: &'static str,
    },
    /// It has all approvals already.
    #[error("the request has all its approvals, and is being carried out")]
    ApprovalGrantedAlready,
    /// Its time is over.
    #[error("the request for approval expired at {expired_at}; submit the command again")]
    ApprovalExpired {
        /// When it ended.
        expired_at: DateTime<Utc>,
    },
    /// Nobody approves what they ask for.
    #[error(
        "the request is the caller's own; others approve or reject it, the caller withdraws it"
    )]
    ApprovalOfOwnRequest,
    /// Each person approves once.
    #[error("the caller has approved this already; another person has to")]
    ApprovalGivenAlready,
    /// What the approver looked at is not what would be done.
    #[error(
        "the plan is another one than the caller was shown; look at it again, and approve that"
    )]
    ApprovalPlanChanged {
        /// What would be done.
        shown: Digest,
    },
    /// Only who asked takes it back.
    #[error("only the one who asked withdraws a request; an approver rejects it")]
    ApprovalNotOwn,
    /// Nobody carries out what is not granted.
    #[error("the request waits for approvals")]
    ApprovalNotGranted,
    /// Another server carries it out.
    #[error("{host} carries the command out")]
    ApprovalStartedElsewhere {
        /// Which.
        host: String,
    },
    /// Too many wait.
    #[error(
        "{waiting} requests wait in this network of {MOST_OF_A_NETWORK} at most; approve or reject some"
    )]
    ApprovalsOfNetwork {
        /// How many.
        waiting: usize,
    },
    /// Too many of one person wait.
    #[error(
        "{waiting} requests of the caller wait of {MOST_OF_A_REQUESTER} at most; withdraw some"
    )]
    ApprovalsOfRequester {
        /// How many.
        waiting: usize,
    },
    /// The command is too large to be kept until it is approved.
    #[error("the command and its plan have {bytes} bytes of {MOST_BYTES} at most; divide it")]
    ApprovalTooLarge {
        /// How many.
        bytes: usize,
    },
}

impl ApprovalRefusal {
    /// What kind of refusal it is.
    pub fn kind(&self) -> RefusalKind {
        match self {
            Self::ApprovalUnknown => RefusalKind::Unknown,
            Self::ApprovalIdReused => RefusalKind::Exists,
            Self::ApprovalTooLarge { .. } => RefusalKind::Invalid,
            Self::ApprovalsOfNetwork { .. } | Self::ApprovalsOfRequester { .. } => {
                RefusalKind::Quota
            }
            Self::ApprovalEnded { .. }
            | Self::ApprovalGrantedAlready
            | Self::ApprovalExpired { .. }
            | Self::ApprovalOfOwnRequest
            | Self::ApprovalGivenAlready
            | Self::ApprovalPlanChanged { .. }
            | Self::ApprovalNotOwn
            | Self::ApprovalNotGranted
            | Self::ApprovalStartedElsewhere { .. } => RefusalKind::Precondition,
        }
    }

    /// One of each, in the order of the catalogue of errors.
    pub fn one_of_each() -> Vec<Self> {
        let at = DateTime::UNIX_EPOCH + chrono::TimeDelta::days(21_000);
        vec![
            Self::ApprovalUnknown,
            Self::ApprovalIdReused,
            Self::ApprovalEnded { state: "rejected" },
            Self::ApprovalGrantedAlready,
            Self::ApprovalExpired { expired_at: at },
            Self::ApprovalOfOwnRequest,
            Self::ApprovalGivenAlready,
            Self::ApprovalPlanChanged {
                shown: Digest::of_json(b"[]"),
            },
            Self::ApprovalNotOwn,
            Self::ApprovalNotGranted,
            Self::ApprovalStartedElsewhere {
                host: "db2 127.0.0.1:2114".to_owned(),
            },
            Self::ApprovalsOfNetwork {
                waiting: MOST_OF_A_NETWORK,
            },
            Self::ApprovalsOfRequester {
                waiting: MOST_OF_A_REQUESTER,
            },
            Self::ApprovalTooLarge { bytes: 200_000 },
        ]
    }
}
