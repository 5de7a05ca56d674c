//! The calls to the cloud beside what is recorded: each change once, with the outcome that followed
//! it; and what a crash leaves of them.

use super::{LONG, Life, remove};
use crate::provisioner::{
    memories::Memories,
    settings::ProvisionerSettings,
    testing::{Fuse, settle},
};
use cloud::{CallClass, ClientPolicy, Operation, RateLimited};
use domain::{CloudCall, network::Thing};
use std::{collections::BTreeMap, sync::Arc};

/// How often each change was made, by what is on record.
fn on_record(life: &Life) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for call in changes(life) {
        *counts.entry(call.operation).or_default() += 1;
    }
    counts
}

fn changes(life: &Life) -> Vec<CloudCall> {
    let appends = life.log.calls().into_iter();
    let calls = appends.flat_map(|(_, it)| it.calls);
    calls.filter(|it| it.changes).collect()
}

/// Settles, and says how often each change was made.
async fn counted(life: &mut Life) -> BTreeMap<String, u64> {
    let settings = ProvisionerSettings::default();
    let policy = ClientPolicy {
        deadline: LONG,
        ..settings.calls.clone()
    };
    let limited = RateLimited::new(Arc::new(life.cloud.clone()), policy);
    let (log, clock, memories) = (&life.log, &life.clock, &mut life.memories);
    settle(&limited, log, clock, &settings, memories, LONG).await;
    let made = limited.calls().snapshot().into_iter();
    let made = made.filter(|((operation, _), _)| operation.class() == CallClass::Write);
    let mut counts = BTreeMap::new();
    for ((operation, _), count) in made {
        *counts.entry(operation.as_str().to_owned()).or_default() += count;
    }
    counts
}

#[tokio::test(start_paused = true)]
async fn every_change_of_a_peerings_life_stands_once_beside_what_followed_from_it() {
    let mut life = Life::asked_for();
    let made = counted(&mut life).await;
    assert!(
        made.contains_key(Operation::CreateLink.as_str()),
        "{made:?}"
    );
    assert_eq!(on_record(&life), made);
    life.says(remove());
    let unmade = counted(&mut life).await;
    let mut all = made;
    for (operation, count) in unmade {
        *all.entry(operation).or_default() += count;
    }
    assert_eq!(on_record(&life), all);
}

#[tokio::test(start_paused = true)]
async fn what_shows_a_thing_has_the_call_that_made_it_and_the_reads_that_showed_it() {
    let mut life = Life::asked_for();
    life.settles().await;
    let events = life.log.events();
    let at = events.iter().position(|it| it.name() == "PeeringInitiated");
    let calls = life.log.calls();
    let (_, beside) = calls.iter().find(|(first, _)| Some(*first) == at).unwrap();
    let names: Vec<_> = beside.calls.iter().map(|it| &*it.operation).collect();
    assert_eq!(names.first(), Some(&"create_link"), "{names:?}");
    assert!(names.contains(&"links"), "{names:?}");
    let things: Vec<_> = changes(&life)
        .into_iter()
        .filter_map(|it| it.thing)
        .collect();
    assert!(things.contains(&Thing::Group));
    assert!(things.iter().any(|it| matches!(it, Thing::Route { .. })));
    assert!(things.iter().any(|it| matches!(it, Thing::Rule { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_crash_loses_no_more_than_the_calls_since_the_last_record_and_makes_none_up() {
    for step in 0.. {
        let mut life = Life::asked_for();
        let stopped = life.run(Fuse::at(step), LONG).await.is_none();
        life.memories = Memories::default();
        let before = on_record(&life);
        let made = counted(&mut life).await;
        let after = on_record(&life);
        for (operation, count) in &made {
            let recorded = after.get(operation).copied().unwrap_or_default()
                - before.get(operation).copied().unwrap_or_default();
            assert_eq!(recorded, *count, "{operation}, stopped at step {step}");
        }
        if !stopped {
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_reads_of_a_look_that_found_all_as_it_should_be_are_not_kept_for_later() {
    let mut life = Life::active().await;
    let appends = life.log.calls().len();
    life.looks_again().await;
    life.looks_again().await;
    assert_eq!(life.log.calls().len(), appends);
    let kept: usize = life.memories.values().map(|it| it.calls.calls.len()).sum();
    assert_eq!(kept, 0);
}
