//! Events say what changed, once: a day of each cause of trouble writes few of them.

use super::{Life, Settled};
use crate::provisioner::{
    settings::ProvisionerSettings,
    testing::{Fuse, Log, Meddled, Meddling, settle},
};
use cloud::{AccountRegion, CallClass, CloudErrorKind, Operation, RateLimited};
use domain::{Side, network::Consent};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio_util::sync::CancellationToken;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// How many events of each kind there are that were not there before.
fn since(life: &Life, before: usize) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for name in life.log.names(before) {
        *counts.entry(name).or_insert(0) += 1;
    }
    counts
}

fn single_digits(life: &Life, before: usize, why: &str) {
    let counts = since(life, before);
    assert!(counts.values().all(|it| *it < 10), "{why}: {counts:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_day_of_another_account_behind_the_role_writes_its_block_once() {
    for side in Side::BOTH {
        let mut life = Life::active().await;
        let (account, before) = (life.network(side).at.account, life.log.events().len());
        life.cloud
            .out_of_band()
            .mix_up(&account, &"999999999999".parse().unwrap());
        // Something has to be made there, and cannot.
        life.says(super::ingress(&life, None));
        life.look_for(DAY).await;
        single_digits(&life, before, side.as_str());
        assert_eq!(life.count("ProvisioningUnblocked"), 0, "{side}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_day_of_a_create_that_is_refused_for_good_writes_single_digits_of_each_event() {
    let mut life = Life::asked_for();
    let meddled = Meddled::with(&life.cloud, |_, operation, _| {
        (operation == Operation::CreateLink).then_some(Meddling::Fails(CloudErrorKind::Quota))
    });
    let before = life.log.events().len();
    life.meddled(meddled, &CancellationToken::new(), DAY).await;
    single_digits(&life, before, "quota");
    assert_eq!(life.count("ProvisioningBlocked"), 1);
    assert!(
        life.count("PeeringInitiationRefused") > 1,
        "it is tried again"
    );
    life.says(domain::network::CheckDrift {});
    let settings = ProvisionerSettings::default();
    let limited = RateLimited::new(Arc::new(life.cloud.clone()), settings.calls.clone());
    let minute = Duration::from_secs(60);
    let (log, clock) = (&life.log, &life.clock);
    let memories = &mut life.memories;
    let settled = settle(&limited, log, clock, &settings, memories, minute).await;
    assert_eq!(
        settled,
        Settled::Yes,
        "a check that somebody asks for tries at once"
    );
}

#[tokio::test(start_paused = true)]
async fn a_region_that_does_not_answer_for_a_minute_writes_nothing() {
    let mut life = Life::active().await;
    let before = life.log.events().len();
    tokio::time::advance(ProvisionerSettings::default().drift_interval).await;
    life.cloud.out_of_band().cut();
    life.run(Fuse::never(), Duration::from_secs(60)).await;
    life.cloud.out_of_band().mend();
    life.looks_again().await;
    assert_eq!(since(&life, before), BTreeMap::new());
}

#[tokio::test(start_paused = true)]
async fn answers_that_are_lost_now_and_then_are_no_account_that_does_not_answer() {
    let mut life = Life::asked_for();
    life.log = Log::with_consent(Consent::Owner).told_by(&life.clock);
    // The first change of each kind is made, and its answer is lost.
    let lost = parking_lot::Mutex::new(BTreeSet::new());
    let loses = move |_: usize, operation: Operation, _: &AccountRegion| {
        let is_lost = operation.class() == CallClass::Write && lost.lock().insert(operation);
        is_lost.then_some(Meddling::LosesTheAnswer)
    };
    let cloud = Arc::new(Meddled::with(&life.cloud, loses));
    let never = CancellationToken::new();
    life.meddled(Arc::clone(&cloud), &never, DAY / 24).await;
    let link = life.link();
    life.cloud.out_of_band().accept(&link);
    life.meddled(cloud, &never, DAY / 24).await;
    assert!(life.log.peering().is_converged());
    assert_eq!(life.count("ProvisioningBlocked"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_change_whose_answer_is_lost_each_time_blocks_although_all_else_is_answered() {
    let mut life = Life::asked_for();
    let cloud = Meddled::with(&life.cloud, |_, operation, _| {
        let is_lost = operation == Operation::InstallRoute;
        is_lost.then_some(Meddling::Fails(CloudErrorKind::Ambiguous))
    });
    life.meddled(cloud, &CancellationToken::new(), DAY / 24)
        .await;
    assert_eq!(life.count("ProvisioningBlocked"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_day_of_each_call_that_is_denied_writes_single_digits_of_each_event() {
    for operation in Operation::ALL {
        for side in Side::BOTH {
            let mut life = Life::active().await;
            let (account, before) = (life.network(side).at.account, life.log.events().len());
            life.cloud.out_of_band().deny_call(&account, operation);
            life.says(super::ingress(&life, None));
            life.says(crate::provisioner::testing::restrict(&[]));
            life.look_for(DAY).await;
            single_digits(&life, before, &format!("{operation} on the {side} side"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn five_hundred_groups_that_are_open_to_the_world_are_an_event_each_and_a_few_appends() {
    let mut life = Life::active().await;
    let remote = life.network(Side::Remote);
    for number in 0..500 {
        let name = format!("lb-{number}");
        life.cloud
            .out_of_band()
            .group(&remote, &name, &["tcp 443 from 0.0.0.0/0"])
            .unwrap();
    }
    let before = life.log.appends();
    tokio::time::advance(ProvisionerSettings::default().drift_interval).await;
    life.settles().await;
    assert_eq!(life.count("FirewallExposed"), 500);
    assert!(
        life.log.appends() - before <= 4,
        "{}",
        life.log.appends() - before
    );
}
