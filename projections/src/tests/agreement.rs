//! The same log gives the same rows however it is delivered, and the rows say what the domain's fold says.

use super::*;
use crate::{LifeName, Origin, PageRequest, PeeringFilter, PeeringView};
use proptest::{prelude::*, sample::select};
use std::collections::BTreeSet;

#[tokio::test]
async fn built_at_once_or_event_by_event_the_rows_are_the_same() {
    let log = story();
    let (at_once, step_by_step) = (written(&log).await, Projections::in_memory().unwrap());
    for event in &log.events {
        write(&step_by_step, std::slice::from_ref(event)).await;
    }
    assert_eq!(dump(&at_once).await, dump(&step_by_step).await);
}

#[tokio::test]
async fn every_event_delivered_twice_changes_nothing() {
    let log = story();
    let (once, twice) = (written(&log).await, Projections::in_memory().unwrap());
    let doubled: Vec<_> = log.events.iter().flat_map(|event| [event.clone(), event.clone()]).collect();
    write(&twice, &doubled).await;
    write(&twice, &log.events).await;
    for event in &log.events {
        write(&twice, std::slice::from_ref(event)).await;
    }
    assert_eq!(dump(&once).await, dump(&twice).await);
}

#[tokio::test]
async fn followed_again_from_any_place_the_rows_end_up_the_same() {
    let log = story();
    let whole = dump(&written(&log).await).await;
    for cut in 0..log.events.len() {
        let projections = Projections::in_memory().unwrap();
        write(&projections, &log.events[..cut]).await;
        write(&projections, &log.events[cut.saturating_sub(3)..]).await;
        assert_eq!(dump(&projections).await, whole, "cut at {cut}");
    }
}

#[tokio::test]
async fn a_checkpoint_moves_the_position_forward_and_never_back() {
    let log = story();
    let projections = written(&log).await;
    let end = log.end();
    let behind = Position { commit: end.commit, prepare: 0 };
    assert_eq!(write_with(&projections, &[], Some(behind)).await, end);
    let ahead = Position { commit: end.commit + 5_000, prepare: end.commit + 5_000 };
    assert_eq!(write_with(&projections, &[], Some(ahead)).await, ahead);
}

/// What is said of a peering, in the domain's terms.
#[derive(Debug, PartialEq)]
struct Seen {
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
    format!("{:?} {} {:?} {:?} {adopted} {found:?} {past:?}", it.peer, it.requested_at, it.terms, it.external_id)
}

fn life_by_fold(life: &Life) -> String {
    let (attempt, expiry) = match life {
        Life::Initiating { attempt, .. } | Life::InitiationRefused { attempt } => (Some(*attempt), None),
        Life::Initiated { expires_at, warned, .. } => (None, Some((*expires_at, *warned))),
        Life::Requested | Life::Accepted { .. } | Life::Active { .. } | Life::Removing { .. } | Life::Ended(_) => (None, None),
    };
    let failure = match life.ending() {
        Some(Ending::Failed { message, .. }) => Some(message),
        _ => None,
    };
    format!("{} {:?} {attempt:?} {expiry:?} {failure:?}", life.as_str(), life.link())
}

fn removal_by_fold(life: &Life) -> Option<String> {
    let Life::Removing { because, .. } = life else { return None };
    let (reason, passed) = match because {
        RemovalCause::Command { reason } => (Some(reason), None),
        RemovalCause::Deadline { passed } => (None, Some(passed)),
    };
    Some(format!("{reason:?} {passed:?}"))
}

fn by_fold(peering: &Peering) -> Seen {
    let kept = peering.routes.iter().flat_map(|(side, routes)| {
        routes.iter().map(move |(destination, it)| format!("{side} {destination} {:?} {:?}", it.installed, it.conflicts))
    });
    let going = peering.withdrawn.iter().flat_map(|(side, routes)| {
        routes.iter().map(move |(destination, it)| format!("{side} {destination} {:?} going for {:?}", it.installed, it.replaced_by))
    });
    let firewall = peering.firewall.iter().map(|(side, it)| {
        let rules: Vec<_> = it.rules.iter().map(|(rule, id)| format!("{}:{} {id}", rule.source, rule.port)).collect();
        format!("{side} {:?} {:?} {rules:?} {}", it.admit, it.group, it.enforced)
    });
    let exposures = peering.firewall.iter().flat_map(|(side, it)| it.exposures.values().map(move |it| format!("{side} {it:?}")));
    let open = peering.drift.iter().map(|(finding, since)| format!("{finding:?} since {since}"));
    let repaired = peering.repairs.iter().map(|(finding, it)| format!("{finding:?} repaired {} {:?}", it.count, it.last));
    let tolerated = peering.tolerated.iter().map(|finding| format!("{finding:?} adopted"));
    Seen {
        beginning: beginning_by_fold(peering),
        life: life_by_fold(&peering.life),
        removal: removal_by_fold(&peering.life),
        left_behind: match peering.life.ending() {
            Some(Ending::Removed { left_behind, .. } | Ending::Abandoned { left_behind, .. }) => left_behind.clone(),
            _ => Vec::new(),
        },
        blocked: peering.blocked.clone(),
        converged: peering.is_converged(),
        routes: kept.chain(going).collect(),
        firewall: firewall.collect(),
        ingress: peering.ingress.iter().map(|(id, it)| format!("{id} {it:?}")).collect(),
        exposures: exposures.collect(),
        dns: peering.dns.iter().map(|(side, it)| (side, it.wanted, it.applied)).collect(),
        drift: open.chain(repaired).chain(tolerated).collect(),
    }
}

fn beginning_by_rows(it: &PeeringView) -> String {
    let (adopted, past) = (it.origin == Origin::Adopted, it.past_links.iter().collect::<Vec<_>>());
    format!("{:?} {} {:?} {:?} {adopted} {:?} {past:?}", it.peer, it.requested_at, it.terms, it.external_id, it.found)
}

fn life_by_rows(it: &PeeringView) -> String {
    let expiry = it.expires_at.map(|at| (at, it.expiry_near));
    format!("{} {:?} {:?} {expiry:?} {:?}", it.life, it.link.as_ref(), it.attempt, it.failure.as_ref())
}

async fn routes_by_rows(projections: &Projections, id: PeeringId) -> BTreeSet<String> {
    let routes = projections.routes(id).await.unwrap().into_iter().map(|it| {
        let installed: BTreeSet<_> = it.installed.into_iter().map(|it| it.route_table).collect();
        let conflicts: BTreeMap<_, _> = it.conflicts.into_iter().map(|it| (it.route_table, it.target)).collect();
        match it.withdrawn {
            None => format!("{} {} {installed:?} {conflicts:?}", it.side, it.destination),
            Some(going) => format!("{} {} {installed:?} going for {:?}", it.side, it.destination, going.replaced_by),
        }
    });
    routes.collect()
}

async fn firewall_by_rows(projections: &Projections, id: PeeringId) -> BTreeSet<String> {
    let firewall = projections.firewall(id).await.unwrap().into_iter().map(|it| {
        let admit: BTreeSet<_> = it.admit.iter().collect();
        let rules: Vec<_> = it.rules.iter().map(|rule| format!("{}:{} {}", rule.source, rule.port, rule.rule_id)).collect();
        format!("{} {admit:?} {:?} {rules:?} {}", it.side, it.group, it.is_enforced())
    });
    firewall.collect()
}

async fn drift_by_rows(projections: &Projections, id: PeeringId) -> BTreeSet<String> {
    let drift = projections.drift(id).await.unwrap();
    let said = drift.iter().flat_map(|it| {
        let open = it.since.map(|since| format!("{:?} since {since}", it.finding));
        let repaired = it.repaired_at.map(|_| format!("{:?} repaired {} {:?}", it.finding, it.repairs, it.repaired_at));
        let adopted = it.adopted_at.map(|_| format!("{:?} adopted", it.finding));
        [open, repaired, adopted].into_iter().flatten()
    });
    said.collect()
}

async fn by_rows(projections: &Projections, id: PeeringId) -> Option<Seen> {
    let peering = projections.peering(id).await.unwrap()?;
    let ingress = projections.ingress(id).await.unwrap().into_iter().map(|it| {
        let (target, rule, reason) = (it.target, it.rule, it.reason);
        format!("{} {:?}", it.id, Ingress { target, rule, reason, allowed_at: it.allowed_at, expires_at: it.expires_at })
    });
    let exposures = projections.exposures(id).await.unwrap();
    let drift = drift_by_rows(projections, id).await;
    assert_eq!(peering.exposures, exposures.len() as u64);
    assert_eq!(peering.drifting, drift.iter().filter(|it| it.contains(" since ")).count() as u64);
    let removing = peering.removal.as_ref().filter(|_| peering.life == LifeName::Removing);
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
        exposures: exposures.iter().map(|it| format!("{} {:?}", it.side, it.exposure)).collect(),
        dns: projections.dns(id).await.unwrap().iter().map(|it| (it.side, it.wanted, it.applied)).collect(),
        drift,
    })
}

#[test]
fn the_vocabulary_has_every_event_type() {
    let said: BTreeSet<_> = vocabulary().iter().map(NetworkEvent::name).collect();
    assert_eq!(said, NetworkEvent::NAMES.iter().copied().collect());
}

/// Anything after nothing, or after a part of a whole life, and of what follows on that.
fn a_history() -> impl Strategy<Value = Vec<NetworkEvent>> {
    let lived: Vec<_> = std::iter::once(registered(1)).chain(request(1)).chain(a_whole_life()).chain(upkeep()).collect();
    let begins = prop_oneof![1 => Just(0), 4 => 4..=lived.len()];
    // A word that ends the whole network is said seldom, or nothing would ever follow on anything.
    let (last, words): (Vec<_>, Vec<_>) = vocabulary().into_iter().partition(|it| matches!(it, NetworkEvent::NetworkRetired(_)));
    let word = prop_oneof![40 => select(words), 1 => select(last)];
    (begins, proptest::collection::vec(word, 0..16)).prop_map(move |(begins, then)| lived[..begins].iter().cloned().chain(then).collect())
}

fn the_network(fold: &Network) -> Option<(&Registered, bool)> {
    match fold {
        Network::Unregistered => None,
        Network::Registered(network) => Some((network, false)),
        Network::Retired(network) => Some((network, true)),
    }
}

async fn agree(events: Vec<NetworkEvent>) {
    let mut log = Log::default();
    log.append(network_id(1), 1, events.clone());
    let fold = events.iter().fold(Network::default(), evolve);
    let projections = written(&log).await;
    let known = projections.network(network_id(1)).await.unwrap();
    assert_eq!(known.is_some(), the_network(&fold).is_some());
    if let (Some(known), Some((network, retired))) = (known, the_network(&fold)) {
        assert_eq!(known.peerings.live, network.live_peerings().count() as u64);
        assert_eq!(known.peerings.ended + known.peerings.live, network.peerings.len() as u64);
        assert_eq!(known.revision, log.events.len() as u64 - 1);
        assert_eq!((&known.policy, known.drift_check_at), (&network.policy, network.drift_check));
        assert_eq!(known.retired.is_some(), retired);
    }
    for n in 1..=2 {
        let folded = the_network(&fold).and_then(|(network, _)| network.peerings.get(&peering_id(n)).map(by_fold));
        assert_eq!(by_rows(&projections, peering_id(n)).await, folded);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(384) })]

    #[test]
    fn whatever_the_log_holds_the_rows_say_what_the_fold_says(events in a_history()) {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(agree(events));
    }
}

#[tokio::test]
async fn at_the_end_of_the_story_the_rows_say_what_the_fold_says() {
    let log = story();
    for network in [network_id(1), network_id(2)] {
        let events = log.events.iter().filter(|it| it.network_id == Some(network));
        let events: Vec<_> = events.filter_map(|it| if let Body::Event(event) = &it.body { Some(event.clone()) } else { None }).collect();
        let fold = events.iter().fold(Network::default(), evolve);
        let projections = written(&log).await;
        let (network, _) = the_network(&fold).unwrap();
        for (id, peering) in &network.peerings {
            assert_eq!(by_rows(&projections, *id).await, Some(by_fold(peering)));
        }
    }
}

#[tokio::test]
async fn every_name_of_a_life_in_the_rows_is_one_that_the_domain_uses() {
    let projections = written(&story()).await;
    let all = projections.list_peerings(&PeeringFilter::default(), &PageRequest::default()).await.unwrap();
    let (active, waiting) = (LifeName::Active, LifeName::AwaitingAcceptance);
    let lives = [active, LifeName::Requested, LifeName::Failed, waiting, LifeName::Removed, LifeName::Abandoned];
    assert_eq!(all.items.iter().map(|it| it.life).collect::<Vec<_>>(), lives);
    let names: Vec<_> = LifeName::ALL.iter().map(LifeName::as_str).collect();
    assert_eq!(names, Life::NAMES);
    for life in LifeName::ALL {
        assert_eq!(life.as_str().parse(), Ok(*life));
        assert_eq!(serde_json::to_value(life).unwrap(), life.as_str());
        assert_eq!(
            life.is_live(),
            ["requested", "initiating", "awaiting_acceptance", "provisioning", "active", "removing"].contains(&life.as_str())
        );
    }
    assert!(crate::NotALife.to_string().starts_with("a peering is requested, initiating,"));
}
