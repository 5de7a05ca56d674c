//! Reads and subscriptions: pages of the log, as a reader is to see them.
//!
//! Everything is read from the log, live events too: a writer only announces where the log now
//! ends. So a slow reader keeps nobody waiting and misses nothing, and holds one page in memory
//! at most, whatever it lags behind; what all readers hold is bounded too.

mod all;
mod filter;
mod links;
mod page;
mod shelves;
mod stream;
mod subscribe_all;
mod subscribe_stream;

use std::{pin::Pin, sync::Arc};

use futures::Stream;
use thiserror::Error;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub(crate) use all::{AllRead, AllStart};
pub(crate) use filter::{Filter, FilterError, Subject};
pub(crate) use links::{Links, Resolved};
pub(crate) use stream::{Bounds, StreamRead, StreamStart};
pub(crate) use subscribe_all::{AllSubscription, Checkpoints};
pub(crate) use subscribe_stream::StreamSubscription;

use self::shelves::Shelves;
use crate::{
    engine::{Engine, Heads},
    log::{self, Log, LogError},
    model::{Acl, Position, Record, StreamName, Ticks},
    source::{Clock, NewId},
};

/// One message of a read or subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Message {
    Confirmed { subscription: Uuid },
    Event(Resolved),
    Checkpoint { position: Position, at: Ticks },
    CaughtUp { reached: Reached, at: Ticks },
    StreamNotFound,
    FirstStreamPosition(u64),
    LastStreamPosition(u64),
}

/// How far a subscription has come when it is caught up; `None` if there was nothing to come past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reached {
    Stream(Option<u64>),
    All(Option<Position>),
}

/// A read or subscription that cannot go on.
#[derive(Debug, Clone, Error)]
pub(crate) enum ReadError {
    #[error("the stream {0} is deleted")]
    StreamDeleted(StreamName),
    #[error("no record stands at position {}", .0.get())]
    NoRecord(Position),
    #[error("the filter cannot be applied")]
    Filter(#[source] Arc<FilterError>),
    #[error("the log cannot be read")]
    Log(#[source] Arc<LogError>),
    #[error("the store is shutting down")]
    ShuttingDown,
}

impl From<LogError> for ReadError {
    fn from(error: LogError) -> Self {
        Self::Log(Arc::new(error))
    }
}

/// What a read or subscription yields.
pub(crate) type Messages = Pin<Box<dyn Stream<Item = Result<Message, ReadError>> + Send>>;

/// What readers read from. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Reader {
    log: Arc<dyn Log>,
    heads: Arc<Heads>,
    end: watch::Receiver<Position>,
    clock: Clock,
    new_id: NewId,
    shutdown: CancellationToken,
    shelves: Shelves,
}

impl Reader {
    pub(crate) fn new(
        log: Arc<dyn Log>,
        engine: &Engine,
        clock: Clock,
        new_id: NewId,
        shutdown: CancellationToken,
    ) -> Self {
        Self {
            log,
            heads: engine.heads.clone(),
            end: engine.end.clone(),
            clock,
            new_id,
            shutdown,
            shelves: Shelves::default(),
        }
    }

    /// Where the next record will stand.
    pub(crate) fn end(&self) -> Position {
        *self.end.borrow()
    }

    pub(crate) fn now(&self) -> Ticks {
        Ticks::of((self.clock)())
    }

    /// Is cancelled when the store begins to shut down.
    pub(crate) fn shutdown_token(&self) -> CancellationToken {
        self.shutdown.clone()
    }

    pub(crate) fn new_id(&self) -> Uuid {
        (self.new_id)()
    }

    /// The newest event of a stream, whether or not it can be seen.
    pub(crate) async fn newest(&self, stream: &StreamName) -> Result<Option<Record>, ReadError> {
        let stream = stream.clone();
        self.blocking(move |reader| {
            let Some(entry) = reader.log.last_of(&stream, u64::MAX)? else {
                return Ok(None);
            };
            Ok(reader.log.record(entry.position)?)
        })
        .await
    }

    /// How many events of a stream can be seen, age apart.
    pub(crate) async fn visible_len(&self, stream: &StreamName) -> Result<u64, ReadError> {
        let stream = stream.clone();
        self.blocking(move |reader| {
            let numbers = reader.look_at(&stream)?.numbers();
            Ok(numbers.map_or(0, |numbers| {
                (numbers.end() + 1).saturating_sub(*numbers.start())
            }))
        })
        .await
    }

    /// The access rules in a stream's metadata.
    pub(crate) async fn acl(&self, stream: &StreamName) -> Result<Option<Acl>, ReadError> {
        let stream = stream.clone();
        self.blocking(move |reader| Ok(reader.heads.metadata(&stream)?.acl))
            .await
    }

    /// Whole frames of the log's records in a range, and where to go on, unless that is all.
    pub(crate) async fn frames(
        &self,
        from: Position,
        to: Position,
        most: usize,
    ) -> Result<(Vec<u8>, Option<Position>), ReadError> {
        self.blocking(move |reader| Ok(log::frames(&*reader.log, from, to, most)?))
            .await
    }

    /// The frames of the records at some positions, as far as records stand there.
    pub(crate) async fn anchors(&self, positions: Vec<u64>) -> Result<Vec<u8>, ReadError> {
        self.blocking(move |reader| Ok(log::anchors(&*reader.log, &positions)?))
            .await
    }

    /// Runs what may have to wait for the disk where waiting is allowed.
    async fn blocking<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Self) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, ReadError> {
        if self.shutdown.is_cancelled() {
            return Err(ReadError::ShuttingDown);
        }
        let reader = self.clone();
        tokio::task::spawn_blocking(move || read(&reader))
            .await
            .unwrap_or(Err(ReadError::ShuttingDown))
    }

    /// Waits until then.
    async fn until(&self, at: Instant) -> Result<(), ReadError> {
        let waited = self.shutdown.run_until_cancelled(sleep_until(at)).await;
        waited.ok_or(ReadError::ShuttingDown)
    }

    /// Waits until the log is longer than when `end` was last looked at.
    async fn grown(&self, end: &mut watch::Receiver<Position>) -> Result<(), ReadError> {
        tokio::select! {
            biased;
            () = self.shutdown.cancelled() => Err(ReadError::ShuttingDown),
            changed = end.changed() => changed.map_err(|_| ReadError::ShuttingDown),
        }
    }
}
