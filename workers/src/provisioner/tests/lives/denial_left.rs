//! Entries that deny and that an ended peering left behind: found, told once, and removed when
//! somebody asks.

use super::{denial::subnet, holds::abandon, neighbours::beside_the_first, orphans::lives_on, *};
use domain::network::OrphanThing;

const ALL: (&str, bool) = ("everything from 0.0.0.0/0", true);

impl Life {
    /// Given up while it denies, in front of a subnet where somebody has an entry of their own.
    async fn left_denying() -> Self {
        let mut life = Self::with_a_subnet().await;
        life.denies(&["subnet-a"]);
        life.settles().await;
        life.says(abandon(None));
        life.look_for(Duration::from_secs(10)).await;
        assert_eq!(life.log.peering().life.as_str(), "abandoned");
        life
    }

    /// The numbers of the entries in front of the subnet, the least first.
    fn numbers(&self) -> Vec<u32> {
        let mut all: Vec<_> = self
            .list("subnet-a")
            .entries
            .iter()
            .map(|it| it.priority)
            .collect();
        all.sort_unstable();
        all
    }

    /// What names the entries among the orphans.
    fn left_entries(&self) -> Vec<String> {
        let all = self.orphans().into_iter();
        let entries = all.filter(|it| matches!(it.thing, OrphanThing::Denial { .. }));
        entries
            .map(|it| it.thing.id().unwrap().to_string())
            .collect()
    }

    fn removes_the_entry(&self) {
        let all = self.orphans();
        let entry = all
            .iter()
            .find(|it| matches!(it.thing, OrphanThing::Denial { .. }));
        self.removes_orphan(entry.unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn an_entry_that_was_left_behind_is_an_orphan_and_goes_by_its_id_when_somebody_asks() {
    let mut life = Life::left_denying().await;
    assert_eq!(life.numbers(), [1, 100]);
    lives_on(&mut life, 1).await;
    let list = life.list("subnet-a").list.unwrap();
    assert_eq!(life.left_entries(), [format!("{list}/1")]);
    let found = life.count("OrphanFound");
    lives_on(&mut life, 2).await;
    assert_eq!(life.count("OrphanFound"), found, "told once");
    assert_eq!(life.numbers(), [1, 100], "left alone until somebody asks");
    life.removes_the_entry();
    life.look_for(HOUR).await;
    assert_eq!(life.numbers(), [100], "somebody's own stays");
    assert!(life.left_entries().is_empty());
    assert_eq!(life.count("OrphanCleared"), 1);
}

#[tokio::test(start_paused = true)]
async fn it_is_no_orphan_before_a_read_could_not_show_the_past_any_more() {
    let mut life = Life::left_denying().await;
    life.says(domain::network::CheckDrift {});
    life.look_for(Duration::from_secs(60)).await;
    assert!(life.left_entries().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_entry_that_somebody_has_put_in_its_place_is_theirs() {
    let mut life = Life::left_denying().await;
    lives_on(&mut life, 1).await;
    life.removes_the_entry();
    let (home, hands) = (life.network(Side::Local), life.cloud.out_of_band());
    let list = life.list("subnet-a").list.unwrap();
    hands.enter(&home, &list, 1, ("tcp 22 from 192.168.0.0/16", false));
    life.look_for(HOUR).await;
    assert_eq!(life.numbers(), [1, 100], "it denies something else");
    assert!(life.left_entries().is_empty());
    // One that allows the very same thing, and one in another list.
    let mut life = Life::left_denying().await;
    let (home, hands) = (life.network(Side::Local), life.cloud.out_of_band());
    let list = life.list("subnet-a").list.unwrap();
    let other = life.fenced("subnet-b", &[ALL]);
    let everything = format!("everything from {CLIENTS}");
    hands.enter(&home, &list, 1, (&everything, true));
    hands.enter(&home, &other, 1, (&everything, false));
    hands.enter(&home, &list, 2, (&everything, false));
    lives_on(&mut life, 1).await;
    assert!(life.left_entries().is_empty(), "{:?}", life.orphans());
}

#[tokio::test(start_paused = true)]
async fn it_is_found_beside_a_live_peering_whose_own_entries_are_none() {
    let mut life = Life::left_denying().await;
    let next = beside_the_first(&life);
    lives_on(&mut life, 1).await;
    life.says(domain::network::DenyWithLists {
        peering_id: next,
        side: Side::Local,
        subnets: [subnet("subnet-a")].into(),
    });
    lives_on(&mut life, 1).await;
    assert_eq!(life.numbers(), [1, 2, 100]);
    let list = life.list("subnet-a").list.unwrap();
    assert_eq!(life.left_entries(), [format!("{list}/1")]);
    life.removes_the_entry();
    life.look_for(HOUR).await;
    assert_eq!(life.numbers(), [2, 100]);
    lives_on(&mut life, 1).await;
    assert_eq!(life.numbers(), [2, 100], "the other one's stays");
    assert!(life.left_entries().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_removal_of_it_that_is_stopped_at_any_step_is_finished_by_the_next_process() {
    for step in 0..60 {
        let mut life = Life::left_denying().await;
        lives_on(&mut life, 1).await;
        life.removes_the_entry();
        let done = life.run(Fuse::at(step), HOUR).await.is_some();
        life.memories = Default::default();
        life.look_for(HOUR).await;
        assert_eq!(life.numbers(), [100], "step {step}");
        assert!(life.left_entries().is_empty(), "step {step}");
        if done {
            return;
        }
    }
    panic!("a removal takes fewer steps");
}
