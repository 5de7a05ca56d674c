//! What is on record of access: the contract of the `access-…` streams. Names and fields are stored
//! for ever.

use super::{Denial, Policy, Subject};
use crate::{
    ids::NetworkId,
    ledger::Digest,
    text::{Account, ActorName},
};
use serde::{Deserialize, Serialize};

/// An event of the `access-…` streams, named in the log as the variant is here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum AccessEvent {
    /// A server judges by this policy from now on.
    AccessPolicyEnforced(AccessPolicyEnforced),
    /// Servers judge by different policies.
    AccessPoliciesDiffered(AccessPoliciesDiffered),
    /// A known caller was denied something.
    AccessDenied(AccessDenied),
}

/// A server judges by this policy from now on, until it judges by another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessPolicyEnforced {
    /// The server: its machine, and where it listens.
    pub host: ActorName,
    /// The policy's hash.
    pub hash: Digest,
    /// The policy itself.
    pub policy: Policy,
    /// The issuers of tokens that are believed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub issuers: Vec<ActorName>,
}

/// What a server enforces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enforced {
    /// The server.
    pub host: ActorName,
    /// The hash of its policy.
    pub hash: Digest,
}

/// A server judges by another policy than others did when they were last heard of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessPoliciesDiffered {
    /// The server that found it.
    pub host: ActorName,
    /// The hash of its policy.
    pub hash: Digest,
    /// The others, each with its own.
    pub others: Vec<Enforced>,
}

/// A known caller was denied something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessDenied {
    /// Who.
    pub subject: Subject,
    /// The method, like `RequestPeering`.
    pub method: String,
    /// Why.
    pub denial: Denial,
    /// The network, if one was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_id: Option<NetworkId>,
    /// The peer's account, if one was acted for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer_account: Option<Account>,
    /// How often the same was denied since it was last put on record, and was not.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub repeated: u64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl AccessEvent {
    /// Every event type.
    pub const NAMES: [&'static str; 3] = [
        "AccessPolicyEnforced",
        "AccessPoliciesDiffered",
        "AccessDenied",
    ];

    /// The event type as the log names it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::AccessPolicyEnforced(_) => "AccessPolicyEnforced",
            Self::AccessPoliciesDiffered(_) => "AccessPoliciesDiffered",
            Self::AccessDenied(_) => "AccessDenied",
        }
    }
}
