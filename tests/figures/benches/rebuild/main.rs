//! How fast read models are built again, against a bare read of the same events.
//!
//! A log is filled with peerings that live from their request to their last route. Then its events
//! are followed twice in one run, each several times: by a reader that does nothing with them, and
//! by read models that begin with no file. The figure is the quotient of the two rates; one half is
//! what read models may cost.
//!
//! `cargo bench -p peerage-tests --bench rebuild -- [NETWORKS]`

use chrono::Utc;
use domain::{
    CommandId, Ids, NetworkId, PeeringId, Provider, Region, Side,
    network::{
        AcceptRoute, FirewallEnforced, FirewallGroupCreated, InstallationStarted, NetworkCommand,
        Outcome, Peer, PeeringAccepted, PeeringActivated, PeeringInitiated,
        PeeringInitiationStarted, RegisterNetwork, RequestPeering, RouteInstalled, Terms, Thing,
        Where,
    },
};
use embedded::EmbeddedNode;
use futures::stream::{self, StreamExt as _};
use journal::{Caller, Followed, Journal, JournalSettings, Signal};
use projections::{Projections, Stage};
use std::{
    ops::Range,
    path::Path,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use testkit::{process::processor_time, wait::until};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How many networks send commands at the same time while the log is filled.
const WRITERS: usize = 32;

/// How often each way is measured; the best counts, since what disturbs only ever slows down.
const TIMES: u64 = 5;

/// Peerings of each network.
const PEERINGS: usize = 4;

/// How long a build may take.
const PATIENCE: Duration = Duration::from_secs(3_600);

/// What the quotient must reach.
const WANTED: f64 = 0.5;

#[tokio::main]
async fn main() {
    let mut given = std::env::args().filter_map(|it| it.parse().ok());
    let networks: u64 = given.next().unwrap_or(250);
    let times = given.next().unwrap_or(TIMES);
    let folder = TempDir::new().expect("a folder");
    let node = EmbeddedNode::builder()
        .data_dir(folder.path().join("log"))
        .start()
        .await
        .expect("a node");
    let settings = JournalSettings::new(node.connection_string());
    let journal = Journal::open(settings).expect("a journal");
    let unwatched = fill_all(&journal, 0..networks).await;

    let (mut bare, mut built, mut compared) = (Cost::most(), Cost::most(), Cost::most());
    let mut events = 0;
    for time in 0..times {
        let begun = Cost::now();
        events = read(&journal).await;
        bare = bare.least(begun.until_now());
        let file = folder.path().join(format!("read-models-{time}"));
        let begun = Cost::now();
        let following = Following::begin(&journal, &file).await;
        built = built.least(begun.until_now());
        let begun = Cost::now();
        following.rebuild().await;
        compared = compared.least(begun.until_now());
        following.stop().await;
    }
    println!("events {events}");
    let told = [
        ("bare read", &bare),
        ("built", &built),
        ("built anew and compared", &compared),
    ];
    for (what, cost) in told {
        cost.tell(what, events);
    }
    let quotients = [&built, &compared].map(|it| bare.took.as_secs_f64() / it.took.as_secs_f64());
    let processor = |it: &Cost| bare.processor.as_secs_f64() / it.processor.as_secs_f64();
    println!(
        "quotients {:.2} and {:.2} (wanted: {WANTED}), by processor time {:.2} and {:.2}",
        quotients[0],
        quotients[1],
        processor(&built),
        processor(&compared)
    );

    unwatched.tell("what happens, unwatched", events);
    let following = Following::begin(&journal, &folder.path().join("live")).await;
    let watched = fill_all(&journal, networks..2 * networks).await;
    following.stop().await;
    watched.tell("the same with read models", events);
    node.shutdown().await;
    assert!(
        quotients.iter().all(|it| *it >= WANTED),
        "read models are built too slowly"
    );
}

/// What something took, or when it began.
struct Cost {
    began: Instant,
    took: Duration,
    processor: Duration,
}

impl Cost {
    fn now() -> Self {
        Self {
            began: Instant::now(),
            took: Duration::ZERO,
            processor: processor_time("self"),
        }
    }

    fn most() -> Self {
        Self {
            took: Duration::MAX,
            processor: Duration::MAX,
            ..Self::now()
        }
    }

    fn until_now(self) -> Self {
        Self {
            took: self.began.elapsed(),
            processor: processor_time("self") - self.processor,
            ..self
        }
    }

    /// The lesser of the two, of each by itself.
    fn least(self, other: Self) -> Self {
        Self {
            took: self.took.min(other.took),
            processor: self.processor.min(other.processor),
            ..other
        }
    }

    fn tell(&self, what: &str, events: u64) {
        let rate = events as f64 / self.took.as_secs_f64();
        let each = self.processor.as_secs_f64() * 1e6 / events as f64;
        println!("{what:<26} {rate:>9.0} events/s, {each:.1} µs of processor time each");
    }
}

/// Has peerings of these networks live from their request to their last route.
async fn fill_all(journal: &Journal, networks: Range<u64>) -> Cost {
    let begun = Cost::now();
    stream::iter(networks)
        .map(|number| fill(journal, number))
        .buffer_unordered(WRITERS)
        .collect::<()>()
        .await;
    begun.until_now()
}

/// Read models that follow the log.
struct Following {
    projections: Projections,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

impl Following {
    /// Begins with no file, up to the end of the log.
    async fn begin(journal: &Journal, file: &Path) -> Self {
        let projections = Projections::open(file).expect("read models");
        let stop = CancellationToken::new();
        let running = tokio::spawn({
            let (projections, journal, stop) = (projections.clone(), journal.clone(), stop.clone());
            async move { projections.run(&journal, stop).await.expect("they follow") }
        });
        let mut caught_up = projections.caught_up();
        let _ = caught_up.wait_for(|it| *it).await.expect("they follow");
        Self {
            projections,
            stop,
            running,
        }
    }

    /// Builds them anew beside themselves, and compares.
    async fn rebuild(&self) {
        self.projections
            .rebuild(Utc::now())
            .expect("none is under way");
        let ended = until("they serve", PATIENCE, async || {
            let last = self.projections.last_rebuild();
            last.filter(|it| !it.stage.is_under_way())
        });
        let ended = ended.await;
        assert_eq!(ended.stage, Stage::Switched, "{ended:?}");
        let comparison = ended.comparison.expect("a comparison");
        assert_eq!(comparison.differences, 0, "{comparison:?}");
    }

    async fn stop(self) {
        self.stop.cancel();
        self.running.await.expect("no panic");
    }
}

/// Follows the log to its end and does nothing with it. Gives how many events it had.
async fn read(journal: &Journal) -> u64 {
    let mut follower = journal.follow(None, Followed::Networks);
    let mut events = 0;
    loop {
        match follower.next().await.expect("the log") {
            Signal::Event(_) => events += 1,
            Signal::CaughtUp => return events,
            Signal::Checkpoint(_) | Signal::Resumed => {}
        }
    }
}

/// One network with its peerings, each with its whole provisioning.
async fn fill(journal: &Journal, number: u64) {
    let mut commands =
        (0_u128..).map(|it| CommandId(Uuid::from_u128(u128::from(number) << 64 | it)));
    let mut next = || commands.next().expect("an id");
    let register = next();
    let id = Ids::of(register).network();
    let network = RegisterNetwork {
        project: text("bench"),
        name: text(&format!("network-{number}")),
        provider: Provider::Aws,
        region: Region::of(Provider::Aws, "eu-west-1").expect("a region"),
        account: text("111122223333"),
        cloud_network: text(&format!("vpc-{number:017x}")),
        range: text("10.20.0.0/16"),
        ipv6_ranges: Vec::new(),
        subnets: Vec::new(),
    };
    execute(journal, id, register, network.into()).await;
    for index in 0..PEERINGS {
        let request = next();
        let peering = Ids::of(request).peering(id);
        execute(journal, id, request, requested(index)).await;
        for command in provisioning(peering, index) {
            execute(journal, id, next(), command).await;
        }
    }
}

fn requested(index: usize) -> NetworkCommand {
    let peer = Peer {
        provider: Provider::Aws,
        account: text("444455556666"),
        region: Region::of(Provider::Aws, "us-east-1").expect("a region"),
        cloud_network: text(&format!("vpc-{:017x}", 0xf00 + index)),
        ranges: vec![destination(index)],
        subnets: Vec::new(),
    };
    let command = serde_json::json!({
        "command": "RequestPeering",
        "body": { "peer": peer, "terms": Terms::default() },
    });
    let command: RequestPeering =
        serde_json::from_value(command["body"].clone()).expect("a request");
    command.into()
}

fn destination(index: usize) -> domain::Range {
    text(&format!("10.{}.0.0/16", 101 + index))
}

/// What people and the provisioner say of one peering, in the order in which they do.
fn provisioning(peering_id: PeeringId, index: usize) -> Vec<NetworkCommand> {
    let (started_at, link) = (
        Utc::now(),
        text::<domain::text::Link>(&format!("pcx-{index}")),
    );
    let accept = |side, destination| {
        NetworkCommand::from(AcceptRoute {
            peering_id,
            side,
            destination,
        })
    };
    let record = |outcome: Outcome| NetworkCommand::Record(outcome);
    let mut commands = vec![
        accept(Side::Local, destination(index)),
        accept(Side::Remote, text("10.20.0.0/16")),
        record(
            PeeringInitiationStarted {
                peering_id,
                attempt: 1,
                started_at,
            }
            .into(),
        ),
        record(
            PeeringInitiated {
                peering_id,
                link: link.clone(),
                expires_at: None,
            }
            .into(),
        ),
        record(
            PeeringAccepted {
                peering_id,
                link: link.clone(),
                evidence: None,
            }
            .into(),
        ),
        record(PeeringActivated { peering_id, link }.into()),
    ];
    for side in Side::BOTH {
        let destination = match side {
            Side::Local => destination(index),
            Side::Remote => text("10.20.0.0/16"),
        };
        let group: domain::text::FirewallGroup = text(&format!("sg-{side}"));
        let tables = ["rtb-01", "rtb-02"];
        let route = |table| Thing::Route {
            at: Where::Table(text(table)),
            destination,
        };
        let intent = InstallationStarted {
            peering_id,
            side,
            things: tables.map(route).to_vec(),
        };
        commands.push(record(intent.into()));
        for table in tables {
            let route_table = text(table);
            commands.push(record(
                RouteInstalled {
                    peering_id,
                    side,
                    destination,
                    route_table,
                }
                .into(),
            ));
        }
        commands.push(record(
            FirewallGroupCreated {
                peering_id,
                side,
                group: group.clone(),
            }
            .into(),
        ));
        let enforced = FirewallEnforced {
            peering_id,
            side,
            group,
            admit: Vec::new(),
            attached: None,
        };
        commands.push(record(enforced.into()));
    }
    commands
}

async fn execute(journal: &Journal, id: NetworkId, command_id: CommandId, command: NetworkCommand) {
    let caller = Caller::new(command_id, text("benchmark"));
    let networks = journal.networks();
    let executed = networks.execute(id, &command, &caller, Utc::now()).await;
    executed.unwrap_or_else(|error| panic!("{}: {error}", command.name()));
}

fn text<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("a valid text")
}
