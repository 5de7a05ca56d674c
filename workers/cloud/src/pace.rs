//! The pace of a service's requests: below what the service allows whoever calls, however many
//! networks, peerings and calls of the port ask at once.
//!
//! [`crate::RateLimited`] counts calls of the port. Where one of them is many requests, or where
//! the service has one limit for requests of all kinds, the port's client keeps this pace as well.

use crate::CallClass;
use governor::{
    Quota, RateLimiter, clock::Clock as _, middleware::NoOpMiddleware,
    state::keyed::HashMapStateStore,
};
use std::{fmt, hash::Hash, num::NonZeroU32, sync::Arc};

/// The limiters of this crate: one bucket for each key, by the runtime's clock.
type Limiter<K> =
    RateLimiter<K, HashMapStateStore<K>, TokioClock, NoOpMiddleware<std::time::Instant>>;

/// How many requests a service takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// In each second, for as long as there are any.
    pub per_second: NonZeroU32,
    /// At once, after a pause.
    pub burst: NonZeroU32,
}

impl Rate {
    /// So many in each second, and so many at once; one where that would be none.
    pub const fn of(per_second: u32, burst: u32) -> Self {
        Self {
            per_second: at_least_one(per_second),
            burst: at_least_one(burst),
        }
    }
}

const fn at_least_one(number: u32) -> NonZeroU32 {
    match NonZeroU32::new(number) {
        Some(number) => number,
        None => NonZeroU32::MIN,
    }
}

/// Requests in their turn. Clones share it.
#[derive(Clone)]
pub struct Pace(Arc<Limits>);

struct Limits {
    reads: Limiter<String>,
    changes: Limiter<String>,
}

impl Pace {
    /// A pace of so many reads and changes for each account that a service counts by.
    pub fn new(reads: Rate, changes: Rate) -> Self {
        let [reads, changes] = [reads, changes].map(|it| {
            let quota = Quota::per_second(it.per_second).allow_burst(it.burst);
            Limiter::new(quota, HashMapStateStore::default(), TokioClock)
        });
        Self(Arc::new(Limits { reads, changes }))
    }

    /// Waits until a request of this class may be sent for this account.
    pub async fn turn(&self, account: String, class: CallClass) {
        let limiter = match class {
            CallClass::Identity | CallClass::Read => &self.0.reads,
            CallClass::Write => &self.0.changes,
        };
        turn(limiter, &account).await;
    }
}

impl fmt::Debug for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.0.reads.len() + self.0.changes.len();
        write!(f, "Pace({known})")
    }
}

/// Waits for a turn in this bucket.
pub(crate) async fn turn<K: Clone + Eq + Hash>(limiter: &Limiter<K>, key: &K) {
    while let Err(not_yet) = limiter.check_key(key) {
        tokio::time::sleep(not_yet.wait_time_from(TokioClock.now())).await;
    }
}

/// The runtime's own clock, so that a test that moves time moves the limits as well.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TokioClock;

impl governor::clock::Clock for TokioClock {
    type Instant = std::time::Instant;

    fn now(&self) -> Self::Instant {
        tokio::time::Instant::now().into_std()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::Instant;

    async fn took(pace: &Pace, account: &str, class: CallClass, requests: usize) -> Duration {
        let began = Instant::now();
        for _ in 0..requests {
            pace.turn(account.to_owned(), class).await;
        }
        began.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn so_many_go_at_once_and_then_so_many_a_second() {
        let pace = Pace::new(Rate::of(20, 100), Rate::of(5, 10));
        let at_once = took(&pace, "one", CallClass::Read, 100).await;
        assert_eq!(at_once, Duration::ZERO);
        let later = took(&pace, "one", CallClass::Read, 1_000).await;
        let expected = Duration::from_secs(50);
        assert!(later >= expected - Duration::from_secs(1), "{later:?}");
        assert!(later <= expected + Duration::from_secs(2), "{later:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn reads_wait_for_no_changes_and_no_account_for_another() {
        let pace = Pace::new(Rate::of(1, 1), Rate::of(1, 1));
        for (account, class) in [
            ("one", CallClass::Read),
            ("one", CallClass::Write),
            ("two", CallClass::Identity),
            ("two", CallClass::Write),
        ] {
            let waited = took(&pace.clone(), account, class, 1).await;
            assert_eq!(waited, Duration::ZERO, "{account} {class:?}");
        }
        let waited = took(&pace, "one", CallClass::Identity, 1).await;
        assert!(waited > Duration::ZERO, "identities are reads");
    }
}
