//! `Record`: a worker says what the cloud showed.
//!
//! Workers may say the same thing twice, after a crash or beside another worker; the second time
//! nothing is left to record. What cannot follow from the state is refused, so a stale worker never
//! bends the history.

mod block;
mod drift;
mod firewall;
mod ingress;
mod installation;
mod link;
mod options;
mod routes;

use super::{
    Refusal, Registered,
    event::{NetworkEvent, PeeringRenewed},
    orphan,
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
            link::initiation_started(peering, it.attempt)?.then(|| it.clone().into())
        }
        Outcome::InitiationRefused(it) => {
            link::initiation_refused(peering, it.attempt)?.then(|| it.clone().into())
        }
        Outcome::Initiated(it) => {
            link::initiated(network, peering, &it.link)?.then(|| it.clone().into())
        }
        Outcome::ExpiryNear(it) => link::expiry_near(peering, &it.link)?.then(|| it.clone().into()),
        Outcome::Accepted(it) => link::accepted(peering, it)?.then(|| it.clone().into()),
        Outcome::Activated(it) => link::activated(peering, &it.link)?.then(|| it.clone().into()),
        Outcome::Rejected(it) => {
            link::ended(peering, Some(&it.link), "rejected")?.then(|| it.clone().into())
        }
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
        Outcome::Failed(it) => {
            link::ended(peering, it.link.as_ref(), "failed")?.then(|| it.clone().into())
        }
        Outcome::DeadlinePassed(it) => {
            link::deadline_passed(peering, it.deadline, now)?.then(|| it.clone().into())
        }
        Outcome::Surveyed(it) => link::surveyed(peering)?.then(|| it.clone().into()),
        Outcome::LinkRemoved(it) => {
            link::link_removed(peering, &it.link)?.then(|| it.clone().into())
        }
        Outcome::Removed(it) => link::removed(peering, it)?.map(Into::into),
        Outcome::Abandoned(it) => link::abandoned(peering, it)?.map(Into::into),
        Outcome::InstallationStarted(it) => installation::started(network, it)?.map(Into::into),
        Outcome::InstallationEnded(it) => installation::ended(network, it)?.map(Into::into),
        Outcome::RouteInstalled(it) => {
            routes::route_installed(network, it)?.then(|| it.clone().into())
        }
        Outcome::RouteRemoved(it) => routes::route_removed(network, it)?.then(|| it.clone().into()),
        Outcome::RouteConflicted(it) => {
            routes::route_conflicted(network, it)?.then(|| it.clone().into())
        }
        Outcome::RouteFound(it) => {
            installation::route_found(network, it)?.then(|| it.clone().into())
        }
        Outcome::RoutesEnforced(it) => {
            routes::routes_enforced(network, it)?.then(|| it.clone().into())
        }
        Outcome::RoutesSuspended(it) => {
            routes::routes_suspended(network, it)?.then(|| it.clone().into())
        }
        Outcome::RoutesResumed(it) => {
            routes::routes_resumed(network, it)?.then(|| it.clone().into())
        }
        Outcome::FirewallGroupCreated(it) => {
            firewall::group_created(network, it)?.then(|| it.clone().into())
        }
        Outcome::FirewallGroupRemoved(it) => {
            firewall::group_removed(network, it)?.then(|| it.clone().into())
        }
        Outcome::FirewallRuleAuthorized(it) => {
            firewall::rule_authorized(network, it)?.then(|| it.clone().into())
        }
        Outcome::FirewallRuleRevoked(it) => {
            firewall::rule_revoked(network, it)?.then(|| it.clone().into())
        }
        Outcome::FirewallEnforced(it) => {
            firewall::enforced(network, it)?.then(|| it.clone().into())
        }
        Outcome::FirewallExposed(it) => {
            firewall::exposed(network, it, now)?.then(|| it.clone().into())
        }
        Outcome::ExposureCleared(it) => {
            firewall::exposure_cleared(network, it, now)?.then(|| it.clone().into())
        }
        Outcome::IngressExpired(it) => {
            ingress::ingress_expired(network, it, now)?.then(|| it.clone().into())
        }
        Outcome::DnsResolutionApplied(it) => {
            options::dns_applied(network, it)?.then(|| it.clone().into())
        }
        Outcome::DriftDetected(it) => {
            drift::drift_detected(network, it, now)?.then(|| it.clone().into())
        }
        Outcome::DriftRepaired(it) => {
            drift::drift_repaired(network, it, now)?.then(|| it.clone().into())
        }
        Outcome::DriftAdopted(it) => {
            drift::is_drifting(network, id, &it.finding)?.then(|| it.clone().into())
        }
        Outcome::Blocked(it) => block::blocked(network, peering, it, now)?.map(Into::into),
        Outcome::Unblocked(it) => block::unblocked(network, peering, it, now).map(Into::into),
        Outcome::OrphanFound(_)
        | Outcome::OrphanCleared(_)
        | Outcome::OrphanRemovalFailed(_)
        | Outcome::CloudRecorded(_) => None,
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
    } else {
        None
    })
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
