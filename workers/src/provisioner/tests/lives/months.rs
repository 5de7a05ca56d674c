//! A month of each trouble: what is refused all the time, what somebody undoes each hour, and two
//! engines that may not do the same. Whatever it is, a day of it writes single digits of each event
//! and cause.
//!
//! A day is lived each time; the whole month with `./test.sh months`.

use super::{HOUR, Life, ingress};
use crate::provisioner::{
    memories::Memories,
    settings::ProvisionerSettings,
    testing::{CLIENTS, Log, Meddled, Meddling, Settled, restrict, settle},
};
use cloud::{CallClass, Cloud, CloudErrorKind, LinkRole, RateLimited};
use domain::{
    Side,
    network::{DriftPolicy, ExposurePolicy, NetworkEvent, Policy, SetPolicy},
};
use journal::Clock;
use simulated::OutOfBand;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use testkit::wait::elapse;
use tokio::time::Instant;

/// How many days are lived each time, and when there is time.
const DAYS: u32 = 1;
const MONTH: u32 = 30;

/// The most events of one kind in a day.
const MOST_A_DAY: usize = 9;

/// One of the engines on a log.
struct Engine {
    cloud: RateLimited,
    log: Log,
    clock: Clock,
    memories: Memories,
}

impl Engine {
    fn new(life: &Life, cloud: impl Cloud + 'static) -> Self {
        let settings = ProvisionerSettings::default();
        Self {
            cloud: RateLimited::new(Arc::new(cloud), settings.calls),
            log: life.log.clone(),
            clock: Arc::clone(&life.clock),
            memories: Memories::default(),
        }
    }

    /// Works until then, resting as the running engine does while nothing is due.
    async fn works_until(&mut self, end: Instant) {
        let settings = ProvisionerSettings::default();
        let Self {
            cloud,
            log,
            clock,
            memories,
        } = self;
        while Instant::now() < end {
            let left = end - Instant::now();
            let settled = settle(cloud, log, clock, &settings, memories, left).await;
            let due = memories.values().filter_map(|it| it.due).min();
            let rest = match settled {
                Settled::Yes => due.unwrap_or(end),
                Settled::No => end,
            };
            elapse(rest.min(end).saturating_duration_since(Instant::now())).await;
        }
    }
}

/// What somebody does behind the engine's back, each time that they do.
type ByHand = fn(&Life, &OutOfBand, u32);

/// What an event is counted under beside its name: each cause has its own few, and each table.
fn cause(event: &NetworkEvent) -> String {
    if let NetworkEvent::ProvisioningBlocked(it) = event {
        it.cause.as_str().to_owned()
    } else if let NetworkEvent::RouteInstalled(it) = event {
        it.route_table.to_string()
    } else if let NetworkEvent::RouteRemoved(it) = event {
        it.route_table.to_string()
    } else {
        String::new()
    }
}

/// Lives so many days with these engines, while somebody does this each hour.
async fn days(life: &Life, engines: &mut [Engine], each_hour: ByHand, days: u32, why: &str) {
    let mut hours = 0;
    for day in 0..days {
        let before = life.log.events().len();
        for _ in 0..24 {
            each_hour(life, &life.cloud.out_of_band(), hours);
            hours += 1;
            let end = Instant::now() + HOUR;
            let working = engines.iter_mut().map(|engine| engine.works_until(end));
            futures::future::join_all(working).await;
        }
        let mut counts = BTreeMap::new();
        for event in &life.log.events()[before..] {
            *counts.entry((event.name(), cause(event))).or_insert(0) += 1;
        }
        assert!(
            counts.values().all(|it| *it <= MOST_A_DAY),
            "{why}, day {day}: {counts:#?}"
        );
    }
}

fn nothing(_: &Life, _: &OutOfBand, _: u32) {}

/// Something is to be made and something to be taken away on each side.
fn asks_for_changes(life: &Life) {
    life.says(ingress(life, None));
    life.says(restrict(&[]));
}

/// Every answer of a cloud that is no success.
fn refusals() -> Vec<CloudErrorKind> {
    vec![
        CloudErrorKind::NotFound,
        CloudErrorKind::AlreadyThere,
        CloudErrorKind::Conflict,
        CloudErrorKind::WrongState,
        CloudErrorKind::InUse,
        CloudErrorKind::Precondition,
        CloudErrorKind::Busy,
        CloudErrorKind::Denied,
        CloudErrorKind::CredentialsRefused,
        CloudErrorKind::SessionExpired,
        CloudErrorKind::WrongAccount {
            expected: "222222222222".parse().unwrap(),
            actual: "999999999999".parse().unwrap(),
        },
        CloudErrorKind::Quota,
        CloudErrorKind::Throttled { retry_after: None },
        CloudErrorKind::Unreachable,
        CloudErrorKind::Ambiguous,
        CloudErrorKind::InvalidRequest,
        CloudErrorKind::Unsupported,
        CloudErrorKind::Unexpected,
    ]
}

/// Every change, or every look, is refused in this way on one side.
async fn refused(so_many: u32, classes: &[CallClass]) {
    for kind in refusals() {
        for &class in classes {
            let life = Life::active().await;
            asks_for_changes(&life);
            let account = life.network(Side::Remote).at.account;
            let refusal = kind.clone();
            let cloud = Meddled::with(&life.cloud, move |_, operation, at| {
                (operation.class() == class && at.account == account)
                    .then(|| Meddling::Fails(refusal.clone()))
            });
            let engine = Engine::new(&life, cloud);
            let why = format!("{kind:?} for each {class:?}");
            days(&life, &mut [engine], nothing, so_many, &why).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_day_of_each_refusal_writes_single_digits_of_each_event() {
    refused(DAYS, &[CallClass::Write]).await;
}

#[tokio::test(start_paused = true)]
#[ignore = "takes minutes: ./test.sh months"]
async fn a_month_of_each_refusal_writes_single_digits_of_each_event_a_day() {
    refused(MONTH, &[CallClass::Write, CallClass::Read]).await;
}

fn removes_a_route(life: &Life, by_hand: &OutOfBand, _: u32) {
    if let Some((table, _)) = life.routes(Side::Local).first() {
        by_hand.unroute(&life.network(Side::Local), table, CLIENTS.parse().unwrap());
    }
}

fn drops_a_rule(life: &Life, by_hand: &OutOfBand, _: u32) {
    if let Some(rule) = life.log.peering().firewall.local.rules.values().next() {
        by_hand.drop_rule(&life.network(Side::Local), rule);
    }
}

fn takes_the_tag_off_the_link(life: &Life, by_hand: &OutOfBand, _: u32) {
    by_hand.tag(&life.link(), LinkRole::First, None);
}

fn takes_the_tag_off_the_group(life: &Life, by_hand: &OutOfBand, _: u32) {
    if let Some(group) = &life.log.peering().firewall.local.group {
        by_hand.tag_group(&life.network(Side::Local), group, None);
    }
}

/// The engine may have closed it meanwhile, where that is the policy.
fn opens_and_closes_a_group(life: &Life, by_hand: &OutOfBand, _: u32) {
    let remote = life.network(Side::Remote);
    let world = life.cloud.world();
    let groups = &world.networks[&remote.to_string()].groups;
    let theirs = groups.iter().find(|it| it.name == THEIRS).unwrap();
    match theirs.rules.first() {
        Some(rule) => by_hand.drop_rule(&remote, &rule.id),
        None => drop(by_hand.admit(&remote, &theirs.id, "tcp 443 from 0.0.0.0/0")),
    }
}

fn cuts_and_mends_the_wire(_: &Life, by_hand: &OutOfBand, hour: u32) {
    if hour.is_multiple_of(2) {
        by_hand.cut();
    } else {
        by_hand.mend();
    }
}

fn takes_the_rights_and_gives_them_back(life: &Life, by_hand: &OutOfBand, hour: u32) {
    let account = life.network(Side::Remote).at.account;
    if hour.is_multiple_of(2) {
        by_hand.deny(&account);
    } else {
        by_hand.allow(&account);
    }
}

/// A group at the other network that is nobody's of the engine's.
const THEIRS: &str = "lb";

/// What is done about that group.
#[derive(Clone, Copy)]
enum Exposed {
    Report,
    Enforce,
    Block,
}

/// What somebody does each hour, by every policy.
async fn undone(so_many: u32) {
    let all: [(&str, ByHand); 7] = [
        ("a route", removes_a_route),
        ("a rule", drops_a_rule),
        ("the tag of the link", takes_the_tag_off_the_link),
        ("the tag of the group", takes_the_tag_off_the_group),
        ("a group open to the world", opens_and_closes_a_group),
        ("the wire", cuts_and_mends_the_wire),
        ("the rights", takes_the_rights_and_gives_them_back),
    ];
    for (what, by_hand) in all {
        for (drift, exposure) in [
            (DriftPolicy::Repair, Exposed::Enforce),
            (DriftPolicy::Report, Exposed::Report),
            (DriftPolicy::Adopt, Exposed::Block),
        ] {
            let mut life = Life::active().await;
            let remote = life.network(Side::Remote);
            let theirs = life
                .cloud
                .out_of_band()
                .group(&remote, THEIRS, &[])
                .unwrap();
            let exposure = match exposure {
                Exposed::Enforce => ExposurePolicy::Enforce {
                    groups: BTreeSet::from([theirs]),
                },
                Exposed::Report => ExposurePolicy::Report,
                Exposed::Block => ExposurePolicy::Block,
            };
            life.says(SetPolicy {
                policy: Policy {
                    drift,
                    exposure: exposure.clone(),
                    ..Policy::default()
                },
            });
            life.settles().await;
            let engine = Engine::new(&life, life.cloud.clone());
            let why = format!("{what}, each hour, with {drift:?} and {exposure:?}");
            days(&life, &mut [engine], by_hand, so_many, &why).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_day_of_what_somebody_undoes_each_hour_writes_single_digits_of_each_event() {
    undone(DAYS).await;
}

#[tokio::test(start_paused = true)]
#[ignore = "takes minutes: ./test.sh months"]
async fn a_month_of_what_somebody_undoes_each_hour_writes_single_digits_of_each_event_a_day() {
    undone(MONTH).await;
}

/// Two engines on one log at once, each of which is refused something else of the same account, so
/// that each has its own reason to be blocked.
async fn of_different_rights(so_many: u32) {
    let wrong = CloudErrorKind::WrongAccount {
        expected: "222222222222".parse().unwrap(),
        actual: "999999999999".parse().unwrap(),
    };
    for (one, other) in [
        (Some(CloudErrorKind::Denied), Some(wrong.clone())),
        (Some(CloudErrorKind::Denied), Some(CloudErrorKind::Quota)),
        (Some(wrong), Some(CloudErrorKind::Unreachable)),
        (Some(CloudErrorKind::Denied), None),
    ] {
        let life = Life::active().await;
        asks_for_changes(&life);
        let refusing = |refusal: Option<CloudErrorKind>| {
            let account = life.network(Side::Remote).at.account;
            let cloud = Meddled::with(&life.cloud, move |_, operation, at| {
                let is_refused = operation.class() == CallClass::Write && at.account == account;
                refusal.clone().filter(|_| is_refused).map(Meddling::Fails)
            });
            Engine::new(&life, cloud)
        };
        let why = format!("one is told {one:?}, the other {other:?}");
        let works = other.is_none();
        let mut engines = [refusing(one), refusing(other)];
        days(&life, &mut engines, drops_a_rule, so_many, &why).await;
        if works {
            let peering = life.log.peering();
            assert!(peering.firewall.remote.is_enforced(), "{why}: {peering:#?}");
            assert_eq!(peering.blocked, None, "{why}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_day_of_two_engines_of_different_rights_writes_single_digits_of_each_event() {
    of_different_rights(DAYS).await;
}

#[tokio::test(start_paused = true)]
#[ignore = "takes minutes: ./test.sh months"]
async fn a_month_of_two_engines_of_different_rights_writes_single_digits_of_each_event_a_day() {
    of_different_rights(MONTH).await;
}
