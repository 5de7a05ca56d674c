//! Followers of a server that restarts, dies, freezes and moves: nothing lost, nothing twice.
#![allow(clippy::unwrap_used)]

mod support;

use peerage_journal::{Body, FollowError, Followed, Follower, Journal, Position, Signal};
use protocol::gossip::member_info::VNodeState::{Follower as AFollower, Leader, Unknown};
use std::{sync::Arc, time::Duration};
use support::{Ending, Server, network_of, settings};
use testkit::wait::{holds, soon};

const UNBLOCKED: &str = "{\"peering_id\":\"00000000-0000-0000-0000-000000000001\"}";

/// Puts one more event into the log.
fn put(server: &Server, stream: &str) {
    server
        .shared
        .put(stream, "ProvisioningUnblocked", "", UNBLOCKED);
}

fn stream() -> String {
    network_of(1).stream()
}

/// The positions of the next so many events.
async fn events(follower: &mut Follower, most: usize) -> Vec<u64> {
    let mut positions = Vec::new();
    while positions.len() < most {
        if let Signal::Event(event) = soon(follower.next()).await.unwrap() {
            positions.push(event.position.commit);
        }
    }
    positions
}

async fn caught_up(follower: &mut Follower) {
    while soon(follower.next()).await.unwrap() != Signal::CaughtUp {}
}

#[tokio::test]
async fn events_checkpoints_and_caught_up_come_as_one_sequence() {
    let server = Server::start();
    put(&server, &stream());
    put(&server, "other-1");
    put(&server, "network-of-somebody");
    put(&server, &stream());
    let mut follower = server.journal().follow(None, Followed::Networks);
    let mut kinds = Vec::new();
    for _ in 0..5 {
        kinds.push(match soon(follower.next()).await.unwrap() {
            Signal::Event(event) => format!("event {} {}", event.position, event.revision),
            Signal::Checkpoint(position) => format!("checkpoint {position}"),
            Signal::CaughtUp => "caught up".to_owned(),
            Signal::Resumed => "resumed".to_owned(),
        });
    }
    assert_eq!(
        kinds,
        [
            "event 100/100 0",
            "checkpoint 200/0",
            "checkpoint 300/300",
            "event 400/400 1",
            "caught up"
        ]
    );
    let mut rest = server.journal().follow(
        Some(Position {
            commit: 200,
            prepare: 0,
        }),
        Followed::Networks,
    );
    assert_eq!(events(&mut rest, 1).await, [400]);
}

#[tokio::test]
async fn a_stream_that_ends_in_any_way_is_resumed_behind_the_last_signal() {
    for ending in [Ending::WithoutStatus, Ending::Ok, Ending::Unavailable] {
        let server = Server::start();
        put(&server, &stream());
        put(&server, "other-1");
        let mut follower = server.journal().follow(None, Followed::Networks);
        caught_up(&mut follower).await;
        server.shared.end_subscriptions(ending);
        put(&server, &stream());
        assert_eq!(events(&mut follower, 1).await, [300]);
        assert_eq!(
            server.shared.log().subscriptions,
            [None, Some(200)],
            "{ending:?}"
        );
    }
}

#[tokio::test]
async fn a_killed_server_is_followed_again_when_it_is_back() {
    let mut server = Server::start();
    put(&server, &stream());
    let mut follower = server.journal().follow(None, Followed::Networks);
    caught_up(&mut follower).await;
    for round in 0..3 {
        server.kill();
        put(&server, &stream());
        server.restart();
        put(&server, &stream());
        assert_eq!(
            events(&mut follower, 2).await,
            [200 + round * 200, 300 + round * 200]
        );
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_yet_or_not_ready_is_waited_for() {
    let mut server = Server::start();
    server.kill();
    let mut follower = server.journal().follow(None, Followed::Networks);
    server.shared.log().not_ready = true;
    server.restart();
    holds("it was asked while not ready", || {
        server.shared.log().subscriptions.len() > 1
    })
    .await;
    server.shared.log().not_ready = false;
    caught_up(&mut follower).await;
}

#[tokio::test]
async fn a_frozen_server_is_noticed_and_followed_again() {
    let server = Server::start();
    put(&server, &stream());
    let mut follower = server.journal().follow(None, Followed::Networks);
    caught_up(&mut follower).await;
    let thaw = server.freeze();
    // The probe goes unanswered, so the connection is given up: the next signal after the thaw is a
    // new catch-up.
    put(&server, &stream());
    tokio::time::timeout(Duration::from_millis(1500), follower.next())
        .await
        .expect_err("nothing comes from a frozen server");
    drop(thaw);
    assert_eq!(events(&mut follower, 1).await, [200]);
    assert!(server.shared.log().subscriptions.len() > 1);
    caught_up(&mut follower).await;
}

#[tokio::test]
async fn a_node_that_dies_is_left_for_another_even_if_gossip_still_praises_it() {
    let mut first = Server::start();
    let second = Server::on(Arc::clone(&first.shared));
    first.shared.log().members = vec![
        (first.port(), Leader, true),
        (second.port(), AFollower, true),
    ];
    let string = format!(
        "kurrentdb://127.0.0.1:{},127.0.0.1:{}?tls=false",
        first.port(),
        second.port()
    );
    let mut follower = Journal::open(settings(&string))
        .unwrap()
        .follow(None, Followed::Networks);
    caught_up(&mut follower).await;
    first.kill();
    put(&first, &stream());
    assert_eq!(events(&mut follower, 1).await, [100]);
    let at = first.shared.log().subscribed_at.clone();
    assert_eq!(
        (at.first(), at.last()),
        (Some(&first.port()), Some(&second.port()))
    );
}

#[tokio::test]
async fn a_node_that_falls_silent_because_it_lost_its_cluster_is_left() {
    let first = Server::start();
    let second = Server::on(Arc::clone(&first.shared));
    let members = |state| {
        vec![
            (first.port(), state, true),
            (second.port(), AFollower, true),
        ]
    };
    first.shared.log().members = members(Leader);
    let string = format!(
        "kurrentdb://127.0.0.1:{},127.0.0.1:{}?tls=false",
        first.port(),
        second.port()
    );
    let mut follower = Journal::open(settings(&string))
        .unwrap()
        .follow(None, Followed::Networks);
    caught_up(&mut follower).await;
    first.shared.log().members = members(Unknown);
    caught_up(&mut follower).await;
    assert_eq!(
        first.shared.log().subscribed_at,
        [first.port(), second.port()]
    );
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_handed_on_as_such_and_the_next_one_comes() {
    let server = Server::start();
    server
        .shared
        .put(&stream(), "PeeringTeleported", "not json", "\u{1}");
    put(&server, &stream());
    let mut follower = server.journal().follow(None, Followed::Networks);
    let Signal::Event(parked) = soon(follower.next()).await.unwrap() else {
        panic!("not an event")
    };
    assert!(
        matches!(&parked.body, Body::Undecodable { event_type, .. } if event_type == "PeeringTeleported")
    );
    assert_eq!(events(&mut follower, 1).await, [200]);
}

#[tokio::test]
async fn a_reader_that_is_far_behind_gets_everything_once_and_in_order() {
    let server = Server::start();
    for _ in 0..300 {
        put(&server, &stream());
    }
    let mut settings = settings(&server.connection_string());
    settings.follow_buffer = 4;
    settings.follow_stall = Duration::from_millis(20);
    let mut follower = Journal::open(settings)
        .unwrap()
        .follow(None, Followed::Networks);
    assert_eq!(
        events(&mut follower, 10).await,
        (1..=10).map(|n| n * 100).collect::<Vec<_>>()
    );
    put(&server, "other-1");
    // The pause of a reader that is busy elsewhere, longer than the follower waits for it.
    holds("the follower hung up", || {
        server.shared.changed.receiver_count() == 0
    })
    .await;
    assert_eq!(
        events(&mut follower, 290).await,
        (11..=300).map(|n| n * 100).collect::<Vec<_>>()
    );
    assert!(server.shared.log().subscriptions.len() > 1);
}

#[tokio::test]
async fn one_stream_is_followed_alone_and_resumed_by_its_own_numbers() {
    let server = Server::start();
    put(&server, &stream());
    put(&server, &network_of(2).stream());
    put(&server, &stream());
    let mut follower = server.journal().follow(None, Followed::Stream(stream()));
    assert_eq!(events(&mut follower, 2).await, [100, 300]);
    caught_up(&mut follower).await;
    server.shared.end_subscriptions(Ending::WithoutStatus);
    put(&server, &stream());
    assert_eq!(events(&mut follower, 1).await, [400]);
    assert_eq!(server.shared.log().subscriptions, [None, Some(1)]);
    let after = Position {
        commit: 100,
        prepare: 100,
    };
    let mut rest = server
        .journal()
        .follow(Some(after), Followed::Stream(stream()));
    assert_eq!(events(&mut rest, 2).await, [300, 400]);
}

#[tokio::test]
async fn what_never_heals_ends_the_follower_with_the_reason() {
    let server = Server::start();
    server.shared.log().closed_to_all = true;
    let mut follower = server.journal().follow(None, Followed::Networks);
    let denied = soon(follower.next()).await;
    assert!(
        matches!(denied, Err(FollowError::AccessDenied { .. })),
        "{denied:?}"
    );
    let ended = soon(follower.next()).await;
    assert!(matches!(ended, Err(FollowError::Ended { .. })), "{ended:?}");
}

#[tokio::test]
async fn access_that_was_granted_before_is_asked_for_again_with_patience_and_without_end_it_is_the_end()
 {
    let server = Server::start();
    put(&server, &stream());
    let mut follower = server.journal().follow(None, Followed::Networks);
    caught_up(&mut follower).await;
    let deny = || {
        server.shared.log().closed_to_all = true;
        server.shared.end_subscriptions(Ending::Unavailable);
    };
    deny();
    put(&server, &stream());
    holds("access is asked for again and again", || {
        server.shared.log().turned_away >= 4
    })
    .await;
    server.shared.log().closed_to_all = false;
    assert_eq!(events(&mut follower, 1).await, [200]);
    caught_up(&mut follower).await;
    deny();
    let denied = soon(async {
        loop {
            match follower.next().await {
                Ok(Signal::Checkpoint(_) | Signal::Resumed | Signal::CaughtUp) => {}
                other => return other,
            }
        }
    });
    let denied = denied.await;
    assert!(
        matches!(denied, Err(FollowError::AccessDenied { .. })),
        "{denied:?}"
    );
}

#[tokio::test]
async fn a_node_that_denies_access_is_left_for_another_of_its_cluster() {
    let (one, other) = (Server::start(), Server::start());
    for server in [&one, &other] {
        put(server, &stream());
        let members = [(one.port(), Leader, true), (other.port(), AFollower, true)];
        server.shared.log().members = members.into();
    }
    let text = format!(
        "kurrentdb://127.0.0.1:{},127.0.0.1:{}?tls=false&discoveryInterval=0&nodePreference=leader",
        one.port(),
        other.port()
    );
    let journal = Journal::open(settings(&text)).unwrap();
    let mut follower = journal.follow(None, Followed::Networks);
    caught_up(&mut follower).await;
    one.shared.log().closed_to_all = true;
    one.shared.end_subscriptions(Ending::Unavailable);
    put(&other, &stream());
    assert_eq!(events(&mut follower, 1).await, [200]);
}

#[tokio::test]
async fn what_the_store_is_told_of_our_streams_is_followed_with_deletions_and_nothing_else() {
    let server = Server::start();
    let snapshots = "$$networkSnapshot-00000000-0000-0000-0000-000000000001";
    for (stream, event_type) in [
        (stream(), "NetworkRegistered"),
        (format!("$${}", stream()), "$metadata"),
        (snapshots.to_owned(), "$metadata"),
        ("$$somebody-elses".to_owned(), "$metadata"),
        ("$$connector-audit".to_owned(), "$metadata"),
        ("$$connectorLease-outward".to_owned(), "$metadata"),
        (stream(), "$streamDeleted"),
        ("$$access-policy".to_owned(), "$metadata"),
        (
            "$$approval-00000000-0000-0000-0000-000000000001".to_owned(),
            "$metadata",
        ),
        ("somebody-elses".to_owned(), "$streamDeleted"),
    ] {
        server.shared.put(&stream, event_type, "", "{}");
    }
    let mut follower = server.journal().follow(None, Followed::Retention);
    let followed = events(&mut follower, 5).await;
    assert_eq!(followed, [200, 500, 700, 800, 900]);
    caught_up(&mut follower).await;
}

#[tokio::test]
async fn a_dropped_follower_leaves_the_server() {
    let server = Server::start();
    let mut follower = server.journal().follow(None, Followed::Networks);
    caught_up(&mut follower).await;
    drop(follower);
    holds("its subscription is gone", || {
        server.shared.changed.receiver_count() == 0
    })
    .await;
}
