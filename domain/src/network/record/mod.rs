//! `Record`: a worker says what the cloud showed.
//!
//! Workers may say the same thing twice, after a crash or beside another worker; the second time
//! nothing is left to record. What cannot follow from the state is refused, so a stale worker never
//! bends the history.

mod attachment;
mod block;
mod denial;
mod drift;
mod firewall;
mod halves;
mod identity;
mod ingress;
mod installation;
mod link;
mod options;
mod ranges;
mod routes;
mod tenure;

use super::{
    Refusal, Registered,
    event::{LinkOptionApplied, NetworkEvent, PeeringRenewed},
    identity as of_identity, orphan,
    outcome::Outcome,
    peering::{Life, Peering},
};
use chrono::{DateTime, Utc};

pub(super) fn decide(
    network: &Registered,
    outcome: &Outcome,
    now: DateTime<Utc>,
) -> Result<Vec<NetworkEvent>, Refusal> {
    if let Some(news) = of_the_network(network, outcome)? {
        return Ok(Vec::from_iter(news));
    }
    let Some(id) = outcome.peering_id() else {
        return Ok(Vec::new());
    };
    let peering = &*network.on_record(id)?;
    let news: Option<NetworkEvent> = match outcome {
        Outcome::InitiationStarted(it) => {
            if_news(it, link::initiation_started(peering, it.attempt)?)
        }
        Outcome::InitiationRefused(it) => {
            if_news(it, link::initiation_refused(peering, it.attempt)?)
        }
        Outcome::Initiated(it) => if_news(it, link::initiated(network, peering, &it.link)?),
        Outcome::ExpiryNear(it) => if_news(it, link::expiry_near(peering, &it.link)?),
        Outcome::Accepted(it) => if_news(it, link::accepted(peering, it)?),
        Outcome::Activated(it) => if_news(it, link::activated(peering, &it.link)?),
        Outcome::Rejected(it) => if_news(it, link::ended(peering, Some(&it.link), "rejected")?),
        Outcome::Expired(it) => {
            let is_news = link::ended(peering, Some(&it.link), "expired")?;
            if is_news && link::is_asked_for_again(peering, now) {
                let renewed = PeeringRenewed {
                    peering_id: id,
                    expired: it.link.clone(),
                };
                return Ok(vec![it.clone().into(), renewed.into()]);
            }
            is_news.then(|| it.clone().into())
        }
        Outcome::Failed(it) => if_news(it, link::ended(peering, it.link.as_ref(), "failed")?),
        Outcome::DeadlinePassed(it) => {
            if_news(it, link::deadline_passed(peering, it.deadline, now)?)
        }
        Outcome::AccepterSeen(it) => if_news(it, link::asked_side_seen(peering, &it.link)?),
        Outcome::Surveyed(it) => if_news(it, link::surveyed(peering)?),
        Outcome::RangesConfirmed(it) => ranges::confirmed(peering, it)?.map(Into::into),
        Outcome::PeerImmutableIdSeen(it) => if_news(it, identity::seen(network, it)?),
        Outcome::HalfChangeStarted(it) => if_news(it, halves::change_started(network, it)?),
        Outcome::HalfOperationStarted(it) => if_news(it, halves::operation_started(network, it)?),
        Outcome::HalfOperationFailed(it) => if_news(it, halves::operation_failed(network, it)?),
        Outcome::HalfMade(it) => if_news(it, halves::made(network, it)?),
        Outcome::HalfRemoved(it) => if_news(it, halves::removed(network, it)?),
        Outcome::LinkRemoved(it) => if_news(it, link::link_removed(peering, &it.link)?),
        Outcome::Removed(it) => link::removed(peering, it)?.map(Into::into),
        Outcome::Abandoned(it) => link::abandoned(peering, it)?.map(Into::into),
        Outcome::InstallationStarted(it) => installation::started(network, it)?.map(Into::into),
        Outcome::InstallationEnded(it) => installation::ended(network, it)?.map(Into::into),
        Outcome::RouteInstalled(it) => if_news(it, routes::route_installed(network, it)?),
        Outcome::RouteRemoved(it) => if_news(it, routes::route_removed(network, it)?),
        Outcome::RouteConflicted(it) => if_news(it, routes::route_conflicted(network, it)?),
        Outcome::RouteFound(it) => if_news(it, installation::route_found(network, it)?),
        Outcome::RoutesEnforced(it) => if_news(it, routes::routes_enforced(network, it)?),
        Outcome::RoutesSuspended(it) => if_news(it, routes::routes_suspended(network, it)?),
        Outcome::RoutesResumed(it) => if_news(it, routes::routes_resumed(network, it)?),
        Outcome::FirewallGroupCreated(it) => if_news(it, firewall::group_created(network, it)?),
        Outcome::FirewallGroupRemoved(it) => if_news(it, firewall::group_removed(network, it)?),
        Outcome::FirewallRuleAuthorized(it) => if_news(it, firewall::rule_authorized(network, it)?),
        Outcome::FirewallRuleRevoked(it) => if_news(it, firewall::rule_revoked(network, it)?),
        Outcome::FirewallEnforced(it) => if_news(it, firewall::enforced(network, it)?),
        Outcome::FirewallAttachmentChosen(it) => if_news(it, attachment::chosen(network, it, now)?),
        Outcome::FirewallGroupAttached(it) => if_news(it, attachment::attached(network, it)?),
        Outcome::FirewallGroupDetached(it) => if_news(it, attachment::detached(network, it)?),
        Outcome::FirewallAttachmentSeen(it) => if_news(it, attachment::seen(network, it, now)?),
        Outcome::DenialMade(it) => if_news(it, denial::made(network, it)?),
        Outcome::DenialRemoved(it) => if_news(it, denial::removed(network, it)?),
        Outcome::DenialEnforced(it) => if_news(it, denial::enforced(network, it)?),
        Outcome::DenialLapsed(it) => if_news(it, denial::lapsed(network, it)?),
        Outcome::FirewallExposed(it) => if_news(it, firewall::exposed(network, it, now)?),
        Outcome::ExposureCleared(it) => if_news(it, firewall::exposure_cleared(network, it, now)?),
        Outcome::IngressExpired(it) => if_news(it, ingress::ingress_expired(network, it, now)?),
        Outcome::AdmissionExpired(it) => if_news(it, tenure::admission_expired(network, it, now)?),
        Outcome::TenureEnded(it) => if_news(it, tenure::ended(network, it, now)?),
        Outcome::DnsResolutionApplied(it) => {
            let it = LinkOptionApplied::from(it.clone());
            if_news(&it, options::applied(network, &it)?)
        }
        Outcome::LinkOptionApplied(it) => if_news(it, options::applied(network, it)?),
        Outcome::DriftDetected(it) => if_news(it, drift::drift_detected(network, it, now)?),
        Outcome::DriftRepaired(it) => if_news(it, drift::drift_repaired(network, it, now)?),
        Outcome::DriftAdopted(it) => if_news(it, drift::drift_adopted(network, id, &it.finding)?),
        Outcome::Blocked(it) => block::blocked(network, peering, it, now)?.map(Into::into),
        Outcome::Unblocked(it) => block::unblocked(network, peering, it, now).map(Into::into),
        Outcome::OrphanFound(_)
        | Outcome::OrphanCleared(_)
        | Outcome::OrphanRemovalFailed(_)
        | Outcome::CloudRecorded(_)
        | Outcome::IdentityMarked(_)
        | Outcome::NetworkImmutableIdSeen(_)
        | Outcome::QuotasSeen(_) => None,
    };
    Ok(Vec::from_iter(news))
}

/// What may be recorded of a network, and of orphans, which belong to no peering that is on record.
/// Nothing if the outcome is about something else.
fn of_the_network(
    network: &Registered,
    outcome: &Outcome,
) -> Result<Option<Option<NetworkEvent>>, Refusal> {
    Ok(if let Outcome::OrphanFound(it) = outcome {
        Some(orphan::found(network, it)?.map(Into::into))
    } else if let Outcome::OrphanCleared(it) = outcome {
        Some(orphan::cleared(network, it).map(Into::into))
    } else if let Outcome::OrphanRemovalFailed(it) = outcome {
        Some(orphan::removal_failed(network, it).map(Into::into))
    } else if let Outcome::CloudRecorded(it) = outcome {
        // Which cloud a network is at is said once: the first one to say it stands.
        Some(network.cloud.is_none().then(|| it.clone().into()))
    } else if let Outcome::NetworkImmutableIdSeen(it) = outcome {
        Some(network.immutable_id.is_none().then(|| it.clone().into()))
    } else if let Outcome::QuotasSeen(it) = outcome {
        Some(network.is_news_of_quotas(it).then(|| it.clone().into()))
    } else if let Outcome::IdentityMarked(it) = outcome {
        Some(of_identity::is_news(network, it).then(|| it.clone().into()))
    } else {
        None
    })
}

/// What is reported, as an event, if it says something new.
fn if_news<T: Clone + Into<NetworkEvent>>(reported: &T, is_news: bool) -> Option<NetworkEvent> {
    is_news.then(|| reported.clone().into())
}

fn out_of_order(peering: &Peering, outcome: &'static str) -> Refusal {
    Refusal::OutcomeOutOfOrder {
        peering_id: peering.id,
        life: peering.life.as_str(),
        outcome,
    }
}

/// The peering, while its link is there to have routes and rules on it.
fn active<'a>(
    network: &'a Registered,
    peering_id: crate::PeeringId,
    outcome: &'static str,
) -> Result<&'a Peering, Refusal> {
    let peering = network.live(peering_id)?;
    if matches!(peering.life, Life::Active { .. }) {
        Ok(peering)
    } else {
        Err(out_of_order(peering, outcome))
    }
}

/// The peering, while its link is there to have rules before it: where a link admits by default,
/// from when it is on record, so that what keeps the other side out is there before it is active.
fn linked<'a>(
    network: &'a Registered,
    peering_id: crate::PeeringId,
    outcome: &'static str,
) -> Result<&'a Peering, Refusal> {
    let peering = network.live(peering_id)?;
    if network.provider.admits_by_default() && peering.life.has_link() {
        return Ok(peering);
    }
    active(network, peering_id, outcome)
}

/// The same, and until its end.
fn linked_or_ending<'a>(
    network: &'a Registered,
    peering_id: crate::PeeringId,
    outcome: &'static str,
) -> Result<&'a Peering, Refusal> {
    linked(network, peering_id, outcome).or_else(|_| standing(network, peering_id, outcome))
}

/// The peering, while there may still be something on its link.
fn standing<'a>(
    network: &'a Registered,
    peering_id: crate::PeeringId,
    outcome: &'static str,
) -> Result<&'a Peering, Refusal> {
    let peering = network.live(peering_id)?;
    match peering.life {
        Life::Active { .. } | Life::Removing { .. } | Life::Abandoning { .. } => Ok(peering),
        Life::Requested
        | Life::Initiating { .. }
        | Life::InitiationRefused { .. }
        | Life::AwaitingAcceptance { .. }
        | Life::Provisioning { .. }
        | Life::Ended(_) => Err(out_of_order(peering, outcome)),
    }
}
