//! What can be asked of a request for approval.

use super::{ApprovalCarriedOut, ApprovalRefused, BoundAs, RequestedAs, Shown};
use crate::{
    access::{Asked, Identity, Method, Peers, Policy, Reach, Subject, Target, judge},
    ids::{CommandId, NetworkId},
    ledger::Digest,
    network::Opening,
    text::{Account, Name, Project, Reason, Ticket},
};
use serde_json::Value;
use std::collections::BTreeSet;

/// A command to a request.
#[derive(Clone, Debug, PartialEq)]
pub enum ApprovalCommand {
    /// Asks for approval of a command.
    Ask(Box<AskApproval>),
    /// Approves it.
    Give(GiveApproval),
    /// Rejects it, which ends it.
    Reject(RejectCommand),
    /// Takes it back; only who asked may.
    Withdraw {
        /// Who.
        by: Subject,
    },
    /// Its time is over.
    Expire,
    /// A server carries the command out.
    Start {
        /// Which.
        host: String,
    },
    /// The command comes to something else by now.
    Reshow(Shown),
    /// A server has carried the command out, or had it refused.
    Finish {
        /// Which.
        host: String,
        /// What came of it.
        finished: Finished,
    },
}

/// Asks for approval of a command.
#[derive(Clone, Debug, PartialEq)]
pub struct AskApproval {
    /// The network that the command is to.
    pub network_id: NetworkId,
    /// Its project.
    pub project: Project,
    /// Its name.
    pub name: Name,
    /// The peer's account that it acts for.
    pub peer_account: Option<Account>,
    /// The command's name.
    pub command_name: String,
    /// The command.
    pub command: Value,
    /// Its digest.
    pub digest: Digest,
    /// Who asks.
    pub requester: Subject,
    /// By what they may ask for this.
    pub requested_as: Option<RequestedAs>,
    /// Why.
    pub reason: Option<Reason>,
    /// Where the change is tracked.
    pub ticket: Option<Ticket>,
    /// The revision that the network must be at.
    pub expected_revision: Option<u64>,
    /// What it opens.
    pub openings: BTreeSet<Opening>,
    /// What the policy asks for.
    pub needs: Asked,
    /// The hash of that policy.
    pub policy: Digest,
    /// What it comes to.
    pub shown: Shown,
    /// How many requests wait already in that network.
    pub of_the_network: usize,
    /// How many of the same person.
    pub of_the_requester: usize,
}

/// Somebody who approves or rejects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approver {
    /// Who.
    pub subject: Subject,
    /// What of the credential the binding as an approver goes by.
    pub bound_as: BoundAs,
}

/// Approves a command.
#[derive(Clone, Debug, PartialEq)]
pub struct GiveApproval {
    /// Who.
    pub by: Approver,
    /// By which command of theirs.
    pub command_id: CommandId,
    /// The hash of what they were shown.
    pub shown: Digest,
    /// What the command comes to now; `None` if it would be refused, which is told when it is.
    pub now: Option<Shown>,
}

/// Rejects a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectCommand {
    /// Who.
    pub by: Approver,
    /// Why.
    pub reason: Option<Reason>,
}

/// What came of carrying it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finished {
    /// It was carried out.
    CarriedOut(ApprovalCarriedOut),
    /// It was refused.
    Refused(ApprovalRefused),
}

/// The policy that is in force when a command to a request is decided.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// Its hash.
    pub hash: &'a Digest,
}

impl BoundAs {
    /// By what this person may call a method there, if any binding says so.
    fn of(
        identity: &Identity,
        policy: &Policy,
        method: Method,
        target: Target<'_>,
    ) -> Option<Self> {
        let bindings = policy.of(identity);
        let binding = judge(&bindings, method, target).ok()?;
        let name = binding.subject.as_ref();
        Some(Self {
            group: binding.group.clone(),
            name: name.filter(|it| **it != identity.subject.subject).cloned(),
        })
    }

    /// Whether a policy still says so of this subject.
    fn stands(
        &self,
        subject: &Subject,
        policy: &Policy,
        method: Method,
        target: Target<'_>,
    ) -> bool {
        let identity = Identity {
            subject: subject.clone(),
            also: self.name.iter().cloned().collect(),
            groups: self.group.iter().cloned().collect(),
        };
        Self::of(&identity, policy, method, target).is_some()
    }
}

impl Approver {
    /// The caller as an approver of that network and account, if any binding makes them one.
    pub fn of(identity: &Identity, policy: &Policy, target: Target<'_>) -> Option<Self> {
        let bound_as = BoundAs::of(identity, policy, Method::ApproveCommand, target)?;
        Some(Self {
            subject: identity.subject.clone(),
            bound_as,
        })
    }

    /// Whether a policy still makes them one, by what they were one by.
    pub(super) fn stands(&self, policy: &Policy, target: Target<'_>) -> bool {
        let (by, subject) = (&self.bound_as, &self.subject);
        by.stands(subject, policy, Method::ApproveCommand, target)
    }
}

impl RequestedAs {
    /// The caller of a method as one who may, there.
    pub fn of(
        identity: &Identity,
        policy: &Policy,
        method: Method,
        target: Target<'_>,
    ) -> Option<Self> {
        let bound_as = BoundAs::of(identity, policy, method, target)?;
        Some(Self {
            method: method.name().to_owned(),
            bound_as,
        })
    }

    /// Whether a policy still lets them. A method that this version does not know is nobody's.
    pub(super) fn stands(&self, subject: &Subject, policy: &Policy, target: Target<'_>) -> bool {
        let method = self.method.parse::<Method>();
        method.is_ok_and(|it| self.bound_as.stands(subject, policy, it, target))
    }
}

/// What an approver of this network and account acts on.
pub(super) fn target<'a>(
    id: NetworkId,
    project: &'a Project,
    name: &'a Name,
    account: Option<&'a Account>,
) -> Target<'a> {
    Target {
        reach: Reach::Network { id, project, name },
        peers: account.map_or(Peers::All, Peers::Account),
    }
}
