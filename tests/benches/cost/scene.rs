//! One engine at work: a log in a node of its own, a provisioner, and a cloud whose calls are
//! counted.

use crate::counted::Counted;
use crate::node::NodeProcess;
use crate::story::{PRIVATE, Story, peer_range, range};
use chrono::Utc;
use cloud::ClientPolicy;
use cloud::Cloud;
use domain::network::{CheckDrift, NetworkCommand, NetworkEvent};
use domain::{CommandId, NetworkId};
use futures::stream::{self, StreamExt as _};
use journal::{Body, Caller, Clock, Followed, Journal, JournalSettings, Signal};
use simulated::{SimulatedCloud, SimulatedSettings};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use workers::{Provisioner, ProvisionerSettings};

/// How many commands are sent at the same time while a log is filled.
const WRITERS: usize = 32;

/// For how long nothing must have been called before an engine counts as done.
const QUIET: Duration = Duration::from_millis(750);

/// A log with everything that is asked for, before an engine looks at it.
pub(crate) struct Scene {
    _folder: TempDir,
    pub(crate) node: NodeProcess,
    journal: Journal,
    pub(crate) cloud: Arc<Counted>,
    peerings: usize,
    /// How many tables of a private network get a route to each peer.
    tables: usize,
}

/// An engine that has begun.
pub(crate) struct Running {
    pub(crate) begun: Instant,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// When, since its beginning, an engine had every link active, and everything in its place.
pub(crate) struct Finished {
    pub(crate) active: Duration,
    pub(crate) in_place: Duration,
}

pub(crate) fn clock() -> Clock {
    Arc::new(Utc::now)
}

/// The simulated cloud at once and without limits, with the networks of these stories.
pub(crate) fn simulated(stories: &[Story]) -> Arc<dyn Cloud> {
    let cloud = SimulatedCloud::new(SimulatedSettings::instant(1), clock());
    let net = |range: domain::Range| [range.net()];
    for story in stories {
        cloud
            .out_of_band()
            .build(&story.local, &net(range(PRIVATE)), &story.subnets);
        for (index, peer) in story.peers.iter().enumerate() {
            cloud
                .out_of_band()
                .build(peer, &net(peer_range(index)), &[]);
        }
    }
    Arc::new(cloud)
}

impl Scene {
    /// A new log in which these stories are asked for.
    pub(crate) async fn set(cloud: Arc<dyn Cloud>, stories: &[Story]) -> Self {
        let folder = TempDir::new().unwrap();
        let node = NodeProcess::start(folder.path());
        let journal = Journal::open(JournalSettings::new(&node.connection_string)).unwrap();
        journal.ready().await.unwrap();
        let peerings = stories.iter().map(|it| it.peers.len()).sum();
        let tables = stories.first().map_or(0, |it| it.subnets.len().max(1));
        let scene = Self {
            _folder: folder,
            node,
            journal,
            cloud: Counted::around(cloud),
            peerings,
            tables,
        };
        let told = stories.iter().map(|story| async {
            for (id, command) in story.commands() {
                scene.execute(story.network_id(), id, command).await;
            }
        });
        stream::iter(told)
            .buffer_unordered(WRITERS)
            .collect::<Vec<()>>()
            .await;
        scene
    }

    async fn execute(&self, network: NetworkId, command_id: CommandId, command: NetworkCommand) {
        let caller = Caller::new(command_id, "benchmark".parse().unwrap());
        self.journal
            .networks()
            .execute(network, &command, &caller, Utc::now())
            .await
            .unwrap();
    }

    /// Starts an engine without limits on its calls.
    pub(crate) fn start(&self) -> Running {
        let limit = NonZeroU32::new(1_000_000).unwrap();
        let calls = ClientPolicy {
            reads: limit,
            writes: limit,
            ..ClientPolicy::default()
        };
        let settings = ProvisionerSettings {
            calls,
            ..ProvisionerSettings::default()
        };
        let (stop, cloud) = (
            CancellationToken::new(),
            Arc::clone(&self.cloud) as Arc<dyn Cloud>,
        );
        let provisioner =
            Provisioner::new(self.journal.clone(), cloud, clock(), settings, stop.clone());
        let task = tokio::spawn(async move { provisioner.run().await.unwrap() });
        Running {
            begun: Instant::now(),
            stop,
            task,
        }
    }

    /// Waits until all that was asked for is on record as in place.
    pub(crate) async fn until_in_place(&self, running: &Running) -> Finished {
        let mut follower = self.journal.follow(None, Followed::Networks);
        let (mut active, mut routes, mut enforced) = (0, 0, 0);
        let mut all_active = Duration::ZERO;
        while active < self.peerings
            || routes < self.peerings * (self.tables + 1)
            || enforced < self.peerings * 2
        {
            let Signal::Event(recorded) = follower.next().await.unwrap() else {
                continue;
            };
            let Body::Event(event) = &recorded.body else {
                continue;
            };
            if let NetworkEvent::PeeringActivated(_) = event {
                active += 1;
                all_active = running.begun.elapsed();
            } else if let NetworkEvent::RouteInstalled(_) = event {
                routes += 1;
            } else if let NetworkEvent::FirewallEnforced(_) = event {
                enforced += 1;
            }
        }
        Finished {
            active: all_active,
            in_place: running.begun.elapsed(),
        }
    }

    /// Waits until the engine has made no call for a while.
    pub(crate) async fn until_quiet(&self) {
        loop {
            let before = self.cloud.total();
            peerage_tests::wait::elapse(QUIET).await;
            if self.cloud.total() == before {
                return;
            }
        }
    }

    /// Has every network looked at now, as it is from time to time.
    pub(crate) async fn look_at(&self, stories: &[Story]) {
        for story in stories {
            self.execute(
                story.network_id(),
                CommandId(Uuid::new_v4()),
                CheckDrift {}.into(),
            )
            .await;
        }
        self.until_quiet().await;
    }
}

impl Running {
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}
