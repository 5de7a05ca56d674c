//! A peering has two ends, and many things exist once at each.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// One end of a peering, seen from the private network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The private network's own end.
    Local,
    /// The peer's end.
    Remote,
}

impl Side {
    /// Both sides, local first.
    pub const BOTH: [Self; 2] = [Self::Local, Self::Remote];

    /// The stored name.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Remote => "remote",
        }
    }

    /// The end at the other side of the link.
    #[must_use]
    pub fn other(&self) -> Self {
        match self {
            Self::Local => Self::Remote,
            Self::Remote => Self::Local,
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no side.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a side is `local` or `remote`")]
pub struct NotASide;

impl FromStr for Side {
    type Err = NotASide;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::BOTH
            .into_iter()
            .find(|side| side.as_str() == text)
            .ok_or(NotASide)
    }
}

/// One value for each side.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BySide<T> {
    /// The private network's value.
    pub local: T,
    /// The peer's value.
    pub remote: T,
}

impl<T: Default + PartialEq> BySide<T> {
    /// Whether both sides have what a new one has.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl<T> BySide<T> {
    /// Makes the value of each side.
    pub fn of(make: impl Fn(Side) -> T) -> Self {
        Self {
            local: make(Side::Local),
            remote: make(Side::Remote),
        }
    }

    /// The value of this side.
    pub fn get(&self, side: Side) -> &T {
        match side {
            Side::Local => &self.local,
            Side::Remote => &self.remote,
        }
    }

    /// The value of this side, to be changed.
    pub fn get_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::Local => &mut self.local,
            Side::Remote => &mut self.remote,
        }
    }

    /// Both values, local first.
    pub fn iter(&self) -> impl Iterator<Item = (Side, &T)> {
        [(Side::Local, &self.local), (Side::Remote, &self.remote)].into_iter()
    }
}
