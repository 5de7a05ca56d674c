//! Routes of one side: one entry for each accepted destination in each table that serves the chosen
//! subnets; somebody else's entry is never replaced, and a withdrawn one goes once whatever takes
//! its place is in.

mod at;
mod exchanged;
mod home;

use super::{Draft, Facts, Missing, Query, later};
use crate::provisioner::{apply::Action, sides};
use at::At;
use chrono::{DateTime, Utc};
use cloud::{LinkView, RouteState, RouteTableView, RouteTarget, RouteView, SubnetView};
use domain::{
    Range, Side,
    network::{
        DriftKind, InstallationEnded, Leftover, RouteInstalled, RouteRemoved, Routing, Thing, Where,
    },
    text::{Link, RouteTable, Subnet},
};
use std::collections::BTreeMap;

/// The tables that serve these subnets, each once. The main table serves those that have chosen
/// none, and stands for no subnet. Of all subnets, those count that a table names, and the main one
/// with the rest: subnets may come.
pub(super) fn serving<'t>(
    tables: &'t [RouteTableView],
    subnets: &[Subnet],
) -> impl Iterator<Item = &'t RouteTableView> {
    let names = |table: &RouteTableView, subnet: &Subnet| table.subnets.contains(subnet);
    let all = Subnet::are_all(subnets);
    let by_main = subnets.is_empty()
        || subnets
            .iter()
            .any(|subnet| !tables.iter().any(|table| names(table, subnet)));
    tables.iter().filter(move |table| {
        (table.main && by_main)
            || all && !table.subnets.is_empty()
            || subnets.iter().any(|subnet| names(table, subnet))
    })
}

/// The subnets that use this table: those that have chosen it, and with the main one those that
/// have chosen none.
pub(super) fn served<'s>(
    table: &RouteTableView,
    tables: &[RouteTableView],
    subnets: &'s [SubnetView],
) -> Vec<&'s Subnet> {
    let chose = |subnet: &Subnet, it: &RouteTableView| it.subnets.contains(subnet);
    let is_served = |subnet: &Subnet| {
        chose(subnet, table) || table.main && !tables.iter().any(|it| chose(subnet, it))
    };
    let here = subnets.iter().map(|view| &view.subnet);
    here.filter(|subnet| is_served(subnet)).collect()
}

/// The tables that are to serve and that no subnet uses. Where all subnets are meant, or there is
/// none yet, that is as it should be: one may come.
pub(super) fn idle<'t>(
    tables: &'t [RouteTableView],
    chosen: &[Subnet],
    subnets: &[SubnetView],
) -> impl Iterator<Item = &'t RouteTableView> {
    let all = Subnet::are_all(chosen) || subnets.is_empty();
    serving(tables, chosen).filter(move |it| !all && served(it, tables, subnets).is_empty())
}

/// The destination of a route over this link, if it is one that could be on record.
pub(super) fn over(link: &Link, route: &RouteView) -> Option<Range> {
    match &route.target {
        RouteTarget::Link(target) if target == link => route.destination.to_string().parse().ok(),
        RouteTarget::Link(_) | RouteTarget::Local | RouteTarget::Other(_) => None,
    }
}

pub(super) fn plan(facts: &Facts<'_>, side: Side, view: &LinkView, draft: &mut Draft) {
    if !Routing::of(facts.network.provider).can_withhold() {
        return exchanged::plan(facts, side, view, draft);
    }
    let link = &view.link;
    let (accepted, before) = (
        facts.peering.routes.get(side),
        facts.peering.ever_accepted.get(side),
    );
    if accepted.is_empty() && before.is_empty() && facts.peering.made_the_link() {
        return;
    }
    let nothing = BTreeMap::new();
    let wanted = if facts.network.wants_routes(facts.peering, side) {
        accepted
    } else {
        &nothing
    };
    let Some(tables) = draft.require(facts.seen.tables.get(side), Query::Tables(side)) else {
        return;
    };
    if tables.is_empty() {
        let network = sides::network(facts.network, facts.peering, side);
        draft.missing(
            facts,
            Missing::Tables(side),
            format!("{network} has no route table"),
            vec![format!("check that {network} exists")],
        );
        return;
    }
    let serving: Vec<&RouteTableView> =
        serving(tables, sides::subnets(facts.network, facts.peering, side)).collect();
    let at = At { facts, side, link };
    if !wanted.is_empty() && subnets_are_there(facts, side, tables, draft) {
        let peering = facts.peering;
        for (destination, route) in wanted {
            if side == Side::Local && peering.is_unconfirmed(*destination) {
                continue;
            }
            if !home::may_lead_home(facts, side, *destination, route, draft) {
                continue;
            }
            for table in &serving {
                at.wanted(table, *destination, route, draft);
                at.narrower(table, *destination, draft);
            }
        }
        at.enforced(wanted.keys(), tables, &serving, draft);
    }
    at.elsewhere(tables, &serving, draft);
    let successor = |range| {
        if is_replaced(&serving, link, range) {
            Successor::InPlace
        } else {
            Successor::Missing
        }
    };
    withdraw(facts, side, link, tables, successor, draft);
    for table in tables {
        at.extra(tables, table, draft);
        at.others(table, draft);
    }
}

/// The main table serves a subnet that no table names, if there is such a subnet. One that is gone,
/// or was never there, would open the link to every other subnet of the main table.
fn subnets_are_there(
    facts: &Facts<'_>,
    side: Side,
    tables: &[RouteTableView],
    draft: &mut Draft,
) -> bool {
    let chosen = sides::subnets(facts.network, facts.peering, side);
    if Subnet::are_all(chosen) {
        return true;
    }
    let unnamed: Vec<&Subnet> = chosen
        .iter()
        .filter(|subnet| !tables.iter().any(|table| table.subnets.contains(*subnet)))
        .collect();
    if unnamed.is_empty() {
        return true;
    }
    let Some(shown) = draft.require(facts.seen.subnets.get(side), Query::Subnets(side)) else {
        return false;
    };
    let Some(gone) = unnamed
        .into_iter()
        .find(|subnet| !shown.iter().any(|view| view.subnet == **subnet))
    else {
        return true;
    };
    let network = sides::network(facts.network, facts.peering, side);
    let remedy = vec![format!(
        "name subnets that {network} has; no route is added on this side meanwhile"
    )];
    draft.missing(
        facts,
        Missing::Subnet(side),
        format!("{gone} is no subnet of {network}"),
        remedy,
    );
    false
}

/// Whether the destination is seen over the link in every serving table.
fn is_replaced(serving: &[&RouteTableView], link: &Link, by: Range) -> bool {
    let leads =
        |route: &RouteView| over(link, route) == Some(by) && route.state == RouteState::Active;
    serving.iter().all(|table| table.routes.iter().any(leads))
}

/// Whether whatever takes a route's place is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Successor {
    InPlace,
    Missing,
    /// That is for another plan.
    Unknown,
}

/// Whether there is a route of ours on this side, or may be one, that has to go now.
pub(super) fn are_to_go(facts: &Facts<'_>, side: Side) -> bool {
    let (peering, wants) = (
        facts.peering,
        facts.network.wants_routes(facts.peering, side),
    );
    let withdrawn = peering.withdrawn.get(side).values();
    withdrawn.into_iter().any(|it| it.replaced_by.is_none())
        || !wants && installed(facts, side).next().is_some()
        || intended(facts, side).any(|(_, destination, _)| {
            !wants || !peering.routes.get(side).contains_key(&destination)
        })
}

/// The routes of ours that are on record and accepted.
fn installed<'a>(
    facts: &Facts<'a>,
    side: Side,
) -> impl Iterator<Item = (Range, &'a RouteTable)> + use<'a> {
    let peering = facts.peering;
    let tables = peering
        .routes
        .get(side)
        .iter()
        .flat_map(|(range, route)| route.installed.keys().map(move |table| (*range, table)));
    tables.filter(move |(range, table)| !peering.was_found(side, table, *range))
}

/// The routes that were about to be made, and since when.
fn intended<'a>(
    facts: &Facts<'a>,
    side: Side,
) -> impl Iterator<Item = (&'a RouteTable, Range, DateTime<Utc>)> + use<'a> {
    let intents = facts.peering.intents.get(side).iter();
    intents.filter_map(|(thing, since)| match thing {
        Thing::Route {
            at: Where::Table(table),
            destination,
        } => Some((table, *destination, since)),
        Thing::Route {
            at: Where::Exchange,
            ..
        }
        | Thing::Group
        | Thing::Rule { .. }
        | Thing::Attachment { .. }
        | Thing::Denial { .. }
        | Thing::Option { .. } => None,
    })
}

/// The thing that a route is.
pub(super) fn thing(table: &RouteTable, destination: Range) -> Thing {
    Thing::Route {
        at: table.clone().into(),
        destination,
    }
}

/// Routes of ours that are no longer wanted go, and are put on record as gone once they are. What
/// was about to be made and never shows is over once no read could hide it any more.
pub(super) fn withdraw(
    facts: &Facts<'_>,
    side: Side,
    link: &Link,
    tables: &[RouteTableView],
    successor: impl Fn(Range) -> Successor,
    draft: &mut Draft,
) {
    let (peering_id, going) = (facts.peering.id, facts.peering.withdrawn.get(side));
    let wants = facts.network.wants_routes(facts.peering, side);
    let is_wanted = |range: &Range| wants && facts.peering.routes.get(side).contains_key(range);
    for table in tables {
        for destination in table.routes.iter().filter_map(|route| over(link, route)) {
            if !facts.peering.owns_route(side, &table.table, destination) || is_wanted(&destination)
            {
                continue;
            }
            if !facts
                .peering
                .has_on_record(side, &thing(&table.table, destination))
            {
                draft.record(RouteInstalled {
                    peering_id,
                    side,
                    destination,
                    route_table: table.table.clone(),
                });
            }
            let replaced_by = going.get(&destination).and_then(|it| it.replaced_by);
            match replaced_by.map_or(Successor::InPlace, &successor) {
                Successor::InPlace => draft.act(
                    facts,
                    Action::RemoveRoute {
                        side,
                        table: table.table.clone(),
                        destination,
                    },
                ),
                Successor::Missing => draft.polls = true,
                Successor::Unknown => {}
            }
        }
    }
    let withdrawn = going
        .iter()
        .flat_map(|(range, route)| route.installed.keys().map(move |table| (*range, table)));
    let kept = installed(facts, side).filter(|_| !wants);
    for (destination, table) in withdrawn.chain(kept) {
        if !shows(tables, table, link, destination) {
            draft.record(RouteRemoved {
                peering_id,
                side,
                destination,
                route_table: table.clone(),
            });
        }
    }
    let mut over = Vec::new();
    for (table, destination, since) in intended(facts, side) {
        if is_wanted(&destination) || shows(tables, table, link, destination) {
            continue;
        }
        if facts.seen_at < later(since, facts.settings.visibility_window) {
            draft.polls = true;
        } else {
            over.push(thing(table, destination));
        }
    }
    if !over.is_empty() {
        draft.record(InstallationEnded {
            peering_id,
            side,
            things: over,
        });
    }
}

/// Whether the table is shown with this destination over the link.
pub(super) fn shows(
    tables: &[RouteTableView],
    table: &RouteTable,
    link: &Link,
    destination: Range,
) -> bool {
    let view = tables.iter().find(|view| view.table == *table);
    view.is_some_and(|view| {
        view.routes
            .iter()
            .any(|route| over(link, route) == Some(destination))
    })
}

/// The routes over this link that the engine did not make: those of other owners, and those for a
/// list of ranges. They lead nowhere once the link is gone.
pub(super) fn of_others(
    facts: &Facts<'_>,
    side: Side,
    link: &Link,
    tables: &[RouteTableView],
) -> Vec<Leftover> {
    let target = RouteTarget::Link(link.clone());
    let is_ours = |table: &RouteTable, route: &RouteView| {
        let gone = facts.peering.gone.get(side);
        over(link, route).is_some_and(|range| {
            facts.peering.owns_route(side, table, range) || gone.contains(&(table.clone(), range))
        })
    };
    let mut left = Vec::new();
    for view in tables {
        let others = view.routes.iter().filter(|it| !is_ours(&view.table, it));
        let others = others.map(|it| (&it.target, it.destination.to_string()));
        let beside = view.others.iter();
        let beside = beside.map(|it| (&it.target, it.destination.clone()));
        left.extend(others.chain(beside).filter(|(to, _)| **to == target).map(
            |(_, destination)| Leftover::OtherRoute {
                side,
                route_table: view.table.clone(),
                destination,
            },
        ));
    }
    left
}

/// Whether the table serves the chosen subnets.
fn serves(facts: &Facts<'_>, side: Side, tables: &[RouteTableView], table: &RouteTable) -> bool {
    serving(tables, sides::subnets(facts.network, facts.peering, side)).any(|it| it.table == *table)
}

/// Whether this drift is that the route differs in this table.
fn is_of_route(drift: &DriftKind, side: Side, table: &RouteTable, range: Range) -> bool {
    match drift {
        DriftKind::RouteMissing {
            side: at,
            route_table,
            destination,
        }
        | DriftKind::RouteForeign {
            side: at,
            route_table,
            destination,
            ..
        }
        | DriftKind::RouteBlackhole {
            side: at,
            route_table,
            destination,
        } => (*at, route_table, *destination) == (side, table, range),
        DriftKind::LinkEnded { .. }
        | DriftKind::LinkTagMissing
        | DriftKind::DnsResolutionFlipped { .. }
        | DriftKind::LinkOptionFlipped { .. }
        | DriftKind::RouteExtra { .. }
        | DriftKind::GroupMissing { .. }
        | DriftKind::GroupTagMissing { .. }
        | DriftKind::RuleMissing { .. }
        | DriftKind::RuleTagMissing { .. }
        | DriftKind::RuleExtra { .. }
        | DriftKind::GroupDetached { .. }
        | DriftKind::DenialMissing { .. }
        | DriftKind::NetworkReplaced { .. } => false,
    }
}
