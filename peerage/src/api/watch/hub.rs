//! Wakes watches by what they watch: what is new is read once, whatever the number of watches; what
//! each then looks at is shared by those that look at the same, see [`Looks`].

use super::{holds::is_hold, looks::Looks};
use crate::api::{
    parse::{Events, Scope},
    problem::{Problem, Reason},
    rows,
};
use domain::{NetworkId, PeeringId};
use journal::Position;
use parking_lot::Mutex;
use projections::{PageRequest, Projections};
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// The most watches that may be open at one server.
const WATCHES: usize = 1_000;

/// How many new events are read at once; after more all watches are woken.
const LOOK: usize = 500;

/// How many events all watches together may hold for callers who do not read, and how many each of
/// them takes at a time, where they are few and where they are many.
const HELD: usize = 1_000;
const LARGEST_PART: usize = 50;
const SMALLEST_PART: usize = 4;

/// The open watches, and what they share.
#[derive(Clone, Debug, Default)]
pub struct Hub {
    seats: Arc<Mutex<Seats>>,
    pub(super) looks: Looks,
}

#[derive(Debug, Default)]
struct Seats {
    next: u64,
    taken: HashMap<u64, (Scope, Arc<Notify>)>,
}

/// One watch's place, given up when it is dropped.
#[derive(Debug)]
pub(in crate::api) struct Seat {
    hub: Hub,
    number: u64,
    wake: Arc<Notify>,
}

impl Seat {
    /// Returns when something of the scope has changed, or may have, since the last time.
    pub(super) async fn changed(&self) {
        self.wake.notified().await;
    }

    /// How many events a watch takes at a time now.
    pub(super) fn part(&self) -> usize {
        let watches = self.hub.seats.lock().taken.len().max(1);
        (HELD / watches).clamp(SMALLEST_PART, LARGEST_PART)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.hub.seats.lock().taken.remove(&self.number);
    }
}

impl Hub {
    pub(in crate::api) fn watch(&self, scope: Scope) -> Result<Seat, Problem> {
        let mut seats = self.seats.lock();
        if seats.taken.len() >= WATCHES {
            let text = format!("{WATCHES} watches are open here; close one, or ask another server");
            return Err(Problem::new(Reason::WatchLimit, text).with("most", WATCHES));
        }
        let number = seats.next;
        seats.next += 1;
        let wake = Arc::new(Notify::new());
        seats.taken.insert(number, (scope, Arc::clone(&wake)));
        Ok(Seat {
            hub: self.clone(),
            number,
            wake,
        })
    }

    /// Wakes watches as the read models go on, until cancelled.
    pub async fn run(&self, projections: &Projections, cancel: CancellationToken) {
        let mut position = projections.position();
        let mut seen = *position.borrow_and_update();
        loop {
            tokio::select! {
                changed = position.changed() => if changed.is_err() { return },
                () = cancel.cancelled() => return,
            }
            let now = *position.borrow_and_update();
            if self.seats.lock().taken.is_empty() {
                seen = now;
                continue;
            }
            match touched(projections, seen, now).await {
                Some(touched) => self.wake(|scope| touched.concern(scope)),
                None => self.wake(|_| true),
            }
            seen = now;
        }
    }

    fn wake(&self, is_concerned: impl Fn(Scope) -> bool) {
        for (scope, wake) in self.seats.lock().taken.values() {
            if is_concerned(*scope) {
                wake.notify_one();
            }
        }
    }
}

/// What new events are about.
#[derive(Debug, Default)]
struct Touched {
    /// Something holds in a whole network: any peering may be of it.
    everything: bool,
    networks: BTreeSet<NetworkId>,
    peerings: BTreeSet<PeeringId>,
}

impl Touched {
    fn concern(&self, scope: Scope) -> bool {
        match scope {
            Scope::All => !self.networks.is_empty(),
            Scope::Network(id) => self.networks.contains(&id),
            Scope::Peering(id) => self.everything || self.peerings.contains(&id),
        }
    }
}

/// What the events after the one position are about, up to the other; `None` if that cannot be
/// said: there are too many, the log is another one, or the read models do not answer.
async fn touched(projections: &Projections, seen: Position, now: Position) -> Option<Touched> {
    if now < seen {
        return None;
    }
    let part = PageRequest {
        size: LOOK,
        ..PageRequest::default()
    };
    let events = rows::timeline(projections, &Events::default(), Some(seen), &part)
        .await
        .ok()
        .filter(|it| it.next_token.is_none())?;
    Some(Touched {
        everything: events.items.iter().any(is_hold),
        networks: events.items.iter().filter_map(|it| it.network_id).collect(),
        peerings: events.items.iter().filter_map(|it| it.peering_id).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;
    use uuid::Uuid;

    #[test]
    fn a_watch_is_woken_by_what_it_watches_and_by_nothing_else() {
        let hub = Hub::default();
        let (one, other) = (PeeringId(Uuid::from_u128(1)), PeeringId(Uuid::from_u128(2)));
        let network = NetworkId(Uuid::from_u128(3));
        let seats = [
            Scope::Peering(one),
            Scope::Peering(other),
            Scope::Network(network),
            Scope::All,
        ]
        .map(|scope| hub.watch(scope).expect("a seat"));
        let touched = Touched {
            everything: false,
            networks: [network].into(),
            peerings: [one].into(),
        };
        hub.wake(|scope| touched.concern(scope));
        let woken = seats
            .each_ref()
            .map(|it| it.changed().now_or_never().is_some());
        assert_eq!(woken, [true, false, true, true]);
    }

    #[test]
    fn watches_are_bounded_and_one_that_ends_gives_its_place_up() {
        let hub = Hub::default();
        let mut seats: Vec<_> = (0..WATCHES)
            .map(|_| hub.watch(Scope::All).expect("a seat"))
            .collect();
        assert!(hub.watch(Scope::All).is_err());
        seats.pop();
        assert!(hub.watch(Scope::All).is_ok());
    }

    #[test]
    fn each_of_many_watches_holds_less() {
        let hub = Hub::default();
        let mut seats = Vec::new();
        for (watches, part) in [(1, 50), (20, 50), (40, 25), (WATCHES, 4)] {
            seats.resize_with(watches, || hub.watch(Scope::All).expect("a seat"));
            assert_eq!(seats[0].part(), part);
        }
    }
}
