//! The process is killed hard at random moments while many tasks append. After each restart every
//! acknowledged event is there exactly once and in order, and nothing unacknowledged is half there.

use crate::chance::{Chance, length};
use crate::ledger::{Append, Ledger};
use crate::node_process::NodeProcess;
use kurrentdb::{
    AppendToStreamOptions, Client, Error, ReadAllOptions, ReadStreamOptions, RecordedEvent,
    StreamState,
};
use peerage_tests::wait;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How many writers a store has, each with a stream of its own and one append in flight.
const WRITERS: usize = 12;
/// How many kills there are in the short run.
const KILLS: u32 = 200;
/// Stores that are killed side by side: a node that starts leaves the processor to others.
const STORES: u32 = 4;
/// After so many kills the next ones begin with an empty store, so that reading all of it stays
/// cheap.
const KILLS_PER_STORE: u32 = 20;
/// The longest that a node lives, in milliseconds: from before its first answer to well after it.
const LIFE: usize = 120;

/// What happened to a store over all its kills.
#[derive(Debug, Default)]
struct Count {
    kills: u32,
    appends: usize,
    events: usize,
    in_doubt: usize,
    survived: usize,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_event_survives_hundreds_of_kills_exactly_once_and_nothing_is_half_there()
 {
    let mut chance = Chance::for_test("kills");
    let (wanted, begun) = (length("PEERAGE_TEST_CRASHES", KILLS), Instant::now());
    let share = |place: u32| wanted / STORES + u32::from(place < wanted % STORES);
    let arenas: Vec<_> = (0..STORES)
        .map(|place| tokio::spawn(arena(share(place), chance.split())))
        .collect();
    let mut all = Count::default();
    for arena in arenas {
        let count = arena.await.unwrap();
        all.kills += count.kills;
        all.appends += count.appends;
        all.events += count.events;
        all.in_doubt += count.in_doubt;
        all.survived += count.survived;
    }
    println!("{all:?} in {:?}", begun.elapsed());
    assert_eq!(all.kills, wanted);
    assert!(
        all.appends > wanted as usize,
        "hardly anything was written: {all:?}"
    );
}

/// Kills one store after the other, each many times.
async fn arena(kills: u32, mut chance: Chance) -> Count {
    let mut count = Count::default();
    while count.kills < kills {
        let folder = tempfile::tempdir().unwrap();
        let mut ledgers: Vec<Ledger> = (0..WRITERS)
            .map(|n| Ledger {
                stream: format!("crash-{n}"),
                ..Ledger::default()
            })
            .collect();
        for _ in 0..KILLS_PER_STORE.min(kills - count.kills) {
            let mut node = NodeProcess::start(folder.path()).await;
            let client = client(&node);
            count.survived += settled(&node, &client, &mut ledgers, count.kills).await;
            let writers: Vec<_> = ledgers
                .drain(..)
                .map(|ledger| tokio::spawn(write(client.clone(), ledger, chance.split())))
                .collect();
            wait::elapse(Duration::from_millis(chance.below(LIFE) as u64)).await;
            node.kill();
            for writer in writers {
                ledgers.push(writer.await.unwrap());
            }
            count.kills += 1;
            count.in_doubt += ledgers
                .iter()
                .filter(|ledger| ledger.in_doubt.is_some())
                .count();
        }
        let node = NodeProcess::start(folder.path()).await;
        count.survived += settled(&node, &client(&node), &mut ledgers, count.kills).await;
        count.appends += ledgers
            .iter()
            .map(|ledger| ledger.acknowledged.len())
            .sum::<usize>();
        count.events += ledgers
            .iter()
            .filter_map(Ledger::last)
            .map(|last| usize::try_from(last).unwrap() + 1)
            .sum::<usize>();
    }
    count
}

async fn settled(node: &NodeProcess, client: &Client, ledgers: &mut [Ledger], kills: u32) -> usize {
    settle(client, ledgers)
        .await
        .unwrap_or_else(|lost| panic!("after {kills} kills: {lost}\n{}", node.output()))
}

/// One for all writers: it reads this machine's certificates each time it is made, which takes
/// longer than a node takes to start.
fn client(node: &NodeProcess) -> Client {
    Client::new(node.connection_string.parse().unwrap()).unwrap()
}

/// Appends until the node is gone.
async fn write(client: Client, mut ledger: Ledger, mut chance: Chance) -> Ledger {
    if repeat(&client, &ledger).await.is_err() {
        return ledger;
    }
    loop {
        let append = ledger
            .in_doubt
            .take()
            .unwrap_or_else(|| new_append(&mut chance));
        let expected = ledger
            .last()
            .map_or(StreamState::NoStream, StreamState::StreamRevision);
        let options = AppendToStreamOptions::default().stream_state(expected);
        let sent = client.append_to_stream(ledger.stream.as_str(), &options, append.proposed());
        match tokio::time::timeout(Duration::from_secs(20), sent)
            .await
            .expect("an answer or an error")
        {
            Ok(written) => {
                ledger.acknowledged.push(Append {
                    position: Some(written.position),
                    ..append
                });
                assert_eq!(
                    Some(written.next_expected_version),
                    ledger.last(),
                    "{}",
                    ledger.stream
                );
            }
            Err(error @ (Error::WrongExpectedVersion { .. } | Error::ResourceDeleted)) => {
                panic!("{}: {error}", ledger.stream)
            }
            Err(_) => {
                ledger.in_doubt = Some(append);
                return ledger;
            }
        }
    }
}

/// Sends the last append again, as a client does that never saw the answer: the answer is the same,
/// and nothing is written.
async fn repeat(client: &Client, ledger: &Ledger) -> Result<(), Error> {
    let Some(append) = ledger.acknowledged.last() else {
        return Ok(());
    };
    let before = ledger
        .last()
        .unwrap()
        .checked_sub(append.events.len() as u64);
    let options = AppendToStreamOptions::default()
        .stream_state(before.map_or(StreamState::NoStream, StreamState::StreamRevision));
    let answer = match client
        .append_to_stream(ledger.stream.as_str(), &options, append.proposed())
        .await
    {
        Err(error @ Error::WrongExpectedVersion { .. }) => {
            panic!("{}: the repeat of an append: {error}", ledger.stream)
        }
        answer => answer?,
    };
    assert_eq!(
        (Some(answer.next_expected_version), Some(answer.position)),
        (ledger.last(), append.position),
        "{}",
        ledger.stream
    );
    Ok(())
}

/// One to eight events, small ones mostly.
fn new_append(chance: &mut Chance) -> Append {
    let count = if chance.once_in(3) {
        1 + chance.below(8)
    } else {
        1
    };
    let mut event = |_| {
        let (id, letter) = (
            Uuid::from_u64_pair(chance.next(), chance.next()),
            b'a' + chance.below(26) as u8,
        );
        let size = if chance.once_in(20) {
            chance.below(60_000)
        } else {
            chance.below(300)
        };
        (id, vec![letter; size].into())
    };
    Append {
        events: (0..count).map(&mut event).collect(),
        position: None,
    }
}

/// Compares the store with the ledgers; gives how many appends in doubt were there.
async fn settle(client: &Client, ledgers: &mut [Ledger]) -> Result<usize, String> {
    let before: usize = ledgers.iter().map(|ledger| ledger.acknowledged.len()).sum();
    let mut log = all(client).await;
    for ledger in ledgers.iter_mut() {
        let stream = stream(client, &ledger.stream).await;
        let in_log = log.remove(&ledger.stream).unwrap_or_default();
        let same = in_log.len() == stream.len()
            && in_log
                .iter()
                .zip(&stream)
                .all(|(one, other)| one.id == other.id);
        if !same {
            return Err(format!(
                "{}: the stream and $all do not hold the same events in the same order",
                ledger.stream
            ));
        }
        ledger.settle(&stream)?;
    }
    let after: usize = ledgers.iter().map(|ledger| ledger.acknowledged.len()).sum();
    Ok(after - before)
}

async fn stream(client: &Client, name: &str) -> Vec<RecordedEvent> {
    let mut read = client
        .read_stream(name, &ReadStreamOptions::default())
        .await
        .unwrap();
    let mut events = Vec::new();
    loop {
        match read.next().await {
            Ok(Some(event)) => events.push(event.event.unwrap()),
            Ok(None) | Err(Error::ResourceNotFound) => return events,
            Err(error) => panic!("{name}: {error}"),
        }
    }
}

/// All events of the log by stream; positions rise.
async fn all(client: &Client) -> BTreeMap<String, Vec<RecordedEvent>> {
    let mut read = client.read_all(&ReadAllOptions::default()).await.unwrap();
    let (mut events, mut last) = (BTreeMap::<String, Vec<_>>::new(), None);
    while let Some(event) = read.next().await.unwrap() {
        let event = event.event.unwrap();
        assert!(
            last < Some(event.position),
            "positions go back at {}",
            event.position
        );
        last = Some(event.position);
        events
            .entry(event.stream_id().to_owned())
            .or_default()
            .push(event);
    }
    events
}
