//! Drift: what differs from the desired state, and what was done about it.

use super::{Denial, InboundRule, LinkOption};
use crate::{
    ids::PeeringId,
    range::Range,
    side::Side,
    text::{FirewallGroup, FirewallRule, ImmutableId, Interface, RouteTable},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// One way in which what was in place is no longer as it was left.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DriftKind {
    /// The link has been ended at the cloud, not by the engine.
    LinkEnded {
        /// The cloud's word for the link's state.
        state: String,
    },
    /// The link no longer carries the tag that says whose it is.
    LinkTagMissing,
    /// The side's names resolve on the other side otherwise than was asked for.
    DnsResolutionFlipped {
        /// The side that it is about.
        side: Side,
    },
    /// Another option of the side's half is otherwise than was asked for.
    LinkOptionFlipped {
        /// The side that it is about.
        side: Side,
        /// Which option.
        option: LinkOption,
    },
    /// A route that was seen in place is not there.
    RouteMissing {
        /// The side that it is about.
        side: Side,
        /// The route table, by the provider's id, like AWS's `rtb-0d1e2f30415263748`.
        route_table: RouteTable,
        /// The destination, a range in CIDR form.
        destination: Range,
    },
    /// The route is there and leads elsewhere.
    RouteForeign {
        /// The side that it is about.
        side: Side,
        /// The route table, by the provider's id, like AWS's `rtb-0d1e2f30415263748`.
        route_table: RouteTable,
        /// The destination, a range in CIDR form.
        destination: Range,
        /// Where it leads, by the provider's id.
        target: String,
    },
    /// The route is there and carries nothing.
    RouteBlackhole {
        /// The side that it is about.
        side: Side,
        /// The route table, by the provider's id, like AWS's `rtb-0d1e2f30415263748`.
        route_table: RouteTable,
        /// The destination, a range in CIDR form.
        destination: Range,
    },
    /// A route over the link that nobody asked for here.
    RouteExtra {
        /// The side that it is about.
        side: Side,
        /// The route table, by the provider's id, like AWS's `rtb-0d1e2f30415263748`.
        route_table: RouteTable,
        /// The destination, as the cloud writes it.
        destination: String,
    },
    /// The engine's own group is not there.
    GroupMissing {
        /// The side that it is about.
        side: Side,
        /// The firewall group, by the provider's id, like AWS's `sg-0e1f2a3b4c5d6e7f8`.
        group: FirewallGroup,
    },
    /// The engine's own group no longer carries the tag that says whose it is.
    GroupTagMissing {
        /// The side that it is about.
        side: Side,
        /// The firewall group, by the provider's id, like AWS's `sg-0e1f2a3b4c5d6e7f8`.
        group: FirewallGroup,
    },
    /// A rule of the engine's is not in its group.
    RuleMissing {
        /// The side that it is about.
        side: Side,
        /// What the rule admits.
        rule: InboundRule,
    },
    /// One of the engine's rules no longer carries that tag.
    RuleTagMissing {
        /// The side that it is about.
        side: Side,
        /// The rule, by the provider's id, like `sgr-0f1e2d3c4b5a69788`.
        rule_id: FirewallRule,
    },
    /// A rule in the engine's own group that nobody asked for here.
    RuleExtra {
        /// The side that it is about.
        side: Side,
        /// The rule, by the provider's id, like `sgr-0f1e2d3c4b5a69788`.
        rule_id: FirewallRule,
        /// The rule for people, like `tcp 22 from 10.0.0.0/8`.
        admits: String,
    },
    /// The engine's own group is not on an interface to which it had attached it.
    GroupDetached {
        /// The side that it is about.
        side: Side,
        /// The interface, by the provider's id, like AWS's `eni-0a1b2c3d4e5f60718`.
        interface: Interface,
    },
    /// An entry of the engine's is not in the list in front of subnets where it was.
    DenialMissing {
        /// The side that it is about.
        side: Side,
        /// The entry.
        denial: Denial,
    },
    /// Another network has the name of the side's: that one was deleted, and this one made.
    NetworkReplaced {
        /// The side that it is about.
        side: Side,
        /// The id of the network that is on record.
        recorded: ImmutableId,
        /// The id of the one that has its name now.
        seen: ImmutableId,
    },
}

impl DriftKind {
    /// This option of the side's half is otherwise than was asked for. Name resolution has a kind
    /// of its own, which it had before there were others.
    pub fn option_flipped(side: Side, option: LinkOption) -> Self {
        match option {
            LinkOption::DnsResolution => Self::DnsResolutionFlipped { side },
            LinkOption::ExportCustomRoutes
            | LinkOption::ImportCustomRoutes
            | LinkOption::DualStack
            | LinkOption::ForwardedTraffic
            | LinkOption::GatewayTransit
            | LinkOption::RemoteGateways
            | LinkOption::AddressSpaceSync
            | LinkOption::VirtualNetworkAccess
            | LinkOption::MultipathResilience => Self::LinkOptionFlipped { side, option },
        }
    }

    /// The word for a network that was replaced.
    pub const NETWORK_REPLACED: &str = "network_replaced";

    /// A stable word for the kind, for lists and figures.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::LinkEnded { .. } => "link_ended",
            Self::LinkTagMissing => "link_tag_missing",
            Self::DnsResolutionFlipped { .. } => "dns_resolution_flipped",
            Self::LinkOptionFlipped { .. } => "link_option_flipped",
            Self::RouteMissing { .. } => "route_missing",
            Self::RouteForeign { .. } => "route_foreign",
            Self::RouteBlackhole { .. } => "route_blackhole",
            Self::RouteExtra { .. } => "route_extra",
            Self::GroupMissing { .. } => "group_missing",
            Self::GroupTagMissing { .. } => "group_tag_missing",
            Self::RuleMissing { .. } => "rule_missing",
            Self::RuleTagMissing { .. } => "rule_tag_missing",
            Self::RuleExtra { .. } => "rule_extra",
            Self::GroupDetached { .. } => "group_detached",
            Self::DenialMissing { .. } => "denial_missing",
            Self::NetworkReplaced { .. } => Self::NETWORK_REPLACED,
        }
    }

    /// The side where it was found.
    pub fn side(&self) -> Side {
        match self {
            Self::LinkEnded { .. } | Self::LinkTagMissing => Side::Local,
            Self::DnsResolutionFlipped { side }
            | Self::LinkOptionFlipped { side, .. }
            | Self::RouteMissing { side, .. }
            | Self::RouteForeign { side, .. }
            | Self::RouteBlackhole { side, .. }
            | Self::RouteExtra { side, .. }
            | Self::GroupMissing { side, .. }
            | Self::GroupTagMissing { side, .. }
            | Self::RuleMissing { side, .. }
            | Self::RuleTagMissing { side, .. }
            | Self::RuleExtra { side, .. }
            | Self::GroupDetached { side, .. }
            | Self::DenialMissing { side, .. }
            | Self::NetworkReplaced { side, .. } => *side,
        }
    }

    /// Whether it is about which network an end is. Nobody puts that right: nothing is opened while
    /// it stands, whatever the policy.
    pub fn is_replacement(&self) -> bool {
        self.replaced_by().is_some()
    }

    /// The id of the network that has the name of this side's now, if that is what it is about.
    pub fn replaced_by(&self) -> Option<(Side, &ImmutableId)> {
        if let Self::NetworkReplaced { side, seen, .. } = self {
            Some((*side, seen))
        } else {
            None
        }
    }
}

/// What a finding is about, whatever was found of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::network) enum Subject<'a> {
    Link,
    LinkTag,
    Option(Side, LinkOption),
    Route(Side, &'a RouteTable, String),
    Group(Side),
    GroupTag(Side),
    Rule(Side, InboundRule),
    RuleTag(Side, &'a FirewallRule),
    /// A rule that nobody asked for, by what it admits: made again it has another id.
    ExtraRule(Side, &'a str),
    Attachment(Side, &'a Interface),
    Denial(Side, &'a Denial),
    Network(Side),
}

impl DriftKind {
    pub(in crate::network) fn subject(&self) -> Subject<'_> {
        match self {
            Self::LinkEnded { .. } => Subject::Link,
            Self::LinkTagMissing => Subject::LinkTag,
            Self::DnsResolutionFlipped { side } => {
                Subject::Option(*side, LinkOption::DnsResolution)
            }
            Self::LinkOptionFlipped { side, option } => Subject::Option(*side, *option),
            Self::RouteMissing {
                side,
                route_table,
                destination,
            }
            | Self::RouteForeign {
                side,
                route_table,
                destination,
                ..
            }
            | Self::RouteBlackhole {
                side,
                route_table,
                destination,
            } => Subject::Route(*side, route_table, destination.to_string()),
            Self::RouteExtra {
                side,
                route_table,
                destination,
            } => Subject::Route(*side, route_table, destination.clone()),
            Self::GroupMissing { side, .. } => Subject::Group(*side),
            Self::GroupTagMissing { side, .. } => Subject::GroupTag(*side),
            Self::RuleMissing { side, rule } => Subject::Rule(*side, *rule),
            Self::RuleTagMissing { side, rule_id } => Subject::RuleTag(*side, rule_id),
            Self::RuleExtra { side, admits, .. } => Subject::ExtraRule(*side, admits),
            Self::GroupDetached { side, interface } => Subject::Attachment(*side, interface),
            Self::DenialMissing { side, denial } => Subject::Denial(*side, denial),
            Self::NetworkReplaced { side, .. } => Subject::Network(*side),
        }
    }

    /// Whether it is about a route of this side to this destination, in whatever table.
    pub(in crate::network) fn is_about_route(&self, side: Side, destination: Range) -> bool {
        matches!(self.subject(), Subject::Route(of, _, to) if of == side && to == destination.to_string())
    }

    /// Whether it is about the engine's own firewall group on this side, or about what is in it.
    pub(in crate::network) fn is_about_firewall(&self, side: Side) -> bool {
        match self.subject() {
            Subject::Group(of)
            | Subject::GroupTag(of)
            | Subject::Rule(of, _)
            | Subject::RuleTag(of, _)
            | Subject::ExtraRule(of, _) => of == side,
            Subject::Link
            | Subject::LinkTag
            | Subject::Option(..)
            | Subject::Route(..)
            | Subject::Attachment(..)
            | Subject::Denial(..)
            | Subject::Network(..) => false,
        }
    }

    /// Whether it is about what the engine's own group on this side is attached to.
    pub(in crate::network) fn is_about_attachment(&self, side: Side) -> bool {
        matches!(self.subject(), Subject::Attachment(of, _) if of == side)
    }

    /// Whether it is about what the engine denies on this side.
    pub(in crate::network) fn is_about_denial(&self, side: Side) -> bool {
        matches!(self.subject(), Subject::Denial(of, _) if of == side)
    }

    pub(in crate::network) fn is_about_option(&self, side: Side, option: LinkOption) -> bool {
        self.subject() == Subject::Option(side, option)
    }
}

/// Something that was in place was seen to be otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DriftDetected {
    /// The peering.
    pub peering_id: PeeringId,
    /// What differs.
    pub finding: DriftKind,
    /// When it was seen.
    pub detected_at: DateTime<Utc>,
}

/// It was seen to be as it should be again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DriftRepaired {
    /// The peering.
    pub peering_id: PeeringId,
    /// What differed.
    pub finding: DriftKind,
    /// When that was seen.
    pub repaired_at: DateTime<Utc>,
}

/// It stays as it was found: from now on that is how it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DriftAdopted {
    /// The peering.
    pub peering_id: PeeringId,
    /// What differed.
    pub finding: DriftKind,
}
