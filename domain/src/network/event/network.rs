//! The network as a whole: registration, policy, checks for drift, retirement.

use super::TenurePolicy;
use crate::{
    cloud_mode::CloudMode,
    ids::NetworkId,
    place::{Provider, Region},
    range::{Ipv6Range, NetworkRange},
    text::{Account, CloudNetwork, FirewallGroup, Name, Project, Reason, Subnet},
};
use chrono::{DateTime, Utc};
use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt, str::FromStr};

/// A private network is on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct NetworkRegistered {
    /// The network.
    pub network_id: NetworkId,
    /// The organisation unit that the network belongs to.
    pub project: Project,
    /// The network's name for people.
    pub name: Name,
    /// The cloud provider.
    pub provider: Provider,
    /// The region, as the provider writes it.
    pub region: Region,
    /// The account: AWS account, GCP project or Azure tenant.
    pub account: Account,
    /// The network at the cloud, by the provider's id, like AWS's `vpc-0a1b2c3d4e5f60718`.
    pub cloud_network: CloudNetwork,
    /// Its one address range of IPv4.
    pub range: NetworkRange,
    /// The IPv6 ranges that it has beside that. Absent where there is none, and in what was written
    /// before there could be any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ipv6_ranges: Vec<Ipv6Range>,
    /// The subnets whose route tables serve the clusters; none means the main route table.
    #[serde(default)]
    pub subnets: Vec<Subnet>,
    /// Which cloud the network is at. Absent in what was written before this was on record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud: Option<CloudMode>,
    /// How many registrations of the same network at its cloud are over. Absent where the id was
    /// not derived from what the network is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u32>,
}

/// The network at a cloud that this id is derived from is on record under another id, from before
/// ids were derived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct NetworkIdentityMarked {
    /// The id that is derived.
    pub network_id: NetworkId,
    /// The id that it is on record under.
    pub held_by: NetworkId,
}

/// Which cloud the network is at, of one that was registered before that was on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct NetworkCloudRecorded {
    /// The network.
    pub network_id: NetworkId,
    /// Which cloud it is.
    pub cloud: CloudMode,
}

/// What the engine does about what it finds otherwise than it left it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum DriftPolicy {
    /// Puts it back.
    #[default]
    Repair,
    /// Says so, and leaves it.
    Report,
    /// Takes it for what is wanted from now on.
    Adopt,
}

impl DriftPolicy {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 3] = [Self::Repair, Self::Report, Self::Adopt];

    /// The stored name.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Repair => "repair",
            Self::Report => "report",
            Self::Adopt => "adopt",
        }
    }
}

/// What the engine does about somebody else's rule that lets the private network in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "mode", rename_all = "snake_case")]
pub enum ExposurePolicy {
    /// Says so, and leaves it.
    #[default]
    Report,
    /// Revokes it, if it stands in one of these groups, whose owners agreed to that. Others are
    /// reported.
    Enforce {
        /// The groups, by the provider's ids.
        groups: BTreeSet<FirewallGroup>,
    },
    /// Leaves it, and opens no route into the peer while it stands; those that are open are
    /// withdrawn until it is gone.
    Block,
}

impl ExposurePolicy {
    /// Whether an exposure in this group is acted on, and not only reported.
    pub fn covers(&self, group: &FirewallGroup) -> bool {
        match self {
            Self::Report => false,
            Self::Enforce { groups } => groups.contains(group),
            Self::Block => true,
        }
    }
}

/// What the engine may do by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Policy {
    /// How the engine handles drift.
    #[serde(default)]
    pub drift: DriftPolicy,
    /// How the engine handles exposures.
    #[serde(default)]
    pub exposure: ExposurePolicy,
    /// What the reason of a command must be like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Requirement>,
    /// What the ticket of a command must be like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<Requirement>,
    /// What is asked of owners and ends, and what happens at an end.
    #[serde(default, skip_serializing_if = "TenurePolicy::is_usual")]
    pub tenure: TenurePolicy,
}

/// What a policy requires of a text that comes with a command.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Requirement {
    /// Whether a command without it is refused.
    pub required: bool,
    /// What it must match as a whole, where it is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<Pattern>,
}

/// A regular expression that a whole text must match, like `CHG-[0-9]+`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
pub struct Pattern(String);

/// Why a text is not a [`Pattern`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// The text is empty.
    #[error("must not be empty")]
    Empty,
    /// The text is too long.
    #[error("has {length} characters; {} at most", Pattern::MOST)]
    TooLong {
        /// How many characters it has.
        length: usize,
    },
    /// The text is no regular expression, and why.
    #[error("is not a regular expression: {0}")]
    Malformed(String),
}

impl Pattern {
    /// The most characters that a pattern may have.
    pub const MOST: usize = 200;

    /// The most memory that a compiled pattern may take, in bytes.
    const SIZE: usize = 256 * 1024;

    /// The stored name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the whole text matches.
    pub fn matches(&self, text: &str) -> bool {
        Self::compile(&self.0).is_ok_and(|compiled| compiled.is_match(text))
    }

    fn compile(pattern: &str) -> Result<Regex, regex::Error> {
        // Compiled by itself first: what is no expression could become one between the brackets.
        let limited = |text: &str| RegexBuilder::new(text).size_limit(Self::SIZE).build();
        limited(pattern)?;
        limited(&format!("^(?:{pattern})$"))
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let length = text.chars().count();
        if length == 0 {
            return Err(PatternError::Empty);
        }
        if length > Self::MOST {
            return Err(PatternError::TooLong { length });
        }
        match Self::compile(text) {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(error) => Err(PatternError::Malformed(error.to_string())),
        }
    }
}

impl TryFrom<String> for Pattern {
    type Error = PatternError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.0
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// What the engine may do by itself in this network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct NetworkPolicySet {
    /// The network.
    pub network_id: NetworkId,
    /// What the engine may do by itself, and what commands must carry.
    pub policy: Policy,
}

/// Somebody asked for a look at everything, now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DriftCheckRequested {
    /// The network.
    pub network_id: NetworkId,
    /// When it was asked for.
    pub requested_at: DateTime<Utc>,
}

/// The network is no longer served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct NetworkRetired {
    /// The network.
    pub network_id: NetworkId,
    /// Why, as the caller put it.
    pub reason: Reason,
}
