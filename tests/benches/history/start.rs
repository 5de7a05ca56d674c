//! The start of an engine over many networks, all of which are as they should be but one.

use crate::{fill, open};
use chrono::Utc;
use domain::NetworkId;
use embedded::EmbeddedNode;
use futures::stream::{self, StreamExt as _};
use journal::Checkpoint;
use peerage_tests::wait;
use simulated::{SimulatedCloud, SimulatedSettings};
use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use workers::{Provisioner, ProvisionerSettings};

/// How often it is looked whether the engine has got there.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// How long snapshots are waited for. None is written of fewer than a thousand events.
const WRITTEN: Duration = Duration::from_secs(30);

/// How many networks are filled at the same time.
const WRITERS: usize = 16;

/// What a start from a checkpoint may take until the first due act.
const WANTED: Duration = Duration::from_secs(15);

/// How much memory a start may take.
const WANTED_MEMORY: u64 = 1 << 30;

/// Many networks: filled into this folder if it holds none, and started over.
pub(crate) async fn start(networks: u64, events: u64, kept: Option<&Path>) {
    let folder = TempDir::new().expect("a folder");
    let folder = kept.unwrap_or(folder.path());
    let is_there = folder.join("filled").exists();
    let node = node(folder).await;
    if !is_there {
        fill(&node, networks, events).await;
        node.shutdown().await;
        std::fs::write(folder.join("filled"), "").expect("a note");
        if kept.is_some() {
            println!(
                "what a start costs is told by the next run: this process holds more memory than a start takes"
            );
            return;
        }
        return measure(&self::node(folder).await, networks).await;
    }
    measure(&node, networks).await;
    node.shutdown().await;
}

async fn node(folder: &Path) -> EmbeddedNode {
    let node = EmbeddedNode::builder().data_dir(folder.join("events"));
    node.start().await.expect("a node")
}

/// Networks with so many events each, their snapshots, and a checkpoint behind all of them: what
/// an engine leaves behind.
async fn fill(node: &EmbeddedNode, networks: u64, events: u64) {
    let begun = Instant::now();
    let (client, script) = (&fill::client(node), &fill::Script::of(events));
    stream::iter(1..=networks)
        .map(|n| script.play(client, fill::network(n), n))
        .buffer_unordered(WRITERS)
        .collect::<()>()
        .await;
    println!(
        "{networks} networks of {events} events each, filled in {:.1?}",
        begun.elapsed()
    );
    let begun = Instant::now();
    let journal = &open(node);
    let last = stream::iter(1..=networks)
        .map(async |n| {
            let id = fill::network(n);
            let loaded = journal.networks().load(id).await.expect("a network");
            let before = loaded.revision.and_then(|it| it.checked_sub(1));
            let last = journal.read_stream(&id.stream(), before).await;
            last.expect("its end").pop().expect("its last event")
        })
        .buffer_unordered(WRITERS)
        .collect::<Vec<_>>();
    let mut last = last.await;
    last.sort_by_key(|it| it.position);
    let mut checkpoint = Checkpoint::default();
    last.iter().for_each(|it| checkpoint.advance(it));
    let is_stored = journal.set_checkpoint(&checkpoint).await;
    assert!(is_stored.expect("a checkpoint"), "too many networks");
    snapshots_are_written(node, networks).await;
    println!(
        "loaded once, with snapshots and a checkpoint, in {:.1?}",
        begun.elapsed()
    );
}

async fn measure(node: &EmbeddedNode, networks: u64) {
    println!("first act   every network looked at   memory taken   memory of the process");
    let started = run(node, networks).await;
    started.print();
    assert!(started.first_act <= WANTED, "the first act comes too late");
    assert!(
        started.memory <= WANTED_MEMORY,
        "a start takes too much memory"
    );
}

struct Started {
    first_act: Duration,
    all: Duration,
    memory: u64,
}

impl Started {
    fn print(&self) {
        println!(
            "{:>9.2?} {:>25.2?} {:>11} MB {:>20} MB",
            self.first_act,
            self.all,
            self.memory >> 20,
            resident() >> 20
        );
    }
}

/// One engine, from its start until every network has had its pass.
async fn run(node: &EmbeddedNode, networks: u64) -> Started {
    // What is to be done is asked for while no engine runs; by a network of its own each time.
    let (client, mut nth) = (fill::client(node), networks + 1);
    while fill::exists(&client, fill::network(nth)).await {
        nth += 1;
    }
    let due = fill::network(nth);
    fill::grow(&client, due, nth, 2).await;
    let before = resident();
    let begun = Instant::now();
    let stop = CancellationToken::new();
    let (journal, clock) = (open(node), Arc::new(Utc::now));
    let cloud = SimulatedCloud::new(SimulatedSettings::instant(1), clock.clone());
    let settings = ProvisionerSettings::default();
    let provisioner = Provisioner::new(journal, Arc::new(cloud), clock, settings, stop.clone());
    let progress = provisioner.progress();
    let running = tokio::spawn(provisioner.run());
    let (watching, mut first_act) = (open(node), None);
    let mut looks = tokio::time::interval(LOOK_EVERY);
    let all = loop {
        if first_act.is_none() && has_acted(&watching, due).await {
            first_act = Some(begun.elapsed());
        }
        if first_act.is_some() && progress.report().passes > networks {
            break begun.elapsed();
        }
        looks.tick().await;
    };
    let memory = resident().saturating_sub(before);
    stop.cancel();
    running.await.expect("the engine").expect("its end");
    Started {
        first_act: first_act.unwrap_or(all),
        all,
        memory,
    }
}

/// Whether the engine has recorded something.
async fn has_acted(journal: &journal::Journal, due: NetworkId) -> bool {
    let events = journal.read_stream(&due.stream(), Some(1)).await;
    events.is_ok_and(|it| !it.is_empty())
}

/// Waits until what loading leaves behind is there: it is written beside everything else.
async fn snapshots_are_written(node: &EmbeddedNode, networks: u64) {
    let from_snapshot = wait::within(WRITTEN, || async {
        // One that has loaded a network does not load it again.
        let journal = open(node);
        for n in [1, networks / 2 + 1, networks] {
            journal.networks().load(fill::network(n)).await.ok()?;
        }
        (journal.networks().figures().loaded_from_start == 0).then_some(())
    });
    if from_snapshot.await.is_none() {
        println!("some networks have no snapshot");
    }
}

/// The memory of this process, the store in it included.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|it| it.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) << 10
}
