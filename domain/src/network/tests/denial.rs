//! What keeps the other side out of subnets: on request, what is left open, and what is recorded.

use super::{super::*, Verdict, fold, given, samples::*};
use crate::{place::Provider, side::Side};
use std::collections::BTreeSet;

fn network(events: Vec<NetworkEvent>) -> Registered {
    match fold(events) {
        Network::Registered(it) => it,
        Network::Unregistered | Network::Retired(_) | Network::Marked(_) => {
            panic!("it is registered")
        }
    }
}

impl Verdict {
    fn then_out_of_order(self) {
        let is_so = matches!(self.0, Err(Refusal::OutcomeOutOfOrder { .. }));
        assert!(is_so, "{self:?}");
    }
}

fn quarantined() -> NetworkEvent {
    QuarantineImposed {
        network_id: network_id(),
        scope: QuarantineScope::Everything,
        reason: reason_given("held"),
        everywhere: false,
    }
    .into()
}

fn deny(side: Side, subnets: &[&str]) -> DenyWithLists {
    DenyWithLists {
        peering_id: peering_id(1),
        side,
        subnets: subnets.iter().map(|it| text(it)).collect(),
    }
}

fn stop(side: Side) -> StopDenying {
    StopDenying {
        peering_id: peering_id(1),
        side,
    }
}

fn asked(side: Side, subnets: &[&str]) -> NetworkEvent {
    DenialRequested {
        peering_id: peering_id(1),
        side,
        subnets: subnets.iter().map(|it| text(it)).collect(),
    }
    .into()
}

fn told_to_stop(side: Side) -> NetworkEvent {
    DenialWithdrawn {
        peering_id: peering_id(1),
        side,
    }
    .into()
}

/// What is denied on a side, as people read it.
fn denied(events: Vec<NetworkEvent>, side: Side) -> Vec<String> {
    let network = network(events);
    let peering = &network.peerings()[&peering_id(1)];
    let all = network.denied(peering, side).into_iter();
    all.map(|it| it.to_string()).collect()
}

fn admits(ports: &[u16]) -> NetworkEvent {
    let rules: Vec<_> = ports.iter().map(|it| rule("10.101.0.0/16", *it)).collect();
    restricted(Side::Local, &rules)
}

fn ingress() -> NetworkEvent {
    ingress_allowed(1, "10.101.8.0/24", 443).into()
}

fn closed() -> Vec<NetworkEvent> {
    active_history([restricted(Side::Local, &[]), restricted(Side::Remote, &[])])
}

fn with(events: impl IntoIterator<Item = NetworkEvent>) -> Vec<NetworkEvent> {
    closed().into_iter().chain(events).collect()
}

#[test]
fn the_engine_denies_where_it_is_asked_to_and_until_it_is_told_to_stop() {
    let one = || asked(Side::Local, &["subnet-01"]);
    given(active_history([]))
        .when(deny(Side::Local, &["subnet-01"]))
        .then([one()]);
    given(active_history([one()]))
        .when(deny(Side::Local, &["subnet-01"]))
        .then_nothing();
    given(active_history([one()]))
        .when(deny(Side::Local, &["subnet-01", "subnet-02"]))
        .then([asked(Side::Local, &["subnet-01", "subnet-02"])]);
    given(active_history([one()]))
        .when(stop(Side::Local))
        .then([told_to_stop(Side::Local)]);
    given(active_history([one(), told_to_stop(Side::Local)]))
        .when(stop(Side::Local))
        .then_nothing();
    given(active_history([one()]))
        .when(stop(Side::Remote))
        .then_nothing();
}

#[test]
fn subnets_are_named_one_by_one_and_there_is_a_most_of_them() {
    let many: Vec<String> = (0..=DENIED_SUBNETS)
        .map(|it| format!("subnet-{it}"))
        .collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for (subnets, count) in [(&[][..], 0), (&["*"], 1), (&many, DENIED_SUBNETS + 1)] {
        given(active_history([]))
            .when(deny(Side::Local, subnets))
            .then_refused(Refusal::DeniedSubnets(DeniedSubnets {
                given: count,
                most: DENIED_SUBNETS,
            }));
    }
    given(active_history([]))
        .when(deny(Side::Local, &many[..DENIED_SUBNETS]))
        .then([asked(Side::Local, &many[..DENIED_SUBNETS])]);
}

#[test]
fn everything_is_denied_while_nothing_is_admitted_in_either_direction() {
    let everything = ["everything from 10.101.0.0/16"];
    assert_eq!(denied(closed(), Side::Local), everything);
    assert_eq!(
        denied(closed(), Side::Remote),
        ["everything from 10.20.0.0/16"]
    );
}

#[test]
fn what_is_admitted_is_left_out_by_its_port_and_what_may_be_an_answer_where_there_is_one() {
    let open = with([admits(&[2113])]);
    assert_eq!(
        denied(open.clone(), Side::Local),
        [
            "tcp 0 to 2112 from 10.101.0.0/16",
            "tcp 2114 to 65535 from 10.101.0.0/16",
            "udp 0 to 65535 from 10.101.0.0/16",
        ],
        "this side opens no connection, so nothing that comes in is an answer"
    );
    assert_eq!(
        denied(open, Side::Remote),
        [
            "tcp 0 to 1023 from 10.20.0.0/16",
            "udp 0 to 65535 from 10.20.0.0/16",
        ],
        "answers of the private network come to the ports from which its clients call"
    );
    let both = with([admits(&[2113]), ingress()]);
    assert_eq!(
        denied(both.clone(), Side::Local),
        [
            "tcp 0 to 1023 from 10.101.0.0/16",
            "udp 0 to 65535 from 10.101.0.0/16",
        ]
    );
    assert_eq!(
        denied(both, Side::Remote),
        [
            "tcp 0 to 442 from 10.20.0.0/16",
            "tcp 444 to 1023 from 10.20.0.0/16",
            "udp 0 to 65535 from 10.20.0.0/16",
        ]
    );
}

#[test]
fn ports_side_by_side_and_at_both_ends_leave_no_empty_span() {
    let ends = with([admits(&[1, 2, 65534, 65535])]);
    assert_eq!(
        denied(ends, Side::Local),
        [
            "tcp 0 from 10.101.0.0/16",
            "tcp 3 to 65533 from 10.101.0.0/16",
            "udp 0 to 65535 from 10.101.0.0/16",
        ]
    );
}

#[test]
fn a_hold_changes_nothing_of_what_is_denied() {
    let open = with([admits(&[2113])]);
    let held = open.iter().cloned().chain([quarantined()]).collect();
    assert_eq!(denied(open, Side::Local), denied(held, Side::Local));
}

/// The entry that is on record, as `denial_made` has it.
fn its_network() -> Vec<NetworkEvent> {
    with([admits(&[2113]), asked(Side::Local, &["subnet-01"])])
}

#[test]
fn only_what_is_to_be_denied_is_about_to_be_made_and_each_entry_is_told_once() {
    let thing = Thing::Denial {
        denial: denial("acl-0a1b2c3d4e5f60718", 1),
    };
    let started = InstallationStarted {
        peering_id: peering_id(1),
        side: Side::Local,
        things: vec![thing.clone()],
    };
    given(its_network())
        .when(Outcome::from(started.clone()))
        .then([started.clone().into()]);
    for history in [
        with([admits(&[2113])]),
        with([admits(&[80]), asked(Side::Local, &["subnet-01"])]),
    ] {
        given(history)
            .when(Outcome::from(started.clone()))
            .then_out_of_order();
    }
    let made = || denial_made(Side::Local);
    let known: Vec<_> = its_network().into_iter().chain([made().into()]).collect();
    given(its_network())
        .when(Outcome::from(made()))
        .then([made().into()]);
    given(known.clone())
        .when(Outcome::from(made()))
        .then_nothing();
    given(known.clone())
        .when(Outcome::from(denial_removed(Side::Local)))
        .then([denial_removed(Side::Local).into()]);
    given(its_network())
        .when(Outcome::from(denial_removed(Side::Local)))
        .then_nothing();
    let network = network(known.into_iter().chain([started.into()]).collect());
    let peering = &network.peerings()[&peering_id(1)];
    assert!(peering.has_on_record(Side::Local, &thing));
    assert!(!peering.has_on_record(Side::Remote, &thing));
    let own: Vec<_> = peering.own_denials(Side::Local).into_iter().collect();
    assert_eq!(own, [denial("acl-0a1b2c3d4e5f60718", 1)]);
}

#[test]
fn what_is_denied_in_a_list_already_is_not_made_there_again_under_another_number() {
    let about = |list: &str, number| InstallationStarted {
        peering_id: peering_id(1),
        side: Side::Local,
        things: vec![Thing::Denial {
            denial: denial(list, number),
        }],
    };
    let made = denial_made(Side::Local);
    let list = made.denial.list.to_string();
    for known in [made.clone().into(), about(&list, 1).into()] {
        let known: Vec<NetworkEvent> = its_network().into_iter().chain([known]).collect();
        given(known.clone())
            .when(Outcome::from(about(&list, 2)))
            .then_out_of_order();
        given(known.clone())
            .when(Outcome::from(about(&list, 1)))
            .then_nothing();
        let elsewhere = about("acl-02", 2);
        given(known)
            .when(Outcome::from(elsewhere.clone()))
            .then([elsewhere.into()]);
    }
    let gone = [made.into(), denial_removed(Side::Local).into()];
    given(its_network().into_iter().chain(gone).collect::<Vec<_>>())
        .when(Outcome::from(about(&list, 2)))
        .then([about(&list, 2).into()]);
}

#[test]
fn that_denials_no_longer_hold_is_told_once_and_what_keeps_them_out_is_then_told_anew() {
    let it = all_of(its_network());
    let lapsed = denial_lapsed(Side::Local);
    given(its_network())
        .when(Outcome::from(lapsed.clone()))
        .then_nothing();
    let known: Vec<_> = its_network()
        .into_iter()
        .chain([it.clone().into()])
        .collect();
    given(known.clone())
        .when(Outcome::from(denial_lapsed(Side::Remote)))
        .then_nothing();
    given(known.clone())
        .when(Outcome::from(lapsed.clone()))
        .then([lapsed.clone().into()]);
    let over: Vec<_> = known
        .iter()
        .cloned()
        .chain([lapsed.clone().into()])
        .collect();
    let state = network(over.clone());
    let denials = &state.peerings()[&peering_id(1)].firewall.local.denials;
    assert!(denials.enforced.is_none() && denials.wanted.is_some());
    given(over.clone())
        .when(Outcome::from(lapsed))
        .then_nothing();
    given(over)
        .when(Outcome::from(it.clone()))
        .then([it.clone().into()]);
    // With other addresses it is told again.
    let placed = DenialEnforced {
        subnets: [DeniedSubnet {
            subnet: text("subnet-01"),
            range: range("10.20.1.0/24"),
            list: text("acl-0a1b2c3d4e5f60718"),
        }]
        .into(),
        ..it
    };
    given(known)
        .when(Outcome::from(placed.clone()))
        .then([placed.clone().into()]);
    let known = its_network().into_iter().chain([placed.clone().into()]);
    let known: Vec<_> = known.collect();
    let state = network(known.clone());
    let denials = &state.peerings()[&peering_id(1)].firewall.local.denials;
    assert_eq!(denials.enforced.as_ref().unwrap().subnets, placed.subnets);
    given(known).when(Outcome::from(placed)).then_nothing();
}

fn all_of(history: Vec<NetworkEvent>) -> DenialEnforced {
    let network = network(history);
    let peering = &network.peerings()[&peering_id(1)];
    DenialEnforced {
        denies: network.denied(peering, Side::Local),
        ..denial_enforced(Side::Local)
    }
}

#[test]
fn that_it_is_enforced_is_told_of_what_is_wanted_now_and_once_until_that_changes() {
    let it = all_of(its_network());
    given(its_network())
        .when(Outcome::from(it.clone()))
        .then([it.clone().into()]);
    let known: Vec<_> = its_network()
        .into_iter()
        .chain([it.clone().into()])
        .collect();
    given(known.clone())
        .when(Outcome::from(it.clone()))
        .then_nothing();
    let elsewhere = DenialEnforced {
        lists: [text("acl-2")].into(),
        ..it.clone()
    };
    given(known.clone())
        .when(Outcome::from(elsewhere.clone()))
        .then([elsewhere.into()]);
    let less = DenialEnforced {
        denies: BTreeSet::new(),
        ..it.clone()
    };
    given(known.clone())
        .when(Outcome::from(less))
        .then_out_of_order();
    let stopped = known.iter().cloned().chain([told_to_stop(Side::Local)]);
    given(stopped.collect::<Vec<_>>())
        .when(Outcome::from(it))
        .then_out_of_order();
}

#[test]
fn a_denial_that_is_asked_for_and_not_seen_is_not_in_place_and_neither_is_one_that_is_left() {
    let is_seen = |events: Vec<NetworkEvent>| {
        let network = network(events);
        let denials = &network.peerings()[&peering_id(1)].firewall.local.denials;
        (denials.enforced.is_some(), denials.made.len())
    };
    let it = all_of(its_network());
    let known: Vec<_> = its_network()
        .into_iter()
        .chain([denial_made(Side::Local).into(), it.into()])
        .collect();
    assert_eq!(is_seen(known.clone()), (true, 1));
    for (event, expected) in [
        (told_to_stop(Side::Local), (false, 1)),
        (asked(Side::Local, &["subnet-02"]), (false, 1)),
        (denial_removed(Side::Local).into(), (false, 0)),
    ] {
        let events = known.iter().cloned().chain([event.clone()]).collect();
        assert_eq!(is_seen(events), expected, "{event:?}");
    }
}

#[test]
fn what_stands_of_it_when_a_peering_ends_is_named() {
    let network = network(
        its_network()
            .into_iter()
            .chain([denial_made(Side::Local).into()])
            .collect(),
    );
    let left = network.peerings()[&peering_id(1)].leftovers();
    let expected = Leftover::Denial {
        side: Side::Local,
        denial: denial("acl-0a1b2c3d4e5f60718", 1),
    };
    assert!(left.contains(&expected), "{left:?}");
}

#[test]
fn no_other_provider_has_lists_to_deny_with() {
    for provider in [Provider::Gcp, Provider::Azure] {
        let elsewhere = RegisterNetwork {
            provider,
            ..register()
        };
        given([registered_as(elsewhere, network_id()), requested(1)])
            .when(deny(Side::Local, &["subnet-01"]))
            .then_refused(Refusal::DenialUnsupported(DenialUnsupported { provider }));
    }
}
