//! Questions, pages and filters.

use super::*;
use crate::{
    ExposureFilter, Legible, LifeName, Order, Page, PageRequest, PeeringFilter, QueryError,
    TimelineQuery,
};

fn first(size: usize) -> PageRequest {
    PageRequest { size, token: None }
}

fn next<T>(size: usize, page: &Page<T>) -> PageRequest {
    PageRequest {
        size,
        token: page.next_token.clone(),
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
    let page = projections.list_networks(&first(2)).await.unwrap();
    log.append(network_id(5), 5, [registered(5)])
        .append(network_id(1), 6, request(1));
    write(&projections, &log.events).await;
    let rest = projections.list_networks(&next(10, &page)).await.unwrap();
    let ids: Vec<_> = page
        .items
        .iter()
        .chain(&rest.items)
        .map(|it| it.id)
        .collect();
    assert_eq!(ids, [1, 2, 3, 4, 5].map(network_id));
    assert_eq!((rest.next_token, rest.as_of), (None, log.end()));
}

#[tokio::test]
async fn a_token_of_another_question_is_refused() {
    let projections = written(&story()).await;
    let page = projections.list_networks(&first(1)).await.unwrap();
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
    };
    assert!(matches!(
        projections.list_networks(&nonsense).await,
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
        };
        let page = projections
            .list_peerings(&filter, &PageRequest::default())
            .await
            .unwrap();
        page.items.into_iter().map(|it| it.id).collect::<Vec<_>>()
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
    assert_eq!(projections.routes(peering_id(9)).await.unwrap(), []);
    assert_eq!(projections.firewall(peering_id(9)).await.unwrap(), []);
    assert_eq!(projections.ingress(peering_id(9)).await.unwrap(), []);
    assert_eq!(projections.exposures(peering_id(9)).await.unwrap(), []);
    assert_eq!(projections.dns(peering_id(9)).await.unwrap(), []);
    assert_eq!(projections.drift(peering_id(9)).await.unwrap(), []);
    assert_eq!(
        projections
            .find_command(CommandId(Uuid::from_u128(999)))
            .await
            .unwrap(),
        []
    );
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
async fn a_retired_network_is_kept_and_nothing_more_happens_in_it() {
    let mut log = story();
    log.append(network_id(2), 91, [retired(2)])
        .append(network_id(2), 92, request(7));
    let projections = written(&log).await;
    let network = projections.network(network_id(2)).await.unwrap().unwrap();
    assert_eq!(
        network.retired.map(|it| it.reason.to_string()).as_deref(),
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
        (parked[0].network_id, &parked[0].data, &parked[0].actor),
        (Some(network_id(2)), &None, &None)
    );
    let network = projections.network(network_id(2)).await.unwrap().unwrap();
    assert_eq!(network.revision, log.revisions[&network_id(2)]);
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
    (stray.stream, stray.network_id) = ("network-of-friends".to_owned(), None);
    log.events.push(stray);
    let projections = written(&log).await;
    let newest = TimelineQuery {
        order: Order::NewestFirst,
        ..TimelineQuery::default()
    };
    let entry = projections
        .timeline(&newest, &first(1))
        .await
        .unwrap()
        .items
        .remove(0);
    assert_eq!(
        (entry.stream.as_str(), entry.network_id),
        ("network-of-friends", None)
    );
    assert_eq!(
        projections
            .list_networks(&first(10))
            .await
            .unwrap()
            .items
            .len(),
        2
    );
}

#[tokio::test]
async fn a_command_is_found_in_every_network_that_it_was_used_for() {
    let mut log = story();
    log.append(network_id(2), 3, request(1));
    let projections = written(&log).await;
    let uses = projections
        .find_command(CommandId(Uuid::from_u128(3)))
        .await
        .unwrap();
    let found: Vec<_> = uses
        .iter()
        .map(|it| {
            (
                it.network_id,
                it.receipt.first_revision,
                it.receipt.last_revision,
            )
        })
        .collect();
    let last = log.revisions[&network_id(2)];
    assert_eq!(
        found,
        [(network_id(1), 1, 3), (network_id(2), last - 2, last)]
    );
    assert_eq!(uses[0].receipt.digest, Digest::of(&"3").unwrap());
    assert_eq!(uses[1].position, log.end());
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
        .filter(|it| it.id == peering_id(1))
        .map(|it| (it.network_id, it.life))
        .collect();
    assert_eq!(
        of,
        [
            (network_id(1), LifeName::Active),
            (network_id(2), LifeName::Requested)
        ]
    );
}
