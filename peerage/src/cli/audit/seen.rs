//! The last event that was read: the next question names it, so that an answer from another log is
//! told from one of the same.

use crate::api::v1;
use serde::{Deserialize, Serialize};

/// Events in these streams may go, and nothing is wrong then.
const KEPT_FOR_A_WHILE: &str = "connectorParked-";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Seen {
    position: String,
    stream: String,
    revision: u64,
    event_id: String,
}

impl Seen {
    pub(super) fn of(record: &v1::LogRecord) -> Option<Self> {
        Self::new(
            &record.position,
            &record.stream,
            record.revision,
            &record.event_id,
        )
    }

    pub(super) fn of_event(event: &v1::Event) -> Option<Self> {
        Self::new(
            &event.position,
            &event.stream,
            event.revision,
            &event.event_id,
        )
    }

    fn new(position: &str, stream: &str, revision: u64, event_id: &str) -> Option<Self> {
        (!stream.starts_with(KEPT_FOR_A_WHILE)).then(|| Self {
            position: position.to_owned(),
            stream: stream.to_owned(),
            revision,
            event_id: event_id.to_owned(),
        })
    }

    pub(super) fn message(&self) -> v1::KnownEvent {
        v1::KnownEvent {
            position: self.position.clone(),
            stream: self.stream.clone(),
            revision: self.revision,
            event_id: self.event_id.clone(),
        }
    }
}
