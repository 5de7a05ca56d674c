//! Restricting the firewall: what a side admits is replaced as a whole, and the remote side admits
//! nothing.

use super::{super::*, given, samples::*};
use crate::side::Side;

fn restrict(side: Side, admit: &[InboundRule]) -> RestrictFirewall {
    RestrictFirewall {
        peering_id: peering_id(1),
        side,
        admit: admit.to_vec(),
        tenure: Default::default(),
    }
}

#[test]
fn the_local_side_may_admit_the_peers_clients() {
    let part = rule("10.101.8.0/24", 2113);
    given(history([]))
        .when(restrict(Side::Local, &[clients()]))
        .then([restricted(Side::Local, &[clients()])]);
    given(active_history([]))
        .when(restrict(Side::Local, &[part]))
        .then([restricted(Side::Local, &[part])]);
}

#[test]
fn rules_are_a_set_whatever_their_order_and_number() {
    let (first, second) = (rule("10.101.0.0/17", 2113), rule("10.101.128.0/17", 2113));
    let sorted = restricted(Side::Local, &[first, second]);
    given(history([]))
        .when(restrict(Side::Local, &[second, first, second]))
        .then([sorted.clone()]);
    given(history([sorted]))
        .when(restrict(Side::Local, &[second, first]))
        .then_nothing();
}

#[test]
fn the_remote_side_admits_nothing_from_the_private_network() {
    let refusal = Refusal::RemoteInboundDenied {
        peering_id: peering_id(1),
    };
    given(history([]))
        .when(restrict(Side::Remote, &[rule("10.20.0.0/16", 443)]))
        .then_refused(refusal.clone());
    given(active_history([]))
        .when(restrict(Side::Remote, &[clients()]))
        .then_refused(refusal);
    given(history([]))
        .when(restrict(Side::Remote, &[]))
        .then_nothing();
}

#[test]
fn a_source_that_is_not_the_peers_is_refused() {
    for source in ["10.102.0.0/16", "10.0.0.0/8", "10.20.0.0/16"] {
        let refusal = Refusal::SourceOutsidePeer {
            from: range(source),
            ranges: ranges(&["10.101.0.0/16"]),
        };
        given(history([]))
            .when(restrict(Side::Local, &[clients(), rule(source, 2113)]))
            .then_refused(refusal);
    }
}

#[test]
fn a_source_in_any_one_of_the_peers_ranges_may_be_admitted() {
    let peer = peer_with(1, &["10.101.0.0/16", "10.103.0.0/16"]);
    for source in ["10.101.8.0/24", "10.103.8.0/24"] {
        let admit = [rule(source, 2113)];
        given([registered(), requested_of(1, peer.clone())])
            .when(restrict(Side::Local, &admit))
            .then([restricted(Side::Local, &admit)]);
    }
}

#[test]
fn port_zero_is_refused() {
    given(history([]))
        .when(restrict(Side::Local, &[rule("10.101.0.0/16", 0)]))
        .then_refused(Refusal::PortZero);
}

#[test]
fn a_side_has_at_most_60_rules() {
    let rules = |count: u16| {
        (1..=count)
            .map(|port| rule("10.101.0.0/16", port))
            .collect::<Vec<_>>()
    };
    given(history([]))
        .when(restrict(Side::Local, &rules(60)))
        .then([restricted(Side::Local, &rules(60))]);
    given(history([]))
        .when(restrict(Side::Local, &rules(61)))
        .then_refused(Refusal::TooManyRules {
            given: 61,
            most: 60,
        });
}

#[test]
fn a_peering_that_is_unknown_or_ended_takes_no_posture() {
    given([registered()])
        .when(restrict(Side::Local, &[]))
        .then_refused(Refusal::PeeringUnknown {
            peering_id: peering_id(1),
        });
    given(history([started(1), initiated(), expired()]))
        .when(restrict(Side::Local, &[]))
        .then_refused(Refusal::PeeringEnded {
            peering_id: peering_id(1),
            ending: "expired",
        });
}

#[test]
fn one_host_of_the_peer_may_be_admitted_and_one_of_another_network_not() {
    let host = rule("10.101.8.4/32", 2113);
    given(history([]))
        .when(restrict(Side::Local, &[host]))
        .then([restricted(Side::Local, &[host])]);
    given(history([]))
        .when(restrict(Side::Local, &[rule("10.102.8.4/32", 2113)]))
        .then_refused(Refusal::SourceOutsidePeer {
            from: range("10.102.8.4/32"),
            ranges: ranges(&["10.101.0.0/16"]),
        });
}
