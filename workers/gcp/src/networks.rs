//! Networks, their subnets, and who is asked about them.

use crate::{
    AT_ONCE, Asked,
    compute::{
        Compute, ComputeError, NetworkName,
        model::{Network, Subnetwork},
        names,
    },
};
use cloud::{CloudError, DnsSupport, NetworkView, SubnetView};
use domain::text::{Account, CloudNetwork};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use ipnet::IpNet;
use std::collections::BTreeSet;

/// The project that calls for this account act in: a call's path names it, by its id or its
/// number, and the service says its id.
pub(crate) async fn identity(compute: &Compute, asked: &Asked<'_>) -> Result<Account, CloudError> {
    let project = compute.project(asked.project()).await;
    let project = project.map_err(|error| asked.failed(error))?;
    asked.name("project", &project.name)
}

/// Those of these networks that are there, each with what the service says of it.
pub(crate) async fn found(
    compute: &Compute,
    asked: &Asked<'_>,
    of: &[CloudNetwork],
) -> Result<Vec<(CloudNetwork, Network)>, CloudError> {
    let one = |network: &CloudNetwork| {
        let (network, name) = (network.clone(), asked.network(network));
        async move {
            match compute.network(&name).await {
                Ok(found) => Ok(Some((network, found))),
                Err(error) if error.is_absence() => Ok(None),
                Err(error) => Err(error),
            }
        }
    };
    let all: Vec<_> = of.iter().map(one).collect();
    let all = stream::iter(all).buffered(AT_ONCE);
    let all: Result<Vec<_>, ComputeError> = all.try_collect().await;
    let all = all.map_err(|error| asked.failed(error))?;
    Ok(all.into_iter().flatten().collect())
}

/// A network has no range of its own: its ranges are those of its subnets, in every region.
pub(crate) async fn networks(
    compute: &Compute,
    asked: &Asked<'_>,
    of: &[CloudNetwork],
) -> Result<Vec<NetworkView>, CloudError> {
    let there = found(compute, asked, of).await?;
    if there.is_empty() {
        return Ok(Vec::new());
    }
    let subnets = compute.subnetworks(asked.project()).await;
    let subnets = subnets.map_err(|error| asked.failed(error))?;
    let view = |(network, shown): (CloudNetwork, Network)| {
        let name = asked.network(&network);
        let own = subnets.iter().filter(|it| is_in(it, &name));
        let of_subnets = own.flat_map(ranges);
        let of_its_own = shown.ipv4_range.as_deref().and_then(|it| it.parse().ok());
        NetworkView {
            network,
            ranges: of_its_own.into_iter().chain(of_subnets).collect(),
            immutable_id: shown.id.and_then(|it| it.parse().ok()),
            shared_by: None,
        }
    };
    Ok(there.into_iter().map(view).collect())
}

/// The subnets of these networks, of all regions. A subnet's name is unique in its region alone, so
/// that the region belongs to its id.
pub(crate) async fn subnets(
    compute: &Compute,
    asked: &Asked<'_>,
    of: &[CloudNetwork],
) -> Result<Vec<SubnetView>, CloudError> {
    if of.is_empty() {
        return Ok(Vec::new());
    }
    let found = compute.subnetworks(asked.project()).await;
    let found = found.map_err(|error| asked.failed(error))?;
    let mut views = Vec::new();
    for network in of {
        let name = asked.network(network);
        for subnet in found.iter().filter(|it| is_in(it, &name)) {
            let region = names::last(&subnet.region);
            let id = format!("regions/{region}/subnetworks/{}", subnet.name);
            views.push(SubnetView {
                network: network.clone(),
                subnet: asked.name("subnet", &id)?,
                zone: None,
                ranges: Vec::new(),
            });
        }
    }
    Ok(views)
}

/// Every network answers for the names of its machines, and all of them have one.
pub(crate) async fn dns(
    compute: &Compute,
    asked: &Asked<'_>,
    network: &CloudNetwork,
) -> Result<DnsSupport, CloudError> {
    let found = compute.network(&asked.network(network)).await;
    found.map_err(|error| asked.failed(error))?;
    Ok(DnsSupport {
        resolution: true,
        hostnames: true,
    })
}

/// The regions in which a network has subnets.
pub(crate) fn regions(subnets: &[Subnetwork], network: &NetworkName) -> BTreeSet<String> {
    let own = subnets.iter().filter(|it| is_in(it, network));
    own.map(|it| names::last(&it.region).to_owned()).collect()
}

fn is_in(subnet: &Subnetwork, network: &NetworkName) -> bool {
    NetworkName::of(&subnet.network, &network.project).as_ref() == Some(network)
}

/// The ranges of a subnet, secondary and IPv6 ones too.
fn ranges(subnet: &Subnetwork) -> impl Iterator<Item = IpNet> {
    let secondary = subnet.secondary_ip_ranges.iter();
    let all = [
        &subnet.ip_cidr_range,
        &subnet.internal_ipv6_prefix,
        &subnet.external_ipv6_prefix,
        &subnet.ipv6_cidr_range,
    ];
    let all = all.into_iter().chain(secondary.map(|it| &it.ip_cidr_range));
    let mut found: Vec<IpNet> = all.flatten().filter_map(|it| it.parse().ok()).collect();
    found.sort_unstable();
    found.dedup();
    found.into_iter()
}
