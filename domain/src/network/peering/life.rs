//! Where a peering is in its life.

use super::super::event::Remnant;
use crate::text::{Link, Reason};
use chrono::{DateTime, Utc};

/// Where a peering is in its life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Life {
    /// Nothing has been asked of the cloud.
    Requested,
    /// The cloud has been asked, or is about to be, and no link has been seen.
    Initiating {
        attempt: u32,
        started_at: DateTime<Utc>,
    },
    /// The last attempt was answered with an error: no link exists.
    InitiationRefused {
        attempt: u32,
    },
    /// A link waits for the remote side.
    Initiated {
        link: Link,
        /// When nobody can accept it any more.
        expires_at: DateTime<Utc>,
        /// Whether it is on record that this is near.
        warned: bool,
    },
    /// The remote side agreed; the cloud is working on it.
    Accepted {
        link: Link,
    },
    Active {
        link: Link,
    },
    /// What was made is being taken back.
    Removing {
        trace: LinkTrace,
        because: RemovalCause,
    },
    Ended(Ending),
}

/// What is known of a link that is to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkTrace {
    /// There never was one.
    Never,
    /// This attempt may have made one.
    Perhaps {
        attempt: u32,
        started_at: DateTime<Utc>,
    },
    Seen(Link),
    /// It was seen to be gone.
    Gone(Link),
}

/// An attempt that the cloud has not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenAttempt {
    pub attempt: u32,
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

/// Why a peering is taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemovalCause {
    Command { reason: Reason },
    Deadline { passed: DateTime<Utc> },
}

/// How a peering ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    Rejected {
        link: Link,
    },
    Expired {
        link: Link,
    },
    Failed {
        link: Option<Link>,
        message: String,
    },
    Removed {
        link: Option<Link>,
        left_behind: Vec<Remnant>,
    },
    Abandoned {
        link: Option<Link>,
        left_behind: Vec<Remnant>,
    },
}

impl Ending {
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Rejected { .. } => "rejected",
            Self::Expired { .. } => "expired",
            Self::Failed { .. } => "failed",
            Self::Removed { .. } => "removed",
            Self::Abandoned { .. } => "abandoned",
        }
    }

    /// What still stood at the cloud, as far as the log knew.
    pub fn left_behind(&self) -> &[Remnant] {
        match self {
            Self::Rejected { .. } | Self::Expired { .. } | Self::Failed { .. } => &[],
            Self::Removed { left_behind, .. } | Self::Abandoned { left_behind, .. } => left_behind,
        }
    }
}

impl Life {
    /// Every name that a life can have.
    pub const NAMES: [&'static str; 11] = [
        "requested",
        "initiating",
        "awaiting_acceptance",
        "provisioning",
        "active",
        "removing",
        "rejected",
        "expired",
        "failed",
        "removed",
        "abandoned",
    ];

    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Initiating { .. } | Self::InitiationRefused { .. } => "initiating",
            Self::Initiated { .. } => "awaiting_acceptance",
            Self::Accepted { .. } => "provisioning",
            Self::Active { .. } => "active",
            Self::Removing { .. } => "removing",
            Self::Ended(ending) => ending.as_str(),
        }
    }

    pub fn is_live(&self) -> bool {
        self.ending().is_none()
    }

    pub fn ending(&self) -> Option<&Ending> {
        if let Self::Ended(ending) = self {
            Some(ending)
        } else {
            None
        }
    }

    /// The link, once one has been seen.
    pub fn link(&self) -> Option<&Link> {
        match self {
            Self::Requested | Self::Initiating { .. } | Self::InitiationRefused { .. } => None,
            Self::Initiated { link, .. } | Self::Accepted { link } | Self::Active { link } => {
                Some(link)
            }
            Self::Removing { trace, .. } => trace.link(),
            Self::Ended(Ending::Rejected { link } | Ending::Expired { link }) => Some(link),
            Self::Ended(
                Ending::Failed { link, .. }
                | Ending::Removed { link, .. }
                | Ending::Abandoned { link, .. },
            ) => link.as_ref(),
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
            Self::Initiated { link, .. } | Self::Accepted { link } | Self::Active { link } => {
                LinkTrace::Seen(link.clone())
            }
            Self::Removing { trace, .. } => trace.clone(),
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
