//! Routes of one side: one entry for each accepted destination in each table; somebody else's entry is never replaced.

use super::{Draft, Facts};
use crate::{
    cloud::{RouteState, RouteTableView, RouteTarget, RouteView},
    provisioner::apply::Action,
};
use domain::{
    Range, Side,
    network::{BlockCause, Outcome, Route, RouteConflicted, RouteInstalled},
    text::Link,
};
use ipnet::IpNet;

pub(super) fn plan(facts: &Facts<'_>, side: Side, link: &Link, draft: &mut Draft) {
    let wanted = facts.peering.routes.get(side);
    if wanted.is_empty() {
        return;
    }
    let Some(tables) = facts.seen.tables.get(side) else {
        draft.again = true;
        return;
    };
    for (destination, route) in wanted {
        for table in tables {
            one(facts, side, link, table, *destination, route, draft);
        }
    }
}

fn one(facts: &Facts<'_>, side: Side, link: &Link, table: &RouteTableView, destination: Range, route: &Route, draft: &mut Draft) {
    let Some(entry) = table.routes.iter().find(|entry| entry.destination == IpNet::V4(destination.net())) else {
        draft.act(facts, Action::InstallRoute { side, table: table.table.clone(), destination, link: link.clone() });
        return;
    };
    match &entry.target {
        RouteTarget::Link(target) if target == link => ours(facts, side, table, destination, route, entry, draft),
        RouteTarget::Link(_) | RouteTarget::Local | RouteTarget::Other(_) => {
            conflict(facts, side, table, destination, route, entry, draft);
        }
    }
}

fn ours(facts: &Facts<'_>, side: Side, table: &RouteTableView, destination: Range, route: &Route, entry: &RouteView, draft: &mut Draft) {
    match entry.state {
        RouteState::Active if route.installed.contains(&table.table) => {}
        RouteState::Active => draft.record(Outcome::RouteInstalled(RouteInstalled {
            peering_id: facts.peering.id,
            side,
            destination,
            route_table: table.table.clone(),
        })),
        RouteState::Blackhole | RouteState::Unknown(_) => draft.polls = true,
    }
}

fn conflict(
    facts: &Facts<'_>,
    side: Side,
    table: &RouteTableView,
    destination: Range,
    route: &Route,
    entry: &RouteView,
    draft: &mut Draft,
) {
    let (peering_id, route_table, target) = (facts.peering.id, table.table.clone(), entry.target.to_string());
    let message = format!("{route_table} sends {destination} to {target} already; it is left alone");
    let remedy = vec![format!("remove the route to {destination} from {route_table}, if {target} is not meant to have that traffic")];
    if route.conflicts.get(&route_table) != Some(&target) {
        draft.record(Outcome::RouteConflicted(RouteConflicted { peering_id, side, destination, route_table, target }));
    }
    draft.block(facts, BlockCause::Conflict, side, message, remedy);
}
