//! No call to the store waits for a delayed acknowledgement.
//!
//! An ordinary server acknowledges what it has read only after 40 ms unless it has something to
//! answer. A client that holds the closing frame of a call back until then takes 40 ms a call. Here
//! a plain relay stands before the node, since the node itself acknowledges at once, and the
//! runtime has several threads, as the program's has: on a single thread both frames leave
//! together.
//!
//! What is asserted is a median, far from either value; how fast a command is says a benchmark.
#![allow(clippy::unwrap_used)]

use chrono::Utc;
use domain::{
    CommandId, NetworkId, Provider, Region,
    ids::Ids,
    network::{CheckDrift, NetworkCommand, RegisterNetwork},
};
use journal::{Caller, Journal, JournalSettings};
use peerage_tests::{node::NodePlace, process::Running, store_proxy::StoreProxy};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Less than the shortest delay of an acknowledgement (Linux: 40 ms), much more than a call takes.
const UNDELAYED: Duration = Duration::from_millis(25);
const CALLS: usize = 41;

/// A node in a process of its own, and a plain relay before it.
struct Relayed {
    _folder: tempfile::TempDir,
    _node: Running,
    proxy: StoreProxy,
}

impl Relayed {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = NodePlace::new(folder.path());
        let node = place.start().await;
        Self {
            _folder: folder,
            _node: node,
            proxy: StoreProxy::plain(place.port()).await,
        }
    }

    fn connection_string(&self) -> String {
        self.proxy.connection_string()
    }
}

fn median(mut took: Vec<Duration>) -> Duration {
    took.sort();
    took[took.len() / 2]
}

fn caller(command: CommandId) -> Caller {
    Caller::new(command, "tester".parse().unwrap())
}

async fn execute(journal: &Journal, id: NetworkId, command: CommandId, body: NetworkCommand) {
    let networks = journal.networks();
    networks
        .execute(id, &body, &caller(command), Utc::now())
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_through_a_plain_relay_waits_for_no_acknowledgement() {
    let relayed = Relayed::start().await;
    let journal = Journal::open(JournalSettings::new(relayed.connection_string())).unwrap();
    let registration = CommandId(Uuid::new_v4());
    let id = Ids::of(registration).network();
    let register = RegisterNetwork {
        project: "payments".parse().unwrap(),
        name: "orders".parse().unwrap(),
        provider: Provider::Aws,
        region: Region::of(Provider::Aws, "eu-west-1").unwrap(),
        account: "111122223333".parse().unwrap(),
        cloud_network: "vpc-0a1b2c3d".parse().unwrap(),
        range: "10.20.0.0/16".parse().unwrap(),
        ipv6_ranges: Vec::new(),
        subnets: Vec::new(),
    };
    execute(&journal, id, registration, register.into()).await;
    let mut took = Vec::new();
    for _ in 0..CALLS {
        let started = Instant::now();
        let command = CommandId(Uuid::new_v4());
        execute(&journal, id, command, CheckDrift {}.into()).await;
        took.push(started.elapsed());
    }
    let median = median(took);
    assert!(median < UNDELAYED, "half of the commands took {median:?}");

    let mut took = Vec::new();
    for _ in 0..CALLS {
        let started = Instant::now();
        journal.read_stream(&id.stream(), None).await.unwrap();
        took.push(started.elapsed());
    }
    let reads = self::median(took);
    assert!(reads < UNDELAYED, "half of the reads took {reads:?}");
}
