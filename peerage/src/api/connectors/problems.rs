//! Why a call about connectors has no answer.

use crate::api::problem::{Problem, Reason};
use connectors::{ExecuteError, ParkedError};
use domain::connector::ConnectorRefusal;

/// A refused command.
pub(super) fn refused(refusal: &ConnectorRefusal) -> Problem {
    Problem::of_connector(refusal)
}

pub(super) fn problem(error: &ExecuteError) -> Problem {
    match error {
        ExecuteError::Refused(refusal) => refused(refusal),
        ExecuteError::Reused(command_id) => Problem::new(
            Reason::CommandIdReused,
            format!(
                "command {command_id} was another command; give each command a UUID of its own"
            ),
        )
        .with("command_id", command_id),
        ExecuteError::Moved { expected, actual } => {
            let actual = actual.map_or_else(|| "none".to_owned(), |it| it.to_string());
            let text = format!(
                "the connector is at revision {actual}, not at {expected}; look at what has changed and send the command again"
            );
            Problem::new(Reason::WrongExpectedRevision, text)
                .with("expected", expected)
                .with("actual", actual)
        }
        ExecuteError::Contention => Problem::new(
            Reason::Contended,
            "the connector changed under the command all the time; send it again",
        ),
        ExecuteError::Unreadable(error) => {
            Problem::new(Reason::HistoryUnreadable, error.to_string())
        }
        ExecuteError::Encoding(_) => Problem::new(Reason::NotEncodable, domain::error_chain(error)),
        ExecuteError::Journal(error) => error.into(),
    }
}

pub(super) fn parked_problem(error: &ParkedError) -> Problem {
    match error {
        ParkedError::NotParked(_) => Problem::new(Reason::RecordNotParked, error.to_string()),
        ParkedError::Journal(error) => error.into(),
        ParkedError::TooMany { .. }
        | ParkedError::TooManyReplays
        | ParkedError::Fenced
        | ParkedError::Contention => Problem::new(Reason::Contended, error.to_string()),
        ParkedError::Encoding(_) => Problem::new(Reason::NotEncodable, domain::error_chain(error)),
    }
}
