//! `Record`: a worker says what the cloud showed.
//!
//! Workers may say the same thing twice, after a crash or beside another worker; the second time nothing is left to record. What
//! cannot follow from the state is refused, so a stale worker never bends the history.

use super::{
    Refusal, Registered,
    command::Outcome,
    event::{
        FirewallEnforced, FirewallGroupCreated, FirewallRuleAuthorized, FirewallRuleRevoked, NetworkEvent, RouteConflicted, RouteInstalled,
    },
    peering::{Life, Peering, Route},
};
use crate::{range::Range, side::Side, text::Link};

pub(super) fn decide(network: &Registered, outcome: &Outcome) -> Result<Vec<NetworkEvent>, Refusal> {
    let id = outcome.peering_id();
    let peering = network.peerings.get(&id).ok_or(Refusal::PeeringUnknown { peering_id: id })?;
    let news = match outcome {
        Outcome::InitiationStarted(it) => initiation_started(peering, it.attempt)?.then(|| it.clone().into()),
        Outcome::InitiationRefused(it) => initiation_refused(peering, it.attempt)?.then(|| it.clone().into()),
        Outcome::Initiated(it) => initiated(peering, &it.link)?.then(|| it.clone().into()),
        Outcome::Accepted(it) => accepted(peering, &it.link)?.then(|| it.clone().into()),
        Outcome::Activated(it) => activated(peering, &it.link)?.then(|| it.clone().into()),
        Outcome::Rejected(it) => ended(peering, Some(&it.link), "rejected")?.then(|| it.clone().into()),
        Outcome::Expired(it) => ended(peering, Some(&it.link), "expired")?.then(|| it.clone().into()),
        Outcome::Failed(it) => ended(peering, it.link.as_ref(), "failed")?.then(|| it.clone().into()),
        Outcome::RouteInstalled(it) => route_installed(network, it)?.then(|| it.clone().into()),
        Outcome::RouteConflicted(it) => route_conflicted(network, it)?.then(|| it.clone().into()),
        Outcome::FirewallGroupCreated(it) => group_created(network, it)?.then(|| it.clone().into()),
        Outcome::FirewallRuleAuthorized(it) => rule_authorized(network, it)?.then(|| it.clone().into()),
        Outcome::FirewallRuleRevoked(it) => rule_revoked(network, it)?.then(|| it.clone().into()),
        Outcome::FirewallEnforced(it) => enforced(network, it)?.then(|| it.clone().into()),
        Outcome::Blocked(it) => {
            network.live(id)?;
            (peering.blocked.as_ref() != Some(it)).then(|| it.clone().into())
        }
        Outcome::Unblocked(it) => peering.blocked.is_some().then(|| it.clone().into()),
    };
    Ok(Vec::from_iter::<Option<NetworkEvent>>(news))
}

fn out_of_order(peering: &Peering, outcome: &'static str) -> Refusal {
    Refusal::OutcomeOutOfOrder { peering_id: peering.id, life: peering.life.as_str(), outcome }
}

/// Whether the recorded link is the reported one; another link is never taken for it.
fn same_link(peering: &Peering, recorded: &Link, reported: &Link) -> Result<(), Refusal> {
    if recorded == reported {
        return Ok(());
    }
    Err(Refusal::LinkMismatch { peering_id: peering.id, recorded: recorded.to_string(), reported: reported.to_string() })
}

fn initiation_started(peering: &Peering, reported: u32) -> Result<bool, Refusal> {
    match peering.life {
        Life::Requested if reported == 1 => Ok(true),
        Life::Initiating { attempt, .. } if reported == attempt => Ok(false),
        Life::Initiating { attempt, .. } | Life::InitiationRefused { attempt } if attempt.checked_add(1) == Some(reported) => Ok(true),
        Life::Requested
        | Life::Initiating { .. }
        | Life::InitiationRefused { .. }
        | Life::Initiated { .. }
        | Life::Accepted { .. }
        | Life::Active { .. }
        | Life::Ended(_) => Err(out_of_order(peering, "an attempt to initiate it")),
    }
}

fn initiation_refused(peering: &Peering, reported: u32) -> Result<bool, Refusal> {
    match peering.life {
        Life::Initiating { attempt, .. } if reported == attempt => Ok(true),
        Life::InitiationRefused { attempt } if reported == attempt => Ok(false),
        Life::Requested
        | Life::Initiating { .. }
        | Life::InitiationRefused { .. }
        | Life::Initiated { .. }
        | Life::Accepted { .. }
        | Life::Active { .. }
        | Life::Ended(_) => Err(out_of_order(peering, "a refused attempt")),
    }
}

fn initiated(peering: &Peering, reported: &Link) -> Result<bool, Refusal> {
    match &peering.life {
        Life::Initiating { .. } => Ok(true),
        Life::Initiated { link, .. } | Life::Accepted { link } | Life::Active { link } => {
            same_link(peering, link, reported).map(|()| false)
        }
        Life::Requested | Life::InitiationRefused { .. } | Life::Ended(_) => Err(out_of_order(peering, "an initiated link")),
    }
}

fn accepted(peering: &Peering, reported: &Link) -> Result<bool, Refusal> {
    match &peering.life {
        Life::Initiated { link, .. } => same_link(peering, link, reported).map(|()| true),
        Life::Accepted { link } | Life::Active { link } => same_link(peering, link, reported).map(|()| false),
        Life::Requested | Life::Initiating { .. } | Life::InitiationRefused { .. } | Life::Ended(_) => {
            Err(out_of_order(peering, "an accepted link"))
        }
    }
}

fn activated(peering: &Peering, reported: &Link) -> Result<bool, Refusal> {
    match &peering.life {
        Life::Accepted { link } => same_link(peering, link, reported).map(|()| true),
        Life::Active { link } => same_link(peering, link, reported).map(|()| false),
        Life::Requested | Life::Initiating { .. } | Life::InitiationRefused { .. } | Life::Initiated { .. } | Life::Ended(_) => {
            Err(out_of_order(peering, "an active link"))
        }
    }
}

fn ended(peering: &Peering, reported: Option<&Link>, how: &'static str) -> Result<bool, Refusal> {
    match &peering.life {
        Life::Ended(ending) if ending.as_str() == how => Ok(false),
        Life::Ended(_) => Err(out_of_order(peering, "another ending")),
        Life::Requested | Life::Initiating { .. } | Life::InitiationRefused { .. } => match reported {
            None => Ok(true),
            Some(_) => Err(out_of_order(peering, "the end of a link")),
        },
        Life::Initiated { link, .. } | Life::Accepted { link } | Life::Active { link } => match reported {
            Some(reported) => same_link(peering, link, reported).map(|()| true),
            None => Err(out_of_order(peering, "an end without its link")),
        },
    }
}

fn active<'a>(network: &'a Registered, peering_id: crate::PeeringId, outcome: &'static str) -> Result<&'a Peering, Refusal> {
    let peering = network.live(peering_id)?;
    if matches!(peering.life, Life::Active { .. }) { Ok(peering) } else { Err(out_of_order(peering, outcome)) }
}

fn accepted_route(peering: &Peering, side: Side, destination: Range) -> Result<&Route, Refusal> {
    peering.routes.get(side).get(&destination).ok_or(Refusal::RouteNotAccepted { peering_id: peering.id, side, destination })
}

fn route_installed(network: &Registered, it: &RouteInstalled) -> Result<bool, Refusal> {
    let peering = active(network, it.peering_id, "an installed route")?;
    accepted_route(peering, it.side, it.destination).map(|route| !route.installed.contains(&it.route_table))
}

fn route_conflicted(network: &Registered, it: &RouteConflicted) -> Result<bool, Refusal> {
    let peering = active(network, it.peering_id, "a conflicting route")?;
    accepted_route(peering, it.side, it.destination).map(|route| route.conflicts.get(&it.route_table) != Some(&it.target))
}

fn group_created(network: &Registered, it: &FirewallGroupCreated) -> Result<bool, Refusal> {
    let peering = active(network, it.peering_id, "a firewall group")?;
    Ok(peering.firewall.get(it.side).group.as_ref() != Some(&it.group))
}

fn rule_authorized(network: &Registered, it: &FirewallRuleAuthorized) -> Result<bool, Refusal> {
    let peering = active(network, it.peering_id, "a firewall rule")?;
    Ok(peering.firewall.get(it.side).rules.get(&it.rule) != Some(&it.rule_id))
}

fn rule_revoked(network: &Registered, it: &FirewallRuleRevoked) -> Result<bool, Refusal> {
    let peering = active(network, it.peering_id, "a revoked firewall rule")?;
    Ok(peering.firewall.get(it.side).rules.get(&it.rule) == Some(&it.rule_id))
}

fn enforced(network: &Registered, it: &FirewallEnforced) -> Result<bool, Refusal> {
    let peering = active(network, it.peering_id, "an enforced firewall")?;
    let firewall = peering.firewall.get(it.side);
    if firewall.admit != it.admit.iter().copied().collect() {
        return Err(out_of_order(peering, "a firewall for another posture"));
    }
    Ok(!firewall.enforced || firewall.group.as_ref() != Some(&it.group))
}
