//! Which networks are due for a pass, when, and why. Passes over one network never overlap: what
//! comes up while one is under way is told to that one.
//!
//! Commands have a lane of their own: somebody waits for them, and they wait for no routine.

use super::{progress::Queue, reason::Reasons};
use domain::NetworkId;
use std::collections::{BTreeMap, BTreeSet};
use tokio::time::Instant;

/// Whose turn comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Lane {
    /// Somebody waits.
    Command,
    Routine,
}

/// A network that is waiting.
#[derive(Debug)]
struct Waiting {
    at: Instant,
    reasons: Reasons,
}

impl Waiting {
    fn lane(&self) -> Lane {
        if self.reasons.has_command() {
            Lane::Command
        } else {
            Lane::Routine
        }
    }
}

/// The networks that are waiting, and those with a pass under way. Whatever is asked of it takes no
/// longer for the networks whose time has not come.
#[derive(Debug, Default)]
pub(super) struct WorkQueue {
    waiting: BTreeMap<NetworkId, Waiting>,
    under_way: BTreeSet<NetworkId>,
    /// Those that wait and have no pass under way, by the time when they are due.
    ready: BTreeMap<Lane, BTreeSet<(Instant, NetworkId)>>,
}

impl WorkQueue {
    /// Asks for a pass at this time at the latest.
    pub(super) fn enqueue(&mut self, id: NetworkId, at: Instant, reasons: impl Into<Reasons>) {
        let mut waiting = self.take(id).unwrap_or_else(|| Waiting {
            at,
            reasons: Reasons::default(),
        });
        waiting.at = at.min(waiting.at);
        waiting.reasons.merge(reasons.into());
        if !self.under_way.contains(&id) {
            self.set_ready(id, &waiting);
        }
        self.waiting.insert(id, waiting);
    }

    fn take(&mut self, id: NetworkId) -> Option<Waiting> {
        let waiting = self.waiting.remove(&id)?;
        if let Some(ready) = self.ready.get_mut(&waiting.lane()) {
            ready.remove(&(waiting.at, id));
        }
        Some(waiting)
    }

    fn set_ready(&mut self, id: NetworkId, waiting: &Waiting) {
        let lane = self.ready.entry(waiting.lane()).or_default();
        lane.insert((waiting.at, id));
    }

    /// Takes the network of this lane that has been due for the longest time, if one is, and says
    /// why.
    pub(super) fn start_due(&mut self, lane: Lane, now: Instant) -> Option<(NetworkId, Reasons)> {
        let (at, id) = *self.ready.get(&lane)?.first()?;
        if at > now {
            return None;
        }
        let reasons = self.take(id)?.reasons;
        self.under_way.insert(id);
        Some((id, reasons))
    }

    /// What came up for networks with a pass under way, and is due.
    pub(super) fn take_for_running(&mut self, now: Instant) -> Vec<(NetworkId, Reasons)> {
        let due: Vec<NetworkId> = self
            .under_way
            .iter()
            .filter(|id| self.waiting.get(*id).is_some_and(|it| it.at <= now))
            .copied()
            .collect();
        due.into_iter()
            .filter_map(|id| Some((id, self.take(id)?.reasons)))
            .collect()
    }

    /// A pass is over.
    pub(super) fn finish(&mut self, id: NetworkId) {
        self.under_way.remove(&id);
        if let Some(waiting) = self.take(id) {
            self.set_ready(id, &waiting);
            self.waiting.insert(id, waiting);
        }
    }

    /// When the next network of this lane will be due; none while all that wait have a pass under
    /// way.
    pub(super) fn next_due(&self, lane: Lane) -> Option<Instant> {
        let (at, _) = self.ready.get(&lane)?.first()?;
        Some(*at)
    }

    /// When something will be due for a network with a pass under way.
    pub(super) fn next_for_running(&self) -> Option<Instant> {
        self.under_way
            .iter()
            .filter_map(|id| self.waiting.get(id).map(|it| it.at))
            .min()
    }

    /// The networks that are due and have no pass under way.
    pub(super) fn overdue(&self, now: Instant) -> Queue {
        let due = |lane: &BTreeSet<(Instant, NetworkId)>| {
            lane.iter().take_while(|(at, _)| *at <= now).count() as u64
        };
        let first = self.ready.values().filter_map(|lane| lane.first());
        Queue {
            due: self.ready.values().map(due).sum(),
            since: first.map(|(at, _)| *at).filter(|at| *at <= now).min(),
        }
    }

    pub(super) fn in_progress(&self) -> usize {
        self.under_way.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provisioner::reason::Reason;
    use std::time::Duration;
    use uuid::Uuid;

    fn network(n: u128) -> NetworkId {
        NetworkId(Uuid::from_u128(n))
    }

    fn command() -> Reason {
        Reason::Command {
            event_type: "FirewallRestricted",
            position: journal::Position::START,
            by: "alice".to_owned(),
            peering: None,
        }
    }

    fn taken(queue: &mut WorkQueue, lane: Lane, now: Instant) -> Option<NetworkId> {
        queue.start_due(lane, now).map(|(id, _)| id)
    }

    #[test]
    fn what_comes_up_during_a_pass_is_told_to_it_and_starts_no_other() {
        let (mut queue, now) = (WorkQueue::default(), Instant::now());
        queue.enqueue(network(1), now, Reason::Clock);
        assert_eq!(taken(&mut queue, Lane::Routine, now), Some(network(1)));
        queue.enqueue(network(1), now, command());
        assert_eq!(taken(&mut queue, Lane::Command, now), None);
        assert_eq!(queue.next_due(Lane::Command), None);
        assert_eq!(queue.next_for_running(), Some(now));
        let told = queue.take_for_running(now);
        assert!(told.len() == 1 && told[0].1.has_command());
        queue.finish(network(1));
        assert_eq!(taken(&mut queue, Lane::Command, now), None);
    }

    #[test]
    fn an_earlier_time_wins_and_the_one_due_longest_comes_first() {
        let (mut queue, now) = (WorkQueue::default(), Instant::now());
        let at = |seconds| now + Duration::from_secs(seconds);
        for (n, seconds) in [(1, 30), (1, 20), (1, 40), (2, 10)] {
            queue.enqueue(network(n), at(seconds), Reason::Clock);
        }
        assert_eq!(queue.next_due(Lane::Routine), Some(at(10)));
        assert_eq!(taken(&mut queue, Lane::Routine, at(5)), None);
        assert_eq!(
            [20, 20, 20].map(|seconds| taken(&mut queue, Lane::Routine, at(seconds))),
            [Some(network(2)), Some(network(1)), None]
        );
        assert_eq!(queue.in_progress(), 2);
    }

    #[test]
    fn those_that_are_due_are_counted_with_the_time_of_the_one_that_waits_longest() {
        let (mut queue, now) = (WorkQueue::default(), Instant::now());
        let at = |seconds| now + Duration::from_secs(seconds);
        let due = |due, since| Queue { due, since };
        assert_eq!(queue.overdue(now), due(0, None));
        queue.enqueue(network(1), at(30), Reason::Clock);
        queue.enqueue(network(2), at(10), Reason::Clock);
        queue.enqueue(network(3), at(20), command());
        assert_eq!(queue.overdue(at(9)), due(0, None));
        assert_eq!(queue.overdue(at(10)), due(1, Some(at(10))));
        assert_eq!(queue.overdue(at(60)), due(3, Some(at(10))));
        // One with a pass under way does not wait for another.
        assert_eq!(taken(&mut queue, Lane::Routine, at(60)), Some(network(2)));
        queue.enqueue(network(2), at(11), Reason::Clock);
        assert_eq!(queue.overdue(at(60)), due(2, Some(at(20))));
    }

    #[test]
    fn twenty_commands_on_one_network_are_one_pass_and_what_the_one_under_way_is_told_once() {
        let (mut queue, now) = (WorkQueue::default(), Instant::now());
        let twenty = |queue: &mut WorkQueue| {
            (0..20).for_each(|revision| {
                queue.enqueue(network(1), now, Reasons::since(command(), revision));
            });
        };
        twenty(&mut queue);
        let (id, reasons) = queue.start_due(Lane::Command, now).unwrap();
        assert_eq!((id, reasons.known_from()), (network(1), Some(19)));
        assert_eq!(taken(&mut queue, Lane::Command, now), None);
        twenty(&mut queue);
        queue.enqueue(network(1), now, Reason::Clock);
        let told = queue.take_for_running(now);
        // What is no event says nothing of how far the network must be known.
        assert_eq!((told.len(), told[0].1.known_from()), (1, None));
        queue.finish(network(1));
        assert_eq!(taken(&mut queue, Lane::Command, now), None);
    }

    #[test]
    fn what_came_up_during_a_pass_and_is_due_later_waits_for_its_time_after_it() {
        let (mut queue, now) = (WorkQueue::default(), Instant::now());
        let later = now + Duration::from_secs(9);
        queue.enqueue(network(1), now, Reason::Clock);
        assert_eq!(taken(&mut queue, Lane::Routine, now), Some(network(1)));
        queue.enqueue(network(1), later, Reason::Clock);
        assert_eq!(queue.next_due(Lane::Routine), None);
        queue.finish(network(1));
        assert_eq!(queue.next_due(Lane::Routine), Some(later));
        assert_eq!(taken(&mut queue, Lane::Routine, now), None);
        assert_eq!(taken(&mut queue, Lane::Routine, later), Some(network(1)));
        assert_eq!(queue.next_due(Lane::Routine), None);
    }

    #[test]
    fn a_command_moves_its_network_into_the_lane_of_those_that_somebody_waits_for() {
        let (mut queue, now) = (WorkQueue::default(), Instant::now());
        queue.enqueue(network(1), now, Reason::Start);
        queue.enqueue(network(2), now, Reason::Start);
        queue.enqueue(network(2), now, command());
        assert_eq!(taken(&mut queue, Lane::Command, now), Some(network(2)));
        assert_eq!(taken(&mut queue, Lane::Command, now), None);
        assert_eq!(taken(&mut queue, Lane::Routine, now), Some(network(1)));
    }
}
