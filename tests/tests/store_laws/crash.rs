//! The process is killed hard at random moments while many tasks append. After each restart every acknowledged event is there
//! exactly once and in order, and nothing unacknowledged is half there.

use crate::chance::{Chance, length};
use crate::ledger::{Append, Ledger};
use crate::node_process::NodeProcess;
use kurrentdb::{AppendToStreamOptions, Client, Error, ReadAllOptions, ReadStreamOptions, RecordedEvent, StreamState};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tests::wait;
use uuid::Uuid;

/// How many writers there are, each with a stream of its own and one append in flight.
const WRITERS: usize = 24;
/// The short run ends with the first kill after this.
const SHORT: Duration = Duration::from_secs(15);
/// After so many kills the next ones begin with an empty store, so that reading all of it stays cheap.
const KILLS_PER_STORE: u32 = 25;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_event_survives_a_kill_exactly_once_and_nothing_is_half_there() {
    let mut chance = Chance::for_test("kills");
    let wanted = length("PEERAGE_TEST_CRASHES", 0);
    let begun = Instant::now();
    let (mut kills, mut appends, mut doubts, mut survivors) = (0, 0, 0, 0);
    while if wanted > 0 { kills < wanted } else { begun.elapsed() < SHORT || kills < 3 } {
        let folder = tempfile::tempdir().unwrap();
        let mut ledgers: Vec<Ledger> = (0..WRITERS).map(|n| Ledger { stream: format!("crash-{n}"), ..Ledger::default() }).collect();
        for _ in 0..KILLS_PER_STORE {
            let mut node = NodeProcess::start(folder.path()).await;
            survivors += settle(&node, &mut ledgers).await.unwrap_or_else(|lost| panic!("after {kills} kills: {lost}\n{}", node.output()));
            let writers: Vec<_> = ledgers.drain(..).map(|ledger| tokio::spawn(write(client(&node), ledger, chance.split()))).collect();
            wait::elapse(Duration::from_millis(20 + chance.below(500) as u64)).await;
            node.kill();
            for writer in writers {
                ledgers.push(writer.await.unwrap());
            }
            kills += 1;
            doubts += ledgers.iter().filter(|ledger| ledger.in_doubt.is_some()).count();
            if (wanted > 0 && kills >= wanted) || (wanted == 0 && begun.elapsed() > SHORT) {
                break;
            }
        }
        let node = NodeProcess::start(folder.path()).await;
        survivors += settle(&node, &mut ledgers).await.unwrap_or_else(|lost| panic!("after {kills} kills: {lost}\n{}", node.output()));
        appends += ledgers.iter().map(|ledger| ledger.acknowledged.len()).sum::<usize>();
    }
    println!("{kills} kills, {appends} appends acknowledged, {doubts} in doubt of which {survivors} were there");
    assert!(appends > 0);
}

fn client(node: &NodeProcess) -> Client {
    Client::new(node.connection_string.parse().unwrap()).unwrap()
}

/// Appends until the node is gone.
async fn write(client: Client, mut ledger: Ledger, mut chance: Chance) -> Ledger {
    if repeat(&client, &ledger).await.is_err() {
        return ledger;
    }
    loop {
        let append = ledger.in_doubt.take().unwrap_or_else(|| new_append(&mut chance));
        let expected = ledger.last().map_or(StreamState::NoStream, StreamState::StreamRevision);
        let options = AppendToStreamOptions::default().stream_state(expected);
        let sent = client.append_to_stream(ledger.stream.as_str(), &options, append.proposed());
        match tokio::time::timeout(Duration::from_secs(20), sent).await.expect("an answer or an error") {
            Ok(written) => {
                ledger.acknowledged.push(Append { position: Some(written.position), ..append });
                assert_eq!(Some(written.next_expected_version), ledger.last(), "{}", ledger.stream);
            }
            Err(error @ (Error::WrongExpectedVersion { .. } | Error::ResourceDeleted)) => panic!("{}: {error}", ledger.stream),
            Err(_) => {
                ledger.in_doubt = Some(append);
                return ledger;
            }
        }
    }
}

/// Sends the last append again, as a client does that never saw the answer: the answer is the same, and nothing is written.
async fn repeat(client: &Client, ledger: &Ledger) -> Result<(), Error> {
    let Some(append) = ledger.acknowledged.last() else { return Ok(()) };
    let before = ledger.last().unwrap().checked_sub(append.events.len() as u64);
    let options = AppendToStreamOptions::default().stream_state(before.map_or(StreamState::NoStream, StreamState::StreamRevision));
    let answer = match client.append_to_stream(ledger.stream.as_str(), &options, append.proposed()).await {
        Err(error @ Error::WrongExpectedVersion { .. }) => panic!("{}: the repeat of an append: {error}", ledger.stream),
        answer => answer?,
    };
    assert_eq!((Some(answer.next_expected_version), Some(answer.position)), (ledger.last(), append.position), "{}", ledger.stream);
    Ok(())
}

/// One to eight events, small ones mostly.
fn new_append(chance: &mut Chance) -> Append {
    let count = if chance.once_in(3) { 1 + chance.below(8) } else { 1 };
    let mut event = |_| {
        let (id, letter) = (Uuid::from_u64_pair(chance.next(), chance.next()), b'a' + chance.below(26) as u8);
        let size = if chance.once_in(20) { chance.below(60_000) } else { chance.below(300) };
        (id, vec![letter; size].into())
    };
    Append { events: (0..count).map(&mut event).collect(), position: None }
}

/// Compares the store with the ledgers; gives how many appends in doubt were there.
async fn settle(node: &NodeProcess, ledgers: &mut [Ledger]) -> Result<usize, String> {
    let client = client(node);
    let before: usize = ledgers.iter().map(|ledger| ledger.acknowledged.len()).sum();
    let mut log = all(&client).await;
    for ledger in ledgers.iter_mut() {
        let stream = stream(&client, &ledger.stream).await;
        let in_log = log.remove(&ledger.stream).unwrap_or_default();
        let same = in_log.len() == stream.len() && in_log.iter().zip(&stream).all(|(one, other)| one.id == other.id);
        if !same {
            return Err(format!("{}: the stream and $all do not hold the same events in the same order", ledger.stream));
        }
        ledger.settle(&stream)?;
    }
    let after: usize = ledgers.iter().map(|ledger| ledger.acknowledged.len()).sum();
    Ok(after - before)
}

async fn stream(client: &Client, name: &str) -> Vec<RecordedEvent> {
    let mut read = client.read_stream(name, &ReadStreamOptions::default()).await.unwrap();
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
        assert!(last < Some(event.position), "positions go back at {}", event.position);
        last = Some(event.position);
        events.entry(event.stream_id().to_owned()).or_default().push(event);
    }
    events
}
