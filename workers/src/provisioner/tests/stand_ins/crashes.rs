//! A process that dies at any step, and another that begins after it.

use super::{Life, Quality, Ran, Which};
use crate::provisioner::testing::{Fuse, everywhere, peering_id, range};
use domain::{Side, network::AllowConnectorIngress};
use futures::StreamExt as _;

/// How many lives are lived at once.
const AT_ONCE: usize = 8;

/// One life that is stopped at this step of its making, and at this step of its removal; whether it
/// was.
async fn stopped_at(which: Which, quality: Quality, step: usize) -> bool {
    let mut life = Life::at(which, quality).await;
    if quality == Quality::Bad {
        life.world.wire().goes_bad(u64::try_from(step).unwrap());
    }
    let when = format!("{which:?}, {quality:?}, a crash at step {step}");
    let is_there = |it: &domain::network::Peering| it.is_converged();
    let made = life.run(&when, Fuse::at(step), is_there).await;
    life.restarts();
    life.converges().await;
    life.is_joined_once(&when);
    let ingress = AllowConnectorIngress {
        peering_id: peering_id(),
        target: range("10.50.7.0/24"),
        port: 9092,
        reason: "orders go to the peer's broker".parse().unwrap(),
        expires_at: None,
        from: everywhere(),
        no_expiry: true,
    };
    life.says(ingress);
    let opened = life.run(&when, Fuse::at(step), is_there).await;
    life.restarts();
    life.converges().await;
    life.removes();
    let is_over = |it: &domain::network::Peering| !it.life.is_live();
    let ended = life.run(&when, Fuse::at(step), is_over).await;
    life.restarts();
    life.ends_as("removed").await;
    life.is_clean(&when);
    for side in Side::BOTH {
        assert_eq!(life.world.lets_in(side), [""; 0], "{when}");
    }
    [made, opened, ended].contains(&Ran::Crashed)
}

async fn a_crash_at_any_step(which: Which, quality: Quality, every: usize) {
    let steps = futures::stream::iter((0..).step_by(every));
    let lives = steps.map(|step| async move { (step, stopped_at(which, quality, step).await) });
    let crashed = lives
        .buffered(AT_ONCE)
        .take_while(|(_, has_crashed)| futures::future::ready(*has_crashed));
    let last = crashed
        .fold(0, |_, (step, _)| futures::future::ready(step))
        .await;
    assert!(last > 40, "only {last} steps");
}

#[tokio::test]
async fn a_crash_at_any_step_leaves_exactly_what_was_asked_for_at_google_cloud() {
    a_crash_at_any_step(Which::Google, Quality::Good, 1).await;
}

#[tokio::test]
async fn a_crash_at_any_step_leaves_exactly_what_was_asked_for_at_azure() {
    a_crash_at_any_step(Which::Azure, Quality::Good, 1).await;
}

#[tokio::test]
async fn a_crash_over_a_bad_wire_leaves_exactly_what_was_asked_for_at_google_cloud() {
    a_crash_at_any_step(Which::Google, Quality::Bad, 7).await;
}

#[tokio::test]
async fn a_crash_over_a_bad_wire_leaves_exactly_what_was_asked_for_at_azure() {
    a_crash_at_any_step(Which::Azure, Quality::Bad, 7).await;
}

#[tokio::test]
async fn a_crash_at_a_step_leaves_nothing_open_where_groups_stand_before_interfaces_alone() {
    a_crash_at_any_step(Which::AzureAtInterfaces, Quality::Good, 3).await;
}

/// What a process does that dies at this step, and whether it did.
async fn repaired_after(which: Which, quality: Quality, step: usize) -> bool {
    let mut life = Life::at(which, quality).await;
    let when = format!("{which:?}, {quality:?}, a repair that ends at step {step}");
    life.converges().await;
    let rules = life.world.rules(Side::Local);
    for rule in &rules {
        life.world.drop_rule(Side::Local, rule);
    }
    // They are the owner's to answer for until they are back.
    life.passes(super::settings().drift_interval);
    let is_back = |it: &domain::network::Peering| it.is_converged() && !it.repairs.is_empty();
    let ran = life.run(&when, Fuse::at(step), is_back).await;
    life.restarts();
    life.passes(super::settings().drift_interval);
    life.run(&when, Fuse::never(), is_back).await;
    assert_eq!(life.world.rules(Side::Local), rules, "{when}");
    life.is_joined_once(&when);
    ran == Ran::Crashed
}

/// The same of a link of somebody else's, which is taken over and let go.
async fn adopted_after(which: Which, quality: Quality, step: usize) -> bool {
    let mut life = super::ends::adopted(Life::at(which, quality).await, &[]);
    let when = format!("{which:?}, {quality:?}, an adoption that ends at step {step}");
    let before = Side::BOTH.map(|side| life.world.halves(side));
    let is_there = |it: &domain::network::Peering| it.is_converged();
    let kept = life.run(&when, Fuse::at(step), is_there).await;
    life.restarts();
    life.converges().await;
    life.removes();
    let is_over = |it: &domain::network::Peering| !it.life.is_live();
    let let_go = life.run(&when, Fuse::at(step), is_over).await;
    life.restarts();
    life.until(&when, is_over).await;
    assert_eq!(
        Side::BOTH.map(|side| life.world.halves(side)),
        before,
        "{when}"
    );
    for side in Side::BOTH {
        assert_eq!(life.world.rules(side).len(), 0, "{when}, {side}");
    }
    [kept, let_go].contains(&Ran::Crashed)
}

/// At each of these steps until none is reached, some at once; how many were.
async fn at_each_step<F: Future<Output = bool>>(every: usize, life: impl Fn(usize) -> F) -> usize {
    let steps = futures::stream::iter((0..).step_by(every));
    let crashed = steps.map(life).buffered(AT_ONCE);
    let crashed = crashed.take_while(|it| futures::future::ready(*it));
    crashed.count().await
}

const EVERYWHERE: [(Which, Quality, usize); 4] = [
    (Which::Google, Quality::Good, 1),
    (Which::Azure, Quality::Good, 1),
    (Which::Google, Quality::Bad, 5),
    (Which::Azure, Quality::Bad, 5),
];

#[tokio::test]
async fn a_crash_at_any_step_of_a_repair_puts_back_what_was_there_and_nothing_else() {
    for (which, quality, every) in EVERYWHERE {
        let crashed = at_each_step(every, |step| repaired_after(which, quality, step)).await;
        assert!(crashed > 0, "{which:?}, {quality:?}");
    }
}

#[tokio::test]
async fn a_crash_at_any_step_of_an_adoption_keeps_the_link_as_it_was() {
    for (which, quality, every) in EVERYWHERE {
        let crashed = at_each_step(every, |step| adopted_after(which, quality, step)).await;
        assert!(crashed > 0, "{which:?}, {quality:?}");
    }
}
