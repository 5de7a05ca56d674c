//! What each side must have and was seen to have, and what was found otherwise: how that follows
//! from events.

use super::{
    super::event::{
        BlockCause, DriftRepaired, Finding, FirewallRestricted, InboundRule, RouteConflicted,
        RouteInstalled, RouteRemoved, RouteWithdrawn,
    },
    FIGHT_WINDOW, Life, Peering, Repairs, Route, Withdrawn,
};
use crate::{range::Range, side::Side};
use std::collections::BTreeSet;

impl Peering {
    /// How often what this finding is about was put right lately, whatever was found of it each
    /// time: a rule that somebody adds again and again has another id each time.
    pub fn repairs_of(&self, finding: &Finding) -> Repairs {
        self.repairs
            .iter()
            .find(|(known, _)| known.matter() == finding.matter())
            .map(|(_, repairs)| *repairs)
            .unwrap_or_default()
    }

    pub(super) fn accept_route(&mut self, side: Side, destination: Range) {
        self.forget(|finding| finding.is_about_route(side, destination));
        self.ever_accepted.get_mut(side).insert(destination);
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
                installed,
                ..Route::default()
            });
    }

    /// What waited for this route to take its place waits for its successor, or for nothing.
    pub(super) fn withdraw_route(&mut self, event: &RouteWithdrawn) {
        let (side, destination) = (event.side, event.destination);
        self.forget(|finding| finding.is_about_route(side, destination));
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
        let installed: BTreeSet<_> = route
            .installed
            .into_iter()
            .filter(|table| !self.was_found(side, table, destination))
            .collect();
        if !installed.is_empty() {
            self.withdrawn.get_mut(side).insert(
                destination,
                Withdrawn {
                    installed,
                    replaced_by: event.replaced_by,
                },
            );
        }
    }

    /// A route that was withdrawn before anybody saw it was seen to be there: it has yet to go.
    pub(super) fn route_installed(&mut self, event: &RouteInstalled) {
        let (side, destination, table) = (event.side, event.destination, event.route_table.clone());
        if let Some(route) = self.routes.get_mut(side).get_mut(&destination) {
            route.conflicts.remove(&table);
            route.installed.insert(table);
        } else if self.ever_accepted.get(side).contains(&destination)
            && !self.was_found(side, &table, destination)
        {
            self.withdrawn
                .get_mut(side)
                .entry(destination)
                .or_default()
                .installed
                .insert(table);
        }
    }

    pub(super) fn route_removed(&mut self, event: &RouteRemoved) {
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

    pub(super) fn route_conflicted(&mut self, event: &RouteConflicted) {
        if let Some(route) = self.routes.get_mut(event.side).get_mut(&event.destination) {
            route.installed.remove(&event.route_table);
            route
                .conflicts
                .insert(event.route_table.clone(), event.target.clone());
        }
    }

    /// The remote side admits what was declared one by one, and nothing beside that.
    pub(super) fn restrict(&mut self, event: &FirewallRestricted) {
        match event.side {
            Side::Local => {
                self.forget(|finding| finding.is_about_firewall(Side::Local));
                self.firewall
                    .local
                    .admit(event.admit.iter().copied().collect());
            }
            Side::Remote => self.admit_ingress(),
        }
    }

    pub(super) fn admit_ingress(&mut self) {
        self.forget(|finding| finding.is_about_firewall(Side::Remote));
        let admit: BTreeSet<InboundRule> =
            self.ingress.values().map(|ingress| ingress.rule).collect();
        self.firewall.remote.admit(admit);
    }

    pub(super) fn want_dns(&mut self, side: Side, enabled: bool) {
        self.forget(|finding| finding.is_about_dns(side));
        self.dns.get_mut(side).wanted = enabled;
    }

    pub(super) fn repaired(&mut self, event: &DriftRepaired) {
        self.drift.remove(&event.finding);
        let before = self.repairs_of(&event.finding);
        let again = before
            .last
            .is_some_and(|last| event.repaired_at - last < FIGHT_WINDOW);
        let count = if again {
            before.count.saturating_add(1)
        } else {
            1
        };
        self.repairs
            .retain(|known, _| known.matter() != event.finding.matter());
        self.repairs.insert(
            event.finding.clone(),
            Repairs {
                count,
                last: Some(event.repaired_at),
            },
        );
    }

    /// Who ends a fight ends its count too: the next repair is the first one again.
    pub(super) fn unblocked(&mut self) {
        if self
            .blocked
            .take()
            .is_some_and(|block| block.cause == BlockCause::RepairUndone)
        {
            self.repairs.clear();
            Side::BOTH
                .into_iter()
                .for_each(|side| self.firewall.get_mut(side).cleared.clear());
        }
    }

    /// Something else is asked for now: what was found of it before, and how often it was put
    /// right, is of no more account, whether or not it was tolerated. What was found missing is not
    /// there.
    fn forget(&mut self, is_about: impl Fn(&Finding) -> bool) {
        let found = self
            .drift
            .keys()
            .chain(&self.tolerated)
            .filter(|it| is_about(it))
            .cloned()
            .collect::<Vec<_>>();
        self.drift.retain(|finding, _| !is_about(finding));
        self.tolerated.retain(|finding| !is_about(finding));
        self.repairs.retain(|finding, _| !is_about(finding));
        for finding in found {
            self.take_for_true(&finding);
        }
    }

    fn take_for_true(&mut self, finding: &Finding) {
        match finding {
            Finding::RouteMissing {
                side,
                route_table,
                destination,
            }
            | Finding::RouteForeign {
                side,
                route_table,
                destination,
                ..
            } => {
                for installed in [
                    self.routes
                        .get_mut(*side)
                        .get_mut(destination)
                        .map(|it| &mut it.installed),
                    self.withdrawn
                        .get_mut(*side)
                        .get_mut(destination)
                        .map(|it| &mut it.installed),
                ]
                .into_iter()
                .flatten()
                {
                    installed.remove(route_table);
                }
            }
            Finding::GroupMissing { side, group } => {
                let firewall = self.firewall.get_mut(*side);
                if firewall.group.as_ref() == Some(group) {
                    firewall.forget_group();
                }
            }
            Finding::RuleMissing { side, rule } => self.firewall.get_mut(*side).forget_rule(rule),
            Finding::DnsResolutionFlipped { side } => {
                let dns = self.dns.get_mut(*side);
                dns.applied = !dns.wanted;
            }
            Finding::LinkEnded { .. }
            | Finding::LinkTagMissing
            | Finding::RouteBlackhole { .. }
            | Finding::RouteExtra { .. }
            | Finding::GroupTagMissing { .. }
            | Finding::RuleTagMissing { .. }
            | Finding::RuleExtra { .. } => {}
        }
    }
}
