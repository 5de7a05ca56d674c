//! The evaluator of posture against one that asks about every packet of a small world.
#![allow(clippy::unwrap_used)]

use ipnet::IpNet;
use peerage_cloud::{AccessEntry, Direction, LetsIn, Source, Traffic, lets_in, lets_in_through};
use std::net::IpAddr;

/// A packet of the small world.
#[derive(Clone, Copy, Debug)]
struct Packet {
    from: IpAddr,
    to: IpAddr,
    protocol: &'static str,
    port: u16,
}

const PROTOCOLS: [&str; 3] = ["tcp", "udp", "gre"];
const PORTS: u16 = 4;

/// Four addresses of each family to three others, of which the last stands for all that no entry
/// names; three protocols, four ports.
fn packets() -> Vec<Packet> {
    let address = |text: String| text.parse::<IpAddr>().unwrap();
    let ways = (0..4).flat_map(|from| {
        (0..3).flat_map(move |to| {
            [
                (format!("10.0.0.{from}"), format!("10.9.0.{to}")),
                (format!("fd00::{from}"), format!("fd09::{to}")),
            ]
        })
    });
    ways.flat_map(|(from, to)| {
        let (from, to) = (address(from), address(to));
        PROTOCOLS.into_iter().flat_map(move |protocol| {
            (0..PORTS).map(move |port| Packet {
                from,
                to,
                protocol,
                port,
            })
        })
    })
    .collect()
}

fn covers(traffic: &Traffic, packet: &Packet) -> bool {
    let Source::Ranges(ranges) = &traffic.source else {
        panic!("{traffic:?} cannot be read");
    };
    let of = |ranges: &[IpNet], it: &IpAddr| ranges.iter().any(|range| range.contains(it));
    of(ranges, &packet.from)
        && traffic.target.as_ref().is_none_or(|it| of(it, &packet.to))
        && traffic
            .protocol
            .as_deref()
            .is_none_or(|it| it == packet.protocol)
        && traffic
            .ports
            .is_none_or(|(first, last)| (first..=last).contains(&packet.port))
}

/// Asks about each packet: of the inbound entries that cover it that of the least priority decides,
/// and of two such a denial.
fn by_packet(entries: &[AccessEntry], traffic: &Traffic, from: &[IpNet]) -> bool {
    packets()
        .iter()
        .filter(|it| covers(traffic, it) && from.iter().any(|range| range.contains(&it.from)))
        .any(|packet| {
            let about = entries
                .iter()
                .filter(|it| it.direction == Direction::Inbound && covers(&it.traffic, packet));
            let first = about.min_by_key(|it| (it.priority, it.allow));
            first.is_some_and(|it| it.allow)
        })
}

fn ranges(texts: &[&str]) -> Vec<IpNet> {
    texts.iter().map(|it| it.parse().unwrap()).collect()
}

fn traffic(sources: &[&str], protocol: Option<&str>, ports: Option<(u16, u16)>) -> Traffic {
    Traffic {
        source: Source::Ranges(ranges(sources)),
        protocol: protocol.map(str::to_owned),
        ports,
        target: None,
    }
}

fn unread(protocol: Option<&str>, ports: Option<(u16, u16)>) -> Traffic {
    Traffic {
        source: Source::Named("pl-1".to_owned()),
        protocol: protocol.map(str::to_owned),
        ports,
        target: None,
    }
}

fn entry(traffic: Traffic, allow: bool) -> AccessEntry {
    AccessEntry {
        direction: Direction::Inbound,
        priority: 0,
        traffic,
        allow,
    }
}

/// Entries that are tried one after the other.
fn in_turn<const N: usize>(entries: [AccessEntry; N]) -> [AccessEntry; N] {
    let mut next = 0;
    entries.map(|entry| {
        next += 1;
        AccessEntry {
            priority: next,
            ..entry
        }
    })
}

fn to(target: &[&str], traffic: Traffic) -> Traffic {
    Traffic {
        target: Some(ranges(target)),
        ..traffic
    }
}

/// All kinds of traffic that differ in the small world. The last port stands for all above it.
fn kinds() -> Vec<Traffic> {
    let sources: [&[&str]; 6] = [
        &["0.0.0.0/0"],
        &["::/0"],
        &["10.0.0.0/31"],
        &["10.0.0.2/31", "fd00::/127"],
        &["10.0.0.1/32"],
        &["fd00::2/127"],
    ];
    let protocols = [None, Some("tcp"), Some("udp")];
    let ports = [None, Some((0, 1)), Some((1, 2)), Some((2, u16::MAX))];
    let mut all = Vec::new();
    for source in sources {
        for protocol in protocols {
            for span in ports {
                all.push(traffic(source, protocol, span));
            }
        }
    }
    let targets: [&[&str]; 3] = [&["10.9.0.0/32"], &["10.9.0.1/32", "fd09::/127"], &[]];
    for target in targets {
        for source in &sources[..3] {
            for span in [None, Some((1, 2))] {
                all.push(to(target, traffic(source, Some("tcp"), span)));
            }
        }
    }
    all
}

#[test]
fn what_it_says_of_two_entries_is_what_the_packets_say_one_by_one() {
    let (kinds, from) = (kinds(), ranges(&["10.0.0.0/30", "fd00::/126"]));
    let everything = [
        traffic(&["0.0.0.0/0", "::/0"], None, None),
        traffic(&["10.0.0.0/31"], Some("tcp"), Some((0, 2))),
    ];
    let mut let_in = 0;
    for asked in &everything {
        for first in &kinds {
            for second in &kinds {
                for (one, other) in [(false, true), (false, false), (true, false)] {
                    let entries =
                        in_turn([entry(first.clone(), one), entry(second.clone(), other)]);
                    let expected = by_packet(&entries, asked, &from);
                    let_in += usize::from(expected);
                    assert_eq!(
                        lets_in(&entries, asked, &from) == LetsIn::Yes,
                        expected,
                        "{entries:?} {asked:?}"
                    );
                }
            }
        }
    }
    assert!(let_in > 1000, "{let_in}");
}

/// A seeded walk over longer lists.
#[test]
fn what_it_says_of_many_entries_is_what_the_packets_say_one_by_one() {
    let kinds = kinds();
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut draw = |below: usize| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % below
    };
    let froms = [
        ranges(&["10.0.0.0/30"]),
        ranges(&["fd00::/126"]),
        ranges(&["10.0.0.0/30", "fd00::/126"]),
        ranges(&["10.0.0.2/31"]),
        Vec::new(),
    ];
    let (mut yes, mut no) = (0, 0);
    for _ in 0..20_000 {
        let entries: Vec<_> = (0..draw(9))
            .map(|_| AccessEntry {
                direction: match draw(8) {
                    0 => Direction::Outbound,
                    _ => Direction::Inbound,
                },
                priority: u32::try_from(draw(4)).unwrap(),
                ..entry(kinds[draw(kinds.len())].clone(), draw(4) == 0)
            })
            .collect();
        let (asked, from) = (&kinds[draw(kinds.len())], &froms[draw(froms.len())]);
        let expected = by_packet(&entries, asked, from);
        *(if expected { &mut yes } else { &mut no }) += 1;
        let said = lets_in(&entries, asked, from);
        assert_eq!(
            said == LetsIn::Yes,
            expected,
            "{entries:?} {asked:?} {from:?}"
        );
        assert_ne!(said, LetsIn::CannotTell, "all can be read");
    }
    assert!(yes > 1000 && no > 1000, "{yes} {no}");
}

#[test]
fn what_several_entries_deny_together_is_denied() {
    let halves = in_turn([
        entry(traffic(&["10.0.0.0/31"], None, None), false),
        entry(traffic(&["10.0.0.2/31"], None, Some((0, 99))), false),
        entry(traffic(&["10.0.0.0/8"], None, Some((100, u16::MAX))), false),
        entry(traffic(&["0.0.0.0/0"], None, None), true),
    ]);
    let everything = traffic(&["0.0.0.0/0"], None, None);
    let from = ranges(&["10.0.0.0/30"]);
    assert_eq!(lets_in(&halves, &everything, &from), LetsIn::No);
    for without in 0..3 {
        let mut entries = halves.to_vec();
        entries.remove(without);
        assert_eq!(lets_in(&entries, &everything, &from), LetsIn::Yes);
    }
}

#[test]
fn what_is_said_of_a_source_that_cannot_be_read_is_not_known() {
    let from = ranges(&["10.0.0.0/30"]);
    let all = || traffic(&["0.0.0.0/0"], None, None);
    let web = traffic(&["0.0.0.0/0"], Some("tcp"), Some((80, 80)));
    let says = |entries: &[AccessEntry]| lets_in(entries, &web, &from);
    assert_eq!(says(&[entry(unread(None, None), true)]), LetsIn::CannotTell);
    assert_eq!(
        says(&[entry(unread(Some("udp"), None), true)]),
        LetsIn::No,
        "of another protocol"
    );
    assert_eq!(
        says(&[entry(unread(None, Some((1, 79))), true)]),
        LetsIn::No,
        "of other ports"
    );
    assert_eq!(
        says(&in_turn([
            entry(all(), false),
            entry(unread(None, None), true)
        ])),
        LetsIn::No,
        "denied before"
    );
    assert_eq!(
        says(&[entry(unread(None, None), true), entry(all(), true)]),
        LetsIn::Yes
    );
    assert_eq!(
        says(&in_turn([
            entry(unread(None, None), false),
            entry(all(), true)
        ])),
        LetsIn::CannotTell
    );
    assert_eq!(
        says(&[entry(unread(None, None), false), entry(all(), false)]),
        LetsIn::No
    );
    // Asked about a source that cannot be read, all that may be meant is asked about.
    let unread_web = unread(Some("tcp"), Some((80, 80)));
    assert_eq!(
        lets_in(&[entry(all(), true)], &unread_web, &from),
        LetsIn::Yes
    );
    assert_eq!(lets_in(&[entry(all(), true)], &unread_web, &[]), LetsIn::No);
}

/// The same entry, tried when its turn comes.
fn at(priority: u32, entry: AccessEntry) -> AccessEntry {
    AccessEntry { priority, ..entry }
}

#[test]
fn entries_are_tried_by_priority_and_of_two_with_one_priority_the_denial_first() {
    let from = ranges(&["10.0.0.0/30"]);
    let all = || traffic(&["0.0.0.0/0"], None, None);
    let says = |entries: &[AccessEntry]| lets_in(entries, &all(), &from);
    let (allow, deny) = (entry(all(), true), entry(all(), false));
    // A network ACL of AWS: the numbers decide, in whatever order they are shown.
    for (first, expected) in [(90, LetsIn::No), (110, LetsIn::Yes)] {
        let entries = [at(100, allow.clone()), at(first, deny.clone())];
        assert_eq!(says(&entries), expected, "a denial at {first}");
    }
    // GCP: a denial goes before what allows with the same priority.
    assert_eq!(says(&[at(1000, allow.clone()), at(1000, deny)]), LetsIn::No);
    let outbound = AccessEntry {
        direction: Direction::Outbound,
        ..allow
    };
    assert_eq!(says(&[outbound]), LetsIn::No);
}

#[test]
fn an_entry_with_a_target_says_nothing_of_what_goes_elsewhere() {
    let from = ranges(&["10.0.0.0/30"]);
    let all = || traffic(&["0.0.0.0/0"], None, None);
    let (one, other) = (["10.9.0.0/32"], ["10.9.0.1/32"]);
    let admitted = [entry(to(&one, all()), true)];
    assert_eq!(lets_in(&admitted, &to(&one, all()), &from), LetsIn::Yes);
    assert_eq!(lets_in(&admitted, &to(&other, all()), &from), LetsIn::No);
    assert_eq!(lets_in(&admitted, &all(), &from), LetsIn::Yes);
    let denied = in_turn([entry(to(&one, all()), false), entry(all(), true)]);
    assert_eq!(lets_in(&denied, &to(&one, all()), &from), LetsIn::No);
    assert_eq!(lets_in(&denied, &to(&other, all()), &from), LetsIn::Yes);
}

#[test]
fn where_a_cloud_admits_by_default_the_default_is_the_last_entry() {
    let from = ranges(&["10.0.0.0/30"]);
    let network = traffic(&["10.0.0.0/8"], None, None);
    // Azure: AllowVnetInBound (65000) and DenyAllInBound (65500).
    let defaults = [
        at(65_000, entry(network.clone(), true)),
        at(65_500, entry(traffic(&["0.0.0.0/0"], None, None), false)),
    ];
    assert_eq!(lets_in(&defaults, &network, &from), LetsIn::Yes);
    let denied = [
        &[at(100, entry(traffic(&["10.0.0.0/30"], None, None), false))],
        &defaults[..],
    ]
    .concat();
    assert_eq!(lets_in(&denied, &network, &from), LetsIn::No);
    assert_eq!(lets_in(&[], &network, &from), LetsIn::No);
}

/// Two lists, one behind the other: a packet has to be let in by both.
#[test]
fn what_it_says_of_two_lists_one_behind_the_other_is_what_the_packets_say_one_by_one() {
    let (kinds, from) = (kinds(), ranges(&["10.0.0.0/30", "fd00::/126"]));
    let asked = traffic(&["0.0.0.0/0", "::/0"], None, None);
    let all = || entry(traffic(&["0.0.0.0/0", "::/0"], None, None), true);
    let (mut let_in, mut kept_out) = (0, 0);
    for first in &kinds {
        for second in kinds.iter().step_by(3) {
            for (one, other) in [(true, true), (true, false), (false, false)] {
                let list = |about: &Traffic, allow: bool| match allow {
                    true => vec![entry(about.clone(), true)],
                    false => in_turn([entry(about.clone(), false), all()]).to_vec(),
                };
                let (front, back) = (list(first, one), list(second, other));
                let expected = packets().iter().any(|packet| {
                    let lets = |list: &[AccessEntry]| {
                        let mut about = list.iter().filter(|it| covers(&it.traffic, packet));
                        about.next().is_some_and(|it| it.allow)
                    };
                    covers(&asked, packet) && lets(&front) && lets(&back)
                });
                let said = lets_in_through(&[&front, &back], &asked, &from);
                assert_eq!(said == LetsIn::Yes, expected, "{front:?} {back:?}");
                let_in += usize::from(expected);
                kept_out += usize::from(!expected);
            }
        }
    }
    assert!(let_in > 1000 && kept_out > 100, "{let_in}, {kept_out}");
}

#[test]
fn behind_a_list_that_cannot_be_read_nothing_is_let_in_for_certain_and_a_denial_keeps_all_out() {
    let from = ranges(&["10.0.0.0/30"]);
    let any = traffic(&["0.0.0.0/0"], None, None);
    let (all, some) = (entry(any.clone(), true), entry(unread(None, None), true));
    let none = entry(any.clone(), false);
    let said = |lists: &[&[AccessEntry]]| lets_in_through(lists, &any, &from);
    for (front, back) in [(&some, &all), (&all, &some)] {
        let lists = [std::slice::from_ref(front), std::slice::from_ref(back)];
        assert_eq!(said(&lists), LetsIn::CannotTell);
    }
    let (some, none) = (std::slice::from_ref(&some), std::slice::from_ref(&none));
    assert_eq!(said(&[some, none]), LetsIn::No);
    assert_eq!(
        said(&[some, &[]]),
        LetsIn::No,
        "an empty list lets nothing in"
    );
    assert_eq!(said(&[]), LetsIn::Yes, "and no list at all everything");
}

/// A denial of which the source cannot be read leaves open what it may be about, and nothing else.
#[test]
fn a_denial_that_cannot_be_read_leaves_open_what_it_may_be_about_alone() {
    let from = ranges(&["10.0.0.0/30"]);
    let any = traffic(&["0.0.0.0/0"], None, None);
    let of = |ports| traffic(&["0.0.0.0/0"], Some("tcp"), Some(ports));
    let entries = in_turn([
        entry(unread(Some("tcp"), Some((0, 1))), false),
        entry(of((0, 1)), true),
    ]);
    assert_eq!(lets_in(&entries, &any, &from), LetsIn::CannotTell);
    let entries = in_turn([
        entry(unread(Some("tcp"), Some((0, 1))), false),
        entry(of((0, 2)), true),
    ]);
    assert_eq!(lets_in(&entries, &of((2, 2)), &from), LetsIn::Yes);
}
