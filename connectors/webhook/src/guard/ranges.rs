//! What an address is for: the special ranges of IPv4 and IPv6, and what it takes to reach one.

use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

/// What kind of address one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Anybody's, on the Internet.
    Public,
    /// Inside somebody's own network: RFC 1918, shared (CGNAT), unique local.
    Private,
    /// This machine itself.
    Loopback,
    /// On the same link, without a router.
    LinkLocal,
    /// A cloud's own service for its machines: credentials are handed out there.
    Metadata,
    /// An IPv4 address behind a translator (NAT64).
    Translated,
    /// Nothing that a receiver can have: unspecified, multicast, documentation, old tunnels.
    Reserved,
}

/// What it takes to be allowed to reach a class of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    /// Nothing.
    Nothing,
    /// A range that holds the address, or the host by name.
    RangeOrHost,
    /// The host, exactly as the URL has it.
    Host,
    /// Nothing allows it.
    Never,
}

impl Class {
    pub(super) fn needs(self) -> Needs {
        match self {
            Self::Public => Needs::Nothing,
            Self::Private | Self::Translated => Needs::RangeOrHost,
            Self::Loopback | Self::LinkLocal | Self::Metadata => Needs::Host,
            Self::Reserved => Needs::Never,
        }
    }

    /// The class as part of a sentence: "10.1.2.3 is …".
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Public => "a public address",
            Self::Private => "an address of a private network",
            Self::Loopback => "this machine itself",
            Self::LinkLocal => "a link-local address",
            Self::Metadata => "a cloud's metadata service",
            Self::Translated => "an IPv4 address behind a translator",
            Self::Reserved => "an address that no receiver can have",
        }
    }
}

/// The special ranges, the narrower before the wider: the first that holds an address decides.
const RANGES: [(&str, Class); 44] = [
    // Metadata: AWS and most others, AWS's tasks and pods, Azure's wire server, Alibaba, Oracle;
    // over IPv6 AWS and Google.
    ("169.254.169.254/32", Class::Metadata),
    ("169.254.170.2/32", Class::Metadata),
    ("169.254.170.23/32", Class::Metadata),
    ("168.63.129.16/32", Class::Metadata),
    ("100.100.100.200/32", Class::Metadata),
    ("192.0.0.192/32", Class::Metadata),
    ("fd00:ec2::/32", Class::Metadata),
    ("fd20:ce::254/128", Class::Metadata),
    ("10.0.0.0/8", Class::Private),
    ("172.16.0.0/12", Class::Private),
    ("192.168.0.0/16", Class::Private),
    ("100.64.0.0/10", Class::Private),
    ("127.0.0.0/8", Class::Loopback),
    ("169.254.0.0/16", Class::LinkLocal),
    ("0.0.0.0/8", Class::Reserved),
    ("192.0.0.0/24", Class::Reserved),
    ("192.0.2.0/24", Class::Reserved),
    ("192.88.99.0/24", Class::Reserved),
    ("198.18.0.0/15", Class::Reserved),
    ("198.51.100.0/24", Class::Reserved),
    ("203.0.113.0/24", Class::Reserved),
    ("224.0.0.0/4", Class::Reserved),
    ("240.0.0.0/4", Class::Reserved),
    ("::1/128", Class::Loopback),
    ("::/96", Class::Reserved),
    ("::ffff:0:0/96", Class::Reserved),
    ("::ffff:0:0:0/96", Class::Reserved),
    ("fc00::/7", Class::Private),
    ("fec0::/10", Class::Private),
    ("fe80::/10", Class::LinkLocal),
    ("ff00::/8", Class::Reserved),
    ("64:ff9b::/96", Class::Translated),
    ("64:ff9b:1::/48", Class::Reserved),
    ("100::/64", Class::Reserved),
    ("100:0:0:1::/64", Class::Reserved),
    ("2001::/32", Class::Reserved),
    ("2001:2::/48", Class::Reserved),
    ("2001:10::/28", Class::Reserved),
    ("2001:20::/28", Class::Reserved),
    ("2001:db8::/32", Class::Reserved),
    ("2002::/16", Class::Reserved),
    ("3ffe::/16", Class::Reserved),
    ("3fff::/20", Class::Reserved),
    ("5f00::/16", Class::Reserved),
];

static PARSED: LazyLock<Vec<(IpNet, Class)>> = LazyLock::new(|| {
    let parsed = RANGES.iter();
    let parsed = parsed.filter_map(|(range, class)| Some((range.parse().ok()?, *class)));
    parsed.collect()
});

/// An address as it is meant: an IPv4 address that is written as IPv6 is one of IPv4.
pub(super) fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

/// What kind of address this is.
#[must_use]
pub fn class_of(address: IpAddr) -> Class {
    let address = canonical(address);
    let known = PARSED.iter().find(|(range, _)| range.contains(&address));
    known.map_or(Class::Public, |(_, class)| *class)
}

/// The IPv4 address that a translated one leads to: the last four bytes (RFC 6052, a /96 prefix).
pub(super) fn behind_translator(address: Ipv6Addr) -> IpAddr {
    let [.., a, b, c, d] = address.octets();
    IpAddr::V4(Ipv4Addr::new(a, b, c, d))
}

/// The ranges of which a part may be allowed.
pub(super) fn allowable() -> impl Iterator<Item = IpNet> {
    let all = PARSED.iter();
    all.filter(|(_, class)| class.needs() == Needs::RangeOrHost)
        .map(|(range, _)| *range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_range_is_one() {
        assert_eq!(PARSED.len(), RANGES.len());
        let narrower_first = |at: usize| {
            let (range, _) = PARSED[at];
            PARSED[..at]
                .iter()
                .all(|(before, _)| !before.contains(&range))
        };
        assert!((0..PARSED.len()).all(narrower_first));
    }

    #[test]
    fn both_ends_of_every_range_are_of_its_class_and_its_neighbours_are_not_in_it() {
        for (range, class) in PARSED.iter() {
            if range.to_string() == "::ffff:0.0.0.0/96" || range.to_string() == "::ffff:0:0/96" {
                continue;
            }
            let ends = [range.network(), range.broadcast()];
            for end in ends {
                let found = class_of(end);
                let narrower = PARSED.iter().any(|(other, _)| {
                    other != range && range.contains(other) && other.contains(&end)
                });
                assert!(found == *class || narrower, "{end} of {range}: {found:?}");
            }
        }
        for public in [
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "1.1.1.1",
            "2606:4700::1111",
            "2a00::1",
            "::ffff:1.1.1.1",
        ] {
            assert_eq!(class_of(public.parse().unwrap()), Class::Public, "{public}");
        }
    }

    /// What the table says is nowhere else, so that a range which is taken out is missed here.
    #[test]
    fn the_narrow_and_the_rare_ranges_are_what_they_are_for() {
        for (address, class) in [
            ("169.254.170.2", Class::Metadata),
            ("169.254.170.23", Class::Metadata),
            ("192.0.0.192", Class::Metadata),
            ("fd20:ce::254", Class::Metadata),
            ("100::1", Class::Reserved),
            ("100:0:0:1::1", Class::Reserved),
            ("2001::1", Class::Reserved),
            ("2001:2::1", Class::Reserved),
            ("2001:10::1", Class::Reserved),
            ("2001:20::1", Class::Reserved),
            ("3ffe::1", Class::Reserved),
        ] {
            assert_eq!(class_of(address.parse().unwrap()), class, "{address}");
        }
    }

    #[test]
    fn an_ipv4_address_written_as_ipv6_is_what_it_is_in_ipv4() {
        let class = |text: &str| class_of(text.parse().unwrap());
        assert_eq!(class("::ffff:127.0.0.1"), Class::Loopback);
        assert_eq!(class("::ffff:10.0.0.1"), Class::Private);
        assert_eq!(class("::ffff:169.254.169.254"), Class::Metadata);
        assert_eq!(class("::ffff:0:127.0.0.1"), Class::Reserved);
        assert_eq!(class("::127.0.0.1"), Class::Reserved);
    }
}
