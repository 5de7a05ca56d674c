//! Which networks are due for a pass, and when. Passes over one network never overlap, and an event
//! during a pass asks for another one.

use domain::NetworkId;
use std::collections::{BTreeMap, BTreeSet};
use tokio::time::Instant;

/// The networks that are waiting, and those with a pass under way.
#[derive(Debug, Default)]
pub(super) struct WorkQueue {
    waiting: BTreeMap<NetworkId, Instant>,
    finished: BTreeSet<NetworkId>,
}

impl WorkQueue {
    /// Asks for a pass at this time at the latest.
    pub(super) fn enqueue(&mut self, id: NetworkId, at: Instant) {
        let due = self.waiting.entry(id).or_insert(at);
        *due = at.min(*due);
    }

    /// Takes the network that has been due for the longest time, if one is.
    pub(super) fn start_due(&mut self, now: Instant) -> Option<NetworkId> {
        let due = |(id, at): &(&NetworkId, &Instant)| **at <= now && !self.finished.contains(id);
        let (id, _) = self.waiting.iter().filter(due).min_by_key(|(_, at)| **at)?;
        let id = *id;
        self.waiting.remove(&id);
        self.finished.insert(id);
        Some(id)
    }

    /// A pass is over.
    pub(super) fn finish(&mut self, id: NetworkId) {
        self.finished.remove(&id);
    }

    /// When the next network will be due; none while all that wait have a pass under way.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.waiting
            .iter()
            .filter(|(id, _)| !self.finished.contains(id))
            .map(|(_, at)| *at)
            .min()
    }

    pub(super) fn in_progress(&self) -> usize {
        self.finished.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use uuid::Uuid;

    fn network(n: u128) -> NetworkId {
        NetworkId(Uuid::from_u128(n))
    }

    #[test]
    fn a_network_is_not_taken_while_it_is_visited_and_is_taken_again_afterwards() {
        let (mut work_queue, now) = (WorkQueue::default(), Instant::now());
        work_queue.enqueue(network(1), now);
        assert_eq!(work_queue.start_due(now), Some(network(1)));
        work_queue.enqueue(network(1), now);
        assert_eq!(
            (work_queue.start_due(now), work_queue.next_due()),
            (None, None)
        );
        work_queue.finish(network(1));
        assert_eq!(work_queue.start_due(now), Some(network(1)));
    }

    #[test]
    fn an_earlier_time_wins_and_the_one_due_longest_comes_first() {
        let (mut work_queue, now) = (WorkQueue::default(), Instant::now());
        let at = |seconds| now + Duration::from_secs(seconds);
        work_queue.enqueue(network(1), at(30));
        work_queue.enqueue(network(1), at(20));
        work_queue.enqueue(network(1), at(40));
        work_queue.enqueue(network(2), at(10));
        assert_eq!(work_queue.next_due(), Some(at(10)));
        assert_eq!(work_queue.start_due(at(5)), None);
        assert_eq!(
            [
                work_queue.start_due(at(20)),
                work_queue.start_due(at(20)),
                work_queue.start_due(at(20))
            ],
            [Some(network(2)), Some(network(1)), None]
        );
        assert_eq!(work_queue.in_progress(), 2);
    }
}
