//! Networks with addresses of both families: what may be opened for IPv6, and what goes with it.

use super::{super::*, given, recorded, samples::*};
use crate::{
    place::Provider,
    range::{Family, Range},
    side::Side,
};

const OWN: &str = "fd00:20::/56";
const PEERS: &str = "fd00:101::/56";

fn ipv6_ranges_set(written: &[&str]) -> NetworkEvent {
    NetworkIpv6RangesSet {
        network_id: network_id(),
        ranges: ipv6_ranges(written),
    }
    .into()
}

fn set(written: &[&str]) -> SetNetworkIpv6Ranges {
    SetNetworkIpv6Ranges {
        ranges: ipv6_ranges(written),
    }
}

fn added(written: &[&str]) -> NetworkEvent {
    PeerRangesAdded {
        peering_id: peering_id(1),
        ranges: ranges(written),
    }
    .into()
}

/// An active peering of two networks with both families, and then these events.
fn dual_stack(then: impl IntoIterator<Item = NetworkEvent>) -> Vec<NetworkEvent> {
    let both = [ipv6_ranges_set(&[OWN]), added(&[PEERS])];
    active_history(both.into_iter().chain(then))
}

fn accept(side: Side, written: &str) -> AcceptRoute {
    AcceptRoute {
        peering_id: peering_id(1),
        side,
        destination: range(written),
    }
}

fn admit(written: &[&str]) -> RestrictFirewall {
    RestrictFirewall {
        peering_id: peering_id(1),
        side: Side::Local,
        admit: written.iter().map(|it| rule(it, 2113)).collect(),
        tenure: Tenure::default(),
    }
}

fn rule(written: &str, port: u16) -> InboundRule {
    InboundRule {
        source: range(written).into(),
        port,
        target: None,
    }
}

fn restricted(written: &[&str]) -> NetworkEvent {
    FirewallRestricted {
        peering_id: peering_id(1),
        side: Side::Local,
        admit: written.iter().map(|it| rule(it, 2113)).collect(),
        tenure: Tenure::default(),
    }
    .into()
}

fn allow(target: &str, from: Option<IngressSource>) -> AllowConnectorIngress {
    AllowConnectorIngress {
        peering_id: peering_id(1),
        target: range(target),
        port: 443,
        reason: "a webhook".parse().unwrap(),
        expires_at: None,
        no_expiry: true,
        from,
    }
}

fn missing(written: &str, side: Side) -> Refusal {
    Refusal::AddressFamilyMissing(AddressFamilyMissing {
        range: range(written),
        side,
    })
}

fn withdrawn(side: Side, written: &str) -> NetworkEvent {
    RouteWithdrawn {
        peering_id: peering_id(1),
        side,
        destination: range(written),
        replaced_by: None,
    }
    .into()
}

/// Whom the ingress that the command opens lets in.
fn sources_of(
    history: Vec<NetworkEvent>,
    command: AllowConnectorIngress,
) -> Result<Vec<Range>, Refusal> {
    let events = given(history).when(command).0?;
    let allowed = events.into_iter().find_map(|event| {
        if let NetworkEvent::ConnectorIngressAllowed(it) = event {
            Some(std::iter::once(it.rule).chain(it.also).collect::<Vec<_>>())
        } else {
            None
        }
    });
    let rules = allowed.expect("an ingress");
    Ok(rules
        .into_iter()
        .filter_map(|it| it.source.range())
        .collect())
}

#[test]
fn a_network_is_registered_with_ipv6_ranges_in_order_and_each_once() {
    let command = RegisterNetwork {
        ipv6_ranges: ipv6_ranges(&["fd00:21::/56", OWN, "FD00:0020::/56"]),
        ..register()
    };
    let events = given([]).when(command).0.expect("a registration");
    let Network::Registered(network) = super::fold(events) else {
        panic!("the network is not on record");
    };
    assert_eq!(network.ipv6_ranges, ipv6_ranges(&[OWN, "fd00:21::/56"]));
    assert_eq!(
        network.ranges(),
        ranges(&["10.20.0.0/16", OWN, "fd00:21::/56"])
    );
}

#[test]
fn what_a_provider_allows_no_network_is_no_range_of_one() {
    for (provider, written) in [
        (Provider::Aws, "fd00:20::/43"),
        (Provider::Aws, "fd00:20::/64"),
    ] {
        let form = provider
            .check_range(&range(written), &provider.quotas())
            .unwrap_err();
        let refusal = Refusal::NetworkRangeNotAllowed(NetworkRangeNotAllowed {
            range: range(written),
            form,
        });
        given([])
            .when(RegisterNetwork {
                ipv6_ranges: ipv6_ranges(&[written]),
                ..register()
            })
            .then_refused(refusal.clone());
        given([registered()])
            .when(set(&[written]))
            .then_refused(refusal);
    }
    let overlapping = Refusal::RangesOverlapEachOther {
        range: range("fd00:20::/48"),
        other: range(OWN),
    };
    given([registered()])
        .when(set(&[OWN, "fd00:20::/48"]))
        .then_refused(overlapping);
    let many: Vec<String> = (0..17).map(|n| format!("fd00:{n:x}::/56")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    given([registered()])
        .when(set(&many))
        .then_refused(Refusal::TooManyRanges {
            given: 17,
            most: 16,
        });
}

#[test]
fn ipv6_is_routed_on_aws_alone() {
    let form = Provider::Gcp
        .check_range(&range(OWN), &Provider::Gcp.quotas())
        .unwrap_err();
    assert_eq!(form, "IPv6 is routed and admitted on AWS alone so far");
    assert_eq!(
        Provider::Azure.check_range(&range(OWN), &Provider::Azure.quotas()),
        Err(form)
    );
}

#[test]
fn a_network_gets_ipv6_ranges_later_and_the_same_ones_are_no_news() {
    given([registered()])
        .when(set(&[OWN]))
        .then([ipv6_ranges_set(&[OWN])]);
    given([registered(), ipv6_ranges_set(&[OWN])])
        .when(set(&[OWN]))
        .then_nothing();
    given([registered()]).when(set(&[])).then_nothing();
}

#[test]
fn ranges_meet_within_a_family_only() {
    let of_both = peer_with(1, &["10.101.0.0/16", PEERS]);
    let events = given([registered(), ipv6_ranges_set(&[OWN])])
        .when(RequestPeering {
            peer: of_both,
            terms: Terms::default(),
            setup: Setup::default(),
        })
        .0;
    assert!(events.is_ok(), "{events:?}");
    given([registered(), ipv6_ranges_set(&["fd00:101::/48"])])
        .when(RequestPeering {
            peer: peer_with(1, &["10.101.0.0/16", PEERS]),
            terms: Terms::default(),
            setup: Setup::default(),
        })
        .then_refused(Refusal::RangeOverlapsNetwork {
            range: range(PEERS),
            network: range("fd00:101::/48"),
        });
    given(active_history([added(&[PEERS])]))
        .when(set(&[OWN, "fd00:101::/48"]))
        .then_refused(Refusal::RangeOverlapsNetwork {
            range: range(PEERS),
            network: range("fd00:101::/48"),
        });
}

#[test]
fn routes_of_both_families_are_accepted_on_both_sides() {
    for (side, written) in [
        (Side::Local, PEERS),
        (Side::Local, "fd00:101:0:7::/64"),
        (Side::Remote, OWN),
        (Side::Remote, "fd00:20::8/128"),
    ] {
        given(dual_stack([]))
            .when(accept(side, written))
            .then([route_accepted(side, written)]);
    }
    for (side, written, reachable) in [
        (Side::Local, "fd00:102::/56", ["10.101.0.0/16", PEERS]),
        (Side::Remote, PEERS, ["10.20.0.0/16", OWN]),
    ] {
        given(dual_stack([]))
            .when(accept(side, written))
            .then_refused(Refusal::DestinationOutOfReach {
                side,
                destination: range(written),
                reachable: ranges(&reachable),
            });
    }
}

#[test]
fn nothing_of_ipv6_is_opened_while_a_network_has_none() {
    let peer_alone = || active_history([added(&[PEERS])]);
    let own_alone = || active_history([ipv6_ranges_set(&[OWN])]);
    given(peer_alone())
        .when(accept(Side::Local, PEERS))
        .then_refused(missing(PEERS, Side::Local));
    given(own_alone())
        .when(accept(Side::Remote, OWN))
        .then_refused(missing(OWN, Side::Remote));
    given(peer_alone())
        .when(admit(&[PEERS]))
        .then_refused(missing(PEERS, Side::Local));
    given(peer_alone())
        .when(allow(PEERS, None))
        .then_refused(missing(PEERS, Side::Local));
    assert_eq!(
        missing(PEERS, Side::Local).to_string(),
        "fd00:101::/56 is IPv6, and the network on the local side has no IPv6 range on record"
    );
}

#[test]
fn a_source_of_either_family_is_admitted_and_none_from_elsewhere() {
    let both = ["10.101.7.0/24", "fd00:101:0:7::/64"];
    given(dual_stack([]))
        .when(admit(&both))
        .then([restricted(&both)]);
    given(dual_stack([]))
        .when(admit(&["fd00:102::/56"]))
        .then_refused(Refusal::SourceOutsidePeer {
            from: range("fd00:102::/56"),
            ranges: ranges(&["10.101.0.0/16", PEERS]),
        });
}

#[test]
fn the_quota_of_rules_holds_for_each_family_by_itself() {
    let rules = |v4: u16, v6: u16| {
        let v4 = (1..=v4).map(|port| rule("10.101.0.0/16", port));
        let v6 = (1..=v6).map(|port| rule(PEERS, port));
        RestrictFirewall {
            admit: v4.chain(v6).collect(),
            ..admit(&[])
        }
    };
    assert!(given(dual_stack([])).when(rules(60, 60)).0.is_ok());
    for (v4, v6) in [(61, 0), (0, 61)] {
        given(dual_stack([]))
            .when(rules(v4, v6))
            .then_refused(Refusal::TooManyRules {
                given: 61,
                most: 60,
            });
    }
}

#[test]
fn an_ingress_is_open_from_addresses_of_its_targets_family() {
    let nodes = |written: &[&str]| {
        let nodes = ranges(written);
        NetworkEvent::from(NetworkNodesSet {
            network_id: network_id(),
            nodes,
        })
    };
    let known = || dual_stack([nodes(&["10.20.1.0/24", "fd00:20:0:1::/64"])]);
    let from_nodes = || Some(IngressSource::Nodes);
    assert_eq!(
        sources_of(known(), allow(PEERS, from_nodes())),
        Ok(ranges(&["fd00:20:0:1::/64"]))
    );
    assert_eq!(
        sources_of(known(), allow("10.101.8.0/24", from_nodes())),
        Ok(ranges(&["10.20.1.0/24"]))
    );
    assert_eq!(
        sources_of(known(), allow(PEERS, None)),
        Ok(ranges(&["fd00:20:0:1::/64"]))
    );
    let only_v4 = dual_stack([nodes(&["10.20.1.0/24"])]);
    assert_eq!(
        sources_of(only_v4, allow(PEERS, from_nodes())),
        Err(Refusal::NodesNotOnRecord)
    );
    let named = |written: &str| Some(IngressSource::Ranges(ranges(&[written])));
    assert_eq!(
        sources_of(known(), allow(PEERS, named("fd00:20::8/128"))),
        Ok(ranges(&["fd00:20::8/128"]))
    );
    assert_eq!(
        sources_of(known(), allow(PEERS, named("10.20.1.0/24"))),
        Err(Refusal::SourceOutsideNetwork(SourceOutsideNetwork {
            from: range("10.20.1.0/24"),
            network: range(OWN),
        }))
    );
}

#[test]
fn nodes_are_within_a_range_of_their_family() {
    let set = |written: &[&str]| SetNetworkNodes {
        nodes: ranges(written),
    };
    let nodes = ["10.20.1.0/24", "fd00:20:0:1::/64"];
    given(dual_stack([]))
        .when(set(&nodes))
        .then([NetworkNodesSet {
            network_id: network_id(),
            nodes: ranges(&nodes),
        }
        .into()]);
    given(dual_stack([]))
        .when(set(&["fd00:21::/64"]))
        .then_refused(Refusal::SourceOutsideNetwork(SourceOutsideNetwork {
            from: range("fd00:21::/64"),
            network: range(OWN),
        }));
}

#[test]
fn with_a_range_of_the_private_network_goes_all_that_needs_it() {
    let also = "fd00:21::/56";
    let history = || {
        dual_stack([
            ipv6_ranges_set(&[OWN, also]),
            route_accepted(Side::Local, "10.101.0.0/16"),
            route_accepted(Side::Local, PEERS),
            route_accepted(Side::Remote, "10.20.0.0/16"),
            route_accepted(Side::Remote, "fd00:20:0:1::/64"),
            route_accepted(Side::Remote, also),
            restricted(&["10.101.0.0/16", PEERS]),
            NetworkNodesSet {
                network_id: network_id(),
                nodes: ranges(&["10.20.1.0/24", "fd00:20:0:1::/64", "fd00:21:0:1::/64"]),
            }
            .into(),
        ])
    };
    let nodes = |written: &[&str]| {
        NetworkEvent::from(NetworkNodesSet {
            network_id: network_id(),
            nodes: ranges(written),
        })
    };
    given(history()).when(set(&[also])).then([
        withdrawn(Side::Remote, "fd00:20:0:1::/64"),
        nodes(&["10.20.1.0/24", "fd00:21:0:1::/64"]),
        ipv6_ranges_set(&[also]),
    ]);
    given(history()).when(set(&[])).then([
        withdrawn(Side::Local, PEERS),
        withdrawn(Side::Remote, "fd00:20:0:1::/64"),
        withdrawn(Side::Remote, also),
        restricted(&["10.101.0.0/16"]),
        nodes(&["10.20.1.0/24"]),
        ipv6_ranges_set(&[]),
    ]);
    let ends = |from: &[&str], kept: &[&str]| {
        let from = Some(IngressSource::Ranges(ranges(from)));
        let opened = given(history()).when(allow(PEERS, from)).0;
        let history = history().into_iter().chain(opened.expect("an ingress"));
        let events = given(history).when(set(kept)).0.expect("other ranges");
        let revoked = |it: &NetworkEvent| matches!(it, NetworkEvent::ConnectorIngressRevoked(_));
        events.iter().any(revoked)
    };
    assert!(ends(&["fd00:20::8/128"], &[also]) && !ends(&["fd00:20::8/128"], &[OWN]));
    // Of several sources one that goes is enough.
    for kept in [OWN, also] {
        assert!(
            ends(&["fd00:20::8/128", "fd00:21::8/128"], &[kept]),
            "{kept}"
        );
    }
}

#[test]
fn with_the_last_ipv6_range_of_a_peer_go_the_routes_back_to_the_private_network() {
    let events = given(dual_stack([
        route_accepted(Side::Local, PEERS),
        route_accepted(Side::Remote, "10.20.0.0/16"),
        route_accepted(Side::Remote, OWN),
        restricted(&["10.101.0.0/16", PEERS]),
    ]))
    .when(DropPeerRanges {
        peering_id: peering_id(1),
        ranges: ranges(&[PEERS]),
    });
    events.then([
        withdrawn(Side::Local, PEERS),
        withdrawn(Side::Remote, OWN),
        restricted(&["10.101.0.0/16"]),
        PeerRangesDropped {
            peering_id: peering_id(1),
            ranges: ranges(&[PEERS]),
        }
        .into(),
    ]);
}

#[test]
fn a_denial_in_front_of_subnets_is_of_both_families() {
    let Network::Registered(network) = super::fold(dual_stack([])) else {
        panic!("the network is not on record");
    };
    let peering = recorded(dual_stack([]));
    let sources = |side| {
        let denied = network.denied(&peering, side).into_iter();
        denied
            .map(|it| it.source)
            .collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(
        sources(Side::Remote),
        ranges(&["10.20.0.0/16", OWN]).into_iter().collect()
    );
    assert_eq!(
        sources(Side::Local),
        ranges(&["10.101.0.0/16", PEERS]).into_iter().collect()
    );
}

#[test]
fn after_any_change_no_route_leads_to_a_family_that_an_end_lacks() {
    let peering = recorded(dual_stack([
        route_accepted(Side::Remote, OWN),
        withdrawn(Side::Remote, OWN),
        ipv6_ranges_set(&[]),
    ]));
    let mut routes = peering.routes.remote.keys();
    assert!(routes.all(|it| it.family() == Family::Ipv4));
}

#[test]
fn of_a_peering_that_is_being_removed_nothing_is_closed_twice_when_a_range_goes() {
    let going = || {
        dual_stack([
            route_accepted(Side::Local, PEERS),
            restricted(&["10.101.7.0/24", PEERS]),
            removal_requested(),
        ])
    };
    given(going()).when(set(&[])).then([ipv6_ranges_set(&[])]);
}
