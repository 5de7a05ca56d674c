//! Drift: what differs from the desired state, how often it was repaired, and what was accepted.

use super::{
    super::event::{DriftAdopted, DriftDetected, DriftKind, DriftRepaired, LinkOption},
    FIGHT_WINDOW, Peering,
};
use crate::side::Side;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// How often one thing was repaired.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repairs {
    /// How often it was repaired within a day of the time before.
    pub count: u32,
    /// When it last was.
    pub last: Option<DateTime<Utc>>,
}

impl Peering {
    /// How often the subject of this drift was repaired lately, whatever differed each time: a rule
    /// that somebody adds again and again has another id each time.
    pub fn repairs_of(&self, drift: &DriftKind) -> Repairs {
        self.repairs
            .iter()
            .find(|(known, _)| known.subject() == drift.subject())
            .map(|(_, repairs)| *repairs)
            .unwrap_or_default()
    }

    /// Whether another network was seen under the name of one of its ends, and still is.
    pub fn is_replaced(&self) -> bool {
        self.drift.keys().any(DriftKind::is_replacement)
    }

    pub(in crate::network) fn drift_detected(&mut self, event: &DriftDetected) {
        self.route_drifted(&event.finding);
        self.drift.insert(event.finding.clone(), event.detected_at);
    }

    pub(in crate::network) fn drift_adopted(&mut self, event: &DriftAdopted, at: DateTime<Utc>) {
        self.drift.remove(&event.finding);
        self.accepted_drift
            .entry(event.finding.clone())
            .or_insert(at);
    }

    pub(in crate::network) fn drift_repaired(&mut self, event: &DriftRepaired) {
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
            .retain(|known, _| known.subject() != event.finding.subject());
        self.repairs.insert(
            event.finding.clone(),
            Repairs {
                count,
                last: Some(event.repaired_at),
            },
        );
    }

    /// Something else is asked for now: the drift of what was asked for before, and how often it
    /// was repaired, no longer counts, accepted or not. What was found missing is not there.
    pub(super) fn forget_drift(&mut self, is_about: impl Fn(&DriftKind) -> bool) {
        let found = self
            .drift
            .keys()
            .chain(self.accepted_drift.keys())
            .filter(|it| is_about(it))
            .cloned()
            .collect::<Vec<_>>();
        self.drift.retain(|drift, _| !is_about(drift));
        self.accepted_drift.retain(|drift, _| !is_about(drift));
        self.repairs.retain(|drift, _| !is_about(drift));
        for drift in found {
            self.take_for_true(&drift);
        }
    }

    fn option_is_otherwise(&mut self, side: Side, option: LinkOption) {
        let state = self.option_mut(side, option);
        state.applied = !state.wanted;
    }

    fn take_for_true(&mut self, drift: &DriftKind) {
        match drift {
            DriftKind::RouteMissing {
                side,
                route_table,
                destination,
            }
            | DriftKind::RouteForeign {
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
            DriftKind::GroupMissing { side, group } => {
                let firewall = self.firewall.get_mut(*side);
                if firewall.group.as_ref() == Some(group) {
                    firewall.forget_group();
                }
            }
            DriftKind::RuleMissing { side, rule } => self.firewall.get_mut(*side).forget_rule(rule),
            DriftKind::DnsResolutionFlipped { side } => {
                self.option_is_otherwise(*side, LinkOption::DnsResolution);
            }
            DriftKind::LinkOptionFlipped { side, option } => {
                self.option_is_otherwise(*side, *option);
            }
            DriftKind::LinkEnded { .. }
            | DriftKind::LinkTagMissing
            | DriftKind::RouteBlackhole { .. }
            | DriftKind::RouteExtra { .. }
            | DriftKind::GroupTagMissing { .. }
            | DriftKind::RuleTagMissing { .. }
            | DriftKind::RuleExtra { .. }
            | DriftKind::GroupDetached { .. }
            | DriftKind::NetworkReplaced { .. } => {}
            DriftKind::DenialMissing { side, denial } => {
                self.firewall.get_mut(*side).denials.made.remove(denial);
            }
        }
    }
}
