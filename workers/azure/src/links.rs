//! Halves of links as the port shows them. A VNet is read with all its halves, in one call.

use crate::{
    arm::{
        Arm, ResourceId,
        model::{AddressSpace, Half, Vnet},
        same,
    },
    refusals::Asked,
};
use cloud::{AccountRegion, CloudError, LinkEnd, LinkState, LinkView, NetworkRef, owner_by_name};
use domain::{
    network::LinkOption,
    text::{Account, CloudNetwork},
};
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// A network that was asked for, as it is.
#[derive(Debug)]
pub(crate) struct Seen {
    /// In the spelling of whoever asks.
    pub(crate) network: CloudNetwork,
    pub(crate) id: ResourceId,
    pub(crate) vnet: Vnet,
}

/// The halves of these networks. Whose the other end is, a half does not say: of each subscription
/// that this process has not heard of yet, that is asked once.
pub(crate) async fn all(
    arm: &Arm,
    asked: &Asked<'_>,
    seen: &[Seen],
) -> Result<Vec<LinkView>, CloudError> {
    let mut views = Vec::new();
    for network in seen {
        for half in &network.vnet.properties.virtual_network_peerings {
            let remote = ResourceId::vnet(&half.properties.remote_virtual_network.id);
            let is_elsewhere =
                |it: &ResourceId| !same(it.subscription(), network.id.subscription());
            if let Some(remote) = remote.filter(is_elsewhere) {
                arm.tenant(&remote).await;
            }
            views.push(view(arm, asked, seen, network, half)?);
        }
    }
    Ok(views)
}

fn view(
    arm: &Arm,
    asked: &Asked<'_>,
    seen: &[Seen],
    own: &Seen,
    half: &Half,
) -> Result<LinkView, CloudError> {
    let of = &half.properties;
    let link = asked.name("peering", &half.name)?;
    let state = state(half);
    let is_active = state == LinkState::Active;
    let ranges = |space: &AddressSpace| ranges(space);
    let others = match &of.remote_virtual_network_address_space {
        Some(actual) if is_active => ranges(actual),
        None if is_active => ranges(&of.remote_address_space),
        // What is on the other side is told by the other half.
        Some(_) | None => Vec::new(),
    };
    let in_force = match is_active {
        true => ranges(&of.remote_address_space),
        false => Vec::new(),
    };
    let here = NetworkRef {
        at: AccountRegion {
            external_id: None,
            ..asked.at.clone()
        },
        network: own.network.clone(),
    };
    Ok(LinkView {
        owner: owner_by_name(&link),
        link,
        first: LinkEnd {
            options: options(half),
            in_sync: in_sync(half),
            imports: in_force,
            ..LinkEnd::new(here, ranges(&own.vnet.properties.address_space))
        },
        second: LinkEnd::new(there(arm, asked, half)?, others),
        state,
        message: message(seen, own, half),
        expires_at: None,
    })
}

/// The other end. A half names it by its id, which says neither its tenant nor its region: the
/// tenant is known by then, and the region is taken for this one.
fn there(arm: &Arm, asked: &Asked<'_>, half: &Half) -> Result<NetworkRef, CloudError> {
    let id = &half.properties.remote_virtual_network.id;
    let tenant = match ResourceId::vnet(id) {
        Some(remote) => arm.known_tenant(&remote),
        None => None,
    };
    let account: Option<Account> = tenant.and_then(|it| it.parse().ok());
    Ok(NetworkRef {
        at: AccountRegion {
            account: account.unwrap_or_else(|| asked.at.account.clone()),
            external_id: None,
            ..asked.at.clone()
        },
        network: asked.name("virtual network", id)?,
    })
}

/// A half says that it is connected while a change of it still goes on: then it is not in place.
fn state(half: &Half) -> LinkState {
    let of = &half.properties;
    match (of.provisioning_state.as_str(), of.peering_state.as_str()) {
        ("Deleting", _) => LinkState::Deleting,
        (_, "Disconnected") => LinkState::Disconnected,
        ("Updating" | "Creating", "Connected" | "Initiated") => LinkState::Provisioning,
        (_, "Connected") => LinkState::Active,
        ("Failed" | "Canceled", "Initiated") => LinkState::Failed,
        (_, "Initiated") => LinkState::Pending,
        (_, other) => LinkState::Unknown(other.to_owned()),
    }
}

/// Whether the half has the other network's ranges as they are. The level is relative to the half
/// that is read, and one that waits for the other says that the other is behind: so both members
/// are looked at, and only of a half that is connected.
pub(crate) fn in_sync(half: &Half) -> Option<bool> {
    let of = &half.properties;
    if of.peering_state != "Connected" {
        return None;
    }
    let by_level = match of.peering_sync_level.as_deref() {
        Some("FullyInSync" | "RemoteNotInSync") => Some(true),
        Some("LocalNotInSync" | "LocalAndRemoteNotInSync") => Some(false),
        Some(_) | None => None,
    };
    let actual = of.remote_virtual_network_address_space.as_ref();
    let by_ranges = actual.map(|it| set(it) == set(&of.remote_address_space));
    match (by_level, by_ranges) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), _) | (None, Some(true)) => Some(true),
        (None, None) => None,
    }
}

fn set(space: &AddressSpace) -> BTreeSet<IpNet> {
    ranges(space).into_iter().collect()
}

/// Ranges that can be read.
pub(crate) fn ranges(space: &AddressSpace) -> Vec<IpNet> {
    let prefixes = space.address_prefixes.iter();
    prefixes.filter_map(|it| it.parse().ok()).collect()
}

/// Every range of the other network, whether it is in force yet or not any more.
pub(crate) fn remote_ranges(half: &Half) -> Vec<IpNet> {
    let of = &half.properties;
    let mut all = set(&of.remote_address_space);
    let actual = of.remote_virtual_network_address_space.iter();
    all.extend(actual.flat_map(ranges));
    all.into_iter().collect()
}

fn options(half: &Half) -> BTreeMap<LinkOption, bool> {
    let flags = &half.properties.flags;
    let told = |option: LinkOption| {
        let is_on = match option {
            LinkOption::ForwardedTraffic => flags.allow_forwarded_traffic,
            LinkOption::GatewayTransit => flags.allow_gateway_transit,
            LinkOption::RemoteGateways => flags.use_remote_gateways,
            LinkOption::VirtualNetworkAccess => flags.allow_virtual_network_access,
            LinkOption::AddressSpaceSync => in_sync(half)?,
            LinkOption::DnsResolution
            | LinkOption::ExportCustomRoutes
            | LinkOption::ImportCustomRoutes
            | LinkOption::DualStack
            | LinkOption::MultipathResilience => return None,
        };
        Some((option, is_on))
    };
    LinkOption::ALL.into_iter().filter_map(told).collect()
}

/// What the cloud says of the state; and where both networks are in sight, whether the half is of
/// this pair: its guid is that of the two. That is a check, and nothing waits for it.
fn message(seen: &[Seen], own: &Seen, half: &Half) -> Option<String> {
    let of = &half.properties;
    let other = seen
        .iter()
        .find(|it| it.id.is(&of.remote_virtual_network.id));
    let guids = (
        own.vnet.properties.resource_guid,
        other.and_then(|it| it.vnet.properties.resource_guid),
        of.resource_guid,
    );
    if let (Some(own), Some(other), Some(pair)) = guids
        && pair_guid(own, other) != pair
    {
        let message = format!("its guid {pair} is not that of the two networks");
        tracing::warn!(half = half.name, message);
        return Some(message);
    }
    let state = (
        of.provisioning_state.as_str(),
        of.peering_sync_level.as_deref(),
    );
    match state {
        ("Succeeded", None | Some("FullyInSync")) => None,
        ("Succeeded", Some(level)) => Some(level.to_owned()),
        (other, _) => Some(other.to_owned()),
    }
}

/// The guid of a pair's halves: both networks' guids, bit by bit.
fn pair_guid(one: Uuid, other: Uuid) -> Uuid {
    Uuid::from_u128(one.as_u128() ^ other.as_u128())
}
