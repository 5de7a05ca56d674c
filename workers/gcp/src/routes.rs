//! Routes: a network has one table, of which the two halves of a link write their part.

use crate::{
    Asked,
    compute::{Compute, NetworkName, model::Route, names},
};
use cloud::{CloudError, OtherRoute, RouteState, RouteTableView, RouteTarget, RouteView};
use domain::text::CloudNetwork;
use ipnet::IpNet;

/// Why no route is put in a table.
pub(crate) const EXCHANGED: &str =
    "the two halves of a peering exchange their routes; no table takes one";

/// The table of each of these networks.
pub(crate) async fn tables(
    compute: &Compute,
    asked: &Asked<'_>,
    of: &[CloudNetwork],
) -> Result<Vec<RouteTableView>, CloudError> {
    let there = crate::networks::found(compute, asked, of).await?;
    if there.is_empty() {
        return Ok(Vec::new());
    }
    let routes = compute.routes(asked.project()).await;
    let routes = routes.map_err(|error| asked.failed(error))?;
    let table = |network: CloudNetwork| {
        let name = asked.network(&network);
        let mut view = RouteTableView {
            table: asked.name("route table", network.as_str())?,
            network,
            main: true,
            subnets: Vec::new(),
            routes: Vec::new(),
            others: Vec::new(),
        };
        let is_own =
            |it: &&Route| NetworkName::of(&it.network, &name.project).as_ref() == Some(&name);
        for route in routes.iter().filter(is_own) {
            let target = target(asked, route)?;
            match route.dest_range.parse::<IpNet>() {
                Ok(destination) => view.routes.push(RouteView {
                    destination,
                    target,
                    state: state(route),
                }),
                Err(_) => view.others.push(OtherRoute {
                    destination: route.dest_range.clone(),
                    target,
                }),
            }
        }
        Ok(view)
    };
    there
        .into_iter()
        .map(|(network, _)| table(network))
        .collect()
}

fn target(asked: &Asked<'_>, route: &Route) -> Result<RouteTarget, CloudError> {
    if let Some(peering) = &route.next_hop_peering {
        return Ok(RouteTarget::Link(asked.name("peering", peering)?));
    }
    if route.next_hop_network.is_some() {
        return Ok(RouteTarget::Local);
    }
    let others = [
        &route.next_hop_gateway,
        &route.next_hop_instance,
        &route.next_hop_ip,
        &route.next_hop_ilb,
        &route.next_hop_vpn_tunnel,
        &route.next_hop_hub,
    ];
    let other = others.into_iter().flatten().next();
    let other = other.map_or(route.name.as_str(), |it| names::last(it));
    Ok(RouteTarget::Other(other.to_owned()))
}

/// Only routes that were learnt have a status.
fn state(route: &Route) -> RouteState {
    match route.route_status.as_deref() {
        None | Some("ACTIVE") => RouteState::Active,
        Some("DROPPED" | "INACTIVE" | "PENDING") => RouteState::Blackhole,
        Some(other) => RouteState::Unknown(other.to_owned()),
    }
}
