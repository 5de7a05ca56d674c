//! How a peering follows from events. Total: an event that the life has no place for changes
//! nothing, and what has ended stays as it ended, but for a renewal.

use super::{
    super::event::{
        NetworkEvent, PeeringAccepted, PeeringInitiated, PeeringInitiationStarted, PeeringRenewed,
    },
    ACCEPTANCE_WINDOW, Ending, Ingress, Life, LinkTrace, OpenAttempt, Origin, Peering,
    RemovalCause,
};
use crate::text::Link;

impl Peering {
    pub(in crate::network) fn evolve(mut self, event: &NetworkEvent) -> Self {
        if self.life.is_live() {
            self.follow(event);
        } else if let NetworkEvent::PeeringRenewed(it) = event {
            self.renew(it);
        }
        self
    }

    fn follow(&mut self, event: &NetworkEvent) {
        match event {
            NetworkEvent::NetworkRegistered(_)
            | NetworkEvent::NetworkPolicySet(_)
            | NetworkEvent::DriftCheckRequested(_)
            | NetworkEvent::NetworkRetired(_)
            | NetworkEvent::PeeringRequested(_)
            | NetworkEvent::PeeringAdopted(_)
            | NetworkEvent::PeeringRenewed(_) => {}
            NetworkEvent::RouteAccepted(it) => self.accept_route(it.side, it.destination),
            NetworkEvent::RouteWithdrawn(it) => self.withdraw_route(it),
            NetworkEvent::FirewallRestricted(it) => self.restrict(it),
            NetworkEvent::ConnectorIngressAllowed(it) => {
                let (target, rule, reason) = (it.target, it.rule, it.reason.clone());
                let ingress = Ingress {
                    target,
                    rule,
                    reason,
                    allowed_at: it.allowed_at,
                    expires_at: it.expires_at,
                };
                self.ingress.insert(it.ingress_id, ingress);
                self.admit_ingress();
            }
            NetworkEvent::ConnectorIngressRevoked(it) => {
                self.ingress.remove(&it.ingress_id);
                self.admit_ingress();
            }
            NetworkEvent::DnsResolutionSet(it) => self.want_dns(it.side, it.enabled),
            NetworkEvent::PeeringRemovalRequested(it) => self.remove(RemovalCause::Command {
                reason: it.reason.clone(),
            }),
            NetworkEvent::PeeringDeadlinePassed(it) => self.remove(RemovalCause::Deadline {
                passed: it.deadline,
            }),
            NetworkEvent::PeeringAbandoned(it) => {
                let link = self.life.link().cloned();
                self.end(Ending::Abandoned {
                    link,
                    left_behind: it.left_behind.clone(),
                });
            }
            NetworkEvent::PeeringInitiationStarted(it) => self.initiation_started(it),
            NetworkEvent::PeeringInitiationRefused(it) => self.initiation_refused(it.attempt),
            NetworkEvent::PeeringInitiated(it) => self.initiated(it),
            NetworkEvent::PeeringExpiryNear(_) => {
                if let Life::Initiated { warned, .. } = &mut self.life {
                    *warned = true;
                }
            }
            NetworkEvent::PeeringAccepted(it) => self.accepted(it),
            NetworkEvent::PeeringActivated(it) => self.activated(&it.link),
            NetworkEvent::PeeringRejected(it) => self.end_by_itself(Ending::Rejected {
                link: it.link.clone(),
            }),
            NetworkEvent::PeeringExpired(it) => self.end_by_itself(Ending::Expired {
                link: it.link.clone(),
            }),
            NetworkEvent::PeeringFailed(it) => {
                self.end_by_itself(Ending::Failed {
                    link: it.link.clone(),
                    message: it.message.clone(),
                });
            }
            NetworkEvent::PeeringSurveyed(it) => {
                if let Origin::Adopted { found } = &mut self.origin {
                    *found = Some(it.routes.iter().cloned().collect());
                    it.names
                        .iter()
                        .for_each(|side| self.dns.get_mut(*side).found = true);
                }
            }
            NetworkEvent::LinkRemoved(it) => {
                if let Life::Removing { trace, .. } = &mut self.life {
                    *trace = LinkTrace::Gone(it.link.clone());
                }
            }
            NetworkEvent::PeeringRemoved(it) => {
                if matches!(self.life, Life::Removing { .. }) {
                    let link = self.life.link().cloned();
                    self.end(Ending::Removed {
                        link,
                        left_behind: it.left_behind.clone(),
                    });
                }
            }
            NetworkEvent::RouteInstalled(it) => self.route_installed(it),
            NetworkEvent::RouteRemoved(it) => self.route_removed(it),
            NetworkEvent::RouteConflicted(it) => self.route_conflicted(it),
            NetworkEvent::FirewallGroupCreated(it) => {
                self.firewall.get_mut(it.side).hold(&it.group)
            }
            NetworkEvent::FirewallGroupRemoved(it) => {
                self.firewall.get_mut(it.side).forget_group();
                self.firewall.get_mut(it.side).had_group = true;
            }
            NetworkEvent::FirewallRuleAuthorized(it) => {
                self.firewall
                    .get_mut(it.side)
                    .rules
                    .insert(it.rule, it.rule_id.clone());
            }
            NetworkEvent::FirewallRuleRevoked(it) => {
                self.firewall.get_mut(it.side).forget_rule(&it.rule)
            }
            NetworkEvent::FirewallEnforced(it) => {
                let firewall = self.firewall.get_mut(it.side);
                firewall.hold(&it.group);
                firewall.enforced = firewall.admit == it.admit.iter().copied().collect();
            }
            NetworkEvent::FirewallExposed(it) => {
                let exposures = &mut self.firewall.get_mut(it.side).exposures;
                exposures.insert(it.exposure.rule_id.clone(), it.exposure.clone());
            }
            NetworkEvent::ExposureCleared(it) => self.firewall.get_mut(it.side).clear(&it.rule_id),
            NetworkEvent::DnsResolutionApplied(it) => {
                self.dns.get_mut(it.side).applied = it.enabled
            }
            NetworkEvent::DriftDetected(it) => {
                self.drift.insert(it.finding.clone(), it.detected_at);
            }
            NetworkEvent::DriftRepaired(it) => self.repaired(it),
            NetworkEvent::DriftAdopted(it) => {
                self.drift.remove(&it.finding);
                self.tolerated.insert(it.finding.clone());
            }
            NetworkEvent::ProvisioningBlocked(it) => self.blocked = Some(it.clone()),
            NetworkEvent::ProvisioningUnblocked(_) => self.unblocked(),
        }
    }

    fn end(&mut self, ending: Ending) {
        self.life = Life::Ended(ending);
        self.blocked = None;
        self.drift.clear();
    }

    /// While a peering is being removed, the end of its link is a step of that and no ending.
    fn end_by_itself(&mut self, ending: Ending) {
        if !matches!(self.life, Life::Removing { .. }) {
            self.end(ending);
        }
    }

    fn remove(&mut self, because: RemovalCause) {
        if matches!(self.life, Life::Removing { .. }) {
            return;
        }
        self.life = Life::Removing {
            trace: self.trace(),
            because,
        };
        self.blocked = None;
        self.drift.clear();
    }

    fn renew(&mut self, event: &PeeringRenewed) {
        if !matches!(self.life, Life::Ended(Ending::Expired { .. })) {
            return;
        }
        self.past_links.insert(event.expired.clone());
        self.terms.renew = false;
        self.open_attempt = None;
        self.life = Life::Requested;
    }

    fn initiation_started(&mut self, event: &PeeringInitiationStarted) {
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
            Life::Initiated { .. }
            | Life::Accepted { .. }
            | Life::Active { .. }
            | Life::Removing { .. }
            | Life::Ended(_) => return,
        }
        self.life = Life::Initiating {
            attempt: event.attempt,
            started_at: event.started_at,
        };
    }

    /// The answer to this attempt says nothing of an earlier one that was never answered.
    fn initiation_refused(&mut self, refused: u32) {
        match &mut self.life {
            Life::Initiating { attempt, .. } if *attempt == refused => {
                self.life = Life::InitiationRefused { attempt: refused }
            }
            Life::Removing {
                trace: trace @ LinkTrace::Perhaps { .. },
                ..
            } => {
                *trace = self
                    .open_attempt
                    .take()
                    .map_or(LinkTrace::Never, LinkTrace::from);
            }
            Life::Requested
            | Life::Initiating { .. }
            | Life::InitiationRefused { .. }
            | Life::Initiated { .. }
            | Life::Accepted { .. }
            | Life::Active { .. }
            | Life::Removing { .. }
            | Life::Ended(_) => {}
        }
    }

    fn initiated(&mut self, event: &PeeringInitiated) {
        let link = event.link.clone();
        match &mut self.life {
            Life::Removing {
                trace: trace @ LinkTrace::Perhaps { .. },
                ..
            } => *trace = LinkTrace::Seen(link),
            Life::Initiating { started_at, .. } => {
                let expires_at = event.expires_at.unwrap_or(*started_at + ACCEPTANCE_WINDOW);
                self.life = Life::Initiated {
                    link,
                    expires_at,
                    warned: false,
                };
            }
            Life::Requested
            | Life::InitiationRefused { .. }
            | Life::Initiated { .. }
            | Life::Accepted { .. }
            | Life::Active { .. }
            | Life::Removing { .. }
            | Life::Ended(_) => return,
        }
        self.open_attempt = None;
    }

    fn accepted(&mut self, event: &PeeringAccepted) {
        if matches!(self.life, Life::Initiated { .. }) {
            self.life = Life::Accepted {
                link: event.link.clone(),
            };
            self.acceptance = event.evidence.clone();
        }
    }

    fn activated(&mut self, link: &Link) {
        if matches!(self.life, Life::Accepted { .. }) {
            self.life = Life::Active { link: link.clone() };
        }
    }
}
