//! A preview on a simulated cloud: what it says, and that it does nothing.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::provisioner::bounded::Bounded;
use crate::provisioner::{
    ProvisionerSettings,
    testing::{Log, clock, commands, peering_id},
};
use cloud::{AccountRegion, Cloud as _, LinkEnd, LinkState, NetworkRef, RateLimited};
use domain::{Provider, Region};
use journal::{Journal, JournalSettings};
use parking_lot::RwLock;
use simulated::{SimulatedCloud, SimulatedSettings};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// A log of one peering between two networks of one region, before the engine has looked at it.
fn log() -> Log {
    let log = Log::default();
    for mut command in commands() {
        if let NetworkCommand::RequestPeering(request) = &mut command {
            request.peer.region = Region::of(Provider::Aws, "eu-west-1").unwrap();
        }
        log.execute(&command).unwrap();
    }
    log
}

/// The cloud with both networks in it; the peer has these subnets.
fn cloud(log: &Log, peers: &[&str]) -> SimulatedCloud {
    let cloud = SimulatedCloud::new(SimulatedSettings::instant(3), clock());
    let (network, peering) = (log.network(), log.peering());
    let peers: Vec<_> = peers.iter().map(|name| name.parse().unwrap()).collect();
    for (side, subnets) in [
        (Side::Local, network.subnets.as_slice()),
        (Side::Remote, &peers),
    ] {
        let end = sides::end(&network, &peering, side);
        cloud
            .out_of_band()
            .build(&end.network, &end.ranges, subnets);
    }
    cloud
}

fn worker(cloud: &SimulatedCloud) -> Worker {
    // Nobody listens there: a preview that went to the log would fail.
    let journal = Journal::open(JournalSettings::new("kurrentdb://127.0.0.1:1?tls=false")).unwrap();
    let settings = ProvisionerSettings::default();
    let limited = RateLimited::new(Arc::new(cloud.clone()), settings.calls.clone());
    let limited: Arc<RateLimited> = Arc::new(limited);
    let bounded = || Bounded::new(limited.clone(), settings.parallel_calls);
    let aside = Arc::new(limited.for_inquiries());
    Worker {
        networks: journal.networks().clone(),
        routine: bounded(),
        express: bounded(),
        inquiries: Bounded::new(aside, settings.parallel_calls),
        inquirers: tokio::sync::Semaphore::new(2),
        clock: clock(),
        actor: "tester".parse().unwrap(),
        settings,
        graph: RwLock::default(),
        turns: Default::default(),
        quotas: Default::default(),
        rest: Default::default(),
        stop: CancellationToken::new(),
    }
}

async fn played(log: &Log, cloud: &SimulatedCloud) -> (Vec<Advisory>, Vec<&'static str>) {
    checked(log, cloud, &mut Vec::new()).await
}

async fn checked(
    log: &Log,
    cloud: &SimulatedCloud,
    checks: &mut Vec<CheckReport>,
) -> (Vec<Advisory>, Vec<&'static str>) {
    let worker = worker(cloud);
    let network = Network::Registered(log.network());
    let observation = Observation::default();
    let mut dry_run = DryRun {
        worker: &worker,
        network,
        freshness: observation.freshness(true),
        observation,
        advisories: Vec::new(),
        actions: Vec::new(),
    };
    dry_run.run(peering_id(), checks).await.unwrap();
    (
        dry_run.advisories,
        dry_run.actions.into_iter().map(|it| it.action).collect(),
    )
}

fn of<'a>(advisories: &'a [Advisory], code: &str) -> Option<&'a str> {
    advisories
        .iter()
        .find(|it| it.code == code)
        .map(|it| it.message.as_str())
}

#[tokio::test(start_paused = true)]
async fn everything_is_said_in_order_and_nothing_is_done() {
    let log = log();
    let cloud = cloud(&log, &[]);
    let before = format!("{:?}", cloud.world());
    let (_, actions) = played(&log, &cloud).await;
    let wanted = [
        "create_link",
        "accept_link",
        "install_route",
        "install_route",
        "create_group",
        "install_route",
        "create_group",
        "authorize_rule",
    ];
    assert_eq!(actions, wanted);
    assert_eq!(format!("{:?}", cloud.world()), before);
}

#[tokio::test(start_paused = true)]
async fn zones_that_the_subnets_are_in_make_an_advisory_and_only_if_they_differ() {
    let log = log();
    let (advisories, _) = played(&log, &cloud(&log, &["subnet-8", "subnet-9"])).await;
    let crosses = of(&advisories, domain::advisory::CROSS_ZONE).unwrap();
    assert!(
        crosses.contains("eu-west-1-az1, eu-west-1-az2"),
        "{crosses}"
    );
    let (advisories, _) = played(&log, &cloud(&log, &[])).await;
    assert_eq!(
        of(&advisories, domain::advisory::CROSS_ZONE),
        None,
        "nothing is known of the peer's zones"
    );
}

#[tokio::test(start_paused = true)]
async fn links_that_the_log_knows_nothing_of_count_for_the_quota_too() {
    let log = log();
    let cloud = cloud(&log, &[]);
    let own = sides::end(&log.network(), &log.peering(), Side::Local);
    let most = cloud.limits(&own.network.at, Default::default()).links;
    let busy = most * 4 / 5 + 1;
    for number in 0..busy {
        let network = NetworkRef {
            network: format!("vpc-{number:017x}").parse().unwrap(),
            ..own.network.clone()
        };
        let other = LinkEnd::new(
            network,
            vec![format!("172.16.{number}.0/24").parse().unwrap()],
        );
        cloud
            .out_of_band()
            .build(&other.network, &other.ranges, &[]);
        cloud
            .out_of_band()
            .join(&own, &other, LinkState::Active, None);
    }
    let (advisories, _) = played(&log, &cloud).await;
    assert_eq!(
        of(&advisories, domain::advisory::QUOTA_HEADROOM).unwrap(),
        format!("{busy} of {most} possible links of this network are in use")
    );
}

#[tokio::test(start_paused = true)]
async fn a_plan_goes_by_what_an_account_tells_of_its_quotas_and_notes_one_that_does_not_tell() {
    let log = log();
    let cloud = cloud(&log, &[]);
    let at = sides::of(&log.network(), &log.peering(), Side::Local);
    let told = async |check: &str| {
        let mut checks = Vec::new();
        checked(&log, &cloud, &mut checks).await;
        checks.retain(|it| (it.check, it.side) == (check, Some(Side::Local)));
        checks.pop().map(|it| it.outcome)
    };
    assert_eq!(told("quotas").await, None, "a cloud that tells none");
    let none = domain::SeenQuotas {
        links: Some(0),
        ..domain::SeenQuotas::default()
    };
    cloud.out_of_band().set_quotas(&at, none);
    assert_eq!(told("quotas").await, Some(CheckOutcome::Passed));
    let room = told("link_quota").await;
    assert!(
        matches!(&room, Some(CheckOutcome::Failed { message, .. }) if message.contains("0 links of 0")),
        "{room:?}"
    );
    let out_of_band = cloud.out_of_band();
    out_of_band.deny_call(&at.account, cloud::Operation::Quotas);
    let noted = told("quotas").await;
    assert!(
        matches!(&noted, Some(CheckOutcome::Noted { message }) if message.contains("is not allowed there")),
        "{noted:?}"
    );
    assert_eq!(told("link_quota").await, Some(CheckOutcome::Passed));
}

#[tokio::test(start_paused = true)]
async fn ipv6_that_a_network_shows_and_nobody_named_is_told() {
    let log = log();
    let cloud = cloud(&log, &[]);
    let [local, remote] = Side::BOTH.map(|it| sides::end(&log.network(), &log.peering(), it));
    let by_hand = cloud.out_of_band();
    let told = async || {
        let (advisories, _) = played(&log, &cloud).await;
        of(&advisories, domain::advisory::IPV6).map(str::to_owned)
    };
    by_hand.widen(&local.network, "10.21.0.0/16".parse().unwrap());
    assert_eq!(told().await, None, "it is of IPv4");
    for range in ["fd00:21::/56", "fd00:20::/56"] {
        by_hand.widen(&local.network, range.parse().unwrap());
    }
    let said = told().await.unwrap();
    let command = format!(
        "peerage network ipv6 {} fd00:20::/56 fd00:21::/56",
        log.network().id
    );
    assert!(said.ends_with(&command), "{said}");
    by_hand.widen(&remote.network, "fd00:30::/56".parse().unwrap());
    let said = told().await.unwrap();
    assert!(said.contains(", and the peer has fd00:30::/56,"), "{said}");
    assert!(
        said.ends_with("/vpc-0bbbbbbbbbbbbbbbb fd00:30::/56"),
        "{said}"
    );
}

#[tokio::test(start_paused = true)]
async fn ipv6_that_is_on_record_in_part_is_known() {
    let clock = clock();
    let log = Log::dual_stack().told_by(&clock);
    let cloud = cloud(&log, &[]);
    let local = sides::end(&log.network(), &log.peering(), Side::Local);
    let told = async || {
        let (advisories, _) = played(&log, &cloud).await;
        of(&advisories, domain::advisory::IPV6).map(str::to_owned)
    };
    assert_eq!(told().await, None, "all of it is on record");
    // The whole of which a part is on record, and a part of what is.
    for range in ["fd00:20::/48", "fd00:20::/60"] {
        let by_hand = cloud.out_of_band();
        by_hand.widen(&local.network, range.parse().unwrap());
    }
    assert_eq!(told().await, None);
}

#[tokio::test(start_paused = true)]
async fn of_a_peer_where_nobody_may_look_the_link_tells_the_ipv6() {
    let clock = clock();
    let before = Log::with_consent(Consent::Owner);
    let cloud = cloud(&before, &[]);
    let ends = Side::BOTH.map(|it| sides::end(&before.network(), &before.peering(), it));
    let [local, remote] = &ends;
    let by_hand = cloud.out_of_band();
    let link = by_hand.join(local, remote, LinkState::Active, None);
    let log = Log::adopting_with(&link, Consent::Owner, &clock);
    assert!(!log.peering().is_ours_to_keep(Side::Remote));
    by_hand.widen(&remote.network, "fd00:30::/56".parse().unwrap());
    let (advisories, _) = played(&log, &cloud).await;
    let said = of(&advisories, domain::advisory::IPV6).unwrap();
    assert!(said.starts_with("the peer has fd00:30::/56,"), "{said}");
    // Another link between these two tells nothing of this one.
    let other = Log::adopting_with(
        &"pcx-0ffffffffffffffff".parse().unwrap(),
        Consent::Owner,
        &clock,
    );
    let (advisories, _) = played(&other, &cloud).await;
    assert_eq!(of(&advisories, domain::advisory::IPV6), None);
}

/// Plans over and over.
async fn plan_on(worker: Arc<Worker>, network: Network) {
    loop {
        let observation = Observation::default();
        let mut dry_run = DryRun {
            worker: &worker,
            network: network.clone(),
            freshness: observation.freshness(true),
            observation,
            advisories: Vec::new(),
            actions: Vec::new(),
        };
        dry_run.run(peering_id(), &mut Vec::new()).await.unwrap();
    }
}

/// How long that many looks of a pass take, of a kind that plans need too.
async fn looks(worker: &Worker, at: &AccountRegion) -> Duration {
    let began = Instant::now();
    for _ in 0..100 {
        worker.express.identity(at).await.unwrap();
    }
    began.elapsed()
}

#[tokio::test(start_paused = true)]
async fn hundreds_of_plans_leave_the_calls_of_a_pass_their_rate_and_their_place() {
    let log = log();
    let cloud = cloud(&log, &[]);
    let worker = Arc::new(worker(&cloud));
    let at = sides::end(&log.network(), &log.peering(), Side::Local)
        .network
        .at;
    let alone = looks(&worker, &at).await;
    let mut plans = tokio::task::JoinSet::new();
    for _ in 0..400 {
        let network = Network::Registered(log.network());
        plans.spawn(plan_on(Arc::clone(&worker), network));
    }
    // They are all on their way, and what they may do at once is done.
    let a_while = Duration::from_secs(10);
    let _ = tokio::time::timeout(a_while, std::future::pending::<()>()).await;
    let beside = looks(&worker, &at).await;
    println!("100 looks: {alone:?} alone, {beside:?} beside 400 who plan without a pause");
    assert!(beside < alone * 2, "{beside:?} instead of {alone:?}");
    assert!(plans.try_join_next().is_none(), "they go on");
}

#[tokio::test(start_paused = true)]
async fn who_asks_when_as_many_ask_as_may_is_told_so_at_once() {
    let log = log();
    let worker = Arc::new(worker(&cloud(&log, &[])));
    let planner = Planner::of(Arc::clone(&worker));
    let network = log.network().id;
    let asks = worker.inquirers.acquire_many(2).await.unwrap();
    let subject = || Subject::OnRecord(peering_id());
    let refused = planner.preview(network, subject()).await.unwrap_err();
    assert!(matches!(refused, PreviewError::TooMany), "{refused}");
    let refused = planner.links(network).await.unwrap_err();
    assert!(matches!(refused, PreviewError::TooMany), "{refused}");
    drop(asks);
    // The log answers nobody here.
    let asked = planner.preview(network, subject()).await.unwrap_err();
    assert!(matches!(asked, PreviewError::Journal(_)), "{asked}");
    assert_eq!(worker.inquirers.available_permits(), 2);
}
