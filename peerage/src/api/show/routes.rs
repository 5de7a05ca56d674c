//! Routes: those that were accepted, and those that were withdrawn and still stand.

use super::texts;
use crate::api::{time::timestamp, v1, words::number};
use domain::{
    Range, Side,
    network::{Peering, Route, Where, Withdrawn},
};

pub(super) fn routes(peering: &Peering) -> Vec<v1::Route> {
    Side::BOTH
        .into_iter()
        .flat_map(|side| {
            let accepted = peering.routes.get(side).iter();
            let withdrawn = peering.withdrawn.get(side).iter();
            accepted
                .map(move |(destination, route)| v1::Route {
                    exchanged: is_exchanged(peering, side, *destination),
                    ..accepted_route(side, *destination, route)
                })
                .chain(
                    withdrawn.map(move |(destination, route)| {
                        withdrawn_route(side, *destination, route)
                    }),
                )
        })
        .collect()
}

/// Whether the halves' own list has shown the destination.
fn is_exchanged(peering: &Peering, side: Side, destination: Range) -> bool {
    let seen = peering.routes_in_place.get(side).as_ref();
    seen.is_some_and(|it| {
        it.at.contains(&Where::Exchange) && it.destinations.contains(&destination)
    })
}

fn accepted_route(side: Side, destination: Range, route: &Route) -> v1::Route {
    v1::Route {
        side: number::<v1::Side>(side),
        destination: destination.to_string(),
        installed_in: texts(route.installed.keys()),
        conflicts: route
            .conflicts
            .iter()
            .map(|(table, conflict)| v1::RouteConflict {
                route_table: table.to_string(),
                target: conflict.target.clone(),
                left_by: super::text(conflict.left_by.as_ref()),
            })
            .collect(),
        withdrawn_at: None,
        replaced_by: String::new(),
        exchanged: false,
    }
}

fn withdrawn_route(side: Side, destination: Range, route: &Withdrawn) -> v1::Route {
    v1::Route {
        side: number::<v1::Side>(side),
        destination: destination.to_string(),
        installed_in: texts(route.installed.keys()),
        conflicts: Vec::new(),
        withdrawn_at: Some(timestamp(route.withdrawn_at)),
        replaced_by: super::text(route.replaced_by.as_ref()),
        exchanged: false,
    }
}
