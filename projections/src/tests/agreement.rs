//! The same log gives the same rows however it is delivered, and the rows say what the domain's fold says.

use super::*;
use crate::{LifeName, PageRequest, PeeringFilter};
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

/// What the rows say of a network, in the domain's terms.
#[derive(Debug, PartialEq)]
struct Seen {
    life: String,
    link: Option<String>,
    blocked: Option<ProvisioningBlocked>,
    converged: bool,
    routes: BTreeSet<String>,
    firewall: BTreeSet<String>,
}

fn by_fold(peering: &Peering) -> Seen {
    let routes = peering.routes.iter().flat_map(|(side, routes)| {
        routes.iter().map(move |(destination, it)| format!("{side} {destination} {:?} {:?}", it.installed, it.conflicts))
    });
    let firewall = peering.firewall.iter().map(|(side, it)| {
        let rules: Vec<_> = it.rules.iter().map(|(rule, id)| format!("{}:{} {id}", rule.source, rule.port)).collect();
        format!("{side} {:?} {:?} {rules:?} {}", it.admit, it.group, it.enforced)
    });
    Seen {
        life: peering.life.as_str().to_owned(),
        link: peering.life.link().map(ToString::to_string),
        blocked: peering.blocked.clone(),
        converged: peering.is_converged(),
        routes: routes.collect(),
        firewall: firewall.collect(),
    }
}

async fn by_rows(projections: &Projections, id: PeeringId) -> Option<Seen> {
    let peering = projections.peering(id).await.unwrap()?;
    let routes = projections.routes(id).await.unwrap().into_iter().map(|it| {
        let installed: BTreeSet<_> = it.installed.into_iter().map(|it| it.route_table).collect();
        let conflicts: BTreeMap<_, _> = it.conflicts.into_iter().map(|it| (it.route_table, it.target)).collect();
        format!("{} {} {installed:?} {conflicts:?}", it.side, it.destination)
    });
    let firewall = projections.firewall(id).await.unwrap().into_iter().map(|it| {
        let admit: BTreeSet<_> = it.admit.iter().collect();
        let rules: Vec<_> = it.rules.iter().map(|rule| format!("{}:{} {}", rule.source, rule.port, rule.rule_id)).collect();
        format!("{} {admit:?} {:?} {rules:?} {}", it.side, it.group, it.is_enforced())
    });
    let blocked = peering.blocked.map(|it| ProvisioningBlocked {
        peering_id: id,
        cause: it.cause,
        side: it.side,
        message: it.message,
        remedy: it.remedy,
    });
    Some(Seen {
        life: peering.life.to_string(),
        link: peering.link.map(|it| it.to_string()),
        blocked,
        converged: peering.converged,
        routes: routes.collect(),
        firewall: firewall.collect(),
    })
}

/// Everything that can be said of peering 1 or 2, so that any of it may follow on anything.
fn vocabulary() -> Vec<NetworkEvent> {
    let mut words: Vec<NetworkEvent> = vec![registered(1), requested(1), requested(2)];
    words.extend(closed(1));
    words.extend(a_whole_life());
    let (peering_id, side, link) = (peering_id(1), Side::Local, text("pcx-02"));
    let destination = text("10.102.0.0/16");
    words.extend::<[NetworkEvent; 10]>([
        RouteConflicted { peering_id, side, destination, route_table: text("rtb-0a1"), target: "nat-01".to_owned() }.into(),
        RouteInstalled { peering_id, side: Side::Remote, destination, route_table: text("rtb-0a1") }.into(),
        FirewallGroupCreated { peering_id, side, group: text("sg-0c3") }.into(),
        FirewallRuleRevoked { peering_id, side, rule: clients(), rule_id: text("sgr-0a1") }.into(),
        FirewallRuleAuthorized { peering_id, side, rule: InboundRule { port: 443, ..clients() }, rule_id: text("sgr-0d4") }.into(),
        FirewallRestricted { peering_id, side, admit: vec![clients(), InboundRule { port: 443, ..clients() }, clients()] }.into(),
        FirewallEnforced { peering_id, side, group: text("sg-0a1"), admit: vec![InboundRule { port: 443, ..clients() }, clients()] }.into(),
        PeeringRejected { peering_id, link: text("pcx-01") }.into(),
        PeeringExpired { peering_id, link: text("pcx-01") }.into(),
        PeeringFailed { peering_id, link: Some(link), message: "gone".to_owned() }.into(),
    ]);
    words
}

#[test]
fn the_vocabulary_has_every_event_type() {
    let said: BTreeSet<_> = vocabulary().iter().map(NetworkEvent::name).collect();
    assert_eq!(said, NetworkEvent::NAMES.iter().copied().collect());
}

/// Anything after nothing, or after a part of a whole life.
fn a_history() -> impl Strategy<Value = Vec<NetworkEvent>> {
    let lived: Vec<_> = std::iter::once(registered(1)).chain(request(1)).chain(a_whole_life()).collect();
    let begins = prop_oneof![1 => Just(0), 4 => 4..=lived.len()];
    (begins, proptest::collection::vec(select(vocabulary()), 0..12))
        .prop_map(move |(begins, then)| lived[..begins].iter().cloned().chain(then).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(192) })]

    #[test]
    fn whatever_the_log_holds_the_rows_say_what_the_fold_says(events in a_history()) {
        let mut log = Log::default();
        log.append(network_id(1), 1, events.clone());
        let fold = events.iter().fold(Network::default(), evolve);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let projections = written(&log).await;
            let known = projections.network(network_id(1)).await.unwrap();
            match &fold {
                Network::Unregistered => assert!(known.is_none()),
                Network::Registered(network) => {
                    let known = known.unwrap();
                    assert_eq!(known.peerings.live, network.live_peerings().count() as u64);
                    assert_eq!(known.revision, log.events.len() as u64 - 1);
                }
            }
            for n in 1..=2 {
                let folded = match &fold {
                    Network::Unregistered => None,
                    Network::Registered(network) => network.peerings.get(&peering_id(n)).map(by_fold),
                };
                assert_eq!(by_rows(&projections, peering_id(n)).await, folded);
            }
        });
    }
}

#[tokio::test]
async fn every_name_of_a_life_in_the_rows_is_one_that_the_domain_uses() {
    let projections = written(&story()).await;
    let all = projections.list_peerings(&PeeringFilter::default(), &PageRequest::default()).await.unwrap();
    assert_eq!(all.items.iter().map(|it| it.life).collect::<Vec<_>>(), [LifeName::Active, LifeName::Requested, LifeName::Failed]);
    for life in LifeName::ALL {
        assert_eq!(life.as_str().parse(), Ok(*life));
        assert_eq!(serde_json::to_value(life).unwrap(), life.as_str());
    }
}
