//! Posture: whether ordered entries let traffic in. One evaluator for all that a cloud puts before
//! its machines: rules that only allow (AWS's security groups), lists of which the first entry
//! that matches decides (AWS's network ACLs, GCP's rules and Azure's by priority), and defaults,
//! which are a last entry.
//!
//! It is exact: what entries deny is taken away part by part, by protocol, source, target and port,
//! and what several deny together is denied. What an entry says of a source that cannot be read is
//! neither taken for a denial nor for none: the answer is then [`LetsIn::CannotTell`].
//!
//! Lists may stand one behind the other (Azure: before a subnet, and before an interface in it):
//! then it is what all of them let through.

use crate::views::{AccessEntry, Direction, Source, Traffic};
use ipnet::IpNet;
use std::collections::BTreeSet;

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LetsIn {
    /// None of the traffic is let in.
    No,
    /// An entry names a source that cannot be read, and the answer depends on it.
    CannotTell,
    /// Some of it is.
    Yes,
}

/// Whether these entries, tried by priority, let any of this traffic in as far as it comes from
/// `from`. What no entry covers is denied: where a cloud admits by default, that default is the
/// last entry. Outbound entries let nothing in.
pub fn lets_in(entries: &[AccessEntry], traffic: &Traffic, from: &[IpNet]) -> LetsIn {
    lets_in_through(&[entries], traffic, from)
}

/// The same of several lists that stand one behind the other: a packet has to be let in by each of
/// them. Where there is no list, everything is let in.
pub fn lets_in_through(lists: &[&[AccessEntry]], traffic: &Traffic, from: &[IpNet]) -> LetsIn {
    let all = lists.iter().flat_map(|it| it.iter());
    let protocols = Protocols::of(all, traffic);
    let mut passed = Passed {
        certain: protocols.areas(traffic, &sources(&traffic.source, from)),
        perhaps: Vec::new(),
    };
    for (at, entries) in lists.iter().enumerate() {
        let entries = in_order(entries);
        let known = passes(&entries, &protocols, passed.certain, from);
        if at + 1 == lists.len() && !known.certain.is_empty() {
            return LetsIn::Yes;
        }
        let doubtful = passes(&entries, &protocols, passed.perhaps, from);
        passed = Passed {
            certain: known.certain,
            perhaps: [known.perhaps, doubtful.certain, doubtful.perhaps].concat(),
        };
    }
    match (passed.certain.is_empty(), passed.perhaps.is_empty()) {
        (false, _) => LetsIn::Yes,
        (true, false) => LetsIn::CannotTell,
        (true, true) => LetsIn::No,
    }
}

/// What a list lets through of what reaches it.
#[derive(Debug, Default)]
struct Passed {
    certain: Vec<Area>,
    /// What depends on an entry of which the source cannot be read.
    perhaps: Vec<Area>,
}

fn passes(
    entries: &[&AccessEntry],
    protocols: &Protocols<'_>,
    mut left: Vec<Area>,
    from: &[IpNet],
) -> Passed {
    let (mut passed, mut doubtful) = (Passed::default(), Vec::<Area>::new());
    for entry in entries {
        if left.is_empty() {
            break;
        }
        let (areas, is_read) = match &entry.traffic.source {
            Source::Ranges(ranges) => (protocols.areas(&entry.traffic, ranges), true),
            Source::Group { .. } | Source::Named(_) => {
                (protocols.areas(&entry.traffic, from), false)
            }
        };
        let about = || {
            let pairs = left
                .iter()
                .flat_map(|one| areas.iter().map(move |it| one.and(it)));
            pairs.flatten().collect::<Vec<_>>()
        };
        match (is_read, entry.allow) {
            (true, true) => {
                let is_doubtful = |one: &Area| doubtful.iter().any(|it| it.shares(one));
                let (perhaps, certain): (Vec<_>, Vec<_>) =
                    about().into_iter().partition(is_doubtful);
                passed.certain.extend(certain);
                passed.perhaps.extend(perhaps);
                left = without(left, &areas);
            }
            (true, false) => left = without(left, &areas),
            (false, true) => passed.perhaps.extend(about()),
            (false, false) => doubtful.extend(areas),
        }
    }
    passed
}

/// What is left of areas without these.
fn without(left: Vec<Area>, areas: &[Area]) -> Vec<Area> {
    areas.iter().fold(left, |left, area| {
        left.iter().flat_map(|it| it.without(area)).collect()
    })
}

/// The inbound entries, in the order in which they are tried. Of two with one priority the denial
/// is first: so it is at GCP, and nowhere else have two the same one that do not both allow.
fn in_order(entries: &[AccessEntry]) -> Vec<&AccessEntry> {
    let inbound = entries.iter().filter(|it| match it.direction {
        Direction::Inbound => true,
        Direction::Outbound => false,
    });
    let mut ordered: Vec<_> = inbound.collect();
    ordered.sort_by_key(|it| (it.priority, it.allow));
    ordered
}

/// The addresses of `from` that are a source's; all of them, where it cannot be read.
fn sources(source: &Source, from: &[IpNet]) -> Vec<IpNet> {
    match source {
        Source::Ranges(ranges) => {
            let parts = ranges.iter().flat_map(|one| {
                from.iter()
                    .filter_map(move |other| narrower(one, other).copied())
            });
            parts.collect()
        }
        Source::Group { .. } | Source::Named(_) => from.to_vec(),
    }
}

/// What two ranges share: one of them, or nothing.
fn narrower<'r>(one: &'r IpNet, other: &'r IpNet) -> Option<&'r IpNet> {
    if one.contains(other) {
        Some(other)
    } else if other.contains(one) {
        Some(one)
    } else {
        None
    }
}

/// The protocols that are told apart: those that have a name here, and all others as one.
#[derive(Debug)]
struct Protocols<'e>(Vec<Option<&'e str>>);

impl<'e> Protocols<'e> {
    fn of(entries: impl Iterator<Item = &'e AccessEntry>, traffic: &'e Traffic) -> Self {
        let all = entries.map(|it| &it.traffic).chain([traffic]);
        let named: BTreeSet<&str> = all.filter_map(|it| it.protocol.as_deref()).collect();
        let any_other = std::iter::once(None);
        Self(any_other.chain(named.into_iter().map(Some)).collect())
    }

    /// What traffic covers, if it comes from these ranges.
    fn areas(&self, traffic: &Traffic, ranges: &[IpNet]) -> Vec<Area> {
        let ports = traffic.ports.unwrap_or((0, u16::MAX));
        let is_of =
            |it: &Option<&str>| traffic.protocol.is_none() || *it == traffic.protocol.as_deref();
        let protocols = self.0.iter().enumerate().filter(|(_, it)| is_of(it));
        let areas = protocols.flat_map(|(protocol, _)| {
            let from = ranges.iter().map(span);
            from.flat_map(move |(is_v6, from)| {
                targets(traffic, is_v6).into_iter().map(move |to| Area {
                    protocol,
                    is_v6,
                    spans: [from, to, (ports.0.into(), ports.1.into())],
                })
            })
        });
        areas.filter(Area::is_some).collect()
    }
}

/// Where traffic of a family of addresses goes.
fn targets(traffic: &Traffic, is_v6: bool) -> Vec<Span> {
    match &traffic.target {
        None => vec![(0, u128::MAX)],
        Some(ranges) => {
            let all = ranges.iter().map(span);
            all.filter(|(family, _)| *family == is_v6)
                .map(|(_, to)| to)
                .collect()
        }
    }
}

/// A first and a last number.
type Span = (u128, u128);

/// The addresses of a range, and whether they are IPv6 ones.
fn span(range: &IpNet) -> (bool, Span) {
    match range {
        IpNet::V4(net) => {
            let of = |it: std::net::Ipv4Addr| u128::from(it.to_bits());
            (false, (of(net.network()), of(net.broadcast())))
        }
        IpNet::V6(net) => (true, (net.network().to_bits(), net.broadcast().to_bits())),
    }
}

/// Packets of one protocol and family, from a span of addresses to a span of addresses and of
/// ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Area {
    protocol: usize,
    is_v6: bool,
    /// Of the source, of the target, of the port.
    spans: [Span; 3],
}

impl Area {
    fn is_some(&self) -> bool {
        self.spans.iter().all(|(first, last)| first <= last)
    }

    fn shares(&self, other: &Self) -> bool {
        let mut spans = self.spans.iter().zip(&other.spans);
        (self.protocol, self.is_v6) == (other.protocol, other.is_v6)
            && spans.all(|(one, other)| one.0 <= other.1 && other.0 <= one.1)
    }

    /// What both cover.
    fn and(&self, other: &Self) -> Option<Self> {
        let [a, b, c] = self.spans;
        let [d, e, f] = other.spans;
        let both = |one: Span, other: Span| (one.0.max(other.0), one.1.min(other.1));
        self.shares(other).then_some(Self {
            spans: [both(a, d), both(b, e), both(c, f)],
            ..*self
        })
    }

    /// What is left of it: for each of the three, at most a part below and a part above what both
    /// share.
    fn without(&self, other: &Self) -> Vec<Self> {
        if !self.shares(other) {
            return vec![*self];
        }
        let (mut left, mut rest) = (Vec::new(), *self);
        for (at, cut) in other.spans.iter().enumerate() {
            let Some((first, last)) = rest.spans.get(at).copied() else {
                continue;
            };
            let mut part = |span| {
                let mut part = rest;
                if let Some(of) = part.spans.get_mut(at) {
                    *of = span;
                }
                left.push(part);
            };
            if first < cut.0 {
                part((first, cut.0 - 1));
            }
            if cut.1 < last {
                part((cut.1 + 1, last));
            }
            if let Some(of) = rest.spans.get_mut(at) {
                *of = (first.max(cut.0), last.min(cut.1));
            }
        }
        left
    }
}
