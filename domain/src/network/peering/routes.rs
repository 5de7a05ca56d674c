//! Routes: what each side may send over the link, what it shall no longer send, and where that was
//! seen.

use super::{
    super::event::{FoundRoute, RouteConflicted, RouteInstalled, RouteRemoved, RouteWithdrawn},
    Life, Origin, Peering,
};
use crate::{range::Range, side::Side, text::RouteTable};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A route of one side: asked for, and where it has been seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    pub accepted_at: DateTime<Utc>,
    /// The route tables in which it was seen, and since when.
    pub installed: BTreeMap<RouteTable, DateTime<Utc>>,
    /// Route tables that send the destination elsewhere.
    pub conflicts: BTreeMap<RouteTable, Conflict>,
}

/// That a route table sends a destination elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// Where to, by the provider's id.
    pub target: String,
    pub since: DateTime<Utc>,
}

/// A route of one side that shall go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawn {
    pub accepted_at: DateTime<Utc>,
    pub withdrawn_at: DateTime<Utc>,
    /// Where it still stands, as far as the log knows.
    pub installed: BTreeMap<RouteTable, DateTime<Utc>>,
    /// The destination that takes its place, and must be in first.
    pub replaced_by: Option<Range>,
}

impl Peering {
    /// Whether this route over an adopted link was there before the engine was; such a one is never
    /// removed.
    pub fn was_found(&self, side: Side, route_table: &RouteTable, destination: Range) -> bool {
        let Origin::Adopted { found: Some(found) } = &self.origin else {
            return false;
        };
        found.iter().any(|it: &FoundRoute| {
            (it.side, &it.route_table, it.destination) == (side, route_table, destination)
        })
    }

    /// Whether this route was seen to be gone, and was not asked for again since.
    pub fn has_lost(&self, side: Side, route_table: &RouteTable, destination: Range) -> bool {
        self.gone
            .get(side)
            .iter()
            .any(|(table, range)| (table, *range) == (route_table, destination))
    }

    /// A route that was going stays where it is.
    pub(in crate::network) fn accept_route(
        &mut self,
        side: Side,
        destination: Range,
        at: DateTime<Utc>,
    ) {
        self.forget_drift(|drift| drift.is_about_route(side, destination));
        self.ever_accepted
            .get_mut(side)
            .entry(destination)
            .or_insert(at);
        self.gone
            .get_mut(side)
            .retain(|(_, gone)| *gone != destination);
        let installed = self
            .withdrawn
            .get_mut(side)
            .remove(&destination)
            .map(|it| it.installed)
            .unwrap_or_default();
        self.routes
            .get_mut(side)
            .entry(destination)
            .or_insert(Route {
                accepted_at: at,
                installed,
                conflicts: BTreeMap::new(),
            });
    }

    /// What waited for this route to take its place waits for its successor, or for nothing.
    pub(in crate::network) fn withdraw_route(&mut self, event: &RouteWithdrawn, at: DateTime<Utc>) {
        let (side, destination) = (event.side, event.destination);
        self.forget_drift(|drift| drift.is_about_route(side, destination));
        for waiting in self
            .withdrawn
            .get_mut(side)
            .values_mut()
            .filter(|it| it.replaced_by == Some(destination))
        {
            waiting.replaced_by = event.replaced_by;
        }
        let Some(route) = self.routes.get_mut(side).remove(&destination) else {
            return;
        };
        let installed: BTreeMap<_, _> = route
            .installed
            .into_iter()
            .filter(|(table, _)| !self.was_found(side, table, destination))
            .collect();
        if !installed.is_empty() {
            self.withdrawn.get_mut(side).insert(
                destination,
                Withdrawn {
                    accepted_at: route.accepted_at,
                    withdrawn_at: at,
                    installed,
                    replaced_by: event.replaced_by,
                },
            );
        }
    }

    /// A route that was withdrawn before anybody saw it was seen to be there: it has yet to go.
    pub(in crate::network) fn route_installed(
        &mut self,
        event: &RouteInstalled,
        at: DateTime<Utc>,
    ) {
        let (side, destination, table) = (event.side, event.destination, event.route_table.clone());
        if let Some(route) = self.routes.get_mut(side).get_mut(&destination) {
            route.conflicts.remove(&table);
            route.installed.entry(table).or_insert(at);
        } else if let Some(accepted_at) = self.ever_accepted.get(side).get(&destination).copied()
            && !self.was_found(side, &table, destination)
        {
            self.withdrawn
                .get_mut(side)
                .entry(destination)
                .or_insert(Withdrawn {
                    accepted_at,
                    withdrawn_at: at,
                    installed: BTreeMap::new(),
                    replaced_by: None,
                })
                .installed
                .entry(table)
                .or_insert(at);
        }
    }

    pub(in crate::network) fn route_removed(&mut self, event: &RouteRemoved) {
        // One that is wanted comes back, and is the engine's then.
        if matches!(self.life, Life::Removing { .. })
            || !self.routes.get(event.side).contains_key(&event.destination)
        {
            self.gone
                .get_mut(event.side)
                .insert((event.route_table.clone(), event.destination));
        }
        if let Some(route) = self.routes.get_mut(event.side).get_mut(&event.destination) {
            route.installed.remove(&event.route_table);
            route.conflicts.remove(&event.route_table);
        }
        let withdrawn = self.withdrawn.get_mut(event.side);
        if let Some(route) = withdrawn.get_mut(&event.destination) {
            route.installed.remove(&event.route_table);
            if route.installed.is_empty() {
                withdrawn.remove(&event.destination);
            }
        }
    }

    pub(in crate::network) fn route_conflicted(
        &mut self,
        event: &RouteConflicted,
        at: DateTime<Utc>,
    ) {
        if let Some(route) = self.routes.get_mut(event.side).get_mut(&event.destination) {
            route.installed.remove(&event.route_table);
            route.conflicts.insert(
                event.route_table.clone(),
                Conflict {
                    target: event.target.clone(),
                    since: at,
                },
            );
        }
    }
}
