//! The same log gives the same rows however it is delivered, and the rows say what the domain's
//! fold says.

use super::{
    seen::{by_fold, by_rows},
    vocabulary::vocabulary,
    *,
};
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
    let doubled: Vec<_> = log
        .events
        .iter()
        .flat_map(|event| [event.clone(), event.clone()])
        .collect();
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
    let behind = Position {
        commit: end.commit,
        prepare: 0,
    };
    assert_eq!(write_with(&projections, &[], Some(behind)).await, end);
    let ahead = Position {
        commit: end.commit + 5_000,
        prepare: end.commit + 5_000,
    };
    assert_eq!(write_with(&projections, &[], Some(ahead)).await, ahead);
}

#[test]
fn the_vocabulary_has_every_event_type() {
    let said: BTreeSet<_> = vocabulary().iter().map(NetworkEvent::name).collect();
    assert_eq!(said, NetworkEvent::NAMES.iter().copied().collect());
}

/// Anything after nothing, or after a part of a whole life, of a link that was asked for or of one
/// that was adopted.
fn a_history() -> impl Strategy<Value = Vec<NetworkEvent>> {
    let asked_for: Vec<_> = std::iter::once(registered(1))
        .chain(request(1))
        .chain(a_whole_life())
        .chain(upkeep())
        .collect();
    let adopted: Vec<_> = std::iter::once(registered(1))
        .chain(a_whole_adopted_life())
        .chain(upkeep())
        .collect();
    let lived = prop_oneof![2 => Just(asked_for), 1 => Just(adopted)];
    let begins = prop_oneof![1 => Just(0), 6 => 4..=usize::MAX];
    // A word after which little can follow is said seldom.
    let (last, words): (Vec<_>, Vec<_>) = vocabulary().into_iter().partition(is_nearly_the_last);
    let word = prop_oneof![12 => select(words), 1 => select(last)];
    let then = proptest::collection::vec(word, 0..24);
    (lived, begins, then).prop_map(|(lived, begins, then)| {
        lived[..begins.min(lived.len())]
            .iter()
            .cloned()
            .chain(then)
            .collect()
    })
}

fn is_nearly_the_last(event: &NetworkEvent) -> bool {
    matches!(
        event,
        NetworkEvent::NetworkRetired(_)
            | NetworkEvent::PeeringRejected(_)
            | NetworkEvent::PeeringExpired(_)
            | NetworkEvent::PeeringFailed(_)
            | NetworkEvent::PeeringAbandoned(_)
            | NetworkEvent::PeeringRemoved(_)
    )
}

fn the_network(fold: &Network) -> Option<(&Registered, bool)> {
    match fold {
        Network::Unregistered | Network::Marked(_) => None,
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
        assert_eq!(
            known.peerings.ended + known.peerings.live,
            network.peerings().len() as u64
        );
        assert_eq!(known.revision, log.events.len() as u64 - 1);
        assert_eq!(
            (&known.policy, known.drift_check_at),
            (&network.policy, network.drift_check)
        );
        assert_eq!(known.retired.is_some(), retired);
    }
    for n in 1..=2 {
        let folded = the_network(&fold)
            .and_then(|(network, _)| network.peerings().get(&peering_id(n)).map(by_fold));
        assert_eq!(by_rows(&projections, peering_id(n)).await, folded);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn whatever_the_log_holds_the_rows_say_what_the_fold_says(events in a_history()) {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(agree(events));
    }
}

#[tokio::test]
async fn at_the_end_of_the_story_the_rows_say_what_the_fold_says() {
    let log = story();
    for network in [network_id(1), network_id(2)] {
        let events = log
            .events
            .iter()
            .filter(|it| it.network_id == Some(network));
        let events: Vec<_> = events
            .filter_map(|it| {
                if let Body::Event(event) = &it.body {
                    Some(event.clone())
                } else {
                    None
                }
            })
            .collect();
        let fold = events.iter().fold(Network::default(), evolve);
        let projections = written(&log).await;
        let (network, _) = the_network(&fold).unwrap();
        for (id, peering) in network.peerings() {
            assert_eq!(by_rows(&projections, *id).await, Some(by_fold(peering)));
        }
    }
}

#[tokio::test]
async fn every_name_of_a_life_in_the_rows_is_one_that_the_domain_uses() {
    let projections = written(&story()).await;
    let all = projections
        .list_peerings(&PeeringFilter::default(), &PageRequest::default())
        .await
        .unwrap();
    let (active, waiting) = (LifeName::Active, LifeName::AwaitingAcceptance);
    let lives = [
        active,
        LifeName::Requested,
        LifeName::Failed,
        waiting,
        LifeName::Removed,
        LifeName::Abandoned,
    ];
    assert_eq!(
        all.items.iter().map(|it| it.life).collect::<Vec<_>>(),
        lives
    );
    let names: Vec<_> = LifeName::ALL.iter().map(LifeName::as_str).collect();
    assert_eq!(names, Life::NAMES);
    for life in LifeName::ALL {
        assert_eq!(life.as_str().parse(), Ok(*life));
        assert_eq!(serde_json::to_value(life).unwrap(), life.as_str());
        assert_eq!(
            life.is_live(),
            [
                "requested",
                "initiating",
                "awaiting_acceptance",
                "provisioning",
                "active",
                "removing"
            ]
            .contains(&life.as_str())
        );
    }
    assert!(
        crate::NotALife
            .to_string()
            .starts_with("a peering is requested, initiating,")
    );
}
