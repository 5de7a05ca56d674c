//! What reads show while things are late, and when there is much.

use crate::stage::{OURS, Stage, owner, rule};
use cloud::LinkState;
use std::collections::BTreeSet;

/// How often is looked again at what was seen.
const AGAIN: usize = 5;

/// More than a small page holds.
const MANY: u128 = 12;

pub(crate) async fn what_was_seen_stays_in_sight_and_what_is_gone_stays_gone(stage: Stage) {
    let link = stage.pending().await;
    let (at, group) = (&stage.local.at, stage.made_group().await);
    for _ in 0..AGAIN {
        for end in [&stage.local, &stage.remote] {
            let links = stage.links(end).await;
            assert!(
                matches!(&links[..], [it] if it.link == link && it.state == LinkState::Pending),
                "{end}: {links:?}"
            );
        }
        let groups = stage.groups(&stage.local).await;
        assert!(groups.iter().any(|it| it.group == group), "{groups:?}");
        stage.world.pass_time().await;
    }
    stage.cloud.delete_group(at, &group).await.unwrap();
    let read = async || stage.groups(&stage.local).await;
    let gone = |found: &Vec<cloud::GroupView>| found.iter().all(|it| it.group != group);
    stage.until("no group", read, gone).await;
    for _ in 0..AGAIN {
        let groups = stage.groups(&stage.local).await;
        assert!(gone(&groups), "it came back: {groups:?}");
        stage.world.pass_time().await;
    }
}

pub(crate) async fn a_read_that_takes_several_pages_shows_everything_once(stage: Stage) {
    stage.world.small_pages().await;
    let mut made = BTreeSet::new();
    for number in 1..=MANY {
        let owner = owner(0x0b00 + number);
        let group = stage.cloud.create_group(&stage.local, owner).await;
        made.insert(group.unwrap());
    }
    let read = async || {
        let mut found = stage.groups(&stage.local).await;
        found.retain(|it| it.owner.is_some());
        found
    };
    let all = |found: &Vec<cloud::GroupView>| found.len() >= made.len();
    let found = stage.until("every group", read, all).await;
    assert_eq!(found.len(), made.len(), "each once");
    let shown: BTreeSet<_> = found.into_iter().map(|it| it.group).collect();
    assert_eq!(shown, made);

    let group = made.first().unwrap();
    let mut rules = BTreeSet::new();
    for port in 1..=MANY {
        let rule = rule(u16::try_from(port).unwrap());
        let added = stage
            .cloud
            .authorize_rule(&stage.local.at, group, rule, OURS);
        rules.insert(added.await.unwrap());
    }
    let all = |it: &cloud::GroupView| it.rules.len() >= rules.len();
    let view = stage.group_as(group, "with every rule", all).await;
    assert_eq!(view.rules.len(), rules.len(), "each once");
    let shown: BTreeSet<_> = view.rules.into_iter().map(|it| it.id).collect();
    assert_eq!(shown, rules);
}
