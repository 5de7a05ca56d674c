//! A peering as the domain's fold has it, and as the rows have it, in the same words.

use super::*;
use crate::{LifeName, Origin, PeeringView};
use std::collections::BTreeSet;

/// What is said of a peering, in the domain's terms.
#[derive(Debug, PartialEq)]
pub(super) struct Seen {
    beginning: String,
    life: String,
    removal: Option<String>,
    left_behind: Vec<Remnant>,
    blocked: Option<ProvisioningBlocked>,
    converged: bool,
    routes: BTreeSet<String>,
    firewall: BTreeSet<String>,
    ingress: BTreeSet<String>,
    exposures: BTreeSet<String>,
    dns: Vec<(Side, bool, bool)>,
    drift: BTreeSet<String>,
}

fn beginning_by_fold(it: &Peering) -> String {
    let (adopted, found) = match &it.origin {
        domain::network::Origin::Requested => (false, None),
        domain::network::Origin::Adopted { found } => (true, found.clone()),
    };
    let found = found.map(|it| it.into_iter().collect::<Vec<_>>());
    let past: Vec<_> = it.past_links.iter().collect();
    format!(
        "{:?} {} {:?} {:?} {adopted} {found:?} {past:?} {:?}",
        it.peer, it.requested_at, it.terms, it.external_id, it.acceptance
    )
}

fn life_by_fold(life: &Life) -> String {
    let (attempt, expiry) = match life {
        Life::Initiating { attempt, .. } | Life::InitiationRefused { attempt } => {
            (Some(*attempt), None)
        }
        Life::Initiated {
            expires_at, warned, ..
        } => (None, Some((*expires_at, *warned))),
        Life::Requested
        | Life::Accepted { .. }
        | Life::Active { .. }
        | Life::Removing { .. }
        | Life::Ended(_) => (None, None),
    };
    let failure = match life.ending() {
        Some(Ending::Failed { message, .. }) => Some(message),
        _ => None,
    };
    format!(
        "{} {:?} {attempt:?} {expiry:?} {failure:?}",
        life.as_str(),
        life.link()
    )
}

fn removal_by_fold(life: &Life) -> Option<String> {
    let Life::Removing { because, .. } = life else {
        return None;
    };
    let (reason, passed) = match because {
        RemovalCause::Command { reason } => (Some(reason), None),
        RemovalCause::Deadline { passed } => (None, Some(passed)),
    };
    Some(format!("{reason:?} {passed:?}"))
}

pub(super) fn by_fold(peering: &Peering) -> Seen {
    let kept = peering.routes.iter().flat_map(|(side, routes)| {
        routes.iter().map(move |(destination, it)| {
            format!("{side} {destination} {:?} {:?}", it.installed, it.conflicts)
        })
    });
    let going = peering.withdrawn.iter().flat_map(|(side, routes)| {
        routes.iter().map(move |(destination, it)| {
            format!(
                "{side} {destination} {:?} going for {:?}",
                it.installed, it.replaced_by
            )
        })
    });
    let firewall = peering.firewall.iter().map(|(side, it)| {
        let rules: Vec<_> = it
            .rules
            .iter()
            .map(|(rule, id)| format!("{}:{} {id}", rule.source, rule.port))
            .collect();
        format!(
            "{side} {:?} {:?} {rules:?} {}",
            it.admit, it.group, it.enforced
        )
    });
    let exposures = peering.firewall.iter().flat_map(|(side, it)| {
        it.exposures
            .values()
            .map(move |it| format!("{side} {it:?}"))
    });
    let open = peering
        .drift
        .iter()
        .map(|(finding, since)| format!("{finding:?} since {since}"));
    let repaired = peering
        .repairs
        .iter()
        .map(|(finding, it)| format!("{finding:?} repaired {} {:?}", it.count, it.last));
    let tolerated = peering
        .tolerated
        .iter()
        .map(|finding| format!("{finding:?} adopted"));
    Seen {
        beginning: beginning_by_fold(peering),
        life: life_by_fold(&peering.life),
        removal: removal_by_fold(&peering.life),
        left_behind: match peering.life.ending() {
            Some(Ending::Removed { left_behind, .. } | Ending::Abandoned { left_behind, .. }) => {
                left_behind.clone()
            }
            _ => Vec::new(),
        },
        blocked: peering.blocked.clone(),
        converged: peering.is_converged(),
        routes: kept.chain(going).collect(),
        firewall: firewall.collect(),
        ingress: peering
            .ingress
            .iter()
            .map(|(id, it)| format!("{id} {it:?}"))
            .collect(),
        exposures: exposures.collect(),
        dns: peering
            .dns
            .iter()
            .map(|(side, it)| (side, it.wanted, it.applied))
            .collect(),
        drift: open.chain(repaired).chain(tolerated).collect(),
    }
}

fn beginning_by_rows(it: &PeeringView) -> String {
    let (adopted, past) = (
        it.origin == Origin::Adopted,
        it.past_links.iter().collect::<Vec<_>>(),
    );
    let (peer, terms, found) = (&it.peer, &it.terms, &it.found);
    format!(
        "{peer:?} {} {terms:?} {:?} {adopted} {found:?} {past:?} {:?}",
        it.requested_at, it.external_id, it.evidence
    )
}

fn life_by_rows(it: &PeeringView) -> String {
    let expiry = it.expires_at.map(|at| (at, it.expiry_near));
    format!(
        "{} {:?} {:?} {expiry:?} {:?}",
        it.life,
        it.link.as_ref(),
        it.attempt,
        it.failure.as_ref()
    )
}

async fn routes_by_rows(projections: &Projections, id: PeeringId) -> BTreeSet<String> {
    let routes = projections.routes(id).await.unwrap().into_iter().map(|it| {
        let installed: BTreeSet<_> = it.installed.into_iter().map(|it| it.route_table).collect();
        let conflicts: BTreeMap<_, _> = it
            .conflicts
            .into_iter()
            .map(|it| (it.route_table, it.target))
            .collect();
        match it.withdrawn {
            None => format!("{} {} {installed:?} {conflicts:?}", it.side, it.destination),
            Some(going) => format!(
                "{} {} {installed:?} going for {:?}",
                it.side, it.destination, going.replaced_by
            ),
        }
    });
    routes.collect()
}

async fn firewall_by_rows(projections: &Projections, id: PeeringId) -> BTreeSet<String> {
    let firewall = projections
        .firewall(id)
        .await
        .unwrap()
        .into_iter()
        .map(|it| {
            let admit: BTreeSet<_> = it.admit.iter().collect();
            let rules: Vec<_> = it
                .rules
                .iter()
                .map(|rule| format!("{}:{} {}", rule.source, rule.port, rule.rule_id))
                .collect();
            format!(
                "{} {admit:?} {:?} {rules:?} {}",
                it.side,
                it.group,
                it.is_enforced()
            )
        });
    firewall.collect()
}

async fn drift_by_rows(projections: &Projections, id: PeeringId) -> BTreeSet<String> {
    let drift = projections.drift(id).await.unwrap();
    let said = drift.iter().flat_map(|it| {
        let open = it
            .since
            .map(|since| format!("{:?} since {since}", it.finding));
        let repaired = it.repaired_at.map(|_| {
            format!(
                "{:?} repaired {} {:?}",
                it.finding, it.repairs, it.repaired_at
            )
        });
        let adopted = it.adopted_at.map(|_| format!("{:?} adopted", it.finding));
        [open, repaired, adopted].into_iter().flatten()
    });
    said.collect()
}

pub(super) async fn by_rows(projections: &Projections, id: PeeringId) -> Option<Seen> {
    let peering = projections.peering(id).await.unwrap()?;
    let ingress = projections
        .ingress(id)
        .await
        .unwrap()
        .into_iter()
        .map(|it| {
            let (target, rule, reason) = (it.target, it.rule, it.reason);
            format!(
                "{} {:?}",
                it.id,
                Ingress {
                    target,
                    rule,
                    reason,
                    allowed_at: it.allowed_at,
                    expires_at: it.expires_at
                }
            )
        });
    let exposures = projections.exposures(id).await.unwrap();
    let drift = drift_by_rows(projections, id).await;
    assert_eq!(peering.exposures, exposures.len() as u64);
    assert_eq!(
        peering.drifting,
        drift.iter().filter(|it| it.contains(" since ")).count() as u64
    );
    let removing = peering
        .removal
        .as_ref()
        .filter(|_| peering.life == LifeName::Removing);
    let blocked = peering.blocked.as_ref().map(|it| ProvisioningBlocked {
        peering_id: id,
        cause: it.cause,
        side: it.side,
        message: it.message.clone(),
        remedy: it.remedy.clone(),
    });
    Some(Seen {
        beginning: beginning_by_rows(&peering),
        life: life_by_rows(&peering),
        removal: removing.map(|it| format!("{:?} {:?}", it.reason, it.deadline_passed)),
        left_behind: peering.left_behind,
        blocked,
        converged: peering.converged,
        routes: routes_by_rows(projections, id).await,
        firewall: firewall_by_rows(projections, id).await,
        ingress: ingress.collect(),
        exposures: exposures
            .iter()
            .map(|it| format!("{} {:?}", it.side, it.exposure))
            .collect(),
        dns: projections
            .dns(id)
            .await
            .unwrap()
            .iter()
            .map(|it| (it.side, it.wanted, it.applied))
            .collect(),
        drift,
    })
}
