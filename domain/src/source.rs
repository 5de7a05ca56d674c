//! Where traffic comes from that a firewall admits: addresses, or whatever a firewall group of the
//! other network is attached to.
//!
//! A [`PeerGroup`] is written as AWS writes one of another account, `ACCOUNT/GROUP`: it is the one
//! provider whose rules name a group across a link. Where that is possible is the peer's to say
//! ([`crate::network::Peer::lends_groups_to`]).

use crate::range::{Family, Range, RangeError, shortened};
use arrayvec::ArrayString;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use thiserror::Error;

/// The digits of an account's number.
const ACCOUNT_DIGITS: usize = 12;

/// How the id of a group begins, which only AWS's rules can name, and how many hexadecimal digits
/// follow: eight before 2018, seventeen since.
const GROUP_PREFIX: &str = "sg-";
const GROUP_DIGITS: [usize; 2] = [8, 17];
const GROUP_LENGTH: usize = 20;

/// Where admitted traffic comes from, written as one text: `10.101.0.0/16`, or at
/// AWS `210987654321/sg-0e1f2a3b4c5d6e7f8`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
pub enum AdmittedSource {
    /// From these addresses.
    Range(Range),
    /// From what carries this group, whatever its addresses.
    Group(PeerGroup),
}

/// A firewall group of the other network, with the account that it belongs to: the peer's, or one
/// that the peer shares its network with.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerGroup {
    account: ArrayString<ACCOUNT_DIGITS>,
    group: ArrayString<GROUP_LENGTH>,
}

/// Why a text is no [`AdmittedSource`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SourceError {
    /// It is no range either.
    #[error(transparent)]
    Range(#[from] RangeError),
    /// It names a group, and not in the form that tells whose it is (AWS's account and id).
    #[error(
        "`{given}` is not a firewall group with its account; write it like 210987654321/sg-0e1f2a3b4c5d6e7f8"
    )]
    Group {
        /// The text.
        given: String,
    },
}

impl AdmittedSource {
    /// The addresses, where they are named.
    pub fn range(&self) -> Option<Range> {
        match self {
            Self::Range(range) => Some(*range),
            Self::Group(_) => None,
        }
    }

    /// The group, where one is named.
    pub fn group(&self) -> Option<PeerGroup> {
        match self {
            Self::Range(_) => None,
            Self::Group(group) => Some(*group),
        }
    }

    /// Whether all of `other` is certainly of this one too. Which addresses a group stands for is
    /// nobody's to say, so no range has a group and no group has a range.
    pub fn contains(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Range(one), Self::Range(other)) => one.contains(other),
            (Self::Group(one), Self::Group(other)) => one == other,
            (Self::Range(_), Self::Group(_)) | (Self::Group(_), Self::Range(_)) => false,
        }
    }

    /// Whether something may be of both.
    pub fn may_overlap(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Range(one), Self::Range(other)) => one.overlaps(other),
            (Self::Group(_), _) | (_, Self::Group(_)) => true,
        }
    }

    /// Whether it counts where a provider counts what is of one family: a group has both.
    pub fn counts_as(&self, family: Family) -> bool {
        self.range().is_none_or(|range| range.family() == family)
    }
}

impl PeerGroup {
    /// The account that the group belongs to.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The group, by the provider's id.
    pub fn group(&self) -> &str {
        &self.group
    }
}

impl FromStr for PeerGroup {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let (account, group) = text.split_once('/')?;
            let is_account =
                account.len() == ACCOUNT_DIGITS && account.bytes().all(|it| it.is_ascii_digit());
            let digits = group.strip_prefix(GROUP_PREFIX)?;
            let is_hexadecimal = |it: u8| matches!(it, b'0'..=b'9' | b'a'..=b'f');
            let is_group =
                GROUP_DIGITS.contains(&digits.len()) && digits.bytes().all(is_hexadecimal);
            if !is_account || !is_group {
                return None;
            }
            Some(Self {
                account: ArrayString::from(account).ok()?,
                group: ArrayString::from(group).ok()?,
            })
        };
        read().ok_or_else(|| SourceError::Group {
            given: shortened(text),
        })
    }
}

impl FromStr for AdmittedSource {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let last = text.rsplit('/').next().unwrap_or(text);
        if last.starts_with(GROUP_PREFIX) {
            return text.parse().map(Self::Group);
        }
        Ok(Self::Range(text.parse()?))
    }
}

impl TryFrom<String> for AdmittedSource {
    type Error = SourceError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<AdmittedSource> for String {
    fn from(source: AdmittedSource) -> Self {
        source.to_string()
    }
}

impl From<Range> for AdmittedSource {
    fn from(range: Range) -> Self {
        Self::Range(range)
    }
}

impl fmt::Display for PeerGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.account, self.group)
    }
}

impl fmt::Debug for PeerGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for AdmittedSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Range(range) => fmt::Display::fmt(range, f),
            Self::Group(group) => fmt::Display::fmt(group, f),
        }
    }
}

impl fmt::Debug for AdmittedSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: &str = "210987654321/sg-0e1f2a3b4c5d6e7f8";

    fn source(text: &str) -> AdmittedSource {
        text.parse().unwrap()
    }

    #[test]
    fn a_range_and_a_group_are_written_as_one_text_each() {
        for text in [
            "10.101.0.0/16",
            "fd00:20::/56",
            GROUP,
            "210987654321/sg-0e1f2a3b",
        ] {
            assert_eq!(source(text).to_string(), text);
            let written = serde_json::to_string(&source(text)).unwrap();
            assert_eq!(written, format!("\"{text}\""));
            assert_eq!(
                serde_json::from_str::<AdmittedSource>(&written).unwrap(),
                source(text)
            );
        }
        let group = source(GROUP).group().unwrap();
        assert_eq!(group.account(), "210987654321");
        assert_eq!(group.group(), "sg-0e1f2a3b4c5d6e7f8");
        assert_eq!(source(GROUP).range(), None);
    }

    #[test]
    fn a_group_without_its_account_or_with_another_form_is_none() {
        for text in [
            "sg-0e1f2a3b4c5d6e7f8",
            "21098765432/sg-0e1f2a3b4c5d6e7f8",
            "2109876543210/sg-0e1f2a3b4c5d6e7f8",
            "21098765432x/sg-0e1f2a3b4c5d6e7f8",
            "210987654321/sg-",
            "210987654321/sg-0e1f2a3b4c5d6e7f",
            "210987654321/sg-0e1f2a3b4c5d6e7f8a",
            "210987654321/sg-0E1F2A3B4C5D6E7F8",
            "210987654321/sg-0e1f2a3b4c5d6e7fg",
            "vpc-1/210987654321/sg-0e1f2a3b4c5d6e7f8",
            "10.0.0.0/sg-0e1f2a3b4c5d6e7f8",
        ] {
            let refused = text.parse::<AdmittedSource>().unwrap_err();
            assert!(matches!(refused, SourceError::Group { .. }), "{text}");
        }
        for text in ["", "210987654321/pl-0e1f2a3b", "10.0.0.1/8", "client"] {
            let refused = text.parse::<AdmittedSource>().unwrap_err();
            assert!(matches!(refused, SourceError::Range(_)), "{text}");
        }
    }

    #[test]
    fn no_range_has_a_group_and_none_is_apart_from_one() {
        let (wide, narrow) = (source("10.0.0.0/8"), source("10.101.0.0/16"));
        let (group, other) = (source(GROUP), source("210987654321/sg-0e1f2a3b"));
        assert!(wide.contains(&narrow) && !narrow.contains(&wide));
        assert!(group.contains(&group) && !group.contains(&other));
        assert!(!wide.contains(&group) && !group.contains(&narrow));
        assert!(!narrow.may_overlap(&source("10.102.0.0/16")));
        assert!(narrow.may_overlap(&wide));
        for one in [narrow, other] {
            assert!(group.may_overlap(&one) && one.may_overlap(&group));
        }
        let counts = |it: AdmittedSource| Family::BOTH.map(|family| it.counts_as(family));
        assert_eq!(counts(narrow), [true, false]);
        assert_eq!(counts(source("fd00:20::/56")), [false, true]);
        assert_eq!(counts(group), [true, true]);
    }
}
