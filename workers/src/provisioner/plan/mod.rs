//! Plan: what is on record and what the cloud shows go in, the next steps come out, in order. Pure.
//!
//! A plan first names what it must see and was not read yet ([`Plan::needs`]). Once it has
//! seen enough, records come first: they say what the pass has shown, and nothing else is ever
//! recorded as an outcome. Actions follow, for what is missing. When nothing is left to do, a plan
//! says whether somebody must act (blocked) or the last one who had to has acted, and when to look
//! again.
//!
//! ```text
//!   Requested ──────────▶ link: look for one of ours, for a stranger's; preflight; then intend and create
//!   Initiating ─────────▶ link: found → record; not found → wait for the visibility window, then the next attempt
//!   Initiated ──────────▶ accept: pending → compare the remote side's view with the record, accept; or wait for the owner, and the clock
//!   Accepted ───────────▶ accept: wait
//!   Active ─────────────▶ active: routes, firewall, name resolution and exposures, side by side, against what was there before
//!   Removing ───────────▶ removal: rules and routes, options, the link, groups, in that order
//!   Ended ──────────────▶ nothing
//! ```

mod abandonment;
mod accept;
mod active;
mod adoption;
mod attachment;
mod closing;
mod denial;
mod drift;
mod exposure;
mod firewall;
mod halves;
mod ingress;
mod left_open;
mod link;
mod options;
mod pair;
mod preflight;
mod ranges;
mod removal;
mod replaced;
mod routes;
mod states;
mod step;
mod tenure;
#[cfg(test)]
mod tests;

pub(super) use abandonment::cleans;
pub(super) use preflight::{CheckOutcome, CheckReport};
pub(super) use step::Step;

use super::{
    apply::Action,
    block,
    graph::Graph,
    memory::Memory,
    observe::Observed,
    outlook::{Missing, Next},
    query::Query,
    settings::ProvisionerSettings,
};
use chrono::{DateTime, TimeDelta, Utc};
use cloud::{Limits, LinkState};
use domain::{
    BySide, Side,
    network::{
        BlockCause, DriftKind, HalfChange, HalfChangeStarted, InboundRule, InstallationStarted,
        Life, Outcome, Peering, PeeringDeadlinePassed, PeeringInitiationStarted,
        ProvisioningBlocked, Registered, Thing,
    },
};
use std::{collections::BTreeSet, time::Duration};

/// The steps, and what comes after them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// What must be seen before there can be any step.
    pub(super) needs: BTreeSet<Query>,
    pub(super) steps: Vec<Step>,
    pub(super) next: Next,
    /// What must be there and is not shown; it may come back.
    pub(super) missing: BTreeSet<Missing>,
    /// When time alone gives something to do.
    pub(super) due: Option<DateTime<Utc>>,
    /// Whether nobody has to act any more, once all steps are done and none has failed.
    pub(super) unblocks: bool,
}

impl Plan {
    /// Nothing to see and nothing to do.
    pub(super) fn nothing() -> Self {
        Self {
            needs: BTreeSet::new(),
            steps: Vec::new(),
            next: Next::Settled,
            missing: BTreeSet::new(),
            due: None,
            unblocks: false,
        }
    }
}

/// What a plan is made from.
#[derive(Clone, Debug)]
pub(super) struct Facts<'a> {
    pub(super) network: &'a Registered,
    pub(super) peering: &'a Peering,
    pub(super) seen: &'a Observed,
    pub(super) memory: &'a Memory,
    /// All networks and peerings in the log.
    pub(super) graph: &'a Graph,
    pub(super) limits: BySide<Limits>,
    pub(super) now: DateTime<Utc>,
    /// When the pass began that all of `seen` comes from. Whether something has been out of sight
    /// for long enough is counted up to then, not up to now: a read may take its time.
    pub(super) seen_at: DateTime<Utc>,
    pub(super) settings: &'a ProvisionerSettings,
    /// The sides that could not be looked at in this pass.
    pub(super) unseen: BySide<bool>,
    /// Whether openings and repairs rest.
    pub(super) rests: bool,
}

/// Plans the next steps for one peering.
pub(super) fn plan(facts: &Facts<'_>) -> Plan {
    let mut draft = Draft::default();
    of_its_life(facts, &mut draft);
    replaced::plan(facts, &mut draft);
    draft.finish(facts)
}

fn of_its_life(facts: &Facts<'_>, draft: &mut Draft) {
    ingress::expire(facts, draft);
    tenure::expire(facts, draft);
    if !draft.records.is_empty()
        || deadline_passed(facts, draft)
        || halves::is_under_way(facts, draft)
    {
        return;
    }
    match &facts.peering.life {
        Life::Requested => link::find_or_create(facts, link::Attempt::First, draft),
        Life::InitiationRefused { attempt } => {
            link::find_or_create(facts, link::Attempt::After { refused: *attempt }, draft)
        }
        Life::Initiating {
            attempt,
            started_at,
        } => {
            link::find_or_create(
                facts,
                link::Attempt::Open {
                    attempt: *attempt,
                    started_at: *started_at,
                },
                draft,
            );
        }
        Life::AwaitingAcceptance {
            link,
            expires_at,
            warned,
        } => accept::plan(facts, link, *expires_at, *warned, draft),
        Life::Provisioning { link } => accept::wait(facts, link, draft),
        Life::Active { link } => active::plan(facts, link, draft),
        Life::Removing { trace, .. } => removal::plan(facts, trace, draft),
        Life::Abandoning { trace } => abandonment::plan(facts, trace, draft),
        Life::Ended(_) => {}
    }
}

/// Plans what this side has to close, from what is on record. It asks for that side's own tables
/// and groups alone, opens nothing, and says nothing of blocks.
pub(super) fn closings(facts: &Facts<'_>, side: Side) -> Plan {
    let mut draft = Draft::default();
    closing::plan(facts, side, &mut draft);
    draft.block = None;
    draft.again = false;
    Plan {
        unblocks: false,
        ..draft.finish(facts)
    }
}

/// Everything that a first write would wait for, or what must be seen before that can be told.
pub(super) fn preflight(facts: &Facts<'_>) -> Result<Vec<CheckReport>, BTreeSet<Query>> {
    let mut draft = Draft::default();
    preflight::checks(facts, &mut draft).ok_or(draft.needs)
}

/// A link that is not active by the time its request named is taken back.
fn deadline_passed(facts: &Facts<'_>, draft: &mut Draft) -> bool {
    let Some(deadline) = facts.peering.terms.deadline else {
        return false;
    };
    match facts.peering.life {
        Life::Requested
        | Life::Initiating { .. }
        | Life::InitiationRefused { .. }
        | Life::AwaitingAcceptance { .. }
        | Life::Provisioning { .. } => {}
        Life::Active { .. } | Life::Removing { .. } | Life::Abandoning { .. } | Life::Ended(_) => {
            return false;
        }
    }
    if facts.now < deadline {
        draft.due_at(deadline);
        return false;
    }
    // It may have become active in time, and nobody has looked since.
    if let Life::AwaitingAcceptance { link, .. } | Life::Provisioning { link } = &facts.peering.life
    {
        let Some(views) = draft.require(&facts.seen.links.local, Query::Links(Side::Local)) else {
            return true;
        };
        if views
            .iter()
            .any(|view| view.link == *link && view.state == LinkState::Active)
        {
            return false;
        }
    }
    draft.record(PeeringDeadlinePassed {
        peering_id: facts.peering.id,
        deadline,
    });
    draft.again = true;
    true
}

/// A plan in the making.
#[derive(Debug, Default)]
struct Draft {
    needs: BTreeSet<Query>,
    records: Vec<Outcome>,
    intent: Option<PeeringInitiationStarted>,
    /// The halves that these actions make or remove, as far as that is not on record.
    halves: Vec<HalfChangeStarted>,
    actions: Vec<Action>,
    /// What these actions make, as far as that is not on record.
    things: BySide<BTreeSet<Thing>>,
    /// What a group that these actions make is to admit.
    admissions: Vec<(Side, InboundRule)>,
    /// The first reason found why somebody must act.
    block: Option<ProvisioningBlocked>,
    /// What was found otherwise than it was left.
    found: BTreeSet<DriftKind>,
    due: Option<DateTime<Utc>>,
    polls: bool,
    missing: BTreeSet<Missing>,
    again: bool,
    /// Whether an exposure stands that the policy covers: no route is opened meanwhile.
    exposed: bool,
    /// Whether another network has the name of one of the ends.
    replaced: bool,
}

impl Draft {
    /// What was seen, or a wish to see it.
    fn require<'s, T>(&mut self, slot: &'s Option<T>, query: Query) -> Option<&'s T> {
        if slot.is_none() {
            self.needs.insert(query);
        }
        slot.as_ref()
    }

    fn record(&mut self, outcome: impl Into<Outcome>) {
        self.records.push(outcome.into());
    }

    /// Whether there is something left to do or to wait for at the cloud.
    fn is_busy(&self) -> bool {
        !self.needs.is_empty() || !self.actions.is_empty() || self.polls || !self.missing.is_empty()
    }

    fn due_at(&mut self, at: DateTime<Utc>) {
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }

    fn block(
        &mut self,
        facts: &Facts<'_>,
        cause: BlockCause,
        side: Side,
        message: String,
        remedy: Vec<String>,
    ) {
        self.block.get_or_insert(ProvisioningBlocked {
            peering_id: facts.peering.id,
            cause,
            side,
            message,
            remedy,
            times: 1,
        });
    }

    /// Something must be there and is not: patience first, then a person.
    fn missing(&mut self, facts: &Facts<'_>, what: Missing, message: String, remedy: Vec<String>) {
        self.missing.insert(what);
        if facts.has_been_missing_for_long(what) {
            self.block(facts, BlockCause::NotFound, what.side(), message, remedy);
        }
    }

    /// An action, unless the cloud has confirmed it a moment ago.
    fn act(&mut self, facts: &Facts<'_>, action: Action) {
        if !self.waits_for(facts, &action) {
            self.actions.push(action);
        }
    }

    /// An action that makes this thing: that it is about to is on record first.
    fn install(&mut self, facts: &Facts<'_>, side: Side, thing: Thing, action: Action) {
        if !self.waits_for(facts, &action) {
            self.about_to_make(facts, side, thing);
            self.actions.push(action);
        }
    }

    fn about_to_make(&mut self, facts: &Facts<'_>, side: Side, thing: Thing) {
        if !facts.peering.is_ours(side, &thing) {
            self.things.get_mut(side).insert(thing);
        }
    }

    /// Leaves out what may not be opened now: while openings rest, in a network that is frozen, a
    /// peering in quarantine, or one of which an end was replaced anything, and while an exposure
    /// stands that the policy covers every route.
    fn hold_back(&mut self, facts: &Facts<'_>) {
        if facts.rests || self.replaced || !facts.network.may_open(facts.peering) {
            self.intent = None;
            self.halves.retain(|it| it.change == HalfChange::Remove);
            self.actions.retain(|it| !it.opens());
            self.things = BySide::default();
            self.admissions.clear();
        }
        if self.exposed {
            let before = self.actions.len();
            let is_route = |it: &Action| matches!(it, Action::InstallRoute { .. });
            self.actions.retain(|it| !is_route(it));
            for side in Side::BOTH {
                self.things
                    .get_mut(side)
                    .retain(|it| !matches!(it, Thing::Route { .. }));
            }
            self.polls |= self.actions.len() < before;
        }
    }

    /// Whether the cloud has confirmed this a moment ago; then reads are late.
    fn waits_for(&mut self, facts: &Facts<'_>, action: &Action) -> bool {
        if let Some(answered) = facts.memory.answered(action) {
            if facts.seen_at >= later(answered.first, facts.settings.visibility_window) {
                let message = format!(
                    "the cloud says that this is done, and does not show it: {}",
                    action.describe().1
                );
                let remedy = vec![
                    "look for something of the same name that Peerage did not make, and remove it"
                        .to_owned(),
                ];
                self.block(facts, BlockCause::Conflict, action.side(), message, remedy);
            }
            if facts.seen_at < later(answered.last, facts.settings.settle_window) {
                self.polls = true;
                return true;
            }
        }
        false
    }

    fn finish(mut self, facts: &Facts<'_>) -> Plan {
        if !self.needs.is_empty() {
            return Plan {
                needs: self.needs,
                steps: Vec::new(),
                next: Next::AtOnce,
                missing: self.missing,
                due: self.due,
                unblocks: false,
            };
        }
        self.hold_back(facts);
        let acts = self.intent.is_some() || !self.actions.is_empty();
        let mut records = self.records;
        // Whoever is to be asked once more is asked at once.
        let renews =
            facts.peering.terms.renew && records.iter().any(|it| matches!(it, Outcome::Expired(_)));
        let again = self.again || renews;
        let next = match (&self.block, acts) {
            (_, true) => Next::AtOnce,
            (None, false) if again => Next::AtOnce,
            (_, false) if self.polls => Next::Poll,
            (Some(_), false) => Next::Blocked,
            (None, false) if !self.missing.is_empty() => Next::Poll,
            (None, false) => Next::Settled,
        };
        let mut unblocks = false;
        if !acts && facts.peering.life.is_live() {
            match self.block {
                Some(block) => records.extend(block::news(facts.peering, block)),
                None => {
                    unblocks = facts.peering.blocked.is_some() && self.missing.is_empty() && !again;
                }
            }
        }
        let records = records.into_iter().map(Step::Record);
        let (closings, openings): (Vec<_>, Vec<_>) =
            self.actions.into_iter().partition(|it| !it.opens());
        let things = self.things;
        let begun = Side::BOTH.into_iter().filter_map(|side| {
            let things: Vec<_> = things.get(side).iter().cloned().collect();
            (!things.is_empty()).then_some(InstallationStarted {
                peering_id: facts.peering.id,
                side,
                things,
            })
        });
        let (made, removed): (Vec<_>, Vec<_>) = self
            .halves
            .into_iter()
            .partition(|it| it.change == HalfChange::Make);
        let steps = records
            .chain(removed.into_iter().map(Step::BeginHalf))
            .chain(closings.into_iter().map(Step::Act))
            .chain(self.intent.map(Step::Intend))
            .chain(made.into_iter().map(Step::BeginHalf))
            .chain(begun.map(Step::Begin))
            .chain(openings.into_iter().map(Step::Act));
        let steps = steps.chain(
            self.admissions
                .into_iter()
                .map(|(side, rule)| Step::AdmitInNew { side, rule }),
        );
        Plan {
            needs: BTreeSet::new(),
            steps: steps.collect(),
            next,
            missing: self.missing,
            due: self.due,
            unblocks,
        }
    }
}

impl Facts<'_> {
    /// Whether this has been missing for longer than a cloud hides what exists.
    fn has_been_missing_for_long(&self, what: Missing) -> bool {
        self.memory
            .missing_since
            .get(&what)
            .is_some_and(|since| self.seen_at >= later(*since, self.settings.visibility_window))
    }
}

/// A moment after another.
fn later(moment: DateTime<Utc>, wait: Duration) -> DateTime<Utc> {
    moment + TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX)
}
