//! How much the store keeps of our streams: what we tell it (`keep`), and what somebody else has
//! told it of streams that must never lose an event.
//!
//! `$maxCount`, `$maxAge` and `$tb` in a stream's metadata hide events at once, and a scavenge
//! takes them for good; a deletion is a `$tb` beyond the end, a tombstone has no way back. Nobody
//! notices before a history is read again. So the metadata of our streams is followed: each change
//! is told at once, and what holds now can be asked for.

mod keep;

use crate::{
    FollowError, Followed, Journal, Memory, Recorded,
    wire::{DELETED_TYPE, METADATA, METADATA_TYPE},
};
use chrono::{DateTime, Utc};
use domain::NetworkId;
use parking_lot::Mutex;
use serde_json::{Map, Value};
use std::{collections::BTreeMap, fmt, sync::Arc};
use tokio_util::sync::CancellationToken;

/// As the store calls it.
const COUNT: &str = "$maxCount";
const AGE: &str = "$maxAge";
const BEFORE: &str = "$tb";

/// A `$tb` of this and beyond is a deletion.
const DELETED: u64 = i64::MAX as u64;

/// Why the store does not keep a stream whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// It keeps the last so many events.
    Count(u64),
    /// It keeps what is no older than so many seconds.
    Age(u64),
    /// It keeps what has this number or a later one.
    Before(u64),
    /// Everything before this moment was deleted.
    Deleted,
    /// The stream was deleted for good.
    Tombstone,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(most) => write!(f, "{COUNT} {most}"),
            Self::Age(seconds) => write!(f, "{AGE} {seconds}"),
            Self::Before(first) => write!(f, "{BEFORE} {first}"),
            Self::Deleted => f.write_str("a deletion"),
            Self::Tombstone => f.write_str("a tombstone"),
        }
    }
}

/// A stream of ours that the store does not keep whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limited {
    /// Why; never empty.
    pub limits: Vec<Limit>,
    /// When the store was told so.
    pub since: DateTime<Utc>,
}

impl Limited {
    /// The limits, in the store's words.
    pub fn told(&self) -> String {
        let limits = self.limits.iter().map(ToString::to_string);
        limits.collect::<Vec<_>>().join(", ")
    }

    /// Whether nothing of the stream can be read now.
    pub fn is_gone(&self) -> bool {
        let is_gone = |it: &Limit| matches!(it, Limit::Deleted | Limit::Tombstone);
        self.limits.iter().any(is_gone)
    }

    /// Whether no metadata brings back what it has lost.
    pub fn is_for_good(&self) -> bool {
        self.limits.contains(&Limit::Tombstone)
    }
}

/// The streams of ours that the store does not keep whole. Clones share everything.
#[derive(Clone, Debug, Default)]
pub struct Retention(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// As far as the log was read.
    read: BTreeMap<String, Limited>,
    /// Whether that is all of it.
    is_whole: bool,
    /// What was told last, and is shown.
    told: BTreeMap<String, Limited>,
}

impl Retention {
    /// Follows what the store is told of our streams, until stopped. An error means that it can
    /// never be followed.
    pub async fn run(&self, journal: &Journal, stop: CancellationToken) -> Result<(), FollowError> {
        journal.remember(Followed::Retention, self, stop).await
    }

    /// Why this network's stream is not kept whole, if it is not.
    pub fn of(&self, id: NetworkId) -> Option<Limited> {
        self.0.lock().told.get(&id.stream()).cloned()
    }

    /// Every stream of ours that is not kept whole.
    pub fn all(&self) -> BTreeMap<String, Limited> {
        self.0.lock().told.clone()
    }
}

impl Memory for Retention {
    fn apply(&self, recorded: &Recorded) {
        let stream = recorded.stream.as_str();
        let limits = match recorded.stored.event_type.as_str() {
            METADATA_TYPE => stream
                .strip_prefix(METADATA)
                .map(|of| (of, limits(recorded))),
            DELETED_TYPE => Some((stream, vec![Limit::Tombstone])),
            _ => None,
        };
        let Some((stream, limits)) = limits else {
            return;
        };
        let mut state = self.0.lock();
        if state.read.get(stream).is_some_and(Limited::is_for_good) {
            return;
        }
        if limits.is_empty() {
            state.read.remove(stream);
        } else {
            let since = recorded.created;
            let limited = Limited { limits, since };
            state.read.insert(stream.to_owned(), limited);
        }
        state.tell();
    }

    fn is_whole(&self) {
        let mut state = self.0.lock();
        state.is_whole = true;
        state.tell();
    }

    fn forget(&self) {
        let mut state = self.0.lock();
        state.is_whole = false;
        state.read.clear();
    }
}

impl State {
    /// Tells what has changed; not while the log is being read: what it says then may be over.
    fn tell(&mut self) {
        if !self.is_whole || self.read == self.told {
            return;
        }
        for (stream, now) in &self.read {
            if self.told.get(stream) != Some(now) {
                tracing::warn!(
                    stream, limits = now.told(), since = %now.since,
                    "the event store is told to drop events of a stream that must keep all of them: \
                     set its metadata back before a scavenge takes them for good"
                );
            }
        }
        let over = self.told.keys().filter(|it| !self.read.contains_key(*it));
        for stream in over {
            tracing::info!(stream, "the event store keeps the stream whole again");
        }
        self.told.clone_from(&self.read);
    }
}

/// What a stream's metadata says. One in which any of these is no whole number counts as none, as
/// the store takes it; a number that limits nothing does not count.
fn limits(recorded: &Recorded) -> Vec<Limit> {
    let said: Map<String, Value> = serde_json::from_slice(&recorded.data).unwrap_or_default();
    let is_number = |key: &&str| said.get(*key).is_none_or(|it| it.is_i64() || it.is_u64());
    if ![COUNT, AGE, BEFORE].iter().all(is_number) {
        return Vec::new();
    }
    let number = |key: &str| said.get(key).and_then(Value::as_u64).filter(|it| *it > 0);
    let before = number(BEFORE).map(|it| match it {
        DELETED.. => Limit::Deleted,
        first => Limit::Before(first),
    });
    let (count, age) = (number(COUNT).map(Limit::Count), number(AGE).map(Limit::Age));
    before.into_iter().chain(count).chain(age).collect()
}

#[cfg(test)]
mod tests;
