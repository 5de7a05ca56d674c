//! Where a peering is in its life, by name.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

macro_rules! lives {
    ($($(#[$doc:meta])* $name:ident = $text:literal),* $(,)?) => {
        /// Where a peering is in its life, by name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum LifeName { $($(#[$doc])* $name,)* }

        impl LifeName {
            /// All of them, in the order of a life.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The stored name.
            pub fn as_str(&self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

lives! {
    /// The link is asked for; the cloud has not been asked yet.
    Requested = "requested",
    /// The cloud is being asked for the link.
    Initiating = "initiating",
    /// The link waits for the remote side.
    AwaitingAcceptance = "awaiting_acceptance",
    /// The remote side agreed; the cloud is working on it.
    Provisioning = "provisioning",
    /// The link is there to carry traffic.
    Active = "active",
    /// What was made is being taken back.
    Removing = "removing",
    /// It is being given up: what stands is looked at once more.
    Abandoning = "abandoning",
    /// It ended: the remote side rejected the link.
    Rejected = "rejected",
    /// It ended: nobody accepted the link in time.
    Expired = "expired",
    /// It ended: the cloud gave the link up.
    Failed = "failed",
    /// It ended: what was made is taken back.
    Removed = "removed",
    /// It ended on record, whatever still stands.
    Abandoned = "abandoned",
}

impl LifeName {
    /// Whether a peering with this life has not ended.
    pub fn is_live(&self) -> bool {
        match self {
            Self::Requested
            | Self::Initiating
            | Self::AwaitingAcceptance
            | Self::Provisioning
            | Self::Active
            | Self::Removing
            | Self::Abandoning => true,
            Self::Rejected | Self::Expired | Self::Failed | Self::Removed | Self::Abandoned => {
                false
            }
        }
    }
}

impl fmt::Display for LifeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no life.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a peering is {}", names())]
pub struct NotALife;

fn names() -> String {
    let names: Vec<_> = LifeName::ALL.iter().map(LifeName::as_str).collect();
    let (last, others) = names.split_last().unwrap_or((&"", &[]));
    format!("{} or {last}", others.join(", "))
}

impl FromStr for LifeName {
    type Err = NotALife;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .find(|life| life.as_str() == text)
            .copied()
            .ok_or(NotALife)
    }
}
