//! Exposures that come and go beside others: what is held back of the one says nothing of another.

use super::{super::*, fold, given, now, samples::*};
use crate::side::Side;
use chrono::TimeDelta;

/// A rule that admits this, from this group of the peer's.
fn admits(rule_id: &str, admits: &str) -> FirewallExposed {
    let it = exposed(Side::Remote, rule_id);
    FirewallExposed {
        exposure: Exposure {
            admits: admits.to_owned(),
            ..it.exposure
        },
        ..it
    }
}

/// It has come and gone so often that its end would be held back.
fn flapped(times: usize) -> Vec<NetworkEvent> {
    let round = [
        admits("sgr-01", "tcp 22 from 10.20.0.0/16").into(),
        exposure_cleared(Side::Remote, "sgr-01").into(),
    ];
    std::iter::repeat_n(round, times).flatten().collect()
}

#[test]
fn a_second_rule_that_admits_the_same_is_an_exposure_of_its_own() {
    let (first, second) = (
        admits("sgr-01", "tcp 22 from 10.20.0.0/16"),
        admits("sgr-02", "tcp 22 from 10.20.0.0/16"),
    );
    given(active_history([first.into()]))
        .when(Outcome::from(second.clone()))
        .then([second.into()]);
}

#[test]
fn a_rule_that_comes_back_is_told_although_another_exposure_stands() {
    let (other, again) = (
        admits("sgr-09", "everything from 10.0.0.0/8"),
        admits("sgr-02", "tcp 22 from 10.20.0.0/16"),
    );
    let before = || flapped(30).into_iter().chain([other.clone().into()]);
    given(active_history(before()))
        .when(Outcome::from(again.clone()))
        .then([again.clone().into()]);
    let third = admits("sgr-03", "tcp 22 from 10.20.0.0/16");
    given(active_history(before().chain([again.into()])))
        .when(Outcome::from(third))
        .then_nothing();
}

#[test]
fn what_went_a_whole_day_ago_is_forgotten_to_the_second() {
    let went_after = |pause: TimeDelta| {
        let state = fold(active_history(flapped(3)));
        let later = now() + pause;
        let state = flapped(1)
            .iter()
            .fold(state, |state, event| evolve(state, event, later));
        let Network::Registered(network) = state else {
            panic!("the network is on record");
        };
        let firewall = &network.peerings()[&peering_id(1)].firewall.remote;
        let exposure = admits("sgr-01", "tcp 22 from 10.20.0.0/16").exposure;
        firewall
            .went(&exposure.group, &exposure.admits, later)
            .map(|(times, _)| times)
    };
    let day = TimeDelta::hours(24);
    assert_eq!(went_after(day - TimeDelta::seconds(1)), Some(4));
    assert_eq!(went_after(day), Some(1));
}
