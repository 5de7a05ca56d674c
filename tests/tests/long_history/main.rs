//! Long histories on a store of the real form: snapshots and receipts come and go, are damaged, are
//! of another log or another fold, and nobody who asks can tell but by the time it takes.
#![allow(clippy::unwrap_used)]

mod another_log;
mod large;

use another_log::Others;
use chrono::Utc;
use domain::{
    CommandId, Ids, NetworkId, PeeringId, Provider, Region,
    network::{
        DriftPolicy, FOLD_VERSION, Identity, Network, NetworkCommand, Outcome, Peer, PeeringFailed,
        PeeringInitiated, PeeringInitiationRefused, PeeringInitiationStarted, Policy,
        RegisterNetwork, RequestPeering, SetPolicy, Setup, Terms,
    },
};
use embedded::EmbeddedNode;
use journal::{
    Caller, ExecuteError, Executed, Figures, FollowError, Followed, Journal, JournalSettings,
    Loaded, Signal,
};
use kurrentdb::{
    AppendToStreamOptions, Client, EventData, ReadAllOptions, ReadStreamOptions, StreamState,
};
use serde_json::{Value, json};
use simulated::{SimulatedCloud, SimulatedSettings};
use std::{collections::BTreeSet, sync::Arc};
use testkit::wait::{SOON, holds, soon, until};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use workers::{
    Provisioner, ProvisionerSettings,
    provisioner::{Directory, Progress, Resolved},
};

const EVERY: u64 = 20;

struct World {
    node: EmbeddedNode,
    client: Client,
}

impl World {
    async fn new() -> Self {
        let node = EmbeddedNode::builder().in_memory().start().await.unwrap();
        let client = Client::new(node.connection_string().parse().unwrap()).unwrap();
        Self { node, client }
    }

    /// A process of its own, as far as what it remembers.
    fn journal(&self, snapshot_every: u64) -> Journal {
        Journal::open(JournalSettings {
            snapshot_every,
            ..JournalSettings::new(self.node.connection_string())
        })
        .unwrap()
    }

    /// What a stream has, oldest first: type and data.
    async fn read(&self, stream: &str) -> Vec<(String, Value)> {
        let options = ReadStreamOptions::default();
        let Ok(mut read) = self.client.read_stream(stream, &options).await else {
            return Vec::new();
        };
        let mut all = Vec::new();
        while let Ok(Some(event)) = read.next().await {
            let event = event.get_original_event();
            let data = serde_json::from_slice(&event.data).unwrap_or(Value::Null);
            all.push((event.event_type.clone(), data));
        }
        all
    }

    /// All that the log has, in its order: stream and data.
    async fn everything(&self) -> Vec<(String, Value)> {
        let options = ReadAllOptions::default();
        let mut read = self.client.read_all(&options).await.unwrap();
        let mut all = Vec::new();
        while let Some(event) = read.next().await.unwrap() {
            let event = event.get_original_event();
            let data = serde_json::from_slice(&event.data).unwrap_or(Value::Null);
            all.push((event.stream_id().to_owned(), data));
        }
        all
    }

    async fn append(&self, stream: &str, event_type: &str, data: &Value) {
        let event = EventData::json(event_type, data)
            .unwrap()
            .id(Uuid::new_v4());
        let options = AppendToStreamOptions::default().stream_state(StreamState::Any);
        self.client
            .append_to_stream(stream, &options, event)
            .await
            .unwrap();
    }

    async fn delete(&self, stream: &str) {
        self.client
            .delete_stream(stream, &Default::default())
            .await
            .unwrap();
    }

    /// A network with so many events, all of users' commands, and its snapshot.
    async fn network(&self, events: u64) -> NetworkId {
        let journal = self.journal(EVERY);
        let id = registered(&journal).await;
        for n in 1..events {
            policy(&journal, id, n).await.unwrap();
        }
        self.snapshot_of(id, events - EVERY).await;
        id
    }

    /// Waits until there is a snapshot of this event or a later one. Each is of where the network
    /// was when it was written, so the last is less than `EVERY` events old, and no more is
    /// certain.
    async fn snapshot_of(&self, id: NetworkId, revision: u64) -> Value {
        until("a snapshot", SOON, async || {
            let (_, snapshot) = self.read(&snapshots(id)).await.pop()?;
            (snapshot["revision"].as_u64() >= Some(revision)).then_some(snapshot)
        })
        .await
    }
}

fn snapshots(id: NetworkId) -> String {
    format!("networkSnapshot-{}", id.0)
}

fn receipts(id: NetworkId) -> String {
    format!("networkReceipts-{}", id.0)
}

fn caller(n: u64) -> Caller {
    let id = Uuid::new_v5(&Uuid::nil(), &n.to_be_bytes());
    Caller::new(CommandId(id), "somebody".parse().unwrap())
}

fn text<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

async fn registered(journal: &Journal) -> NetworkId {
    registered_as(journal, "orders").await
}

async fn registered_as(journal: &Journal, name: &str) -> NetworkId {
    let caller = caller(0);
    let id = Ids::of(caller.command_id).network();
    execute(journal, id, &registration(name), &caller)
        .await
        .unwrap();
    id
}

fn registration(name: &str) -> NetworkCommand {
    RegisterNetwork {
        project: text("payments"),
        name: text(name),
        provider: Provider::Aws,
        region: Region::of(Provider::Aws, "eu-west-1").unwrap(),
        account: text("111122223333"),
        cloud_network: text("vpc-0a1b2c3d"),
        range: text("10.20.0.0/16"),
        ipv6_ranges: Vec::new(),
        subnets: Vec::new(),
    }
    .into()
}

async fn execute(
    journal: &Journal,
    id: NetworkId,
    command: &NetworkCommand,
    caller: &Caller,
) -> Result<Executed, ExecuteError> {
    soon(journal.networks().execute(id, command, caller, Utc::now())).await
}

/// Command `n`, which says something else than the one before it.
fn nth(n: u64) -> NetworkCommand {
    let drift = DriftPolicy::ALL[(n % 2) as usize];
    let policy = Policy {
        drift,
        ..Policy::default()
    };
    SetPolicy { policy }.into()
}

/// That a peering with peer `n` is asked for.
fn requested(n: u64) -> NetworkCommand {
    let peer = Peer {
        provider: Provider::Aws,
        account: text("444455556666"),
        region: Region::of(Provider::Aws, "us-east-1").unwrap(),
        cloud_network: text(&format!("vpc-{n:017x}")),
        ranges: vec![text(&format!("10.{}.0.0/16", 100 + n))],
        subnets: Vec::new(),
    };
    let (terms, setup) = (Terms::default(), Setup::default());
    RequestPeering { peer, terms, setup }.into()
}

async fn policy(journal: &Journal, id: NetworkId, n: u64) -> Result<Executed, ExecuteError> {
    execute(journal, id, &nth(n), &caller(n)).await
}

async fn load(journal: &Journal, id: NetworkId) -> Arc<Loaded> {
    soon(journal.networks().load(id)).await.unwrap()
}

/// What somebody sees who begins now, and what doing so came to.
async fn fresh(world: &World, id: NetworkId) -> (Arc<Loaded>, Figures) {
    let journal = world.journal(0);
    let loaded = load(&journal, id).await;
    (loaded, journal.networks().figures())
}

/// What the events alone fold to.
async fn folded(world: &World, id: NetworkId) -> Loaded {
    let events = soon(world.journal(0).read_stream(&id.stream(), None)).await;
    let mut loaded = Loaded::default();
    events.unwrap().iter().for_each(|it| loaded.apply(it));
    loaded
}

/// Runs the comparison of snapshots until this holds.
async fn checked(journal: &Journal, reached: impl Fn(Figures) -> bool) {
    let networks = journal.networks();
    tokio::select! {
        () = networks.check_snapshots() => unreachable!("it has no end"),
        () = holds("the comparison", || reached(networks.figures())) => {}
    }
}

#[tokio::test]
async fn after_a_restart_a_network_is_loaded_from_its_snapshot_and_is_what_its_events_fold_to() {
    let world = World::new().await;
    let id = world.network(3 * EVERY + 7).await;
    let (loaded, figures) = fresh(&world, id).await;
    assert_eq!(*loaded, folded(&world, id).await);
    assert_eq!(loaded.revision, Some(3 * EVERY + 6));
    assert_eq!(
        (figures.loaded_from_snapshot, figures.loaded_from_start),
        (1, 0)
    );
    let journal = world.journal(0);
    load(&journal, id).await;
    checked(&journal, |it| it.snapshots_checked == 1).await;
    let figures = journal.networks().figures();
    assert_eq!(
        (figures.snapshots_wrong, figures.snapshots_to_check),
        (0, 0)
    );
    assert!(!load(&journal, id).await.is_doubtful);
    world.node.shutdown().await;
}

#[tokio::test]
async fn the_store_is_told_to_keep_two_snapshots_even_after_somebody_deleted_them() {
    let world = World::new().await;
    let id = world.network(4 * EVERY).await;
    let metadata = format!("$${}", snapshots(id));
    for again in 0..2 {
        let kept = until("what is kept", SOON, async || {
            let (_, said) = world.read(&metadata).await.pop()?;
            said.get("$maxCount").cloned()
        });
        assert_eq!(kept.await, 2);
        let there = world.read(&snapshots(id)).await.len();
        assert!((1..=2).contains(&there), "{there}");
        if again == 0 {
            world.delete(&snapshots(id)).await;
            assert_eq!(fresh(&world, id).await.1.loaded_from_start, 1);
            let journal = world.journal(EVERY);
            policy(&journal, id, 4 * EVERY).await.unwrap();
            world.snapshot_of(id, 4 * EVERY - 1).await;
            assert_eq!(fresh(&world, id).await.1.loaded_from_snapshot, 1);
        }
    }
    world.node.shutdown().await;
}

#[tokio::test]
async fn at_every_event_what_is_loaded_from_a_snapshot_is_what_the_events_fold_to() {
    let world = World::new().await;
    let journal = world.journal(1);
    let id = registered(&journal).await;
    let mut snapshots = 0;
    for n in 1..=12_u64 {
        let caller = caller(n);
        let peering_id: PeeringId = Ids::of(caller.command_id).peering(id);
        execute(&journal, id, &requested(n), &caller).await.unwrap();
        let started_at = Utc::now();
        let outcomes: [Outcome; 3] = [
            PeeringInitiationStarted {
                peering_id,
                attempt: 1,
                started_at,
            }
            .into(),
            PeeringInitiationRefused {
                peering_id,
                attempt: 1,
                cause: None,
            }
            .into(),
            PeeringFailed {
                peering_id,
                link: None,
                message: "quota".to_owned(),
            }
            .into(),
        ];
        for (index, outcome) in (0_u64..).zip(outcomes) {
            let caller = self::caller(1_000 + 10 * n + index);
            let done = execute(&journal, id, &NetworkCommand::Record(outcome), &caller)
                .await
                .unwrap();
            world
                .snapshot_of(id, done.revision.unwrap().saturating_sub(1))
                .await;
            let (loaded, figures) = fresh(&world, id).await;
            assert_eq!(*loaded, folded(&world, id).await);
            snapshots += figures.loaded_from_snapshot;
        }
    }
    assert_eq!(snapshots, 36);
    let Network::Registered(network) = &fresh(&world, id).await.0.network else {
        panic!("no network")
    };
    assert_eq!(
        (network.peerings().len(), network.ended_peerings().len()),
        (1, 11)
    );
    world.node.shutdown().await;
}

#[tokio::test]
async fn a_command_sent_again_is_known_in_whichever_block_its_receipt_is() {
    let world = World::new().await;
    let id = world.network(6 * EVERY + 5).await;
    let blocks = world.read(&receipts(id)).await;
    assert!(blocks.len() >= 2, "{}", blocks.len());
    let journal = world.journal(0);
    for n in [
        0,
        1,
        EVERY - 1,
        EVERY,
        3 * EVERY + 4,
        6 * EVERY,
        6 * EVERY + 4,
    ] {
        let again = match n {
            0 => continue,
            n => policy(&journal, id, n).await.unwrap(),
        };
        assert!(again.repeated, "command {n}");
        assert_eq!(again.revision, Some(n));
        let other = execute(&journal, id, &nth(n + 1), &caller(n)).await;
        assert!(
            matches!(other, Err(ExecuteError::CommandIdReused { first_revision, .. }) if first_revision == n),
            "command {n}: {other:?}"
        );
    }
    assert_eq!(journal.networks().figures().loaded_from_snapshot, 1);
    let new = policy(&journal, id, 6 * EVERY + 5).await.unwrap();
    assert_eq!((new.repeated, new.revision), (false, Some(6 * EVERY + 5)));
    world.node.shutdown().await;
}

#[tokio::test]
async fn receipts_whose_stream_is_gone_damaged_or_of_another_log_are_had_from_the_log() {
    for harm in ["deleted", "damaged", "another log", "a hole"] {
        let world = World::new().await;
        let id = world.network(4 * EVERY).await;
        let stream = receipts(id);
        let mut block = world.read(&stream).await.pop().unwrap();
        match harm {
            "deleted" => world.delete(&stream).await,
            "damaged" => {
                block.1["receipts"] = json!("AAAA");
                block.1["from"] = json!(0);
                world.append(&stream, &block.0, &block.1).await;
            }
            "another log" => {
                // It covers everything, by an event that is not there, and knows no command.
                block.1 = json!({ "from": 0, "to": 79, "event": Uuid::nil(), "receipts": "" });
                world.append(&stream, &block.0, &block.1).await;
            }
            _ => {
                (block.1["from"], block.1["to"]) = (json!(90), json!(99));
                world.append(&stream, &block.0, &block.1).await;
            }
        }
        let journal = world.journal(EVERY);
        for n in [1, 30, 4 * EVERY - 1] {
            let again = policy(&journal, id, n).await.unwrap();
            assert_eq!((again.repeated, again.revision), (true, Some(n)), "{harm}");
        }
        // What is written next mends it.
        for n in 4 * EVERY..5 * EVERY {
            policy(&journal, id, n).await.unwrap();
        }
        world.snapshot_of(id, 4 * EVERY).await;
        let journal = world.journal(0);
        let again = policy(&journal, id, 1).await.unwrap();
        assert_eq!((again.repeated, again.revision), (true, Some(1)), "{harm}");
        world.node.shutdown().await;
    }
}

#[tokio::test]
async fn a_snapshot_that_is_damaged_or_of_another_fold_or_log_is_passed_over() {
    type Change = fn(&mut Value);
    type Figure = fn(&Figures) -> u64;
    let harms: [(&str, Change, Figure); 5] = [
        (
            "no snapshot",
            |it| *it = json!({ "odd": true }),
            |it| it.snapshots_damaged,
        ),
        (
            "a state that is not what was written",
            |it| it["digest"] = json!("00000000000000000000000000000000"),
            |it| it.snapshots_damaged,
        ),
        (
            "another fold",
            |it| it["fold"] = json!("0123456789abcdef"),
            |it| it.snapshots_of_another_fold,
        ),
        (
            "an event that the log does not have yet",
            |it| it["revision"] = json!(4_711),
            |it| it.snapshots_of_another_log,
        ),
        (
            "an event that the log has not",
            |it| it["event"] = json!(Uuid::nil()),
            |it| it.snapshots_of_another_log,
        ),
    ];
    for (harm, change, count) in harms {
        let world = World::new().await;
        let id = world.network(2 * EVERY + 3).await;
        let (event_type, mut snapshot) = world.read(&snapshots(id)).await.pop().unwrap();
        assert_eq!(snapshot["fold"], FOLD_VERSION);
        change(&mut snapshot);
        world.append(&snapshots(id), &event_type, &snapshot).await;
        let (loaded, figures) = fresh(&world, id).await;
        assert_eq!(*loaded, folded(&world, id).await, "{harm}");
        assert_eq!(
            (count(&figures), figures.loaded_from_snapshot),
            (1, 0),
            "{harm}"
        );
        // The next one takes its place.
        let journal = world.journal(EVERY);
        policy(&journal, id, 2 * EVERY + 3).await.unwrap();
        until("the next snapshot", SOON, async || {
            let (_, figures) = fresh(&world, id).await;
            (figures.loaded_from_snapshot == 1).then_some(())
        })
        .await;
        world.node.shutdown().await;
    }
}

#[tokio::test]
async fn a_snapshot_that_is_not_what_the_events_fold_to_is_found_out_and_not_believed_any_more() {
    let world = World::new().await;
    let id = world.network(2 * EVERY).await;
    let truth = folded(&world, id).await;
    // Another network's state, under this one's revision and event: every part of it is in order.
    let other = World::new().await;
    let journal = other.journal(EVERY);
    registered_as(&journal, "payments").await;
    for n in 1..2 * EVERY {
        policy(&journal, id, n).await.unwrap();
    }
    let mut wrong = other.snapshot_of(id, EVERY).await;
    let (event_type, right) = world.read(&snapshots(id)).await.pop().unwrap();
    (wrong["revision"], wrong["event"]) = (right["revision"].clone(), right["event"].clone());
    world.append(&snapshots(id), &event_type, &wrong).await;

    let journal = world.journal(EVERY);
    let believed = load(&journal, id).await;
    assert_ne!(believed.network, truth.network);
    assert!(!believed.is_doubtful, "nobody knows yet");
    checked(&journal, |it| it.snapshots_wrong == 1).await;
    let now = load(&journal, id).await;
    assert!(now.is_doubtful);
    let Network::Registered(network) = &now.network else {
        panic!("no network")
    };
    assert!(network.is_doubtful, "nothing is opened");
    let json = |it: &Network| serde_json::to_value(it).unwrap();
    assert_eq!(json(&now.network), json(&truth.network));
    let after = policy(&journal, id, 2 * EVERY).await.unwrap();
    assert!(
        after.after.is_doubtful,
        "an event of its own does not mend it"
    );
    world.node.shutdown().await;
    other.node.shutdown().await;
}

#[tokio::test]
async fn two_engines_that_write_to_one_network_both_keep_its_snapshots_and_receipts_right() {
    let world = World::new().await;
    let engines = [world.journal(5), world.journal(7)];
    let id = registered(&engines[0]).await;
    let run = |engine: usize| {
        let journal = engines[engine].clone();
        async move {
            for n in 0..60 {
                let n = 1 + 2 * n + engine as u64;
                loop {
                    match policy(&journal, id, n).await {
                        Ok(_) => break,
                        Err(ExecuteError::Contended { .. }) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            }
        }
    };
    tokio::join!(run(0), run(1));
    let truth = folded(&world, id).await;
    let (loaded, figures) = fresh(&world, id).await;
    assert_eq!(*loaded, truth);
    assert_eq!(figures.loaded_from_snapshot, 1);
    assert!(world.read(&snapshots(id)).await.len() <= 2);
    let journal = world.journal(0);
    for n in 1..=120 {
        let again = policy(&journal, id, n).await.unwrap();
        // What changed nothing left no receipt, and changes nothing now either, or is decided anew.
        assert!(again.repeated || again.events.is_empty() || again.revision > truth.revision);
    }
    for engine in &engines {
        assert_eq!(load(engine, id).await, load(&journal, id).await);
    }
    world.node.shutdown().await;
}

#[tokio::test]
async fn a_workers_outcomes_leave_no_receipts_and_said_again_they_change_nothing() {
    let world = World::new().await;
    let journal = world.journal(EVERY);
    let id = registered(&journal).await;
    let request = caller(1);
    let peering_id = Ids::of(request.command_id).peering(id);
    execute(&journal, id, &requested(1), &request)
        .await
        .unwrap();
    let mut last = None;
    for attempt in 1..=20 {
        let started_at = Utc::now();
        let outcomes: [Outcome; 2] = [
            PeeringInitiationStarted {
                peering_id,
                attempt,
                started_at,
            }
            .into(),
            PeeringInitiationRefused {
                peering_id,
                attempt,
                cause: None,
            }
            .into(),
        ];
        for (index, outcome) in (0_u64..).zip(outcomes) {
            let command = NetworkCommand::Record(outcome);
            let caller = caller(100 + 2 * u64::from(attempt) + index);
            execute(&journal, id, &command, &caller).await.unwrap();
            last = Some((command, caller));
        }
    }
    let snapshot = world.snapshot_of(id, EVERY).await;
    assert_eq!(snapshot["fold"], FOLD_VERSION);
    let noted: usize = world
        .read(&receipts(id))
        .await
        .iter()
        .map(|(_, block)| block["receipts"].as_str().unwrap().len() / 32)
        .sum();
    assert_eq!(noted, 2, "the registration and the request");
    let (command, caller) = last.unwrap();
    let again = execute(&world.journal(0), id, &command, &caller)
        .await
        .unwrap();
    assert_eq!(again.events, []);
    let seen = PeeringInitiated {
        peering_id,
        link: text("pcx-1"),
        expires_at: None,
    };
    let early = NetworkCommand::Record(seen.into());
    let refused = execute(&journal, id, &early, &self::caller(999)).await;
    assert!(
        matches!(refused, Err(ExecuteError::Refused(_))),
        "{refused:?}"
    );
    world.node.shutdown().await;
}

#[tokio::test]
async fn what_is_derived_from_networks_is_in_no_follower() {
    let world = World::new().await;
    let id = world.network(2 * EVERY).await;
    let journal = world.journal(0);
    let mut follower = journal.follow(None, Followed::Networks);
    let mut events = 0;
    loop {
        match soon(follower.next()).await.unwrap() {
            Signal::Event(event) => {
                assert_eq!((event.stream, event.network_id), (id.stream(), Some(id)));
                events += 1;
            }
            Signal::CaughtUp => break,
            Signal::Checkpoint(_) | Signal::Resumed => {}
        }
    }
    assert_eq!(events, 2 * EVERY);
    world.node.shutdown().await;
}

#[tokio::test]
async fn a_network_that_is_known_as_far_as_is_asked_for_is_had_without_asking_the_store() {
    let world = World::new().await;
    let journal = Journal::open(JournalSettings {
        command_deadline: std::time::Duration::from_secs(1),
        ..JournalSettings::new(world.node.connection_string())
    })
    .unwrap();
    let id = registered(&world.journal(0)).await;
    policy(&world.journal(0), id, 1).await.unwrap();
    let networks = journal.networks();
    assert_eq!(networks.load_with(id, 0).await.unwrap().revision, Some(1));
    policy(&world.journal(0), id, 2).await.unwrap();
    assert_eq!(networks.load_with(id, 1).await.unwrap().revision, Some(1));
    assert_eq!(networks.load_with(id, 2).await.unwrap().revision, Some(2));
    world.node.shutdown().await;
    assert_eq!(networks.load_with(id, 2).await.unwrap().revision, Some(2));
    assert!(networks.load_with(id, 3).await.is_err());
}

#[tokio::test]
async fn the_cache_is_bounded_by_bytes_and_tells_what_it_gave_up() {
    let world = World::new().await;
    let limit = 64 << 10;
    let journal = Journal::open(JournalSettings {
        cached_bytes: limit,
        snapshot_every: 0,
        ..JournalSettings::new(world.node.connection_string())
    })
    .unwrap();
    let mut ids = Vec::new();
    for n in 0..200 {
        let command = RegisterNetwork {
            project: text("payments"),
            name: text(&format!("orders-{n}")),
            provider: Provider::Aws,
            region: Region::of(Provider::Aws, "eu-west-1").unwrap(),
            account: text("111122223333"),
            cloud_network: text(&format!("vpc-{n:017x}")),
            range: text("10.20.0.0/16"),
            ipv6_ranges: Vec::new(),
            subnets: Vec::new(),
        };
        let caller = caller(n);
        let id = Ids::of(caller.command_id).network();
        execute(&journal, id, &command.into(), &caller)
            .await
            .unwrap();
        ids.push(id);
    }
    until("something is given up", SOON, async || {
        load(&journal, ids[0]).await;
        (journal.networks().figures().evicted > 0).then_some(())
    })
    .await;
    let figures = journal.networks().settled_figures().await;
    assert_eq!(figures.cache_limit, limit);
    assert!(figures.cached_bytes <= limit, "{figures:?}");
    assert!(figures.cached_networks < 200, "{figures:?}");
    for id in ids {
        assert_eq!(load(&journal, id).await.revision, Some(0));
    }
    world.node.shutdown().await;
}

/// An engine on a cloud where nothing is, until it is told to stop.
struct Engine {
    journal: Journal,
    directory: Directory,
    progress: Arc<Progress>,
    stop: CancellationToken,
    running: tokio::task::JoinHandle<Result<(), FollowError>>,
}

impl Engine {
    /// Starts one, and waits until it has read the log to its end.
    async fn start(world: &World) -> Self {
        let (journal, clock) = (world.journal(EVERY), Arc::new(Utc::now));
        let cloud = SimulatedCloud::new(SimulatedSettings::instant(1), clock.clone());
        let stop = CancellationToken::new();
        let settings = ProvisionerSettings::default();
        let provisioner = Provisioner::new(
            journal.clone(),
            Arc::new(cloud),
            clock,
            settings,
            stop.clone(),
        );
        let (directory, progress) = (provisioner.directory(), provisioner.progress());
        let running = tokio::spawn(provisioner.run());
        holds("the end of the log", || progress.report().caught_up).await;
        Self {
            journal,
            directory,
            progress,
            stop,
            running,
        }
    }

    async fn stop(self) {
        self.stop.cancel();
        soon(self.running).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn an_engine_begins_at_its_checkpoint_and_knows_all_peerings_and_networks_before_it() {
    let world = World::new().await;
    let id = world.network(2 * EVERY).await;
    let journal = world.journal(EVERY);
    let asked = |n: u64| {
        let caller = caller(10_000 + n);
        let peering = Ids::of(caller.command_id).peering(id);
        (peering, caller)
    };
    for n in 1..=2 {
        let (peering_id, caller) = asked(n);
        execute(&journal, id, &requested(n), &caller).await.unwrap();
        // The first is over, and folded together once something has come after it.
        let failed = PeeringFailed {
            peering_id,
            link: None,
            message: "no".to_owned(),
        };
        let over = NetworkCommand::Record(failed.into());
        if n == 1 {
            let caller = self::caller(20_000);
            execute(&journal, id, &over, &caller).await.unwrap();
        }
    }
    let first = Engine::start(&world).await;
    assert_eq!(first.progress.report().begun_with, 0);
    // Whoever leaves the marker of the older registration looks for one first: that is the first
    // engine, and no load of the second's.
    let identity = Identity {
        provider: Provider::Aws,
        account: text("111122223333"),
        cloud_network: text("vpc-0a1b2c3d"),
    };
    let marker = identity.network_id(0).stream();
    until("the marker of the older registration", SOON, async || {
        (!world.read(&marker).await.is_empty()).then_some(())
    })
    .await;
    first.stop().await;
    let checkpoint = world.journal(0).checkpoint().await.unwrap().unwrap();
    // The marker is known if the engine came by it before it stopped.
    let known: BTreeSet<_> = checkpoint.networks().collect();
    assert!(known.contains(&id) && known.len() <= 2, "{known:?}");

    // One more comes while no engine runs.
    let (late, caller) = asked(3);
    execute(&journal, id, &requested(3), &caller).await.unwrap();
    let second = Engine::start(&world).await;
    assert_eq!(second.progress.report().begun_with, known.len() as u64);
    for peering in [asked(1).0, asked(2).0, late] {
        assert_eq!(second.directory.look_up(peering), Resolved::Network(id));
    }
    let nobody = PeeringId(Uuid::nil());
    assert_eq!(second.directory.look_up(nobody), Resolved::Unknown);
    holds("a pass", || second.progress.report().passes > 0).await;
    // The marker of the older registration is a stream of one event; the network itself comes from
    // its snapshot.
    assert_eq!(second.journal.networks().figures().loaded_from_start, 1);
    second.stop().await;
    world.node.shutdown().await;
}

#[tokio::test]
async fn a_task_of_the_provisioners_own_that_dies_takes_it_along() {
    let world = World::new().await;
    // Under an id of old: a marker is to be left beside everything else.
    registered(&world.journal(0)).await;
    let cloud = SimulatedCloud::new(SimulatedSettings::instant(1), Arc::new(Utc::now));
    let (settings, stop) = (ProvisionerSettings::default(), CancellationToken::new());
    let clock = Arc::new(|| panic!("no time is told"));
    let provisioner = Provisioner::new(world.journal(0), Arc::new(cloud), clock, settings, stop);
    let running = tokio::spawn(provisioner.under(Box::new(Others)).run());
    let died = soon(running).await.unwrap_err();
    let why = died.into_panic();
    assert_eq!(why.downcast_ref(), Some(&"no time is told"));
    world.node.shutdown().await;
}

#[tokio::test]
async fn a_checkpoint_of_another_log_or_none_at_all_is_none() {
    let world = World::new().await;
    let id = world.network(EVERY).await;
    let engine = Engine::start(&world).await;
    engine.stop().await;
    let stream = "connectorCheckpoint-provisioner";
    let (event_type, right) = world.read(stream).await.pop().unwrap();
    for (field, wrong) in [
        ("event", json!(Uuid::nil())),
        ("revision", json!(4_711)),
        ("commit", json!(1)),
        ("network", json!(Uuid::nil())),
    ] {
        let mut other = right.clone();
        other["last"][field] = wrong;
        world.append(stream, &event_type, &other).await;
        assert_eq!(
            world.journal(0).checkpoint().await.unwrap(),
            None,
            "{field}"
        );
    }
    world.append(stream, "Odd", &json!({})).await;
    assert_eq!(world.journal(0).checkpoint().await.unwrap(), None);
    let engine = Engine::start(&world).await;
    assert_eq!(engine.progress.report().begun_with, 0);
    engine.stop().await;
    world.append(stream, &event_type, &right).await;
    let known = world.journal(0).checkpoint().await.unwrap().unwrap();
    assert_eq!(known.networks().next(), Some(id));
    world.node.shutdown().await;
}
