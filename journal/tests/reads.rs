//! Loads and reads: whole or not at all.
#![allow(clippy::unwrap_used)]

mod support;

use domain::network::Network;
use peerage_journal::{JournalError, OpenError, Position};
use std::time::{Duration, Instant};
use support::{OnRead, Server, caller, network_of, now, register, request_peering};
use testkit::wait::soon;

/// A network with some history, written by somebody else.
async fn with_history(server: &Server) -> u64 {
    let journal = server.journal();
    let mut last = soon(journal.networks().execute(
        network_of(1),
        &register("orders"),
        &caller(1),
        now(),
    ))
    .await
    .unwrap();
    for n in 1..=3 {
        let command = request_peering(n);
        last = soon(journal.networks().execute(
            network_of(1),
            &command,
            &caller(u128::from(n) + 1),
            now(),
        ))
        .await
        .unwrap();
    }
    last.revision.unwrap()
}

#[tokio::test]
async fn a_cut_read_that_looks_whole_is_read_again() {
    for mishap in [OnRead::CutAfter(0), OnRead::CutAfter(2), OnRead::CutAtEnd] {
        let server = Server::start();
        let last = with_history(&server).await;
        server.shared.log().reads.clear();
        server.shared.log().on_read.push_back(mishap);
        let loaded = soon(server.journal().networks().load(network_of(1)))
            .await
            .unwrap();
        assert_eq!(loaded.revision, Some(last));
        assert_eq!(server.shared.log().reads, [0, 0]);
    }
}

#[tokio::test]
async fn a_load_is_as_fresh_as_the_store_and_reads_only_what_is_new() {
    let server = Server::start();
    let journal = server.journal();
    let last = with_history(&server).await;
    soon(journal.networks().load(network_of(1))).await.unwrap();
    let theirs = server.journal();
    let written = soon(theirs.networks().execute(
        network_of(1),
        &request_peering(9),
        &caller(9),
        now(),
    ))
    .await
    .unwrap();
    let loaded = soon(journal.networks().load(network_of(1))).await.unwrap();
    assert_eq!(loaded.revision, written.revision);
    assert_eq!(server.shared.log().reads.last(), Some(&(last + 1)));
}

#[tokio::test]
async fn a_network_that_was_never_registered_is_empty() {
    let server = Server::start();
    let loaded = soon(server.journal().networks().load(network_of(1)))
        .await
        .unwrap();
    assert_eq!(
        (&loaded.network, loaded.revision),
        (&Network::Unregistered, None)
    );
}

#[tokio::test]
async fn a_stream_longer_than_one_page_is_read_to_its_end() {
    let server = Server::start();
    for n in 0..5000 {
        server
            .shared
            .log()
            .put("network-x", "Tested", "", &n.to_string());
    }
    let read = soon(server.journal().read_stream("network-x", None))
        .await
        .unwrap();
    assert!(read.iter().map(|it| it.revision).eq(0..5000));
    let rest = soon(server.journal().read_stream("network-x", Some(4998)))
        .await
        .unwrap();
    assert_eq!(
        rest.iter().map(|it| it.revision).collect::<Vec<_>>(),
        [4999]
    );
    assert_eq!(
        soon(server.journal().read_stream("network-x", Some(4999)))
            .await
            .unwrap(),
        []
    );
    assert_eq!(
        soon(server.journal().read_stream("network-y", None))
            .await
            .unwrap(),
        []
    );
}

#[tokio::test]
async fn readiness_is_one_bounded_round_trip() {
    let mut server = Server::start();
    let journal = server.journal();
    soon(journal.ready()).await.unwrap();
    server.kill();
    let started = Instant::now();
    let away = soon(journal.ready()).await;
    assert!(
        matches!(away, Err(JournalError::Unavailable { .. })),
        "{away:?}"
    );
    server.restart();
    while soon(journal.ready()).await.is_err() {
        assert!(
            started.elapsed() < Duration::from_secs(10),
            "it never came back"
        );
    }
    let thaw = server.freeze();
    let frozen = soon(journal.ready()).await;
    assert!(
        matches!(frozen, Err(JournalError::DeadlineExceeded { .. })),
        "{frozen:?}"
    );
    drop(thaw);
}

#[test]
fn an_unusable_connection_string_is_refused_without_dialling() {
    let opened =
        peerage_journal::Journal::open(peerage_journal::JournalSettings::new("http://localhost"));
    assert!(matches!(opened, Err(OpenError::ConnectionString { .. })));
}

#[tokio::test]
async fn a_node_that_lags_for_a_moment_has_no_shorter_log_and_one_that_stays_behind_has() {
    let server = Server::start();
    with_history(&server).await;
    let journal = server.journal();
    let end = soon(journal.end()).await.unwrap().unwrap();
    for (lags, is_shorter) in [
        (vec![], false),
        (vec![1], false),
        (vec![3, 2, 1], false),
        (vec![1; 100], true),
    ] {
        server.shared.log().lags = lags.clone().into();
        let found = soon(journal.ends_before(end)).await.unwrap();
        assert_eq!(found, is_shorter, "{lags:?}");
    }
    assert!(
        !server.shared.log().lags.is_empty(),
        "it is not asked for ever"
    );
    server.shared.log().lags.clear();
    let beyond = Position {
        commit: end.commit + 1,
        prepare: end.prepare + 1,
    };
    assert!(soon(journal.ends_before(beyond)).await.unwrap());
}
