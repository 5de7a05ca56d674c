//! Whether the log is still the one that was followed: after a break it may have become another, by
//! a restore of an older copy or another store at the same address.

use domain::EventId;
use journal::{FollowError, Followed, Journal, Position, Recorded, Signal};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// How long a node may lag behind its cluster that is asked for the last known event.
const LAG: Duration = Duration::from_secs(3);

/// The last event that was followed, and the position of the one before it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LastKnown {
    last: Option<(EventId, Position)>,
    before: Option<Position>,
}

impl LastKnown {
    pub(super) fn note(&mut self, recorded: &Recorded) {
        self.before = self.last.map(|(_, position)| position);
        self.last = Some((recorded.event_id, recorded.position));
    }

    /// Whether any event was followed.
    pub(super) fn is_something(&self) -> bool {
        self.last.is_some()
    }

    /// Whether the log has the last known event where it was. A log in which nothing was seen is
    /// any log.
    pub(super) async fn is_in(&self, journal: &Journal) -> Result<bool, FollowError> {
        let Some((known, _)) = self.last else {
            return Ok(true);
        };
        let mut follower = journal.follow(self.before, Followed::Networks);
        let mut patience = None;
        loop {
            let next = match patience {
                Some(until) => timeout_at(until, follower.next()).await,
                None => Ok(follower.next().await),
            };
            match next {
                Ok(Ok(Signal::Event(recorded))) => return Ok(recorded.event_id == known),
                // A node that lags comes to it yet.
                Ok(Ok(Signal::CaughtUp)) => {
                    patience.get_or_insert_with(|| Instant::now() + LAG);
                }
                Ok(Ok(Signal::Checkpoint(_) | Signal::Resumed)) => {}
                Ok(Err(error)) if error.is_of_another_log() => return Ok(false),
                Ok(Err(error)) => return Err(error),
                Err(_) => return Ok(false),
            }
        }
    }
}
