//! Networks, subnets and route tables as the port shows them.

use crate::{
    arm::{
        Arm, ResourceId,
        model::{RouteTable as Table, Vnet},
        same,
    },
    links::{Seen, ranges},
    refusals::Asked,
};
use cloud::{
    CloudError, NetworkView, OtherRoute, RouteState, RouteTableView, RouteTarget, RouteView,
    SubnetView,
};
use domain::text::{CloudNetwork, Link, Subnet};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use ipnet::IpNet;
use std::collections::BTreeMap;

/// How many networks of one read are asked for at the same time.
const AT_ONCE: usize = 8;

/// These networks, as far as they are there and in this region. One call for each.
pub(crate) async fn all(
    arm: &Arm,
    asked: &Asked<'_>,
    of: &[CloudNetwork],
) -> Result<Vec<Seen>, CloudError> {
    let reads = of.iter().filter_map(|network| {
        let id = ResourceId::vnet(network.as_str())?;
        Some(one(arm, asked, network, id))
    });
    let reads: Vec<_> = reads.collect();
    let found = stream::iter(reads)
        .buffered(AT_ONCE)
        .try_collect::<Vec<_>>();
    Ok(found.await?.into_iter().flatten().collect())
}

async fn one(
    arm: &Arm,
    asked: &Asked<'_>,
    network: &CloudNetwork,
    id: ResourceId,
) -> Result<Option<Seen>, CloudError> {
    let read = arm.get::<Vnet>(asked.by(), &id).await;
    let Some(vnet) = read.map_err(|error| asked.failed(error))? else {
        return Ok(None);
    };
    arm.learn(&id, asked.tenant());
    let is_here = region(&vnet.location) == asked.at.region.as_str();
    Ok(is_here.then(|| Seen {
        network: network.clone(),
        id,
        vnet,
    }))
}

/// A region is `West Europe` for people and `westeurope` elsewhere.
fn region(location: &str) -> String {
    let letters = location.chars().filter(|it| !it.is_whitespace());
    letters.flat_map(char::to_lowercase).collect()
}

pub(crate) fn network(seen: &Seen) -> NetworkView {
    NetworkView {
        network: seen.network.clone(),
        ranges: ranges(&seen.vnet.properties.address_space),
        immutable_id: seen.vnet.properties.guid(),
        shared_by: None,
    }
}

/// Subnets span all zones.
pub(crate) fn subnets(asked: &Asked<'_>, seen: &Seen) -> Result<Vec<SubnetView>, CloudError> {
    let subnets = seen.vnet.properties.subnets.iter();
    let views = subnets.map(|it| {
        Ok(SubnetView {
            network: seen.network.clone(),
            subnet: asked.name("subnet", &it.id)?,
            zone: None,
            ranges: Vec::new(),
        })
    });
    views.collect()
}

/// The tables that subnets have chosen; and first the system routes, which serve all others: no
/// resource of their own, they are told by what the network and its halves are.
pub(crate) async fn tables(
    arm: &Arm,
    asked: &Asked<'_>,
    seen: &Seen,
) -> Result<Vec<RouteTableView>, CloudError> {
    let mut chosen: BTreeMap<String, (String, Vec<Subnet>)> = BTreeMap::new();
    for subnet in &seen.vnet.properties.subnets {
        if let Some(table) = &subnet.properties.route_table {
            let key = table.id.to_ascii_lowercase();
            let entry = chosen.entry(key);
            let (_, subnets) = entry.or_insert_with(|| (table.id.clone(), Vec::new()));
            subnets.push(asked.name("subnet", &subnet.id)?);
        }
    }
    let mut views = vec![system(asked, seen)?];
    for (id, subnets) in chosen.into_values() {
        let Some(resource) = ResourceId::of("routeTables", &id) else {
            continue;
        };
        let read = arm.get::<Table>(asked.by(), &resource).await;
        if let Some(table) = read.map_err(|error| asked.failed(error))? {
            views.push(view(asked, seen, &table, subnets)?);
        }
    }
    Ok(views)
}

fn system(asked: &Asked<'_>, seen: &Seen) -> Result<RouteTableView, CloudError> {
    let own = ranges(&seen.vnet.properties.address_space);
    let local = own.into_iter().map(|range| (range, RouteTarget::Local));
    let mut routes: Vec<_> = local.collect();
    for half in &seen.vnet.properties.virtual_network_peerings {
        if half.properties.peering_state == "Connected" {
            let link: Link = asked.name("peering", &half.name)?;
            let over = ranges(&half.properties.remote_address_space).into_iter();
            routes.extend(over.map(|range| (range, RouteTarget::Link(link.clone()))));
        }
    }
    let id = format!("{}/systemRoutes", seen.network);
    Ok(RouteTableView {
        network: seen.network.clone(),
        table: asked.name("route table", &id)?,
        main: true,
        subnets: Vec::new(),
        routes: routes
            .into_iter()
            .map(|(range, to)| carried(range, to))
            .collect(),
        others: Vec::new(),
    })
}

fn carried(destination: IpNet, target: RouteTarget) -> RouteView {
    RouteView {
        destination,
        target,
        state: RouteState::Active,
    }
}

fn view(
    asked: &Asked<'_>,
    seen: &Seen,
    table: &Table,
    subnets: Vec<Subnet>,
) -> Result<RouteTableView, CloudError> {
    let (mut routes, mut others) = (Vec::new(), Vec::new());
    for route in &table.properties.routes {
        let of = &route.properties;
        let target = match (&of.next_hop_ip_address, of.next_hop_type.as_str()) {
            (_, kind) if same(kind, "VnetLocal") => RouteTarget::Local,
            (Some(address), kind) if !address.is_empty() => {
                RouteTarget::Other(format!("{kind} {address}"))
            }
            (Some(_) | None, kind) => RouteTarget::Other(kind.to_owned()),
        };
        match of.address_prefix.parse::<IpNet>() {
            Ok(range) => routes.push(carried(range, target)),
            Err(_) => others.push(OtherRoute {
                destination: of.address_prefix.clone(),
                target,
            }),
        }
    }
    Ok(RouteTableView {
        network: seen.network.clone(),
        table: asked.name("route table", &table.id)?,
        main: false,
        subnets,
        routes,
        others,
    })
}
