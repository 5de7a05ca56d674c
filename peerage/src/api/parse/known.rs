//! An event that a caller has read before, which says which log it read.

use super::Fields;
use crate::api::{problem::Problem, v1};
use domain::EventId;
use journal::Position;
use tree::is_covered;

/// An event that a caller has read before.
#[derive(Clone, Debug)]
pub(in crate::api) struct Known {
    pub(in crate::api) position: Position,
    pub(in crate::api) stream: String,
    pub(in crate::api) revision: u64,
    pub(in crate::api) event_id: EventId,
}

impl Known {
    pub(in crate::api) fn message(&self) -> v1::KnownEvent {
        v1::KnownEvent {
            position: self.position.to_string(),
            stream: self.stream.clone(),
            revision: self.revision,
            event_id: self.event_id.0.to_string(),
        }
    }
}

/// The event that the caller names, if it names one.
pub(in crate::api) fn known(event: Option<&v1::KnownEvent>) -> Result<Option<Known>, Problem> {
    let Some(event) = event else {
        return Ok(None);
    };
    let mut fields = Fields::default();
    let position = fields.take("known_event.position", &event.position);
    let event_id = fields.id("known_event.event_id", &event.event_id);
    let stream = if is_covered(&event.stream) {
        Some(event.stream.clone())
    } else {
        fields.wrong("known_event.stream", "must be a stream that is audited")
    };
    let known = (|| {
        Some(Some(Known {
            position: position?,
            stream: stream?,
            revision: event.revision,
            event_id: event_id?,
        }))
    })();
    fields.finish(known)
}
