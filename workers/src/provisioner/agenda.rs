//! Which networks to visit, and when. No network is visited twice at the same time, and an event
//! during a visit asks for another one.

use domain::NetworkId;
use std::collections::{BTreeMap, BTreeSet};
use tokio::time::Instant;

/// The networks that are waiting, and those that are being visited.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    waiting: BTreeMap<NetworkId, Instant>,
    visited: BTreeSet<NetworkId>,
}

impl Agenda {
    /// Asks for a visit at this time at the latest.
    pub(super) fn ask(&mut self, id: NetworkId, at: Instant) {
        let due = self.waiting.entry(id).or_insert(at);
        *due = at.min(*due);
    }

    /// Takes the network that has been due for the longest time, if one is.
    pub(super) fn take(&mut self, now: Instant) -> Option<NetworkId> {
        let due = |(id, at): &(&NetworkId, &Instant)| **at <= now && !self.visited.contains(id);
        let (id, _) = self.waiting.iter().filter(due).min_by_key(|(_, at)| **at)?;
        let id = *id;
        self.waiting.remove(&id);
        self.visited.insert(id);
        Some(id)
    }

    /// A visit is over.
    pub(super) fn done(&mut self, id: NetworkId) {
        self.visited.remove(&id);
    }

    /// When the next network will be due; none while all that wait are being visited.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.waiting
            .iter()
            .filter(|(id, _)| !self.visited.contains(id))
            .map(|(_, at)| *at)
            .min()
    }

    pub(super) fn in_progress(&self) -> usize {
        self.visited.len()
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
        let (mut agenda, now) = (Agenda::default(), Instant::now());
        agenda.ask(network(1), now);
        assert_eq!(agenda.take(now), Some(network(1)));
        agenda.ask(network(1), now);
        assert_eq!((agenda.take(now), agenda.next_due()), (None, None));
        agenda.done(network(1));
        assert_eq!(agenda.take(now), Some(network(1)));
    }

    #[test]
    fn an_earlier_time_wins_and_the_one_due_longest_comes_first() {
        let (mut agenda, now) = (Agenda::default(), Instant::now());
        let at = |seconds| now + Duration::from_secs(seconds);
        agenda.ask(network(1), at(30));
        agenda.ask(network(1), at(20));
        agenda.ask(network(1), at(40));
        agenda.ask(network(2), at(10));
        assert_eq!(agenda.next_due(), Some(at(10)));
        assert_eq!(agenda.take(at(5)), None);
        assert_eq!(
            [
                agenda.take(at(20)),
                agenda.take(at(20)),
                agenda.take(at(20))
            ],
            [Some(network(2)), Some(network(1)), None]
        );
        assert_eq!(agenda.in_progress(), 2);
    }
}
