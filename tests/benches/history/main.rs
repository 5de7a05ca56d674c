//! What a long history costs: growth curves of one network's, and the start of an engine over many.
//!
//! One network's history is made of people's commands and a worker's outcomes, half and half, so a
//! million events are half a million receipts. It grows from one of the sizes to the next; at each,
//! and from a process that knows nothing, it is loaded from its first event, which leaves a
//! snapshot behind, then from that, and then outcomes and commands are appended while somebody
//! holds the network as a worker does. The appends of the first and the last size are compared.
//!
//! Then an engine starts over many networks, from a checkpoint and snapshots. They are filled
//! first, into a folder that may be kept: with `--in FOLDER` the first run fills it, and each of
//! the next ones measures, in a process that has done nothing else. What is told is the time until
//! the one thing that is to be done is done, the memory, and how long it takes until every
//! network, all of which are idle, has had its pass.
//!
//! ```sh
//! cargo bench -p peerage-tests --bench history -- events 1000 100000 1000000
//! cargo bench -p peerage-tests --bench history -- start 10000 1000 --in FOLDER
//! ```

mod fill;
mod start;

use chrono::Utc;
use embedded::EmbeddedNode;
use fill::{command, outcome};
use journal::{Journal, JournalSettings};
use peerage_tests::wait;
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// How often an append is measured at each size.
const APPENDS: u64 = 400;

/// How often a load is measured.
const LOADS: usize = 5;

/// How long a snapshot is waited for. None is written of fewer than a thousand events.
const PATIENCE: Duration = Duration::from_secs(60);

/// What an append at the last size may cost, of what it costs at the first.
const WANTED_GROWTH: f64 = 1.3;

/// What a load from a snapshot may take.
const WANTED_LOAD: Duration = Duration::from_millis(50);

#[tokio::main]
async fn main() {
    let mut all = std::env::args().skip(1);
    let kept = all
        .by_ref()
        .skip_while(|it| it != "--in")
        .nth(1)
        .map(PathBuf::from);
    let arguments = std::env::args().skip(1).take_while(|it| it != "--in");
    let mut arguments = arguments.filter(|it| !it.starts_with("--"));
    let kind = arguments.next();
    let numbers: Vec<u64> = arguments.filter_map(|it| it.parse().ok()).collect();
    match (kind.as_deref(), &numbers[..]) {
        (Some("events"), sizes) if !sizes.is_empty() => events(sizes).await,
        (Some("start"), [networks, events]) => {
            start::start(*networks, *events, kept.as_deref()).await;
        }
        _ => {
            events(&[1_000, 10_000]).await;
            start::start(100, 100, None).await;
        }
    }
}

pub(crate) fn open(node: &EmbeddedNode) -> Journal {
    Journal::open(JournalSettings::new(node.connection_string())).expect("a journal")
}

/// One network at each of these sizes.
async fn events(sizes: &[u64]) {
    let folder = TempDir::new().expect("a folder");
    let node = EmbeddedNode::builder()
        .data_dir(folder.path())
        .start()
        .await
        .expect("a node");
    let id = fill::network(0);
    println!("    events   full load   from snapshot   receipts   outcome   command");
    let (mut first, mut last) = (None, None);
    for size in sizes {
        fill::grow(&fill::client(&node), id, 0, *size).await;
        let (full, journal) = load_fully(&node, id).await;
        snapshot(&journal).await;
        let loaded = from_snapshot(&node, id).await;
        let journal = open(&node);
        journal.networks().load(id).await.expect("the network");
        let receipts = first_command(&journal, id, *size).await;
        let appends = Appends {
            outcome: outcomes(&journal, id).await,
            command: commands(&journal, id, *size).await,
        };
        println!(
            "{size:>10} {:>11.1?} {:>15.1?} {receipts:>10.1?} {:>9.2?} {:>9.2?}",
            full, loaded, appends.outcome, appends.command
        );
        assert!(
            loaded <= WANTED_LOAD,
            "a load from a snapshot takes too long"
        );
        first.get_or_insert(appends);
        last = Some(appends);
    }
    node.shutdown().await;
    let (Some(first), Some(last)) = (first, last) else {
        return;
    };
    let growth = |of: fn(&Appends) -> Duration| of(&last).as_secs_f64() / of(&first).as_secs_f64();
    let (outcome, command) = (growth(|it| it.outcome), growth(|it| it.command));
    println!(
        "growth of an outcome's append {outcome:.2}, of a command's {command:.2} (wanted: {WANTED_GROWTH} at most)"
    );
    assert!(
        outcome <= WANTED_GROWTH,
        "outcomes cost more the longer the history"
    );
    assert!(
        command <= WANTED_GROWTH,
        "commands cost more the longer the history"
    );
}

/// Medians.
#[derive(Clone, Copy)]
struct Appends {
    outcome: Duration,
    command: Duration,
}

/// From the first event, by a process that finds no snapshot.
async fn load_fully(node: &EmbeddedNode, id: domain::NetworkId) -> (Duration, Journal) {
    fill::forget_snapshots(node, id).await;
    let journal = open(node);
    let begun = Instant::now();
    // What was read stays when a load takes longer than a command may.
    while journal.networks().load(id).await.is_err() {}
    (begun.elapsed(), journal)
}

/// Waits until the load has left a snapshot behind.
async fn snapshot(journal: &Journal) {
    wait::until("a snapshot", PATIENCE, || async {
        (journal.networks().figures().snapshots_written > 0).then_some(())
    })
    .await;
}

async fn from_snapshot(node: &EmbeddedNode, id: domain::NetworkId) -> Duration {
    let mut best = Duration::MAX;
    for _ in 0..LOADS {
        let journal = open(node);
        journal.ready().await.expect("the store");
        let begun = Instant::now();
        journal.networks().load(id).await.expect("the network");
        best = best.min(begun.elapsed());
        let figures = journal.networks().figures();
        assert_eq!(figures.loaded_from_snapshot, 1, "{figures:?}");
    }
    best
}

/// The first command after a start: it is one that was answered before, and fetches all receipts.
async fn first_command(journal: &Journal, id: domain::NetworkId, size: u64) -> Duration {
    let (command, caller) = command(size / 2 * 2 - 2);
    let begun = Instant::now();
    let executed = journal
        .networks()
        .execute(id, &command, &caller, Utc::now())
        .await
        .expect("an answer");
    assert!(executed.repeated);
    begun.elapsed()
}

async fn outcomes(journal: &Journal, id: domain::NetworkId) -> Duration {
    let mut took = Vec::new();
    let mut held = journal.networks().load(id).await.expect("the network");
    for n in 0..APPENDS {
        let number = u64::MAX / 2 + n + held.revision.unwrap_or(0);
        let (command, caller) = outcome(number, &held.network);
        let begun = Instant::now();
        let executed = journal
            .networks()
            .execute(id, &command, &caller, Utc::now())
            .await
            .expect("an outcome");
        took.push(begun.elapsed());
        assert_eq!(executed.events.len(), 1);
        held = executed.after;
    }
    drop(held);
    median(took)
}

async fn commands(journal: &Journal, id: domain::NetworkId, size: u64) -> Duration {
    let mut took = Vec::new();
    // The number of each says what it asks for; the first one may find it so.
    for n in 0..=APPENDS {
        let (command, caller) = command(u64::MAX / 4 + 2 * n + size);
        let begun = Instant::now();
        journal
            .networks()
            .execute(id, &command, &caller, Utc::now())
            .await
            .expect("a command");
        took.push(begun.elapsed());
    }
    median(took)
}

fn median(mut all: Vec<Duration>) -> Duration {
    all.sort();
    all[all.len() / 2]
}
