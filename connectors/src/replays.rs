//! A part of the log that somebody wants delivered again, whatever became of it: which part, how
//! much of it there is, and how far that is.

use crate::{
    checkpoint::{place, told},
    filter::{Matcher, wants},
};
use domain::{
    connector::{LogPosition, Settings, parked::LogRange},
    text::ConnectorId,
};
use journal::{FollowError, Followed, Journal, Recorded, Signal};

use std::{collections::BTreeMap, time::Duration};
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

/// The most that wait or are under way for one connector.
pub(crate) const MOST_REPLAYS: usize = 10;

/// The most records that are looked at to count, and for how long.
const LOOKED_AT: usize = 1_000_000;
const LOOKING: Duration = Duration::from_secs(15);

/// A part of the log that is to be delivered again, and how far that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogReplay {
    /// Its id, which is that of the command that asked for it.
    pub id: Uuid,
    /// The part.
    pub range: LogRange,
    /// How many records there were when it was asked for, or more.
    pub records: u64,
    /// Everything up to here is dealt with.
    pub position: Option<LogPosition>,
    /// The number of the event that asked for it: they are dealt with in that order.
    pub(crate) revision: u64,
}

/// Those of one connector.
pub(crate) type LogReplays = BTreeMap<Uuid, LogReplay>;

impl LogReplay {
    /// Behind which position it goes on.
    pub(crate) fn next(&self) -> Option<LogPosition> {
        self.position.or(self.range.after)
    }
}

/// Whether it is of the time that is meant.
pub(crate) fn has(range: &LogRange, recorded: &Recorded) -> bool {
    let time = recorded.time();
    range.since.is_none_or(|it| it <= time) && range.before.is_none_or(|it| time < it)
}

/// How many records of a part the connector would deliver; `false` if there may be more.
pub async fn count_records(
    range: &LogRange,
    journal: &Journal,
    id: &ConnectorId,
    settings: &Settings,
) -> Result<(u64, bool), FollowError> {
    // It was checked when it was set.
    let Ok(matcher) = Matcher::new(settings.filter.as_ref()) else {
        return Ok((0, true));
    };
    let mut follower = journal.follow(range.after.map(place), Followed::Deliverable);
    let until = Instant::now() + LOOKING;
    let mut found = 0;
    for _ in 0..LOOKED_AT {
        let Ok(signal) = timeout_at(until, follower.next()).await else {
            return Ok((found, false));
        };
        match signal? {
            Signal::Event(recorded) if told(recorded.position) > range.until => break,
            Signal::Event(recorded) => {
                let is_meant = has(range, &recorded) && wants(id, settings, &matcher, &recorded);
                found += u64::from(is_meant);
                if told(recorded.position) == range.until {
                    return Ok((found, true));
                }
            }
            Signal::Checkpoint(position) if told(position) >= range.until => break,
            Signal::CaughtUp => break,
            Signal::Checkpoint(_) | Signal::Resumed => {}
        }
    }
    Ok((found, true))
}
