//! What is on record of denials: before which addresses they were seen to keep out what they
//! should, and from when on they no longer did.

use super::{denial::subnet, *};
use domain::{
    network::{DenialSeen, DriftPolicy, Policy, SetPolicy},
    text::AccessList,
};

const ALL: (&str, bool) = ("everything from 0.0.0.0/0", true);

impl Life {
    fn seen(&self) -> Option<DenialSeen> {
        self.log.peering().firewall.local.denials.enforced
    }

    /// Each subnet with its addresses and its list.
    fn told(&self) -> Vec<(String, String, AccessList)> {
        let seen = self.seen().into_iter().flat_map(|it| it.subnets);
        seen.map(|it| (it.subnet.to_string(), it.range.to_string(), it.list))
            .collect()
    }

    /// Ours has the number 2: somebody's entry has number 1, and takes nothing away from ours.
    async fn behind_somebodys() -> (Self, AccessList) {
        let mut life = Self::closed().await;
        let list = life.fenced("subnet-a", &[ALL]);
        let (home, hands) = (life.network(Side::Local), life.cloud.out_of_band());
        hands.enter(&home, &list, 1, ("tcp 22 from 192.168.0.0/16", false));
        life.denies(&["subnet-a"]);
        life.settles().await;
        assert!(life.is_kept());
        (life, list)
    }
}

#[tokio::test(start_paused = true)]
async fn the_subnets_are_told_with_their_addresses_and_their_lists_and_again_with_another_list() {
    let mut life = Life::with_a_subnet().await;
    let (home, hands) = (life.network(Side::Local), life.cloud.out_of_band());
    hands.place_subnet(&home, &subnet("subnet-a"), "10.20.7.0/24".parse().ok());
    life.denies(&["subnet-a"]);
    life.settles().await;
    let list = life.list("subnet-a").list.unwrap();
    let told = |list| vec![("subnet-a".to_owned(), "10.20.7.0/24".to_owned(), list)];
    assert_eq!(life.told(), told(list));
    let new = life.fenced("subnet-a", &[ALL]);
    life.looked_at().await;
    assert_eq!(life.told(), told(new));
    let other = life.fenced("subnet-b", &[ALL]);
    hands.place_subnet(&home, &subnet("subnet-b"), "10.20.8.0/24".parse().ok());
    life.denies(&["subnet-a", "subnet-b"]);
    life.settles().await;
    let lists = |life: &Life| life.told().into_iter().map(|it| it.2).collect::<Vec<_>>();
    let first = lists(&life)[0].clone();
    assert_eq!(lists(&life), [first.clone(), other.clone()]);
    // They change places, and both deny as before.
    hands.move_list(&home, &other, &subnet("subnet-a"));
    hands.move_list(&home, &first, &subnet("subnet-b"));
    life.looked_at().await;
    assert_eq!(lists(&life), [other, first]);
    let enforced = life.count("DenialEnforced");
    life.looked_at().await;
    assert_eq!(life.count("DenialEnforced"), enforced, "told once");
    assert_eq!(
        life.count("DenialLapsed"),
        1,
        "at the new list, before it denied"
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_no_longer_kept_out_is_told_once_and_so_is_that_it_is_kept_out_again() {
    let (mut life, list) = Life::behind_somebodys().await;
    let (home, hands) = (life.network(Side::Local), life.cloud.out_of_band());
    hands.enter(&home, &list, 1, ("tcp 22 from 10.0.0.0/8", true));
    for _ in 0..3 {
        life.looked_at_until(BlockCause::Conflict).await;
        assert_eq!(life.seen(), None);
    }
    assert_eq!(life.count("DenialLapsed"), 1);
    hands.remove_entry(&home, &list, 1);
    life.looked_at().await;
    assert!(life.seen().is_some());
    assert_eq!(
        (life.count("DenialLapsed"), life.count("DenialEnforced")),
        (1, 2)
    );
}

#[tokio::test(start_paused = true)]
async fn an_entry_that_is_gone_and_only_reported_keeps_nothing_out_any_more() {
    let mut life = Life::with_a_subnet().await;
    life.denies(&["subnet-a"]);
    life.settles().await;
    life.says(SetPolicy {
        policy: Policy {
            drift: DriftPolicy::Report,
            ..Policy::default()
        },
    });
    let list = life.list("subnet-a").list.unwrap();
    let (home, hands) = (life.network(Side::Local), life.cloud.out_of_band());
    hands.remove_entry(&home, &list, 1);
    life.looked_at().await;
    assert_eq!((life.seen(), life.count("DenialLapsed")), (None, 1));
    life.looked_at().await;
    assert_eq!(life.count("DenialLapsed"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_list_before_others_too_that_denies_nothing_lapses_though_nothing_is_made_in_it() {
    let (mut life, _) = Life::behind_somebodys().await;
    let (home, hands) = (life.network(Side::Local), life.cloud.out_of_band());
    hands.add_subnet(&home, &subnet("subnet-b"), None);
    hands.fence(&home, &[subnet("subnet-a"), subnet("subnet-b")], &[ALL]);
    life.looked_at_until(BlockCause::Conflict).await;
    assert_eq!((life.seen(), life.count("DenialLapsed")), (None, 1));
}

#[tokio::test(start_paused = true)]
async fn a_change_of_what_is_admitted_and_the_end_of_denying_are_no_lapses() {
    let mut life = Life::with_a_subnet().await;
    life.denies(&["subnet-a"]);
    life.settles().await;
    for ports in [&[2113][..], &[8080], &[]] {
        life.admits(ports);
        life.settles().await;
        assert!(life.is_kept());
    }
    life.stops_denying();
    life.settles().await;
    assert_eq!(life.count("DenialLapsed"), 0);
    assert_eq!(life.seen(), None);
}

#[tokio::test(start_paused = true)]
async fn where_the_addresses_of_a_subnet_do_not_show_none_are_told() {
    let mut life = Life::with_a_subnet().await;
    let (home, hands) = (life.network(Side::Local), life.cloud.out_of_band());
    hands.place_subnet(&home, &subnet("subnet-a"), None);
    life.denies(&["subnet-a"]);
    life.settles().await;
    assert!(life.is_kept());
    assert_eq!(life.told(), []);
}
