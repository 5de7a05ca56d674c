//! Connector ingress at its bounds: several ranges of a peer, an end that is to come, the last
//! place.

use super::{super::*, COMMAND, given, samples::*};
use chrono::{DateTime, Utc};

fn allow(target: &str, expires_at: Option<DateTime<Utc>>) -> AllowConnectorIngress {
    AllowConnectorIngress {
        peering_id: peering_id(1),
        target: range(target),
        port: 443,
        reason: reason_given("the orders webhook"),
        expires_at,
        from: Some(IngressSource::Ranges(ranges(&["10.20.0.0/16"]))),
        no_expiry: expires_at.is_none(),
    }
}

fn opened(target: &str) -> NetworkEvent {
    ConnectorIngressAllowed {
        ingress_id: Ids::of(COMMAND).ingress(peering_id(1)),
        ..ingress_allowed(0, target, 443)
    }
    .into()
}

fn ending(n: u128, hours: i64) -> NetworkEvent {
    ConnectorIngressAllowed {
        expires_at: Some(hours_on(hours)),
        ..ingress_allowed(n, "10.101.8.0/24", 443)
    }
    .into()
}

#[test]
fn a_target_in_any_one_of_the_peers_ranges_may_be_opened() {
    let peer = peer_with(1, &["10.101.0.0/16", "10.103.0.0/16"]);
    for target in ["10.101.8.0/24", "10.103.8.0/24"] {
        given([registered(), requested_of(1, peer.clone())])
            .when(allow(target, None))
            .then([opened(target)]);
    }
}

#[test]
fn an_ingress_whose_end_is_to_come_is_open_and_not_opened_again() {
    let refusal = Refusal::IngressAlreadyAllowed {
        ingress_id: ingress_id(1),
    };
    given(active_history([ending(1, 1)]))
        .when(allow("10.101.8.0/24", None))
        .then_refused(refusal);
}

#[test]
fn what_takes_the_place_of_an_ingress_that_is_over_needs_no_place_of_its_own() {
    let others = (2..=60).map(|n: u16| {
        let id = u128::from(n);
        ingress_allowed(id, "10.101.8.0/24", 1000 + n).into()
    });
    given(active_history([ending(1, 0)].into_iter().chain(others)))
        .when(allow("10.101.8.0/24", None))
        .then([
            ingress_revoked(1, IngressEnd::Expired).into(),
            opened("10.101.8.0/24"),
        ]);
}

#[test]
fn one_host_of_the_peer_may_be_a_target() {
    given(active_history([]))
        .when(allow("10.101.8.4/32", None))
        .then([opened("10.101.8.4/32")]);
}
