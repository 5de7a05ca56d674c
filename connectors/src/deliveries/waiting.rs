//! Attempts on their way to the file: gathered, so that many are one transaction.
//!
//! Whoever delivers pays for a lock held for moments, and wakes the writer once for all that comes
//! within the time of gathering.

use super::Delivery;
use parking_lot::{Condvar, Mutex};
use std::time::{Duration, Instant};

/// How many entries wait to be written. What comes when so many wait is left out.
pub(super) const MOST: usize = 4_096;

/// With so many it is not waited for more.
pub(super) const ENOUGH: usize = 1_024;

/// Entries that wait to be written.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    state: Mutex<State>,
    /// Something is to be written, now or soon.
    wanted: Condvar,
    /// Something was written.
    written: Condvar,
}

#[derive(Debug, Default)]
struct State {
    entries: Vec<Delivery>,
    /// How many were taken in since the beginning, and how many of them are dealt with.
    noted: u64,
    dealt_with: u64,
    /// Somebody wants to read what is there by now.
    is_asked_for: bool,
    is_over: bool,
}

impl Waiting {
    /// Takes an entry in; false if too many wait.
    pub(super) fn push(&self, entry: Delivery) -> bool {
        let mut state = self.state.lock();
        if state.entries.len() >= MOST {
            return false;
        }
        state.entries.push(entry);
        state.noted += 1;
        if matches!(state.entries.len(), 1 | ENOUGH) {
            self.wanted.notify_one();
        }
        true
    }

    /// What is to be written next, after at most so long; the first of it waits as long as is said
    /// for more. Nothing once it is over and all is written.
    pub(super) fn take(&self, patience: Duration, gather: Duration) -> Option<Vec<Delivery>> {
        let mut state = self.state.lock();
        let has_none = |it: &mut State| it.entries.is_empty() && !it.is_over;
        self.wanted.wait_while_for(&mut state, has_none, patience);
        if !state.entries.is_empty() {
            let until = Instant::now() + gather;
            let is_short =
                |it: &mut State| it.entries.len() < ENOUGH && !it.is_asked_for && !it.is_over;
            self.wanted.wait_while_until(&mut state, is_short, until);
        }
        state.is_asked_for = false;
        let some = std::mem::take(&mut state.entries);
        (!some.is_empty() || !state.is_over).then_some(some)
    }

    /// So many of those that were taken last are in the file, or will never be.
    pub(super) fn dealt_with(&self, many: usize) {
        self.state.lock().dealt_with += many as u64;
        self.written.notify_all();
    }

    /// Waits until all that was taken in by now is in the file, for at most so long.
    pub(super) fn settle(&self, patience: Duration) {
        let mut state = self.state.lock();
        let noted = state.noted;
        if state.dealt_with >= noted {
            return;
        }
        state.is_asked_for = true;
        self.wanted.notify_one();
        let is_behind = |it: &mut State| it.dealt_with < noted;
        self.written.wait_while_for(&mut state, is_behind, patience);
    }

    /// Nothing more comes.
    pub(super) fn end(&self) {
        self.state.lock().is_over = true;
        self.wanted.notify_one();
    }
}
