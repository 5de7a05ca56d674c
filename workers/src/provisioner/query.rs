//! Queries: what can be read of a peering.

use domain::Side;

/// One thing to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Query {
    Identity(Side),
    /// The network itself, with its ranges.
    Network(Side),
    Subnets(Side),
    /// The links of the network, as this side shows them.
    Links(Side),
    Tables(Side),
    Groups(Side),
    AccessLists(Side),
    /// The network interfaces, with the groups that are attached to them.
    Interfaces(Side),
    Dns(Side),
    /// What has become of the change of the side's half.
    Operation(Side),
    /// Whether the engine may create the link, and a firewall group.
    MayCreateLink,
    MayCreateGroup(Side),
}

impl Query {
    /// Everything that can be read of a side.
    pub(super) fn of(side: Side) -> [Self; 11] {
        [
            Self::Identity(side),
            Self::Network(side),
            Self::Subnets(side),
            Self::Links(side),
            Self::Tables(side),
            Self::Groups(side),
            Self::AccessLists(side),
            Self::Interfaces(side),
            Self::Dns(side),
            Self::Operation(side),
            Self::MayCreateGroup(side),
        ]
    }

    /// The kind of read, where one serves all peerings that share an account and region.
    pub(super) fn shared(self) -> Option<&'static str> {
        match self {
            Self::Identity(_) => Some("identity"),
            Self::Network(_) => Some("networks"),
            Self::Subnets(_) => Some("subnets"),
            Self::Links(_) => Some("links"),
            Self::Tables(_) => Some("tables"),
            Self::Groups(_) => Some("groups"),
            Self::AccessLists(_) => Some("access_lists"),
            Self::Interfaces(_) => Some("interfaces"),
            Self::Dns(_) | Self::Operation(_) | Self::MayCreateLink | Self::MayCreateGroup(_) => {
                None
            }
        }
    }

    /// The side whose cloud shows it.
    pub(super) fn side(self) -> Side {
        match self {
            Self::Identity(side)
            | Self::Network(side)
            | Self::Subnets(side)
            | Self::Links(side)
            | Self::Tables(side)
            | Self::Groups(side)
            | Self::AccessLists(side)
            | Self::Interfaces(side)
            | Self::Dns(side)
            | Self::Operation(side)
            | Self::MayCreateGroup(side) => side,
            Self::MayCreateLink => Side::Local,
        }
    }
}
