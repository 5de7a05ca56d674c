//! One network's place in the cache.

use super::{
    Loaded,
    receipts::{Chain, Receipts},
    snapshot::Snapshot,
    weight::weight,
};
use domain::{CommandId, Receipt};
use parking_lot::Mutex;
use std::sync::Arc;

/// The folded state as far as this process has seen the stream, and the receipts to it.
#[derive(Debug, Default)]
pub(super) struct Slot {
    held: Mutex<Held>,
    /// Commands of this process to one network queue up here, or they would only get in each
    /// other's way at the store.
    pub(super) turn: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Held {
    loaded: Arc<Loaded>,
    receipts: Receipts,
    /// The first event that is in no snapshot known to this process.
    snapshot_before: u64,
    /// Whether one is being written.
    is_writing: bool,
    /// What the cache was told that this takes, and at which revision.
    weighed: usize,
    weighed_at: u64,
}

/// How often the weight is taken again, in events.
const WEIGH_EVERY: u64 = 256;

impl Slot {
    pub(super) fn loaded(&self) -> Arc<Loaded> {
        Arc::clone(&self.held.lock().loaded)
    }

    /// Folds more into `base`, and keeps the result unless the slot has seen more. A copy of a
    /// loaded network is cheap, so it does not matter who else holds it.
    pub(super) fn advance(
        &self,
        mut base: Arc<Loaded>,
        fold: impl FnOnce(&mut Loaded, &mut Receipts),
    ) -> Arc<Loaded> {
        let mut held = self.held.lock();
        // A base that is ahead of the slot belongs to what the slot was made to forget: its
        // receipts are not here.
        let belongs = held.loaded.next_revision() >= base.next_revision();
        if Arc::ptr_eq(&held.loaded, &base) {
            held.loaded = Arc::default();
        }
        if !belongs {
            fold(Arc::make_mut(&mut base), &mut Receipts::default());
            return base;
        }
        let ahead = held.loaded.next_revision();
        fold(Arc::make_mut(&mut base), &mut held.receipts);
        if ahead > base.next_revision() {
            return Arc::clone(&held.loaded);
        }
        held.loaded = Arc::clone(&base);
        base
    }

    /// Begins with what a snapshot says, unless the slot has seen something.
    pub(super) fn begin_with(&self, snapshot: Snapshot) {
        let mut held = self.held.lock();
        if held.loaded.revision.is_none() {
            let from = snapshot.revision + 1;
            held.receipts = Receipts::after_snapshot(from);
            held.snapshot_before = from;
            held.loaded = Arc::new(snapshot.into());
        }
    }

    /// Starts again from nothing.
    pub(super) fn forget(&self) -> Arc<Loaded> {
        let mut held = self.held.lock();
        let is_writing = held.is_writing;
        *held = Held {
            is_writing,
            ..Held::default()
        };
        Arc::clone(&held.loaded)
    }

    /// The first event whose receipt may not be known, and the one before which that ends.
    pub(super) fn receipts_missing(&self) -> Option<(u64, u64)> {
        self.held.lock().receipts.gap()
    }

    /// Takes in blocks of receipts that were fetched; those of events that the log does not have
    /// are left out.
    pub(super) fn fill(&self, chain: Chain) {
        let mut held = self.held.lock();
        let end = held.loaded.next_revision();
        let of_the_log = |it: &Receipt| it.first_revision < end;
        let receipts = chain.receipts.into_iter().filter(of_the_log);
        held.receipts.is_broken |= chain.is_broken;
        held.receipts.fill(receipts, chain.covered);
    }

    /// The blocks were wrong: everything is to be had from the log.
    pub(super) fn distrust_receipts(&self) {
        let mut held = self.held.lock();
        held.receipts = Receipts::after_snapshot(held.loaded.next_revision());
        held.receipts.is_broken = true;
    }

    pub(super) fn receipts_are_broken(&self) -> bool {
        self.held.lock().receipts.is_broken
    }

    pub(super) fn receipt(&self, command: CommandId) -> Option<Receipt> {
        self.held.lock().receipts.look_up(command)
    }

    /// The receipts of the events from this one on, and the network that they go up to; nothing if
    /// they are not all known.
    pub(super) fn receipts_since(&self, revision: u64) -> Option<(Vec<Receipt>, Arc<Loaded>)> {
        let held = self.held.lock();
        let receipts = held.receipts.since(revision)?;
        Some((receipts, Arc::clone(&held.loaded)))
    }

    /// The receipts of the events before this one are in blocks.
    pub(super) fn receipts_written(&self, before: u64) {
        self.held.lock().receipts.written(before);
    }

    /// Whether so many events are in no snapshot that one is due; if so, it is the caller's to
    /// write.
    pub(super) fn begin_snapshot(&self, every: u64) -> bool {
        let mut held = self.held.lock();
        let loaded = &held.loaded;
        let is_due = every > 0
            && loaded.next_revision() >= held.snapshot_before.saturating_add(every)
            && loaded.is_whole()
            && !loaded.is_doubtful
            && !held.is_writing;
        held.is_writing |= is_due;
        is_due
    }

    /// A snapshot was written, or not; whichever, the next is due after as many events again.
    pub(super) fn end_snapshot(&self, loaded: &Loaded) {
        let mut held = self.held.lock();
        held.is_writing = false;
        held.snapshot_before = held.snapshot_before.max(loaded.next_revision());
    }

    /// How much memory this takes, roughly.
    pub(super) fn weight(&self) -> usize {
        let mut held = self.held.lock();
        held.weighed = weight(&held.loaded) + held.receipts.bytes();
        held.weighed_at = held.loaded.next_revision();
        held.weighed
    }

    /// Whether it takes much more than it did when it was last weighed.
    pub(super) fn has_grown(&self) -> bool {
        let held = self.held.lock();
        let next = held.loaded.next_revision();
        let is_time = held.weighed_at == 0 && next > 0 || next >= held.weighed_at + WEIGH_EVERY;
        is_time || held.receipts.bytes() > held.weighed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_slot_never_goes_back_to_an_older_state() {
        let slot = Slot::default();
        let old = slot.loaded();
        slot.advance(slot.loaded(), |it, _| it.revision = Some(5));
        let after = slot.advance(old, |it, _| it.revision = Some(3));
        assert_eq!((after.revision, slot.loaded().revision), (Some(5), Some(5)));
        assert_eq!(
            (slot.forget().revision, slot.loaded().revision),
            (None, None)
        );
    }

    #[test]
    fn what_a_reader_holds_does_not_change_under_it() {
        let slot = Slot::default();
        let held = slot.advance(slot.loaded(), |it, _| it.revision = Some(1));
        slot.advance(slot.loaded(), |it, _| it.revision = Some(2));
        assert_eq!((held.revision, slot.loaded().revision), (Some(1), Some(2)));
    }

    #[test]
    fn what_follows_from_a_forgotten_state_is_not_kept_for_its_receipts_are_gone() {
        let slot = Slot::default();
        let stale = slot.advance(slot.loaded(), |it, _| it.revision = Some(5));
        slot.forget();
        let command = CommandId(Uuid::from_u128(1));
        let after = slot.advance(stale, |it, receipts| {
            receipts.note(command, 6);
            it.revision = Some(6);
        });
        assert_eq!((after.revision, slot.loaded().revision), (Some(6), None));
        assert_eq!(slot.receipt(command), None);
    }

    #[test]
    fn a_snapshot_is_due_after_so_many_events_and_one_is_written_at_a_time() {
        let slot = Slot::default();
        let reach = |revision| slot.advance(slot.loaded(), |it, _| it.revision = Some(revision));
        reach(98);
        assert!(!slot.begin_snapshot(100) && !slot.begin_snapshot(0));
        let loaded = reach(99);
        assert!(slot.begin_snapshot(100));
        assert!(!slot.begin_snapshot(100), "it is being written");
        slot.end_snapshot(&loaded);
        reach(198);
        assert!(!slot.begin_snapshot(100));
        reach(199);
        assert!(slot.begin_snapshot(100));
    }
}
