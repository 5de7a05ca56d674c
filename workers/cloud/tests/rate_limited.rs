//! Limits, deadlines and second tries, in moved time.
#![allow(clippy::unwrap_used)]

use chrono::DateTime;
use domain::{PeeringId, Provider, Region, Side};
use peerage_cloud::{
    AccountRegion, ClientPolicy, Cloud, CloudErrorKind, LinkEnd, LinkSpec, NetworkRef, Operation,
    Owner, RateLimited, RequestId,
};
use simulated::{CallRate, SimulatedCloud, SimulatedSettings};
use std::{num::NonZeroU32, sync::Arc, time::Duration};
use tokio::time::Instant;

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
    assert_eq!(cloud.limits(&place("111111111111")).routes, 7);
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
        requester: end("vpc-0aaaaaaa", "10.1.0.0/16"),
        accepter: end("vpc-0bbbbbbb", "10.2.0.0/16"),
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
        .links(&spec.requester.network.at, &[spec.accepter.network.network])
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
