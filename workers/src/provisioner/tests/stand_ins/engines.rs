//! Two engines that know nothing of each other, each with a log of its own, on one private network.

use super::Life;
use domain::{Side, network::BlockCause};
use std::collections::BTreeSet;

in_every_world!(
    two_engines_on_one_private_network_touch_nothing_of_each_others,
    two_engines_at_the_same_time_both_come_to_what_was_asked_of_them,
    the_pair_that_another_engine_has_joined_is_left_to_it,
);

impl Life {
    /// The engine's own rules on the private network's side, by their names.
    fn own_rules(&self) -> BTreeSet<String> {
        let name = cloud::group_name(self.log.peering().id);
        let rules = self.world.rules(Side::Local).into_iter();
        rules.filter(|it| it.starts_with(&name)).collect()
    }

    fn exposures(&self) -> usize {
        let firewall = self.log.peering().firewall;
        let of = |side| firewall.get(side).exposures.len();
        of(Side::Local) + of(Side::Remote)
    }
}

async fn two_engines_on_one_private_network_touch_nothing_of_each_others(mut one: Life) {
    let third = one.world.third();
    let mut other = one.beside(1, Some(&third));
    one.converges().await;
    let (rules, half) = (one.own_rules(), one.world.halves(Side::Local));
    assert!(rules.len() >= 2, "{rules:?}");
    other.converges().await;
    assert_ne!(one.name(), other.name());
    assert_eq!(one.own_rules(), rules, "whatever the other made");
    assert!(rules.is_disjoint(&other.own_rules()));
    let all: BTreeSet<_> = rules.union(&other.own_rules()).cloned().collect();
    assert_eq!(one.world.rules(Side::Local), all);
    for life in [&mut one, &mut other] {
        let events = life.log.events().len();
        life.looks_again().await;
        life.looks_again().await;
        let news = life.log.names(events);
        let is_news = |it: &&&str| !["ExposureCleared"].contains(*it);
        assert_eq!(news.iter().filter(is_news).count(), 0, "{news:?}");
        assert_eq!(life.exposures(), 0, "a rule of the other's is no hole");
    }
    other.removes();
    other.ends_as("removed").await;
    assert_eq!(other.log.peering().leftovers(), []);
    assert_eq!(one.world.rules(Side::Local), rules);
    assert_eq!(one.world.halves(Side::Local), half);
    one.looks_again().await;
    assert_eq!(one.count("DriftDetected"), 0);
    one.removes();
    one.ends_as("removed").await;
    one.is_clean("both are gone");
}

async fn two_engines_at_the_same_time_both_come_to_what_was_asked_of_them(mut one: Life) {
    let third = one.world.third();
    let mut other = one.beside(1, Some(&third));
    tokio::join!(one.converges(), other.converges());
    let mut names = one.names_on(Side::Local);
    names.sort();
    let mut wanted = [one.name(), other.name()];
    wanted.sort();
    assert_eq!(names, wanted);
    assert_eq!((one.own_rules().len(), other.own_rules().len()), (2, 2));
    one.removes();
    other.removes();
    tokio::join!(one.ends_as("removed"), other.ends_as("removed"));
    one.is_clean("both are gone");
}

async fn the_pair_that_another_engine_has_joined_is_left_to_it(mut one: Life) {
    let mut other = one.beside(1, None);
    one.converges().await;
    let (rules, halves) = (one.own_rules(), one.world.halves(Side::Local));
    other.blocks(BlockCause::Conflict, Side::Local).await;
    other.removes();
    other.ends_as("removed").await;
    assert_eq!(one.world.rules(Side::Local), rules);
    assert_eq!(one.world.halves(Side::Local), halves);
    one.is_joined_once("the other has gone");
    let mut other = one.beside(2, None);
    other.blocks(BlockCause::Conflict, Side::Local).await;
    one.removes();
    one.ends_as("removed").await;
    other.converges().await;
    other.is_joined_once("its turn");
}
