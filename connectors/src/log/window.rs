//! The newest records of the log, and who waits for some of them.
//!
//! A thousand connectors of which one wants a record cost that record a thousand looks at its
//! stream and type, and one wake-up. The others pass over it later, many records at a time: when
//! there is one for them, when so many have come, or when they look by themselves.

use super::Read;
use chrono::{DateTime, Utc};
use journal::{Position, Recorded};
use std::{collections::VecDeque, fmt, sync::Arc};
use tokio::sync::Notify;

/// The most records in the window, and their most bytes.
const MOST_RECORDS: usize = 8_192;
const MOST_BYTES: usize = 32 << 20;

/// After so many records each is woken, so that nobody falls behind the window; all of them when a
/// quarter of its bytes is new.
const WOKEN_AFTER: u64 = 1_024;

/// The most records that are passed over at once.
const PASSED_AT_ONCE: usize = 1_024;

/// Whether a connector may want a record: cheap to ask, and true of all that it delivers.
pub(crate) type Interest = Box<dyn Fn(&Recorded) -> bool + Send + Sync>;

/// Somebody who reads, and is woken for what may be for it.
pub(super) struct Waiter {
    interest: Interest,
    pub(super) woken: Notify,
}

impl fmt::Debug for Waiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiter").finish_non_exhaustive()
    }
}

impl Waiter {
    pub(super) fn new(interest: Interest) -> Arc<Self> {
        Arc::new(Self {
            interest,
            woken: Notify::new(),
        })
    }

    pub(super) fn wants(&self, recorded: &Recorded) -> bool {
        (self.interest)(recorded)
    }
}

/// The newest records of the log.
#[derive(Debug, Default)]
pub(super) struct Window {
    /// Whether it is filled from somewhere.
    pub(super) is_open: bool,
    /// Every record behind this one is in the window.
    start: Option<Position>,
    records: VecDeque<Arc<Recorded>>,
    bytes: usize,
    /// How many bytes came since everybody was woken last.
    unwoken: usize,
    /// The number of the first record in it.
    first: u64,
    /// Everything up to here was looked at.
    pub(super) seen: Option<Position>,
    /// How often following was broken off: meanwhile the log may have become another one.
    pub(super) breaks: u64,
    waiters: Vec<Arc<Waiter>>,
}

/// What a look into the window brings.
pub(super) enum Look {
    Found(Read),
    /// Nothing yet.
    Wait,
    /// What comes next is not in it any more.
    Behind,
}

impl Window {
    /// Begins at this place. Whoever read here before is behind it, and looks whether the log is
    /// the one it knows.
    pub(super) fn open(&mut self, at: Option<Position>) {
        if self.is_open {
            self.breaks += 1;
            self.first += self.records.len() as u64 + 1;
        }
        self.is_open = true;
        self.records.clear();
        self.bytes = 0;
        (self.start, self.seen) = (at, at);
        self.wake_all();
    }

    /// Following was broken off.
    pub(super) fn broke(&mut self) {
        self.breaks += 1;
        self.wake_all();
    }

    pub(super) fn push(&mut self, recorded: Recorded) {
        let number = self.first + self.records.len() as u64;
        for (at, waiter) in self.waiters.iter().enumerate() {
            // Not all at the same record.
            let is_due = (number + at as u64 + 1).is_multiple_of(WOKEN_AFTER);
            if is_due || waiter.wants(&recorded) {
                waiter.woken.notify_one();
            }
        }
        self.seen = Some(recorded.position);
        self.bytes += weight(&recorded);
        self.unwoken += weight(&recorded);
        if self.unwoken > MOST_BYTES / 4 {
            self.wake_all();
        }
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

    pub(super) fn enter(&mut self, waiter: Arc<Waiter>) {
        self.waiters.push(waiter);
    }

    pub(super) fn leave(&mut self, waiter: &Arc<Waiter>) {
        self.waiters.retain(|it| !Arc::ptr_eq(it, waiter));
    }

    fn wake_all(&mut self) {
        self.unwoken = 0;
        for waiter in &self.waiters {
            waiter.woken.notify_one();
        }
    }

    /// The newest record.
    pub(super) fn last(&self) -> Option<&Arc<Recorded>> {
        self.records.back()
    }

    /// The number of the first record behind this position, if the window has all of them.
    pub(super) fn number(&self, after: Option<Position>) -> Option<u64> {
        if !self.is_open || after < self.start {
            return None;
        }
        let before = self
            .records
            .partition_point(|it| Some(it.position) <= after);
        Some(self.first + before as u64)
    }

    /// How many records there are from this one on, and when the first of them was written.
    pub(super) fn from(&self, next: u64) -> (u64, Option<DateTime<Utc>>) {
        let many = (self.first + self.records.len() as u64).saturating_sub(next);
        let at = next.saturating_sub(self.first) as usize;
        (many, self.records.get(at).map(|it| it.created))
    }

    /// What comes next for somebody who is at this record, has seen so many breaks, and has dealt
    /// with everything up to a position. What it does not want is passed over.
    pub(super) fn look(
        &self,
        waiter: &Waiter,
        next: &mut u64,
        breaks: &mut u64,
        after: Option<Position>,
    ) -> Look {
        if *breaks < self.breaks {
            *breaks = self.breaks;
            return Look::Found(Read::Broken);
        }
        let Some(at) = next.checked_sub(self.first) else {
            return Look::Behind;
        };
        if let Some(passed) = self.pass(waiter, next) {
            return Look::Found(passed);
        }
        if let Some(recorded) = self.records.get(at as usize) {
            *next += 1;
            return Look::Found(Read::Record(Arc::clone(recorded)));
        }
        match self.seen {
            Some(seen) if Some(seen) > after => Look::Found(Read::Nothing(seen)),
            Some(_) | None => Look::Wait,
        }
    }

    /// What somebody at this record does not want of what comes next.
    pub(super) fn pass(&self, waiter: &Waiter, next: &mut u64) -> Option<Read> {
        let at = next.checked_sub(self.first)? as usize;
        let ahead = self.records.iter().skip(at).take(PASSED_AT_ONCE);
        let passed = ahead.take_while(|it| !waiter.wants(it)).count();
        let last = self.records.get((at + passed).checked_sub(1)?)?;
        *next += passed as u64;
        (passed > 0).then(|| Read::Passed(Arc::clone(last), passed))
    }
}

fn weight(recorded: &Recorded) -> usize {
    recorded.data.len() + recorded.stored.metadata.len() + recorded.stream.len() + 512
}
