//! TCP packets by where they come from and which ports they go to, and what is left of some once
//! others are taken away.

use domain::{
    Range,
    network::{Denied, PortProtocol},
};

/// Packets from these addresses to these ports, the last one included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Traffic {
    pub(super) source: Range,
    pub(super) ports: (u16, u16),
}

impl Traffic {
    /// What of TCP a denial keeps out.
    pub(super) fn denied(denied: &Denied) -> Option<Self> {
        let ports = match denied.ports {
            None => (0, u16::MAX),
            Some(ports) => match ports.protocol {
                PortProtocol::Tcp => (ports.first, ports.last),
                PortProtocol::Udp => return None,
            },
        };
        Some(Self {
            source: denied.source,
            ports,
        })
    }

    pub(super) fn meets(&self, other: &Self) -> bool {
        self.source.overlaps(&other.source)
            && self.ports.0 <= other.ports.1
            && other.ports.0 <= self.ports.1
    }

    /// What is left without the other.
    fn without(self, other: &Self) -> Vec<Self> {
        if !self.meets(other) {
            return vec![self];
        }
        let (first, last) = self.ports;
        let below = other.ports.0.checked_sub(1).map(|it| (first, it));
        let above = other.ports.1.checked_add(1).map(|it| (it, last));
        let both = (first.max(other.ports.0), last.min(other.ports.1));
        let beside = [below, above].into_iter().flatten();
        let beside = beside.filter(|(first, last)| first <= last);
        let beside = beside.map(|ports| Self { ports, ..self });
        let elsewhere = apart(self.source, &other.source);
        let elsewhere = elsewhere.into_iter().map(|source| Self {
            source,
            ports: both,
        });
        beside.chain(elsewhere).collect()
    }
}

/// What is left of all this without any of that.
pub(super) fn left<'a>(
    all: impl IntoIterator<Item = Traffic>,
    without: impl IntoIterator<Item = &'a Traffic>,
) -> Vec<Traffic> {
    let mut left: Vec<_> = all.into_iter().collect();
    for gone in without {
        left = left.into_iter().flat_map(|it| it.without(gone)).collect();
    }
    left
}

/// The parts of a range that another one does not hold.
fn apart(range: Range, other: &Range) -> Vec<Range> {
    if other.contains(&range) {
        return Vec::new();
    }
    if !range.contains(other) {
        return vec![range];
    }
    let halves = range.net().subnets(range.net().prefix_len() + 1);
    let halves = halves.into_iter().flatten();
    halves
        .filter_map(|net| net.to_string().parse().ok())
        .flat_map(|half| apart(half, other))
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn of(source: &str, first: u16, last: u16) -> Traffic {
        Traffic {
            source: source.parse().unwrap(),
            ports: (first, last),
        }
    }

    #[test]
    fn a_denial_of_ports_below_or_above_takes_nothing_away_and_adds_nothing() {
        let all = of("10.20.0.0/16", 9092, 9094);
        for beside in [(22, 22), (0, 9091), (9095, 9095), (9095, u16::MAX)] {
            let denied = of("10.20.0.0/16", beside.0, beside.1);
            assert!(!all.meets(&denied) && !denied.meets(&all), "{denied:?}");
            assert_eq!(left([all], [&denied]), [all]);
        }
        let (low, own) = (of("10.20.0.0/16", 22, 22), of("10.20.0.0/16", 9092, 9094));
        assert_eq!(left([all], [&low, &own]), []);
    }

    #[test]
    fn a_denial_of_some_ports_of_some_addresses_leaves_the_rest_of_both() {
        let denied = of("10.20.128.0/17", 9093, 9093);
        let rest = left([of("10.20.0.0/16", 9092, 9094)], [&denied]);
        let wanted = [
            of("10.20.0.0/16", 9092, 9092),
            of("10.20.0.0/16", 9094, 9094),
            of("10.20.0.0/17", 9093, 9093),
        ];
        assert_eq!(rest, wanted);
    }
}
