//! Ownership: what the engine made on a side, or was about to make, and what somebody else made.
//!
//! Ours, and the engine's to delete, is what is on record as installed, or what is on record as
//! about to be made. That a destination was accepted once makes no route ours.

use super::{
    super::event::{InstallationEnded, InstallationStarted, RouteFound, Thing, Where},
    Peering,
};
use crate::{pairs, range::Range, side::Side, text::RouteTable};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What the engine was about to make on one side and has not seen yet, and since when.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Intents(#[serde(with = "pairs")] BTreeMap<Thing, DateTime<Utc>>);

impl Intents {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Since when the thing may exist; `None` if it was never about to be made, or was seen since.
    pub fn since(&self, thing: &Thing) -> Option<DateTime<Utc>> {
        self.0.get(thing).copied()
    }

    /// Each thing, and since when it may exist.
    pub fn iter(&self) -> impl Iterator<Item = (&Thing, DateTime<Utc>)> {
        self.0.iter().map(|(thing, since)| (thing, *since))
    }

    fn is_over(&mut self, thing: &Thing) {
        self.0.remove(thing);
    }
}

/// Routes of one side that somebody else made and the engine uses.
pub(super) type Foreign = BTreeSet<(RouteTable, Range)>;

impl Peering {
    /// Whether the engine was about to make this thing and has not seen it yet.
    pub fn intends(&self, side: Side, thing: &Thing) -> bool {
        self.intents.get(side).since(thing).is_some()
    }

    /// Whether this thing was seen in place and is of the engine's making.
    pub fn has_on_record(&self, side: Side, thing: &Thing) -> bool {
        let firewall = self.firewall.get(side);
        match thing {
            Thing::Route {
                at: Where::Table(table),
                destination,
            } => {
                let kept = self.routes.get(side).get(destination);
                let going = self.withdrawn.get(side).get(destination);
                (kept.is_some_and(|it| it.installed.contains_key(table))
                    || going.is_some_and(|it| it.installed.contains_key(table)))
                    && !self.was_found(side, table, *destination)
            }
            Thing::Route {
                at: Where::Exchange,
                ..
            } => false,
            Thing::Group => firewall.group.is_some(),
            Thing::Rule {
                source,
                port,
                target,
            } => firewall
                .rules
                .keys()
                .any(|rule| (rule.source, rule.port, rule.target) == (*source, *port, *target)),
            Thing::Attachment { interface } => firewall.attachment.made.contains_key(interface),
            Thing::Denial { denial } => firewall.denials.made.contains(denial),
            Thing::Option { option } => {
                let state = self.option(side, *option);
                state.applied && !state.found
            }
        }
    }

    /// Whether a thing of this form, where it stands, is the engine's to delete.
    pub fn is_ours(&self, side: Side, thing: &Thing) -> bool {
        self.has_on_record(side, thing) || self.intends(side, thing)
    }

    /// Whether a route over the link in this table is the engine's to delete.
    pub fn owns_route(&self, side: Side, route_table: &RouteTable, destination: Range) -> bool {
        self.is_ours(
            side,
            &Thing::Route {
                at: route_table.clone().into(),
                destination,
            },
        )
    }

    /// What is about to be made is the engine's from here on, also where another's stood before.
    pub(in crate::network) fn installation_started(
        &mut self,
        event: &InstallationStarted,
        at: DateTime<Utc>,
    ) {
        for thing in &event.things {
            self.intents
                .get_mut(event.side)
                .0
                .entry(thing.clone())
                .or_insert(at);
            if let Thing::Route {
                at: Where::Table(table),
                destination,
            } = thing
            {
                *self.watches_all_routes.get_mut(event.side) = true;
                self.foreign
                    .get_mut(event.side)
                    .remove(&(table.clone(), *destination));
            }
        }
    }

    pub(in crate::network) fn installation_ended(&mut self, event: &InstallationEnded) {
        for thing in &event.things {
            self.intents.get_mut(event.side).is_over(thing);
        }
    }

    /// The thing was seen in place, or is known not to be there: it is no longer about to be made.
    pub(in crate::network) fn intent_is_over(&mut self, side: Side, thing: &Thing) {
        self.intents.get_mut(side).is_over(thing);
    }

    pub(super) fn route_intent_is_over(
        &mut self,
        side: Side,
        table: &RouteTable,
        destination: Range,
    ) {
        let at = table.clone().into();
        self.intent_is_over(side, &Thing::Route { at, destination });
    }

    pub(in crate::network) fn route_found(&mut self, event: &RouteFound, at: DateTime<Utc>) {
        let Where::Table(table) = &event.at else {
            return;
        };
        if let Some(route) = self.routes.get_mut(event.side).get_mut(&event.destination)
            && !route.installed.contains_key(table)
        {
            route.conflicts.remove(table);
            route.installed.insert(table.clone(), at);
            self.foreign
                .get_mut(event.side)
                .insert((table.clone(), event.destination));
            self.route_appeared(event.side, &event.at);
        }
    }
}
