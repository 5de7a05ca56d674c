//! Roles as data: who is bound to which role, and where; and what asks for approval.

use super::{ApprovalRule, Identity, Method, Proof, Role, approval_rule::MOST_RULES};
use crate::{
    ids::NetworkId,
    ledger::Digest,
    text::{Account, ActorName, Name, Project},
};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use thiserror::Error;

/// Who may do what. What no binding allows is denied.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Their order says nothing: each adds to what the others allow.
    #[serde(default)]
    pub bindings: Vec<Binding>,
    /// What asks for approval by several people. Left out where nothing does: so was it before
    /// there was any, and a policy's hash stays what it was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<ApprovalRule>,
}

/// One subject's role, or that of everybody in a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Binding {
    /// The role.
    pub role: Role,
    /// How the subject is proved.
    pub method: Proof,
    /// Who vouches for it: a token's issuer by its URL, a certificate's by its name. A socket has
    /// none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<ActorName>,
    /// The subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<ActorName>,
    /// Or the group, as the issuer's tokens name it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<ActorName>,
    /// The projects whose networks it is for. With `networks` empty too: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub projects: Vec<Project>,
    /// The networks that it is for beside those.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<NetworkName>,
    /// The peers' accounts that may be acted for. Empty: all. What is only looked at is not bounded
    /// by them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub peer_accounts: Vec<Account>,
}

/// A binding that binds nobody, or nobody knows whom.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BindingError {
    /// Neither a subject nor a group, or both.
    #[error("binding {0}: name a subject or a group, one of the two")]
    Whom(usize),
    /// An issuer is missing, or there is one where there cannot be.
    #[error("binding {0}: name the issuer of a token or certificate; a socket has none")]
    Issuer(usize),
    /// Only tokens have groups.
    #[error("binding {0}: only tokens have groups")]
    Group(usize),
    /// A rule of approvals that cannot be.
    #[error("approvals {0}: {1}")]
    Approvals(usize, &'static str),
}

/// A network by its id, or by its project and name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum NetworkName {
    /// By its id.
    Id(NetworkId),
    /// By what people call it: `payments/orders`.
    Name(Project, Name),
}

impl FromStr for NetworkName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(id) = text.parse() {
            return Ok(Self::Id(id));
        }
        let named = text.split_once('/').and_then(|(project, name)| {
            Some(Self::Name(project.parse().ok()?, name.parse().ok()?))
        });
        named.ok_or_else(|| {
            format!("{text:?} is no network: write its id, or PROJECT/NAME like payments/orders")
        })
    }
}

impl TryFrom<String> for NetworkName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<NetworkName> for String {
    fn from(name: NetworkName) -> Self {
        name.to_string()
    }
}

impl fmt::Display for NetworkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Name(project, name) => write!(f, "{project}/{name}"),
        }
    }
}

impl Policy {
    /// Everything that is wrong with it.
    pub fn check(&self) -> Vec<BindingError> {
        let numbered = self.bindings.iter().enumerate();
        let mut wrong: Vec<_> = numbered
            .filter_map(|(at, it)| it.check(at + 1).err())
            .collect();
        let rules = self.approvals.iter().enumerate();
        wrong.extend(rules.filter_map(|(at, it)| {
            let why = it.check().err()?;
            Some(BindingError::Approvals(at + 1, why))
        }));
        if self.approvals.len() > MOST_RULES {
            let why = "there are 100 rules at most";
            wrong.push(BindingError::Approvals(self.approvals.len(), why));
        }
        wrong
    }

    /// What tells it from another policy.
    pub fn hash(&self) -> Result<Digest, serde_json::Error> {
        Digest::of(self)
    }

    /// The bindings that are this caller's.
    pub fn of(&self, identity: &Identity) -> Vec<Binding> {
        let own = self.bindings.iter().filter(|it| it.binds(identity));
        own.cloned().collect()
    }
}

impl Binding {
    fn check(&self, at: usize) -> Result<(), BindingError> {
        if self.subject.is_some() == self.group.is_some() {
            return Err(BindingError::Whom(at));
        }
        let has_issuer = match self.method {
            Proof::Token | Proof::Mtls => true,
            Proof::Socket => false,
        };
        if self.issuer.is_some() != has_issuer {
            return Err(BindingError::Issuer(at));
        }
        if self.group.is_some() && self.method != Proof::Token {
            return Err(BindingError::Group(at));
        }
        Ok(())
    }

    /// Whether it is this caller's: by method, issuer, and subject or group, all of them.
    fn binds(&self, identity: &Identity) -> bool {
        let subject = &identity.subject;
        let is_issuer = match &self.issuer {
            Some(issuer) => *issuer == subject.issuer,
            None => self.method == Proof::Socket,
        };
        let is_subject = match (&self.subject, &self.group) {
            (Some(it), None) => *it == subject.subject || identity.also.contains(it),
            (None, Some(group)) => identity.groups.contains(group),
            (Some(_), Some(_)) | (None, None) => false,
        };
        self.method == subject.method && is_issuer && is_subject
    }

    /// Whether it has no bounds to networks.
    pub fn is_everywhere(&self) -> bool {
        self.projects.is_empty() && self.networks.is_empty()
    }

    /// Whether its role may call this at all.
    pub fn allows(&self, method: Method) -> bool {
        self.role.allows(method)
    }
}
