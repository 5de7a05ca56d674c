//! How a run ends, and whether it is worth beginning again.

use crate::{checkpoint::CheckpointError, parked::ParkedError, registry::ExecuteError};
use domain::connector::{Failure, FailureCode};
use journal::{FollowError, JournalError};
use thiserror::Error;

/// How a run ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// It was drained.
    Drained,
    /// Another server has it.
    Fenced,
    /// It broke off, and may be begun again.
    Broke(Failure),
    /// Beginning again would not help.
    Failed(Failure),
}

#[derive(Debug, Error)]
pub(crate) enum RunError {
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Follow(#[from] FollowError),
    #[error(transparent)]
    Parked(#[from] ParkedError),
    #[error(transparent)]
    Record(#[from] ExecuteError),
    #[error("the log is another one than it followed: {0}")]
    OtherLog(&'static str),
    #[error("a task of it ended: {0}")]
    Task(String),
    #[error("{}", .0.message)]
    Failed(Failure),
}

impl RunError {
    pub(super) fn ended(self) -> Ended {
        let message = domain::error_chain(&self).to_string();
        let failure = |code| Failure::new(code, &message);
        match self {
            Self::Checkpoint(CheckpointError::Fenced) | Self::Parked(ParkedError::Fenced) => {
                Ended::Fenced
            }
            Self::OtherLog(_) => Ended::Failed(failure(FailureCode::OtherLog)),
            Self::Failed(failure) => Ended::Failed(failure),
            Self::Parked(ParkedError::TooMany { .. }) => {
                Ended::Failed(failure(FailureCode::Exhausted))
            }
            Self::Follow(error) if error.is_of_another_log() => {
                Ended::Failed(failure(FailureCode::OtherLog))
            }
            Self::Task(_) => Ended::Broke(failure(FailureCode::Task)),
            Self::Checkpoint(CheckpointError::Encoding(_) | CheckpointError::Journal(_))
            | Self::Journal(_)
            | Self::Follow(_)
            | Self::Record(_)
            | Self::Parked(
                ParkedError::NotParked(_)
                | ParkedError::TooManyReplays
                | ParkedError::Contention
                | ParkedError::Encoding(_)
                | ParkedError::Journal(_),
            ) => Ended::Broke(failure(FailureCode::Store)),
        }
    }
}
