//! For whom a peering or an admitted source is there, and until when.

use super::InboundRule;
use crate::{ids::PeeringId, text::OwnerName};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Who answers for something, and when it ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Tenure {
    /// Who answers for it, a person or a team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<OwnerName>,
    /// When it ends; `None` for never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime<Utc>>,
}

impl Tenure {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether its end has come.
    pub fn is_over(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }
}

/// Who answers for a peering, or for one source that the private network admits, and when it ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PeeringTenureSet {
    /// The peering.
    pub peering_id: PeeringId,
    /// The admitted source that it is about; `None` for the peering itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<InboundRule>,
    /// All that holds from now on.
    pub tenure: Tenure,
}

/// What happens at the end of a peering.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AtEnd {
    /// It is removed.
    #[default]
    Remove,
    /// It is told, and the peering stays.
    Report,
}

impl AtEnd {
    /// The stored name.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Remove => "remove",
            Self::Report => "report",
        }
    }
}

/// The end of a peering has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PeeringTenureEnded {
    /// The peering.
    pub peering_id: PeeringId,
    /// When it was to end.
    pub expires_at: DateTime<Utc>,
    /// What follows from that.
    pub at_end: AtEnd,
}

/// The end of an admitted source has come: the private network admits it no longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AdmissionExpired {
    /// The peering.
    pub peering_id: PeeringId,
    /// What was admitted.
    pub rule: InboundRule,
    /// When it was to end.
    pub expires_at: DateTime<Utc>,
}

/// What a policy says of owners and ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TenurePolicy {
    /// Whether a peering without an owner is refused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub owner_required: bool,
    /// How long a peering may be there at most, in seconds from the command that says so; with a
    /// maximum, one without an end is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longest_peering: Option<u64>,
    /// The same of an admitted source and of a connector ingress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longest_admission: Option<u64>,
    /// What happens at the end of a peering.
    #[serde(default)]
    pub at_end: AtEnd,
}

impl TenurePolicy {
    /// Whether it is the usual one.
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}
