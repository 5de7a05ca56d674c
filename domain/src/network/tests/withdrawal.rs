//! Withdrawing and replacing routes: the old one goes when the new one is in, and only where it is
//! ours.

use super::{super::*, given, now, recorded, samples::*};
use crate::{range::Range, side::Side};

const WIDE: &str = "10.101.0.0/16";
const HALF: &str = "10.101.0.0/17";
const PART: &str = "10.101.7.0/24";

fn withdraw(destination: &str) -> WithdrawRoute {
    WithdrawRoute {
        peering_id: peering_id(1),
        side: Side::Local,
        destination: range(destination),
    }
}

fn replace(from: &str, to: &str) -> ReplaceRoute {
    ReplaceRoute {
        peering_id: peering_id(1),
        side: Side::Local,
        from: range(from),
        to: range(to),
    }
}

fn accepted_route(destination: &str) -> NetworkEvent {
    route_accepted(Side::Local, destination)
}

fn in_place(destination: &str, table: &str) -> NetworkEvent {
    route_installed(Side::Local, destination, table).into()
}

fn gone(destination: &str, table: &str) -> NetworkEvent {
    route_removed(Side::Local, destination, table).into()
}

/// What is still to be removed from the local side, and what must be in place before.
fn waiting(peering: &Peering, destination: &str) -> Option<(Vec<String>, Option<Range>)> {
    let route = peering.withdrawn.local.get(&range(destination))?;
    Some((
        route.installed.keys().map(ToString::to_string).collect(),
        route.replaced_by,
    ))
}

#[test]
fn a_route_that_was_accepted_is_withdrawn_for_good() {
    given(active_history([accepted_route(WIDE)]))
        .when(withdraw(WIDE))
        .then([withdrawn(Side::Local, WIDE, None)]);
}

#[test]
fn a_route_that_was_never_accepted_is_not_withdrawn() {
    let refusal = Refusal::RouteNotAccepted {
        peering_id: peering_id(1),
        side: Side::Local,
        destination: range(PART),
    };
    given(active_history([accepted_route(WIDE)]))
        .when(withdraw(PART))
        .then_refused(refusal);
}

#[test]
fn withdrawing_a_route_again_changes_nothing_whether_or_not_it_is_gone_yet() {
    let withdrawal = [
        accepted_route(WIDE),
        in_place(WIDE, "rtb-01"),
        withdrawn(Side::Local, WIDE, None),
    ];
    given(active_history(withdrawal.clone()))
        .when(withdraw(WIDE))
        .then_nothing();
    given(active_history(
        withdrawal.into_iter().chain([gone(WIDE, "rtb-01")]),
    ))
    .when(withdraw(WIDE))
    .then_nothing();
}

#[test]
fn a_withdrawn_route_waits_until_it_is_gone_from_every_table() {
    let history = |then: &[NetworkEvent]| {
        let until_withdrawn = [
            accepted_route(WIDE),
            in_place(WIDE, "rtb-01"),
            in_place(WIDE, "rtb-02"),
            withdrawn(Side::Local, WIDE, None),
        ];
        recorded(active_history(
            until_withdrawn.into_iter().chain(then.to_vec()),
        ))
    };
    assert_eq!(
        waiting(&history(&[]), WIDE),
        Some((vec!["rtb-01".to_owned(), "rtb-02".to_owned()], None))
    );
    assert_eq!(
        waiting(&history(&[gone(WIDE, "rtb-01")]), WIDE),
        Some((vec!["rtb-02".to_owned()], None))
    );
    assert_eq!(
        waiting(
            &history(&[gone(WIDE, "rtb-01"), gone(WIDE, "rtb-02")]),
            WIDE
        ),
        None
    );
}

#[test]
fn a_route_that_was_withdrawn_before_it_was_seen_is_put_on_record_when_it_is_and_then_goes() {
    let installed = route_installed(Side::Local, WIDE, "rtb-01");
    let intent = intended(Side::Local, [route_thing(WIDE, "rtb-01")]);
    let events = active_history([
        accepted_route(WIDE),
        intent.into(),
        withdrawn(Side::Local, WIDE, None),
    ]);
    given(events.clone())
        .when(Outcome::from(installed.clone()))
        .then([installed.clone().into()]);
    let seen = recorded(events.into_iter().chain([installed.into()]));
    assert_eq!(
        waiting(&seen, WIDE),
        Some((vec!["rtb-01".to_owned()], None))
    );
    assert!(seen.routes.local.is_empty());
}

#[test]
fn a_withdrawn_route_that_is_accepted_again_keeps_what_is_installed() {
    let again = [
        accepted_route(WIDE),
        in_place(WIDE, "rtb-01"),
        withdrawn(Side::Local, WIDE, None),
        accepted_route(WIDE),
    ];
    let peering = recorded(active_history(again));
    assert_eq!(
        peering.routes.local[&range(WIDE)].installed,
        [(text("rtb-01"), now())].into()
    );
    assert_eq!(waiting(&peering, WIDE), None);
}

#[test]
fn a_replacement_is_one_append_and_the_new_route_comes_first() {
    let both = [
        accepted_route(HALF),
        withdrawn(Side::Local, WIDE, Some(HALF)),
    ];
    given(active_history([accepted_route(WIDE)]))
        .when(replace(WIDE, HALF))
        .then(both);
}

#[test]
fn a_route_may_be_replaced_by_one_that_is_accepted_already() {
    let events = active_history([accepted_route(WIDE), accepted_route(HALF)]);
    given(events)
        .when(replace(WIDE, HALF))
        .then([withdrawn(Side::Local, WIDE, Some(HALF))]);
}

#[test]
fn a_replacement_obeys_the_rules_of_a_new_route() {
    let events = active_history([accepted_route(WIDE)]);
    given(events.clone())
        .when(replace(WIDE, WIDE))
        .then_refused(Refusal::RouteReplacedByItself {
            destination: range(WIDE),
        });
    let refusal = Refusal::DestinationOutOfReach {
        side: Side::Local,
        destination: range("10.102.0.0/16"),
        reachable: ranges(&["10.101.0.0/16"]),
    };
    given(events.clone())
        .when(replace(WIDE, "10.102.0.0/16"))
        .then_refused(refusal);
    let refusal = Refusal::RouteNotAccepted {
        peering_id: peering_id(1),
        side: Side::Local,
        destination: range(PART),
    };
    given(events)
        .when(replace(PART, HALF))
        .then_refused(refusal);
}

#[test]
fn replacing_a_route_again_changes_nothing() {
    let events = active_history([
        accepted_route(WIDE),
        accepted_route(HALF),
        withdrawn(Side::Local, WIDE, Some(HALF)),
    ]);
    given(events).when(replace(WIDE, HALF)).then_nothing();
}

#[test]
fn a_replaced_route_waits_for_the_one_that_takes_its_place() {
    let replaced = [
        accepted_route(WIDE),
        in_place(WIDE, "rtb-01"),
        accepted_route(HALF),
        withdrawn(Side::Local, WIDE, Some(HALF)),
    ];
    assert_eq!(
        waiting(&recorded(active_history(replaced)), WIDE),
        Some((vec!["rtb-01".to_owned()], Some(range(HALF))))
    );
}

#[test]
fn what_waits_for_a_route_that_is_withdrawn_itself_waits_for_its_successor_or_for_nothing() {
    let replaced = [
        accepted_route(WIDE),
        in_place(WIDE, "rtb-01"),
        accepted_route(HALF),
        withdrawn(Side::Local, WIDE, Some(HALF)),
    ];
    let then = |events: [NetworkEvent; 2]| {
        recorded(active_history(replaced.clone().into_iter().chain(events)))
    };
    let succeeded = then([
        accepted_route(PART),
        withdrawn(Side::Local, HALF, Some(PART)),
    ]);
    assert_eq!(
        waiting(&succeeded, WIDE),
        Some((vec!["rtb-01".to_owned()], Some(range(PART))))
    );
    let given_up = then([in_place(HALF, "rtb-01"), withdrawn(Side::Local, HALF, None)]);
    assert_eq!(
        waiting(&given_up, WIDE),
        Some((vec!["rtb-01".to_owned()], None))
    );
}

#[test]
fn a_removed_route_is_recorded_once_and_an_unknown_one_never() {
    let events = active_history([accepted_route(WIDE), in_place(WIDE, "rtb-01")]);
    let removed = |table| Outcome::from(route_removed(Side::Local, WIDE, table));
    given(events.clone())
        .when(removed("rtb-01"))
        .then([gone(WIDE, "rtb-01")]);
    given(events.clone()).when(removed("rtb-02")).then_nothing();
    given(events.into_iter().chain([gone(WIDE, "rtb-01")]))
        .when(removed("rtb-01"))
        .then_nothing();
}

#[test]
fn a_conflict_is_over_when_its_table_has_no_such_route_any_more() {
    let in_conflict = route_conflicted(Side::Local, WIDE, "rtb-01", "tgw-01");
    let events = active_history([accepted_route(WIDE), in_conflict.into()]);
    given(events.clone())
        .when(Outcome::from(route_removed(Side::Local, WIDE, "rtb-01")))
        .then([gone(WIDE, "rtb-01")]);
    let after = recorded(events.into_iter().chain([gone(WIDE, "rtb-01")]));
    assert!(after.routes.local[&range(WIDE)].conflicts.is_empty());
}

#[test]
fn a_conflict_that_nothing_is_known_of_asks_for_no_route() {
    let stray = route_conflicted(Side::Local, WIDE, "rtb-01", "tgw-01");
    assert!(
        recorded(active_history([stray.into()]))
            .routes
            .local
            .is_empty()
    );
}

#[test]
fn a_peering_has_not_converged_while_a_withdrawn_route_still_stands() {
    let settled = [
        enforced(Side::Local, "sg-01", &[]).into(),
        enforced(Side::Remote, "sg-02", &[]).into(),
    ];
    let events = [
        accepted_route(WIDE),
        in_place(WIDE, "rtb-01"),
        withdrawn(Side::Local, WIDE, None),
    ];
    let before = active_history(settled.into_iter().chain(events));
    assert!(!recorded(before.clone()).is_converged());
    assert!(recorded(before.into_iter().chain([gone(WIDE, "rtb-01")])).is_converged());
}
