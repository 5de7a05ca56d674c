//! How much of the log stands behind a place: counted up to a bound, and only where it is whole.
#![allow(clippy::unwrap_used)]

mod support;

use chrono::{DateTime, Utc};
use peerage_journal::{Behind, Followed, JournalError, Memory, Position, Recorded};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use support::{Ending, Server, network_of};
use testkit::wait::{holds, soon};
use tokio_util::sync::CancellationToken;

const DATA: &str = "{\"peering_id\":\"00000000-0000-0000-0000-000000000001\"}";

fn put(server: &Server, stream: &str) {
    server.shared.put(stream, "ProvisioningUnblocked", "", DATA);
}

fn at(position: u64) -> Option<Position> {
    Some(Position {
        commit: position,
        prepare: position,
    })
}

/// A log of networks' events at 100, 300, 400 and 600, and others between them.
fn server() -> Server {
    let server = Server::start();
    let (first, second) = (network_of(1).stream(), network_of(2).stream());
    for stream in [
        first.as_str(),
        "other-1",
        &second,
        &first,
        "network-of-somebody",
        &second,
    ] {
        put(&server, stream);
    }
    server
}

async fn behind(server: &Server, after: Option<Position>, most: u64) -> Behind {
    let journal = server.journal();
    let counted = journal.behind(after, &Followed::Networks, most);
    soon(counted).await.unwrap()
}

/// When the events of a network were written, as they are read.
async fn written(server: &Server, n: u128) -> Vec<DateTime<Utc>> {
    let read = server.journal();
    let events = read.read_stream(&network_of(n).stream(), None).await;
    events.unwrap().iter().map(|it| it.created).collect()
}

#[tokio::test]
async fn what_stands_behind_a_place_is_counted_as_far_as_it_is_followed_and_its_first_is_known() {
    let server = server();
    let (first, second) = (written(&server, 1).await, written(&server, 2).await);
    for (after, events, oldest) in [
        (None, 4, Some(first[0])),
        (Some(Position::START), 4, Some(first[0])),
        (at(100), 3, Some(second[0])),
        (at(300), 2, Some(first[1])),
        (at(400), 1, Some(second[1])),
        (at(600), 0, None),
        (at(9_000), 0, None),
    ] {
        let found = behind(&server, after, 10).await;
        assert_eq!(found, Behind { events, oldest }, "{after:?}");
    }
}

#[tokio::test]
async fn no_more_is_counted_than_was_to_be() {
    let server = server();
    for (most, events) in [(0, 0), (1, 1), (3, 3), (4, 4), (5, 4)] {
        assert_eq!(behind(&server, None, most).await.events, events, "{most}");
    }
}

#[tokio::test]
async fn a_count_whose_answer_breaks_off_is_never_taken_for_whole() {
    let server = server();
    server.shared.log().breaks = 1;
    assert_eq!(behind(&server, None, 10).await.events, 4, "asked again");
    assert_eq!(server.shared.log().subscriptions.len(), 2);
    server.shared.log().breaks = usize::MAX;
    let journal = server.journal();
    let counted = soon(journal.behind(None, &Followed::Networks, 10)).await;
    assert!(
        matches!(counted, Err(JournalError::Unavailable { .. })),
        "{counted:?}"
    );
}

#[tokio::test]
async fn a_count_leaves_the_store_when_it_is_made() {
    let server = server();
    let journal = server.journal();
    for most in [2, 10] {
        soon(journal.behind(None, &Followed::Networks, most))
            .await
            .unwrap();
    }
    holds("nobody is subscribed any more", || {
        server.shared.endings.receiver_count() == 0
    })
    .await;
}

/// What is remembered is counted.
#[derive(Debug, Default)]
struct Counted {
    events: AtomicUsize,
    is_whole: AtomicBool,
}

impl Memory for Counted {
    fn apply(&self, _: &Recorded) {
        self.events.fetch_add(1, Ordering::SeqCst);
    }

    fn is_whole(&self) {
        self.is_whole.store(true, Ordering::SeqCst);
    }

    fn forget(&self) {
        self.is_whole.store(false, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn it_is_known_up_to_where_a_part_of_the_log_is_kept_in_memory() {
    let server = server();
    let (journal, stop) = (server.journal(), CancellationToken::new());
    assert_eq!(journal.remembered(), []);
    let memory = Counted::default();
    let remembering = journal.remember(Followed::Networks, &memory, stop.clone());
    let looking = async {
        let reached = |position| journal.remembered() == [(Followed::Networks, position)];
        let end = at(600).unwrap();
        holds("it is at the log's end", || reached(end)).await;
        // What is of no interest moves it on too, and a break has it begin anew.
        put(&server, "other-1");
        holds("it has passed over that", || {
            journal.remembered()[0].1.commit == 700
        })
        .await;
        server.shared.endings.send(Ending::Ok).unwrap();
        put(&server, &network_of(1).stream());
        holds("it has all again", || {
            reached(at(800).unwrap()) && memory.is_whole.load(Ordering::SeqCst)
        })
        .await;
        assert!(memory.events.load(Ordering::SeqCst) >= 9);
        stop.cancel();
    };
    let (ended, ()) = tokio::join!(soon(remembering), looking);
    ended.unwrap();
}
