//! `RegisterNetwork`: puts a private network on record.

use super::{
    Connections, Refusal, RegionUnknown, Registered,
    command::RegisterNetwork,
    event::{NetworkEvent, NetworkRegistered, Policy},
    ipv6,
};
use crate::{
    actor::Context,
    ids::Ids,
    place::{Places, Provider, Region},
};
use chrono::{DateTime, Utc};
use std::collections::BTreeSet;

pub(super) fn decide(
    command: &RegisterNetwork,
    context: &Context,
    ids: Ids,
) -> Result<Vec<NetworkEvent>, Refusal> {
    let RegisterNetwork {
        project,
        name,
        provider,
        region,
        account,
        cloud_network,
        range,
        ipv6_ranges,
        subnets,
    } = command;
    check_region(&context.places(), *provider, region)?;
    provider
        .check_account(account)
        .map_err(|form| Refusal::AccountMalformed {
            account: account.to_string(),
            form,
        })?;
    provider
        .check_network(cloud_network)
        .map_err(|form| Refusal::CloudNetworkMalformed {
            cloud_network: cloud_network.to_string(),
            form,
        })?;
    let ipv6_ranges = ipv6::checked(*provider, ipv6_ranges)?;
    super::subnets::check(subnets)?;
    let cloud = match &context.clouds {
        None => None,
        Some(served) => match served.mode(*provider) {
            Some(mode) => Some(mode.clone()),
            None => {
                return Err(Refusal::ProviderNotServed {
                    provider: *provider,
                    served: served.providers().collect(),
                });
            }
        },
    };
    let event = NetworkRegistered {
        network_id: ids.network(),
        project: project.clone(),
        name: name.clone(),
        provider: *provider,
        region: region.clone(),
        account: account.clone(),
        cloud_network: cloud_network.clone(),
        range: *range,
        ipv6_ranges,
        subnets: subnets.clone(),
        cloud,
        generation: ids.generation(),
    };
    Ok(vec![event.into()])
}

/// Whether the region is one of the provider's, as far as anybody here knows.
pub(super) fn check_region(
    places: &Places,
    provider: Provider,
    region: &Region,
) -> Result<(), Refusal> {
    let known = places.region(provider, region.as_str());
    known.map(drop).map_err(|unknown| {
        Refusal::RegionUnknown(RegionUnknown {
            provider,
            region: region.to_string(),
            nearest: unknown.nearest,
        })
    })
}

pub(super) fn evolve(event: &NetworkRegistered, at: DateTime<Utc>) -> Registered {
    Registered {
        id: event.network_id,
        project: event.project.clone(),
        name: event.name.clone(),
        provider: event.provider,
        region: event.region.clone(),
        account: event.account.clone(),
        cloud_network: event.cloud_network.clone(),
        range: event.range,
        ipv6_ranges: event.ipv6_ranges.clone(),
        subnets: event.subnets.clone(),
        subnets_changed_at: None,
        nodes: Vec::new(),
        immutable_id: None,
        quotas_seen: Default::default(),
        cloud: event.cloud.clone(),
        generation: event.generation,
        also_registered: BTreeSet::new(),
        registered_at: at,
        policy: Policy::default(),
        drift_check: None,
        frozen: None,
        quarantines: Default::default(),
        orphans: Default::default(),
        retired: None,
        connections: Connections::default(),
        is_doubtful: false,
    }
}
