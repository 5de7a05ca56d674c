//! Where signals go, how far they have got, and why a session could not go on.

use super::Signal;
use crate::{FollowError, Position, error::Source, parked::Parked};
use std::{sync::Arc, time::Duration};
use tokio::{sync::mpsc, time::Instant};

/// Where signals go, and how far they have got.
pub(super) struct Outlet {
    pub(super) cursor: Cursor,
    pub(super) signals: mpsc::Sender<Result<Signal, FollowError>>,
    pub(super) parked: Arc<Parked>,
    pub(super) stall: Duration,
    /// Set by a break, until something comes through again.
    pub(super) broken: Option<Instant>,
    pub(super) followed: String,
    /// Whether a node has ever confirmed the subscription.
    pub(super) is_let_in: bool,
}

impl Outlet {
    /// Hands a signal on. A reader that is too far behind is a break: the connection must not wait
    /// for it.
    pub(super) async fn deliver(&mut self, signal: Signal) -> Result<(), Disconnect> {
        if let Signal::Event(event) = &signal
            && event.network_id.is_some()
            && !event.stored.event_type.starts_with('$')
        {
            self.parked.report(event);
        }
        if self.broken.is_some() {
            self.send(Signal::Resumed).await?;
        }
        self.send(signal).await?;
        if let Some(since) = self.broken.take() {
            tracing::info!(followed = %self.followed, away = ?since.elapsed(), "following again");
        }
        Ok(())
    }

    async fn send(&mut self, signal: Signal) -> Result<(), Disconnect> {
        match tokio::time::timeout(self.stall, self.signals.reserve()).await {
            Ok(Ok(permit)) => permit.send(Ok(signal)),
            Ok(Err(_)) => return Err(Disconnect::ReaderGone),
            Err(_) => return Err(Disconnect::Stalled),
        }
        Ok(())
    }
}

/// Why a session is over.
#[derive(Debug)]
pub(super) enum Disconnect {
    /// The node or the way to it; another session may do better.
    Lost(Source),
    /// The reader is too far behind.
    Stalled,
    /// The reader is gone.
    ReaderGone,
    /// No session can do better.
    Fatal(FollowError),
}

/// How far following has got.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cursor {
    /// Everything up to here was delivered.
    pub(super) position: Option<Position>,
    /// The same as a number in the stream, if one stream is followed and an event of it was seen.
    pub(super) revision: Option<u64>,
}

impl Cursor {
    pub(super) fn after(position: Option<Position>) -> Self {
        // The start is exclusive, and before the first event is nothing to leave out.
        Self {
            position: position.filter(|it| *it != Position::START),
            revision: None,
        }
    }

    pub(super) fn is_behind(&self, position: Position) -> bool {
        self.position.is_none_or(|it| it < position)
    }
}
