//! The log becomes another one beneath who follows it: longer, and up to where it was followed with
//! events of the same size at the same places, so that nothing but their ids tells it apart.

use super::*;
use async_trait::async_trait;
use domain::network::Identity;
use journal::Position;
use kurrentdb::RecordedEvent;
use projections::AuditTree;
use std::slice;
use testkit::forwarder::Door;
use workers::{Lease, Term};

/// The peering that their log has in the place of ours.
const THEIRS: PeeringId = PeeringId(Uuid::from_u128(0x1357_9bdf));

/// One address, which leads to our store and later to theirs.
struct Way {
    door: Door,
    ours: World,
    theirs: World,
    network: NetworkId,
    peering: PeeringId,
}

impl Way {
    async fn new() -> Self {
        let (ours, theirs) = (World::new().await, World::new().await);
        let (network, peering) = one_peering(&ours).await;
        let all = records(&ours, "network-").await;
        let command = |it: &RecordedEvent| {
            let metadata: Value = serde_json::from_slice(&it.custom_metadata).unwrap();
            metadata["command_id"].clone()
        };
        for of_one in all.chunk_by(|one, next| command(one) == command(next)) {
            again(&theirs, of_one, peering).await;
        }
        let places = |all: &[RecordedEvent]| all.iter().map(|it| it.position).collect::<Vec<_>>();
        assert_eq!(places(&records(&theirs, "network-").await), places(&all));
        let mut door = Door::closed(ours.node.address().port());
        door.open().await;
        Self {
            door,
            ours,
            theirs,
            network,
            peering,
        }
    }

    /// A process of its own.
    fn journal(&self) -> Journal {
        let port = self.door.port();
        let way = format!("kurrentdb://127.0.0.1:{port}?tls=false&discoveryInterval=0");
        Journal::open(JournalSettings {
            snapshot_every: 0,
            ..JournalSettings::new(way)
        })
        .unwrap()
    }

    /// Whoever is connected is cut off, and finds the same store again.
    async fn breaks(&mut self) {
        self.door.reopen(self.ours.node.address().port()).await;
    }

    /// Whoever is connected is cut off, and finds the other store, which is longer. What followers
    /// have left in ours is at its place there too.
    async fn becomes_theirs(&mut self) {
        let left = records(&self.ours, "connector").await;
        for it in &left {
            again(&self.theirs, slice::from_ref(it), self.peering).await;
        }
        for n in 0..9 {
            let other = json!({ "n": n });
            self.theirs.append("others-1", "Other", &other).await;
        }
        self.door.reopen(self.theirs.node.address().port()).await;
    }

    async fn end(self) {
        self.ours.node.shutdown().await;
        self.theirs.node.shutdown().await;
    }
}

/// A network under the id that today's engines give it, and a peering as the last event of all.
async fn one_peering(world: &World) -> (NetworkId, PeeringId) {
    let journal = world.journal(0);
    let identity = Identity {
        provider: Provider::Aws,
        account: text("111122223333"),
        cloud_network: text("vpc-0a1b2c3d"),
    };
    let id = identity.network_id(0);
    let mut first = caller(0);
    first.generation = Some(0);
    execute(&journal, id, &registration("orders"), &first)
        .await
        .unwrap();
    let caller = caller(1);
    execute(&journal, id, &requested(1), &caller).await.unwrap();
    (id, Ids::of(caller.command_id).peering(id))
}

/// What is in the log of streams whose names begin so, in its order.
async fn records(world: &World, streams: &str) -> Vec<RecordedEvent> {
    let options = ReadAllOptions::default();
    let mut read = world.client.read_all(&options).await.unwrap();
    let mut all = Vec::new();
    while let Some(event) = read.next().await.unwrap() {
        let event = event.event.unwrap();
        if event.stream_id().starts_with(streams) {
            all.push(event);
        }
    }
    all
}

/// Appends copies of these events at once; what names this peering names theirs, and is another
/// event.
async fn again(world: &World, events: &[RecordedEvent], peering: PeeringId) {
    let (from, to) = (peering.0.to_string(), THEIRS.0.to_string());
    let copy = |it: &RecordedEvent| {
        let ours = str::from_utf8(&it.data).unwrap();
        let theirs = ours.replace(&from, &to);
        let changed = u128::from(theirs != ours);
        let data: Value = serde_json::from_str(&theirs).unwrap();
        let copy = EventData::json(&it.event_type, &data).unwrap();
        let copy = copy.id(Uuid::from_u128(it.id.as_u128() ^ changed));
        copy.metadata(it.custom_metadata.clone())
    };
    let copies: Vec<_> = events.iter().map(copy).collect();
    let options = AppendToStreamOptions::default().stream_state(StreamState::Any);
    let stream = events[0].stream_id();
    let appended = world.client.append_to_stream(stream, &options, copies);
    appended.await.unwrap();
}

/// That another server works, for ever.
#[derive(Debug)]
pub(super) struct Others;

#[async_trait]
impl Lease for Others {
    fn term(&mut self) -> Option<Arc<dyn Term>> {
        None
    }

    async fn changed(&mut self) {
        std::future::pending().await
    }
}

/// A provisioner that follows and does nothing.
struct Follower {
    directory: Directory,
    progress: Arc<Progress>,
    stop: CancellationToken,
    running: tokio::task::JoinHandle<Result<(), FollowError>>,
}

impl Follower {
    async fn start(way: &Way) -> Self {
        let (stop, clock) = (CancellationToken::new(), Arc::new(Utc::now));
        let cloud = SimulatedCloud::new(SimulatedSettings::instant(1), clock.clone());
        let settings = ProvisionerSettings::default();
        let cloud = Arc::new(cloud);
        let provisioner = Provisioner::new(way.journal(), cloud, clock, settings, stop.clone());
        let provisioner = provisioner.under(Box::new(Others));
        let (directory, progress) = (provisioner.directory(), provisioner.progress());
        let running = tokio::spawn(provisioner.run());
        holds("the end of the log", || progress.report().caught_up).await;
        Self {
            directory,
            progress,
            stop,
            running,
        }
    }

    async fn knows(&self, way: &Way, known: PeeringId, unknown: PeeringId) {
        let network = Resolved::Network(way.network);
        holds("what is in the log", || {
            self.directory.look_up(known) == network
        })
        .await;
        holds("its end", || self.progress.report().caught_up).await;
        assert_eq!(self.directory.look_up(unknown), Resolved::Unknown);
    }

    async fn stop(self) {
        self.stop.cancel();
        soon(self.running).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_provisioner_drops_what_it_knew_where_the_last_event_that_it_followed_is_another_one() {
    let mut way = Way::new().await;
    let follower = Follower::start(&way).await;
    follower.knows(&way, way.peering, THEIRS).await;
    way.becomes_theirs().await;
    follower.knows(&way, THEIRS, way.peering).await;
    follower.stop().await;
    way.end().await;
}

#[tokio::test]
async fn so_does_one_that_began_at_its_checkpoint_and_has_followed_nothing_since() {
    let mut way = Way::new().await;
    Follower::start(&way).await.stop().await;
    let journal = way.ours.journal(0);
    until("its checkpoint", SOON, async || {
        journal.checkpoint().await.unwrap()
    })
    .await;
    let follower = Follower::start(&way).await;
    assert_eq!(follower.progress.report().begun_with, 1);
    follower.knows(&way, way.peering, THEIRS).await;
    way.becomes_theirs().await;
    follower.knows(&way, THEIRS, way.peering).await;
    follower.stop().await;
    way.end().await;
}

#[tokio::test]
async fn a_provisioner_goes_on_where_it_was_when_the_log_is_the_same_after_a_break() {
    let mut way = Way::new().await;
    let follower = Follower::start(&way).await;
    let followed = || follower.progress.report().followed;
    for n in 2..5 {
        way.breaks().await;
        let before = followed();
        let (journal, caller) = (way.ours.journal(0), caller(n));
        execute(&journal, way.network, &requested(n), &caller)
            .await
            .unwrap();
        let peering = Ids::of(caller.command_id).peering(way.network);
        holds("what came since", || {
            // It never begins anew.
            assert!(followed() >= before && followed() > Some(Position::START));
            follower.directory.look_up(peering) == Resolved::Network(way.network)
        })
        .await;
    }
    follower.stop().await;
    way.end().await;
}

/// The tree of the audit, kept up with a log.
struct Growing {
    tree: AuditTree,
    stop: CancellationToken,
    running: tokio::task::JoinHandle<Result<(), projections::TreeRunError>>,
}

impl Growing {
    fn start(way: &Way, tree: AuditTree) -> Self {
        let (stop, journal) = (CancellationToken::new(), way.journal());
        let run = {
            let (tree, stop) = (tree.clone(), stop.clone());
            async move { tree.run(&journal, Arc::new(Utc::now), stop).await }
        };
        let running = tokio::spawn(run);
        Self {
            tree,
            stop,
            running,
        }
    }

    /// Waits until it has this epoch whole and so many events.
    async fn is_at(&self, epoch: u64, size: u64) {
        until("the tree", SOON, async || {
            let head = self.tree.head().await.ok()?;
            ((head.epoch, head.size) == (epoch, size)).then_some(())
        })
        .await;
    }

    async fn stop(self) -> AuditTree {
        self.stop.cancel();
        soon(self.running).await.unwrap().unwrap();
        self.tree
    }
}

/// Both logs are on record, and that they begin alike.
async fn has_both(tree: &AuditTree, size: u64) {
    let epochs = tree.epochs().await.unwrap();
    let epochs: Vec<_> = epochs.iter().map(|it| (it.size, it.shared)).collect();
    assert_eq!(epochs, [(size, None), (size, Some(1))]);
}

#[tokio::test]
async fn the_audits_tree_begins_an_epoch_where_its_last_event_is_another_one_after_a_break() {
    let mut way = Way::new().await;
    let size = records(&way.ours, "network-").await.len() as u64;
    let growing = Growing::start(&way, AuditTree::in_memory().unwrap());
    growing.is_at(1, size).await;
    way.becomes_theirs().await;
    growing.is_at(2, size).await;
    has_both(&growing.stop().await, size).await;
    way.end().await;
}

#[tokio::test]
async fn the_audits_tree_begins_an_epoch_where_its_log_became_another_while_nobody_followed() {
    let mut way = Way::new().await;
    let size = records(&way.ours, "network-").await.len() as u64;
    let growing = Growing::start(&way, AuditTree::in_memory().unwrap());
    growing.is_at(1, size).await;
    let tree = growing.stop().await;
    way.becomes_theirs().await;
    let growing = Growing::start(&way, tree);
    growing.is_at(2, size).await;
    has_both(&growing.stop().await, size).await;
    way.end().await;
}

#[tokio::test]
async fn the_audits_tree_goes_on_in_its_epoch_when_the_log_is_the_same_after_a_break() {
    let mut way = Way::new().await;
    let size = records(&way.ours, "network-").await.len() as u64;
    let growing = Growing::start(&way, AuditTree::in_memory().unwrap());
    growing.is_at(1, size).await;
    for n in 2..5 {
        way.breaks().await;
        let (journal, caller) = (way.ours.journal(0), caller(n));
        execute(&journal, way.network, &requested(n), &caller)
            .await
            .unwrap();
        let size = records(&way.ours, "network-").await.len() as u64;
        growing.is_at(1, size).await;
    }
    assert_eq!(growing.stop().await.epochs().await.unwrap().len(), 1);
    way.end().await;
}
