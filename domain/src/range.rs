//! Address ranges that may take part in a peering.
//!
//! A [`Range`] is an IPv4 network in canonical form, inside RFC 1918 space, with a prefix from /8
//! to /25. A value of this type needs no further check anywhere; everything else is refused here,
//! with the fact that is wrong.

use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Serialize};
use std::{fmt, net::Ipv4Addr, str::FromStr};
use thiserror::Error;

/// The shortest and the longest prefix of a range (Kurrent Cloud's console: /25 at most; RFC 1918's
/// largest block is a /8).
pub const PREFIX: std::ops::RangeInclusive<u8> = 8..=25;

/// The private blocks of RFC 1918.
const PRIVATE: [Ipv4Net; 3] = [
    Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 0), 8),
    Ipv4Net::new_assert(Ipv4Addr::new(172, 16, 0, 0), 12),
    Ipv4Net::new_assert(Ipv4Addr::new(192, 168, 0, 0), 16),
];

/// A canonical RFC 1918 range with a prefix from /8 to /25.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Range(Ipv4Net);

/// Why a text is not a [`Range`].
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
    #[error("`{given}` has prefix /{prefix}; use /{} to /{}", PREFIX.start(), PREFIX.end())]
    PrefixOutOfBounds {
        /// The text.
        given: String,
        /// Its prefix length, in bits.
        prefix: u8,
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
}

impl FromStr for Range {
    type Err = RangeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
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
        if !PREFIX.contains(&net.prefix_len()) {
            return Err(RangeError::PrefixOutOfBounds {
                given: given(),
                prefix: net.prefix_len(),
            });
        }
        if !PRIVATE.iter().any(|block| block.contains(&net)) {
            return Err(RangeError::NotPrivate { given: given() });
        }
        Ok(Self(net))
    }
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

    #[test]
    fn canonical_private_ranges_from_8_to_25_are_ranges() {
        for text in [
            "10.0.0.0/8",
            "10.20.0.0/16",
            "172.16.0.0/12",
            "172.31.255.128/25",
            "192.168.0.0/16",
            "192.168.7.0/24",
        ] {
            assert_eq!(
                text.parse::<Range>().map(|range| range.to_string()),
                Ok(text.to_owned())
            );
        }
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
        assert_eq!(
            error("10.0.0.0/26"),
            RangeError::PrefixOutOfBounds {
                given: given("10.0.0.0/26"),
                prefix: 26
            }
        );
        assert_eq!(
            error("0.0.0.0/0"),
            RangeError::PrefixOutOfBounds {
                given: given("0.0.0.0/0"),
                prefix: 0
            }
        );
        for text in [
            "8.8.8.0/24",
            "172.32.0.0/16",
            "172.0.0.0/8",
            "192.0.0.0/8",
            "100.64.0.0/10",
            "11.0.0.0/8",
        ] {
            assert_eq!(error(text), RangeError::NotPrivate { given: given(text) });
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
