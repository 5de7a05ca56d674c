//! What may be recorded of routes. Each function says whether it is news.

use super::super::{
    Refusal, Registered,
    event::{
        RouteConflicted, RouteInstalled, RouteRemoved, RoutesEnforced, RoutesResumed,
        RoutesSuspended,
    },
    peering::{Origin, Route},
};
use super::{active, out_of_order, standing};
use std::collections::BTreeSet;

/// A route that was withdrawn before it was seen is recorded too, so that it can be seen to go. On
/// an adopted link, what was there before is put on record first, so that it is never taken for
/// ours.
pub(super) fn route_installed(network: &Registered, it: &RouteInstalled) -> Result<bool, Refusal> {
    let peering = standing(network, it.peering_id, "an installed route")?;
    if matches!(peering.origin, Origin::Adopted { found: None }) {
        return Err(out_of_order(
            peering,
            "an installed route before the survey",
        ));
    }
    if let Some(route) = peering.routes.get(it.side).get(&it.destination) {
        return Ok(!route.installed.contains_key(&it.route_table));
    }
    if peering.owns_route(it.side, &it.route_table, it.destination) {
        let going = peering.withdrawn.get(it.side).get(&it.destination);
        return Ok(going.is_none_or(|route| !route.installed.contains_key(&it.route_table)));
    }
    if !peering
        .ever_accepted
        .get(it.side)
        .contains_key(&it.destination)
    {
        return Err(Refusal::RouteNotAccepted {
            peering_id: it.peering_id,
            side: it.side,
            destination: it.destination,
        });
    }
    let known = peering.withdrawn.get(it.side).get(&it.destination);
    let is_known = known.is_some_and(|route| route.installed.contains_key(&it.route_table));
    Ok(!is_known && !peering.was_found(it.side, &it.route_table, it.destination))
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
    Ok(known.is_none_or(|known| known.target != it.target))
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
    Ok(known.is_none_or(|known| (&known.at, &known.destinations) != (&at, &destinations)))
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
