//! Questions, pages and filters.

use super::*;
use crate::{
    DriftFilter, ExposureFilter, Legible, LifeName, NetworkFilter, Order, OrphanFilter, Page,
    PageRequest, Part, PeeringFilter, PeeringView, QueryError, TimelineQuery,
};
use domain::{
    Range,
    network::{OrphanCleared, OrphanEnd},
};

fn first(size: usize) -> PageRequest {
    PageRequest {
        size,
        ..PageRequest::default()
    }
}

fn next<T>(size: usize, page: &Page<T>) -> PageRequest {
    PageRequest {
        size,
        token: page.next_token.clone(),
        ..PageRequest::default()
    }
}

/// Every page of the timeline, put together.
async fn all_of(projections: &Projections, query: &TimelineQuery, size: usize) -> Vec<Position> {
    let mut page = projections.timeline(query, &first(size)).await.unwrap();
    let mut all: Vec<_> = page.items.iter().map(|it| it.position).collect();
    while page.next_token.is_some() {
        assert_eq!(page.items.len(), size);
        page = projections
            .timeline(query, &next(size, &page))
            .await
            .unwrap();
        all.extend(page.items.iter().map(|it| it.position));
    }
    all
}

#[tokio::test]
async fn every_event_is_on_some_page_once_whatever_the_size_and_the_order() {
    let log = story();
    let projections = written(&log).await;
    let places: Vec<_> = log.events.iter().map(|it| it.position).collect();
    let backwards: Vec<_> = places.iter().rev().copied().collect();
    for size in [1, 2, 7, places.len(), 1_000] {
        assert_eq!(
            all_of(&projections, &TimelineQuery::default(), size).await,
            places
        );
        let newest_first = TimelineQuery {
            order: Order::NewestFirst,
            ..TimelineQuery::default()
        };
        assert_eq!(all_of(&projections, &newest_first, size).await, backwards);
    }
}

#[tokio::test]
async fn a_page_does_not_shift_under_what_is_added_meanwhile() {
    let mut log = Log::default();
    for n in 1..=4 {
        log.append(network_id(n.into()), n.into(), [registered(n)]);
    }
    let projections = written(&log).await;
    let page = projections
        .list_networks(&NetworkFilter::default(), &first(2))
        .await
        .unwrap();
    log.append(network_id(5), 5, [registered(5)])
        .append(network_id(1), 6, request(1));
    write(&projections, &log.events).await;
    let rest = projections
        .list_networks(&NetworkFilter::default(), &next(10, &page))
        .await
        .unwrap();
    let ids: Vec<_> = page
        .items
        .iter()
        .chain(&rest.items)
        .map(|it| it.network.id)
        .collect();
    assert_eq!(ids, [1, 2, 3, 4, 5].map(network_id));
    assert_eq!((rest.next_token, rest.as_of), (None, log.end()));
}

#[tokio::test]
async fn a_token_of_another_question_is_refused() {
    let projections = written(&story()).await;
    let page = projections
        .list_networks(&NetworkFilter::default(), &first(1))
        .await
        .unwrap();
    let other = projections
        .list_peerings(&PeeringFilter::default(), &next(1, &page))
        .await;
    assert!(matches!(other, Err(QueryError::PageToken)));
    let page = projections
        .list_peerings(&PeeringFilter::default(), &first(1))
        .await
        .unwrap();
    let filter = PeeringFilter {
        lives: vec![LifeName::Active],
        ..PeeringFilter::default()
    };
    assert!(matches!(
        projections.list_peerings(&filter, &next(1, &page)).await,
        Err(QueryError::PageToken)
    ));
    let nonsense = PageRequest {
        size: 1,
        token: Some("nonsense".to_owned()),
        ..PageRequest::default()
    };
    assert!(matches!(
        projections
            .list_networks(&NetworkFilter::default(), &nonsense)
            .await,
        Err(QueryError::PageToken)
    ));
}

#[tokio::test]
async fn peerings_are_found_by_network_and_by_life() {
    let projections = written(&story()).await;
    let ids = async |network, lives: &[LifeName]| {
        let filter = PeeringFilter {
            network,
            lives: lives.to_vec(),
            ..PeeringFilter::default()
        };
        let page = projections
            .list_peerings(&filter, &PageRequest::default())
            .await
            .unwrap();
        page.items
            .into_iter()
            .map(|it| it.peering.id)
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(None, &[]).await, [1, 2, 3, 4, 5, 6].map(peering_id));
    assert_eq!(ids(Some(network_id(1)), &[]).await, [1, 2].map(peering_id));
    assert_eq!(
        ids(None, &[LifeName::Failed, LifeName::Active]).await,
        [1, 3].map(peering_id)
    );
    assert_eq!(
        ids(
            Some(network_id(2)),
            &[LifeName::AwaitingAcceptance, LifeName::Removed]
        )
        .await,
        [4, 5].map(peering_id)
    );
    assert_eq!(ids(Some(network_id(2)), &[LifeName::Active]).await, []);
    assert_eq!(ids(Some(network_id(9)), &[]).await, []);
}

#[tokio::test]
async fn what_is_not_there_is_answered_with_nothing() {
    let projections = written(&story()).await;
    assert_eq!(projections.network(network_id(9)).await.unwrap(), None);
    assert_eq!(projections.peering(peering_id(9)).await.unwrap(), None);
}

#[tokio::test]
async fn exposures_are_listed_wherever_they_are_or_of_one_peering() {
    let mut log = story();
    let elsewhere = FirewallExposed {
        peering_id: peering_id(4),
        side: Side::Remote,
        exposure: exposure("sgr-0e9", "all from anywhere"),
    };
    log.append(network_id(2), 90, [elsewhere.into()]);
    let projections = written(&log).await;
    let rules = async |filter: ExposureFilter, request: PageRequest| {
        let page = projections.list_exposures(&filter, &request).await.unwrap();
        page.items
            .into_iter()
            .map(|it| it.exposure.rule_id.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        rules(ExposureFilter::default(), first(10)).await,
        ["sgr-0e1", "sgr-0e9"]
    );
    assert_eq!(
        rules(ExposureFilter::default(), first(1)).await,
        ["sgr-0e1"]
    );
    assert_eq!(
        rules(
            ExposureFilter {
                network: Some(network_id(2)),
                ..ExposureFilter::default()
            },
            first(10)
        )
        .await,
        ["sgr-0e9"]
    );
    assert_eq!(
        rules(
            ExposureFilter {
                peering: Some(peering_id(1)),
                ..ExposureFilter::default()
            },
            first(10)
        )
        .await,
        ["sgr-0e1"]
    );
    assert_eq!(
        projections
            .network(network_id(1))
            .await
            .unwrap()
            .unwrap()
            .peerings
            .exposed,
        1
    );
    log.append(network_id(1), 91, [abandoned(1)]);
    write(&projections, &log.events).await;
    let all = projections
        .list_exposures(&ExposureFilter::default(), &first(10))
        .await
        .unwrap();
    assert_eq!(
        all.items.iter().map(|it| it.peering_id).collect::<Vec<_>>(),
        [peering_id(4)],
        "nobody looks at the other any more"
    );
    assert_eq!(
        projections
            .network(network_id(1))
            .await
            .unwrap()
            .unwrap()
            .peerings
            .exposed,
        0
    );
}

#[tokio::test]
async fn orphans_are_listed_as_they_were_found_and_counted_until_they_are_gone() {
    let mut log = story();
    log.append(network_id(2), 90, [orphan(2, "sg-2"), orphan(2, "sg-1")])
        .append(network_id(1), 91, [orphan(1, "sg-3")]);
    let projections = written(&log).await;
    let listed = async |network, request| {
        let filter = OrphanFilter { network };
        let page = projections.list_orphans(&filter, &request).await.unwrap();
        let ids = page.items.iter().map(|it| it.id.to_string());
        (ids.collect::<Vec<_>>(), page.next_token)
    };
    let everything = listed(None, first(10)).await;
    assert_eq!(everything, (words(["sg-2", "sg-1", "sg-3"]), None));
    assert_eq!(
        listed(Some(network_id(1)), first(10)).await.0,
        words(["sg-3"])
    );
    let (begun, token) = listed(None, first(2)).await;
    let request = PageRequest { token, ..first(2) };
    let (rest, end) = listed(None, request).await;
    assert_eq!((begun.len(), rest, end), (2, words(["sg-3"]), None));
    assert_eq!(projections.count_orphans().await.unwrap(), 3);

    let gone = OrphanCleared {
        network_id: network_id(1),
        peering_id: peering_id(9),
        orphan: text("sg-3"),
        end: OrphanEnd::Gone,
    };
    log.append(network_id(1), 92, [gone.into()])
        .append(network_id(2), 93, [retired(2)]);
    write(&projections, &log.events).await;
    assert_eq!(listed(None, first(10)).await, (Vec::new(), None));
    assert_eq!(projections.count_orphans().await.unwrap(), 0);
}

#[tokio::test]
async fn what_is_counted_is_what_the_lists_show() {
    let mut log = story();
    log.append(network_id(2), 90, [orphan(2, "sg-2"), orphan(2, "sg-1")]);
    let detected = DriftDetected {
        peering_id: peering_id(4),
        finding: missing(),
        detected_at: start() + Duration::hours(800),
    };
    log.append(network_id(2), 95, [detected.into()]);
    let projections = written(&log).await;
    let counts = projections.counts().await.unwrap();
    let all = first(1000);
    let networks = projections
        .list_networks(&NetworkFilter::default(), &all)
        .await
        .unwrap();
    let networks = networks
        .items
        .iter()
        .filter(|it| it.network.retired.is_none());
    assert_eq!(counts.networks, networks.count() as u64);
    let peerings = projections
        .list_peerings(&PeeringFilter::default(), &all)
        .await
        .unwrap();
    let live: Vec<_> = peerings
        .items
        .iter()
        .map(|it| &it.peering)
        .filter(|it| it.life.is_live())
        .collect();
    assert!(!live.is_empty());
    assert_eq!(counts.peerings.values().sum::<u64>(), live.len() as u64);
    let blocked = live.iter().filter(|it| it.blocked.is_some());
    assert_eq!(counts.blocked.values().sum::<u64>(), blocked.count() as u64);
    let unconverged = live.iter().filter(|it| !it.is_converged());
    assert_eq!(counts.unconverged, unconverged.count() as u64);
    let exposures = projections
        .list_exposures(&ExposureFilter::default(), &all)
        .await
        .unwrap();
    let drift = projections
        .list_drift(&DriftFilter::default(), &all)
        .await
        .unwrap();
    assert!(!exposures.items.is_empty() && !drift.items.is_empty());
    let counted = (counts.exposures, counts.drift, counts.orphans);
    assert_eq!(
        counted,
        (exposures.items.len() as u64, drift.items.len() as u64, 2)
    );
}

fn words<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).to_vec()
}

#[tokio::test]
async fn a_retired_network_is_kept_and_nothing_more_happens_in_it() {
    let mut log = story();
    log.append(network_id(2), 91, [retired(2)])
        .append(network_id(2), 92, request(7));
    let projections = written(&log).await;
    let network = projections.network(network_id(2)).await.unwrap().unwrap();
    assert_eq!(
        network
            .network
            .retired
            .map(|it| it.reason.to_string())
            .as_deref(),
        Some("the project ended")
    );
    assert_eq!(
        network.revision,
        log.revisions[&network_id(2)],
        "its stream goes on all the same"
    );
    assert_eq!(projections.peering(peering_id(7)).await.unwrap(), None);
    assert!(projections.peering(peering_id(3)).await.unwrap().is_some());
}

#[tokio::test]
async fn the_timeline_is_told_by_network_peering_and_command_and_beyond_a_position() {
    let log = story();
    let projections = written(&log).await;
    let count = async |query: TimelineQuery| all_of(&projections, &query, 3).await.len();
    let query = TimelineQuery::default;
    let of_network = |n| {
        log.events
            .iter()
            .filter(|it| it.network_id == Some(network_id(n)))
            .count()
    };
    assert_eq!(
        count(TimelineQuery {
            network: Some(network_id(1)),
            ..query()
        })
        .await,
        of_network(1)
    );
    assert_eq!(
        count(TimelineQuery {
            network: Some(network_id(2)),
            ..query()
        })
        .await,
        of_network(2)
    );
    assert_eq!(
        count(TimelineQuery {
            peering: Some(peering_id(3)),
            ..query()
        })
        .await,
        4
    );
    assert_eq!(
        count(TimelineQuery {
            command: Some(CommandId(Uuid::from_u128(3))),
            ..query()
        })
        .await,
        3
    );
    let middle = Some(log.events[9].position);
    assert_eq!(
        count(TimelineQuery {
            after: middle,
            ..query()
        })
        .await,
        log.events.len() - 10
    );
    assert_eq!(
        count(TimelineQuery {
            after: middle,
            order: Order::NewestFirst,
            ..query()
        })
        .await,
        9
    );
    assert_eq!(
        count(TimelineQuery {
            after: Some(log.end()),
            ..query()
        })
        .await,
        0
    );
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_parked_where_it_can_be_found() {
    let log = story();
    let projections = written(&log).await;
    let query = TimelineQuery {
        of: Legible::Undecodable,
        ..TimelineQuery::default()
    };
    let parked = projections
        .timeline(&query, &first(10))
        .await
        .unwrap()
        .items;
    assert_eq!(parked.len(), 1);
    assert_eq!(
        (parked[0].event_type.as_str(), parked[0].problem.as_deref()),
        ("PeeringTeleported", Some("unknown event type"))
    );
    assert_eq!(
        (parked[0].network_id, &parked[0].raw[..], &parked[0].actor),
        (Some(network_id(2)), GARBAGE, &None)
    );
    assert_eq!(parked[0].data, Some(json!({ "to": "elsewhere" })));
    let network = projections.network(network_id(2)).await.unwrap().unwrap();
    assert_eq!(network.revision, log.revisions[&network_id(2)]);
}

#[tokio::test]
async fn a_network_with_an_event_that_cannot_be_read_is_shown_as_such_with_its_live_peerings() {
    let log = story();
    let projections = written(&log).await;
    let is_unreadable = |it: &Recorded| matches!(it.body, Body::Undecodable { .. });
    let event = log.events.iter().find(|it| is_unreadable(it)).unwrap();
    let network = projections.network(network_id(2)).await.unwrap().unwrap();
    let unreadable = network.unreadable.unwrap();
    assert_eq!(
        (unreadable.revision, unreadable.event_type.as_str()),
        (event.revision, "PeeringTeleported")
    );
    assert_eq!(unreadable.problem, "unknown event type");
    let other = projections.network(network_id(1)).await.unwrap().unwrap();
    assert_eq!(other.unreadable, None);
    assert_eq!(projections.counts().await.unwrap().unreadable, 1);
    let all = PeeringFilter::default();
    let peerings = projections.list_peerings(&all, &first(100)).await.unwrap();
    assert!(!peerings.items.is_empty());
    for it in &peerings.items {
        assert_eq!(it.unreadable.is_some(), it.network.id == network_id(2));
    }
    let waits = |it: &PeeringView| {
        it.peering.blocked.is_some() || it.unreadable.is_some() && it.peering.life.is_live()
    };
    let blocked = PeeringFilter {
        blocked: Some(true),
        ..PeeringFilter::default()
    };
    let listed = projections
        .list_peerings(&blocked, &first(100))
        .await
        .unwrap();
    let ids = |all: &[PeeringView]| all.iter().map(|it| it.peering.id).collect::<Vec<_>>();
    let waiting: Vec<_> = peerings
        .items
        .iter()
        .filter(|it| waits(it))
        .cloned()
        .collect();
    assert_eq!(ids(&listed.items), ids(&waiting));
    let blocked = NetworkFilter {
        blocked: Some(true),
        ..NetworkFilter::default()
    };
    let listed = projections
        .list_networks(&blocked, &first(100))
        .await
        .unwrap();
    assert!(listed.items.iter().any(|it| it.network.id == network_id(2)));
}

#[tokio::test]
async fn an_event_of_a_stream_that_is_no_networks_is_in_the_timeline_alone() {
    let mut log = story();
    let mut stray = log.events[0].clone();
    let place = log.end().commit + 1;
    stray.position = Position {
        commit: place,
        prepare: place,
    };
    (stray.stream, stray.network_id) = ("access-policy".to_owned(), None);
    log.events.push(stray);
    let projections = written(&log).await;
    let of_access = TimelineQuery {
        parts: vec![Part::Access],
        ..TimelineQuery::default()
    };
    let entry = projections
        .timeline(&of_access, &first(1))
        .await
        .unwrap()
        .items
        .remove(0);
    assert_eq!(
        (entry.stream.as_str(), entry.network_id),
        ("access-policy", None)
    );
    assert_eq!(
        projections
            .list_networks(&NetworkFilter::default(), &first(10))
            .await
            .unwrap()
            .items
            .len(),
        2
    );
}

#[tokio::test]
async fn the_same_peering_id_in_two_networks_is_two_peerings() {
    let mut log = story();
    log.append(network_id(2), 3, request(1));
    let projections = written(&log).await;
    let all = projections
        .list_peerings(&PeeringFilter::default(), &first(10))
        .await
        .unwrap()
        .items;
    let of: Vec<_> = all
        .iter()
        .filter(|it| it.peering.id == peering_id(1))
        .map(|it| (it.network.id, it.peering.life.name()))
        .collect();
    assert_eq!(
        of,
        [
            (network_id(1), LifeName::Active),
            (network_id(2), LifeName::Requested)
        ]
    );
}

#[tokio::test]
async fn the_timeline_is_told_by_actor_type_and_time() {
    let log = story();
    let projections = written(&log).await;
    let count = async |query: TimelineQuery| all_of(&projections, &query, 3).await.len();
    let query = TimelineQuery::default;
    let by = |name: &str| TimelineQuery {
        actor: Some(name.to_owned()),
        ..query()
    };
    assert_eq!(count(by("ops@example.com")).await, log.events.len() - 1);
    assert_eq!(count(by("nobody")).await, 0);
    let registrations = TimelineQuery {
        event_types: vec!["NetworkRegistered".to_owned(), "NetworkRetired".to_owned()],
        ..query()
    };
    assert_eq!(count(registrations).await, 2);
    let early = TimelineQuery {
        since: Some(start() + Duration::seconds(2)),
        until: Some(start() + Duration::seconds(5)),
        ..query()
    };
    assert_eq!(count(early).await, 3);
}

#[tokio::test]
async fn networks_and_peerings_are_found_by_how_they_are() {
    let projections = written(&story()).await;
    let everything = PageRequest::default();
    let networks = async |filter: NetworkFilter| {
        let page = projections.list_networks(&filter, &everything).await;
        let items = page.unwrap().items;
        items
            .into_iter()
            .map(|it| it.network.id)
            .collect::<Vec<_>>()
    };
    let prefix = network_id(2).to_string();
    let by_prefix = |length: usize| NetworkFilter {
        id_prefix: Some(prefix[..length].to_owned()),
        ..NetworkFilter::default()
    };
    assert_eq!(networks(by_prefix(8)).await.len(), 2);
    assert_eq!(networks(by_prefix(36)).await, [network_id(2)]);
    let peerings = async |filter: PeeringFilter| {
        let page = projections.list_peerings(&filter, &everything).await;
        page.unwrap().items
    };
    for wanted in [true, false] {
        let blocked = peerings(PeeringFilter {
            blocked: Some(wanted),
            ..PeeringFilter::default()
        });
        let waits = |it: &PeeringView| {
            it.peering.blocked.is_some() || it.unreadable.is_some() && it.peering.life.is_live()
        };
        assert!(blocked.await.iter().all(|it| waits(it) == wanted));
        let converged = peerings(PeeringFilter {
            converged: Some(wanted),
            ..PeeringFilter::default()
        });
        assert!(
            converged
                .await
                .iter()
                .all(|it| it.peering.is_converged() == wanted)
        );
        let exposed = peerings(PeeringFilter {
            exposed: Some(wanted),
            ..PeeringFilter::default()
        });
        assert_eq!(exposed.await.len(), if wanted { 1 } else { 5 });
    }
    let late = peerings(PeeringFilter {
        changed_since: Some(start() + Duration::days(365)),
        ..PeeringFilter::default()
    });
    assert_eq!(late.await, []);
}

#[tokio::test]
async fn drift_is_listed_wherever_it_is_until_it_is_repaired() {
    let mut log = story();
    let detected = |n: u128, hours| DriftDetected {
        peering_id: peering_id(n),
        finding: missing(),
        detected_at: start() + Duration::hours(hours),
    };
    log.append(network_id(2), 95, [detected(4, 800).into()]);
    let projections = written(&log).await;
    let of_four = DriftFilter {
        peering: Some(peering_id(4)),
        ..DriftFilter::default()
    };
    let page = projections.list_drift(&of_four, &first(10)).await.unwrap();
    let found: Vec<_> = page.items.iter().map(|it| (&it.drift, it.since)).collect();
    assert_eq!(found, [(&missing(), start() + Duration::hours(800))]);
    let repaired = DriftRepaired {
        peering_id: peering_id(4),
        finding: missing(),
        repaired_at: start() + Duration::hours(801),
    };
    log.append(network_id(2), 96, [repaired.into()]);
    write(&projections, &log.events).await;
    let page = projections.list_drift(&of_four, &first(10)).await.unwrap();
    assert_eq!(page.items, []);
}

#[tokio::test]
async fn what_is_listed_of_a_peering_is_what_the_domain_folds() {
    let log = story();
    let projections = written(&log).await;
    let mut networks: BTreeMap<NetworkId, Network> = BTreeMap::new();
    for recorded in &log.events {
        let (Some(id), Body::Event(event)) = (recorded.network_id, &recorded.body) else {
            continue;
        };
        let network = networks.remove(&id).unwrap_or_default();
        networks.insert(id, evolve(network, event, recorded.time()));
    }
    for (id, network) in networks {
        let (Network::Registered(mut network) | Network::Retired(mut network)) = network else {
            panic!("not on record")
        };
        for (id, peering) in std::mem::take(&mut network.connections.peerings) {
            let view = projections.peering(id).await.unwrap().unwrap();
            assert_eq!((view.peering, view.network), (peering, network.clone()));
        }
        let view = projections.network(id).await.unwrap().unwrap();
        assert_eq!((view.network, view.as_of), (network, log.end()));
    }
}

#[tokio::test]
async fn the_timeline_has_each_event_as_stored_and_the_command_beside_its_first() {
    let mut log = story();
    // A store keeps what it was given: an extra space, and digits that no double holds.
    let stored = br#"{"told":  12345678901234567890.12345678901234567890}"#;
    log.events[0].data = Bytes::from_static(stored);
    let projections = written(&log).await;
    let timeline = projections
        .timeline(&TimelineQuery::default(), &first(1_000))
        .await
        .unwrap();
    assert_eq!(&timeline.items[0].raw[..], stored);
    let mut told = std::collections::BTreeSet::new();
    for entry in timeline.items.iter().filter(|it| it.command_id.is_some()) {
        let first = told.insert((entry.network_id, entry.command_id));
        assert_eq!(entry.command.is_some(), first, "{entry:?}");
    }
    assert!(told.len() < timeline.items.len());
}

#[tokio::test]
async fn what_has_ended_was_changed_last_when_it_ended_whatever_comes_late() {
    let mut log = story();
    let ended = peering_id(6);
    let before = written(&log).await.peering(ended).await.unwrap().unwrap();
    let late = ProvisioningUnblocked { peering_id: ended };
    log.append(network_id(2), 14, [late.into()]);
    let after = written(&log).await.peering(ended).await.unwrap().unwrap();
    assert_eq!(after.as_of, log.end());
    assert_eq!(
        (after.revision, after.changed_at, after.peering),
        (before.revision, before.changed_at, before.peering)
    );
}

/// The ranges that an event names, as words of its texts.
fn ranges_in(value: &serde_json::Value, found: &mut Vec<ipnet::IpNet>) {
    match value {
        serde_json::Value::String(text) => {
            let words = text.split([' ', ',']);
            found.extend(words.filter_map(|it| it.parse::<ipnet::IpNet>().ok()));
        }
        serde_json::Value::Array(items) => items.iter().for_each(|it| ranges_in(it, found)),
        serde_json::Value::Object(fields) => fields.values().for_each(|it| ranges_in(it, found)),
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => {}
    }
}

#[tokio::test]
async fn the_timeline_is_told_by_a_range_whichever_of_the_two_contains_the_other() {
    let log = story();
    let projections = written(&log).await;
    let asked = [
        "10.0.0.0/8",
        "10.20.0.0/16",
        "10.20.0.0/24",
        "10.20.0.5/32",
        "10.101.0.0/16",
        "10.101.7.0/24",
        "10.100.0.0/14",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "fd00:20::/48",
        "fd00:20:0:1::5/128",
        "fd00:101::/56",
    ];
    let mut matched = 0;
    for range in asked.map(|it| it.parse::<Range>().unwrap()) {
        let meets = |it: &&Recorded| {
            let mut named = Vec::new();
            let data: serde_json::Value = serde_json::from_slice(&it.data).unwrap_or_default();
            ranges_in(&data, &mut named);
            // What opened the ingress that this one names by its id.
            let opened = log.events.iter().filter(|other| {
                let id = data.get("ingress_id").and_then(|it| it.as_str());
                let other = String::from_utf8_lossy(&other.data);
                id.is_some_and(|id| other.contains(id))
            });
            for other in opened {
                let other = serde_json::from_slice(&other.data).unwrap_or_default();
                ranges_in(&other, &mut named);
            }
            named
                .iter()
                .any(|it| it.contains(&range.net()) || range.net().contains(it))
        };
        let wanted: Vec<_> = log
            .events
            .iter()
            .filter(meets)
            .map(|it| it.position)
            .collect();
        matched += wanted.len();
        let query = TimelineQuery {
            range: Some(range),
            ..TimelineQuery::default()
        };
        assert_eq!(all_of(&projections, &query, 3).await, wanted, "{range}");
    }
    assert!(matched > asked.len(), "the story names some of them");
}

#[tokio::test]
async fn the_timeline_is_told_by_ticket_by_account_and_between_two_positions() {
    let mut log = story();
    let of = log
        .events
        .iter()
        .position(|it| it.metadata.is_some())
        .unwrap();
    let metadata = log.events[of].metadata.as_mut().unwrap();
    metadata.ticket = Some("OPS-7".parse().unwrap());
    let projections = written(&log).await;
    let of_ticket = TimelineQuery {
        ticket: Some("OPS-7".to_owned()),
        ..TimelineQuery::default()
    };
    let places: Vec<_> = log.events.iter().map(|it| it.position).collect();
    assert_eq!(all_of(&projections, &of_ticket, 5).await, [places[of]]);
    for order in [Order::OldestFirst, Order::NewestFirst] {
        let between = TimelineQuery {
            from: Some(places[2]),
            to: Some(places[6]),
            order,
            ..TimelineQuery::default()
        };
        let mut found = all_of(&projections, &between, 3).await;
        found.sort();
        assert_eq!(found, places[3..=6]);
    }
    let everything = PageRequest::default();
    let all = PeeringFilter::default();
    let peerings = projections.list_peerings(&all, &everything).await;
    let peerings = peerings.unwrap().items;
    let account = peerings[0].peering.peer.account.to_string();
    let with_it = peerings
        .iter()
        .filter(|it| it.peering.peer.account.as_str() == account);
    let with_it: Vec<_> = with_it.map(|it| it.peering.id).collect();
    let is_about = |it: &&Recorded| match &it.body {
        Body::Event(event) => event.peering_id().is_some_and(|id| with_it.contains(&id)),
        Body::Undecodable { .. } => false,
    };
    let wanted: Vec<_> = log
        .events
        .iter()
        .filter(is_about)
        .map(|it| it.position)
        .collect();
    let of_account = TimelineQuery {
        account: Some(account),
        ..TimelineQuery::default()
    };
    assert_eq!(all_of(&projections, &of_account, 4).await, wanted);
    assert!(!wanted.is_empty());
}
