//! The first page of events, with every filter that there is.

use super::fill::network;
use projections::{Order, PageRequest, Projections, TimelineQuery};
use std::time::{Duration, Instant};

/// The filter with the slowest first page, in either order, and how long that takes.
pub(super) async fn slowest(projections: &Projections) -> (String, Duration) {
    let first = TimelineQuery::default();
    let page = projections
        .timeline(&first, &page(1))
        .await
        .expect("an event");
    let event = page.items.into_iter().next().expect("an event");
    let at = event.time;
    let none = TimelineQuery::default;
    let filters = [
        ("no filter", none()),
        (
            "a network",
            TimelineQuery {
                network: Some(network(0)),
                ..none()
            },
        ),
        (
            "an account",
            TimelineQuery {
                account: Some("444455556666".to_owned()),
                ..none()
            },
        ),
        (
            "no such account",
            TimelineQuery {
                account: Some("999999999999".to_owned()),
                ..none()
            },
        ),
        (
            "an actor",
            TimelineQuery {
                actor: Some("somebody".to_owned()),
                ..none()
            },
        ),
        (
            "no such actor",
            TimelineQuery {
                actor: Some("nobody".to_owned()),
                ..none()
            },
        ),
        (
            "a ticket",
            TimelineQuery {
                ticket: Some("OPS-1".to_owned()),
                ..none()
            },
        ),
        (
            "a type",
            TimelineQuery {
                event_types: vec!["PeeringRequested".to_owned()],
                ..none()
            },
        ),
        (
            "a range",
            TimelineQuery {
                range: Some(range("10.101.7.0/24")),
                ..none()
            },
        ),
        (
            "a large range",
            TimelineQuery {
                range: Some(range("10.0.0.0/8")),
                ..none()
            },
        ),
        (
            "no such range",
            TimelineQuery {
                range: Some(range("192.168.0.0/16")),
                ..none()
            },
        ),
        (
            "a time",
            TimelineQuery {
                since: Some(at),
                ..none()
            },
        ),
        (
            "no such time",
            TimelineQuery {
                until: Some(at - chrono::TimeDelta::days(9)),
                ..none()
            },
        ),
        (
            "a position",
            TimelineQuery {
                from: Some(event.position),
                ..none()
            },
        ),
    ];
    let mut slowest = (String::new(), Duration::ZERO);
    for (what, filter) in filters {
        for order in [Order::OldestFirst, Order::NewestFirst] {
            let query = TimelineQuery {
                order,
                ..filter.clone()
            };
            let mut best = Duration::MAX;
            for _ in 0..super::TIMES {
                let begun = Instant::now();
                projections
                    .timeline(&query, &self::page(100))
                    .await
                    .expect("a page");
                best = best.min(begun.elapsed());
            }
            println!("  first page, {what:<18} {order:?}: {best:.1?}");
            if best > slowest.1 {
                slowest = (what.to_owned(), best);
            }
        }
    }
    slowest
}

fn page(size: usize) -> PageRequest {
    PageRequest {
        size,
        ..PageRequest::default()
    }
}

fn range(text: &str) -> domain::Range {
    text.parse().expect("a range")
}
