//! What a writer says it expects of a stream.

/// The expected revision of an append, a delete or a tombstone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// Whatever the stream's state.
    Any,
    /// The stream has no events.
    NoStream,
    /// The stream exists and is not deleted.
    StreamExists,
    /// The stream's last event has this number.
    Exact(u64),
}

impl Expected {
    /// The number by which the protocol's texts and trailers name it.
    pub(crate) fn signed(self) -> i64 {
        match self {
            Self::Any => -2,
            Self::NoStream => -1,
            Self::StreamExists => -4,
            Self::Exact(number) => i64::try_from(number).unwrap_or(i64::MAX),
        }
    }
}
