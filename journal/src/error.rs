//! What can go wrong between a command and the log, one variant per thing a caller can do something
//! about.

use crate::Position;
use domain::{CommandId, network::Refusal};
use std::time::Duration;
use thiserror::Error;

/// The source of an error, as the client or the transport gave it.
pub(crate) type Source = Box<dyn std::error::Error + Send + Sync>;

/// The log could not be read or written.
#[derive(Debug, Error)]
pub enum JournalError {
    /// The store does not answer, or says that it cannot. The same call may succeed later.
    #[error("{operation}: the event store is unavailable")]
    Unavailable {
        /// What was being done.
        operation: &'static str,
        /// As the transport or the store gave it.
        #[source]
        source: Source,
    },
    /// No answer in time. Whether an append took effect is unknown; the same command id finds out.
    #[error("{operation}: no answer from the event store within {after:?}")]
    DeadlineExceeded {
        /// What was being done.
        operation: &'static str,
        /// How long it was waited.
        after: Duration,
    },
    /// The credentials may not do this.
    #[error(
        "{operation}: the event store denies access; check the credentials in the connection string and the stream's access list"
    )]
    AccessDenied {
        /// What was being done.
        operation: &'static str,
    },
    /// The store refuses the request for what it is, for instance because it is too large.
    #[error("{operation}: the event store refuses the request")]
    Rejected {
        /// What was being done.
        operation: &'static str,
        /// As the transport or the store gave it.
        #[source]
        source: Source,
    },
    /// A server of an older version uses the same store, and could not read this. Nothing was
    /// written.
    #[error(
        "a server of an older version uses the same store and could not read {event_type}; stop or upgrade it"
    )]
    NotYetReadable {
        /// The event type.
        event_type: &'static str,
    },
    /// Somebody put a tombstone on the stream.
    #[error("{operation}: stream {stream} was deleted for good")]
    StreamDeleted {
        /// What was being done.
        operation: &'static str,
        /// The stream.
        stream: String,
    },
    /// Somebody cut the stream, so its history is not whole. Nothing is concluded from such a
    /// stream.
    #[error(
        "stream {stream} is not whole: event {missing} is gone; look for $maxCount, $maxAge or $tb in its metadata, or a deletion"
    )]
    Truncated {
        /// The stream.
        stream: String,
        /// The number of the first event that is not there.
        missing: u64,
    },
    /// An event that this version cannot read. Nothing is decided on top of it.
    #[error("event {revision} of stream {stream} cannot be read: {event_type}: {problem}")]
    Unreadable {
        /// The stream.
        stream: String,
        /// The event's number in its stream, from 0.
        revision: u64,
        /// The type as the log names it.
        event_type: String,
        /// Why, in words.
        problem: String,
    },
    /// An event could not be written as JSON.
    #[error("{operation}: {event_type} cannot be encoded")]
    Encoding {
        /// What was being done.
        operation: &'static str,
        /// The type as the log names it.
        event_type: &'static str,
        /// As the transport or the store gave it.
        #[source]
        source: serde_json::Error,
    },
}

/// A command was not carried out.
#[derive(Debug, Error)]
pub enum ExecuteError {
    /// The domain says no, and why.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The id belongs to another command with another body.
    #[error("command id {command_id} was used for another command; take a new id")]
    CommandIdReused {
        /// The command's id.
        command_id: CommandId,
        /// The number of the first event of the command that has the id.
        first_revision: u64,
    },
    /// The network is not where the caller expected it.
    #[error("the network is at revision {}, not at {expected} as expected", actual.map_or_else(|| "none".to_owned(), |it| it.to_string()))]
    WrongRevision {
        /// What the caller expected.
        expected: u64,
        /// Where the network is; `None`: it is not on record.
        actual: Option<u64>,
    },
    /// Another holder of the lease has recorded something of this network since.
    #[error("term {sent} of the lease is over: an outcome of term {held} is on record")]
    TermOver {
        /// The worker's term.
        sent: u64,
        /// The term of the outcome that is on record.
        held: u64,
    },
    /// Others wrote first, every time.
    #[error("others wrote to this network first, {attempts} times; try again")]
    Contended {
        /// How often it was decided anew.
        attempts: u32,
    },
    /// The log could not be read or written.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// Why following cannot go on. What heals by itself heals inside and is never seen here.
#[derive(Debug, Error)]
pub enum FollowError {
    /// The credentials may not do this.
    #[error(
        "following {followed}: the event store denies access; check the credentials in the connection string"
    )]
    AccessDenied {
        /// What was followed, in words.
        followed: String,
    },
    /// The position is no place in this log: it comes from another log, or the log was cut.
    #[error("following {followed}: the event store does not know the position {}", from.unwrap_or(Position::START))]
    PositionRefused {
        /// What was followed, in words.
        followed: String,
        /// Where following was to go on; `None`: the start.
        from: Option<Position>,
        /// As the transport or the store gave it.
        #[source]
        source: Source,
    },
    /// Somebody put a tombstone on the stream.
    #[error("following {followed}: the stream was deleted for good")]
    StreamDeleted {
        /// What was followed, in words.
        followed: String,
    },
    /// An earlier call returned the reason; there is nothing more to come.
    #[error("following {followed}: it has ended")]
    Ended {
        /// What was followed, in words.
        followed: String,
    },
}

impl FollowError {
    /// Whether the place that was followed from is none in this log: then it is another one.
    pub fn is_of_another_log(&self) -> bool {
        match self {
            Self::PositionRefused { from, .. } => from.is_some(),
            Self::AccessDenied { .. } | Self::StreamDeleted { .. } | Self::Ended { .. } => false,
        }
    }
}
