//! One network's place in the cache.

use super::Loaded;
use parking_lot::Mutex;
use std::sync::Arc;

/// The folded state as far as this process has seen the stream.
#[derive(Debug, Default)]
pub(super) struct Slot {
    loaded: Mutex<Arc<Loaded>>,
    /// Commands of this process to one network queue up here, or they would only get in each
    /// other's way at the store.
    pub(super) turn: tokio::sync::Mutex<()>,
}

impl Slot {
    pub(super) fn loaded(&self) -> Arc<Loaded> {
        Arc::clone(&self.loaded.lock())
    }

    /// Folds more into `base`, without copying it when nobody else holds it, and keeps the result
    /// unless the slot has seen more.
    pub(super) fn advance(
        &self,
        mut base: Arc<Loaded>,
        fold: impl FnOnce(&mut Loaded),
    ) -> Arc<Loaded> {
        let mut held = self.loaded.lock();
        if Arc::ptr_eq(&held, &base) {
            *held = Arc::default();
        }
        fold(Arc::make_mut(&mut base));
        if held.next_revision() > base.next_revision() {
            return Arc::clone(&held);
        }
        *held = Arc::clone(&base);
        base
    }

    /// Starts again from nothing.
    pub(super) fn forget(&self) -> Arc<Loaded> {
        let empty = Arc::default();
        *self.loaded.lock() = Arc::clone(&empty);
        empty
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_never_goes_back_to_an_older_state() {
        let slot = Slot::default();
        let old = slot.loaded();
        slot.advance(slot.loaded(), |it| it.revision = Some(5));
        let after = slot.advance(old, |it| it.revision = Some(3));
        assert_eq!((after.revision, slot.loaded().revision), (Some(5), Some(5)));
        assert_eq!(
            (slot.forget().revision, slot.loaded().revision),
            (None, None)
        );
    }

    #[test]
    fn what_a_reader_holds_does_not_change_under_it() {
        let slot = Slot::default();
        let held = slot.advance(slot.loaded(), |it| it.revision = Some(1));
        slot.advance(slot.loaded(), |it| it.revision = Some(2));
        assert_eq!((held.revision, slot.loaded().revision), (Some(1), Some(2)));
    }
}
