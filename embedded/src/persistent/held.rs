//! What groups hold in memory, in bytes: events that wait, that are on their way, that come again,
//! and that a consumer has not read yet, whatever sizes of buffers were asked for.
//!
//! A group reads on only while it holds less than its part, and all groups together less than
//! theirs; so a consumer that acknowledges nothing, or reads nothing of what it acknowledges, costs
//! that and no more. A group that holds nothing may always read one event: nobody keeps another
//! from going on.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use crate::read::Resolved;

/// The most that one group holds before it reads on.
pub(crate) const OF_ONE: usize = 16 << 20;

/// The most that all groups hold before they read on, beside one event each.
pub(crate) const OF_ALL: usize = 128 << 20;

/// What an event costs beside its bytes: its place in a queue, in a table and on a channel.
const PER_EVENT: usize = 1024;

/// What all groups of a node hold.
#[derive(Debug, Clone, Default)]
pub(super) struct Budget(Arc<AtomicUsize>);

/// What one group holds.
#[derive(Debug, Clone)]
pub(super) struct Held(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    group: AtomicUsize,
    all: Budget,
}

/// What is held until this, and every clone of it, is dropped.
#[derive(Debug, Clone)]
pub(super) struct Weight {
    /// Counts for as long as somebody has it.
    _share: Arc<Share>,
}

#[derive(Debug)]
struct Share {
    bytes: usize,
    of: Held,
}

impl Held {
    pub(super) fn of(all: Budget) -> Self {
        let group = AtomicUsize::new(0);
        Self(Arc::new(Counts { group, all }))
    }

    /// Whether the group may read on.
    pub(super) fn has_room(&self) -> bool {
        let held = self.0.group.load(Ordering::Relaxed);
        let all = self.0.all.0.load(Ordering::Relaxed);
        held == 0 || held < OF_ONE && all < OF_ALL
    }

    /// Whether there is room for a good part: what is asked for page by page is not asked for one
    /// event at a time.
    pub(super) fn has_much_room(&self) -> bool {
        self.has_room() && self.0.group.load(Ordering::Relaxed) <= OF_ONE / 2
    }

    /// Holds this event.
    pub(super) fn event(&self, event: &Resolved) -> Weight {
        let records = event.event.iter().chain(&event.link);
        self.bytes(PER_EVENT + records.map(|it| it.len()).sum::<usize>())
    }

    /// Holds so many bytes.
    pub(super) fn bytes(&self, bytes: usize) -> Weight {
        self.0.group.fetch_add(bytes, Ordering::Relaxed);
        self.0.all.0.fetch_add(bytes, Ordering::Relaxed);
        let of = self.clone();
        Weight {
            _share: Arc::new(Share { bytes, of }),
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let counts = &self.of.0;
        counts.group.fetch_sub(self.bytes, Ordering::Relaxed);
        counts.all.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_reads_on_while_it_and_all_together_hold_less_than_their_part() {
        let all = Budget::default();
        let groups: Vec<_> = (0..=OF_ALL / OF_ONE)
            .map(|_| Held::of(all.clone()))
            .collect();
        let mut weights = Vec::new();
        for group in groups.iter().skip(1) {
            assert!(group.has_room());
            weights.push(group.bytes(OF_ONE - 1));
            assert!(group.has_room());
            weights.push(group.bytes(1));
            assert!(!group.has_room());
        }
        // All is held; who holds nothing may have one event.
        assert!(groups[0].has_room());
        let one = groups[0].bytes(1);
        assert!(!groups[0].has_room());
        let copies = vec![one.clone(); 3];
        drop(one);
        assert!(!groups[0].has_room());
        drop(copies);
        weights.truncate(2);
        assert!(groups[0].has_room() && !groups[1].has_room() && groups[2].has_room());
        drop(weights);
        assert_eq!(all.0.load(Ordering::Relaxed), 0);
    }
}
