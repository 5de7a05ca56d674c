//! The start of an engine over many networks, all of which are as they should be but one.

use crate::{fill, open};
use chrono::Utc;
use domain::NetworkId;
use embedded::EmbeddedNode;
use futures::stream::{self, StreamExt as _};
use peerage_tests::wait;
use simulated::{SimulatedCloud, SimulatedSettings};
use std::{
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

pub(crate) async fn start(networks: u64, events: u64) {
    let folder = TempDir::new().expect("a folder");
    let node = EmbeddedNode::builder()
        .data_dir(folder.path())
        .start()
        .await
        .expect("a node");
    let node = &node;
    let begun = Instant::now();
    let client = &fill::client(node);
    stream::iter(1..=networks)
        .map(|n| fill::grow(client, fill::network(n), n, events))
        .buffer_unordered(WRITERS)
        .collect::<()>()
        .await;
    println!(
        "{networks} networks of {events} events each, filled in {:.1?}",
        begun.elapsed()
    );
    println!("     start   first act   every network looked at   memory taken");
    let nothing = run(node, networks, 1).await;
    nothing.print("anew");
    let from_checkpoint = run(node, networks, 2).await;
    from_checkpoint.print("checkpoint");
    assert!(
        from_checkpoint.first_act <= WANTED,
        "the first act comes too late"
    );
    assert!(
        from_checkpoint.memory <= WANTED_MEMORY,
        "a start takes too much memory"
    );
}

struct Started {
    first_act: Duration,
    all: Duration,
    memory: u64,
}

impl Started {
    fn print(&self, start: &str) {
        println!(
            "{start:>10} {:>11.2?} {:>25.2?} {:>11} MB",
            self.first_act,
            self.all,
            self.memory >> 20
        );
    }
}

/// One engine, from its start until every network has had its pass.
async fn run(node: &EmbeddedNode, networks: u64, nth: u64) -> Started {
    // What is to be done is asked for while no engine runs.
    let due = fill::network(networks + nth);
    fill::grow(&fill::client(node), due, networks + nth, 2).await;
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
    snapshots_are_written(node, networks).await;
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

/// Waits until what a first start leaves behind is there: it is written beside everything else.
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
        println!("some networks have no snapshot after a first start");
    }
}

/// The memory of this process, the store in it included.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|it| it.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) << 10
}
