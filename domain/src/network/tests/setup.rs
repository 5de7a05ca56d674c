//! Requesting a peering with all that belongs to it: one command, one decision.

use super::{super::*, COMMAND, given, now, samples::*};
use crate::side::Side;

fn peering_id() -> PeeringId {
    Ids::of(COMMAND).peering(network_id())
}

fn request(setup: Setup) -> RequestPeering {
    RequestPeering {
        peer: peer(1),
        terms: Terms::default(),
        setup,
    }
}

fn route(side: Side, destination: &str) -> SetupRoute {
    SetupRoute {
        side,
        destination: range(destination),
    }
}

/// What a request without a setup comes to.
fn closed() -> Vec<NetworkEvent> {
    let network = folded([registered()]);
    assert!(matches!(network, Network::Registered(_)), "{network:?}");
    let command = request(Setup::default()).into();
    decide(
        &network,
        &command,
        &Default::default(),
        now(),
        Ids::of(COMMAND),
    )
    .unwrap()
}

fn folded(events: impl IntoIterator<Item = NetworkEvent>) -> Network {
    events.into_iter().fold(Network::default(), |state, event| {
        evolve(state, &event, now())
    })
}

#[test]
fn a_request_brings_its_routes_rules_and_options_along_after_everything_was_denied() {
    let admit = vec![InboundRule {
        source: range("10.101.1.0/24").into(),
        port: 2113,
        target: None,
    }];
    let setup = Setup {
        routes: vec![
            route(Side::Local, "10.101.0.0/16"),
            route(Side::Remote, "10.20.0.0/16"),
        ],
        admit: admit.clone(),
        dns_resolution: [Side::Local].into(),
        options: BTreeSet::new(),
        ..Default::default()
    };
    let peering_id = peering_id();
    let accepted = |side, destination| {
        RouteAccepted {
            peering_id,
            side,
            destination: range(destination),
        }
        .into()
    };
    let further: [NetworkEvent; 4] = [
        FirewallRestricted {
            peering_id,
            side: Side::Local,
            admit,
            tenure: Default::default(),
        }
        .into(),
        accepted(Side::Local, "10.101.0.0/16"),
        accepted(Side::Remote, "10.20.0.0/16"),
        LinkOptionSet {
            peering_id,
            side: Side::Local,
            option: LinkOption::DnsResolution,
            enabled: true,
        }
        .into(),
    ];
    given([registered()])
        .when(request(setup))
        .then(closed().into_iter().chain(further));
}

#[test]
fn what_a_request_brings_along_is_refused_as_the_command_that_it_stands_for() {
    let refused = |setup: Setup, refusal: Refusal| {
        given([registered()])
            .when(request(setup))
            .then_refused(refusal);
    };
    let twice = route(Side::Local, "10.101.0.0/16");
    refused(
        Setup {
            routes: vec![twice, twice],
            ..Setup::default()
        },
        Refusal::RouteAlreadyAccepted {
            peering_id: peering_id(),
            side: Side::Local,
            destination: range("10.101.0.0/16"),
        },
    );
    refused(
        Setup {
            routes: vec![route(Side::Remote, "10.101.0.0/16")],
            ..Setup::default()
        },
        Refusal::DestinationOutOfReach {
            side: Side::Remote,
            destination: range("10.101.0.0/16"),
            reachable: vec![range("10.20.0.0/16")],
        },
    );
    refused(
        Setup {
            admit: vec![InboundRule {
                source: range("10.9.0.0/16").into(),
                port: 2113,
                target: None,
            }],
            ..Setup::default()
        },
        Refusal::SourceOutsidePeer {
            from: range("10.9.0.0/16"),
            ranges: vec![range("10.101.0.0/16")],
        },
    );
    refused(
        Setup {
            routes: vec![twice; 65],
            ..Setup::default()
        },
        Refusal::TooManyRoutes {
            given: 65,
            most: 64,
        },
    );
}

#[test]
fn a_request_that_brings_nothing_along_is_written_as_it_always_was() {
    let written = serde_json::to_value(request(Setup::default())).unwrap();
    assert!(written.get("setup").is_none(), "{written}");
}
