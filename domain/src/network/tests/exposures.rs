//! Exposures: somebody else's rules that let the private network in are on record while they do.

use super::{super::*, given, recorded, samples::*};
use crate::side::Side;

#[test]
fn an_exposure_is_recorded_once_and_again_when_it_admits_something_else() {
    let (first, wider) = (
        exposed(Side::Remote, "sgr-09"),
        exposed(Side::Remote, "sgr-09"),
    );
    let wider = FirewallExposed {
        exposure: Exposure {
            admits: "all from 10.0.0.0/8".to_owned(),
            ..wider.exposure
        },
        ..wider
    };
    given(active_history([]))
        .when(Outcome::from(first.clone()))
        .then([first.clone().into()]);
    given(active_history([first.clone().into()]))
        .when(Outcome::from(first.clone()))
        .then_nothing();
    given(active_history([first.clone().into()]))
        .when(Outcome::from(wider.clone()))
        .then([wider.clone().into()]);
    let exposures = recorded(active_history([first.into(), wider.clone().into()]))
        .firewall
        .remote
        .exposures;
    assert_eq!(
        exposures
            .into_values()
            .map(|it| it.exposure)
            .collect::<Vec<_>>(),
        [wider.exposure]
    );
}

#[test]
fn an_exposure_that_is_over_is_cleared_once() {
    let (there, cleared) = (
        exposed(Side::Remote, "sgr-09"),
        exposure_cleared(Side::Remote, "sgr-09"),
    );
    given(active_history([there.clone().into()]))
        .when(Outcome::from(cleared.clone()))
        .then([cleared.clone().into()]);
    given(active_history([there.into(), cleared.clone().into()]))
        .when(Outcome::from(cleared))
        .then_nothing();
}

#[test]
fn an_exposure_does_not_keep_a_peering_from_converging() {
    let settled = [
        enforced(Side::Local, "sg-01", &[]).into(),
        enforced(Side::Remote, "sg-02", &[]).into(),
    ];
    assert!(
        recorded(active_history(
            settled
                .into_iter()
                .chain([exposed(Side::Remote, "sgr-09").into()])
        ))
        .is_converged()
    );
}
