//! Passwords are kept as salted hashes that are slow to make.
//!
//! Slow is a lever for who has no password at all: a hash takes a processor for a tenth of a second
//! or two. So few are made at once, few callers wait for one, and whoever is beyond that is told so
//! at once. A name that there is takes as long to refuse as one that there is not.

use std::{
    num::NonZeroU32,
    sync::atomic::{AtomicUsize, Ordering},
};

use aws_lc_rs::{
    constant_time,
    pbkdf2::{self, PBKDF2_HMAC_SHA256},
};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::sync::Semaphore;
use uuid::Uuid;

/// OWASP's recommendation for PBKDF2 with HMAC-SHA-256 (Password Storage Cheat Sheet, 2023 and
/// since).
const ROUNDS: NonZeroU32 = NonZeroU32::new(600_000).unwrap();

/// How many hashes are made at once, and how many callers wait for their turn.
const AT_ONCE: usize = 1;
const WAITING: usize = 16;

/// A password that can be checked but not read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hashed {
    salt: Uuid,
    rounds: NonZeroU32,
    hash: [u8; 32],
}

impl Hashed {
    /// Takes a tenth of a second or two.
    pub(super) fn new(password: &str, salt: Uuid) -> Self {
        Self::in_rounds(password, salt, ROUNDS)
    }

    fn in_rounds(password: &str, salt: Uuid, rounds: NonZeroU32) -> Self {
        let hash = derive(password, salt, rounds);
        Self { salt, rounds, hash }
    }

    /// What no password fits, and which takes as long to find out.
    pub(super) fn of_nobody() -> Self {
        Self {
            salt: Uuid::nil(),
            rounds: ROUNDS,
            hash: [0; 32],
        }
    }

    /// Takes as long as making one of today, whatever the password, and however old this one is.
    pub(super) fn is(&self, password: &str) -> bool {
        let mut made = self.passes().map(|it| derive(password, self.salt, it));
        let is_right = made
            .next()
            .is_some_and(|it| constant_time::verify_slices_are_equal(&it, &self.hash).is_ok());
        made.for_each(|it| {
            let _ = std::hint::black_box(it);
        });
        is_right
    }

    /// How many rounds a check makes for an answer, and then so that it takes as long as any other.
    fn passes(&self) -> impl Iterator<Item = NonZeroU32> {
        let rest = NonZeroU32::new(ROUNDS.get().saturating_sub(self.rounds.get()));
        std::iter::once(self.rounds).chain(rest)
    }

    /// Whether it was made when fewer rounds were enough.
    pub(super) fn is_outdated(&self) -> bool {
        self.rounds < ROUNDS
    }
}

fn derive(password: &str, salt: Uuid, rounds: NonZeroU32) -> [u8; 32] {
    #[cfg(test)]
    counted::note(password, rounds);
    let mut hash = [0; 32];
    pbkdf2::derive(
        PBKDF2_HMAC_SHA256,
        rounds,
        salt.as_bytes(),
        password.as_bytes(),
        &mut hash,
    );
    hash
}

/// How many rounds were made for each password: what a login costs, whatever the machine.
#[cfg(test)]
pub(super) mod counted {
    use std::{collections::BTreeMap, num::NonZeroU32};

    static ROUNDS: parking_lot::Mutex<BTreeMap<String, u64>> =
        parking_lot::Mutex::new(BTreeMap::new());

    pub(super) fn note(password: &str, rounds: NonZeroU32) {
        let mut made = ROUNDS.lock();
        *made.entry(password.to_owned()).or_default() += u64::from(rounds.get());
    }

    pub(in crate::security) fn rounds(password: &str) -> u64 {
        ROUNDS.lock().get(password).copied().unwrap_or_default()
    }
}

/// More callers wait for a hash than may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("too many passwords are being checked: try again")]
pub(crate) struct Busy;

/// The turns in which hashes are made.
#[derive(Debug)]
pub(super) struct Turns {
    turns: Semaphore,
    waiting: AtomicUsize,
}

impl Default for Turns {
    fn default() -> Self {
        Self {
            turns: Semaphore::new(AT_ONCE),
            waiting: AtomicUsize::new(0),
        }
    }
}

impl Turns {
    /// Does this in a turn, away from what serves connections.
    pub(super) async fn take<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let _one = Waiting::begin(&self.waiting)?;
        Ok(self.patiently(work).await)
    }

    /// The same for who is known already, and is never turned away.
    pub(super) async fn patiently<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        // Nobody closes it.
        let _turn = self.turns.acquire().await;
        match tokio::task::spawn_blocking(work).await {
            Ok(done) => done,
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        }
    }
}

/// Counts until it is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(waiting: &'a AtomicUsize) -> Result<Self, Busy> {
        let this = Self(waiting);
        match waiting.fetch_add(1, Ordering::Relaxed) {
            0..AT_ONCE_AND_WAITING => Ok(this),
            _ => Err(Busy),
        }
    }
}

const AT_ONCE_AND_WAITING: usize = AT_ONCE + WAITING;

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc};

    use testkit::wait::{holds, soon};

    use super::*;

    /// As a store of an earlier version has them.
    const OLD: NonZeroU32 = NonZeroU32::new(50_000).unwrap();

    #[test]
    fn only_the_password_itself_fits() {
        let hashed = Hashed::new("changeit", Uuid::from_u128(1));
        assert!(hashed.is("changeit"));
        assert!(!hashed.is("changeit "));
        assert_ne!(hashed, Hashed::new("changeit", Uuid::from_u128(2)));
        assert!(!hashed.is_outdated());
    }

    #[test]
    fn a_hash_of_before_fits_still_and_is_to_be_made_anew() {
        let old = Hashed::in_rounds("changeit", Uuid::from_u128(1), OLD);
        assert!(old.is_outdated() && old.is("changeit") && !old.is("another"));
    }

    #[test]
    fn nobody_an_old_hash_and_a_new_one_take_as_many_rounds() {
        for hashed in [
            Hashed::new("changeit", Uuid::from_u128(1)),
            Hashed::in_rounds("changeit", Uuid::from_u128(1), OLD),
            Hashed::of_nobody(),
        ] {
            let rounds: u32 = hashed.passes().map(NonZeroU32::get).sum();
            assert_eq!(rounds, ROUNDS.get(), "{hashed:?}");
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn one_hash_is_made_at_a_time_and_who_is_beyond_those_that_wait_is_told_at_once() {
        let turns = Arc::new(Turns::default());
        // Whoever waits there goes on when the other end is dropped, also by a test that fails.
        let (opens, gate) = mpsc::channel::<()>();
        let busy = Arc::new(AtomicUsize::new(0));
        let most = Arc::new(AtomicUsize::new(0));
        let begin = |gate: Option<mpsc::Receiver<()>>| {
            let (turns, busy) = (Arc::clone(&turns), Arc::clone(&busy));
            let most = Arc::clone(&most);
            tokio::spawn(async move {
                let work = move || {
                    most.fetch_max(busy.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    if let Some(gate) = gate {
                        let _ = gate.recv();
                    }
                    busy.fetch_sub(1, Ordering::SeqCst);
                };
                turns.take(work).await
            })
        };
        let first = begin(Some(gate));
        holds("one is made", || busy.load(Ordering::SeqCst) > 0).await;
        let waiting: Vec<_> = (0..WAITING).map(|_| begin(None)).collect();
        holds("the others wait", || {
            turns.waiting.load(Ordering::SeqCst) == AT_ONCE_AND_WAITING
        })
        .await;
        for _ in 0..100 {
            assert_eq!(soon(turns.take(|| ())).await, Err(Busy), "told at once");
        }
        drop(opens);
        assert_eq!(first.await.unwrap(), Ok(()));
        for one in waiting {
            assert_eq!(one.await.unwrap(), Ok(()));
        }
        assert_eq!(most.load(Ordering::SeqCst), AT_ONCE);
        assert_eq!(turns.take(|| 7).await, Ok(7), "there is room again");
    }
}
