//! What may be recorded of routes. Each function says whether it is news.

use super::super::{
    Refusal, Registered,
    event::{
        RouteConflicted, RouteInstalled, RouteRemoved, RoutesEnforced, RoutesResumed,
        RoutesSuspended, Thing,
    },
    peering::{Conflict, Origin, Route, RoutesInPlace},
};
use super::{active, out_of_order, standing};
use std::collections::BTreeSet;

/// Only what the engine was about to install there: that is on record first, and nothing else is
/// made the engine's, whatever was accepted. A route that was withdrawn before it was seen is
/// recorded too, so that it can be seen to go. On an adopted link, what was there before is put on
/// record first.
pub(super) fn route_installed(network: &Registered, it: &RouteInstalled) -> Result<bool, Refusal> {
    let peering = standing(network, it.peering_id, "an installed route")?;
    if matches!(peering.origin, Origin::Adopted { found: None }) {
        return Err(out_of_order(
            peering,
            "an installed route before the survey",
        ));
    }
    let (side, destination, table) = (it.side, it.destination, &it.route_table);
    let thing = Thing::Route {
        at: table.clone().into(),
        destination,
    };
    if peering.has_on_record(side, &thing) || peering.was_found(side, table, destination) {
        return Ok(false);
    }
    if peering.intends(side, &thing) {
        return Ok(true);
    }
    if !peering.ever_accepted.get(side).contains_key(&destination) {
        return Err(Refusal::RouteNotAccepted {
            peering_id: it.peering_id,
            side,
            destination,
        });
    }
    Err(out_of_order(
        peering,
        "an installed route that nobody was about to install",
    ))
}

/// The table has no such route any more, whoever's it was; or there is no such table.
pub(super) fn route_removed(network: &Registered, it: &RouteRemoved) -> Result<bool, Refusal> {
    let peering = standing(network, it.peering_id, "a removed route")?;
    let (kept, going) = (
        peering.routes.get(it.side).get(&it.destination),
        peering.withdrawn.get(it.side).get(&it.destination),
    );
    let is_kept = |route: &Route| {
        route.installed.contains_key(&it.route_table)
            || route.conflicts.contains_key(&it.route_table)
    };
    Ok(kept.is_some_and(is_kept)
        || going.is_some_and(|route| route.installed.contains_key(&it.route_table))
        || peering.owns_route(it.side, &it.route_table, it.destination))
}

pub(super) fn route_conflicted(
    network: &Registered,
    it: &RouteConflicted,
) -> Result<bool, Refusal> {
    let peering = active(network, it.peering_id, "a conflicting route")?;
    let unknown = Refusal::RouteNotAccepted {
        peering_id: peering.id,
        side: it.side,
        destination: it.destination,
    };
    let route = peering
        .routes
        .get(it.side)
        .get(&it.destination)
        .ok_or(unknown)?;
    let known = route.conflicts.get(&it.route_table);
    let is_known = |known: &Conflict| (&known.target, known.left_by) == (&it.target, it.left_by);
    Ok(!known.is_some_and(is_known))
}

/// All that the side may send now, and no conflict with it.
pub(super) fn routes_enforced(network: &Registered, it: &RoutesEnforced) -> Result<bool, Refusal> {
    let peering = active(network, it.peering_id, "routes in place")?;
    if !network.wants_routes(peering, it.side) {
        return Err(out_of_order(
            peering,
            "routes in place where none are to be",
        ));
    }
    let accepted = peering.routes.get(it.side);
    let idle: BTreeSet<_> = it.idle.iter().cloned().collect();
    let (at, destinations): (BTreeSet<_>, BTreeSet<_>) = (
        it.at.iter().cloned().collect(),
        it.destinations.iter().copied().collect(),
    );
    if !accepted.keys().eq(&destinations) {
        return Err(out_of_order(peering, "the routes of another decision"));
    }
    if accepted.values().any(|route| !route.conflicts.is_empty()) {
        return Err(out_of_order(peering, "routes in place beside a conflict"));
    }
    let known = peering.routes_in_place.get(it.side).as_ref();
    let is_known = |known: &RoutesInPlace| {
        (&known.at, &known.destinations, &known.idle) == (&at, &destinations, &idle)
    };
    Ok(!known.is_some_and(is_known))
}

/// Only for exposures that are on record and that the policy closes routes for.
pub(super) fn routes_suspended(
    network: &Registered,
    it: &RoutesSuspended,
) -> Result<bool, Refusal> {
    let peering = active(network, it.peering_id, "suspended routes")?;
    let blocking: BTreeSet<_> = network.blocking_exposures(peering).collect();
    if it.exposures.is_empty() || !it.exposures.iter().all(|rule| blocking.contains(rule)) {
        return Err(out_of_order(
            peering,
            "suspended routes without an exposure that the policy blocks",
        ));
    }
    Ok(peering.suspended.get(it.side).is_none())
}

/// Not while an exposure stands that the policy closes routes for.
pub(super) fn routes_resumed(network: &Registered, it: &RoutesResumed) -> Result<bool, Refusal> {
    let peering = standing(network, it.peering_id, "resumed routes")?;
    if peering.suspended.get(it.side).is_none() {
        return Ok(false);
    }
    if network.blocking_exposures(peering).next().is_some() {
        return Err(out_of_order(
            peering,
            "resumed routes while an exposure stands",
        ));
    }
    Ok(true)
}
