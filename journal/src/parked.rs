//! Says once of each event that cannot be read that it cannot be.

use crate::{Body, Recorded};
use domain::EventId;
use parking_lot::Mutex;
use std::collections::HashSet;

/// So many are remembered; a log with more of them has been reported often enough.
const MOST: usize = 10_000;

#[derive(Debug, Default)]
pub(crate) struct Parked {
    reported: Mutex<HashSet<EventId>>,
}

impl Parked {
    /// Warns of an event that cannot be read, the first time.
    pub(crate) fn report(&self, recorded: &Recorded) {
        let Body::Undecodable {
            event_type,
            problem,
        } = &recorded.body
        else {
            return;
        };
        let mut reported = self.reported.lock();
        if reported.len() < MOST && reported.insert(recorded.event_id) {
            let (stream, revision) = (&recorded.stream, recorded.revision);
            tracing::warn!(
                stream,
                revision,
                event_type,
                problem,
                "an event cannot be read; it is set aside"
            );
        }
    }
}
