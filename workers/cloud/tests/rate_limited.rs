//! Limits, deadlines and second tries, in moved time.
#![allow(clippy::unwrap_used)]

use chrono::DateTime;
use domain::{CloudCalls, PeeringId, Provider, Region, Side};
use peerage_cloud::{
    AccountRegion, CALL_TIMES, CallTrace, ClientPolicy, Cloud, CloudErrorKind, Layer, LinkEnd,
    LinkSpec, NetworkRef, Operation, Owner, RateLimited, RequestId, answered_as,
};
use simulated::{CallRate, SimulatedCloud, SimulatedSettings};
use std::{num::NonZeroU32, sync::Arc, time::Duration};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

fn place(account: &str) -> AccountRegion {
    let region = Region::of(Provider::Aws, "eu-west-1").unwrap();
    AccountRegion {
        provider: Provider::Aws,
        account: account.parse().unwrap(),
        region,
        external_id: None,
    }
}

fn rate_limited(
    simulated: SimulatedSettings,
    calls: ClientPolicy,
) -> (SimulatedCloud, RateLimited) {
    let cloud = SimulatedCloud::new(simulated, Arc::new(|| DateTime::UNIX_EPOCH));
    (cloud.clone(), RateLimited::new(Arc::new(cloud), calls))
}

fn limited(reads: u32) -> ClientPolicy {
    ClientPolicy {
        reads: NonZeroU32::new(reads).unwrap(),
        ..ClientPolicy::default()
    }
}

#[tokio::test(start_paused = true)]
async fn calls_of_one_kind_in_one_account_and_region_share_a_limit_and_others_do_not() {
    let (_, cloud) = rate_limited(SimulatedSettings::instant(1), limited(10));
    let (one, other) = (place("111111111111"), place("222222222222"));
    let tenant = |n: u32| AccountRegion {
        external_id: Some(format!("tenant-{n}").parse().unwrap()),
        ..one.clone()
    };
    let began = Instant::now();
    for n in 0..30 {
        cloud.identity(&tenant(n)).await.unwrap();
    }
    let took = began.elapsed();
    assert!(
        (Duration::from_millis(1_900)..Duration::from_millis(2_200)).contains(&took),
        "{took:?}"
    );
    let began = Instant::now();
    cloud.identity(&other).await.unwrap();
    cloud.links(&one, &[]).await.unwrap();
    assert!(began.elapsed() < Duration::from_millis(50));
    assert_eq!(cloud.calls().total(), 32);
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_counts_as_the_limiter_does_never_throttles() {
    let settings = ClientPolicy::default();
    let rate = CallRate {
        burst: settings.reads.get(),
        per_second: f64::from(settings.reads.get()),
    };
    let since = Instant::now();
    let clock = Arc::new(move || DateTime::UNIX_EPOCH + since.elapsed());
    let world = SimulatedCloud::new(
        SimulatedSettings {
            call_rate: Some(rate),
            ..SimulatedSettings::instant(1)
        },
        clock,
    );
    let cloud = RateLimited::new(Arc::new(world), settings);
    for _ in 0..100 {
        cloud.links(&place("111111111111"), &[]).await.unwrap();
    }
    assert_eq!(
        cloud.calls().snapshot().get(&(Operation::Links, "ok")),
        Some(&100)
    );
    assert_eq!(cloud.calls().total(), 100);
}

#[tokio::test(start_paused = true)]
async fn limits_are_the_clouds_own_and_cost_no_call() {
    let (_, cloud) = rate_limited(
        SimulatedSettings {
            routes: 7,
            ..SimulatedSettings::instant(1)
        },
        ClientPolicy::default(),
    );
    assert_eq!(
        cloud
            .limits(&place("111111111111"), Default::default())
            .routes,
        7
    );
    assert_eq!(cloud.calls().total(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_was_certainly_not_done_is_tried_again_and_counted() {
    let (world, cloud) = rate_limited(SimulatedSettings::instant(1), ClientPolicy::default());
    world.out_of_band().cut();
    let error = cloud.identity(&place("111111111111")).await.unwrap_err();
    assert_eq!(error.kind, CloudErrorKind::Unreachable);
    let counts = cloud.calls().snapshot();
    assert_eq!(counts.get(&(Operation::Identity, "unreachable")), Some(&5));
}

#[tokio::test(start_paused = true)]
async fn a_change_whose_answer_was_lost_is_never_sent_again() {
    let (_, cloud) = rate_limited(
        SimulatedSettings {
            lost_answers: 1.0,
            ..SimulatedSettings::calm(1)
        },
        ClientPolicy::default(),
    );
    let network = |id: &str| NetworkRef {
        at: place("111111111111"),
        network: id.parse().unwrap(),
    };
    let end = |id: &str, range: &str| LinkEnd::new(network(id), vec![range.parse().unwrap()]);
    let spec = LinkSpec {
        owner: Owner::before_networks(PeeringId(uuid::Uuid::from_u128(1))),
        first: end("vpc-0aaaaaaa", "10.1.0.0/16"),
        second: end("vpc-0bbbbbbb", "10.2.0.0/16"),
        link: None,
    };
    let request = RequestId(uuid::Uuid::from_u128(9));
    assert_eq!(
        cloud
            .make_half(&spec, Side::Local, request)
            .await
            .unwrap_err()
            .kind,
        CloudErrorKind::Ambiguous
    );
    assert_eq!(cloud.calls().total(), 1);
    // A read may be repeated.
    cloud
        .links(&spec.first.network.at, &[spec.second.network.network])
        .await
        .unwrap_err();
    assert_eq!(cloud.calls().total(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_cloud_that_does_not_answer_is_given_up_at_the_deadline() {
    let slow = Duration::from_secs(3600)..=Duration::from_secs(3600);
    let settings = ClientPolicy {
        tries: 1,
        ..ClientPolicy::default()
    };
    let (_, cloud) = rate_limited(
        SimulatedSettings {
            latency: slow,
            ..SimulatedSettings::instant(1)
        },
        settings.clone(),
    );
    let began = Instant::now();
    assert_eq!(
        cloud
            .identity(&place("111111111111"))
            .await
            .unwrap_err()
            .kind,
        CloudErrorKind::Ambiguous
    );
    assert_eq!(began.elapsed(), settings.deadline);
}

#[tokio::test(start_paused = true)]
async fn from_the_stop_on_nothing_waits_to_be_sent_and_what_was_sent_has_its_answer() {
    let (took, soon) = (Duration::from_secs(3), Duration::from_millis(500));
    let slow = SimulatedSettings {
        latency: took..=took,
        ..SimulatedSettings::instant(1)
    };
    let (_, cloud) = rate_limited(slow, limited(1));
    let stop = CancellationToken::new();
    let cloud = cloud.until(stop.clone());
    let (at, began) = (place("111111111111"), Instant::now());
    let call = async || {
        (
            cloud.identity(&at).await.map_err(|it| it.kind),
            began.elapsed(),
        )
    };
    let stopped = async {
        testkit::wait::elapse(soon).await;
        stop.cancel();
    };
    let (sent, waiting, ()) = tokio::join!(call(), call(), stopped);
    assert!(sent.0.is_ok() && sent.1 == took, "{sent:?}");
    assert_eq!(waiting, (Err(CloudErrorKind::Unreachable), soon));
    assert_eq!(call().await.0, Err(CloudErrorKind::Unreachable));
    assert_eq!(cloud.calls().total(), 1);

    // The same of what waits for another try.
    let patient = ClientPolicy {
        first_pause: Duration::from_secs(60),
        longest_pause: Duration::from_secs(60),
        ..ClientPolicy::default()
    };
    let (world, cloud) = rate_limited(SimulatedSettings::instant(1), patient);
    world.out_of_band().cut();
    let stop = CancellationToken::new();
    let cloud = cloud.until(stop.clone());
    let began = Instant::now();
    let call = async || {
        (
            cloud.identity(&at).await.map_err(|it| it.kind),
            began.elapsed(),
        )
    };
    let stopped = async {
        testkit::wait::elapse(soon).await;
        stop.cancel();
    };
    let (failed, ()) = tokio::join!(call(), stopped);
    assert_eq!(failed, (Err(CloudErrorKind::Unreachable), soon));
    assert_eq!(cloud.calls().total(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_a_call_took_is_told_by_operation_and_outcome_and_a_wait_for_its_turn_is_no_part_of_it()
 {
    let taking = |milliseconds| {
        let took = Duration::from_millis(milliseconds);
        SimulatedSettings {
            latency: took..=took,
            ..SimulatedSettings::instant(1)
        }
    };
    let at = place("111111111111");
    // The third has to wait for most of a second.
    let (_, cloud) = rate_limited(taking(100), limited(2));
    for _ in 0..3 {
        cloud.identity(&at).await.unwrap();
    }
    cloud.links(&at, &[]).await.unwrap();
    let times = cloud.calls().times();
    let place_of = |bound| CALL_TIMES.iter().position(|it| *it == bound).unwrap();
    let identity = &times[&(Operation::Identity, "ok")];
    assert_eq!((identity.count, identity.within[place_of(100)]), (3, 3));
    assert_eq!(identity.took, Duration::from_millis(300));
    assert_eq!(times[&(Operation::Links, "ok")].count, 1);
    assert_eq!(times.len(), 2, "{times:?}");
    // One that is given up took as long as it may.
    let (_, cloud) = rate_limited(
        taking(3_600_000),
        ClientPolicy {
            tries: 1,
            deadline: Duration::from_millis(20_001),
            ..ClientPolicy::default()
        },
    );
    cloud.identity(&at).await.unwrap_err();
    let lost = &cloud.calls().times()[&(Operation::Identity, "ambiguous")];
    assert_eq!(lost.took, Duration::from_millis(20_001));
    assert_eq!(
        (lost.count, lost.within),
        (1, [0; CALL_TIMES.len()]),
        "beyond every bound"
    );
}

fn trace() -> CallTrace {
    CallTrace::new(Arc::new(|| DateTime::UNIX_EPOCH), CloudCalls::default())
}

/// The operation, the try and the outcome of each call.
fn told(calls: &CloudCalls) -> Vec<(&str, u32, &str)> {
    let calls = calls.calls.iter();
    calls
        .map(|it| (&*it.operation, it.attempt, &*it.outcome))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn each_try_is_noted_with_its_number_its_time_and_its_outcome_and_where_it_went() {
    let latency = Duration::from_millis(40);
    let (world, cloud) = rate_limited(
        SimulatedSettings {
            latency: latency..=latency,
            ..SimulatedSettings::instant(1)
        },
        ClientPolicy::default(),
    );
    let (trace, at) = (trace(), place("111111111111"));
    world.out_of_band().cut();
    trace.of(None, cloud.identity(&at)).await.unwrap_err();
    world.out_of_band().mend();
    trace.of(None, cloud.links(&at, &[])).await.unwrap();
    let calls = trace.take();
    let failed = (1..=5).map(|attempt| ("identity", attempt, "unreachable"));
    let expected: Vec<_> = failed.chain([("links", 1, "ok")]).collect();
    assert_eq!(told(&calls), expected);
    let last = calls.calls.last().unwrap();
    assert_eq!(
        (&*last.account, &*last.region),
        ("111111111111", "eu-west-1")
    );
    assert_eq!((last.duration_ms, last.changes), (40, false));
    assert_eq!(last.started, DateTime::UNIX_EPOCH - latency);
    assert_eq!(trace.take(), CloudCalls::default(), "taken once");
}

#[tokio::test(start_paused = true)]
async fn works_that_call_at_the_same_time_collect_their_own_calls_and_nobody_elses() {
    let (_, cloud) = rate_limited(SimulatedSettings::calm(1), ClientPolicy::default());
    let (one, other) = (trace(), trace());
    let thing = Some(domain::network::Thing::Group);
    let (at, elsewhere) = (place("111111111111"), place("222222222222"));
    let (first, second, third) = tokio::join!(
        one.of(None, cloud.links(&at, &[])),
        other.of(thing, cloud.identity(&elsewhere)),
        cloud.networks(&at, &[]),
    );
    first.unwrap();
    second.unwrap();
    third.unwrap();
    assert_eq!(told(&one.take()), [("links", 1, "ok")]);
    let calls = other.take();
    assert_eq!(told(&calls), [("identity", 1, "ok")]);
    assert_eq!(calls.calls[0].thing, None, "a read is about no thing");
}

/// A cloud that names its answers, as a provider does.
#[derive(Debug)]
struct Naming(SimulatedCloud);

impl Layer for Naming {
    fn inner(&self) -> &dyn Cloud {
        &self.0
    }

    async fn call<T, F>(
        &self,
        operation: Operation,
        _: &AccountRegion,
        once: impl Fn() -> F + Send + Sync,
    ) -> Result<T, peerage_cloud::CloudError>
    where
        F: Future<Output = Result<T, peerage_cloud::CloudError>> + Send,
        T: Send,
    {
        let answer = once().await;
        answered_as(Some(&format!("request-{operation}")));
        answer
    }
}

#[tokio::test(start_paused = true)]
async fn the_providers_name_for_a_call_is_with_that_call_alone() {
    let world = SimulatedCloud::new(
        SimulatedSettings::calm(1),
        Arc::new(|| DateTime::UNIX_EPOCH),
    );
    let cloud = RateLimited::new(Arc::new(Naming(world)), ClientPolicy::default());
    let (trace, at) = (trace(), place("111111111111"));
    let work = async { tokio::join!(cloud.links(&at, &[]), cloud.identity(&at)) };
    trace.of(None, work).await.0.unwrap();
    let named = trace.take().calls.into_iter();
    let named: std::collections::BTreeMap<_, _> = named
        .map(|it| (it.operation, it.request_id.unwrap()))
        .collect();
    assert_eq!(named["links"], "request-links");
    assert_eq!(named["identity"], "request-identity");
    // Nobody collects: nothing is kept for the next one.
    cloud.subnets(&at, &[]).await.unwrap();
    answered_as(Some("of no call"));
    assert_eq!(trace.take(), CloudCalls::default());
}

/// Asks for links over and over, and counts.
async fn ask_on(cloud: RateLimited, asked: Arc<std::sync::atomic::AtomicU32>) {
    loop {
        cloud.links(&place("111111111111"), &[]).await.unwrap();
        asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
}

#[tokio::test(start_paused = true)]
async fn hundreds_who_only_want_to_know_use_a_quarter_of_a_limit_and_leave_the_rest() {
    const SECONDS: u32 = 20;
    let (_, cloud) = rate_limited(SimulatedSettings::instant(1), ClientPolicy::default());
    let (inquiries, asked) = (cloud.for_inquiries(), Arc::default());
    let mut crowd = tokio::task::JoinSet::new();
    for _ in 0..400 {
        crowd.spawn(ask_on(inquiries.clone(), Arc::clone(&asked)));
    }
    let done = Arc::default();
    let doing = tokio::spawn(ask_on(cloud.clone(), Arc::clone(&done)));
    let a_while = Duration::from_secs(SECONDS.into());
    let _ = tokio::time::timeout(a_while, std::future::pending::<()>()).await;
    doing.abort();
    crowd.shutdown().await;
    let count = |it: &std::sync::atomic::AtomicU32| it.load(std::sync::atomic::Ordering::Relaxed);
    let (asked, done) = (count(&asked), count(&done));
    println!("in {SECONDS} s: {asked} calls of 400 who ask, {done} of one who does something");
    // Of twenty a second, and as many at once at first.
    assert!(
        (5 * SECONDS - 5..=5 * SECONDS + 5).contains(&asked),
        "{asked}"
    );
    assert!(done >= 15 * (SECONDS - 1), "{done}");
    // Both are behind one limit, and counted together.
    assert!(asked + done <= 20 * (SECONDS + 1), "{}", asked + done);
    assert!(cloud.calls().total() >= u64::from(asked + done));
}
