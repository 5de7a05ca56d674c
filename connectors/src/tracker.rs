//! Which records are dealt with: the contiguous ones from the beginning, and those beyond.
//!
//! Records are dealt with in any order, since lanes go on beside each other. Only the contiguous
//! ones can be forgotten; those beyond are named in the checkpoint, so that an orderly end repeats
//! none of them.

use journal::Position;
use std::collections::VecDeque;

/// Which records are dealt with.
#[derive(Debug)]
pub(crate) struct Tracker<P> {
    first: u64,
    open: VecDeque<Slot<P>>,
    /// How many of the open ones are dealt with.
    beyond: usize,
    settled: Vec<P>,
}

#[derive(Debug)]
struct Slot<P> {
    place: P,
    position: Position,
    is_done: bool,
}

impl<P> Tracker<P> {
    pub(crate) fn new() -> Self {
        Self {
            first: 0,
            open: VecDeque::new(),
            beyond: 0,
            settled: Vec::new(),
        }
    }

    /// A record has come; its number.
    pub(crate) fn track(&mut self, position: Position, place: P) -> u64 {
        self.open.push_back(Slot {
            place,
            position,
            is_done: false,
        });
        self.first + self.open.len() as u64 - 1
    }

    /// A record is dealt with. Said twice, it is once.
    pub(crate) fn done(&mut self, number: u64) {
        let at = number.checked_sub(self.first).map(|it| it as usize);
        if let Some(slot) = at.and_then(|at| self.open.get_mut(at))
            && !slot.is_done
        {
            slot.is_done = true;
            self.beyond += 1;
        }
        while self.open.front().is_some_and(|it| it.is_done) {
            self.settled
                .extend(self.open.pop_front().map(|it| it.place));
            self.first += 1;
            self.beyond -= 1;
        }
    }

    /// The contiguous ones that are dealt with, since it was asked last.
    pub(crate) fn settled(&mut self) -> Vec<P> {
        std::mem::take(&mut self.settled)
    }

    /// How many are not forgotten yet.
    pub(crate) fn open(&self) -> usize {
        self.open.len()
    }

    /// How many are not dealt with yet.
    pub(crate) fn waiting(&self) -> usize {
        self.open.len() - self.beyond
    }

    /// The oldest one that is not dealt with yet.
    pub(crate) fn oldest(&self) -> Option<&P> {
        self.open.front().map(|it| &it.place)
    }

    /// Where those are that are dealt with beyond the contiguous ones.
    pub(crate) fn beyond(&self) -> impl Iterator<Item = Position> + '_ {
        let done = self.open.iter().filter(|it| it.is_done);
        done.map(|it| it.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(n: u64) -> Position {
        Position {
            commit: n,
            prepare: n,
        }
    }

    proptest! {
        #[test]
        fn in_whatever_order_records_are_dealt_with_only_the_contiguous_ones_count(
            order in Just((0..40u64).collect::<Vec<_>>()).prop_shuffle(),
            many in 0..40usize,
        ) {
            let mut tracker = Tracker::new();
            let numbers: Vec<_> = (0..40).map(|n| tracker.track(at(n), n)).collect();
            prop_assert_eq!(&numbers, &(0..40).collect::<Vec<_>>());
            let mut settled = Vec::new();
            for n in &order[..many] {
                tracker.done(*n);
                tracker.done(*n);
                settled.append(&mut tracker.settled());
            }
            let done: std::collections::BTreeSet<_> = order[..many].iter().copied().collect();
            let contiguous = (0..40).take_while(|n| done.contains(n)).count() as u64;
            prop_assert_eq!(settled, (0..contiguous).collect::<Vec<_>>());
            let beyond: Vec<_> = tracker.beyond().map(|it| it.commit).collect();
            let expected: Vec<_> = done.into_iter().filter(|n| *n >= contiguous).collect();
            prop_assert_eq!(beyond, expected);
            prop_assert_eq!(tracker.open() as u64, 40 - contiguous);
            prop_assert_eq!(tracker.waiting(), 40 - many);
            let oldest = (contiguous < 40).then_some(contiguous);
            prop_assert_eq!(tracker.oldest().copied(), oldest);
        }
    }
}
