//! Ownership, routes in place and routes that an exposure suspends.

use super::{super::*, fold, given, recorded, samples::*};
use crate::side::Side;

const D: &str = "10.101.0.0/16";

fn network_of(events: impl IntoIterator<Item = NetworkEvent>) -> Registered {
    let Network::Registered(network) = fold(events) else {
        panic!("the network is not registered")
    };
    network
}

fn with_route(then: impl IntoIterator<Item = NetworkEvent>) -> Vec<NetworkEvent> {
    active_history(std::iter::once(route_accepted(Side::Local, D)).chain(then))
}

fn intend(things: impl IntoIterator<Item = Thing>) -> NetworkEvent {
    intended(Side::Local, things).into()
}

fn installed(table: &str) -> NetworkEvent {
    route_installed(Side::Local, D, table).into()
}

fn withdrawn() -> NetworkEvent {
    RouteWithdrawn {
        peering_id: peering_id(1),
        side: Side::Local,
        destination: range(D),
        replaced_by: None,
    }
    .into()
}

fn owns(peering: &Peering, table: &str) -> bool {
    peering.owns_route(Side::Local, &text(table), range(D))
}

#[test]
fn a_destination_that_was_accepted_once_makes_no_route_ours() {
    let gone: NetworkEvent = route_removed(Side::Local, D, "rtb-01").into();
    let peering = recorded(with_route([
        intend([route_thing(D, "rtb-01")]),
        installed("rtb-01"),
        withdrawn(),
        gone,
    ]));
    assert!(!owns(&peering, "rtb-01") && !owns(&peering, "rtb-02"));
    let never_seen = recorded(with_route([withdrawn()]));
    assert!(!owns(&never_seen, "rtb-01"));
}

#[test]
fn what_was_about_to_be_made_is_ours_until_it_is_known_not_to_be_there() {
    let intent = intend([route_thing(D, "rtb-01"), Thing::Group]);
    let peering = recorded(with_route([intent.clone()]));
    assert!(owns(&peering, "rtb-01") && !owns(&peering, "rtb-02"));
    let side = Side::Local;
    let possible = |thing| Leftover::PossibleThing { side, thing };
    assert_eq!(
        peering.leftovers()[1..],
        [possible(route_thing(D, "rtb-01")), possible(Thing::Group)]
    );
    let over = InstallationEnded {
        peering_id: peering_id(1),
        side,
        things: vec![route_thing(D, "rtb-01"), Thing::Group],
    };
    let after = recorded(with_route([intent, over.into()]));
    assert!(!owns(&after, "rtb-01") && after.intents.get(side).is_empty());
}

#[test]
fn a_thing_that_was_seen_is_installed_and_no_longer_about_to_be_made() {
    let side = Side::Local;
    let rule = clients();
    let option = LinkOption::DnsResolution;
    let things = [
        route_thing(D, "rtb-01"),
        Thing::Group,
        Thing::from(rule),
        Thing::Option { option },
    ];
    let peering = recorded(with_route([
        intend(things.clone()),
        installed("rtb-01"),
        group_created(side, "sg-01").into(),
        rule_authorized(side, rule, "sgr-01").into(),
        dns_applied(side, true).into(),
    ]));
    assert!(peering.intents.get(side).is_empty());
    for thing in &things {
        assert!(peering.has_on_record(side, thing), "{thing:?}");
        assert!(!peering.has_on_record(Side::Remote, thing), "{thing:?}");
    }
}

#[test]
fn an_intent_is_recorded_once_and_only_for_what_is_not_on_record() {
    let both = || intended(Side::Local, [route_thing(D, "rtb-01"), Thing::Group]);
    given(with_route([]))
        .when(Outcome::from(both()))
        .then([both().into()]);
    given(with_route([both().into()]))
        .when(Outcome::from(both()))
        .then_nothing();
    given(with_route([
        intend([route_thing(D, "rtb-01")]),
        installed("rtb-01"),
    ]))
    .when(Outcome::from(both()))
    .then([intend([Thing::Group])]);
}

#[test]
fn what_was_withdrawn_removed_frozen_or_put_in_quarantine_meanwhile_is_not_opened() {
    let intent = || Outcome::from(intended(Side::Local, [route_thing(D, "rtb-01")]));
    given(with_route([withdrawn()]))
        .when(intent())
        .then_refused(Refusal::RouteNotAccepted {
            peering_id: peering_id(1),
            side: Side::Local,
            destination: range(D),
        });
    let freeze = NetworkFrozen {
        network_id: network_id(),
        reason: reason_given("an incident"),
        everywhere: false,
    };
    let quarantine = QuarantineImposed {
        network_id: network_id(),
        scope: QuarantineScope::Everything,
        reason: reason_given("an incident"),
        everywhere: false,
    };
    for meanwhile in [removal_requested(), freeze.into(), quarantine.into()] {
        let verdict = given(with_route([meanwhile])).when(intent());
        assert!(
            matches!(verdict.0, Err(Refusal::OutcomeOutOfOrder { .. })),
            "{verdict:?}"
        );
    }
}

#[test]
fn a_route_that_somebody_else_made_first_is_used_and_never_ours_until_the_engine_makes_it() {
    let found: NetworkEvent = route_found(Side::Local, D, "rtb-01").into();
    let peering = recorded(with_route([found.clone()]));
    let route = &peering.routes.local[&range(D)];
    assert!(route.installed.contains_key(&text("rtb-01")));
    assert!(!owns(&peering, "rtb-01"));
    assert!(peering.was_found(Side::Local, &text("rtb-01"), range(D)));
    assert_eq!(peering.leftovers(), [Leftover::Link { link: link() }]);
    let after = recorded(with_route([found.clone(), withdrawn()]));
    assert!(after.withdrawn.local.is_empty());
    let made = recorded(with_route([
        found,
        intend([route_thing(D, "rtb-01")]),
        installed("rtb-01"),
    ]));
    assert!(owns(&made, "rtb-01"));
}

#[test]
fn a_route_that_is_on_record_as_ours_is_not_found() {
    given(with_route([
        intend([route_thing(D, "rtb-01")]),
        installed("rtb-01"),
    ]))
    .when(Outcome::from(route_found(Side::Local, D, "rtb-01")))
    .then_nothing();
}

fn in_place(then: impl IntoIterator<Item = NetworkEvent>) -> Peering {
    let all = [
        intend([route_thing(D, "rtb-01")]),
        installed("rtb-01"),
        routes_enforced(Side::Local, &["rtb-01"], &[D]).into(),
    ];
    recorded(with_route(all.into_iter().chain(then)))
}

#[test]
fn routes_are_in_place_once_an_observation_has_seen_all_of_them() {
    let peering = in_place([]);
    let seen = peering.routes_in_place.local.unwrap();
    assert_eq!(seen.at, [Where::Table(text("rtb-01"))].into());
    assert_eq!(seen.destinations, [range(D)].into());
    given(with_route([
        installed("rtb-01"),
        routes_enforced(Side::Local, &["rtb-01"], &[D]).into(),
    ]))
    .when(Outcome::from(routes_enforced(
        Side::Local,
        &["rtb-01"],
        &[D],
    )))
    .then_nothing();
}

#[test]
fn an_accepted_a_removed_a_drifted_and_a_conflicting_route_take_it_back() {
    let taken_back: [NetworkEvent; 5] = [
        route_accepted(Side::Local, "10.101.7.0/24"),
        route_removed(Side::Local, D, "rtb-01").into(),
        detected(DriftKind::RouteMissing {
            side: Side::Local,
            route_table: text("rtb-01"),
            destination: range(D),
        })
        .into(),
        route_conflicted(Side::Local, D, "rtb-01", "tgw-01").into(),
        installed("rtb-02"),
    ];
    for event in taken_back {
        let name = event.name();
        assert_eq!(in_place([event]).routes_in_place.local, None, "{name}");
    }
    let other: NetworkEvent = detected(DriftKind::LinkTagMissing).into();
    assert!(in_place([other]).routes_in_place.local.is_some());
}

/// Peering 1 with all in place but the routes of the local side, and then these events.
fn but_for_routes(then: impl IntoIterator<Item = NetworkEvent>) -> Peering {
    let firewalls = Side::BOTH.map(|side| enforced(side, "sg-01", &[]).into());
    recorded(with_route(firewalls.into_iter().chain(then)))
}

#[test]
fn a_side_is_converged_once_one_observation_has_seen_all_its_routes() {
    let two = || intend([route_thing(D, "rtb-01"), route_thing(D, "rtb-02")]);
    let one_is_in = [two(), installed("rtb-01")];
    assert!(!but_for_routes(one_is_in.clone()).is_converged());
    let seen: NetworkEvent = routes_enforced(Side::Local, &["rtb-01", "rtb-02"], &[D]).into();
    let both_are_in = one_is_in.into_iter().chain([installed("rtb-02")]);
    assert!(!but_for_routes(both_are_in.clone()).is_converged());
    assert!(but_for_routes(both_are_in.chain([seen])).is_converged());
}

#[test]
fn in_a_history_from_before_that_was_recorded_a_route_that_was_seen_has_to_do() {
    assert!(but_for_routes([installed("rtb-01")]).is_converged());
}

fn exposed_under(policy: ExposurePolicy) -> Vec<NetworkEvent> {
    let policy = policy_set(Policy {
        exposure: policy,
        ..Policy::default()
    });
    with_route([policy, exposed(Side::Remote, "sgr-09").into()])
}

#[test]
fn routes_are_suspended_for_an_exposure_that_the_policy_blocks_and_resumed_when_it_is_gone() {
    let suspend = || routes_suspended(Side::Local, "sgr-09");
    let resume = RoutesResumed {
        peering_id: peering_id(1),
        side: Side::Local,
    };
    let history = exposed_under(ExposurePolicy::Block);
    given(history.clone())
        .when(Outcome::from(suspend()))
        .then([suspend().into()]);
    let suspended = history.into_iter().chain([suspend().into()]);
    let suspended: Vec<_> = suspended.collect();
    let network = network_of(suspended.clone());
    let peering = &network.peerings()[&peering_id(1)];
    assert!(!network.wants_routes(peering, Side::Local));
    assert!(network.wants_routes(peering, Side::Remote));
    let early = given(suspended.clone()).when(Outcome::from(resume.clone()));
    assert!(matches!(early.0, Err(Refusal::OutcomeOutOfOrder { .. })));
    let cleared: NetworkEvent = exposure_cleared(Side::Remote, "sgr-09").into();
    given(suspended.into_iter().chain([cleared]))
        .when(Outcome::from(resume.clone()))
        .then([resume.into()]);
}

#[test]
fn no_route_is_suspended_for_what_may_be_an_exposure_and_nobody_can_tell() {
    let policy = policy_set(Policy {
        exposure: ExposurePolicy::Block,
        ..Policy::default()
    });
    let mut found = exposed(Side::Remote, "sgr-09");
    found.exposure.cannot_tell = true;
    let history = with_route([policy, found.into()]);
    let verdict = given(history).when(Outcome::from(routes_suspended(Side::Local, "sgr-09")));
    assert!(matches!(verdict.0, Err(Refusal::OutcomeOutOfOrder { .. })));
}

#[test]
fn no_route_is_suspended_under_another_policy_nor_opened_while_it_is() {
    let verdict = given(exposed_under(ExposurePolicy::Report))
        .when(Outcome::from(routes_suspended(Side::Local, "sgr-09")));
    assert!(matches!(verdict.0, Err(Refusal::OutcomeOutOfOrder { .. })));
    let suspended: NetworkEvent = routes_suspended(Side::Local, "sgr-09").into();
    let history = exposed_under(ExposurePolicy::Block)
        .into_iter()
        .chain([suspended]);
    let verdict = given(history).when(Outcome::from(intended(
        Side::Local,
        [route_thing(D, "rtb-01")],
    )));
    assert!(matches!(verdict.0, Err(Refusal::OutcomeOutOfOrder { .. })));
}

#[test]
fn a_policy_covers_what_it_acts_on() {
    let group = group("sg-01");
    let enforce = ExposurePolicy::Enforce {
        groups: [group.clone()].into(),
    };
    assert!(enforce.covers(&group) && ExposurePolicy::Block.covers(&group));
    assert!(!enforce.covers(&text("sg-02")) && !ExposurePolicy::Report.covers(&group));
}

#[test]
fn in_quarantine_a_firewall_that_admits_nothing_is_enforced_and_that_is_said_once() {
    let restrict = restricted(Side::Local, &[clients()]);
    let quarantine: NetworkEvent = QuarantineImposed {
        network_id: network_id(),
        scope: QuarantineScope::Everything,
        reason: reason_given("an incident"),
        everywhere: false,
    }
    .into();
    let closed = || enforced(Side::Local, "sg-01", &[]);
    let history = active_history([restrict, quarantine]);
    given(history.clone())
        .when(Outcome::from(closed()))
        .then([closed().into()]);
    given(history.clone().into_iter().chain([closed().into()]))
        .when(Outcome::from(closed()))
        .then_nothing();
    let open = given(history).when(Outcome::from(enforced(Side::Local, "sg-01", &[clients()])));
    assert!(matches!(open.0, Err(Refusal::OutcomeOutOfOrder { .. })));
}
