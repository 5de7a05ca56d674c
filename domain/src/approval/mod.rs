//! A request for approval: a command that opens something, and waits until several people have
//! agreed. One stream each, `approval-{command_id}`: the request is named as its command is.
//!
//! ```text
//!           ask                give (the last one)              start, carry out
//!   absent ─────▶ pending ─────────────────────────▶ granted ───────────────────▶ carried out
//!                 ▲  │ │ │                            │    │
//!                 │  │ │ └─ expire ──▶ expired        │    └─ (the domain refuses it) ──▶ refused
//!                 │  │ └─ reject ────▶ rejected       │
//!                 │  └─ withdraw ────▶ withdrawn      │
//!                 └─────────── the plan changed ──────┘ (what was approved is asked for again)
//! ```
//!
//! It is bound to the command, by its digest, and to what the command comes to: the events that it
//! would put on record, by their hash. Each approval is one person's, who was shown that very plan.
//! What the network is otherwise may change meanwhile; where the plan changes with it, all
//! approvals are void and are asked for again.
//!
//! A request keeps what was asked of it: a policy that asks for more later is followed, one that
//! asks for less is not. Who is an approver no longer when the last approval is given does not
//! count.
//!
//! An approver is a [`crate::access::Subject`]: what acts inside the engine, a connector or the
//! provisioner, has none, so it approves nothing.

mod command;
mod decide;
mod event;
mod evolve;
mod refusal;
#[cfg(test)]
mod tests;

pub use command::{
    ApprovalCommand, Approver, AskApproval, Finished, GiveApproval, RejectCommand, Standing,
};
pub use decide::decide;
pub use event::{
    ApprovalCarriedOut, ApprovalEvent, ApprovalExecutionStarted, ApprovalGiven, ApprovalGranted,
    ApprovalPlanChanged, ApprovalRefused, ApprovalRejected, ApprovalRequested, BoundAs,
    RequestedAs, Shown,
};
pub use evolve::evolve;
pub use refusal::ApprovalRefusal;

pub use crate::ids::APPROVAL_CATEGORY;

use crate::ids::CommandId;
use chrono::{DateTime, TimeDelta, Utc};

/// The most requests that wait in one network.
pub const MOST_OF_A_NETWORK: usize = 100;

/// The most requests of one person that wait.
pub const MOST_OF_A_REQUESTER: usize = 50;

/// The most bytes of JSON that the command of a request and its plan may have together.
pub const MOST_BYTES: usize = 128 * 1024;

/// After that time another server carries out what one has started to.
pub const TAKEOVER: TimeDelta = TimeDelta::seconds(60);

/// What is known of a request.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Approval {
    /// There is none.
    #[default]
    Absent,
    /// There is one, or was.
    Asked(Box<Request>),
}

/// A request.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// What was asked for.
    pub asked: ApprovalRequested,
    /// When.
    pub requested_at: DateTime<Utc>,
    /// What the command comes to, as it is shown now.
    pub shown: Shown,
    /// Who has approved that.
    pub given: Vec<Given>,
    /// What became of it.
    pub state: State,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// One person's approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// Who, and as what.
    pub by: Approver,
    /// When.
    pub at: DateTime<Utc>,
    /// By which command.
    pub command_id: CommandId,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It waits for approvals.
    Pending,
    /// It has them, and is about to be carried out.
    Granted {
        /// Who carries it out.
        started: Option<Started>,
    },
    /// It is over.
    Ended(End),
}

/// A server that carries a command out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// Which.
    pub host: String,
    /// Since when.
    pub at: DateTime<Utc>,
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The command was carried out.
    CarriedOut(ApprovalCarriedOut),
    /// The command was refused as any is that does not fit the network by then.
    Refused(ApprovalRefused),
    /// An approver rejected it.
    Rejected(ApprovalRejected),
    /// Who asked took it back.
    Withdrawn,
    /// Its time was over.
    Expired,
}

impl State {
    /// The names of all of them.
    pub const NAMES: [&'static str; 7] = [
        "pending",
        "granted",
        "carried_out",
        "refused",
        "rejected",
        "withdrawn",
        "expired",
    ];

    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Granted { .. } => "granted",
            Self::Ended(End::CarriedOut(_)) => "carried_out",
            Self::Ended(End::Refused(_)) => "refused",
            Self::Ended(End::Rejected(_)) => "rejected",
            Self::Ended(End::Withdrawn) => "withdrawn",
            Self::Ended(End::Expired) => "expired",
        }
    }

    /// Whether nothing more becomes of it.
    pub fn has_ended(&self) -> bool {
        match self {
            Self::Pending | Self::Granted { .. } => false,
            Self::Ended(_) => true,
        }
    }
}

impl Approval {
    /// The request, if there is one.
    pub fn request(&self) -> Option<&Request> {
        match self {
            Self::Absent => None,
            Self::Asked(request) => Some(request),
        }
    }
}

/// The stream of the request for this command.
pub fn stream(command: CommandId) -> String {
    format!("{APPROVAL_CATEGORY}-{command}")
}

/// The command whose request this stream is of, if it is one.
pub fn of_stream(stream: &str) -> Option<CommandId> {
    let (category, id) = stream.split_once('-')?;
    (category == APPROVAL_CATEGORY)
        .then(|| id.parse().ok())
        .flatten()
}
