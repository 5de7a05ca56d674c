//! Routes of one side: one entry for each accepted destination in each table that serves the chosen
//! subnets; somebody else's entry is never replaced, and a withdrawn one goes once whatever takes
//! its place is in.

use super::{
    Draft, Facts, Missing, Query,
    drift::{self, Verdict},
    later,
};
use crate::provisioner::{apply::Action, sides};
use chrono::{DateTime, Utc};
use cloud::{RouteState, RouteTableView, RouteTarget, RouteView};
use domain::{
    Range, Side,
    network::{
        BlockCause, DriftKind, InstallationEnded, Route, RouteConflicted, RouteFound,
        RouteInstalled, RouteRemoved, RoutesEnforced, Thing, Where,
    },
    text::{Link, RouteTable, Subnet},
};
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};

/// The tables that serve these subnets, each once. The main table serves those that have chosen
/// none, and stands for no subnet.
pub(super) fn serving<'t>(
    tables: &'t [RouteTableView],
    subnets: &[Subnet],
) -> impl Iterator<Item = &'t RouteTableView> {
    let names = |table: &RouteTableView, subnet: &Subnet| table.subnets.contains(subnet);
    let by_main = subnets.is_empty()
        || subnets
            .iter()
            .any(|subnet| !tables.iter().any(|table| names(table, subnet)));
    tables.iter().filter(move |table| {
        (table.main && by_main) || subnets.iter().any(|subnet| names(table, subnet))
    })
}

/// The destination of a route over this link, if it is one that could be on record.
pub(super) fn over(link: &Link, route: &RouteView) -> Option<Range> {
    match &route.target {
        RouteTarget::Link(target) if target == link => route.destination.to_string().parse().ok(),
        RouteTarget::Link(_) | RouteTarget::Local | RouteTarget::Other(_) => None,
    }
}

pub(super) fn plan(facts: &Facts<'_>, side: Side, link: &Link, draft: &mut Draft) {
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
        for (destination, route) in wanted {
            for table in &serving {
                at.wanted(table, *destination, route, draft);
                at.narrower(table, *destination, draft);
            }
        }
        at.enforced(wanted.keys(), &serving, draft);
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
        | DriftKind::RouteExtra { .. }
        | DriftKind::GroupMissing { .. }
        | DriftKind::GroupTagMissing { .. }
        | DriftKind::RuleMissing { .. }
        | DriftKind::RuleTagMissing { .. }
        | DriftKind::RuleExtra { .. } => false,
    }
}

/// One side of an active link.
struct At<'f, 'a> {
    facts: &'f Facts<'a>,
    side: Side,
    link: &'f Link,
}

impl At<'_, '_> {
    fn wanted(&self, table: &RouteTableView, destination: Range, route: &Route, draft: &mut Draft) {
        let (facts, side, route_table) = (self.facts, self.side, table.table.clone());
        let Some(entry) = table
            .routes
            .iter()
            .find(|entry| entry.destination == IpNet::V4(destination.net()))
        else {
            let missing = DriftKind::RouteMissing {
                side,
                route_table: route_table.clone(),
                destination,
            };
            if !route.installed.contains_key(&route_table)
                || drift::classify(facts, missing, draft) == Verdict::Repair
            {
                let made = thing(&route_table, destination);
                draft.install(
                    facts,
                    side,
                    made,
                    Action::InstallRoute {
                        side,
                        table: route_table,
                        destination,
                        link: self.link.clone(),
                    },
                );
            }
            return;
        };
        if over(self.link, entry).is_some() {
            self.in_place(&route_table, destination, route, entry, draft);
        } else {
            self.conflict(&route_table, destination, route, entry, draft);
        }
    }

    fn in_place(
        &self,
        table: &RouteTable,
        destination: Range,
        route: &Route,
        entry: &RouteView,
        draft: &mut Draft,
    ) {
        let (facts, side, known) = (self.facts, self.side, route.installed.contains_key(table));
        match entry.state {
            RouteState::Active if known => {}
            RouteState::Active if facts.peering.owns_route(side, table, destination) => {
                let (peering_id, route_table) = (facts.peering.id, table.clone());
                draft.record(RouteInstalled {
                    peering_id,
                    side,
                    destination,
                    route_table,
                });
            }
            // It was there before the engine made one: used, and never removed.
            RouteState::Active => draft.record(RouteFound {
                peering_id: facts.peering.id,
                side,
                destination,
                at: table.clone().into(),
            }),
            RouteState::Blackhole | RouteState::Unknown(_) if known => {
                drift::report(
                    facts,
                    DriftKind::RouteBlackhole {
                        side,
                        route_table: table.clone(),
                        destination,
                    },
                    draft,
                );
            }
            RouteState::Blackhole | RouteState::Unknown(_) => draft.polls = true,
        }
    }

    fn conflict(
        &self,
        table: &RouteTable,
        destination: Range,
        route: &Route,
        entry: &RouteView,
        draft: &mut Draft,
    ) {
        let (facts, side, target) = (self.facts, self.side, entry.target.to_string());
        let (peering_id, route_table) = (facts.peering.id, table.clone());
        let kind = DriftKind::RouteForeign {
            side,
            route_table: route_table.clone(),
            destination,
            target: target.clone(),
        };
        if facts.peering.accepted_drift.contains_key(&kind) {
            return;
        }
        if route.installed.contains_key(table) || facts.peering.drift.contains_key(&kind) {
            drift::report(facts, kind, draft);
        }
        let message =
            format!("{route_table} sends {destination} to {target} already; it is left alone");
        let remedy = vec![format!(
            "remove the route to {destination} from {route_table}, if {target} is not meant to have that traffic"
        )];
        let known = route.conflicts.get(table);
        if known.is_none_or(|known| known.target != target) {
            draft.record(RouteConflicted {
                peering_id,
                side,
                destination,
                route_table,
                target,
            });
        }
        draft.block(facts, BlockCause::Conflict, side, message, remedy);
    }

    /// A narrower entry that leads elsewhere takes its part of the destination: the longest prefix
    /// wins. It is somebody else's, and named.
    fn narrower(&self, table: &RouteTableView, destination: Range, draft: &mut Draft) {
        let (facts, side) = (self.facts, self.side);
        let accepted = IpNet::V4(destination.net());
        for entry in &table.routes {
            let is_narrower = entry.destination != accepted
                && accepted.contains(&entry.destination)
                && entry.target != RouteTarget::Local
                && entry.target != RouteTarget::Link(self.link.clone());
            if is_narrower && let Ok(part) = entry.destination.to_string().parse() {
                drift::report(
                    facts,
                    DriftKind::RouteForeign {
                        side,
                        route_table: table.table.clone(),
                        destination: part,
                        target: entry.target.to_string(),
                    },
                    draft,
                );
            }
        }
    }

    /// All that is wanted was seen in every table that serves, by one observation; but for what the
    /// policy has taken for how it should be.
    fn enforced<'r>(
        &self,
        wanted: impl Iterator<Item = &'r Range> + Clone,
        serving: &[&RouteTableView],
        draft: &mut Draft,
    ) {
        let (facts, side) = (self.facts, self.side);
        let leads = |table: &RouteTableView, range: Range| {
            let is_it = |it: &RouteView| {
                over(self.link, it) == Some(range) && it.state == RouteState::Active
            };
            table.routes.iter().any(is_it)
        };
        let is_accepted = |table: &RouteTableView, range: Range| {
            let is_it = |it: &DriftKind| is_of_route(it, side, &table.table, range);
            facts.peering.accepted_drift.keys().any(is_it)
        };
        // What is still to go is a change that is under way: all is in place once it is gone.
        let is_going = !facts.peering.withdrawn.get(side).is_empty();
        let differs = draft
            .found
            .iter()
            .any(|it| it.side() == side && matches!(it, DriftKind::RouteForeign { .. }));
        let conflicts = facts.peering.routes.get(side).iter().any(|(range, route)| {
            let is_over = |id: &RouteTable| {
                let table = serving.iter().find(|it| it.table == *id);
                table.is_some_and(|table| leads(table, *range))
            };
            route.conflicts.keys().any(|id| !is_over(id))
        });
        let is_in_place = wanted.clone().all(|range| {
            let mut tables = serving.iter();
            tables.all(|table| leads(table, *range) || is_accepted(table, *range))
        });
        if serving.is_empty() || is_going || differs || conflicts || !is_in_place {
            return;
        }
        let has_all = |table: &&&RouteTableView| wanted.clone().all(|range| leads(table, *range));
        let whole = serving.iter().filter(has_all);
        let at: BTreeSet<Where> = whole.map(|it| it.table.clone().into()).collect();
        let destinations: BTreeSet<Range> = wanted.clone().copied().collect();
        let known = facts.peering.routes_in_place.get(side).as_ref();
        if known.is_none_or(|it| (&it.at, &it.destinations) != (&at, &destinations)) {
            draft.record(RoutesEnforced {
                peering_id: facts.peering.id,
                side,
                at: at.into_iter().collect(),
                destinations: destinations.into_iter().collect(),
            });
        }
    }

    /// What is on record of tables that no longer serve, or are no more, and that do not show it
    /// any more, is over.
    fn elsewhere(&self, tables: &[RouteTableView], serving: &[&RouteTableView], draft: &mut Draft) {
        let (peering_id, side) = (self.facts.peering.id, self.side);
        for (destination, route) in self.facts.peering.routes.get(side) {
            let on_record: BTreeSet<&RouteTable> = route
                .installed
                .keys()
                .chain(route.conflicts.keys())
                .collect();
            let over = |table: &&RouteTable| {
                !serving.iter().any(|it| it.table == **table)
                    && !shows(tables, table, self.link, *destination)
            };
            for table in on_record.into_iter().filter(over) {
                draft.record(RouteRemoved {
                    peering_id,
                    side,
                    destination: *destination,
                    route_table: table.clone(),
                });
            }
        }
    }

    /// Routes over the link that nobody asked for: ours in a table that no longer serves go; others
    /// are somebody else's.
    fn extra(&self, tables: &[RouteTableView], table: &RouteTableView, draft: &mut Draft) {
        let (facts, side, route_table) = (self.facts, self.side, table.table.clone());
        let serves = serves(facts, side, tables, &table.table);
        for route in table
            .routes
            .iter()
            .filter(|route| route.target == RouteTarget::Link(self.link.clone()))
        {
            let destination = over(self.link, route);
            let wanted = destination.and_then(|it| {
                facts
                    .peering
                    .routes
                    .get(side)
                    .get(&it)
                    .map(|route| (it, route))
            });
            let ours =
                destination.is_some_and(|it| facts.peering.owns_route(side, &route_table, it));
            let found =
                destination.is_some_and(|it| facts.peering.was_found(side, &route_table, it));
            match wanted {
                Some(_) if serves => {}
                None if ours => {}
                Some(_) | None if found => {}
                Some((destination, known)) if known.installed.contains_key(&route_table) => {
                    let kind = DriftKind::RouteExtra {
                        side,
                        route_table: route_table.clone(),
                        destination: destination.to_string(),
                    };
                    if drift::classify(facts, kind, draft) == Verdict::Repair {
                        draft.act(
                            facts,
                            Action::RemoveRoute {
                                side,
                                table: route_table.clone(),
                                destination,
                            },
                        );
                    }
                }
                Some(_) | None => {
                    let destination = route.destination.to_string();
                    drift::report(
                        facts,
                        DriftKind::RouteExtra {
                            side,
                            route_table: route_table.clone(),
                            destination,
                        },
                        draft,
                    );
                }
            }
        }
    }
}
