//! One engine on a store and a simulated cloud of its own.

use crate::meddled::{Meddled, Noted};
use chrono::Utc;
use domain::{
    CommandId, Ids, NetworkId, PeeringId, Provider, Region, Side,
    network::{
        InboundRule, Network, NetworkCommand, Peer, Peering, RegisterNetwork, RequestPeering,
        RestrictFirewall, Setup, SetupRoute, Terms,
    },
};
use embedded::EmbeddedNode;
use journal::{Caller, FollowError, Journal, JournalSettings, Loaded};
use parking_lot::Mutex;
use peerage_tests::wait;
use simulated::{SimulatedCloud, SimulatedSettings, Span, Unknown};
use std::{
    ops::Range,
    sync::Arc,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use workers::{Provisioner, ProvisionerSettings};

/// How long anything may take before the bench gives up.
const PATIENCE: Duration = Duration::from_secs(900);

/// The account whose calls hang.
const DEAD: &str = "333333333333";

const LOOK_EVERY: Duration = Duration::from_millis(20);

pub(crate) struct Scene {
    node: EmbeddedNode,
    journal: Journal,
    noted: Arc<Mutex<Noted>>,
    stop: CancellationToken,
    running: JoinHandle<Result<(), FollowError>>,
    commands: u128,
    _folder: TempDir,
}

fn text<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("a valid text")
}

/// What peer `n` sends from.
fn range(n: usize) -> domain::Range {
    text(&format!("10.{}.{}.0/24", 100 + n / 200, n % 200))
}

fn rule(n: usize) -> InboundRule {
    InboundRule {
        source: range(n).into(),
        port: 2113,
        target: None,
    }
}

impl Scene {
    /// An engine on a cloud where each call takes so long, and networks are there as they are
    /// named.
    pub(crate) async fn start(latency: Span) -> Self {
        let folder = TempDir::new().expect("a folder");
        let node = EmbeddedNode::builder().data_dir(folder.path()).start();
        let node = node.await.expect("a node");
        let settings = JournalSettings::new(node.connection_string());
        let journal = Journal::open(settings).expect("a journal");
        let clock = Arc::new(Utc::now);
        let settings = SimulatedSettings {
            unknown_networks: Unknown::Created,
            latency,
            pending_links: 1_000,
            live_links: 1_000,
            ..SimulatedSettings::instant(1)
        };
        let noted = Arc::new(Mutex::new(Noted {
            calls: 0,
            last: Instant::now(),
            revoked: None,
            hanging: 0,
        }));
        let cloud = Meddled {
            cloud: SimulatedCloud::new(settings, clock.clone()),
            dead: text(DEAD),
            noted: Arc::clone(&noted),
        };
        let stop = CancellationToken::new();
        let provisioner = Provisioner::new(
            journal.clone(),
            Arc::new(cloud),
            clock,
            ProvisionerSettings::default(),
            stop.clone(),
        );
        Self {
            node,
            journal,
            noted,
            stop,
            running: tokio::spawn(provisioner.run()),
            commands: 0,
            _folder: folder,
        }
    }

    /// Registers network `n`.
    pub(crate) async fn network(&mut self, n: usize) -> NetworkId {
        let register = RegisterNetwork {
            project: text("bench"),
            name: text(&format!("network-{n}")),
            provider: Provider::Aws,
            region: Region::of(Provider::Aws, "eu-west-1").expect("a region"),
            account: text("111122223333"),
            cloud_network: text(&format!("vpc-{n:017x}")),
            range: text(&format!("10.{}.0.0/16", 20 + n)),
            ipv6_ranges: Vec::new(),
            subnets: Vec::new(),
        };
        let id = Ids::of(self.next_command()).network();
        self.commands -= 1;
        self.says(id, register).await;
        id
    }

    fn next_command(&mut self) -> CommandId {
        self.commands += 1;
        CommandId(Uuid::from_u128(self.commands))
    }

    pub(crate) async fn says(
        &mut self,
        id: NetworkId,
        command: impl Into<NetworkCommand>,
    ) -> CommandId {
        let command_id = self.next_command();
        let caller = Caller::new(command_id, text("somebody"));
        let networks = self.journal.networks();
        let command = command.into();
        let executed = networks.execute(id, &command, &caller, Utc::now());
        executed.await.expect("a command");
        command_id
    }

    /// Asks for a peering with each of these peers, in an account of its own, with a route each way
    /// and one rule.
    pub(crate) async fn peerings(&mut self, id: NetworkId, peers: Range<usize>) -> Vec<Asked> {
        let mut asked = Vec::new();
        for n in peers {
            let account = format!("{:012}", 400_000_000_000 + n);
            asked.push(self.peering(id, n, &account).await);
        }
        asked
    }

    /// The same with so many peers of the account that hangs.
    pub(crate) async fn hanging_peerings(&mut self, id: NetworkId, peers: usize) {
        for n in 0..peers {
            self.peering(id, 1_000 + n, DEAD).await;
        }
    }

    async fn peering(&mut self, network: NetworkId, n: usize, account: &str) -> Asked {
        let own = match &self.loaded(network).await.network {
            Network::Registered(network) => network.range,
            Network::Unregistered | Network::Retired(_) | Network::Marked(_) => {
                panic!("no network")
            }
        };
        let peer = Peer {
            provider: Provider::Aws,
            account: text(account),
            region: Region::of(Provider::Aws, "us-east-1").expect("a region"),
            cloud_network: text(&format!("vpc-{:017x}", 4_096 + n)),
            ranges: vec![range(n)],
            subnets: Vec::new(),
        };
        let route = |side, destination| SetupRoute { side, destination };
        let setup = Setup {
            routes: vec![
                route(Side::Local, range(n)),
                route(Side::Remote, own.into()),
            ],
            admit: vec![rule(n)],
            ..Setup::default()
        };
        let terms = Terms::default();
        let command = self.says(network, RequestPeering { peer, terms, setup });
        Asked {
            network,
            peering: Ids::of(command.await).peering(network),
        }
    }

    async fn loaded(&self, id: NetworkId) -> Arc<Loaded> {
        let loaded = self.journal.networks().load(id).await;
        loaded.expect("the network")
    }

    /// Waits until so many peerings of the network are as asked.
    pub(crate) async fn converge(&self, id: NetworkId, peerings: usize) {
        let begun = Instant::now();
        wait::until("peerings as asked", PATIENCE, async || {
            let loaded = self.loaded(id).await;
            let converged = match &loaded.network {
                Network::Registered(network) => network
                    .live_peerings()
                    .filter(|it| it.is_converged())
                    .count(),
                Network::Unregistered | Network::Retired(_) | Network::Marked(_) => 0,
            };
            (converged >= peerings).then_some(())
        })
        .await;
        println!("{peerings} peerings made in {:.1?}", begun.elapsed());
    }

    /// Waits until calls hang.
    pub(crate) async fn some_hang(&self) {
        wait::until("calls that hang", PATIENCE, async || {
            (self.hanging() > 0).then_some(())
        })
        .await;
    }

    /// Revokes the peering's one rule, and says how long it took until the cloud was called.
    pub(crate) async fn revoke(&mut self, asked: Asked) -> Duration {
        self.noted.lock().revoked = None;
        let begun = Instant::now();
        let command = RestrictFirewall {
            peering_id: asked.peering,
            side: Side::Local,
            admit: Vec::new(),
            tenure: Default::default(),
        };
        self.says(asked.network, command).await;
        let noted = Arc::clone(&self.noted);
        let called = wait::until("a rule revoked", PATIENCE, async || noted.lock().revoked).await;
        // The outcome is on record before the next one is asked for.
        wait::until("the outcome", PATIENCE, async || {
            let loaded = self.loaded(asked.network).await;
            let peering = peering_of(&loaded, asked.peering)?;
            peering.firewall.local.rules.is_empty().then_some(())
        })
        .await;
        called.saturating_duration_since(begun)
    }

    /// Waits until no call was made for so long, and says when the last one was.
    pub(crate) async fn quiet_for(&self, time: Duration) -> Instant {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        loop {
            looks.tick().await;
            let last = self.noted.lock().last;
            if last.elapsed() >= time {
                return last;
            }
        }
    }

    pub(crate) fn calls(&self) -> u64 {
        self.noted.lock().calls
    }

    pub(crate) fn hanging(&self) -> usize {
        self.noted.lock().hanging
    }

    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.running.await.expect("the engine").expect("its end");
        self.node.shutdown().await;
    }
}

/// A peering that was asked for.
#[derive(Clone, Copy)]
pub(crate) struct Asked {
    network: NetworkId,
    peering: PeeringId,
}

fn peering_of(loaded: &Loaded, id: PeeringId) -> Option<&Peering> {
    match &loaded.network {
        Network::Registered(network) => network.peerings().get(&id),
        Network::Unregistered | Network::Retired(_) | Network::Marked(_) => None,
    }
}
