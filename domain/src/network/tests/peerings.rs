//! Requesting a peering: a link is asked for closed, and only where it cannot collide with
//! anything.

use super::{super::*, COMMAND, fold, given, now, reason, samples::*};
use crate::{range::Range, side::Side};
use uuid::Uuid;

fn request(peer: Peer) -> RequestPeering {
    RequestPeering {
        peer,
        terms: Terms::default(),
        setup: Setup::default(),
    }
}

/// The whole append that a granted request is.
fn granted(peer: Peer) -> [NetworkEvent; 3] {
    let peering_id = Ids::of(COMMAND).peering(network_id());
    let external_id = Some(network_id().external_id(&peer.account));
    [
        PeeringRequested {
            peering_id,
            peer,
            requested_at: now(),
            terms: Terms::default(),
            external_id,
        }
        .into(),
        FirewallRestricted {
            peering_id,
            side: Side::Local,
            admit: Vec::new(),
            tenure: Default::default(),
        }
        .into(),
        FirewallRestricted {
            peering_id,
            side: Side::Remote,
            admit: Vec::new(),
            tenure: Default::default(),
        }
        .into(),
    ]
}

#[test]
fn a_request_and_the_denial_of_everything_inbound_on_both_sides_are_one_append() {
    given([registered()])
        .when(request(peer(1)))
        .then(granted(peer(1)));
}

#[test]
fn both_ends_are_on_one_provider() {
    let peer = Peer {
        provider: Provider::Gcp,
        region: Region::of(Provider::Gcp, "europe-west1").unwrap(),
        account: text("orders-prod"),
        cloud_network: text("orders"),
        ..peer(1)
    };
    let refusal = Refusal::ProviderMismatch {
        network: Provider::Aws,
        peer: Provider::Gcp,
    };
    given([registered()])
        .when(request(peer))
        .then_refused(refusal);
}

#[test]
fn the_peers_region_is_one_of_its_provider() {
    let peer = Peer {
        region: Region::of(Provider::Azure, "westeurope").unwrap(),
        ..peer(1)
    };
    let refusal = Refusal::RegionUnknown(RegionUnknown {
        provider: Provider::Aws,
        region: "westeurope".to_owned(),
        nearest: None,
    });
    given([registered()])
        .when(request(peer))
        .then_refused(refusal);
}

#[test]
fn the_peers_account_and_network_have_the_form_of_its_provider() {
    let account = Peer {
        account: text("orders"),
        ..peer(1)
    };
    let form = Provider::Aws
        .check_account(&account.account)
        .expect_err("no AWS account");
    given([registered()])
        .when(request(account))
        .then_refused(Refusal::AccountMalformed {
            account: "orders".to_owned(),
            form,
        });

    let network = Peer {
        cloud_network: text("vpc-"),
        ..peer(1)
    };
    let form = Provider::Aws
        .check_network(&network.cloud_network)
        .expect_err("no VPC id");
    given([registered()])
        .when(request(network))
        .then_refused(Refusal::CloudNetworkMalformed {
            cloud_network: "vpc-".to_owned(),
            form,
        });
}

#[test]
fn a_network_is_not_its_own_peer() {
    let RegisterNetwork {
        account,
        cloud_network,
        ..
    } = register();
    let refusal = Refusal::PeerIsTheNetwork {
        cloud_network: cloud_network.to_string(),
    };
    given([registered()])
        .when(request(Peer {
            account,
            cloud_network,
            ..peer(1)
        }))
        .then_refused(refusal);
}

#[test]
fn the_same_vpc_id_in_another_account_is_another_network() {
    let peer = Peer {
        cloud_network: register().cloud_network,
        ..peer(1)
    };
    given([registered()])
        .when(request(peer.clone()))
        .then(granted(peer));
}

#[test]
fn a_peer_has_at_most_one_live_peering_whatever_ranges_it_is_asked_for_with() {
    let refusal = Refusal::PeerAlreadyLinked {
        peering_id: peering_id(1),
        life: "requested",
    };
    given(history([]))
        .when(request(peer_with(1, &["192.168.0.0/24"])))
        .then_refused(refusal);
    let refusal = Refusal::PeerAlreadyLinked {
        peering_id: peering_id(1),
        life: "active",
    };
    given(active_history([]))
        .when(request(peer(1)))
        .then_refused(refusal);
}

#[test]
fn an_ended_peering_frees_its_peer_and_its_ranges() {
    for ending in [
        vec![started(1), initiated(), rejected()],
        vec![started(1), initiated(), expired()],
        vec![failed(None).into()],
    ] {
        given(history(ending.clone()))
            .when(request(peer(1)))
            .then(granted(peer(1)));
        let heir = peer_with(2, &["10.101.0.0/16"]);
        given(history(ending))
            .when(request(heir.clone()))
            .then(granted(heir));
    }
}

#[test]
fn a_blocked_peering_still_holds_its_destinations() {
    let refusal = Refusal::RangeOverlapsPeering {
        range: range("10.101.7.0/24"),
        other: range("10.101.0.0/16"),
        peering_id: peering_id(1),
    };
    let accepted = route_accepted(Side::Local, "10.101.0.0/16");
    let events = history([accepted, blocked(BlockCause::NotFound).into()]);
    given(events)
        .when(with_route(2, &["10.101.7.0/24"], "10.101.7.0/24"))
        .then_refused(refusal);
}

/// A request for the `n`-th peer with these ranges, and a route of the private network.
fn with_route(n: u8, written: &[&str], destination: &str) -> RequestPeering {
    RequestPeering {
        peer: peer_with(n, written),
        terms: Terms::default(),
        setup: Setup {
            routes: vec![SetupRoute {
                side: Side::Local,
                destination: range(destination),
            }],
            ..Setup::default()
        },
    }
}

#[test]
fn a_peer_names_at_least_one_range() {
    given([registered()])
        .when(request(peer_with(1, &[])))
        .then_refused(Refusal::PeerRangesMissing);
}

#[test]
fn a_peer_names_at_most_32_ranges_and_32_subnets() {
    let some = |count: u8| {
        (0..count)
            .map(|n| range(&format!("192.168.{n}.0/24")))
            .collect::<Vec<_>>()
    };
    given([registered()])
        .when(request(Peer {
            ranges: some(32),
            ..peer(1)
        }))
        .then(granted(Peer {
            ranges: some(32),
            ..peer(1)
        }));
    let refusal = Refusal::TooManyRanges {
        given: 33,
        most: 32,
    };
    given([registered()])
        .when(request(Peer {
            ranges: some(33),
            ..peer(1)
        }))
        .then_refused(refusal.clone());
    let subnets = (0..33).map(|n| text(&format!("subnet-{n}"))).collect();
    given([registered()])
        .when(request(Peer { subnets, ..peer(1) }))
        .then_refused(refusal);
}

#[test]
fn a_range_may_not_overlap_the_networks_own_from_inside_or_around() {
    for written in ["10.20.0.0/16", "10.20.128.0/25", "10.0.0.0/8"] {
        let refusal = Refusal::RangeOverlapsNetwork {
            range: range(written),
            network: range("10.20.0.0/16"),
        };
        given([registered()])
            .when(request(peer_with(1, &["192.168.0.0/24", written])))
            .then_refused(refusal);
    }
}

#[test]
fn peers_may_have_the_same_range_and_the_private_network_sends_it_to_one_of_them() {
    for written in ["10.101.0.0/16", "10.101.3.0/24", "10.100.0.0/15"] {
        let other = peer_with(2, &["192.168.0.0/24", written]);
        let granted = granted(other.clone());
        given(history([])).when(request(other)).then(granted);
        let refusal = Refusal::RangeOverlapsPeering {
            range: range(written),
            other: range("10.101.0.0/16"),
            peering_id: peering_id(1),
        };
        let to_the_first = route_accepted(Side::Local, "10.101.0.0/16");
        given(history([to_the_first.clone()]))
            .when(with_route(2, &["192.168.0.0/24", written], written))
            .then_refused(refusal);
        let elsewhere = with_route(2, &["192.168.0.0/24", written], "192.168.0.0/24");
        let decided = given(history([to_the_first])).when(elsewhere).0;
        assert!(decided.is_ok(), "{decided:?}");
    }
}

#[test]
fn a_destination_of_the_peer_is_no_obstacle_at_the_other_end() {
    let accepted = route_accepted(Side::Remote, "10.20.0.0/16");
    let other = requested(2);
    given(history([accepted, other]))
        .when(AcceptRoute {
            peering_id: peering_id(2),
            side: Side::Remote,
            destination: range("10.20.0.0/16"),
        })
        .then([RouteAccepted {
            peering_id: peering_id(2),
            side: Side::Remote,
            destination: range("10.20.0.0/16"),
        }
        .into()]);
}

#[test]
fn the_ranges_of_one_peer_may_not_overlap_each_other() {
    let refusal = Refusal::RangesOverlapEachOther {
        range: range("10.101.0.0/16"),
        other: range("10.101.4.0/24"),
    };
    given([registered()])
        .when(request(peer_with(
            1,
            &["10.101.0.0/16", "192.168.0.0/24", "10.101.4.0/24"],
        )))
        .then_refused(refusal);
    let refusal = Refusal::RangesOverlapEachOther {
        range: range("10.101.0.0/16"),
        other: range("10.101.0.0/16"),
    };
    given([registered()])
        .when(request(peer_with(1, &["10.101.0.0/16", "10.101.0.0/16"])))
        .then_refused(refusal);
}

#[test]
fn neighbouring_ranges_do_not_overlap() {
    let peer = peer_with(
        2,
        &[
            "10.19.0.0/16",
            "10.21.0.0/16",
            "10.100.0.0/16",
            "10.102.0.0/16",
        ],
    );
    given(history([]))
        .when(request(peer.clone()))
        .then(granted(peer));
}

/// `count` peerings, each with a peer and a range of its own.
fn many(count: u8) -> Vec<NetworkEvent> {
    let peers = (0..count).map(|n| {
        let peer = Peer {
            cloud_network: text(&format!("vpc-{n:08x}")),
            ..peer_with(1, &[&format!("192.168.{n}.0/24")])
        };
        requested_of(n, peer)
    });
    std::iter::once(registered()).chain(peers).collect()
}

#[test]
fn a_network_has_at_most_125_live_peerings() {
    given(many(124))
        .when(request(peer(2)))
        .then(granted(peer(2)));
    given(many(125))
        .when(request(peer(2)))
        .then_refused(Refusal::PeeringQuotaReached {
            live: 125,
            most: 125,
        });
}

#[test]
fn a_network_of_another_provider_has_as_many_live_peerings_as_its_cloud_ever_allows() {
    for (provider, region) in [
        (Provider::Gcp, "europe-west1"),
        (Provider::Azure, "westeurope"),
    ] {
        let region = Region::of(provider, region).unwrap();
        let network = |n: u16| match provider {
            Provider::Aws => unreachable!("of this test"),
            Provider::Gcp => format!("orders-{n}"),
            Provider::Azure => format!(
                "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg\
                 /providers/Microsoft.Network/virtualNetworks/v{n}"
            ),
        };
        let account = match provider {
            Provider::Aws | Provider::Gcp => "orders-prod",
            Provider::Azure => "22222222-2222-4222-8222-222222222222",
        };
        let registered = registered_as(
            RegisterNetwork {
                provider,
                region: region.clone(),
                account: text(account),
                cloud_network: text(&network(9_999)),
                ..register()
            },
            network_id(),
        );
        let peer_of = |n: u16| Peer {
            provider,
            region: region.clone(),
            account: text(account),
            cloud_network: text(&network(n)),
            ..peer_with(1, &[&format!("172.16.{}.0/24", n % 200)])
        };
        let requested = |n: u16| {
            NetworkEvent::from(PeeringRequested {
                peering_id: PeeringId(Uuid::from_u128(10_000 + u128::from(n))),
                peer: peer_of(n),
                requested_at: now(),
                terms: Terms::default(),
                external_id: None,
            })
        };
        let one_more_than = |count: u16| {
            let all = std::iter::once(registered.clone()).chain((0..count).map(requested));
            let command = NetworkCommand::from(request(peer_of(2_000)));
            let context = Context::default();
            decide(&fold(all), &command, &context, now(), Ids::of(COMMAND))
        };
        assert!(one_more_than(999).is_ok(), "{provider}");
        let refused = Refusal::PeeringQuotaReached {
            live: 1_000,
            most: 1_000,
        };
        assert_eq!(one_more_than(1_000), Err(refused), "{provider}");
    }
}

#[test]
fn an_ended_peering_does_not_count() {
    let ended = PeeringFailed {
        peering_id: peering_id(7),
        link: None,
        message: String::new(),
    };
    given(many(125).into_iter().chain([ended.into()]))
        .when(request(peer(2)))
        .then(granted(peer(2)));
}

#[test]
fn a_peer_may_have_what_its_cloud_allows_and_no_other_range() {
    for allowed in [
        "100.64.0.0/16",
        "198.18.0.0/15",
        "11.0.0.0/16",
        "10.9.0.0/28",
    ] {
        given([registered()])
            .when(request(peer_with(2, &[allowed])))
            .then(granted(peer_with(2, &[allowed])));
    }
    for (wrong, said) in [
        ("10.9.0.0/29", "a /28 at the least"),
        ("169.254.0.0/16", "link-local"),
    ] {
        let refused = decide(
            &fold([registered()]),
            &request(peer_with(2, &[wrong])).into(),
            &Context::default(),
            now(),
            Ids::of(COMMAND),
        );
        let refusal = refused.unwrap_err();
        assert_eq!(reason(&refusal), "PEER_RANGE_NOT_ALLOWED");
        assert!(refusal.to_string().contains(said), "{refusal}");
    }
}

#[test]
fn ranges_that_are_wrong_in_themselves_are_no_ranges_at_all() {
    for written in [
        "10.0.0.0/7",
        "10.0.0.0/33",
        "10.1.2.3/16",
        "fd00::/15",
        "fd00::1/16",
        "ten",
    ] {
        assert!(written.parse::<Range>().is_err(), "{written}");
        assert!(
            serde_json::from_value::<Range>(written.into()).is_err(),
            "{written}"
        );
    }
}

#[test]
fn a_refusal_is_its_reason_and_its_facts_as_data() {
    let refusal = Refusal::RangeOverlapsPeering {
        range: range("10.0.0.0/8"),
        other: range("10.1.0.0/16"),
        peering_id: peering_id(1),
    };
    assert_eq!(reason(&refusal), "RANGE_OVERLAPS_PEERING");
    let facts = serde_json::to_value(&refusal).unwrap();
    assert_eq!(
        (&facts["range"], &facts["other"]),
        (&"10.0.0.0/8".into(), &"10.1.0.0/16".into())
    );
}
