//! What a list in front of subnets keeps out, as a table: whether somebody else's rule is an
//! exposure then, on either side.

use super::*;
use cloud::{AccessEntry, AccessListView};

const PRIVATE: &str = "10.20.0.0/16";

fn traffic(ranges: &[&str], protocol: Option<&str>, ports: Option<(u16, u16)>) -> Traffic {
    Traffic {
        source: Source::Ranges(ranges.iter().map(|it| it.parse().unwrap()).collect()),
        protocol: protocol.map(str::to_owned),
        ports,
        target: None,
    }
}

fn allow(traffic: Traffic) -> AccessEntry {
    AccessEntry {
        direction: cloud::Direction::Inbound,
        priority: 0,
        traffic,
        allow: true,
    }
}

fn deny(traffic: Traffic) -> AccessEntry {
    AccessEntry {
        direction: cloud::Direction::Inbound,
        priority: 0,
        traffic,
        allow: false,
    }
}

fn in_this_order(entries: &[AccessEntry]) -> Vec<AccessEntry> {
    let numbered = entries.iter().zip(1..);
    numbered
        .map(|(entry, priority)| AccessEntry {
            priority,
            ..entry.clone()
        })
        .collect()
}

fn list(subnets: &[&str], entries: &[AccessEntry]) -> AccessListView {
    AccessListView {
        list: None,
        network: "vpc-0bbbbbbbbbbbbbbbb".parse().unwrap(),
        subnets: subnets.iter().map(|it| it.parse().unwrap()).collect(),
        entries: in_this_order(entries),
        behind: None,
    }
}

/// Whether a stranger's rule that admits this is an exposure behind these lists.
fn is_exposed(admits: Traffic, lists: &[AccessListView]) -> bool {
    let log = active();
    let stranger = RuleView {
        id: "sgr-s".parse().unwrap(),
        rule: None,
        admits,
        text: "theirs".to_owned(),
        owner: None,
        what: ExposedBy::Rule,
    };
    let theirs = GroupView {
        name: "theirs".to_owned(),
        owner: None,
        ..own_group("sg-s", &[stranger])
    };
    let mut seen = inside(&[our_route()], &[]);
    seen.groups.remote = Some(vec![own_group("sg-9", &[]), theirs]);
    seen.lists.remote = Some(lists.to_vec());
    let plan = planned(&log, &seen, 0);
    assert!(plan.needs.is_empty(), "{:?}", plan.needs);
    steps(&plan).contains(&"FirewallExposed".to_owned())
}

fn web() -> Traffic {
    traffic(&["10.0.0.0/8"], Some("tcp"), Some((80, 90)))
}

/// Whether one list in use with these entries lets `web` in.
fn lets_web_in(entries: &[AccessEntry]) -> bool {
    is_exposed(web(), &[list(&["subnet-r"], entries)])
}

fn everything() -> Traffic {
    traffic(&["0.0.0.0/0"], None, None)
}

#[test]
fn an_entry_that_allows_any_part_of_the_traffic_lets_it_in() {
    let rows: [(&str, Traffic, bool); 16] = [
        ("everything", everything(), true),
        (
            "the same",
            traffic(&[PRIVATE], Some("tcp"), Some((80, 90))),
            true,
        ),
        (
            "a part of the range",
            traffic(&["10.20.7.0/24"], Some("tcp"), Some((80, 90))),
            true,
        ),
        (
            "a wider range",
            traffic(&["10.0.0.0/8"], Some("tcp"), Some((80, 90))),
            true,
        ),
        (
            "another range",
            traffic(&["10.21.0.0/16"], Some("tcp"), Some((80, 90))),
            false,
        ),
        ("no range", traffic(&[], None, None), false),
        (
            "a second range",
            traffic(&["10.21.0.0/16", PRIVATE], None, None),
            true,
        ),
        (
            "another protocol",
            traffic(&[PRIVATE], Some("udp"), Some((80, 90))),
            false,
        ),
        ("every protocol", traffic(&[PRIVATE], None, None), true),
        ("every port", traffic(&[PRIVATE], Some("tcp"), None), true),
        (
            "ports below",
            traffic(&[PRIVATE], Some("tcp"), Some((70, 79))),
            false,
        ),
        (
            "up to the first port",
            traffic(&[PRIVATE], Some("tcp"), Some((70, 80))),
            true,
        ),
        (
            "one port within",
            traffic(&[PRIVATE], Some("tcp"), Some((85, 85))),
            true,
        ),
        (
            "from the last port",
            traffic(&[PRIVATE], Some("tcp"), Some((90, 99))),
            true,
        ),
        (
            "ports above",
            traffic(&[PRIVATE], Some("tcp"), Some((91, 99))),
            false,
        ),
        (
            "ports around",
            traffic(&[PRIVATE], Some("tcp"), Some((1, 65535))),
            true,
        ),
    ];
    for (what, about, lets_in) in rows {
        assert_eq!(lets_web_in(&[allow(about)]), lets_in, "{what}");
    }
}

#[test]
fn only_an_entry_that_denies_all_of_the_traffic_keeps_it_out() {
    let rows: [(&str, Traffic, bool); 13] = [
        ("everything", everything(), true),
        (
            "the same",
            traffic(&[PRIVATE], Some("tcp"), Some((80, 90))),
            true,
        ),
        (
            "a part of the range",
            traffic(&["10.20.7.0/24"], Some("tcp"), Some((80, 90))),
            false,
        ),
        (
            "another range",
            traffic(&["10.21.0.0/16"], None, None),
            false,
        ),
        (
            "a second range",
            traffic(&["10.21.0.0/16", "10.0.0.0/8"], None, None),
            true,
        ),
        (
            "another protocol",
            traffic(&[PRIVATE], Some("udp"), Some((80, 90))),
            false,
        ),
        ("every protocol", traffic(&[PRIVATE], None, None), true),
        ("every port", traffic(&[PRIVATE], Some("tcp"), None), true),
        (
            "all but the first port",
            traffic(&[PRIVATE], Some("tcp"), Some((81, 90))),
            false,
        ),
        (
            "all but the last port",
            traffic(&[PRIVATE], Some("tcp"), Some((80, 89))),
            false,
        ),
        (
            "ports around",
            traffic(&[PRIVATE], Some("tcp"), Some((79, 91))),
            true,
        ),
        (
            "ports below",
            traffic(&[PRIVATE], Some("tcp"), Some((1, 79))),
            false,
        ),
        (
            "ports above",
            traffic(&[PRIVATE], Some("tcp"), Some((91, 99))),
            false,
        ),
    ];
    for (what, about, keeps_out) in rows {
        let entries = [deny(about), allow(everything())];
        assert_eq!(lets_web_in(&entries), !keeps_out, "{what}");
    }
}

#[test]
fn the_first_entry_decides_and_what_none_is_about_is_kept_out() {
    assert!(!lets_web_in(&[]));
    assert!(lets_web_in(&[allow(everything()), deny(everything())]));
    assert!(!lets_web_in(&[deny(everything()), allow(everything())]));
}

#[test]
fn traffic_of_every_protocol_and_port_is_kept_out_by_nothing_less() {
    let all = || traffic(&["10.0.0.0/8"], None, None);
    let exposed = |about: Traffic| {
        let entries = [deny(about), allow(everything())];
        is_exposed(all(), &[list(&["subnet-r"], &entries)])
    };
    assert!(exposed(traffic(&[PRIVATE], Some("tcp"), None)));
    assert!(exposed(traffic(&[PRIVATE], None, Some((1, 65535)))));
    assert!(!exposed(traffic(&[PRIVATE], None, None)));
    let only_some = [allow(traffic(&[PRIVATE], Some("udp"), Some((53, 53))))];
    assert!(is_exposed(all(), &[list(&["subnet-r"], &only_some)]));
}

#[test]
fn one_list_in_use_that_lets_it_in_is_enough_and_one_out_of_use_counts_for_nothing() {
    let (open, shut) = ([allow(everything())], [deny(everything())]);
    assert!(is_exposed(
        web(),
        &[list(&["subnet-1"], &shut), list(&["subnet-2"], &open)]
    ));
    assert!(!is_exposed(
        web(),
        &[list(&["subnet-1"], &shut), list(&[], &open)]
    ));
    assert!(!is_exposed(
        web(),
        &[list(&["subnet-1"], &shut), list(&["subnet-2"], &shut)]
    ));
    // Where no list is in use, nothing keeps anything out.
    assert!(is_exposed(web(), &[list(&[], &shut)]));
    assert!(is_exposed(web(), &[]));
}

#[test]
fn a_rule_is_an_exposure_if_any_part_of_the_private_network_is_among_its_sources() {
    let open = [list(&["subnet-r"], &[allow(everything())])];
    let exposed = |ranges: &[&str]| is_exposed(traffic(ranges, Some("tcp"), Some((22, 22))), &open);
    assert!(exposed(&["10.20.0.0/16"]));
    assert!(exposed(&["10.20.255.255/32"]));
    assert!(exposed(&["0.0.0.0/0"]));
    assert!(exposed(&["192.168.0.0/16", "10.20.4.0/22"]));
    assert!(!exposed(&["10.21.0.0/16"]));
    assert!(!exposed(&["10.19.0.0/16", "192.168.0.0/16"]));
    assert!(!exposed(&[]));
}

/// Whether a stranger's rule in the private network, with this source, is an exposure.
fn exposes_the_private_network(source: Source) -> bool {
    let stranger = RuleView {
        id: "sgr-s".parse().unwrap(),
        rule: None,
        admits: Traffic {
            source,
            protocol: None,
            ports: None,
            target: None,
        },
        text: "theirs".to_owned(),
        owner: None,
        what: ExposedBy::Rule,
    };
    let theirs = GroupView {
        name: "theirs".to_owned(),
        owner: None,
        ..own_group("sg-s", &[stranger])
    };
    let seen = inside(&[our_route()], &[own_group("sg-1", &[]), theirs]);
    let plan = planned(&with_group(), &seen, 0);
    assert!(plan.needs.is_empty(), "{:?}", plan.needs);
    steps(&plan).contains(&"FirewallExposed".to_owned())
}

#[test]
fn a_rule_of_the_private_networks_own_that_admits_the_peer_is_an_exposure_too() {
    let ranges = |text: &str| Source::Ranges(vec![text.parse().unwrap()]);
    assert!(exposes_the_private_network(ranges("0.0.0.0/0")));
    assert!(exposes_the_private_network(ranges(CLIENTS)));
    assert!(!exposes_the_private_network(ranges("10.20.0.0/16")));
    assert!(!exposes_the_private_network(ranges("::/0")), "without IPv6");
}

#[test]
fn a_rule_that_names_a_group_lets_in_whoever_is_in_that_groups_network() {
    let log = Log::with_a_peering();
    let peer = log.peering().peer.cloud_network;
    let group = |network| Source::Group {
        group: "sg-elsewhere".to_owned(),
        network,
    };
    assert!(exposes_the_private_network(group(Some(peer))));
    let third = "vpc-0cccccccccccccccc".parse().unwrap();
    assert!(!exposes_the_private_network(group(Some(third))));
    assert!(
        exposes_the_private_network(group(None)),
        "that cannot be told"
    );
}
