//! One destination in one table of a side: what is there, and what follows from that.

use super::{idle, is_of_route, over, serves, serving, shows, thing};
use crate::provisioner::{
    apply::Action,
    plan::{
        Draft, Facts,
        drift::{self, Verdict},
    },
    query::Query,
    sides,
};
use cloud::{OtherRoute, RouteState, RouteTableView, RouteTarget, RouteView};
use domain::{
    PeeringId, Range, Side,
    network::{
        BlockCause, DriftKind, Route, RouteConflicted, RouteFound, RouteInstalled, RouteRemoved,
        RoutesEnforced, RoutesInPlace, Where,
    },
    text::{Link, RouteTable, Subnet},
};
use std::collections::BTreeSet;

/// One side of an active link.
pub(super) struct At<'f, 'a> {
    pub(super) facts: &'f Facts<'a>,
    pub(super) side: Side,
    pub(super) link: &'f Link,
}

impl At<'_, '_> {
    pub(super) fn wanted(
        &self,
        table: &RouteTableView,
        destination: Range,
        route: &Route,
        draft: &mut Draft,
    ) {
        let (facts, side, route_table) = (self.facts, self.side, table.table.clone());
        let Some(entry) = table
            .routes
            .iter()
            .find(|entry| entry.destination == destination.net())
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

    pub(super) fn in_place(
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

    pub(super) fn conflict(
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
        let left_by = left_by(facts, table, destination, entry);
        let (message, remedy) = in_the_way(facts, table, destination, entry, left_by);
        let known = route.conflicts.get(table);
        if known.is_none_or(|known| (&known.target, known.left_by) != (&target, left_by)) {
            draft.record(RouteConflicted {
                peering_id,
                side,
                destination,
                route_table,
                target,
                left_by,
            });
        }
        draft.block(facts, BlockCause::Conflict, side, message, vec![remedy]);
    }

    /// A narrower entry that leads elsewhere takes its part of the destination: the longest prefix
    /// wins. It is somebody else's, and named.
    pub(super) fn narrower(&self, table: &RouteTableView, destination: Range, draft: &mut Draft) {
        let (facts, side) = (self.facts, self.side);
        let accepted = destination.net();
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
    pub(super) fn enforced<'r>(
        &self,
        wanted: impl Iterator<Item = &'r Range> + Clone,
        tables: &[RouteTableView],
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
        let is_moving = self.is_moving(tables, serving);
        if serving.is_empty() || is_going || is_moving || differs || conflicts || !is_in_place {
            return;
        }
        let has_all = |table: &&&RouteTableView| wanted.clone().all(|range| leads(table, *range));
        let whole = serving.iter().filter(has_all);
        let at: BTreeSet<Where> = whole.map(|it| it.table.clone().into()).collect();
        let destinations: BTreeSet<Range> = wanted.clone().copied().collect();
        let known = facts.peering.routes_in_place.get(side).as_ref();
        let Some(idle) = self.idle(tables, known, draft) else {
            return;
        };
        let is_same = |it: &RoutesInPlace| {
            (&it.at, &it.destinations, &it.idle) == (&at, &destinations, &idle)
        };
        if !known.is_some_and(is_same) {
            draft.record(RoutesEnforced {
                peering_id: facts.peering.id,
                side,
                at: at.into_iter().collect(),
                destinations: destinations.into_iter().collect(),
                idle: idle.into_iter().collect(),
            });
        }
    }

    /// The tables that no subnet uses, of those that are to serve. Subnets are read for that only
    /// where a table may be such a one, and once it is on record only if they are read anyway.
    fn idle(
        &self,
        tables: &[RouteTableView],
        known: Option<&RoutesInPlace>,
        draft: &mut Draft,
    ) -> Option<BTreeSet<RouteTable>> {
        let (facts, side) = (self.facts, self.side);
        let chosen = sides::subnets(facts.network, facts.peering, side);
        let may_be_idle = serving(tables, chosen).any(|it| it.main && it.subnets.is_empty());
        if Subnet::are_all(chosen) || !may_be_idle {
            return Some(BTreeSet::new());
        }
        let subnets = facts.seen.subnets.get(side);
        if let (Some(known), None) = (known, subnets) {
            return Some(known.idle.clone());
        }
        let subnets = draft.require(subnets, Query::Subnets(side))?;
        Some(
            idle(tables, chosen, subnets)
                .map(|it| it.table.clone())
                .collect(),
        )
    }

    /// Whether tables that no longer serve still have routes that the engine made there.
    fn is_moving(&self, tables: &[RouteTableView], serving: &[&RouteTableView]) -> bool {
        let (peering, side) = (self.facts.peering, self.side);
        let serves = |table: &RouteTable| serving.iter().any(|it| it.table == *table);
        let is_ours = |table: &RouteTable, range: Range| {
            !peering.was_found(side, table, range) && shows(tables, table, self.link, range)
        };
        let mut routes = peering.routes.get(side).iter();
        self.facts.network.tables_moved(peering, side)
            && routes.any(|(range, route)| {
                let mut tables = route.installed.keys();
                tables.any(|table| !serves(table) && is_ours(table, *range))
            })
    }

    /// What is on record of tables that no longer serve, or are no more, and that do not show it
    /// any more, is over.
    pub(super) fn elsewhere(
        &self,
        tables: &[RouteTableView],
        serving: &[&RouteTableView],
        draft: &mut Draft,
    ) {
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

    /// Routes over the link that are for no range: for a list of ranges. They are never ours.
    pub(super) fn others(&self, table: &RouteTableView, draft: &mut Draft) {
        let over_the_link = |it: &&OtherRoute| it.target == RouteTarget::Link(self.link.clone());
        for route in table.others.iter().filter(over_the_link) {
            let extra = DriftKind::RouteExtra {
                side: self.side,
                route_table: table.table.clone(),
                destination: route.destination.clone(),
            };
            drift::report(self.facts, extra, draft);
        }
    }

    /// Routes over the link that nobody asked for: ours in a table that no longer serves go; others
    /// are somebody else's.
    pub(super) fn extra(
        &self,
        tables: &[RouteTableView],
        table: &RouteTableView,
        draft: &mut Draft,
    ) {
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
                Some((destination, known))
                    if known.installed.contains_key(&route_table)
                        && facts.network.tables_moved(facts.peering, side) =>
                {
                    draft.act(
                        facts,
                        Action::RemoveRoute {
                            side,
                            table: route_table.clone(),
                            destination,
                        },
                    );
                }
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

/// The peering of this network that has ended and left this entry behind.
fn left_by(
    facts: &Facts<'_>,
    table: &RouteTable,
    destination: Range,
    entry: &RouteView,
) -> Option<PeeringId> {
    match &entry.target {
        RouteTarget::Link(link) => facts.network.who_left(table, destination, link),
        RouteTarget::Local | RouteTarget::Other(_) => None,
    }
}

/// What an entry is that leads elsewhere, and what a person can do about it.
fn in_the_way(
    facts: &Facts<'_>,
    table: &RouteTable,
    destination: Range,
    entry: &RouteView,
    left_by: Option<PeeringId>,
) -> (String, String) {
    let target = &entry.target;
    let by_hand = format!(
        "remove the route to {destination} from {table}, if {target} is not meant to have that traffic"
    );
    if let Some(peering) = left_by {
        let message = format!(
            "{table} has a route to {destination} that peering {peering} left behind, over its link {target}; it is left alone"
        );
        let id = format!("{table}/{destination}");
        let is_found = facts.network.orphans.keys().any(|it| it.as_str() == id);
        let when = if is_found {
            ""
        } else {
            "once `peerage orphans list` shows it, "
        };
        let remedy = format!(
            "{when}let Peerage remove it: peerage orphans remove {id} --network {} --reason '…'",
            facts.network.id
        );
        return (message, remedy);
    }
    let had = match target {
        RouteTarget::Link(link) => facts.network.who_had(link),
        RouteTarget::Local | RouteTarget::Other(_) => None,
    };
    let had = had.map(|it| format!(", the link of peering {it}, which has ended"));
    let message = format!(
        "{table} sends {destination} to {target} already{}; it is left alone",
        had.unwrap_or_default()
    );
    (message, by_hand)
}
