//! Address ranges.
//!
//! A [`Range`] is an IPv4 network in canonical form, with a prefix from /8 to /32: a destination, a
//! source, a target, or what a peer has. A [`NetworkRange`] is one that a private network may have:
//! RFC 1918 space, /8 to /25. A value of these types needs no further check of its form anywhere;
//! everything else is refused here, with the fact that is wrong. What a provider allows a peer to
//! have is a table of its own ([`crate::place`]).

use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    net::Ipv4Addr,
    ops::{Deref, RangeInclusive},
    str::FromStr,
};
use thiserror::Error;

/// The shortest and the longest prefix of a range: one host, at the longest.
pub const PREFIX: RangeInclusive<u8> = 8..=32;

/// The shortest and the longest prefix of a private network's range (Kurrent Cloud's console: /25
/// at most; RFC 1918's largest block is a /8).
pub const NETWORK_PREFIX: RangeInclusive<u8> = 8..=25;

/// The private blocks of RFC 1918.
const PRIVATE: [Ipv4Net; 3] = [
    Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 0), 8),
    Ipv4Net::new_assert(Ipv4Addr::new(172, 16, 0, 0), 12),
    Ipv4Net::new_assert(Ipv4Addr::new(192, 168, 0, 0), 16),
];

/// What is no public address space either: shared (RFC 6598) and for benchmarks (RFC 2544).
const NOT_PUBLIC: [Ipv4Net; 2] = [
    Ipv4Net::new_assert(Ipv4Addr::new(100, 64, 0, 0), 10),
    Ipv4Net::new_assert(Ipv4Addr::new(198, 18, 0, 0), 15),
];

/// Addresses that no network has: this host, loopback, link-local, multicast and reserved.
const NO_NETWORKS: [Ipv4Net; 5] = [
    Ipv4Net::new_assert(Ipv4Addr::new(0, 0, 0, 0), 8),
    Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8),
    Ipv4Net::new_assert(Ipv4Addr::new(169, 254, 0, 0), 16),
    Ipv4Net::new_assert(Ipv4Addr::new(224, 0, 0, 0), 4),
    Ipv4Net::new_assert(Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// A canonical IPv4 range with a prefix from /8 to /32.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
pub struct Range(Ipv4Net);

/// The range of a private network: canonical, in RFC 1918 space, with a prefix from /8 to /25.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
pub struct NetworkRange(Range);

/// Why a text is not a [`Range`], or no [`NetworkRange`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RangeError {
    /// The text is no range in CIDR form.
    #[error("`{given}` is not an address range; write it like 10.20.0.0/16")]
    NotARange {
        /// The text.
        given: String,
    },
    /// It is a range of IPv6 addresses.
    #[error("`{given}` is IPv6; peering ranges are IPv4 for now")]
    Ipv6 {
        /// The text.
        given: String,
    },
    /// Bits behind the prefix are set.
    #[error("`{given}` has host bits set; did you mean {canonical}?")]
    NotCanonical {
        /// The text.
        given: String,
        /// The range that it would be without them.
        canonical: String,
    },
    /// The range is larger or smaller than a range may be.
    #[error("`{given}` has prefix /{prefix}; use /{} to /{}", .allowed.start(), .allowed.end())]
    PrefixOutOfBounds {
        /// The text.
        given: String,
        /// Its prefix length, in bits.
        prefix: u8,
        /// The prefixes that it may have.
        allowed: RangeInclusive<u8>,
    },
    /// It is not within the private ranges of RFC 1918.
    #[error(
        "`{given}` is not private address space; use a part of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16 (RFC 1918)"
    )]
    NotPrivate {
        /// The text.
        given: String,
    },
}

impl Range {
    /// Whether any address belongs to both.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.0.contains(&other.0) || other.0.contains(&self.0)
    }

    /// Whether every address of `other` belongs to this range.
    pub fn contains(&self, other: &Self) -> bool {
        self.0.contains(&other.0)
    }

    /// The range as the network type of `ipnet`.
    pub fn net(&self) -> Ipv4Net {
        self.0
    }

    /// Whether any of its addresses is public: others on the internet have it, unless the owner of
    /// the network does.
    pub fn is_public(&self) -> bool {
        let mut others = PRIVATE.iter().chain(&NOT_PUBLIC);
        !others.any(|block| block.contains(&self.0)) && !self.is_of_no_network()
    }

    /// Whether any of its addresses is one that no network has: loopback, multicast and the like.
    pub fn is_of_no_network(&self) -> bool {
        let mut none = NO_NETWORKS.iter();
        none.any(|block| block.contains(&self.0) || self.0.contains(block))
    }
}

impl Deref for NetworkRange {
    type Target = Range;

    fn deref(&self) -> &Range {
        &self.0
    }
}

impl From<NetworkRange> for Range {
    fn from(range: NetworkRange) -> Self {
        range.0
    }
}

impl FromStr for NetworkRange {
    type Err = RangeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let range = Range(canonical(text, NETWORK_PREFIX)?);
        if !PRIVATE.iter().any(|block| block.contains(&range.0)) {
            let given = shortened(text);
            return Err(RangeError::NotPrivate { given });
        }
        Ok(Self(range))
    }
}

impl TryFrom<String> for NetworkRange {
    type Error = RangeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<NetworkRange> for String {
    fn from(range: NetworkRange) -> Self {
        range.to_string()
    }
}

impl fmt::Display for NetworkRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for NetworkRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Range {
    type Err = RangeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        canonical(text, PREFIX).map(Self)
    }
}

/// The text as a range in canonical form, with one of these prefixes.
fn canonical(text: &str, allowed: RangeInclusive<u8>) -> Result<Ipv4Net, RangeError> {
    let given = || shortened(text);
    let net = match text.parse::<IpNet>() {
        Ok(IpNet::V4(net)) => net,
        Ok(IpNet::V6(_)) => return Err(RangeError::Ipv6 { given: given() }),
        Err(_) => return Err(RangeError::NotARange { given: given() }),
    };
    if net.trunc() != net {
        return Err(RangeError::NotCanonical {
            given: given(),
            canonical: net.trunc().to_string(),
        });
    }
    if !allowed.contains(&net.prefix_len()) {
        return Err(RangeError::PrefixOutOfBounds {
            given: given(),
            prefix: net.prefix_len(),
            allowed,
        });
    }
    Ok(net)
}

/// What the caller wrote, cut so that an oversize text never comes back whole.
fn shortened(text: &str) -> String {
    const MOST: usize = 64;
    match text.char_indices().nth(MOST) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text.to_owned(),
    }
}

impl TryFrom<String> for Range {
    type Error = RangeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Range> for String {
    fn from(range: Range) -> Self {
        range.to_string()
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> RangeError {
        text.parse::<Range>().expect_err("a wrong range")
    }

    fn range(text: &str) -> Range {
        text.parse().expect("a range")
    }

    #[test]
    fn canonical_ranges_from_a_block_of_8_to_one_host_are_ranges() {
        for text in [
            "10.0.0.0/8",
            "10.20.0.0/16",
            "172.31.255.128/25",
            "192.168.7.9/32",
            "10.30.5.32/27",
            "100.64.0.0/10",
            "198.18.0.0/15",
            "11.0.0.0/8",
        ] {
            assert_eq!(
                text.parse::<Range>().map(|range| range.to_string()),
                Ok(text.to_owned())
            );
        }
    }

    #[test]
    fn a_private_network_has_private_addresses_in_a_block_of_8_to_25() {
        let error = |text: &str| text.parse::<NetworkRange>().expect_err("a wrong range");
        for text in [
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "172.31.255.128/25",
        ] {
            assert_eq!(
                text.parse::<NetworkRange>().map(|range| range.to_string()),
                Ok(text.to_owned())
            );
        }
        for text in [
            "8.8.8.0/24",
            "172.32.0.0/16",
            "172.0.0.0/8",
            "192.0.0.0/8",
            "100.64.0.0/10",
            "11.0.0.0/8",
        ] {
            let given = text.to_owned();
            assert_eq!(error(text), RangeError::NotPrivate { given });
        }
        assert_eq!(
            error("10.0.0.0/26").to_string(),
            "`10.0.0.0/26` has prefix /26; use /8 to /25"
        );
    }

    #[test]
    fn each_wrong_range_is_refused_with_what_is_wrong() {
        let given = |text: &str| text.to_owned();
        for text in [
            "",
            "ten",
            "10.0.0.0",
            "10.0.0.0/33",
            "10.0.0/8",
            "10.0.0.0/8 ",
        ] {
            assert_eq!(error(text), RangeError::NotARange { given: given(text) });
        }
        assert_eq!(
            error("fd00::/8"),
            RangeError::Ipv6 {
                given: given("fd00::/8")
            }
        );
        assert_eq!(
            error("10.77.3.4/16"),
            RangeError::NotCanonical {
                given: given("10.77.3.4/16"),
                canonical: given("10.77.0.0/16")
            }
        );
        for (text, prefix) in [("8.0.0.0/7", 7), ("0.0.0.0/0", 0)] {
            assert_eq!(
                error(text),
                RangeError::PrefixOutOfBounds {
                    given: given(text),
                    prefix,
                    allowed: 8..=32,
                }
            );
        }
    }

    #[test]
    fn public_space_is_what_is_neither_private_nor_shared_nor_of_no_network() {
        for text in ["8.8.8.0/24", "172.0.0.0/8", "100.0.0.0/8", "198.20.0.0/16"] {
            assert!(range(text).is_public(), "{text}");
        }
        for text in [
            "10.9.0.0/16",
            "192.168.1.1/32",
            "100.64.3.0/24",
            "198.19.0.0/16",
        ] {
            assert!(
                !range(text).is_public() && !range(text).is_of_no_network(),
                "{text}"
            );
        }
        for text in [
            "127.0.0.0/8",
            "169.254.1.0/24",
            "169.0.0.0/8",
            "239.0.0.0/8",
            "255.255.255.255/32",
        ] {
            assert!(
                range(text).is_of_no_network() && !range(text).is_public(),
                "{text}"
            );
        }
    }

    #[test]
    fn an_oversize_text_does_not_come_back_whole() {
        let RangeError::NotARange { given } = error(&"9".repeat(100_000)) else {
            panic!("another error")
        };
        assert!(given.chars().count() < 70);
    }

    #[test]
    fn overlap_is_symmetric_and_containment_is_not() {
        let [wide, narrow, other] = ["10.0.0.0/8", "10.1.0.0/16", "10.2.0.0/16"]
            .map(|text| text.parse::<Range>().expect("a range"));
        assert!(wide.overlaps(&narrow) && narrow.overlaps(&wide) && wide.overlaps(&wide));
        assert!(!narrow.overlaps(&other));
        assert!(wide.contains(&narrow) && !narrow.contains(&wide) && narrow.contains(&narrow));
    }
}
