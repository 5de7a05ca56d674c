//! Where an event is in the whole log.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use thiserror::Error;

/// A place in the log. Both numbers count: a checkpoint may be (C, 0), and following from there
/// delivers the event at (C, C) again, while following from (C, C) does not.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Position {
    /// Of the transaction; in bytes, or what the store counts.
    pub commit: u64,
    /// Of the event itself, never beyond `commit`.
    pub prepare: u64,
}

impl Position {
    /// Before the first event.
    pub const START: Self = Self {
        commit: 0,
        prepare: 0,
    };
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.commit, self.prepare)
    }
}

/// A text that is no position.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("a position is two numbers with a `/` between them, like 1024/1024")]
pub struct PositionError;

impl FromStr for Position {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (commit, prepare) = text.split_once('/').ok_or(PositionError)?;
        Ok(Self {
            commit: commit.parse().map_err(|_| PositionError)?,
            prepare: prepare.parse().map_err(|_| PositionError)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_ordered_by_both_numbers_and_survive_being_written_down() {
        let checkpoint = Position {
            commit: 7,
            prepare: 0,
        };
        let event = Position {
            commit: 7,
            prepare: 7,
        };
        assert!(Position::START < checkpoint && checkpoint < event);
        assert_eq!(event.to_string().parse(), Ok(event));
        assert_eq!("7".parse::<Position>(), Err(PositionError));
        assert_eq!("7/x".parse::<Position>(), Err(PositionError));
    }
}
