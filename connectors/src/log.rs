//! The log, read once for all connectors.
//!
//! One subscription fills a window of the newest records. A connector that is inside the window
//! takes records from there; one that is behind it, after a stop or a long retry, reads with a
//! subscription of its own until it has caught up with the window. Those are few at a time: a
//! server allows only so many streams on a connection.

use crate::checkpoint::Landmark;
use journal::{FollowError, Followed, Follower, Journal, JournalError, Position, Recorded, Signal};
use parking_lot::Mutex;
use std::{collections::VecDeque, sync::Arc, time::Duration};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;

/// The most records in the window, and their most bytes.
const MOST_RECORDS: usize = 8_192;
const MOST_BYTES: usize = 32 << 20;

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
    /// Counts what happened to the window.
    changes: watch::Sender<u64>,
    catching_up: Arc<Semaphore>,
}

#[derive(Debug, Default)]
struct Window {
    /// Whether it is filled from somewhere.
    is_open: bool,
    /// Every record behind this one is in the window.
    start: Option<Position>,
    records: VecDeque<Arc<Recorded>>,
    bytes: usize,
    /// The number of the first record in it.
    first: u64,
    /// Everything up to here was looked at.
    seen: Option<Position>,
    /// How often following was broken off: meanwhile the log may have become another one.
    breaks: u64,
}

/// What a connector reads.
#[derive(Debug)]
pub(crate) enum Read {
    /// A record.
    Record(Arc<Recorded>),
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
            changes: watch::Sender::new(0),
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
        self.changed();
        let mut follower = self.journal.follow(end, Followed::Deliverable);
        loop {
            match follower.next().await {
                Ok(Signal::Event(recorded)) => self.window.lock().push(recorded),
                Ok(Signal::Checkpoint(position)) => self.window.lock().seen = Some(position),
                Ok(Signal::Resumed) => {
                    if !self.is_the_same().await {
                        return Ok(());
                    }
                    self.window.lock().breaks += 1;
                }
                Ok(Signal::CaughtUp) => continue,
                Err(error) if error.is_of_another_log() => return Ok(()),
                Err(error) => return Err(error),
            }
            self.changed();
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
            let last = window.records.back();
            (last.map(|it| Landmark::of(it)), window.seen)
        };
        if let Some(last) = last
            && !last.is_in(&self.journal).await.unwrap_or(false)
        {
            return false;
        }
        self.journal.end().await.is_ok_and(|end| seen <= end)
    }

    fn changed(&self) {
        self.changes.send_modify(|it| *it += 1);
    }

    /// Reads behind this position.
    pub(crate) fn read(self: &Arc<Self>, after: Option<Position>) -> Reader {
        Reader {
            breaks: self.window.lock().breaks,
            log: Arc::clone(self),
            after,
            way: Way::Undecided,
        }
    }

    /// Where the log ends.
    pub(crate) async fn end(&self) -> Result<Option<Position>, JournalError> {
        self.journal.end().await
    }
}

impl Window {
    /// Begins at this place. Whoever read here before is behind it, and looks whether the log is
    /// the one it knows.
    fn open(&mut self, at: Option<Position>) {
        if self.is_open {
            self.breaks += 1;
            self.first += self.records.len() as u64 + 1;
        }
        self.is_open = true;
        self.records.clear();
        self.bytes = 0;
        (self.start, self.seen) = (at, at);
    }

    fn push(&mut self, recorded: Recorded) {
        self.seen = Some(recorded.position);
        self.bytes += weight(&recorded);
        self.records.push_back(Arc::new(recorded));
        while self.records.len() > MOST_RECORDS || self.bytes > MOST_BYTES {
            let Some(oldest) = self.records.pop_front() else {
                break;
            };
            self.bytes -= weight(&oldest);
            self.start = Some(oldest.position);
            self.first += 1;
        }
    }

    /// The number of the first record behind this position, if the window has all of them.
    fn number(&self, after: Option<Position>) -> Option<u64> {
        if !self.is_open || after < self.start {
            return None;
        }
        let before = self
            .records
            .partition_point(|it| Some(it.position) <= after);
        Some(self.first + before as u64)
    }
}

fn weight(recorded: &Recorded) -> usize {
    recorded.data.len() + recorded.stored.metadata.len() + recorded.stream.len() + 512
}

/// What a look into the window brings.
enum Look {
    Found(Read),
    /// Nothing yet.
    Wait,
    /// What comes next is not in it any more.
    Behind,
}

impl Reader {
    /// How many records wait in the window, if this reader reads there.
    pub(crate) fn waiting(&self) -> Option<u64> {
        let window = self.log.window.lock();
        match self.way {
            Way::Window(next) => {
                let behind = window.first + window.records.len() as u64;
                Some(behind.saturating_sub(next))
            }
            Way::Undecided | Way::Alone { .. } => None,
        }
    }

    /// What comes next. Safe to cancel.
    pub(crate) async fn next(&mut self) -> Result<Read, FollowError> {
        let mut changes = self.log.changes.subscribe();
        loop {
            changes.borrow_and_update();
            match &mut self.way {
                Way::Undecided => self.decide().await,
                Way::Window(next) => match look(&self.log, next, &mut self.breaks, self.after) {
                    Look::Found(read) => return Ok(self.note(read)),
                    Look::Wait => {
                        // The log outlives every reader.
                        let _ = changes.changed().await;
                    }
                    Look::Behind => self.way = Way::Undecided,
                },
                Way::Alone { follower, .. } => {
                    let read = match follower.next().await? {
                        Signal::Event(recorded) => Read::Record(Arc::new(recorded)),
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

    async fn decide(&mut self) {
        let mut changes = self.log.changes.subscribe();
        loop {
            changes.borrow_and_update();
            {
                let window = self.log.window.lock();
                if let Some(next) = window.number(self.after) {
                    self.breaks = self.breaks.max(window.breaks);
                    self.way = Way::Window(next);
                    return;
                }
                if window.is_open {
                    break;
                }
            }
            let _ = changes.changed().await;
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
            Read::Record(recorded) => self.after = Some(recorded.position),
            Read::Nothing(position) => self.after = self.after.max(Some(*position)),
            Read::Broken => {}
        }
        read
    }
}

fn look(log: &Log, next: &mut u64, breaks: &mut u64, after: Option<Position>) -> Look {
    let window = log.window.lock();
    if *breaks < window.breaks {
        *breaks = window.breaks;
        return Look::Found(Read::Broken);
    }
    let Some(at) = next.checked_sub(window.first) else {
        return Look::Behind;
    };
    if let Some(recorded) = window.records.get(at as usize) {
        *next += 1;
        return Look::Found(Read::Record(Arc::clone(recorded)));
    }
    match window.seen {
        Some(seen) if Some(seen) > after => Look::Found(Read::Nothing(seen)),
        Some(_) | None => Look::Wait,
    }
}
