//! The link's life: attempts, the link itself, and every way to the end. Total: an event that the
//! life has no place for changes nothing, and what has ended stays as it ended, but for a renewal.

use super::{
    super::event::{
        LinkOption, PeeringAbandoned, PeeringAbandonmentRequested, PeeringAccepted,
        PeeringDeadlinePassed, PeeringInitiated, PeeringInitiationRefused,
        PeeringInitiationStarted, PeeringRemovalRequested, PeeringRemoved, PeeringRenewed,
        PeeringSurveyed,
    },
    Ending, Life, LinkTrace, OpenAttempt, Origin, Peering, RefusedAttempts, Removal, RemovalCause,
};
use crate::{
    side::{BySide, Side},
    text::Link,
};
use chrono::{DateTime, Utc};

impl Peering {
    fn end(&mut self, ending: Ending, at: DateTime<Utc>) {
        self.life = Life::Ended(ending);
        self.ended_at = Some(at);
        self.blocked = None;
        self.drift.clear();
    }

    /// While a peering is being removed or given up, the end of its link is a step of that and no
    /// ending.
    pub(in crate::network) fn end_by_itself(&mut self, ending: Ending, at: DateTime<Utc>) {
        if !matches!(self.life, Life::Removing { .. } | Life::Abandoning { .. }) {
            self.end(ending, at);
        }
    }

    pub(in crate::network) fn removal_requested(
        &mut self,
        event: &PeeringRemovalRequested,
        at: DateTime<Utc>,
    ) {
        let reason = event.reason.clone();
        self.remove(RemovalCause::Command { reason }, at);
    }

    pub(in crate::network) fn deadline_passed(
        &mut self,
        event: &PeeringDeadlinePassed,
        at: DateTime<Utc>,
    ) {
        let passed = event.deadline;
        self.remove(RemovalCause::Deadline { passed }, at);
    }

    pub(super) fn remove(&mut self, cause: RemovalCause, at: DateTime<Utc>) {
        if matches!(self.life, Life::Removing { .. } | Life::Abandoning { .. }) {
            return;
        }
        self.life = Life::Removing {
            trace: self.trace(),
        };
        self.removal = Some(Removal {
            since: at,
            cause,
            link_removed_at: None,
            clean: None,
        });
        self.blocked = None;
        self.drift.clear();
    }

    pub(in crate::network) fn link_removed(&mut self, link: &Link, at: DateTime<Utc>) {
        if let Life::Removing { trace } | Life::Abandoning { trace } = &mut self.life {
            *trace = LinkTrace::Gone(link.clone());
            if let Some(removal) = &mut self.removal {
                removal.link_removed_at = Some(at);
            }
        }
    }

    pub(in crate::network) fn removed(&mut self, event: &PeeringRemoved, at: DateTime<Utc>) {
        if matches!(self.life, Life::Removing { .. }) {
            let link = self.life.link().cloned();
            let left_behind = event.left_behind.clone();
            self.end(Ending::Removed { link, left_behind }, at);
        }
    }

    /// What is being removed is given up where it is.
    pub(in crate::network) fn abandonment_requested(
        &mut self,
        event: &PeeringAbandonmentRequested,
        at: DateTime<Utc>,
    ) {
        let begun = self.removal.as_ref().map(|removal| removal.since);
        let since = begun
            .filter(|_| matches!(self.life, Life::Abandoning { .. }))
            .unwrap_or(at);
        self.life = Life::Abandoning {
            trace: self.trace(),
        };
        self.removal = Some(Removal {
            since,
            cause: RemovalCause::Command {
                reason: event.reason.clone(),
            },
            link_removed_at: self.removal.as_ref().and_then(|it| it.link_removed_at),
            clean: event.clean,
        });
        self.blocked = None;
        self.drift.clear();
    }

    pub(in crate::network) fn abandoned(&mut self, event: &PeeringAbandoned, at: DateTime<Utc>) {
        let link = self.life.link().cloned();
        let left_behind = event.left_behind.clone();
        self.removal = Some(Removal {
            since: at,
            cause: RemovalCause::Command {
                reason: event.reason.clone(),
            },
            link_removed_at: self.removal.as_ref().and_then(|it| it.link_removed_at),
            clean: self.removal.as_ref().and_then(|it| it.clean),
        });
        let not_observed = event.not_observed.clone();
        self.end(
            Ending::Abandoned {
                link,
                left_behind,
                not_observed,
            },
            at,
        );
    }

    pub(in crate::network) fn renew(&mut self, event: &PeeringRenewed) {
        if !matches!(self.life, Life::Ended(Ending::Expired { .. })) {
            return;
        }
        self.past_links.insert(event.expired.clone());
        self.terms.renew = false;
        self.halves = BySide::default();
        self.ended_at = None;
        self.open_attempt = None;
        self.life = Life::Requested;
    }

    pub(in crate::network) fn initiation_started(&mut self, event: &PeeringInitiationStarted) {
        match self.life {
            Life::Requested | Life::InitiationRefused { .. } => {}
            Life::Initiating { attempt, .. } if attempt == event.attempt => return,
            Life::Initiating {
                attempt,
                started_at,
            } => {
                self.open_attempt = Some(OpenAttempt {
                    attempt,
                    started_at,
                })
            }
            Life::AwaitingAcceptance { .. }
            | Life::Provisioning { .. }
            | Life::Active { .. }
            | Life::Removing { .. }
            | Life::Abandoning { .. }
            | Life::Ended(_) => return,
        }
        self.life = Life::Initiating {
            attempt: event.attempt,
            started_at: event.started_at,
        };
    }

    /// The answer to this attempt says nothing of an earlier one that was never answered.
    pub(in crate::network) fn initiation_refused(
        &mut self,
        event: &PeeringInitiationRefused,
        at: DateTime<Utc>,
    ) {
        let refused = event.attempt;
        let before = self.refused.filter(|it| it.cause == event.cause);
        self.refused = Some(RefusedAttempts {
            cause: event.cause,
            times: before.map_or(0, |it| it.times).saturating_add(1),
            last: at,
        });
        match &mut self.life {
            Life::Initiating { attempt, .. } if *attempt == refused => {
                self.life = Life::InitiationRefused { attempt: refused };
                if self.open_attempt.is_none() {
                    self.halves = BySide::default();
                }
            }
            Life::Removing {
                trace: trace @ LinkTrace::Perhaps { .. },
            }
            | Life::Abandoning {
                trace: trace @ LinkTrace::Perhaps { .. },
            } => {
                *trace = self
                    .open_attempt
                    .take()
                    .map_or(LinkTrace::Never, LinkTrace::from);
                if *trace == LinkTrace::Never {
                    self.halves = BySide::default();
                }
            }
            Life::Requested
            | Life::Initiating { .. }
            | Life::InitiationRefused { .. }
            | Life::AwaitingAcceptance { .. }
            | Life::Provisioning { .. }
            | Life::Active { .. }
            | Life::Removing { .. }
            | Life::Abandoning { .. }
            | Life::Ended(_) => {}
        }
    }

    pub(in crate::network) fn initiated(&mut self, event: &PeeringInitiated) {
        let link = event.link.clone();
        match &mut self.life {
            Life::Removing {
                trace: trace @ LinkTrace::Perhaps { .. },
            }
            | Life::Abandoning {
                trace: trace @ LinkTrace::Perhaps { .. },
            } => *trace = LinkTrace::Seen(link),
            Life::Initiating { started_at, .. } => {
                let window = self.peer.provider.quotas().acceptance_window;
                let expires_at = event
                    .expires_at
                    .or_else(|| window.map(|window| *started_at + window));
                self.life = Life::AwaitingAcceptance {
                    link,
                    expires_at,
                    warned: false,
                };
            }
            Life::Requested
            | Life::InitiationRefused { .. }
            | Life::AwaitingAcceptance { .. }
            | Life::Provisioning { .. }
            | Life::Active { .. }
            | Life::Removing { .. }
            | Life::Abandoning { .. }
            | Life::Ended(_) => return,
        }
        self.open_attempt = None;
        self.refused = None;
    }

    pub(in crate::network) fn expiry_near(&mut self) {
        if let Life::AwaitingAcceptance { warned, .. } = &mut self.life {
            *warned = true;
        }
    }

    pub(in crate::network) fn accepted(&mut self, event: &PeeringAccepted, at: DateTime<Utc>) {
        if matches!(self.life, Life::AwaitingAcceptance { .. }) {
            self.life = Life::Provisioning {
                link: event.link.clone(),
            };
            self.accepted_at = Some(at);
            self.acceptance = event.evidence.clone();
        }
    }

    pub(in crate::network) fn activated(&mut self, link: &Link, at: DateTime<Utc>) {
        if matches!(self.life, Life::Provisioning { .. }) {
            self.life = Life::Active { link: link.clone() };
            self.activated_at = Some(at);
        }
    }

    pub(in crate::network) fn asked_side_seen(&mut self, side: Side) {
        if !self.made_the_link() {
            self.asked.get_or_insert(side);
        }
    }

    pub(in crate::network) fn surveyed(&mut self, event: &PeeringSurveyed) {
        if let Origin::Adopted { found } = &mut self.origin {
            *found = Some(event.routes.iter().cloned().collect());
            event
                .names
                .iter()
                .map(|side| (*side, LinkOption::DnsResolution))
                .chain(event.options.iter().map(|it| (it.side, it.option)))
                .for_each(|(side, option)| self.option_mut(side, option).found = true);
        }
    }
}
