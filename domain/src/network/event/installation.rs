//! What the engine is about to make on a side, on record before it is made: what is there after a
//! crash can be told from what somebody else made.

use super::{Denial, InboundRule, options::LinkOption};
use crate::{
    ids::PeeringId,
    range::Range,
    side::Side,
    source::AdmittedSource,
    text::{FirewallRule, Interface, RouteTable},
};
use serde::{Deserialize, Serialize};

/// Where a side keeps its routes over the link.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Where {
    /// A route table, by the provider's id, like AWS's `rtb-0d1e2f30415263748`.
    Table(RouteTable),
    /// The side's half of the link, where the two halves exchange their routes by themselves (GCP,
    /// Azure).
    Exchange,
}

impl Where {
    /// The route table, if it is one.
    pub fn table(&self) -> Option<&RouteTable> {
        match self {
            Self::Table(table) => Some(table),
            Self::Exchange => None,
        }
    }
}

impl From<RouteTable> for Where {
    fn from(table: RouteTable) -> Self {
        Self::Table(table)
    }
}

/// One thing that the engine makes on a side.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Thing {
    /// A route over the link.
    Route {
        /// Where it stands.
        #[serde(rename = "where")]
        at: Where,
        /// The destination that it leads to.
        destination: Range,
    },
    /// The engine's own firewall group of the peering.
    Group,
    /// A rule in that group: TCP from a source to a port.
    Rule {
        /// Where the traffic comes from.
        source: AdmittedSource,
        /// The port that it may reach, from 1 to 65535.
        port: u16,
        /// Where it may go; absent: wherever the group is attached.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        target: Option<Range>,
    },
    /// The engine's own firewall group on a network interface.
    Attachment {
        /// The interface, by the provider's id, like AWS's `eni-0a1b2c3d4e5f60718`.
        interface: Interface,
    },
    /// An entry in a list in front of subnets.
    Denial {
        /// The entry.
        denial: Denial,
    },
    /// An option of the link, switched on.
    Option {
        /// Which one.
        option: LinkOption,
    },
}

impl From<InboundRule> for Thing {
    fn from(rule: InboundRule) -> Self {
        Self::Rule {
            source: rule.source,
            port: rule.port,
            target: rule.target,
        }
    }
}

/// The engine is about to make these things: from here on each of them may exist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct InstallationStarted {
    /// The peering that they are for.
    pub peering_id: PeeringId,
    /// The side that they stand on.
    pub side: Side,
    /// All that one plan is about to make on the side.
    pub things: Vec<Thing>,
}

/// These things were to be made, and are not there: the cloud refused them, or they were looked for
/// and not found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct InstallationEnded {
    /// The peering that they were for.
    pub peering_id: PeeringId,
    /// The side that they were to stand on.
    pub side: Side,
    /// What is not there.
    pub things: Vec<Thing>,
}

/// A route that was accepted was seen in place before the engine made one: somebody else's, which
/// is used and never removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RouteFound {
    /// The peering whose link it leads over.
    pub peering_id: PeeringId,
    /// The side that it stands on.
    pub side: Side,
    /// Where it leads to.
    pub destination: Range,
    /// Where it stands.
    #[serde(rename = "where")]
    pub at: Where,
}

/// One observation has seen every accepted destination of a side everywhere the side routes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RoutesEnforced {
    /// The peering.
    pub peering_id: PeeringId,
    /// The side.
    pub side: Side,
    /// Everywhere that the side routes from: all tables that serve it, or the exchange of routes.
    #[serde(rename = "where")]
    pub at: Vec<Where>,
    /// All that the side may send over the link.
    pub destinations: Vec<Range>,
    /// Those of these tables that no subnet uses: nobody has the routes in them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub idle: Vec<RouteTable>,
}

/// The routes of a side are withdrawn for as long as somebody else's rules let the private network
/// into the peer, as the policy says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RoutesSuspended {
    /// The peering.
    pub peering_id: PeeringId,
    /// The side whose routes are withdrawn.
    pub side: Side,
    /// The rules that led to it, by the provider's ids.
    pub exposures: Vec<FirewallRule>,
}

/// No such rule stands any more, or the policy no longer says so: the routes are wanted again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RoutesResumed {
    /// The peering.
    pub peering_id: PeeringId,
    /// The side whose routes are wanted again.
    pub side: Side,
}
