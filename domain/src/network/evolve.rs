//! How a network follows from its events: the one place that knows what each event does.
//!
//! Total: an event that the state has no place for changes nothing. What has ended stays as it
//! ended, but for a renewal; a retired network stays as it is. The event's own time comes with it.

use super::{
    Connections, Marked, Network, Registered, Retirement,
    event::{NetworkEvent, Thing},
    freeze, identity,
    peering::{Ending, Peering},
    register,
};
use crate::ids::PeeringId;
use chrono::{DateTime, Utc};

/// Applies an event that was decided at this time.
pub fn evolve(state: Network, event: &NetworkEvent, at: DateTime<Utc>) -> Network {
    match state {
        Network::Unregistered => {
            if let NetworkEvent::NetworkRegistered(registered) = event {
                Network::Registered(register::evolve(registered, at))
            } else if let NetworkEvent::NetworkIdentityMarked(marker) = event {
                Network::Marked(Marked::of(marker))
            } else {
                Network::Unregistered
            }
        }
        Network::Registered(mut network) => {
            network.follow(event, at);
            if network.retired.is_some() {
                Network::Retired(network)
            } else {
                Network::Registered(network)
            }
        }
        Network::Retired(network) => Network::Retired(network),
        Network::Marked(mut marked) => {
            if let NetworkEvent::NetworkIdentityMarked(marker) = event {
                marked.held_by.insert(marker.held_by);
            }
            Network::Marked(marked)
        }
    }
}

impl Registered {
    fn follow(&mut self, event: &NetworkEvent, at: DateTime<Utc>) {
        match event {
            NetworkEvent::NetworkRegistered(_) => {}
            NetworkEvent::NetworkCloudRecorded(it) => {
                self.cloud.get_or_insert_with(|| it.cloud.clone());
            }
            NetworkEvent::NetworkImmutableIdSeen(it) => {
                let seen = || it.immutable_id.clone();
                self.immutable_id.get_or_insert_with(seen);
            }
            NetworkEvent::NetworkQuotasSeen(it) => self.quotas_were_seen(it, at),
            NetworkEvent::NetworkIdentityMarked(it) => {
                if identity::is_news(self, it) {
                    self.also_registered.insert(it.held_by);
                }
            }
            NetworkEvent::NetworkPolicySet(it) => self.policy = it.policy.clone(),
            NetworkEvent::DriftCheckRequested(it) => self.drift_check = Some(it.requested_at),
            NetworkEvent::NetworkFrozen(it) => {
                let said = (&it.reason, it.everywhere);
                self.frozen = Some(freeze::held(self.frozen.take(), at, said));
            }
            NetworkEvent::NetworkThawed(_) => self.frozen = None,
            NetworkEvent::OrphanFound(it) => self.orphan_found(it, at),
            NetworkEvent::OrphanCleared(it) => self.orphan_cleared(it),
            NetworkEvent::OrphanRemovalRequested(it) => self.orphan_removal_requested(it, at),
            NetworkEvent::OrphanRemovalFailed(it) => self.orphan_removal_failed(it),
            NetworkEvent::QuarantineImposed(it) => {
                let before = self.quarantines.remove(&it.scope);
                let held = freeze::held(before, at, (&it.reason, it.everywhere));
                self.quarantines.insert(it.scope.clone(), held);
            }
            NetworkEvent::QuarantineLifted(it) => {
                self.quarantines.remove(&it.scope);
            }
            NetworkEvent::NetworkRetired(it) => {
                let reason = it.reason.clone();
                self.retired = Some(Retirement { at, reason });
            }
            NetworkEvent::PeeringRequested(it) => {
                self.begin(it.peering_id, || Peering::requested(it, at));
            }
            NetworkEvent::PeeringAdopted(it) => {
                self.begin(it.peering_id, || Peering::adopted(it, at));
            }
            NetworkEvent::PeeringRenewed(it) => {
                if let Some(peering) = self.connections.peerings.get_mut(&it.peering_id) {
                    peering.renew(it);
                }
            }
            NetworkEvent::NetworkSubnetsChanged(it) => {
                self.subnets.clone_from(&it.subnets);
                self.subnets_changed_at = Some(at);
            }
            NetworkEvent::NetworkNodesSet(it) => self.nodes.clone_from(&it.nodes),
            NetworkEvent::NetworkIpv6RangesSet(it) => self.ipv6_ranges.clone_from(&it.ranges),
            NetworkEvent::PeerRangesAdded(it) => {
                self.while_live(it.peering_id, |peering| peering.ranges_added(it));
            }
            NetworkEvent::PeerRangesConfirmed(it) => {
                self.while_live(it.peering_id, |peering| peering.ranges_confirmed(it));
            }
            NetworkEvent::PeerRangesDropped(it) => {
                self.while_live(it.peering_id, |peering| peering.ranges_dropped(it));
            }
            NetworkEvent::PeerSubnetsChanged(it) => {
                self.while_live(it.peering_id, |peering| peering.subnets_changed(it));
            }
            NetworkEvent::PeerImmutableIdSeen(it) => self.while_live(it.peering_id, |peering| {
                let seen = || it.immutable_id.clone();
                peering.peer_immutable_id.get_or_insert_with(seen);
            }),
            NetworkEvent::RouteAccepted(it) => self.while_live(it.peering_id, |peering| {
                peering.accept_route(it.side, it.destination, at);
            }),
            NetworkEvent::RouteWithdrawn(it) => self.while_live(it.peering_id, |peering| {
                peering.withdraw_route(it, at);
            }),
            NetworkEvent::FirewallRestricted(it) => self.while_live(it.peering_id, |peering| {
                peering.restrict(it, at);
            }),
            NetworkEvent::ConnectorIngressAllowed(it) => {
                self.while_live(it.peering_id, |peering| peering.ingress_allowed(it, at));
            }
            NetworkEvent::ConnectorIngressRevoked(it) => {
                self.while_live(it.peering_id, |peering| {
                    peering.ingress_revoked(it.ingress_id, at);
                });
            }
            NetworkEvent::LinkOptionSet(it) => {
                self.while_live(it.peering_id, |peering| peering.want_option(it, at));
            }
            NetworkEvent::PeeringRemovalRequested(it) => {
                self.while_live(it.peering_id, |peering| peering.removal_requested(it, at));
            }
            NetworkEvent::PeeringDeadlinePassed(it) => {
                self.while_live(it.peering_id, |peering| peering.deadline_passed(it, at));
            }
            NetworkEvent::PeeringTenureSet(it) => {
                self.while_live(it.peering_id, |peering| peering.tenure_set(it));
            }
            NetworkEvent::PeeringTenureEnded(it) => {
                self.while_live(it.peering_id, |peering| peering.tenure_over(it, at));
            }
            NetworkEvent::AdmissionExpired(it) => {
                self.while_live(it.peering_id, |peering| peering.admission_expired(it, at));
            }
            NetworkEvent::OpeningConfirmed(it) => {
                self.while_live(it.peering_id, |peering| peering.opening_confirmed(it, at));
            }
            NetworkEvent::PeeringAbandonmentRequested(it) => {
                self.while_live(it.peering_id, |peering| {
                    peering.abandonment_requested(it, at);
                });
            }
            NetworkEvent::PeeringAbandoned(it) => {
                self.while_live(it.peering_id, |peering| peering.abandoned(it, at));
            }
            NetworkEvent::PeeringInitiationStarted(it) => {
                self.while_live(it.peering_id, |peering| peering.initiation_started(it));
            }
            NetworkEvent::PeeringInitiationRefused(it) => {
                self.while_live(it.peering_id, |peering| {
                    peering.initiation_refused(it, at);
                });
            }
            NetworkEvent::PeeringInitiated(it) => {
                self.while_live(it.peering_id, |peering| peering.initiated(it));
            }
            NetworkEvent::PeeringExpiryNear(it) => {
                self.while_live(it.peering_id, Peering::expiry_near);
            }
            NetworkEvent::PeeringAccepted(it) => {
                self.while_live(it.peering_id, |peering| peering.accepted(it, at));
            }
            NetworkEvent::PeeringActivated(it) => self.while_live(it.peering_id, |peering| {
                peering.activated(&it.link, at);
            }),
            NetworkEvent::PeeringRejected(it) => {
                let link = it.link.clone();
                self.end(it.peering_id, Ending::Rejected { link }, at);
            }
            NetworkEvent::PeeringExpired(it) => {
                let link = it.link.clone();
                self.end(it.peering_id, Ending::Expired { link }, at);
            }
            NetworkEvent::PeeringFailed(it) => {
                let (link, message) = (it.link.clone(), it.message.clone());
                self.end(it.peering_id, Ending::Failed { link, message }, at);
            }
            NetworkEvent::LinkAccepterSeen(it) => {
                self.while_live(it.peering_id, |peering| {
                    peering.asked_side_seen(it.accepter)
                });
            }
            NetworkEvent::PeeringSurveyed(it) => {
                self.while_live(it.peering_id, |peering| peering.surveyed(it));
            }
            NetworkEvent::HalfChangeStarted(it) => {
                self.while_live(it.peering_id, |peering| peering.half_change_started(it));
            }
            NetworkEvent::HalfOperationStarted(it) => {
                self.while_live(it.peering_id, |peering| peering.half_operation_started(it));
            }
            NetworkEvent::HalfOperationFailed(it) => {
                self.while_live(it.peering_id, |peering| peering.half_operation_failed(it));
            }
            NetworkEvent::HalfMade(it) => {
                self.while_live(it.peering_id, |peering| peering.half_made(it));
            }
            NetworkEvent::HalfRemoved(it) => {
                self.while_live(it.peering_id, |peering| peering.half_removed(it.side));
            }
            NetworkEvent::LinkRemoved(it) => self.while_live(it.peering_id, |peering| {
                peering.link_removed(&it.link, at);
            }),
            NetworkEvent::PeeringRemoved(it) => {
                self.while_live(it.peering_id, |peering| peering.removed(it, at));
            }
            NetworkEvent::InstallationStarted(it) => {
                self.while_live(it.peering_id, |peering| {
                    peering.installation_started(it, at);
                });
            }
            NetworkEvent::InstallationEnded(it) => {
                self.while_live(it.peering_id, |peering| peering.installation_ended(it));
            }
            NetworkEvent::RouteInstalled(it) => {
                self.while_live(it.peering_id, |peering| peering.route_installed(it, at));
            }
            NetworkEvent::RouteRemoved(it) => {
                self.while_live(it.peering_id, |peering| peering.route_removed(it));
            }
            NetworkEvent::RouteConflicted(it) => {
                self.while_live(it.peering_id, |peering| peering.route_conflicted(it, at));
            }
            NetworkEvent::RouteFound(it) => {
                self.while_live(it.peering_id, |peering| peering.route_found(it, at));
            }
            NetworkEvent::RoutesEnforced(it) => {
                self.while_live(it.peering_id, |peering| peering.routes_enforced(it, at));
            }
            NetworkEvent::RoutesSuspended(it) => {
                self.while_live(it.peering_id, |peering| peering.routes_suspended(it, at));
            }
            NetworkEvent::RoutesResumed(it) => self.while_live(it.peering_id, |peering| {
                *peering.suspended.get_mut(it.side) = None;
            }),
            NetworkEvent::FirewallGroupCreated(it) => self.while_live(it.peering_id, |peering| {
                peering.intent_is_over(it.side, &Thing::Group);
                peering.firewall.get_mut(it.side).hold(&it.group);
            }),
            NetworkEvent::FirewallGroupRemoved(it) => self.while_live(it.peering_id, |peering| {
                peering.firewall.get_mut(it.side).group_removed();
            }),
            NetworkEvent::FirewallRuleAuthorized(it) => self.while_live(it.peering_id, |peering| {
                peering.intent_is_over(it.side, &it.rule.into());
                peering.firewall.get_mut(it.side).authorized(it);
            }),
            NetworkEvent::FirewallRuleRevoked(it) => self.while_live(it.peering_id, |peering| {
                peering.intent_is_over(it.side, &it.rule.into());
                peering.firewall.get_mut(it.side).forget_rule(&it.rule);
            }),
            NetworkEvent::FirewallEnforced(it) => self.while_live(it.peering_id, |peering| {
                peering.firewall.get_mut(it.side).enforced(it, at);
            }),
            NetworkEvent::FirewallAttachmentRequested(it) => {
                self.while_live(it.peering_id, |peering| {
                    peering.attachment_requested(it, at);
                });
            }
            NetworkEvent::FirewallAttachmentWithdrawn(it) => {
                self.while_live(it.peering_id, |peering| {
                    peering.attachment_withdrawn(it.side);
                });
            }
            NetworkEvent::FirewallAttachmentChosen(it) => {
                self.while_live(it.peering_id, |peering| peering.attachment_chosen(it, at));
            }
            NetworkEvent::FirewallGroupAttached(it) => {
                self.while_live(it.peering_id, |peering| peering.group_attached(it, at));
            }
            NetworkEvent::FirewallGroupDetached(it) => {
                self.while_live(it.peering_id, |peering| peering.group_detached(it));
            }
            NetworkEvent::FirewallAttachmentSeen(it) => {
                self.while_live(it.peering_id, |peering| peering.attachment_seen(it, at));
            }
            NetworkEvent::DenialRequested(it) => {
                self.while_live(it.peering_id, |peering| peering.denial_requested(it, at));
            }
            NetworkEvent::DenialWithdrawn(it) => {
                self.while_live(it.peering_id, |peering| peering.denial_withdrawn(it.side));
            }
            NetworkEvent::DenialMade(it) => {
                self.while_live(it.peering_id, |peering| peering.denial_made(it));
            }
            NetworkEvent::DenialRemoved(it) => {
                self.while_live(it.peering_id, |peering| peering.denial_removed(it));
            }
            NetworkEvent::DenialEnforced(it) => {
                self.while_live(it.peering_id, |peering| peering.denial_enforced(it, at));
            }
            NetworkEvent::DenialLapsed(it) => {
                self.while_live(it.peering_id, |peering| peering.denial_lapsed(it.side));
            }
            NetworkEvent::FirewallExposed(it) => self.while_live(it.peering_id, |peering| {
                peering.firewall.get_mut(it.side).exposed(it, at);
            }),
            NetworkEvent::ExposureCleared(it) => self.while_live(it.peering_id, |peering| {
                peering
                    .firewall
                    .get_mut(it.side)
                    .exposure_cleared(&it.rule_id, at);
            }),
            NetworkEvent::LinkOptionApplied(it) => {
                self.while_live(it.peering_id, |peering| peering.option_applied(it, at));
            }
            NetworkEvent::DriftDetected(it) => {
                self.while_live(it.peering_id, |peering| peering.drift_detected(it));
            }
            NetworkEvent::DriftRepaired(it) => {
                self.while_live(it.peering_id, |peering| peering.drift_repaired(it));
            }
            NetworkEvent::DriftAdopted(it) => {
                self.while_live(it.peering_id, |peering| peering.drift_adopted(it, at));
            }
            NetworkEvent::ProvisioningBlocked(it) => {
                self.while_live(it.peering_id, |peering| peering.block_by(it, at));
            }
            NetworkEvent::ProvisioningUnblocked(it) => {
                let asked = self.drift_check;
                self.while_live(it.peering_id, |peering| peering.unblock(asked));
            }
        }
    }

    /// An id is one peering's for ever.
    fn begin(&mut self, id: PeeringId, peering: impl FnOnce() -> Peering) {
        let Connections {
            peerings,
            ended_peerings,
        } = &mut self.connections;
        if !peerings.contains_key(&id) && !ended_peerings.contains_key(&id) {
            peerings.insert(id, peering());
        }
    }

    fn while_live(&mut self, id: PeeringId, follow: impl FnOnce(&mut Peering)) {
        let is_live = |peering: &Peering| peering.life.is_live();
        let peerings = &mut self.connections.peerings;
        if peerings.get(&id).is_some_and(is_live)
            && let Some(peering) = peerings.get_mut(&id)
        {
            follow(peering);
        }
    }

    fn end(&mut self, id: PeeringId, ending: Ending, at: DateTime<Utc>) {
        self.while_live(id, |peering| peering.end_by_itself(ending, at));
    }
}
