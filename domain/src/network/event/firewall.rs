//! Firewalls: what each side admits, what was seen of it, and exposures.

use super::Tenure;
use crate::{
    ids::PeeringId,
    range::Range,
    side::Side,
    source::AdmittedSource,
    text::{FirewallGroup, FirewallRule},
};
use serde::{Deserialize, Serialize};

/// TCP from addresses, or from what carries a group, to a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct InboundRule {
    /// Where the traffic comes from.
    pub source: AdmittedSource,
    /// The TCP port, from 1 to 65535.
    pub port: u16,
    /// Where it may go, where the provider's rules are aimed at addresses
    /// ([`Aim`](crate::place::Aim)); absent: wherever the rule's group is attached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Range>,
}

/// What one side's firewall admits from the link; the rest is denied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FirewallRestricted {
    /// The peering.
    pub peering_id: PeeringId,
    /// The side that it is about.
    pub side: Side,
    /// All that the side admits from the link.
    pub admit: Vec<InboundRule>,
    /// Who answers for what was not admitted before, and when it ends.
    #[serde(default, skip_serializing_if = "Tenure::is_empty")]
    pub tenure: Tenure,
}

/// The firewall group that the engine owns on one side was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FirewallGroupCreated {
    /// The peering.
    pub peering_id: PeeringId,
    /// The side that it is about.
    pub side: Side,
    /// The firewall group, by the provider's id, like AWS's `sg-0e1f2a3b4c5d6e7f8`.
    pub group: FirewallGroup,
}

/// That group was seen to be gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FirewallGroupRemoved {
    /// The peering.
    pub peering_id: PeeringId,
    /// The side that it is about.
    pub side: Side,
    /// The firewall group, by the provider's id, like AWS's `sg-0e1f2a3b4c5d6e7f8`.
    pub group: FirewallGroup,
}

/// A rule was seen in that group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FirewallRuleAuthorized {
    /// The peering.
    pub peering_id: PeeringId,
    /// The side that it is about.
    pub side: Side,
    /// What the rule admits.
    pub rule: InboundRule,
    /// The provider's id of the rule.
    pub rule_id: FirewallRule,
}

/// A rule that this engine had made was seen to be gone from that group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FirewallRuleRevoked {
    /// The peering.
    pub peering_id: PeeringId,
    /// The side that it is about.
    pub side: Side,
    /// What the rule admits.
    pub rule: InboundRule,
    /// The rule, by the provider's id, like `sgr-0f1e2d3c4b5a69788`.
    pub rule_id: FirewallRule,
}

/// That group holds exactly what the posture admits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FirewallEnforced {
    /// The peering.
    pub peering_id: PeeringId,
    /// The side that it is about.
    pub side: Side,
    /// The firewall group, by the provider's id, like AWS's `sg-0e1f2a3b4c5d6e7f8`.
    pub group: FirewallGroup,
    /// All that the side admits from the link.
    pub admit: Vec<InboundRule>,
    /// To how many interfaces the group was attached then; absent where that was not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attached: Option<u32>,
}

/// Somebody else's rule that lets the private network in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Exposure {
    /// The group that the rule is in, by the provider's id.
    pub group: FirewallGroup,
    /// The group's name.
    pub group_name: String,
    /// The rule, by the provider's id, like `sgr-0f1e2d3c4b5a69788`.
    pub rule_id: FirewallRule,
    /// The rule for people, like `tcp 22 from 10.0.0.0/8`.
    pub admits: String,
    /// The account that owns the group, and whoever its tags or its name say it belongs to.
    pub owner: String,
    /// Whether it cannot be told that the rule lets the other side in: it names a list that cannot
    /// be read, or a group of which the network is not known. That counts as no exposure.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cannot_tell: bool,
    /// What lets it in; absent: a rule.
    #[serde(default, skip_serializing_if = "ExposedBy::is_rule")]
    pub what: ExposedBy,
}

/// What lets the other side in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ExposedBy {
    /// A rule that somebody made.
    #[default]
    Rule,
    /// What the cloud admits where nothing denies it (Azure): only a denial before it helps. AWS
    /// and GCP admit nothing by default.
    Default,
}

impl ExposedBy {
    /// Whether it is a rule that somebody made.
    fn is_rule(&self) -> bool {
        match self {
            Self::Rule => true,
            Self::Default => false,
        }
    }
}

/// Somebody else's rule lets the private network in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FirewallExposed {
    /// The peering.
    pub peering_id: PeeringId,
    /// The side that it is about.
    pub side: Side,
    /// The rule and its group.
    pub exposure: Exposure,
}

/// That rule is gone, or lets nothing in any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ExposureCleared {
    /// The peering.
    pub peering_id: PeeringId,
    /// The side that it is about.
    pub side: Side,
    /// The rule, by the provider's id, like `sgr-0f1e2d3c4b5a69788`.
    pub rule_id: FirewallRule,
}
