//! What one process remembers of a peering between two passes. It only ever makes the provisioner
//! wait, never skip: with an empty memory, as after a restart, the same is done, perhaps once too
//! often and then to no effect. Only what the engine says of itself is less then: that it has
//! accepted a link.

use super::{
    apply::Action,
    cause::Causes,
    outlook::{Missing, Next, Outlook},
    settings::ProvisionerSettings,
};
use chrono::{DateTime, Utc};
use cloud::{CallClass, Operation};
use domain::{
    CloudCalls, PeeringId, Side,
    network::{Peering, Policy, Registered},
    text::{Link, Subnet},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio::time::Instant;

/// The memory of one peering.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    /// What was asked for, as it was after the last pass.
    pub(super) as_of: Option<AsOf>,
    /// Whether everything was as asked then.
    pub(super) settled: bool,
    /// When to look again without any event.
    pub(super) due: Option<Instant>,
    /// Passes in a row that found the cloud at work.
    pub(super) polls: u32,
    /// Passes in a row that failed.
    pub(super) failures: u32,
    /// What failed in the last one, and since when.
    pub(super) failing: Option<Failing>,
    /// Whether the last failure is one that time hardly cures: a quota, or a request for a link
    /// that was refused.
    pub(super) patient: bool,
    /// Since when what must be there has been missing, each for itself.
    pub(super) missing_since: BTreeMap<Missing, DateTime<Utc>>,
    /// Changes that the cloud has confirmed and that no read has shown yet.
    pub(super) answered: Vec<Answered>,
    /// The link that this process has asked to be accepted, unless the cloud has certainly refused.
    pub(super) accepted: Option<Link>,
    /// The attempt to make a link that the cloud was too busy for: nothing was done, and it is made
    /// again as it is.
    pub(super) put_off: Option<u32>,
    /// When to look once more at a peering that ended while this process made something for it.
    pub(super) last_look: Option<Instant>,
    /// The calls since the last outcome on record, for the next one.
    pub(super) calls: CloudCalls,
    /// The trace that the last pass was part of, until everything is as asked.
    pub(super) cause: Option<Arc<str>>,
}

/// What fails. Another side, or another change, is another thing: two answers that were lost, each
/// at its account, are no silence of either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Failing {
    side: Side,
    /// Which change; `None` for the reads.
    change: Option<Operation>,
    since: DateTime<Utc>,
}

/// Everything that a peering's plan depends on, beside what is seen: what is on record, and whether
/// openings rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AsOf {
    peering: Peering,
    policy: Policy,
    subnets: Vec<Subnet>,
    drift_check: Option<DateTime<Utc>>,
    frozen: bool,
    quarantined: bool,
    rests: bool,
}

impl AsOf {
    pub(super) fn of(network: &Registered, id: PeeringId, rests: bool) -> Option<Self> {
        let peering = network.peerings().get(&id)?;
        // That an engine is blocked, this one or another, gives nobody anything to do.
        let peering = Peering {
            blocked: None,
            ..peering.clone()
        };
        Some(Self {
            peering,
            policy: network.policy.clone(),
            subnets: network.subnets.clone(),
            drift_check: network.drift_check,
            frozen: network.is_frozen(),
            quarantined: network
                .peerings()
                .get(&id)
                .is_some_and(|it| network.is_quarantined(it)),
            rests,
        })
    }
}

/// A confirmed change.
#[derive(Clone, Debug)]
pub(super) struct Answered {
    pub(super) action: Action,
    pub(super) first: DateTime<Utc>,
    pub(super) last: DateTime<Utc>,
}

impl Memory {
    /// The trace that the next pass is part of, and those that it links to. One that nothing has
    /// asked for, and that goes on with what an earlier one has begun, links to that one's.
    pub(super) fn goes_on_with(&mut self, causes: &Causes) -> (Option<Arc<str>>, Option<String>) {
        let earlier = self.cause.take().filter(|_| !self.settled);
        let (first, links) = (causes.first(), causes.links(earlier.as_ref()));
        self.cause = first.clone().or(earlier);
        (first, links)
    }

    pub(super) fn note_answered(&mut self, action: &Action, now: DateTime<Utc>) {
        match self.answered.iter_mut().find(|it| it.action == *action) {
            Some(known) => known.last = now,
            None => self.answered.push(Answered {
                action: action.clone(),
                first: now,
                last: now,
            }),
        }
    }

    /// The peering has ended while this process made something for it: it is looked at then.
    pub(super) fn looks_once_more(&mut self, at: Instant) {
        self.settled = false;
        self.last_look = Some(at);
        self.due = Some(at);
    }

    /// Something was done: what failed before is over.
    pub(super) fn note_success(&mut self) {
        self.failures = 0;
        self.failing = None;
        self.patient = false;
        self.polls = 0;
    }

    /// A plan was carried out, and nothing failed.
    pub(super) fn note_unfailing(&mut self) {
        self.failing = None;
    }

    /// Notes a failure, and says for how long the same has failed in every pass.
    pub(super) fn note_failure(
        &mut self,
        now: DateTime<Utc>,
        side: Side,
        operation: Operation,
        patient: bool,
    ) -> Duration {
        self.failures = self.failures.saturating_add(1);
        self.patient = patient;
        let change = Some(operation).filter(|it| it.class() == CallClass::Write);
        let since = match self.failing {
            Some(it) if it.side == side && it.change == change => it.since,
            Some(_) | None => now,
        };
        self.failing = Some(Failing {
            side,
            change,
            since,
        });
        (now - since).to_std().unwrap_or_default()
    }

    /// Notes what is missing now; what has come back is waited for anew when it goes again.
    pub(super) fn note_missing(&mut self, missing: &BTreeSet<Missing>, now: DateTime<Utc>) {
        self.missing_since
            .retain(|known, _| missing.contains(known));
        for it in missing {
            self.missing_since.entry(*it).or_insert(now);
        }
    }

    pub(super) fn answered(&self, action: &Action) -> Option<&Answered> {
        self.answered.iter().find(|it| it.action == *action)
    }

    /// Whether what was asked for has changed since the last pass, or its time has come.
    pub(super) fn is_due(&self, as_of: Option<&AsOf>) -> bool {
        self.as_of.as_ref() != as_of || self.time_has_come()
    }

    pub(super) fn time_has_come(&self) -> bool {
        self.due.is_some_and(|due| due <= Instant::now())
    }

    /// Notes how a pass ended, and from that when the next one is due.
    pub(super) fn schedule(
        &mut self,
        Outlook { next, due_in }: Outlook,
        as_of: Option<AsOf>,
        settings: &ProvisionerSettings,
    ) {
        let wait = match next {
            Next::AtOnce | Next::Poll => {
                self.settled = false;
                self.polls = self.polls.saturating_add(1);
                Some(settings.poll(self.polls - 1))
            }
            Next::Blocked => {
                self.settled = false;
                self.failures = self.failures.max(1);
                let wait = settings.backoff(self.failures - 1, self.patient);
                self.failures = self.failures.saturating_add(1);
                Some(wait)
            }
            Next::Settled => {
                // Nothing follows from the reads of a look that found all as it should be.
                let mut calls = std::mem::take(&mut self.calls);
                calls.forget_reads();
                *self = Self {
                    settled: true,
                    last_look: self.last_look,
                    calls,
                    ..Self::default()
                };
                None
            }
        };
        let wait = wait.into_iter().chain(due_in).min();
        self.due = wait.map(|wait| Instant::now() + wait).or(self.last_look);
        self.as_of = as_of;
    }
}
