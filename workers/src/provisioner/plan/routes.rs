//! Routes of one side: one entry for each accepted destination in each table that serves the chosen
//! subnets; somebody else's entry is never replaced, and a withdrawn one goes once whatever takes
//! its place is in.

use super::{
    Draft, Facts, Missing, Query,
    drift::{self, Verdict},
};
use crate::provisioner::{apply::Action, sides};
use cloud::{RouteState, RouteTableView, RouteTarget, RouteView};
use domain::{
    Range, Side,
    network::{
        BlockCause, DriftKind, Origin, Route, RouteConflicted, RouteInstalled, RouteRemoved,
    },
    text::{Link, RouteTable, Subnet},
};
use ipnet::IpNet;
use std::collections::BTreeSet;

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
    let (wanted, before) = (
        facts.peering.routes.get(side),
        facts.peering.ever_accepted.get(side),
    );
    if wanted.is_empty() && before.is_empty() && facts.peering.made_the_link() {
        return;
    }
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
            }
        }
    }
    at.elsewhere(tables, &serving, draft);
    withdraw(
        facts,
        side,
        link,
        tables,
        |range| is_replaced(&serving, link, range),
        draft,
    );
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

/// Routes of ours that are no longer wanted go, and are put on record as gone once they are.
pub(super) fn withdraw(
    facts: &Facts<'_>,
    side: Side,
    link: &Link,
    tables: &[RouteTableView],
    replaced: impl Fn(Range) -> bool,
    draft: &mut Draft,
) {
    let (peering_id, going) = (facts.peering.id, facts.peering.withdrawn.get(side));
    for table in tables {
        for destination in table.routes.iter().filter_map(|route| over(link, route)) {
            if !is_ours(facts, side, tables, &table.table, destination)
                || facts.peering.routes.get(side).contains_key(&destination)
            {
                continue;
            }
            let known = going.get(&destination);
            if !known.is_some_and(|it| it.installed.contains_key(&table.table)) {
                draft.record(RouteInstalled {
                    peering_id,
                    side,
                    destination,
                    route_table: table.table.clone(),
                });
            }
            if known.and_then(|it| it.replaced_by).is_none_or(&replaced) {
                draft.act(
                    facts,
                    Action::RemoveRoute {
                        side,
                        table: table.table.clone(),
                        destination,
                    },
                );
            } else {
                draft.polls = true;
            }
        }
    }
    for (destination, route) in going {
        for table in route
            .installed
            .keys()
            .filter(|id| !shows(tables, id, link, *destination))
        {
            draft.record(RouteRemoved {
                peering_id,
                side,
                destination: *destination,
                route_table: table.clone(),
            });
        }
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

/// Whether a route over the link is of the engine's making: it was accepted once, was not there
/// before the engine was, and is on record in this table, or could be as soon as somebody looks,
/// since the table serves and has not lost it since. Otherwise a person has put it.
pub(super) fn is_ours(
    facts: &Facts<'_>,
    side: Side,
    tables: &[RouteTableView],
    table: &RouteTable,
    destination: Range,
) -> bool {
    let peering = facts.peering;
    let records = [
        peering
            .routes
            .get(side)
            .get(&destination)
            .map(|it| &it.installed),
        peering
            .withdrawn
            .get(side)
            .get(&destination)
            .map(|it| &it.installed),
    ];
    let on_record = records
        .into_iter()
        .flatten()
        .any(|installed| installed.contains_key(table));
    // What an adopted link had is not known before it was surveyed; until then the engine adds
    // nothing.
    let may_have_made = !matches!(peering.origin, Origin::Adopted { found: None });
    may_have_made
        && peering.ever_accepted.get(side).contains_key(&destination)
        && !peering.was_found(side, table, destination)
        && (on_record
            || serves(facts, side, tables, table) && !peering.has_lost(side, table, destination))
}

/// Whether the table serves the chosen subnets.
fn serves(facts: &Facts<'_>, side: Side, tables: &[RouteTableView], table: &RouteTable) -> bool {
    serving(tables, sides::subnets(facts.network, facts.peering, side)).any(|it| it.table == *table)
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
                draft.act(
                    facts,
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
            RouteState::Active => {
                let (peering_id, route_table) = (facts.peering.id, table.clone());
                draft.record(RouteInstalled {
                    peering_id,
                    side,
                    destination,
                    route_table,
                });
            }
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
            let ours = destination.is_some_and(|it| is_ours(facts, side, tables, &route_table, it));
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
