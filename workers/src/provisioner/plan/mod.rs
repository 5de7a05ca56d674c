//! Plan: what is on record and what the cloud shows go in, the next steps come out, in order. Pure.
//!
//! Records come first: they say what the look has shown, and nothing else is ever recorded as an outcome. Actions follow, for what is
//! missing. When nothing is left to do, a plan says whether somebody must act (blocked) or the last one who had to has acted.
//!
//! ```text
//!   Requested ──────────▶ link: look for one of ours, for a stranger's; then intend and create
//!   Initiating ─────────▶ link: found → record; not found → wait for the visibility window, then the next attempt
//!   Initiated ──────────▶ link: pending → compare the remote side's view with the record, accept
//!   Accepted ───────────▶ link: wait
//!   Active ─────────────▶ routes and firewall, side by side
//!   Ended ──────────────▶ nothing
//! ```

mod firewall;
mod link;
mod routes;
#[cfg(test)]
mod tests;

use super::{apply::Action, block, memory::Memory, observe::Observed, settings::ProvisionerSettings};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    Side,
    network::{BlockCause, Life, Outcome, Peering, PeeringInitiationStarted, ProvisioningBlocked, ProvisioningUnblocked, Registered},
};
use std::time::Duration;

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Put on record what was seen.
    Record(Outcome),
    /// Put on record what is about to be asked of the cloud. Whoever could not write it must not ask.
    Intend(PeeringInitiationStarted),
    /// Change something at the cloud.
    Act(Action),
}

impl Step {
    /// The side whose identity the step needs; none for what only looks back.
    pub(super) fn side(&self) -> Option<Side> {
        match self {
            Self::Record(_) => None,
            Self::Intend(_) => Some(Side::Local),
            Self::Act(action) => Some(action.side()),
        }
    }
}

/// What comes after the steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The steps change what there is to do: plan again.
    AtOnce,
    /// The cloud is at work, or does not show everything yet.
    Poll,
    /// Somebody must act; try again after a growing pause.
    Blocked,
    /// Everything is as asked.
    Settled,
}

/// The steps, and what comes after them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    pub(super) next: Next,
    /// Whether something that must be there is missing; it may come back.
    pub(super) missing: bool,
}

/// What a plan is made from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts<'a> {
    pub(super) network: &'a Registered,
    pub(super) peering: &'a Peering,
    pub(super) seen: &'a Observed,
    pub(super) memory: &'a Memory,
    pub(super) now: DateTime<Utc>,
    pub(super) settings: &'a ProvisionerSettings,
}

/// Plans the next steps for one peering.
pub(super) fn plan(facts: &Facts<'_>) -> Plan {
    let mut draft = Draft::default();
    match &facts.peering.life {
        Life::Requested => link::seek(facts, link::Attempt::First, &mut draft),
        Life::InitiationRefused { attempt } => link::seek(facts, link::Attempt::After { refused: *attempt }, &mut draft),
        Life::Initiating { attempt, started_at } => {
            link::seek(facts, link::Attempt::Open { attempt: *attempt, started_at: *started_at }, &mut draft);
        }
        Life::Initiated { link, .. } => link::accept(facts, link, &mut draft),
        Life::Accepted { link } => link::wait(facts, link, &mut draft),
        Life::Active { link } => {
            if link::is_active(facts, link, &mut draft) {
                for side in Side::BOTH {
                    routes::plan(facts, side, link, &mut draft);
                    firewall::plan(facts, side, &mut draft);
                }
            }
        }
        Life::Ended(_) => {}
    }
    draft.finish(facts)
}

/// A plan in the making.
#[derive(Debug, Default)]
struct Draft {
    records: Vec<Outcome>,
    intent: Option<PeeringInitiationStarted>,
    actions: Vec<Action>,
    /// The first reason found why somebody must act.
    block: Option<ProvisioningBlocked>,
    polls: bool,
    missing: bool,
    again: bool,
}

impl Draft {
    fn record(&mut self, outcome: Outcome) {
        self.records.push(outcome);
    }

    fn block(&mut self, facts: &Facts<'_>, cause: BlockCause, side: Side, message: String, remedy: Vec<String>) {
        self.block.get_or_insert(ProvisioningBlocked { peering_id: facts.peering.id, cause, side, message, remedy });
    }

    /// Something must be there and is not: patience first, then a person.
    fn missing(&mut self, facts: &Facts<'_>, side: Side, message: String, remedy: Vec<String>) {
        self.missing = true;
        if facts.memory.missing_since.is_some_and(|since| facts.now >= later(since, facts.settings.visibility_window)) {
            self.block(facts, BlockCause::NotFound, side, message, remedy);
        }
    }

    /// An action, unless the cloud has confirmed it a moment ago; then reads are late.
    fn act(&mut self, facts: &Facts<'_>, action: Action) {
        let Some(answered) = facts.memory.answered(&action) else {
            self.actions.push(action);
            return;
        };
        if facts.now >= later(answered.first, facts.settings.visibility_window) {
            let message = format!("the cloud says that this is done, and does not show it: {action:?}");
            let remedy = vec!["look for something of the same name that Peerage did not make, and remove it".to_owned()];
            self.block(facts, BlockCause::Conflict, action.side(), message, remedy);
        }
        if facts.now < later(answered.last, facts.settings.settle_window) {
            self.polls = true;
        } else {
            self.actions.push(action);
        }
    }

    fn finish(self, facts: &Facts<'_>) -> Plan {
        let acts = self.intent.is_some() || !self.actions.is_empty();
        let mut records = self.records;
        let next = match (&self.block, acts) {
            (_, true) => Next::AtOnce,
            (None, false) if self.again => Next::AtOnce,
            (_, false) if self.polls => Next::Poll,
            (Some(_), false) => Next::Blocked,
            (None, false) if self.missing => Next::Poll,
            (None, false) => Next::Settled,
        };
        if !acts && facts.peering.life.is_live() {
            match self.block {
                Some(block) => records.extend(block::news(facts.peering, block)),
                None if facts.peering.blocked.is_some() && !self.missing => {
                    records.push(Outcome::Unblocked(ProvisioningUnblocked { peering_id: facts.peering.id }));
                }
                None => {}
            }
        }
        let records = records.into_iter().map(Step::Record);
        let steps = records.chain(self.intent.map(Step::Intend)).chain(self.actions.into_iter().map(Step::Act));
        Plan { steps: steps.collect(), next, missing: self.missing }
    }
}

/// A moment after another.
fn later(moment: DateTime<Utc>, wait: Duration) -> DateTime<Utc> {
    moment + TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX)
}
