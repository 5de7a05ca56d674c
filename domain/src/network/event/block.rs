//! Blocks: the engine cannot go on until a person acts.

use crate::{ids::PeeringId, side::Side};
use serde::{Deserialize, Serialize};

/// Why the engine waits for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum BlockCause {
    /// The cloud's API cannot be reached.
    EndpointUnreachable,
    /// The cloud does not accept who we say we are.
    CredentialsRefused,
    /// The cloud knows us and says no.
    PermissionDenied,
    /// The credentials belong to another account than the one on record.
    WrongAccount,
    /// A quota of the provider is used up.
    QuotaExceeded,
    /// The network, a subnet or a route table on record does not exist.
    NotFound,
    /// Something that we did not make stands where ours should be.
    Conflict,
    /// Addresses would belong to two networks at once.
    RangeOverlap,
    /// The ranges on record are not those of the network at the cloud.
    RangeMismatch,
    /// The network does not meet what name resolution needs.
    DnsPrecondition,
    /// An option of the link needs something of the other side, or of a network, that is not so.
    OptionPrecondition,
    /// What the engine puts back is undone again and again.
    RepairUndone,
    /// Something still uses what is to be removed.
    InUse,
    /// The link was ended at the cloud, not by the engine.
    LinkEnded,
    /// The cloud answered what no rule here covers.
    Unexpected,
}

impl BlockCause {
    /// All causes, in the order in which they are told.
    pub const ALL: [Self; 15] = [
        Self::EndpointUnreachable,
        Self::CredentialsRefused,
        Self::PermissionDenied,
        Self::WrongAccount,
        Self::QuotaExceeded,
        Self::NotFound,
        Self::Conflict,
        Self::RangeOverlap,
        Self::RangeMismatch,
        Self::DnsPrecondition,
        Self::OptionPrecondition,
        Self::RepairUndone,
        Self::InUse,
        Self::LinkEnded,
        Self::Unexpected,
    ];

    /// The stored name.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::EndpointUnreachable => "endpoint_unreachable",
            Self::CredentialsRefused => "credentials_refused",
            Self::PermissionDenied => "permission_denied",
            Self::WrongAccount => "wrong_account",
            Self::QuotaExceeded => "quota_exceeded",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::RangeOverlap => "range_overlap",
            Self::RangeMismatch => "range_mismatch",
            Self::DnsPrecondition => "dns_precondition",
            Self::OptionPrecondition => "option_precondition",
            Self::RepairUndone => "repair_undone",
            Self::InUse => "in_use",
            Self::LinkEnded => "link_ended",
            Self::Unexpected => "unexpected",
        }
    }
}

/// The engine cannot go on until somebody acts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ProvisioningBlocked {
    /// The peering.
    pub peering_id: PeeringId,
    /// Why, in kind.
    pub cause: BlockCause,
    /// The side whose owner must act.
    pub side: Side,
    /// What the engine was doing and what it was told.
    pub message: String,
    /// What to do about it: sentences, or commands that can be run as they are.
    pub remedy: Vec<String>,
    /// How often it was met since it was last recorded. Left out for once.
    #[serde(default = "once", skip_serializing_if = "is_once")]
    pub times: u32,
}

pub(in crate::network) fn once() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "so serde asks")]
fn is_once(times: &u32) -> bool {
    *times == once()
}

/// The cause of the block is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ProvisioningUnblocked {
    /// The peering.
    pub peering_id: PeeringId,
}
