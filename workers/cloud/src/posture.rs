//! Posture: whether ordered entries let traffic in. One evaluator for all that a cloud puts before
//! its machines: rules that only allow (security groups), lists of which the first entry that
//! matches decides (network ACLs, GCP's rules and Azure's by priority), and defaults, which are a
//! last entry.
//!
//! It is exact: what entries deny is taken away part by part, by protocol, source, target and port,
//! and what several deny together is denied. What an entry says of a source that cannot be read is
//! neither taken for a denial nor for none: the answer is then [`LetsIn::CannotTell`].

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
    let protocols = Protocols::of(entries, traffic);
    let mut left = protocols.areas(traffic, &sources(&traffic.source, from));
    let (mut allowed_perhaps, mut denied_perhaps) = (false, false);
    for entry in in_order(entries) {
        if left.is_empty() {
            break;
        }
        let (areas, is_read) = match &entry.traffic.source {
            Source::Ranges(ranges) => (protocols.areas(&entry.traffic, ranges), true),
            Source::Group { .. } | Source::Named(_) => {
                (protocols.areas(&entry.traffic, from), false)
            }
        };
        let is_about = left
            .iter()
            .any(|one| areas.iter().any(|other| one.shares(other)));
        match (is_about, is_read, entry.allow) {
            (false, ..) => {}
            (true, true, true) if denied_perhaps => return LetsIn::CannotTell,
            (true, true, true) => return LetsIn::Yes,
            (true, true, false) => {
                left = areas.iter().fold(left, |left, area| {
                    left.iter().flat_map(|it| it.without(area)).collect()
                });
            }
            (true, false, true) => allowed_perhaps = true,
            (true, false, false) => denied_perhaps = true,
        }
    }
    if allowed_perhaps {
        LetsIn::CannotTell
    } else {
        LetsIn::No
    }
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
    fn of(entries: &'e [AccessEntry], traffic: &'e Traffic) -> Self {
        let all = entries.iter().map(|it| &it.traffic).chain([traffic]);
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
