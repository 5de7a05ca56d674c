//! What one process remembers of a peering between two looks. It only ever makes the provisioner wait, never skip: with an empty
//! memory, as after a restart, the same is done, perhaps once too often and then to no effect.

use super::{apply::Action, plan::Next, settings::ProvisionerSettings};
use chrono::{DateTime, Utc};
use domain::network::Peering;
use tokio::time::Instant;

/// The memory of one peering.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    /// The peering as it was after the last pass.
    pub(super) as_of: Option<Peering>,
    /// When to look again without any event.
    pub(super) due: Option<Instant>,
    /// Looks in a row that found the cloud at work.
    pub(super) polls: u32,
    /// Passes in a row that failed.
    pub(super) failures: u32,
    /// Since when something that must be there has been missing.
    pub(super) missing_since: Option<DateTime<Utc>>,
    /// Changes that the cloud has confirmed and that no look has shown yet.
    pub(super) answered: Vec<Answered>,
}

/// A confirmed change.
#[derive(Clone, Debug)]
pub(super) struct Answered {
    pub(super) action: Action,
    pub(super) first: DateTime<Utc>,
    pub(super) last: DateTime<Utc>,
}

impl Memory {
    pub(super) fn note_answered(&mut self, action: &Action, now: DateTime<Utc>) {
        match self.answered.iter_mut().find(|it| it.action == *action) {
            Some(known) => known.last = now,
            None => self.answered.push(Answered { action: action.clone(), first: now, last: now }),
        }
    }

    pub(super) fn answered(&self, action: &Action) -> Option<&Answered> {
        self.answered.iter().find(|it| it.action == *action)
    }

    /// Whether the peering has changed since the last pass, or its time has come.
    pub(super) fn is_due(&self, peering: Option<&Peering>) -> bool {
        self.as_of.as_ref() != peering || self.due.is_some_and(|due| due <= Instant::now())
    }

    /// Notes how a pass ended, and from that when the next one is due.
    pub(super) fn schedule(&mut self, next: Next, peering: Option<&Peering>, settings: &ProvisionerSettings) {
        let wait = match next {
            Next::AtOnce | Next::Poll => {
                self.polls = self.polls.saturating_add(1);
                Some(settings.poll(self.polls - 1))
            }
            Next::Blocked => {
                self.failures = self.failures.max(1);
                let wait = settings.backoff(self.failures - 1);
                self.failures = self.failures.saturating_add(1);
                Some(wait)
            }
            Next::Settled => {
                *self = Self::default();
                None
            }
        };
        self.due = wait.map(|wait| Instant::now() + wait);
        self.as_of = peering.cloned();
    }
}
