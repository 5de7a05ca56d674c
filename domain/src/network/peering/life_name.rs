//! Where a peering is in its life, by name.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

macro_rules! lives {
    ($($name:ident = $text:literal),* $(,)?) => {
        /// Where a peering is in its life, by name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum LifeName { $($name,)* }

        impl LifeName {
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            pub fn as_str(&self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

lives! {
    Requested = "requested",
    Initiating = "initiating",
    AwaitingAcceptance = "awaiting_acceptance",
    Provisioning = "provisioning",
    Active = "active",
    Removing = "removing",
    Abandoning = "abandoning",
    Rejected = "rejected",
    Expired = "expired",
    Failed = "failed",
    Removed = "removed",
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
