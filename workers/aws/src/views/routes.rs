//! Route tables and their routes.

use super::{super::refusals::Asked, home};
use crate::ec2::{Route, RouteDestination, RouteTable};
use cloud::{CloudError, OtherRoute, RouteState, RouteTableView, RouteTarget, RouteView};

pub(in super::super) fn route_table(
    asked: &Asked<'_>,
    found: &RouteTable,
) -> Result<RouteTableView, CloudError> {
    let routes = found
        .routes
        .iter()
        .filter_map(|found| route(asked, found).transpose());
    let others = found
        .routes
        .iter()
        .filter_map(|found| other(asked, found).transpose());
    Ok(RouteTableView {
        network: home(asked, found.vpc.as_ref())?,
        table: asked.name("route table", found.id.as_str())?,
        main: found.main,
        subnets: found
            .subnets
            .iter()
            .map(|subnet| asked.name("subnet", subnet.as_str()))
            .collect::<Result<_, _>>()?,
        routes: routes.collect::<Result<_, _>>()?,
        others: others.collect::<Result<_, _>>()?,
    })
}

fn route(asked: &Asked<'_>, found: &Route) -> Result<Option<RouteView>, CloudError> {
    let RouteDestination::Block(destination) = found.destination else {
        return Ok(None);
    };
    let state = match &found.state {
        crate::ec2::RouteState::Active => RouteState::Active,
        crate::ec2::RouteState::Blackhole => RouteState::Blackhole,
        crate::ec2::RouteState::Other(word) => RouteState::Unknown(word.clone()),
    };
    Ok(Some(RouteView {
        destination,
        target: target(asked, found)?,
        state,
    }))
}

fn other(asked: &Asked<'_>, found: &Route) -> Result<Option<OtherRoute>, CloudError> {
    let RouteDestination::Other(destination) = &found.destination else {
        return Ok(None);
    };
    Ok(Some(OtherRoute {
        destination: destination.clone(),
        target: target(asked, found)?,
    }))
}

fn target(asked: &Asked<'_>, found: &Route) -> Result<RouteTarget, CloudError> {
    Ok(match &found.target {
        crate::ec2::RouteTarget::Local => RouteTarget::Local,
        crate::ec2::RouteTarget::Peering(id) => {
            RouteTarget::Link(asked.name("peering connection", id.as_str())?)
        }
        crate::ec2::RouteTarget::Other(id) => RouteTarget::Other(id.clone()),
    })
}
