//! Posture: whether ordered entries let traffic in. One evaluator for all that a cloud puts before
//! its machines: rules that only allow (security groups), lists of which the first entry that
//! matches decides (network ACLs, GCP's rules and Azure's by priority), and defaults, which are a
//! last entry.
//!
//! It is exact: what entries deny is taken away part by part, by protocol, address and port, and
//! what several deny together is denied. What an entry says of a source that cannot be read is
//! neither taken for a denial nor for none: the answer is then [`LetsIn::CannotTell`].

use crate::views::{AccessEntry, Source, Traffic};
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

/// Whether these entries, tried in order, let any of this traffic in as far as it comes from
/// `from`. What no entry covers is denied: where a cloud admits by default, that default is the
/// last entry.
pub fn lets_in(entries: &[AccessEntry], traffic: &Traffic, from: &[IpNet]) -> LetsIn {
    let protocols = Protocols::of(entries, traffic);
    let mut left = protocols.areas(traffic, &sources(&traffic.source, from));
    let (mut allowed_perhaps, mut denied_perhaps) = (false, false);
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
            ranges
                .iter()
                .map(move |range| Area::new(protocol, range, ports))
        });
        areas.filter(|area| area.ports.0 <= area.ports.1).collect()
    }
}

/// Packets of one protocol and family, from a span of addresses to a span of ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Area {
    protocol: usize,
    is_v6: bool,
    addresses: (u128, u128),
    ports: (u16, u16),
}

impl Area {
    fn new(protocol: usize, range: &IpNet, ports: (u16, u16)) -> Self {
        let (is_v6, addresses) = match range {
            IpNet::V4(net) => {
                let of = |it: std::net::Ipv4Addr| u128::from(it.to_bits());
                (false, (of(net.network()), of(net.broadcast())))
            }
            IpNet::V6(net) => (true, (net.network().to_bits(), net.broadcast().to_bits())),
        };
        Self {
            protocol,
            is_v6,
            addresses,
            ports,
        }
    }

    fn shares(&self, other: &Self) -> bool {
        (self.protocol, self.is_v6) == (other.protocol, other.is_v6)
            && self.addresses.0 <= other.addresses.1
            && other.addresses.0 <= self.addresses.1
            && self.ports.0 <= other.ports.1
            && other.ports.0 <= self.ports.1
    }

    /// What is left of it: at most a part below, above, to the left and to the right.
    fn without(&self, other: &Self) -> Vec<Self> {
        if !self.shares(other) {
            return vec![*self];
        }
        let mut left = Vec::new();
        let (low, high) = self.addresses;
        let shared = (low.max(other.addresses.0), high.min(other.addresses.1));
        if low < shared.0 {
            left.push(Self {
                addresses: (low, shared.0 - 1),
                ..*self
            });
        }
        if shared.1 < high {
            left.push(Self {
                addresses: (shared.1 + 1, high),
                ..*self
            });
        }
        let (first, last) = self.ports;
        if first < other.ports.0 {
            left.push(Self {
                addresses: shared,
                ports: (first, other.ports.0 - 1),
                ..*self
            });
        }
        if other.ports.1 < last {
            left.push(Self {
                addresses: shared,
                ports: (other.ports.1 + 1, last),
                ..*self
            });
        }
        left
    }
}
