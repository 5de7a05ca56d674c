//! Accepting routes: each side reaches what the other owns, and nothing behind it.

use super::{super::*, given, samples::*};
use crate::side::Side;

fn accept(side: Side, destination: &str) -> AcceptRoute {
    AcceptRoute {
        peering_id: peering_id(1),
        side,
        destination: range(destination),
    }
}

#[test]
fn the_local_side_may_reach_the_peers_ranges_and_parts_of_them() {
    for destination in ["10.101.0.0/16", "10.101.64.0/18"] {
        given(history([]))
            .when(accept(Side::Local, destination))
            .then([route_accepted(Side::Local, destination)]);
    }
}

#[test]
fn the_remote_side_may_reach_the_private_networks_range_and_parts_of_it() {
    for destination in ["10.20.0.0/16", "10.20.1.0/24"] {
        given(active_history([]))
            .when(accept(Side::Remote, destination))
            .then([route_accepted(Side::Remote, destination)]);
    }
}

#[test]
fn a_destination_that_is_not_on_the_other_end_is_refused() {
    for destination in ["10.102.0.0/16", "10.100.0.0/15", "10.20.0.0/16"] {
        let refusal = Refusal::DestinationOutOfReach {
            side: Side::Local,
            destination: range(destination),
            reachable: ranges(&["10.101.0.0/16"]),
        };
        given(history([]))
            .when(accept(Side::Local, destination))
            .then_refused(refusal);
    }
    for destination in ["10.0.0.0/8", "10.101.0.0/16"] {
        let refusal = Refusal::DestinationOutOfReach {
            side: Side::Remote,
            destination: range(destination),
            reachable: ranges(&["10.20.0.0/16"]),
        };
        given(history([]))
            .when(accept(Side::Remote, destination))
            .then_refused(refusal);
    }
}

#[test]
fn a_destination_that_spans_two_of_the_peers_ranges_is_refused() {
    let requested = requested_of(1, peer_with(1, &["10.100.0.0/16", "10.101.0.0/16"]));
    let refusal = Refusal::DestinationOutOfReach {
        side: Side::Local,
        destination: range("10.100.0.0/15"),
        reachable: ranges(&["10.100.0.0/16", "10.101.0.0/16"]),
    };
    given([registered(), requested])
        .when(accept(Side::Local, "10.100.0.0/15"))
        .then_refused(refusal);
}

#[test]
fn a_route_is_accepted_once_per_side() {
    let refusal = Refusal::RouteAlreadyAccepted {
        peering_id: peering_id(1),
        side: Side::Local,
        destination: range("10.101.0.0/16"),
    };
    let events = history([route_accepted(Side::Local, "10.101.0.0/16")]);
    given(events.clone())
        .when(accept(Side::Local, "10.101.0.0/16"))
        .then_refused(refusal);
    given(events)
        .when(accept(Side::Local, "10.101.0.0/17"))
        .then([route_accepted(Side::Local, "10.101.0.0/17")]);
}

#[test]
fn a_peering_that_is_unknown_or_ended_takes_no_route() {
    given([registered()])
        .when(accept(Side::Local, "10.101.0.0/16"))
        .then_refused(Refusal::PeeringUnknown {
            peering_id: peering_id(1),
        });
    given(history([failed(None).into()]))
        .when(accept(Side::Local, "10.101.0.0/16"))
        .then_refused(Refusal::PeeringEnded {
            peering_id: peering_id(1),
            ending: "failed",
        });
}

#[test]
fn one_host_or_a_small_block_of_the_other_end_is_a_destination() {
    for destination in ["10.101.3.9/32", "10.101.5.32/27"] {
        given(history([]))
            .when(accept(Side::Local, destination))
            .then([route_accepted(Side::Local, destination)]);
    }
    given(active_history([]))
        .when(accept(Side::Remote, "10.20.1.7/32"))
        .then([route_accepted(Side::Remote, "10.20.1.7/32")]);
    given(history([]))
        .when(accept(Side::Local, "10.102.3.9/32"))
        .then_refused(Refusal::DestinationOutOfReach {
            side: Side::Local,
            destination: range("10.102.3.9/32"),
            reachable: ranges(&["10.101.0.0/16"]),
        });
}
