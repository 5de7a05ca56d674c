//! Waiting for a condition, with a bound and a name: a test never sleeps for a fixed time.

use std::future::Future;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// How often a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// Far longer than anything takes that a test waits for without a bound of its own.
pub const SOON: Duration = Duration::from_secs(30);

/// Bounds `work` with [`SOON`].
///
/// # Panics
/// When it is not done by then.
pub async fn soon<T>(work: impl Future<Output = T>) -> T {
    match timeout(SOON, work).await {
        Ok(done) => done,
        Err(_) => panic!("it took more than {SOON:?}"),
    }
}

/// Waits until `condition` holds, for at most [`SOON`].
///
/// # Panics
/// When it does not, naming `what` was waited for.
pub async fn holds(what: &str, condition: impl Fn() -> bool) {
    until(what, SOON, || {
        let holds = condition().then_some(());
        async move { holds }
    })
    .await;
}

/// Asks `probe` again and again until it answers `Some`, for at most `bound`.
///
/// # Panics
/// When the bound is over, naming `what` was waited for.
pub async fn until<T, P, F>(what: &str, bound: Duration, probe: P) -> T
where
    P: FnMut() -> F,
    F: Future<Output = Option<T>>,
{
    match within(bound, probe).await {
        Some(found) => found,
        None => panic!("{what}: not within {bound:?}"),
    }
}

/// The same for whoever has more to say than a panic: `None` when the bound is over.
pub async fn within<T, P, F>(bound: Duration, mut probe: P) -> Option<T>
where
    P: FnMut() -> F,
    F: Future<Output = Option<T>>,
{
    let mut look = interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let answer = timeout(bound, async {
        loop {
            look.tick().await;
            if let Some(found) = probe().await {
                return found;
            }
        }
    });
    answer.await.ok()
}

/// Lets time pass where passing time is itself what is under test: an expiry, or that *nothing*
/// comes for a while.
pub async fn elapse(span: Duration) {
    let _ = timeout(span, std::future::pending::<()>()).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[tokio::test]
    async fn a_condition_is_asked_until_it_holds() {
        let asked = Cell::new(0);
        let found = until("the third answer", Duration::from_secs(5), || {
            asked.set(asked.get() + 1);
            let answer = (asked.get() == 3).then_some("here");
            async move { answer }
        });
        assert_eq!(found.await, "here");
    }

    #[tokio::test]
    #[should_panic(expected = "a thing that never comes: not within 60ms")]
    async fn a_condition_that_never_holds_ends_the_test_and_is_named() {
        until(
            "a thing that never comes",
            Duration::from_millis(60),
            || async { None::<()> },
        )
        .await;
    }
}
