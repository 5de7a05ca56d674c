//! Ranges of a peer, added and given up while the link stands.

use super::{super::*, given, recorded, samples::*};
use crate::{range::Range, side::Side};

fn add(written: &[&str]) -> AddPeerRanges {
    AddPeerRanges {
        peering_id: peering_id(1),
        ranges: ranges(written),
    }
}

fn drop(written: &[&str]) -> DropPeerRanges {
    DropPeerRanges {
        peering_id: peering_id(1),
        ranges: ranges(written),
    }
}

fn added(written: &[&str]) -> NetworkEvent {
    PeerRangesAdded {
        peering_id: peering_id(1),
        ranges: ranges(written),
    }
    .into()
}

fn confirmed(written: &[&str]) -> PeerRangesConfirmed {
    PeerRangesConfirmed {
        peering_id: peering_id(1),
        ranges: ranges(written),
    }
}

fn dropped(written: &[&str]) -> NetworkEvent {
    PeerRangesDropped {
        peering_id: peering_id(1),
        ranges: ranges(written),
    }
    .into()
}

const NEW: &str = "10.111.0.0/16";

#[test]
fn a_peer_gets_another_range_and_routes_may_lead_there() {
    given(active_history([]))
        .when(add(&[NEW]))
        .then([added(&[NEW])]);
    given(active_history([added(&[NEW])]))
        .when(AcceptRoute {
            peering_id: peering_id(1),
            side: Side::Local,
            destination: range("10.111.7.0/24"),
        })
        .then([route_accepted(Side::Local, "10.111.7.0/24")]);
}

#[test]
fn what_is_there_already_is_added_by_nobody() {
    given(active_history([added(&[NEW])]))
        .when(add(&[NEW, "10.101.0.0/16"]))
        .then_nothing();
    given(active_history([added(&[NEW])]))
        .when(add(&[NEW, "10.112.0.0/16"]))
        .then([added(&["10.112.0.0/16"])]);
}

#[test]
fn an_added_range_obeys_the_rules_of_a_requested_one() {
    for (written, reason) in [
        ("10.20.4.0/24", "RANGE_OVERLAPS_NETWORK"),
        ("10.101.4.0/24", "RANGES_OVERLAP_EACH_OTHER"),
        ("127.0.0.0/16", "PEER_RANGE_NOT_ALLOWED"),
    ] {
        let refusal = given(active_history([]))
            .when(add(&[written]))
            .0
            .unwrap_err();
        assert_eq!(super::reason(&refusal), reason);
    }
    let many: Vec<Range> = (0..32)
        .map(|n| range(&format!("192.168.{n}.0/24")))
        .collect();
    let command = AddPeerRanges {
        peering_id: peering_id(1),
        ranges: many,
    };
    let refusal = Refusal::TooManyRanges {
        given: 33,
        most: 32,
    };
    given(active_history([]))
        .when(command)
        .then_refused(refusal);
    given(active_history([]))
        .when(add(&[]))
        .then_refused(Refusal::PeerRangesMissing);
}

#[test]
fn nothing_is_admitted_from_a_new_range_before_the_cloud_was_seen_to_show_it() {
    let of_both = restricted(Side::Local, &[rule("10.101.0.0/16", 2113), rule(NEW, 2113)]);
    let admitted = |events: Vec<NetworkEvent>| {
        let Network::Registered(network) = super::fold(active_history(events)) else {
            panic!("a network");
        };
        let admitted = network.admitted(&network.peerings()[&peering_id(1)], Side::Local);
        admitted
            .into_iter()
            .map(|it| it.source.to_string())
            .collect::<Vec<_>>()
    };
    let before = vec![added(&[NEW]), of_both];
    assert_eq!(admitted(before.clone()), ["10.101.0.0/16"]);
    let seen = [before, vec![confirmed(&[NEW]).into()]].concat();
    assert_eq!(admitted(seen), ["10.101.0.0/16", NEW]);
}

#[test]
fn a_range_is_confirmed_once_and_only_if_it_waits_for_that() {
    let see = |written: &[&str]| NetworkCommand::Record(confirmed(written).into());
    let both = &[NEW, "10.112.0.0/16"];
    given(active_history([added(&[NEW])]))
        .when(see(both))
        .then([confirmed(&[NEW]).into()]);
    given(active_history([added(&[NEW]), confirmed(&[NEW]).into()]))
        .when(see(both))
        .then_nothing();
}

#[test]
fn with_a_range_goes_all_that_needs_it_in_the_same_breath_and_nothing_else() {
    let ingress = ingress_allowed(1, "10.111.8.0/24", 443);
    let here = ingress_allowed(2, "10.101.8.0/24", 443);
    let events = active_history([
        added(&[NEW]),
        route_accepted(Side::Local, NEW),
        route_accepted(Side::Local, "10.101.0.0/16"),
        route_accepted(Side::Remote, "10.20.0.0/16"),
        restricted(
            Side::Local,
            &[rule("10.101.0.0/16", 2113), rule("10.111.4.0/24", 2113)],
        ),
        ingress.into(),
        here.into(),
    ]);
    given(events.clone()).when(drop(&[NEW])).then([
        RouteWithdrawn {
            peering_id: peering_id(1),
            side: Side::Local,
            destination: range(NEW),
            replaced_by: None,
        }
        .into(),
        restricted(Side::Local, &[rule("10.101.0.0/16", 2113)]),
        ingress_revoked(1, IngressEnd::Revoked).into(),
        dropped(&[NEW]),
    ]);
    let after = recorded(events.into_iter().chain([dropped(&[NEW])]));
    assert_eq!(after.peer.ranges, ranges(&["10.101.0.0/16"]));
    assert!(after.unconfirmed.is_empty());
}

#[test]
fn the_last_range_stays_and_so_does_one_that_is_not_on_record() {
    given(active_history([]))
        .when(drop(&["10.101.0.0/16"]))
        .then_refused(Refusal::PeerRangesMissing);
    given(active_history([added(&[NEW])]))
        .when(drop(&["10.111.4.0/24"]))
        .then_refused(Refusal::PeerRangeNotOnRecord {
            range: range("10.111.4.0/24"),
            ranges: ranges(&["10.101.0.0/16", NEW]),
        });
}

#[test]
fn a_range_that_was_given_up_is_out_of_reach() {
    let events = active_history([added(&[NEW]), dropped(&[NEW])]);
    given(events)
        .when(AcceptRoute {
            peering_id: peering_id(1),
            side: Side::Local,
            destination: range(NEW),
        })
        .then_refused(Refusal::DestinationOutOfReach {
            side: Side::Local,
            destination: range(NEW),
            reachable: ranges(&["10.101.0.0/16"]),
        });
}
