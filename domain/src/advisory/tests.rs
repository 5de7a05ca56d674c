//! Which advisories a link gives, and what they say.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::network::tests::{fold, samples};
use crate::{network::*, place::Region, side::Side};

fn registered(events: Vec<NetworkEvent>) -> (Registered, Peering) {
    let Network::Registered(network) = fold(events) else {
        panic!("the network is not on record")
    };
    let peering = network.peerings()[&samples::peering_id(1)].clone();
    (network, peering)
}

/// A network of this provider in the region, with a peer in the other.
fn between(provider: Provider, local: &str, remote: &str) -> (Registered, Peering) {
    let region = |name| Region::of(provider, name).unwrap();
    let network = RegisterNetwork {
        provider,
        region: region(local),
        ..samples::register()
    };
    let peer = Peer {
        provider,
        region: region(remote),
        ..samples::peer(1)
    };
    registered(vec![
        samples::registered_as(network, samples::network_id()),
        samples::requested_of(1, peer),
    ])
}

fn codes(advisories: &[Advisory]) -> Vec<&'static str> {
    advisories.iter().map(|it| it.code).collect()
}

fn of(provider: Provider, local: &str, remote: &str) -> Vec<Advisory> {
    let (network, peering) = between(provider, local, remote);
    advisories(&network, &peering)
}

fn zones(local: &[&str], remote: &[&str]) -> Known {
    let set = |zones: &[&str]| zones.iter().map(|it| (*it).to_owned()).collect();
    Known {
        zones: BySide {
            local: set(local),
            remote: set(remote),
        },
        links: None,
        more_ipv6: BySide::default(),
    }
}

#[test]
fn only_a_link_between_regions_is_called_cross_region() {
    let is_called_so = |local, remote| {
        let advisories = of(Provider::Aws, local, remote);
        codes(&advisories).contains(&CROSS_REGION)
    };
    assert!(!is_called_so("eu-west-1", "eu-west-1"));
    assert!(is_called_so("eu-west-1", "us-east-1"));
}

#[test]
fn a_link_between_aws_regions_says_what_that_takes_costs_and_rules_out() {
    let advisories = of(Provider::Aws, "eu-west-1", "us-east-1");
    assert_eq!(
        codes(&advisories),
        [
            CROSS_REGION,
            INTER_REGION_LIMITS,
            PRIVATE_NAMES,
            NON_TRANSITIVE,
            EDGE_ROUTING
        ]
    );
    let expected = "eu-west-1 and us-east-1 are different regions: a round trip takes about 70 ms, and traffic costs about 0.02 USD per \
                    GB (estimate from list prices and published measurements, November 2026)";
    assert_eq!(advisories[0].message, expected);
}

#[test]
fn a_pair_of_which_nothing_is_known_gets_a_range_and_another_provider_no_figure() {
    assert!(
        of(Provider::Aws, "eu-north-1", "sa-east-1")[0]
            .message
            .contains("about 0.02 to 0.14 USD per GB")
    );
    let gcp = of(Provider::Gcp, "europe-west1", "us-central1");
    assert_eq!(
        codes(&gcp),
        [CROSS_REGION, NON_TRANSITIVE, EDGE_ROUTING, ROUTES_EXCHANGED]
    );
    assert!(!gcp[0].message.contains("USD"));
}

#[test]
fn a_link_within_a_region_is_warned_of_nothing_between_regions() {
    assert_eq!(
        codes(&of(Provider::Aws, "eu-west-1", "eu-west-1")),
        [NON_TRANSITIVE, EDGE_ROUTING]
    );
    assert_eq!(
        codes(&of(Provider::Azure, "westeurope", "westeurope")),
        [
            NON_TRANSITIVE,
            EDGE_ROUTING,
            OPEN_BY_DEFAULT,
            ROUTES_EXCHANGED
        ]
    );
}

#[test]
fn names_that_are_asked_for_need_no_advice() {
    let events = samples::history([samples::dns_set(Side::Local, true)]);
    let (network, peering) = registered(events);
    assert!(!codes(&advisories(&network, &peering)).contains(&PRIVATE_NAMES));
}

#[test]
fn zones_are_compared_where_both_are_known_and_only_within_a_region() {
    let (network, peering) = between(Provider::Aws, "eu-west-1", "eu-west-1");
    let crosses =
        |known: &Known| codes(&advisories_knowing(&network, &peering, known)).contains(&CROSS_ZONE);
    assert!(
        !crosses(&Known::default())
            && !crosses(&zones(&["euw1-az1"], &[]))
            && !crosses(&zones(&["euw1-az1"], &["euw1-az1"]))
    );
    assert!(
        crosses(&zones(&["euw1-az1"], &["euw1-az2"]))
            && crosses(&zones(&["euw1-az1", "euw1-az2"], &["euw1-az1", "euw1-az2"]))
    );
    let known = zones(&["euw1-az1", "euw1-az3"], &["euw1-az2"]);
    let advisory = advisories_knowing(&network, &peering, &known)
        .into_iter()
        .find(|it| it.code == CROSS_ZONE)
        .unwrap();
    for said in [
        "euw1-az1, euw1-az3",
        "euw1-az2",
        "about 1 to 2 ms",
        "about 0.02 USD per GB",
        "estimate",
    ] {
        assert!(advisory.message.contains(said), "{}", advisory.message);
    }
    let (network, peering) = between(Provider::Aws, "eu-west-1", "us-east-1");
    assert!(
        !codes(&advisories_knowing(
            &network,
            &peering,
            &zones(&["euw1-az1"], &["use1-az1"])
        ))
        .contains(&CROSS_ZONE)
    );
}

#[test]
fn a_quota_is_worth_a_word_when_more_than_four_fifths_of_it_are_used() {
    let (network, peering) = between(Provider::Aws, "eu-west-1", "eu-west-1");
    let warned = |used, most| {
        let known = Known {
            links: Some(Usage { used, most }),
            ..Known::default()
        };
        let advisory = advisories_knowing(&network, &peering, &known)
            .into_iter()
            .find(|it| it.code == QUOTA_HEADROOM);
        advisory.map(|it| it.message)
    };
    assert_eq!((warned(40, 50), warned(0, 0)), (None, None));
    assert_eq!(
        warned(41, 50),
        Some("41 of 50 possible links of this network are in use".to_owned())
    );
}

#[test]
fn without_a_quota_from_the_cloud_the_links_on_record_are_counted_against_the_most_there_can_be() {
    let with = |count: u8| {
        let others = (10..10 + count - 1).map(|n| {
            let range = [&*format!("172.16.{n}.0/24")];
            samples::requested_of(
                n,
                Peer {
                    cloud_network: samples::text(&format!("vpc-{n:08x}")),
                    ..samples::peer_with(1, &range)
                },
            )
        });
        let (network, peering) = registered(samples::history(others));
        codes(&advisories(&network, &peering)).contains(&QUOTA_HEADROOM)
    };
    assert!(!with(100) && with(101));
}

#[test]
fn public_address_space_at_the_peer_is_worth_a_word_and_shared_space_is_not() {
    let said = |written: &[&str]| {
        let requested = samples::requested_of(1, samples::peer_with(1, written));
        let (network, peering) = registered(vec![samples::registered(), requested]);
        let all = advisories(&network, &peering);
        let advisory = all.into_iter().find(|it| it.code == PUBLIC_RANGE);
        advisory.map(|it| it.message)
    };
    assert_eq!(said(&["10.101.0.0/16", "100.64.0.0/16"]), None);
    let message = said(&["100.64.0.0/16", "11.0.0.0/16"]).unwrap();
    assert!(message.starts_with("11.0.0.0/16 is public"), "{message}");
}

#[test]
fn a_group_that_admits_and_that_nobody_has_attached_is_worth_a_word_until_it_is() {
    let said = |more: Vec<NetworkEvent>| {
        let admits = samples::restricted(Side::Local, &[samples::clients()]);
        let group = samples::group_created(Side::Local, "sg-01");
        let events = [vec![admits, group.into()], more].concat();
        let (network, peering) = registered(samples::active_history(events));
        let all = advisories(&network, &peering);
        let found: Vec<_> = all
            .into_iter()
            .filter(|it| it.code == ATTACH_GROUP)
            .collect();
        assert!(
            found.iter().all(|it| it.message.contains("sg-01")),
            "{found:?}"
        );
        found.len()
    };
    let seen = |count| samples::attachment_seen(Side::Local, "sg-01", Some(count)).into();
    assert_eq!(
        (said(vec![]), said(vec![seen(0)]), said(vec![seen(2)])),
        (1, 1, 0)
    );
    let asked = FirewallAttachmentRequested {
        peering_id: samples::peering_id(1),
        side: Side::Local,
        to: samples::to_a_tag(true),
    };
    assert_eq!(said(vec![asked.into()]), 0);
    let closed = samples::restricted(Side::Local, &[]);
    assert_eq!(said(vec![closed]), 0, "nothing is to be reached");
}

/// What is said of IPv6 when the cloud shows this of the two ends.
fn of_ipv6(
    network: &Registered,
    peering: &Peering,
    local: &[&str],
    remote: &[&str],
) -> Option<String> {
    let ranges = |all: &[&str]| all.iter().map(|it| (*it).to_owned()).collect();
    let known = Known {
        more_ipv6: BySide {
            local: ranges(local),
            remote: ranges(remote),
        },
        ..Known::default()
    };
    let all = advisories_knowing(network, peering, &known);
    let found = all.into_iter().find(|it| it.code == IPV6);
    found.map(|it| it.message)
}

#[test]
fn ipv6_that_nobody_has_named_is_told_with_the_command_that_names_it() {
    let (mut network, peering) = between(Provider::Aws, "eu-west-1", "eu-west-1");
    let said = of_ipv6(&network, &peering, &[], &[]);
    assert_eq!(said, None);
    let said = of_ipv6(&network, &peering, &["fd00:20::/56", "fd00:21::/56"], &[]).unwrap();
    let start = "the private network has fd00:20::/56, fd00:21::/56, which is not on record: the engine routes and admits what is on record";
    assert!(said.starts_with(start), "{said}");
    let id = network.id;
    let end = format!("; to put it on record: peerage network ipv6 {id} fd00:20::/56 fd00:21::/56");
    assert!(said.ends_with(&end), "{said}");

    let peer = format!("{}/{}", peering.peer.account, peering.peer.cloud_network);
    let said = of_ipv6(&network, &peering, &[], &["fd00:30::/56"]).unwrap();
    assert!(
        said.starts_with("the peer has fd00:30::/56, which"),
        "{said}"
    );
    let end = format!("; to put it on record: peerage peering ranges add {peer} fd00:30::/56");
    assert!(said.ends_with(&end), "{said}");

    network.ipv6_ranges = vec!["fd00:19::/56".parse().unwrap()];
    let said = of_ipv6(&network, &peering, &["fd00:20::/56"], &["fd00:30::/56"]).unwrap();
    assert!(
        said.starts_with("the private network has fd00:20::/56, and the peer has fd00:30::/56,"),
        "{said}"
    );
    let both = format!(
        "peerage network ipv6 {id} fd00:19::/56 fd00:20::/56; peerage peering ranges add {peer} fd00:30::/56"
    );
    assert!(said.ends_with(&both), "what is named stays named: {said}");
}

#[test]
fn where_ipv6_is_refused_no_command_names_it() {
    for (provider, region) in [
        (Provider::Gcp, "europe-west1"),
        (Provider::Azure, "westeurope"),
    ] {
        let (network, peering) = between(provider, region, region);
        let said = of_ipv6(&network, &peering, &["fd00:20::/56"], &["fd00:30::/56"]).unwrap();
        assert!(said.contains("routes and admits IPv4 alone"), "{said}");
        assert!(said.ends_with("counts as an exposure"), "{said}");
    }
}

#[test]
fn every_code_is_listed_once() {
    let listed: BTreeSet<_> = CODES.into_iter().collect();
    assert_eq!(listed.len(), CODES.len());
}
