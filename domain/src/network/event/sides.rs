//! What each side was seen to have: routes, firewall, name resolution.

use super::InboundRule;
use crate::{
    ids::PeeringId,
    range::Range,
    side::Side,
    text::{FirewallGroup, FirewallRule, RouteTable},
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteInstalled {
    pub peering_id: PeeringId,
    pub side: Side,
    pub destination: Range,
    pub route_table: RouteTable,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteRemoved {
    pub peering_id: PeeringId,
    pub side: Side,
    pub destination: Range,
    pub route_table: RouteTable,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteConflicted {
    pub peering_id: PeeringId,
    pub side: Side,
    pub destination: Range,
    pub route_table: RouteTable,
    /// Where the route table sends the destination instead, by the provider's id.
    pub target: String,
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

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DnsResolutionApplied {
    pub peering_id: PeeringId,
    pub side: Side,
    pub enabled: bool,
}
