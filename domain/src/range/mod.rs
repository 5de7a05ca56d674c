//! Address ranges.
//!
//! A [`Range`] is an IPv4 or IPv6 network in canonical form, with a prefix from /8 to /32, or from
//! /16 to /128: a destination, a source, a target, or what a peer has. Two ranges meet only within
//! one [`Family`]. A [`NetworkRange`] is the one that a private network is known by: RFC 1918
//! space, /8 to /25; an [`Ipv6Range`] is what it may have beside that. A value of these types needs
//! no further check of its form anywhere; everything else is refused here, with the fact that is
//! wrong. What a provider allows a network to have is a table of its own ([`crate::place`]).

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
    ops::{Deref, RangeInclusive},
    str::FromStr,
};
use thiserror::Error;

/// The shortest and the longest prefix of a range of IPv4: one host, at the longest.
pub const PREFIX: RangeInclusive<u8> = 8..=32;

/// The same of IPv6: no registry gives anybody more than a /16.
pub const IPV6_PREFIX: RangeInclusive<u8> = 16..=128;

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

/// What an IPv6 address of a network is: global unicast, or unique local (RFC 4291, RFC 4193). All
/// else is unspecified, loopback, mapped from IPv4, link-local, multicast or reserved.
const UNICAST: [Ipv6Net; 2] = [
    Ipv6Net::new_assert(Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3),
    UNIQUE_LOCAL,
];

/// The private addresses of IPv6.
const UNIQUE_LOCAL: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7);

/// A kind of addresses. Those of one are nothing to those of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// 32 bits.
    Ipv4,
    /// 128 bits.
    Ipv6,
}

impl Family {
    /// Both, the older one first.
    pub const BOTH: [Self; 2] = [Self::Ipv4, Self::Ipv6];

    /// The name, as the field writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ipv4 => "IPv4",
            Self::Ipv6 => "IPv6",
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A canonical range: IPv4 with a prefix from /8 to /32, or IPv6 with one from /16 to /128.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
pub struct Range(IpNet);

/// The range of a private network: canonical, in RFC 1918 space, with a prefix from /8 to /25.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
pub struct NetworkRange(Range);

/// An IPv6 range that a private network has beside its own range: canonical, global unicast or
/// unique local.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
pub struct Ipv6Range(Range);

/// Why a text is not a [`Range`], or no [`NetworkRange`] or [`Ipv6Range`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RangeError {
    /// The text is no range in CIDR form.
    #[error("`{given}` is not an address range; write it like 10.20.0.0/16 or fd00:20::/56")]
    NotARange {
        /// The text.
        given: String,
    },
    /// It is a range of the other family.
    #[error("`{given}` is no {wanted} range")]
    OtherFamily {
        /// The text.
        given: String,
        /// The family that it has to be of.
        wanted: Family,
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
    /// It is within no space from which networks have their IPv6 addresses.
    #[error("`{given}` is no network's; use a part of 2000::/3 or fc00::/7")]
    NotUnicast {
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
    pub fn net(&self) -> IpNet {
        self.0
    }

    /// Which addresses they are.
    pub fn family(&self) -> Family {
        match self.0 {
            IpNet::V4(_) => Family::Ipv4,
            IpNet::V6(_) => Family::Ipv6,
        }
    }

    /// Whether any of its addresses is public: others on the internet have it, unless the owner of
    /// the network does.
    pub fn is_public(&self) -> bool {
        let is_private = match &self.0 {
            IpNet::V4(net) => {
                let mut others = PRIVATE.iter().chain(&NOT_PUBLIC);
                others.any(|block| block.contains(net))
            }
            IpNet::V6(net) => UNIQUE_LOCAL.contains(net),
        };
        !is_private && !self.is_of_no_network()
    }

    /// Whether any of its addresses is one that no network has: loopback, multicast and the like.
    pub fn is_of_no_network(&self) -> bool {
        match &self.0 {
            IpNet::V4(net) => {
                let mut none = NO_NETWORKS.iter();
                none.any(|block| block.contains(net) || net.contains(block))
            }
            IpNet::V6(net) => !UNICAST.iter().any(|block| block.contains(net)),
        }
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
        let net = read(text)?;
        let IpNet::V4(block) = net else {
            return Err(RangeError::OtherFamily {
                given: shortened(text),
                wanted: Family::Ipv4,
            });
        };
        let range = canonical(text, net, NETWORK_PREFIX)?;
        if !PRIVATE.iter().any(|it| it.contains(&block)) {
            let given = shortened(text);
            return Err(RangeError::NotPrivate { given });
        }
        Ok(Self(range))
    }
}

impl Deref for Ipv6Range {
    type Target = Range;

    fn deref(&self) -> &Range {
        &self.0
    }
}

impl From<Ipv6Range> for Range {
    fn from(range: Ipv6Range) -> Self {
        range.0
    }
}

impl FromStr for Ipv6Range {
    type Err = RangeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let range: Range = text.parse()?;
        let given = || shortened(text);
        match range.family() {
            Family::Ipv4 => Err(RangeError::OtherFamily {
                given: given(),
                wanted: Family::Ipv6,
            }),
            Family::Ipv6 if range.is_of_no_network() => {
                Err(RangeError::NotUnicast { given: given() })
            }
            Family::Ipv6 => Ok(Self(range)),
        }
    }
}

impl TryFrom<String> for Ipv6Range {
    type Error = RangeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Ipv6Range> for String {
    fn from(range: Ipv6Range) -> Self {
        range.to_string()
    }
}

impl fmt::Display for Ipv6Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Ipv6Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
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
        let net = read(text)?;
        let allowed = match net {
            IpNet::V4(_) => PREFIX,
            IpNet::V6(_) => IPV6_PREFIX,
        };
        canonical(text, net, allowed)
    }
}

/// The text as a range in CIDR form, of either family and in any spelling.
fn read(text: &str) -> Result<IpNet, RangeError> {
    text.parse().map_err(|_| RangeError::NotARange {
        given: shortened(text),
    })
}

/// What was read as a range, if it is in canonical form and has one of these prefixes.
fn canonical(text: &str, net: IpNet, allowed: RangeInclusive<u8>) -> Result<Range, RangeError> {
    let given = || shortened(text);
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
    Ok(Range(net))
}

/// What the caller wrote, cut so that an oversize text never comes back whole.
pub(crate) fn shortened(text: &str) -> String {
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
mod tests;
