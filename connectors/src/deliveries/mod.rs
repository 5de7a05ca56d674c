//! What came of each attempt, kept for a while in a file beside this server: what the log is too
//! good for. It is this server's alone, and nothing is decided on its strength.
//!
//! Whoever delivers only hands an entry over; a thread of its own writes, many in one transaction:
//! each by itself costs the machine more than the delivery. If that falls behind, or
//! the disk is full, entries are left out and counted, and no delivery waits or fails for it. A
//! file that cannot be read is put aside and a new one begun.

mod file;
mod query;
#[cfg(test)]
mod tests;
mod waiting;

pub use query::{DeliveriesPage, DeliveriesQuery, DeliveryKey};

use crate::sink::{Attempt, Outcome, Parcel};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{Clock, EventId, text::ConnectorId};
use file::File;
use parking_lot::Mutex;
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};
use thiserror::Error;
use tokio_util::sync::CancellationToken;
use waiting::Waiting;

/// How often it is looked at what has become too old.
const LOOK: Duration = Duration::from_secs(60);

/// How long the first of those that are written together waits for more.
const GATHER: Duration = Duration::from_millis(50);

/// How long a query waits until what came before it is written.
const SETTLE: Duration = Duration::from_secs(1);

/// The most of an answer's body that is kept, in bytes.
pub(crate) const MOST_BODY: usize = 2_048;

/// How long attempts are kept, and how much they may take.
#[derive(Clone, Copy, Debug)]
pub struct DeliveryLogSettings {
    /// How long.
    pub keep_for: TimeDelta,
    /// How many bytes of disk.
    pub max_bytes: u64,
}

impl Default for DeliveryLogSettings {
    fn default() -> Self {
        Self {
            keep_for: TimeDelta::days(7),
            max_bytes: 1 << 30,
        }
    }
}

/// Why the file could not be opened or read.
#[derive(Debug, Error)]
pub enum DeliveryLogError {
    /// The file, or what it holds.
    #[error("cannot use the delivery log")]
    Database(#[from] rusqlite::Error),
    /// Whoever was to read it ended.
    #[error("reading the delivery log was broken off")]
    Task(#[from] tokio::task::JoinError),
    /// It could not be put aside.
    #[error("cannot put a delivery log aside that cannot be read")]
    Aside(#[source] std::io::Error),
}

/// An attempt to deliver, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// When it began.
    pub at: DateTime<Utc>,
    /// How long it took.
    pub took: Duration,
    /// The connector.
    pub connector: ConnectorId,
    /// The lane.
    pub lane: String,
    /// The events that went.
    pub events: Vec<DeliveredEvent>,
    /// Which attempt it was, from 1.
    pub attempt: u32,
    /// Whether somebody had asked for them again.
    pub is_replay: bool,
    /// What came of it.
    pub result: DeliveryResult,
    /// The answer's status, if there was one.
    pub status: Option<u16>,
    /// Why it was not taken, in words.
    pub cause: String,
    /// The beginning of the answer's body.
    pub body: String,
}

/// An event that was to be delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveredEvent {
    /// Its id.
    pub id: EventId,
    /// Its type.
    pub event_type: String,
    /// Its stream.
    pub stream: String,
    /// Its number there.
    pub revision: u64,
}

/// What came of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeliveryResult {
    /// It was taken.
    Delivered,
    /// Something is wrong with the record.
    RecordRefused,
    /// Something is wrong with the endpoint, or with the way to it.
    EndpointFailed,
    /// It may go better later.
    Busy,
    /// The endpoint wants nothing any more.
    Gone,
}

impl DeliveryResult {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Delivered,
        Self::RecordRefused,
        Self::EndpointFailed,
        Self::Busy,
        Self::Gone,
    ];

    /// What an attempt's outcome is, and why in words.
    pub fn of(outcome: &Outcome) -> (Self, &str) {
        match outcome {
            Outcome::Delivered => (Self::Delivered, ""),
            Outcome::RecordRefused(cause) => (Self::RecordRefused, cause),
            Outcome::EndpointFailed { cause, .. } => (Self::EndpointFailed, cause),
            Outcome::Busy { cause, .. } => (Self::Busy, cause),
            Outcome::Gone => (Self::Gone, "the endpoint is gone for good"),
        }
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::RecordRefused => "record_refused",
            Self::EndpointFailed => "endpoint_failed",
            Self::Busy => "busy",
            Self::Gone => "gone",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == name)
    }
}

/// Where attempts are kept. Cheap to clone; without a file it keeps nothing.
#[derive(Clone, Debug, Default)]
pub struct DeliveryLog(Option<Arc<Inner>>);

#[derive(Debug)]
struct Inner {
    waiting: Arc<Waiting>,
    file: Arc<Mutex<File>>,
    left_out: AtomicU64,
    /// Cancelled when what writes has ended.
    ended: CancellationToken,
}

impl DeliveryLog {
    /// In this file, or in memory alone.
    pub fn open(
        path: Option<&Path>,
        settings: DeliveryLogSettings,
        clock: Clock,
    ) -> Result<Self, DeliveryLogError> {
        let file = Arc::new(Mutex::new(File::open(path, settings.max_bytes)?));
        let waiting = Arc::new(Waiting::default());
        let (taken, written) = (Arc::clone(&waiting), Arc::clone(&file));
        let ended = CancellationToken::new();
        let ends = ended.clone().drop_guard();
        // Ends when nobody can hand anything over any more.
        thread::Builder::new()
            .name("delivery-log".to_owned())
            .spawn(move || {
                let _ends = ends;
                write(&taken, &written, settings, &clock);
            })
            .map_err(DeliveryLogError::Aside)?;
        Ok(Self(Some(Arc::new(Inner {
            waiting,
            file,
            left_out: AtomicU64::new(0),
            ended,
        }))))
    }

    /// Returns when what writes it has died, which it does of its own mistakes alone: nothing more
    /// is kept then.
    pub async fn died(&self) {
        match &self.0 {
            Some(inner) => inner.ended.cancelled().await,
            None => std::future::pending().await,
        }
    }

    /// Whether it keeps anything.
    pub fn is_kept(&self) -> bool {
        self.0.is_some()
    }

    /// Keeps an attempt. Waits for nothing; what finds no place is left out.
    pub fn note(&self, parcel: &Parcel, attempt: &Attempt) {
        let Some(inner) = &self.0 else {
            return;
        };
        if !inner.waiting.push(entry(parcel, attempt)) {
            inner.left_out.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many attempts found no place.
    pub fn left_out(&self) -> u64 {
        let inner = self.0.as_ref();
        inner.map_or(0, |it| it.left_out.load(Ordering::Relaxed))
    }

    /// What is kept of a connector, the newest first: all that was handed over before.
    pub async fn query(&self, query: DeliveriesQuery) -> Result<DeliveriesPage, DeliveryLogError> {
        let Some(inner) = &self.0 else {
            return Ok(DeliveriesPage::default());
        };
        let (waiting, file) = (Arc::clone(&inner.waiting), Arc::clone(&inner.file));
        let found = tokio::task::spawn_blocking(move || {
            waiting.settle(SETTLE);
            file.lock().find(&query)
        });
        Ok(found.await??)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.waiting.end();
    }
}

fn entry(parcel: &Parcel, attempt: &Attempt) -> Delivery {
    let (result, cause) = DeliveryResult::of(&attempt.outcome);
    let events = parcel.items.iter().map(|it| DeliveredEvent {
        id: it.recorded.event_id,
        event_type: it.recorded.event_type().to_owned(),
        stream: it.recorded.stream.clone(),
        revision: it.recorded.revision,
    });
    Delivery {
        at: attempt.at,
        took: attempt.took,
        connector: parcel.connector.clone(),
        lane: parcel.lane.clone(),
        events: events.collect(),
        attempt: parcel.attempt,
        is_replay: parcel.is_replay,
        result,
        status: attempt.status,
        cause: domain::connector::bounded(cause),
        body: cut(&attempt.body),
    }
}

/// No more of a body than is kept.
fn cut(body: &str) -> String {
    let end = (0..=MOST_BODY.min(body.len()))
        .rev()
        .find(|at| body.is_char_boundary(*at));
    body[..end.unwrap_or(0)].to_owned()
}

/// Writes what comes until nobody is left.
fn write(waiting: &Waiting, file: &Mutex<File>, settings: DeliveryLogSettings, clock: &Clock) {
    let mut is_told = false;
    while let Some(some) = waiting.take(LOOK, GATHER) {
        let oldest = clock() - settings.keep_for;
        let written = file.lock().write(&some, oldest);
        waiting.dealt_with(some.len());
        match written {
            Ok(()) => is_told = false,
            Err(error) if !is_told => {
                is_told = true;
                let error = domain::error_chain(&error);
                tracing::warn!(error, "attempts to deliver are not kept at present");
            }
            Err(_) => {}
        }
    }
}
