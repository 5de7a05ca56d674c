//! Looks that several watches share: whoever asks the read models for the same, at the same place
//! of the log, gets what the first one got.

use crate::api::{
    Services,
    parse::{Events, Scope},
    problem::Problem,
    rows,
};
use domain::{NetworkId, PeeringId};
use journal::Position;
use moka::sync::Cache;
use projections::{NetworkView, Page, PageRequest, PeeringView, TimelineEntry};
use std::{fmt, hash::Hash, sync::Arc, time::Duration};
use tokio::sync::OnceCell;

/// How long a look is shared. Where the read models have gone on since, it is not shared anyway.
const SHARED: Duration = Duration::from_secs(5);

/// How many pages of events, and how many states, are kept for that.
const PAGES: u64 = 32;
const STATES: u64 = 128;

/// What the read models answered, by what was asked.
#[derive(Clone, Debug)]
pub(super) struct Looks {
    events: Shared<EventsKey, Page<TimelineEntry>>,
    peerings: Shared<(PeeringId, Position), Option<PeeringView>>,
    networks: Shared<(NetworkId, Position), Option<NetworkView>>,
}

/// Events of what, after which, how many, and how far the read models were.
type EventsKey = (Scope, Option<Position>, usize, Position);

impl Default for Looks {
    fn default() -> Self {
        Self {
            events: Shared::of(PAGES),
            peerings: Shared::of(STATES),
            networks: Shared::of(STATES),
        }
    }
}

impl Looks {
    /// The next events of this scope.
    pub(super) async fn events(
        &self,
        services: &Services,
        scope: Scope,
        after: Option<Position>,
        part: &PageRequest,
    ) -> Result<Arc<Page<TimelineEntry>>, Problem> {
        let (network, peering) = match scope {
            Scope::All => (None, None),
            Scope::Network(id) => (Some(id), None),
            Scope::Peering(id) => (None, Some(id)),
        };
        let asked = Events {
            network,
            peering,
            ..Events::default()
        };
        let key = (scope, after, part.size, reached(services));
        let read = async || rows::events(services, &asked, after, part).await;
        self.events.look(key, read).await
    }

    pub(super) async fn peering(
        &self,
        services: &Services,
        id: PeeringId,
    ) -> Result<Arc<Option<PeeringView>>, Problem> {
        let read = async || rows::peering(services, id).await;
        self.peerings.look((id, reached(services)), read).await
    }

    pub(super) async fn network(
        &self,
        services: &Services,
        id: NetworkId,
    ) -> Result<Arc<Option<NetworkView>>, Problem> {
        let read = async || rows::network(services, id).await;
        self.networks.look((id, reached(services)), read).await
    }
}

fn reached(services: &Services) -> Position {
    *services.projections.position().borrow()
}

/// One look for all who ask for the same: the first one looks, the others wait for it. A look that
/// fails is nobody else's.
struct Shared<K, V>(Cache<K, Arc<OnceCell<Arc<V>>>>);

impl<K, V> Clone for Shared<K, V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K, V> fmt::Debug for Shared<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl<K: Eq + Hash + Send + Sync + 'static, V: Send + Sync + 'static> Shared<K, V> {
    fn of(most: u64) -> Self {
        let cache = Cache::builder().max_capacity(most).time_to_live(SHARED);
        Self(cache.build())
    }

    async fn look(
        &self,
        key: K,
        read: impl AsyncFnOnce() -> Result<V, Problem>,
    ) -> Result<Arc<V>, Problem> {
        let seat = self.0.get_with(key, Arc::default);
        let seen = seat.get_or_try_init(|| async { read().await.map(Arc::new) });
        seen.await.cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::problem::Reason;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test]
    async fn a_thousand_who_ask_for_the_same_are_answered_by_one_look() {
        let shared = Shared::<(u8, Position), u32>::of(STATES);
        let looks = AtomicU32::new(0);
        let look = async || {
            tokio::task::yield_now().await;
            Ok(looks.fetch_add(1, Ordering::Relaxed))
        };
        let asked = (0..1_000).map(|_| shared.look((1, Position::START), look));
        let seen = futures::future::join_all(asked).await;
        assert!(seen.iter().all(|it| it.as_ref().is_ok_and(|it| **it == 0)));
        assert_eq!(looks.load(Ordering::Relaxed), 1);
        // Once the read models have gone on, and of something else, it is looked anew.
        let later = Position {
            commit: 1,
            prepare: 1,
        };
        assert_eq!(*shared.look((1, later), look).await.unwrap(), 1);
        assert_eq!(*shared.look((2, later), look).await.unwrap(), 2);
        assert_eq!(*shared.look((1, later), look).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_look_that_fails_is_told_to_who_looked_and_made_again_by_the_next() {
        let shared = Shared::<u8, u32>::of(STATES);
        let failed = async || Err(Problem::new(Reason::Stopping, "no answer"));
        assert!(shared.look(1, failed).await.is_err());
        assert_eq!(*shared.look(1, async || Ok(7)).await.unwrap(), 7);
    }
}
