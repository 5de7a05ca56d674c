//! An engine against one emulator process, beside the same calls in the same order, made by a loop
//! that decides and records nothing.

use crate::report::{Report, Row};
use crate::scene::Scene;
use crate::story::{LOCAL, PRIVATE, REMOTE, Story, account, peer_range, place, range};
use aws::AwsCloud;
use aws::ec2::{BaseCredentials, Ec2Settings, StaticKeys};
use cloud::Cloud;
use cloud::{
    AccountRegion, Groundwork as _, HalfAnswer, LinkEnd, LinkSpec, NetworkRef, Operation, Owner,
    Rehearsal, RequestId,
};
use domain::text::Account;
use domain::{Range, Side};
use futures::stream::{self, StreamExt as _};
use peerage_tests::moto::Moto;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;
use workers::ProvisionerSettings;

/// Calls in their order, each with the account that it was made in.
type Calls = Vec<(Account, Operation)>;

/// What the engine should reach of what the emulator can do.
const SHARE: f64 = 0.9;

pub(crate) async fn measure(pairs: usize, report: &mut Report) {
    report.section(format!(
        "{pairs} networks with one peering each against one emulator process"
    ));
    if let Some(missing) = without_an_emulator() {
        report.row(Row::count(
            "skipped",
            0,
            format!(
                "{} is not there: run ./test.sh once, it makes the environment",
                missing.display()
            ),
        ));
        return;
    }
    let (_, calls) = engine(1).await;
    let (engine, made) = engine(pairs).await;
    // The best of two: the ceiling is what is possible.
    let (one, other) = (directly(pairs, &calls).await, directly(pairs, &calls).await);
    let ceiling = if one.took < other.took { one } else { other };
    let rate = |run: &Run| pairs as f64 / run.took.as_secs_f64();
    let of_emulator = |run: &Run| {
        format!(
            "{:.0} ms of the emulator's processor time each",
            run.each(pairs)
        )
    };
    report.row(Row::amount(
        "calls of a peering",
        made.len() as f64 / pairs as f64,
        "",
        format!("{} where there is one alone", calls.len()),
    ));
    report.row(Row::amount(
        "the engine, peerings",
        rate(&engine),
        "/s",
        of_emulator(&engine),
    ));
    report.row(Row::amount(
        "the same calls without an engine, peerings",
        rate(&ceiling),
        "/s",
        of_emulator(&ceiling),
    ));
    let share = rate(&engine) / rate(&ceiling);
    report
        .row(Row::amount("engine / ceiling", share, "", "").target("at least 0.9", share >= SHARE));
}

/// How long all peerings took, from the first call until all is in place, and what of that the
/// emulator has worked.
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
    let folder = std::env::var_os(peerage_tests::venv::VARIABLE).map_or_else(
        || peerage_tests::workspace::root().join(".venv"),
        PathBuf::from,
    );
    let program = folder.join("bin").join("moto_server");
    (!program.exists()).then_some(program)
}

fn cloud(moto: &Moto) -> AwsCloud {
    let keys = StaticKeys {
        access_key_id: "AKIATEST".to_owned(),
        secret_access_key: "test".to_owned(),
        session_token: None,
    };
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
        let make = async |at: AccountRegion, range: Range| NetworkRef {
            network: cloud.create_network(&at, range, "bench").await.unwrap(),
            at,
        };
        let local = make(place(LOCAL), range(PRIVATE)).await;
        stories.push(Story::between(
            number,
            local,
            make(place(REMOTE), peer_range(0)).await,
        ));
    }
    stories
}

/// An engine, and every call that it has made, in order.
async fn engine(pairs: usize) -> (Run, Calls) {
    let moto = Moto::start().await;
    let stories = pairs_in(&cloud(&moto), pairs).await;
    let scene = Scene::set(Arc::new(cloud(&moto)), &stories).await;
    let before = moto.processor_time();
    let running = scene.start();
    let finished = scene.until_in_place(&running).await;
    let run = Run {
        took: finished.in_place,
        emulator: moto.processor_time() - before,
    };
    let calls = scene.cloud.order();
    running.stop().await;
    scene.node.stop().await;
    (run, calls)
}

/// The calls of one peering in their order, for each of the pairs, as many at a time, in a fresh
/// emulator.
async fn directly(pairs: usize, calls: &Calls) -> Run {
    let moto = Moto::start().await;
    let stories = pairs_in(&cloud(&moto), pairs).await;
    let cloud = cloud(&moto);
    let (before, begun) = (moto.processor_time(), Instant::now());
    let lives = stories
        .iter()
        .map(|story| Direct::of(&cloud, story).live(calls));
    stream::iter(lives)
        .buffer_unordered(ProvisionerSettings::default().parallel_networks.get())
        .collect::<Vec<()>>()
        .await;
    Run {
        took: begun.elapsed(),
        emulator: moto.processor_time() - before,
    }
}

/// One peering, made by heart.
struct Direct<'a> {
    cloud: &'a AwsCloud,
    owner: Owner,
    local: NetworkRef,
    remote: NetworkRef,
}

impl<'a> Direct<'a> {
    fn of(cloud: &'a AwsCloud, story: &Story) -> Self {
        let mut remote = story.peers[0].clone();
        // As the engine enters it.
        remote.at.external_id = Some(story.network_id().external_id(&remote.at.account));
        Self {
            cloud,
            owner: Owner::new(story.network_id(), story.peering_id(0)),
            local: story.local.clone(),
            remote,
        }
    }

    async fn live(self, calls: &Calls) {
        let (cloud, spec) = (self.cloud, self.spec());
        let (mut link, mut group, mut tables) = (None, None, BTreeMap::new());
        let request = RequestId(Uuid::new_v4());
        for (called, operation) in calls {
            let is_local = *called == account(Side::Local);
            let (network, destination) = if is_local {
                (&self.local, peer_range(0))
            } else {
                (&self.remote, range(PRIVATE))
            };
            let (at, of) = (&network.at, std::slice::from_ref(&network.network));
            match operation {
                Operation::Identity => drop(cloud.identity(at).await.unwrap()),
                Operation::Networks => drop(cloud.networks(at, of).await.unwrap()),
                Operation::Links => drop(cloud.links(at, of).await.unwrap()),
                Operation::RouteTables => drop(tables.insert(
                    is_local,
                    cloud.route_tables(at, of).await.unwrap().remove(0).table,
                )),
                Operation::FirewallGroups => drop(cloud.firewall_groups(at, of).await.unwrap()),
                Operation::Interfaces => drop(cloud.interfaces(at, of).await.unwrap()),
                Operation::Rehearse => drop(
                    cloud
                        .rehearse(&Rehearsal::CreateLink(spec.clone().into()))
                        .await
                        .unwrap(),
                ),
                Operation::CreateLink => {
                    let made = cloud.make_half(&spec, Side::Local, request).await;
                    link = match made.unwrap() {
                        HalfAnswer::Done { link } => Some(link),
                        HalfAnswer::Started { .. } => None,
                    };
                }
                Operation::AcceptLink => {
                    let link = link.clone();
                    let spec = LinkSpec {
                        link,
                        ..spec.clone()
                    };
                    let made = cloud.make_half(&spec, Side::Remote, request).await;
                    drop(made.unwrap());
                }
                Operation::InstallRoute => {
                    cloud
                        .install_route(at, &tables[&is_local], destination, link.as_ref().unwrap())
                        .await
                        .unwrap();
                }
                Operation::CreateGroup => {
                    let made = cloud.create_group(network, self.owner).await.unwrap();
                    group = group.or(Some(made).filter(|_| is_local));
                }
                Operation::AuthorizeRule => {
                    let rule = domain::network::InboundRule {
                        source: destination.into(),
                        port: 2113,
                        target: None,
                    };
                    cloud
                        .authorize_rule(at, group.as_ref().unwrap(), rule, self.owner)
                        .await
                        .unwrap();
                }
                Operation::Subnets
                | Operation::AccessLists
                | Operation::DnsSupport
                | Operation::Quotas
                | Operation::OperationState
                | Operation::DeleteLink
                | Operation::TagLink
                | Operation::SetOption
                | Operation::RemoveRoute
                | Operation::DeleteGroup
                | Operation::RevokeRule
                | Operation::TagFirewall
                | Operation::AttachGroup
                | Operation::DetachGroup
                | Operation::MakeDenial
                | Operation::RemoveDenial
                | Operation::CreateNetwork => {
                    panic!("{operation} is no part of a new peering here")
                }
            }
        }
    }

    fn spec(&self) -> LinkSpec {
        let end =
            |network: &NetworkRef, range: Range| LinkEnd::new(network.clone(), vec![range.net()]);
        LinkSpec {
            owner: self.owner,
            first: end(&self.local, range(PRIVATE)),
            second: end(&self.remote, peer_range(0)),
            link: None,
        }
    }
}
