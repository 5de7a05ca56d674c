//! Events as they come in, and the few types and numbers the store itself gives a meaning to.

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

/// The type of the event that holds a stream's metadata.
pub(crate) const STREAM_METADATA: &str = "$metadata";
/// The type of the event that ends a stream for ever.
pub(crate) const STREAM_DELETED: &str = "$streamDeleted";
/// The number of that event.
pub(crate) const TOMBSTONE_NUMBER: u64 = i64::MAX as u64;

/// The name of an event's type.
pub(crate) type EventType = Arc<str>;

/// An event that is not in the log yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewEvent {
    pub(crate) id: Uuid,
    pub(crate) event_type: EventType,
    pub(crate) is_json: bool,
    pub(crate) data: Bytes,
    pub(crate) metadata: Bytes,
}

impl NewEvent {
    /// What the event counts against the limit on one append.
    pub(crate) fn size(&self) -> usize {
        self.data.len() + self.metadata.len() + 2 * self.event_type.chars().count()
    }
}

/// A time as the protocol writes it: 100 ns steps since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticks(pub(crate) i64);

impl Ticks {
    const PER_SECOND: i64 = 10_000_000;

    pub(crate) fn of(time: DateTime<Utc>) -> Self {
        Self(time.timestamp() * Self::PER_SECOND + i64::from(time.timestamp_subsec_nanos() / 100))
    }

    /// The same distance before this time, or the earliest time there is.
    pub(crate) fn before(self, distance: TimeDelta) -> Self {
        Self(
            self.0
                .saturating_sub(distance.num_seconds().saturating_mul(Self::PER_SECOND)),
        )
    }

    pub(crate) fn time(self) -> DateTime<Utc> {
        DateTime::from_timestamp_nanos(self.0.saturating_mul(100))
    }

    pub(crate) fn timestamp(self) -> prost_types::Timestamp {
        prost_types::Timestamp {
            seconds: self.0.div_euclid(Self::PER_SECOND),
            nanos: i32::try_from(self.0.rem_euclid(Self::PER_SECOND) * 100).unwrap_or(0),
        }
    }
}
