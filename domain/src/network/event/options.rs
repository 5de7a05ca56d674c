//! Options: what can be switched on a side's half of a link. A closed set; each is one provider's,
//! and some need something of the other side.
//!
//! Name resolution once had events of its own; where events are read they are lifted into these.

use crate::{ids::PeeringId, place::Provider, side::Side};
use serde::{Deserialize, Serialize};

/// Something that can be switched on a side's half of the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum LinkOption {
    /// The side's names resolve to private addresses on the other side (AWS).
    DnsResolution,
    /// The side tells the other one its custom routes: static and dynamic ones (GCP).
    ExportCustomRoutes,
    /// The side takes the custom routes that the other one tells (GCP).
    ImportCustomRoutes,
    /// IPv6 ranges are exchanged beside those of IPv4 (GCP: the stack type).
    DualStack,
    /// The side takes packets that did not begin in the other network (Azure).
    ForwardedTraffic,
    /// The side lends its gateway to the other one (Azure).
    GatewayTransit,
    /// The side uses the other one's gateway (Azure).
    RemoteGateways,
    /// The side's half is brought up to date whenever the other network's ranges have changed
    /// (Azure).
    AddressSpaceSync,
    /// The side's half is open: its network counts the other one as a part of itself, and its
    /// default rules let the two talk (Azure). Every half is made without.
    VirtualNetworkAccess,
    /// The side lets its traffic go over several paths at once, at extra cost, where the other side
    /// does too (AWS: multipath resilience, between regions).
    MultipathResilience,
}

/// What an option needs of the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing.
    Nothing,
    /// This option there: without it the cloud takes the switch, and nothing comes of it.
    ForEffect(LinkOption),
    /// This option there, before: without it the cloud refuses.
    Before(LinkOption),
}

impl LinkOption {
    /// All options, in the order in which they are told.
    pub const ALL: [Self; 10] = [
        Self::DnsResolution,
        Self::ExportCustomRoutes,
        Self::ImportCustomRoutes,
        Self::DualStack,
        Self::ForwardedTraffic,
        Self::GatewayTransit,
        Self::RemoteGateways,
        Self::AddressSpaceSync,
        Self::VirtualNetworkAccess,
        Self::MultipathResilience,
    ];

    /// The option's stored name.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::DnsResolution => "dns_resolution",
            Self::ExportCustomRoutes => "export_custom_routes",
            Self::ImportCustomRoutes => "import_custom_routes",
            Self::DualStack => "dual_stack",
            Self::ForwardedTraffic => "forwarded_traffic",
            Self::GatewayTransit => "gateway_transit",
            Self::RemoteGateways => "remote_gateways",
            Self::AddressSpaceSync => "address_space_sync",
            Self::VirtualNetworkAccess => "virtual_network_access",
            Self::MultipathResilience => "multipath_resilience",
        }
    }

    /// The option for people.
    pub fn title(&self) -> &'static str {
        match self {
            Self::DnsResolution => "name resolution",
            Self::ExportCustomRoutes => "the export of custom routes",
            Self::ImportCustomRoutes => "the import of custom routes",
            Self::DualStack => "the exchange of IPv6 ranges",
            Self::ForwardedTraffic => "forwarded traffic",
            Self::GatewayTransit => "gateway transit",
            Self::RemoteGateways => "the use of remote gateways",
            Self::AddressSpaceSync => "the sync of address spaces",
            Self::VirtualNetworkAccess => "virtual network access",
            Self::MultipathResilience => "multipath resilience",
        }
    }

    /// The provider whose links have it.
    pub fn provider(self) -> Provider {
        match self {
            Self::DnsResolution | Self::MultipathResilience => Provider::Aws,
            Self::ExportCustomRoutes | Self::ImportCustomRoutes | Self::DualStack => Provider::Gcp,
            Self::ForwardedTraffic
            | Self::GatewayTransit
            | Self::RemoteGateways
            | Self::AddressSpaceSync
            | Self::VirtualNetworkAccess => Provider::Azure,
        }
    }

    /// The options that links of this provider have.
    pub fn of(provider: Provider) -> impl Iterator<Item = Self> {
        Self::ALL
            .into_iter()
            .filter(move |it| it.provider() == provider)
    }

    /// What it needs of the other side.
    pub fn needs(self) -> Needs {
        match self {
            Self::ImportCustomRoutes => Needs::ForEffect(Self::ExportCustomRoutes),
            Self::DualStack => Needs::ForEffect(Self::DualStack),
            Self::MultipathResilience => Needs::ForEffect(Self::MultipathResilience),
            Self::RemoteGateways => Needs::Before(Self::GatewayTransit),
            Self::DnsResolution
            | Self::ExportCustomRoutes
            | Self::ForwardedTraffic
            | Self::GatewayTransit
            | Self::AddressSpaceSync
            | Self::VirtualNetworkAccess => Needs::Nothing,
        }
    }

    /// What cannot be on beside it, on the same side: who borrows a gateway has none to lend.
    pub fn excludes(self) -> Option<Self> {
        match self {
            Self::GatewayTransit => Some(Self::RemoteGateways),
            Self::RemoteGateways => Some(Self::GatewayTransit),
            Self::DnsResolution
            | Self::ExportCustomRoutes
            | Self::ImportCustomRoutes
            | Self::DualStack
            | Self::ForwardedTraffic
            | Self::AddressSpaceSync
            | Self::VirtualNetworkAccess
            | Self::MultipathResilience => None,
        }
    }

    /// Whether at most one link of a network can have it.
    pub fn is_exclusive(self) -> bool {
        self == Self::RemoteGateways
    }

    /// Whether only links between regions have it.
    pub fn is_between_regions(self) -> bool {
        self == Self::MultipathResilience
    }

    /// Whether it is brought about whenever it is not so, and never undone: switched off, it is
    /// left as it is.
    pub fn is_upkeep(self) -> bool {
        self == Self::AddressSpaceSync
    }
}

/// What one side's half of the link shall be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LinkOptionSet {
    /// The peering.
    pub peering_id: PeeringId,
    /// The side whose half it is.
    pub side: Side,
    /// Which option.
    pub option: LinkOption,
    /// Whether it shall be on.
    pub enabled: bool,
}

/// One side's half was seen to be so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LinkOptionApplied {
    /// The peering.
    pub peering_id: PeeringId,
    /// The side whose half it is.
    pub side: Side,
    /// Which option.
    pub option: LinkOption,
    /// Whether it is on.
    pub enabled: bool,
    /// Whether it has effect, where it is on, needs the other side for that, and the cloud tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_effect: Option<bool>,
}

/// What a worker reported of name resolution before there were other options: its stored form is
/// that of an outcome for ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DnsResolutionApplied {
    /// The peering.
    pub peering_id: PeeringId,
    /// The side whose names are meant.
    pub side: Side,
    /// Whether the side's names resolve to private addresses on the other side.
    pub enabled: bool,
}

impl From<DnsResolutionApplied> for LinkOptionApplied {
    fn from(it: DnsResolutionApplied) -> Self {
        Self {
            peering_id: it.peering_id,
            side: it.side,
            option: LinkOption::DnsResolution,
            enabled: it.enabled,
            in_effect: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_is_stored_under_its_own_name_and_is_of_one_provider() {
        for option in LinkOption::ALL {
            assert_eq!(serde_json::to_value(option).unwrap(), option.as_str());
        }
        let of_all: usize = Provider::ALL
            .into_iter()
            .map(|it| LinkOption::of(it).count())
            .sum();
        assert_eq!(of_all, LinkOption::ALL.len());
    }

    #[test]
    fn what_an_option_needs_or_excludes_is_of_the_same_provider() {
        for option in LinkOption::ALL {
            let needed = match option.needs() {
                Needs::Nothing => None,
                Needs::ForEffect(other) | Needs::Before(other) => Some(other),
            };
            for other in needed.into_iter().chain(option.excludes()) {
                assert_eq!(other.provider(), option.provider(), "{option:?}");
            }
            if let Some(other) = option.excludes() {
                assert_eq!(other.excludes(), Some(option));
            }
        }
    }
}
