//! Where a peering is in its life.

use super::{
    super::event::{BlockCause, Leftover},
    LifeName,
};
use crate::{
    side::Side,
    text::{Link, Reason},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Where a peering is in its life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Life {
    /// Nothing has been asked of the cloud.
    Requested,
    /// The cloud has been asked, or is about to be, and no link has been seen.
    Initiating {
        /// Which attempt, counted from 1.
        attempt: u32,
        /// When it began.
        started_at: DateTime<Utc>,
    },
    /// The last attempt was answered with an error: no link exists.
    InitiationRefused {
        /// Which attempt, counted from 1.
        attempt: u32,
    },
    /// A link waits for the remote side.
    AwaitingAcceptance {
        /// The link, by the provider's id, like AWS's `pcx-0123456789abcdef0`.
        link: Link,
        /// When nobody can accept it any more; `None` where it waits for ever.
        expires_at: Option<DateTime<Utc>>,
        /// Whether the expiry warning was recorded.
        warned: bool,
    },
    /// The remote side agreed; the cloud is working on it.
    Provisioning {
        /// The link, by the provider's id, like AWS's `pcx-0123456789abcdef0`.
        link: Link,
    },
    /// The link is there to carry traffic.
    Active {
        /// The link, by the provider's id, like AWS's `pcx-0123456789abcdef0`.
        link: Link,
    },
    /// What was made is being taken back.
    Removing {
        /// What is known of the link.
        trace: LinkTrace,
    },
    /// It is being given up: what stands is looked at once more, and cleaned up where that was
    /// asked for.
    Abandoning {
        /// What is known of the link.
        trace: LinkTrace,
    },
    /// It has ended.
    Ended(Ending),
}

/// What is known of a link that is to go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkTrace {
    /// There never was one.
    Never,
    /// This attempt may have made one.
    Perhaps {
        /// Which attempt, counted from 1.
        attempt: u32,
        /// When the attempt began.
        started_at: DateTime<Utc>,
    },
    /// It was seen.
    Seen(Link),
    /// It was seen to be gone.
    Gone(Link),
}

/// An attempt that the cloud has not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenAttempt {
    /// Which attempt, counted from 1.
    pub attempt: u32,
    /// When it began.
    pub started_at: DateTime<Utc>,
}

impl From<OpenAttempt> for LinkTrace {
    fn from(open: OpenAttempt) -> Self {
        Self::Perhaps {
            attempt: open.attempt,
            started_at: open.started_at,
        }
    }
}

/// Attempts to make a link that the cloud refused one after another for one cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedAttempts {
    /// Why, where the cloud said so.
    pub cause: Option<BlockCause>,
    /// How many in a row.
    pub times: u32,
    /// When the last one was refused.
    pub last: DateTime<Utc>,
}

/// That a peering is, or was, taken back or given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removal {
    /// When that began.
    pub since: DateTime<Utc>,
    /// Why.
    pub cause: RemovalCause,
    /// When the link was seen to be gone.
    pub link_removed_at: Option<DateTime<Utc>>,
    /// The side that is to be cleaned up before it is given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clean: Option<Side>,
}

/// Why a peering is taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RemovalCause {
    /// Somebody asked for it.
    Command {
        /// Why, as the caller put it.
        reason: Reason,
    },
    /// The link was not active in time.
    Deadline {
        /// The deadline that its request named.
        passed: DateTime<Utc>,
    },
    /// Its end has come.
    Expiry {
        /// When it was to end.
        passed: DateTime<Utc>,
    },
}

/// How a peering ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The remote side rejected the link.
    Rejected {
        /// The link, by the provider's id, like AWS's `pcx-0123456789abcdef0`.
        link: Link,
    },
    /// Nobody accepted the link in time.
    Expired {
        /// The link, by the provider's id, like AWS's `pcx-0123456789abcdef0`.
        link: Link,
    },
    /// The cloud gave the link up.
    Failed {
        /// The link, if one was ever seen.
        link: Option<Link>,
        /// The cloud's own words.
        message: String,
    },
    /// It was taken back.
    Removed {
        /// The link, if one was ever seen.
        link: Option<Link>,
        /// What stays at the cloud.
        left_behind: Vec<Leftover>,
    },
    /// It was given up.
    Abandoned {
        /// The link, if one was ever seen.
        link: Option<Link>,
        /// What stays at the cloud.
        left_behind: Vec<Leftover>,
        /// The sides that could not be looked at once more.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        not_observed: Vec<Side>,
    },
}

impl Ending {
    /// Its name.
    pub fn name(&self) -> LifeName {
        match self {
            Self::Rejected { .. } => LifeName::Rejected,
            Self::Expired { .. } => LifeName::Expired,
            Self::Failed { .. } => LifeName::Failed,
            Self::Removed { .. } => LifeName::Removed,
            Self::Abandoned { .. } => LifeName::Abandoned,
        }
    }

    /// Its name, as it is stored.
    pub fn as_str(&self) -> &'static str {
        self.name().as_str()
    }

    /// The link that it had at the end, if one was seen.
    pub fn link(&self) -> Option<&Link> {
        match self {
            Self::Rejected { link } | Self::Expired { link } => Some(link),
            Self::Failed { link, .. }
            | Self::Removed { link, .. }
            | Self::Abandoned { link, .. } => link.as_ref(),
        }
    }

    /// Whether this link was left where it was.
    pub(super) fn leaves(&self, link: &Link) -> bool {
        let is_it = |it: &Leftover| match it {
            Leftover::Link { link: left } => left == link,
            Leftover::Half { link: left, .. } => left.as_ref() == Some(link),
            Leftover::PossibleLink
            | Leftover::PossibleHalf { .. }
            | Leftover::Route { .. }
            | Leftover::OtherRoute { .. }
            | Leftover::FirewallGroup { .. }
            | Leftover::FirewallRule { .. }
            | Leftover::Denial { .. }
            | Leftover::PossibleThing { .. } => false,
        };
        self.left_behind().iter().any(is_it)
    }

    /// What still stood at the cloud, as far as the log knew.
    pub fn left_behind(&self) -> &[Leftover] {
        match self {
            Self::Rejected { .. } | Self::Expired { .. } | Self::Failed { .. } => &[],
            Self::Removed { left_behind, .. } | Self::Abandoned { left_behind, .. } => left_behind,
        }
    }

    /// The sides of which it is not known for certain what stands there.
    pub fn not_observed(&self) -> &[Side] {
        match self {
            Self::Rejected { .. }
            | Self::Expired { .. }
            | Self::Failed { .. }
            | Self::Removed { .. } => &[],
            Self::Abandoned { not_observed, .. } => not_observed,
        }
    }
}

impl Life {
    /// Its name.
    pub fn name(&self) -> LifeName {
        match self {
            Self::Requested => LifeName::Requested,
            Self::Initiating { .. } | Self::InitiationRefused { .. } => LifeName::Initiating,
            Self::AwaitingAcceptance { .. } => LifeName::AwaitingAcceptance,
            Self::Provisioning { .. } => LifeName::Provisioning,
            Self::Active { .. } => LifeName::Active,
            Self::Removing { .. } => LifeName::Removing,
            Self::Abandoning { .. } => LifeName::Abandoning,
            Self::Ended(ending) => ending.name(),
        }
    }

    /// Its name, as it is stored.
    pub fn as_str(&self) -> &'static str {
        self.name().as_str()
    }

    /// Whether it has not ended.
    pub fn is_live(&self) -> bool {
        self.ending().is_none()
    }

    /// How it ended, if it has.
    pub fn ending(&self) -> Option<&Ending> {
        if let Self::Ended(ending) = self {
            Some(ending)
        } else {
            None
        }
    }

    /// Whether its link is on record and nobody has asked for its end.
    pub fn has_link(&self) -> bool {
        match self {
            Self::AwaitingAcceptance { .. } | Self::Provisioning { .. } | Self::Active { .. } => {
                true
            }
            Self::Requested
            | Self::Initiating { .. }
            | Self::InitiationRefused { .. }
            | Self::Removing { .. }
            | Self::Abandoning { .. }
            | Self::Ended(_) => false,
        }
    }

    /// The link, once one has been seen.
    pub fn link(&self) -> Option<&Link> {
        match self {
            Self::Requested | Self::Initiating { .. } | Self::InitiationRefused { .. } => None,
            Self::AwaitingAcceptance { link, .. }
            | Self::Provisioning { link }
            | Self::Active { link } => Some(link),
            Self::Removing { trace } | Self::Abandoning { trace } => trace.link(),
            Self::Ended(ending) => ending.link(),
        }
    }

    /// What is known of the link, for when it is to go.
    pub(in crate::network) fn trace(&self) -> LinkTrace {
        match self {
            Self::Requested | Self::InitiationRefused { .. } => LinkTrace::Never,
            Self::Initiating {
                attempt,
                started_at,
            } => LinkTrace::Perhaps {
                attempt: *attempt,
                started_at: *started_at,
            },
            Self::AwaitingAcceptance { link, .. }
            | Self::Provisioning { link }
            | Self::Active { link } => LinkTrace::Seen(link.clone()),
            Self::Removing { trace } | Self::Abandoning { trace } => trace.clone(),
            Self::Ended(Ending::Abandoned { link, .. }) => {
                link.clone().map_or(LinkTrace::Never, LinkTrace::Seen)
            }
            Self::Ended(_) => self
                .link()
                .cloned()
                .map_or(LinkTrace::Never, LinkTrace::Gone),
        }
    }
}

impl LinkTrace {
    /// The link, if one was ever seen.
    pub fn link(&self) -> Option<&Link> {
        match self {
            Self::Never | Self::Perhaps { .. } => None,
            Self::Seen(link) | Self::Gone(link) => Some(link),
        }
    }
}
