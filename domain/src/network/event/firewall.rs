//! Firewalls: what each side admits, what was seen of it, and exposures.

use crate::{
    ids::PeeringId,
    range::Range,
    side::Side,
    text::{FirewallGroup, FirewallRule},
};
use serde::{Deserialize, Serialize};

/// TCP from a range to a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct InboundRule {
    pub source: Range,
    pub port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirewallRestricted {
    pub peering_id: PeeringId,
    pub side: Side,
    pub admit: Vec<InboundRule>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirewallGroupCreated {
    pub peering_id: PeeringId,
    pub side: Side,
    pub group: FirewallGroup,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirewallGroupRemoved {
    pub peering_id: PeeringId,
    pub side: Side,
    pub group: FirewallGroup,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirewallRuleAuthorized {
    pub peering_id: PeeringId,
    pub side: Side,
    pub rule: InboundRule,
    /// The provider's id of the rule.
    pub rule_id: FirewallRule,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirewallRuleRevoked {
    pub peering_id: PeeringId,
    pub side: Side,
    pub rule: InboundRule,
    pub rule_id: FirewallRule,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirewallEnforced {
    pub peering_id: PeeringId,
    pub side: Side,
    pub group: FirewallGroup,
    pub admit: Vec<InboundRule>,
}

/// Somebody else's rule that lets the private network in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exposure {
    pub group: FirewallGroup,
    pub group_name: String,
    pub rule_id: FirewallRule,
    /// The rule for people, like `tcp 22 from 10.0.0.0/8`.
    pub admits: String,
    /// The account that owns the group, and whoever its tags or its name say it belongs to.
    pub owner: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirewallExposed {
    pub peering_id: PeeringId,
    pub side: Side,
    pub exposure: Exposure,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExposureCleared {
    pub peering_id: PeeringId,
    pub side: Side,
    pub rule_id: FirewallRule,
}
