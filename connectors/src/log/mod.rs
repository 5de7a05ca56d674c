//! The log, read once for all connectors.
//!
//! One subscription fills a window of the newest records. A connector that is inside the window
//! takes records from there; one that is behind it, after a stop or a long retry, reads with a
//! subscription of its own until it has caught up with the window. Those are few at a time: a
//! server allows only so many streams on a connection.

#[cfg(test)]
mod tests;
mod window;

pub(crate) use window::Interest;

use crate::checkpoint::Landmark;
use chrono::{DateTime, Utc};
use journal::{FollowError, Followed, Follower, Journal, JournalError, Position, Recorded, Signal};
use parking_lot::Mutex;
use std::{sync::Arc, time::Duration};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;
use window::{Look, Waiter, Window};

/// The pauses while the store does not say where the log ends.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How many connectors read by themselves at a time.
const CATCHING_UP: usize = 8;

/// The newest records of the log.
#[derive(Debug)]
pub(crate) struct Log {
    journal: Journal,
    window: Mutex<Window>,
    /// Whether the window is filled from somewhere.
    is_open: watch::Sender<bool>,
    catching_up: Arc<Semaphore>,
}

/// What a connector reads.
#[derive(Debug)]
pub(crate) enum Read {
    /// A record that the connector may want.
    Record(Arc<Recorded>),
    /// So many that it does not want, and the last of them.
    Passed(Arc<Recorded>, usize),
    /// Nothing for a connector up to here.
    Nothing(Position),
    /// Following was broken off: the log may be another one.
    Broken,
}

/// One connector's place in the log.
#[derive(Debug)]
pub(crate) struct Reader {
    log: Arc<Log>,
    after: Option<Position>,
    breaks: u64,
    way: Way,
    waiter: Arc<Waiter>,
}

#[derive(Debug)]
enum Way {
    Undecided,
    /// The number of the next record in the window.
    Window(u64),
    Alone {
        follower: Box<Follower>,
        _permit: OwnedSemaphorePermit,
    },
}

impl Log {
    pub(crate) fn new(journal: Journal) -> Arc<Self> {
        Arc::new(Self {
            journal,
            window: Mutex::default(),
            is_open: watch::Sender::new(false),
            catching_up: Arc::new(Semaphore::new(CATCHING_UP)),
        })
    }

    /// Fills the window, until cancelled. If the log becomes another one, the window begins anew at
    /// its end.
    pub(crate) async fn run(&self, stop: CancellationToken) -> Result<(), FollowError> {
        let filled = stop.run_until_cancelled(async {
            loop {
                self.fill().await?;
            }
        });
        filled.await.unwrap_or(Ok(()))
    }

    /// Fills the window from the log's end on, until the log is another one.
    async fn fill(&self) -> Result<(), FollowError> {
        let end = self.patient_end().await;
        self.window.lock().open(end);
        self.is_open.send_replace(true);
        let mut follower = self.journal.follow(end, Followed::Deliverable);
        loop {
            match follower.next().await {
                Ok(Signal::Event(recorded)) => self.window.lock().push(recorded),
                Ok(Signal::Checkpoint(position)) => self.window.lock().seen = Some(position),
                Ok(Signal::Resumed) => {
                    if !self.is_the_same().await {
                        return Ok(());
                    }
                    self.window.lock().broke();
                }
                Ok(Signal::CaughtUp) => {}
                Err(error) if error.is_of_another_log() => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    /// Where the log ends, as soon as the store says so.
    async fn patient_end(&self) -> Option<Position> {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.journal.end().await {
                Ok(end) => return end,
                Err(error) => {
                    let error = domain::error_chain(&error);
                    tracing::debug!(error, "the log's end is not known yet");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// Whether the log has what the window has. If that cannot be found out, it is taken to be
    /// another one: whoever reads then looks for itself.
    async fn is_the_same(&self) -> bool {
        let (last, seen) = {
            let window = self.window.lock();
            (window.last().map(|it| Landmark::of(it)), window.seen)
        };
        if let Some(last) = last
            && !last.is_in(&self.journal).await.unwrap_or(false)
        {
            return false;
        }
        self.journal.end().await.is_ok_and(|end| seen <= end)
    }

    /// Reads behind this position what somebody with this interest wants.
    pub(crate) fn read(self: &Arc<Self>, after: Option<Position>, interest: Interest) -> Reader {
        let waiter = Waiter::new(interest);
        let mut window = self.window.lock();
        window.enter(Arc::clone(&waiter));
        Reader {
            breaks: window.breaks,
            log: Arc::clone(self),
            after,
            way: Way::Undecided,
            waiter,
        }
    }

    /// Up to where the window was filled; nothing before it was begun.
    pub(crate) fn read_up_to(&self) -> Option<Position> {
        let window = self.window.lock();
        let seen = window.seen.unwrap_or(Position::START);
        window.is_open.then_some(seen)
    }

    /// Where the log ends.
    pub(crate) async fn end(&self) -> Result<Option<Position>, JournalError> {
        self.journal.end().await
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.log.window.lock().leave(&self.waiter);
    }
}

impl Reader {
    /// How many records wait in the window, if this reader reads there, and when the first of them
    /// was written.
    pub(crate) fn waiting(&self) -> Option<(u64, Option<DateTime<Utc>>)> {
        let window = self.log.window.lock();
        match self.way {
            Way::Window(next) => Some(window.from(next)),
            Way::Undecided | Way::Alone { .. } => None,
        }
    }

    /// What comes next. Safe to cancel.
    pub(crate) async fn next(&mut self) -> Result<Read, FollowError> {
        loop {
            match &mut self.way {
                Way::Undecided => self.decide().await,
                Way::Window(_) => match self.look() {
                    Look::Found(read) => return Ok(self.note(read)),
                    Look::Wait => self.waiter.woken.notified().await,
                    Look::Behind => self.way = Way::Undecided,
                },
                Way::Alone { follower, .. } => {
                    let read = match follower.next().await? {
                        Signal::Event(recorded) if self.waiter.wants(&recorded) => {
                            Read::Record(Arc::new(recorded))
                        }
                        Signal::Event(recorded) => Read::Passed(Arc::new(recorded), 1),
                        Signal::Checkpoint(position) => Read::Nothing(position),
                        Signal::Resumed => Read::Broken,
                        Signal::CaughtUp => {
                            if let Some(next) = self.log.window.lock().number(self.after) {
                                self.way = Way::Window(next);
                            }
                            continue;
                        }
                    };
                    let read = self.note(read);
                    if let Some(next) = self.log.window.lock().number(self.after) {
                        self.way = Way::Window(next);
                    }
                    return Ok(read);
                }
            }
        }
    }

    /// Looks into the window, if this reader reads there.
    fn look(&mut self) -> Look {
        let Way::Window(next) = &mut self.way else {
            return Look::Wait;
        };
        let window = self.log.window.lock();
        window.look(&self.waiter, next, &mut self.breaks, self.after)
    }

    /// What it does not want of what comes next, if that is there.
    pub(crate) fn passed(&mut self) -> Option<Read> {
        let Way::Window(next) = &mut self.way else {
            return None;
        };
        let passed = self.log.window.lock().pass(&self.waiter, next)?;
        Some(self.note(passed))
    }

    async fn decide(&mut self) {
        // The log outlives every reader.
        let _ = self.log.is_open.subscribe().wait_for(|it| *it).await;
        {
            let window = self.log.window.lock();
            if let Some(next) = window.number(self.after) {
                self.breaks = self.breaks.max(window.breaks);
                self.way = Way::Window(next);
                return;
            }
        }
        // Closed never: it belongs to the log.
        if let Ok(permit) = Arc::clone(&self.log.catching_up).acquire_owned().await {
            let follower = self.log.journal.follow(self.after, Followed::Deliverable);
            self.way = Way::Alone {
                follower: Box::new(follower),
                _permit: permit,
            };
        }
    }

    fn note(&mut self, read: Read) -> Read {
        match &read {
            Read::Record(recorded) | Read::Passed(recorded, _) => {
                self.after = Some(recorded.position);
            }
            Read::Nothing(position) => self.after = self.after.max(Some(*position)),
            Read::Broken => {}
        }
        read
    }
}
