//! A firewall group of the peer as a source that the private network admits.

use super::{super::*, given, samples::*};
use crate::{
    side::Side,
    vocabulary::{self, FIRST_VOCABULARY},
};

const GROUP: &str = "210987654321/sg-0e1f2a3b4c5d6e7f8";
const OTHER: &str = "210987654321/sg-0a1b2c3d";
const NEW: &str = "10.111.0.0/16";

/// The peer in the private network's own region, where its groups can be named.
fn near() -> Peer {
    let mut peer = peer_with(1, &["10.101.0.0/16"]);
    peer.region = register().region;
    peer
}

fn history(events: impl IntoIterator<Item = NetworkEvent>) -> Vec<NetworkEvent> {
    let begun = [registered(), requested_of(1, near())];
    begun.into_iter().chain(events).collect()
}

fn restrict(admit: &[InboundRule]) -> RestrictFirewall {
    RestrictFirewall {
        peering_id: peering_id(1),
        side: Side::Local,
        admit: admit.to_vec(),
        tenure: Default::default(),
    }
}

fn unsupported(own: &str, peer: &str) -> Refusal {
    Refusal::SourceGroupUnsupported(SourceGroupUnsupported {
        from: GROUP.parse().unwrap(),
        own: own.to_owned(),
        peer: peer.to_owned(),
    })
}

fn network(events: Vec<NetworkEvent>) -> Registered {
    let Network::Registered(network) = super::fold(events) else {
        panic!("it is registered")
    };
    network
}

#[test]
fn a_group_of_the_peers_is_admitted_beside_ranges() {
    let admit = [rule("10.101.0.0/16", 2113), rule(GROUP, 2113)];
    let asked = restricted(Side::Local, &admit);
    given(history([]))
        .when(restrict(&admit))
        .then([asked.clone()]);
    let network = network(history([asked]));
    let peering = &network.peerings()[&peering_id(1)];
    assert_eq!(
        network.admitted(peering, Side::Local),
        BTreeSet::from(admit)
    );
}

#[test]
fn a_group_of_another_region_is_refused_with_both_places() {
    given(super::samples::history([]))
        .when(restrict(&[rule(GROUP, 2113)]))
        .then_refused(unsupported("aws eu-west-1", "aws us-east-1"));
}

#[test]
fn only_a_rule_of_an_aws_network_names_a_group_of_an_aws_peer() {
    let peer = near();
    let region = peer.region.clone();
    assert!(peer.lends_groups_to(Provider::Aws, &region));
    for provider in Provider::ALL {
        for of_peer in Provider::ALL {
            let peer = Peer {
                provider: of_peer,
                ..near()
            };
            let is_within = peer.lends_groups_to(provider, &region);
            let both = (provider, of_peer) == (Provider::Aws, Provider::Aws);
            assert_eq!(is_within, both, "{provider} {of_peer}");
        }
    }
}

#[test]
fn the_remote_side_admits_no_group_either() {
    let mut command = restrict(&[rule(GROUP, 2113)]);
    command.side = Side::Remote;
    given(history([]))
        .when(command)
        .then_refused(Refusal::RemoteInboundDenied {
            peering_id: peering_id(1),
        });
}

#[test]
fn a_rule_from_a_group_counts_as_one_of_either_family() {
    let ranges = (1..=59).map(|port| rule("10.101.0.0/16", port));
    let groups = [GROUP, OTHER].map(|source| rule(source, 2113));
    let most: Vec<_> = ranges.clone().chain([groups[0]]).collect();
    given(history([]))
        .when(restrict(&most))
        .then([restricted(Side::Local, &most)]);
    let more: Vec<_> = ranges.chain(groups).collect();
    given(history([]))
        .when(restrict(&more))
        .then_refused(Refusal::TooManyRules {
            given: 61,
            most: 60,
        });
}

#[test]
fn a_group_stays_admitted_while_ranges_come_wait_and_go() {
    let admit = [
        rule("10.101.0.0/16", 2113),
        rule(NEW, 2113),
        rule(GROUP, 2113),
    ];
    let added = PeerRangesAdded {
        peering_id: peering_id(1),
        ranges: vec![range(NEW)],
    };
    let before = history([added.into(), restricted(Side::Local, &admit)]);
    let now = network(before.clone());
    let waiting = now.admitted(&now.peerings()[&peering_id(1)], Side::Local);
    let kept = [admit[0], admit[2]];
    assert_eq!(waiting, BTreeSet::from(kept));
    let drop = DropPeerRanges {
        peering_id: peering_id(1),
        ranges: vec![range(NEW)],
    };
    let dropped = PeerRangesDropped {
        peering_id: peering_id(1),
        ranges: vec![range(NEW)],
    };
    given(before)
        .when(drop)
        .then([restricted(Side::Local, &kept), dropped.into()]);
}

#[test]
fn a_group_is_new_to_what_its_network_admits_already_and_the_network_to_it() {
    let opens = |known: &str, asked: &str| {
        let network = network(history([restricted(Side::Local, &[rule(known, 2113)])]));
        !openings(&restrict(&[rule(asked, 2113)]).into(), &network).is_empty()
    };
    assert!(opens("10.101.0.0/16", GROUP));
    assert!(opens(GROUP, "10.101.4.4/32"));
    assert!(opens(GROUP, OTHER));
    assert!(!opens(GROUP, GROUP));
}

#[test]
fn a_group_that_is_admitted_needs_servers_that_read_it() {
    let admit = [rule("10.101.0.0/16", 2113), rule(GROUP, 2113)];
    let group = restricted(Side::Local, &admit);
    assert_eq!(vocabulary::needed(&group), 4);
    let range = restricted(Side::Local, &admit[..1]);
    assert_eq!(vocabulary::needed(&range), FIRST_VOCABULARY);
}
