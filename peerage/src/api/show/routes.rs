//! Routes: those that were accepted, and those that were withdrawn and still stand.

use super::texts;
use crate::api::{time::timestamp, v1, words::number};
use domain::{
    Range, Side,
    network::{Peering, Route, Withdrawn},
};

pub(super) fn routes(peering: &Peering) -> Vec<v1::Route> {
    Side::BOTH
        .into_iter()
        .flat_map(|side| {
            let accepted = peering.routes.get(side).iter();
            let withdrawn = peering.withdrawn.get(side).iter();
            accepted
                .map(move |(destination, route)| accepted_route(side, *destination, route))
                .chain(
                    withdrawn.map(move |(destination, route)| {
                        withdrawn_route(side, *destination, route)
                    }),
                )
        })
        .collect()
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
            })
            .collect(),
        withdrawn_at: None,
        replaced_by: String::new(),
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
    }
}
