//! An engine against one emulator process, beside the same calls made by a loop that decides and records nothing.

use crate::counted::Counts;
use crate::report::{Report, Row};
use crate::scene::Scene;
use crate::story::{LOCAL, PRIVATE, REMOTE, Story, account, peer_range, place, range};
use domain::{PeeringId, Range, Side};
use futures::stream::{self, StreamExt as _};
use ipnet::IpNet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tests::moto::Moto;
use workers::cloud::{Groundwork as _, LinkEnd, LinkSpec, NetworkRef, Operation, Place, Rehearsal};
use workers::clouds::AwsCloud;
use workers::clouds::aws::{BaseCredentials, Ec2Settings, StaticKeys};
use workers::{Cloud, ProvisionerSettings};

/// What the engine should reach of what the emulator can do.
const SHARE: f64 = 0.9;

pub(crate) async fn measure(pairs: usize, report: &mut Report) {
    report.section(format!("{pairs} networks with one peering each against one emulator process"));
    if let Some(missing) = without_an_emulator() {
        report.row(Row::count("skipped", 0, format!("{} is not there: run ./test.sh once, it makes the environment", missing.display())));
        return;
    }
    let (engine, counts) = engine(pairs).await;
    // The best of two: the ceiling is what is possible.
    let (one, other) = (directly(pairs, &counts).await, directly(pairs, &counts).await);
    let ceiling = if one.took < other.took { one } else { other };
    let calls: u64 = counts.values().sum();
    let rate = |run: &Run| pairs as f64 / run.took.as_secs_f64();
    let of_emulator = |run: &Run| format!("{:.0} ms of the emulator's processor time each", run.each(pairs));
    report.row(Row::amount("calls of a peering", calls as f64 / pairs as f64, "", ""));
    report.row(Row::amount("the engine, peerings", rate(&engine), "/s", of_emulator(&engine)));
    report.row(Row::amount("the same calls without an engine, peerings", rate(&ceiling), "/s", of_emulator(&ceiling)));
    let share = rate(&engine) / rate(&ceiling);
    report.row(Row::amount("engine / ceiling", share, "", "").target("at least 0.9", share >= SHARE));
}

/// How long all peerings took, from the first call until all is in place, and what of that the emulator has worked.
struct Run {
    took: Duration,
    emulator: Duration,
}

impl Run {
    /// The emulator's processor time for one peering, in ms.
    fn each(&self, pairs: usize) -> f64 {
        self.emulator.as_secs_f64() * 1_000.0 / pairs as f64
    }
}

/// The emulator's program, if it is not installed.
fn without_an_emulator() -> Option<PathBuf> {
    let folder = std::env::var_os(tests::venv::VARIABLE).map_or_else(|| tests::workspace::root().join(".venv"), PathBuf::from);
    let program = folder.join("bin").join("moto_server");
    (!program.exists()).then_some(program)
}

fn cloud(moto: &Moto) -> AwsCloud {
    let keys = StaticKeys { access_key_id: "AKIATEST".to_owned(), secret_access_key: "test".to_owned(), session_token: None };
    AwsCloud::new(Ec2Settings {
        endpoint: Some(moto.endpoint()),
        credentials: BaseCredentials::Static(keys),
        role_name: Some("peerage".to_owned()),
        read_timeout: Duration::from_secs(60),
        ..Ec2Settings::default()
    })
}

/// Networks in a fresh emulator.
async fn pairs_in(cloud: &AwsCloud, pairs: usize) -> Vec<Story> {
    let mut stories = Vec::new();
    for number in 0..pairs {
        let make =
            async |at: Place, range: Range| NetworkRef { network: cloud.create_network(&at, range, "bench").await.unwrap(), place: at };
        let local = make(place(LOCAL), range(PRIVATE)).await;
        stories.push(Story::between(number, local, make(place(REMOTE), peer_range(0)).await));
    }
    stories
}

async fn engine(pairs: usize) -> (Run, Counts) {
    let moto = Moto::start().await;
    let stories = pairs_in(&cloud(&moto), pairs).await;
    let scene = Scene::set(Arc::new(cloud(&moto)), &stories).await;
    let before = moto.processor_time();
    let running = scene.start();
    let finished = scene.until_in_place(&running).await;
    let run = Run { took: finished.in_place, emulator: moto.processor_time() - before };
    let counts = scene.cloud.counts();
    running.stop().await;
    scene.node.stop().await;
    (run, counts)
}

/// The same calls, as many of each kind, as many peerings at a time, in a fresh emulator.
async fn directly(pairs: usize, counts: &Counts) -> Run {
    let moto = Moto::start().await;
    let stories = pairs_in(&cloud(&moto), pairs).await;
    let cloud = cloud(&moto);
    let (before, begun) = (moto.processor_time(), Instant::now());
    let lives = stories.iter().map(|story| Direct::of(&cloud, story, counts, pairs).live());
    stream::iter(lives).buffer_unordered(ProvisionerSettings::default().parallel_networks.get()).collect::<Vec<()>>().await;
    Run { took: begun.elapsed(), emulator: moto.processor_time() - before }
}

/// One peering, made by heart.
struct Direct<'a> {
    cloud: &'a AwsCloud,
    counts: &'a Counts,
    pairs: usize,
    peering: PeeringId,
    local: NetworkRef,
    remote: NetworkRef,
}

impl<'a> Direct<'a> {
    fn of(cloud: &'a AwsCloud, story: &Story, counts: &'a Counts, pairs: usize) -> Self {
        let mut remote = story.peers[0].clone();
        // As the engine enters it.
        remote.place.external_id = Some(story.network_id().external_id(&remote.place.account));
        Self { cloud, counts, pairs, peering: story.peering_id(0), local: story.local.clone(), remote }
    }

    /// The changes in their order, the reads where the engine has them: once before the first change, the others after the last.
    async fn live(self) {
        let (cloud, spec) = (self.cloud, self.spec());
        let (here, there) = (&self.local.place, &self.remote.place);
        let sides = [(Side::Local, &self.local), (Side::Remote, &self.remote)];
        for (side, network) in sides {
            self.reads(side, network, &spec, |times| times.min(1)).await;
        }
        let link = cloud.create_link(&spec).await.unwrap();
        cloud.accept_link(there, &link).await.unwrap();
        for (at, network, destination) in [(here, &self.local, peer_range(0)), (there, &self.remote, range(PRIVATE))] {
            let tables = cloud.route_tables(at, std::slice::from_ref(&network.network)).await.unwrap();
            cloud.install_route(at, &tables[0].table, destination, &link).await.unwrap();
        }
        let group = cloud.create_group(&self.local, self.peering).await.unwrap();
        cloud.create_group(&self.remote, self.peering).await.unwrap();
        let rule = domain::network::InboundRule { source: peer_range(0), port: 2113 };
        cloud.authorize_rule(here, &group, rule, self.peering).await.unwrap();
        for (side, network) in sides {
            self.reads(side, network, &spec, |times| times.saturating_sub(1)).await;
        }
    }

    fn spec(&self) -> LinkSpec {
        let end = |network: &NetworkRef, range: Range| LinkEnd {
            network: network.clone(),
            ranges: vec![IpNet::V4(range.net())],
            dns_resolution: None,
        };
        LinkSpec { peering: self.peering, requester: end(&self.local, range(PRIVATE)), accepter: end(&self.remote, peer_range(0)) }
    }

    /// This share of the reads of each kind that the engine made for one peering; of tables one is made for the routes.
    async fn reads(&self, side: Side, network: &NetworkRef, spec: &LinkSpec, share: impl Fn(usize) -> usize) {
        let (at, of) = (&network.place, std::slice::from_ref(&network.network));
        let times = |operation| {
            let all = self.counts.get(&(account(side), operation)).copied().unwrap_or_default();
            let made = usize::from(operation == Operation::RouteTables);
            share(usize::try_from(all).unwrap().div_ceil(self.pairs).saturating_sub(made))
        };
        for _ in 0..times(Operation::Identity) {
            self.cloud.identity(at).await.unwrap();
        }
        for _ in 0..times(Operation::Networks) {
            self.cloud.networks(at, of).await.unwrap();
        }
        for _ in 0..times(Operation::Links) {
            self.cloud.links(at, of).await.unwrap();
        }
        for _ in 0..times(Operation::RouteTables) {
            self.cloud.route_tables(at, of).await.unwrap();
        }
        for _ in 0..times(Operation::FirewallGroups) {
            self.cloud.firewall_groups(at, of).await.unwrap();
        }
        for _ in 0..times(Operation::Rehearse) {
            self.cloud.rehearse(&Rehearsal::CreateLink(spec.clone())).await.unwrap();
        }
    }
}
