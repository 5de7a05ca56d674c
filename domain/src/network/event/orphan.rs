//! Orphans: what stands at a cloud with this network's tag, or on its record, and belongs to no
//! live peering of it.

use super::denial::Denial;
use crate::{
    ids::{NetworkId, PeeringId},
    place::Region,
    range::Range,
    text::{
        Account, CloudNetwork, FirewallGroup, FirewallRule, Link, OrphanId, Reason, RouteTable,
    },
};
use serde::{Deserialize, Serialize};

/// Something at a cloud that no live peering accounts for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum OrphanThing {
    /// A link with the tag.
    Link {
        /// The link, by the provider's id, like AWS's `pcx-0123456789abcdef0`.
        link: Link,
    },
    /// A firewall group with the tag; its rules go with it.
    FirewallGroup {
        /// The group, by the provider's id, like AWS's `sg-0e1f2a3b4c5d6e7f8`.
        group: FirewallGroup,
    },
    /// A rule with the tag, in a group without it.
    FirewallRule {
        /// The group that holds it.
        group: FirewallGroup,
        /// The rule, by the provider's id, like `sgr-0f1e2d3c4b5a69788`.
        rule_id: FirewallRule,
    },
    /// A route that an ended peering left behind, over the link that it had. Routes have no tags:
    /// it is on record.
    Route {
        /// The route table, by the provider's id, like AWS's `rtb-0d1e2f30415263748`.
        route_table: RouteTable,
        /// The destination, a range in CIDR form.
        destination: Range,
        /// The link that it leads over.
        link: Link,
    },
    /// An entry that denies, in a list in front of subnets, which an ended peering left behind.
    /// Entries have no tags: it is on record.
    Denial {
        /// The entry.
        denial: Denial,
    },
}

impl OrphanThing {
    /// What names it: the provider's id; for a route, the table's and the destination; for an
    /// entry, the list's and the number.
    pub fn id(&self) -> Option<OrphanId> {
        let text = match self {
            Self::Link { link } => link.to_string(),
            Self::FirewallGroup { group } => group.to_string(),
            Self::FirewallRule { rule_id, .. } => rule_id.to_string(),
            Self::Route {
                route_table,
                destination,
                ..
            } => format!("{route_table}/{destination}"),
            Self::Denial { denial } => format!("{}/{}", denial.list, denial.number),
        };
        text.parse().ok()
    }

    /// The stored name of its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Link { .. } => "link",
            Self::FirewallGroup { .. } => "firewall_group",
            Self::FirewallRule { .. } => "firewall_rule",
            Self::Route { .. } => "route",
            Self::Denial { .. } => "denial",
        }
    }
}

/// Something was seen that carries a tag of this network, or is on its record, and belongs to none
/// of its live peerings. It is left alone until somebody asks for its removal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct OrphanFound {
    /// The network.
    pub network_id: NetworkId,
    /// The peering that it was made for: one that has ended, or that this log does not know.
    pub peering_id: PeeringId,
    /// The account where it stands.
    pub account: Account,
    /// The region where it stands.
    pub region: Region,
    /// The network at the cloud that it is a part of, or ends at.
    pub cloud_network: CloudNetwork,
    /// What it is.
    pub thing: OrphanThing,
    /// Whether it has the tag and not the form that the engine gives to what it makes: somebody has
    /// copied it, and the engine never removes it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_copy: bool,
}

/// Why something is no orphan any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OrphanEnd {
    /// The engine has removed it, as somebody asked.
    Removed,
    /// It is not there any more.
    Gone,
    /// It is there, and a live peering or somebody else accounts for it.
    Claimed,
}

impl OrphanEnd {
    /// The stored name.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Removed => "removed",
            Self::Gone => "gone",
            Self::Claimed => "claimed",
        }
    }
}

/// It is no orphan any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct OrphanCleared {
    /// The network.
    pub network_id: NetworkId,
    /// The peering that it was made for.
    pub peering_id: PeeringId,
    /// Which one.
    pub orphan: OrphanId,
    /// Why.
    pub end: OrphanEnd,
}

/// Somebody asked for its removal: the engine looks at it once more, and removes it if nothing
/// accounts for it still.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct OrphanRemovalRequested {
    /// The network.
    pub network_id: NetworkId,
    /// The peering that it was made for.
    pub peering_id: PeeringId,
    /// Which one.
    pub orphan: OrphanId,
    /// Why, as the caller put it.
    pub reason: Reason,
}

/// The cloud has refused its removal, or it holds what somebody else put there. It is not tried
/// again until somebody asks again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct OrphanRemovalFailed {
    /// The network.
    pub network_id: NetworkId,
    /// The peering that it was made for.
    pub peering_id: PeeringId,
    /// Which one.
    pub orphan: OrphanId,
    /// Why, for people.
    pub message: String,
}
