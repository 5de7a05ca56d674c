//! Routes: what each side may send over the link, what it shall no longer send, and where that was
//! seen.

use super::{
    super::event::{
        DriftKind, FoundRoute, RouteConflicted, RouteInstalled, RouteRemoved, RouteWithdrawn,
        RoutesEnforced, RoutesSuspended, Where,
    },
    Life, Origin, Peering,
};
use crate::{
    ids::PeeringId,
    range::Range,
    side::Side,
    text::{FirewallRule, RouteTable},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A route of one side: asked for, and where it has been seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// When it was accepted.
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
    /// When that was recorded.
    pub since: DateTime<Utc>,
    /// The peering that has ended and left that route behind, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_by: Option<PeeringId>,
}

/// A route of one side that shall go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawn {
    /// When it was accepted.
    pub accepted_at: DateTime<Utc>,
    /// When it was withdrawn.
    pub withdrawn_at: DateTime<Utc>,
    /// Where it still stands, as far as the log knows.
    pub installed: BTreeMap<RouteTable, DateTime<Utc>>,
    /// The destination that takes its place, and must be in first.
    pub replaced_by: Option<Range>,
}

/// That one observation has seen all routes of a side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoutesInPlace {
    /// When that was recorded.
    pub since: DateTime<Utc>,
    /// Everywhere that the side routes from.
    #[serde(rename = "where")]
    pub at: BTreeSet<Where>,
    /// The destinations that were accepted then.
    pub destinations: BTreeSet<Range>,
    /// The tables among these that no subnet used.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub idle: BTreeSet<RouteTable>,
}

/// That the routes of a side are withdrawn for an exposure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspension {
    /// When that was recorded.
    pub since: DateTime<Utc>,
    /// The rules that led to it, by the provider's ids.
    pub exposures: BTreeSet<FirewallRule>,
}

impl Peering {
    /// Whether this route was there before the engine made one, on an adopted link or as somebody
    /// else's; such a one is never removed.
    pub fn was_found(&self, side: Side, route_table: &RouteTable, destination: Range) -> bool {
        let is_foreign =
            |(table, range): &(RouteTable, Range)| (table, *range) == (route_table, destination);
        if self.foreign.get(side).iter().any(is_foreign) {
            return true;
        }
        let Origin::Adopted { found: Some(found) } = &self.origin else {
            return false;
        };
        found.iter().any(|it: &FoundRoute| {
            (it.side, &it.route_table, it.destination) == (side, route_table, destination)
        })
    }

    /// A route that was going stays where it is.
    pub(in crate::network) fn accept_route(
        &mut self,
        side: Side,
        destination: Range,
        at: DateTime<Utc>,
    ) {
        self.forget_drift(|drift| drift.is_about_route(side, destination));
        *self.routes_in_place.get_mut(side) = None;
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
        if let Some(seen) = self.routes_in_place.get_mut(side) {
            seen.destinations.remove(&destination);
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
        self.route_intent_is_over(side, &table, destination);
        self.route_appeared(side, &table.clone().into());
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
        *self.routes_in_place.get_mut(event.side) = None;
        self.route_intent_is_over(event.side, &event.route_table, event.destination);
        self.foreign
            .get_mut(event.side)
            .remove(&(event.route_table.clone(), event.destination));
        // One that is wanted comes back, and is the engine's then.
        if matches!(self.life, Life::Removing { .. } | Life::Abandoning { .. })
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
        *self.routes_in_place.get_mut(event.side) = None;
        self.route_intent_is_over(event.side, &event.route_table, event.destination);
        self.foreign
            .get_mut(event.side)
            .remove(&(event.route_table.clone(), event.destination));
        if let Some(route) = self.routes.get_mut(event.side).get_mut(&event.destination) {
            route.installed.remove(&event.route_table);
            route.conflicts.insert(
                event.route_table.clone(),
                Conflict {
                    target: event.target.clone(),
                    since: at,
                    left_by: event.left_by,
                },
            );
        }
    }

    pub(in crate::network) fn routes_enforced(
        &mut self,
        event: &RoutesEnforced,
        at: DateTime<Utc>,
    ) {
        *self.watches_all_routes.get_mut(event.side) = true;
        if event.side == Side::Remote {
            self.tables_moved = false;
        }
        let destinations: BTreeSet<_> = event.destinations.iter().copied().collect();
        let is_all = self.routes.get(event.side).keys().eq(&destinations);
        *self.routes_in_place.get_mut(event.side) = is_all.then(|| RoutesInPlace {
            since: at,
            at: event.at.iter().cloned().collect(),
            destinations,
            idle: event.idle.iter().cloned().collect(),
        });
    }

    pub(in crate::network) fn routes_suspended(
        &mut self,
        event: &RoutesSuspended,
        at: DateTime<Utc>,
    ) {
        self.suspended
            .get_mut(event.side)
            .get_or_insert(Suspension {
                since: at,
                exposures: event.exposures.iter().cloned().collect(),
            });
    }

    /// A route where none was known to be: the side routes from more places than were seen.
    pub(super) fn route_appeared(&mut self, side: Side, at: &Where) {
        let seen = self.routes_in_place.get_mut(side);
        if seen.as_ref().is_some_and(|seen| !seen.at.contains(at)) {
            *seen = None;
        }
    }

    /// A route that differs from how it should be is not in place.
    pub(super) fn route_drifted(&mut self, drift: &DriftKind) {
        match drift {
            DriftKind::RouteMissing { side, .. }
            | DriftKind::RouteForeign { side, .. }
            | DriftKind::RouteBlackhole { side, .. } => {
                *self.routes_in_place.get_mut(*side) = None;
            }
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
            | DriftKind::NetworkReplaced { .. } => {}
        }
    }
}
