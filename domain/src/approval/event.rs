//! What is on record of a request for approval: the contract of the `approval-…` streams. Names and
//! fields are stored for ever.

use crate::{
    access::Subject,
    ids::{CommandId, NetworkId},
    ledger::Digest,
    network::Opening,
    text::{Account, ActorName, Name, Project, Reason, Ticket},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;

/// An event of a request, named in the log as the variant is here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "type", content = "data")]
pub enum ApprovalEvent {
    /// A command waits for approval.
    ApprovalRequested(Box<ApprovalRequested>),
    /// Somebody has approved it.
    ApprovalGiven(ApprovalGiven),
    /// Enough people have.
    ApprovalGranted(ApprovalGranted),
    /// The command comes to something else by now: who approved is asked again.
    ApprovalPlanChanged(ApprovalPlanChanged),
    /// A server carries the command out.
    ApprovalExecutionStarted(ApprovalExecutionStarted),
    /// The command was carried out.
    ApprovalCarriedOut(ApprovalCarriedOut),
    /// The command was refused, since it does not fit the network by now.
    ApprovalRefused(ApprovalRefused),
    /// An approver rejected it.
    ApprovalRejected(ApprovalRejected),
    /// Who asked took it back.
    ApprovalWithdrawn {},
    /// Its time was over.
    ApprovalExpired {},
}

/// What a command comes to, as it is shown to approvers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Shown {
    /// What tells it from another plan: of the events alone, not of the revision.
    pub hash: Digest,
    /// The revision of the network that it was decided on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    /// The events that it would put on record, each with its type and its data.
    pub events: Vec<Value>,
}

impl Shown {
    /// These events, decided on that revision.
    pub fn of(events: Vec<Value>, revision: Option<u64>) -> Result<Self, serde_json::Error> {
        Ok(Self {
            hash: Digest::of(&events)?,
            revision,
            events,
        })
    }

    /// The types of the events.
    pub fn event_types(&self) -> impl Iterator<Item = &str> {
        let types = self.events.iter().map(|it| it["type"].as_str());
        types.map(Option::unwrap_or_default)
    }
}

/// A command waits for approval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ApprovalRequested {
    /// The network that the command is to.
    pub network_id: NetworkId,
    /// Its project.
    pub project: Project,
    /// Its name.
    pub network: Name,
    /// The peer's account that the command acts for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer_account: Option<Account>,
    /// The command's name, like `RequestPeering`.
    pub command_name: String,
    /// The command as JSON, as it will be carried out.
    pub command: Value,
    /// Its digest.
    pub command_digest: Digest,
    /// Who asks.
    pub requester: Subject,
    /// By what they may ask for this; absent in a request of before that was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_as: Option<RequestedAs>,
    /// Why, in the requester's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// Where the change is tracked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<Ticket>,
    /// The revision that the network must be at when the command is carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_revision: Option<u64>,
    /// What it opens.
    pub openings: BTreeSet<Opening>,
    /// How many people have to approve.
    pub approvals: u8,
    /// When the request ends by itself.
    pub expires_at: DateTime<Utc>,
    /// The hash of the policy of access that asks for this.
    pub policy: Digest,
    /// What the command comes to.
    pub shown: Shown,
}

/// By what somebody may give a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RequestedAs {
    /// The method of the API that it came by, like `RequestPeering`.
    pub method: String,
    /// By what of their credential it is theirs to call.
    #[serde(default)]
    pub bound_as: BoundAs,
}

/// By what of a credential somebody is bound to a role, where it is not the subject's own name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BoundAs {
    /// The group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<ActorName>,
    /// Another name of the same subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<ActorName>,
}

/// Somebody has approved it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ApprovalGiven {
    /// Who.
    pub by: Subject,
    /// By what they are an approver.
    #[serde(default)]
    pub bound_as: BoundAs,
    /// By which command of theirs.
    pub command_id: CommandId,
    /// The hash of what they were shown.
    pub shown: Digest,
    /// The hash of the policy of access then.
    pub policy: Digest,
}

/// Enough people have approved it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ApprovalGranted {
    /// Who.
    pub by: Vec<Subject>,
}

/// The command comes to something else by now: who approved is asked again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ApprovalPlanChanged {
    /// What it comes to.
    pub shown: Shown,
}

/// A server carries the command out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ApprovalExecutionStarted {
    /// Which.
    pub host: String,
}

/// The command was carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ApprovalCarriedOut {
    /// The network's revision after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    /// The types of the events that it put on record.
    pub event_types: Vec<String>,
}

/// The command was refused, since it does not fit the network by now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ApprovalRefused {
    /// The reason's name in the catalogue of errors, like `NETWORK_RETIRED`.
    pub refusal: String,
    /// The same in words.
    pub message: String,
}

/// An approver rejected it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ApprovalRejected {
    /// Who.
    pub by: Subject,
    /// By what they are an approver.
    #[serde(default)]
    pub bound_as: BoundAs,
    /// Why, in their words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

impl ApprovalEvent {
    /// Every event type.
    pub const NAMES: [&'static str; 10] = [
        "ApprovalRequested",
        "ApprovalGiven",
        "ApprovalGranted",
        "ApprovalPlanChanged",
        "ApprovalExecutionStarted",
        "ApprovalCarriedOut",
        "ApprovalRefused",
        "ApprovalRejected",
        "ApprovalWithdrawn",
        "ApprovalExpired",
    ];

    /// The event type as the log names it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::ApprovalRequested(_) => "ApprovalRequested",
            Self::ApprovalGiven(_) => "ApprovalGiven",
            Self::ApprovalGranted(_) => "ApprovalGranted",
            Self::ApprovalPlanChanged(_) => "ApprovalPlanChanged",
            Self::ApprovalExecutionStarted(_) => "ApprovalExecutionStarted",
            Self::ApprovalCarriedOut(_) => "ApprovalCarriedOut",
            Self::ApprovalRefused(_) => "ApprovalRefused",
            Self::ApprovalRejected(_) => "ApprovalRejected",
            Self::ApprovalWithdrawn {} => "ApprovalWithdrawn",
            Self::ApprovalExpired {} => "ApprovalExpired",
        }
    }
}
