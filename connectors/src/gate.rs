//! The way to one connector's endpoint: open, or closed for a while since the endpoint itself is
//! what is wrong. What waits at a closed gate is not tried, so nothing is counted against a record;
//! when the time has come, one of them tries, and opens it for all.

use domain::connector::Pause;
use parking_lot::Mutex;
use std::{sync::Arc, time::Duration};
use tokio::{sync::Notify, time::Instant};

/// The pauses while an endpoint is not as it should be; after the last one, that one again.
pub(crate) const PAUSES: [Duration; 5] = [
    Duration::from_secs(5),
    Duration::from_secs(15),
    Duration::from_secs(60),
    Duration::from_secs(300),
    Duration::from_secs(1_800),
];

/// From so many tries on it is worth telling.
const TOLD_FROM: u32 = 3;

#[derive(Debug)]
pub(crate) struct Gate {
    pauses: Arc<[Duration]>,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Open,
    Closed {
        until: Instant,
        tries: u32,
        is_tried: bool,
    },
}

impl Gate {
    pub(crate) fn new(pauses: Arc<[Duration]>) -> Self {
        Self {
            pauses,
            state: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// Waits until the way is open, or until it is this one's turn to try.
    pub(crate) async fn pass(&self) {
        loop {
            let changed = self.changed.notified();
            let until = match &mut *self.state.lock() {
                State::Open => return,
                State::Closed { is_tried: true, .. } => None,
                State::Closed {
                    until, is_tried, ..
                } => {
                    if *until <= Instant::now() {
                        *is_tried = true;
                        return;
                    }
                    Some(*until)
                }
            };
            match until {
                Some(until) => {
                    tokio::select! {
                        () = tokio::time::sleep_until(until) => {}
                        () = changed => {}
                    }
                }
                None => changed.await,
            }
        }
    }

    /// The endpoint is not as it should be. The pause, if it is time to tell it.
    pub(crate) fn close(&self, pause: Pause, at_least: Option<Duration>) -> Option<Pause> {
        let mut state = self.state.lock();
        let tries = match &*state {
            State::Open => 1,
            // Several were under way when it closed: they count once.
            State::Closed {
                is_tried: false,
                tries,
                ..
            } => *tries,
            State::Closed { tries, .. } => tries + 1,
        };
        let at = (tries as usize - 1).min(self.pauses.len().saturating_sub(1));
        let wait = self.pauses.get(at).copied().unwrap_or_default();
        let wait = wait.max(at_least.unwrap_or_default());
        *state = State::Closed {
            until: Instant::now() + wait,
            tries,
            is_tried: false,
        };
        drop(state);
        self.changed.notify_waiters();
        (tries >= TOLD_FROM).then_some(pause)
    }

    /// The endpoint answered as it should. Whether it did not before.
    pub(crate) fn open(&self) -> bool {
        let was_closed = {
            let mut state = self.state.lock();
            !matches!(std::mem::take(&mut *state), State::Open)
        };
        if was_closed {
            self.changed.notify_waiters();
        }
        was_closed
    }

    /// Who was to try has gone without an answer.
    pub(crate) fn give_up(&self) {
        if let State::Closed { is_tried, .. } = &mut *self.state.lock() {
            *is_tried = false;
        }
        self.changed.notify_waiters();
    }

    /// Lets the next one try at once.
    pub(crate) fn retry_now(&self) {
        if let State::Closed { until, .. } = &mut *self.state.lock() {
            *until = Instant::now();
        }
        self.changed.notify_waiters();
    }

    /// Until when it is closed, if it is.
    #[cfg(test)]
    fn closed(&self) -> Option<Instant> {
        match &*self.state.lock() {
            State::Open => None,
            State::Closed { until, .. } => Some(*until),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    fn wrong() -> Pause {
        Pause {
            status: Some(503),
            cause: "busy".to_owned(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn of_all_that_wait_at_a_closed_gate_one_tries_and_opens_it_for_the_others() {
        let gate = Arc::new(Gate::new(PAUSES.into()));
        gate.pass().await;
        assert_eq!(gate.close(wrong(), None), None);
        let (tried, passed) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
        let waiting: Vec<_> = (0..10)
            .map(|_| {
                let (gate, tried, passed) = (gate.clone(), tried.clone(), passed.clone());
                tokio::spawn(async move {
                    gate.pass().await;
                    if tried.fetch_add(1, Ordering::SeqCst) == 0 {
                        assert_eq!(passed.load(Ordering::SeqCst), 0);
                        assert!(gate.open());
                    }
                    passed.fetch_add(1, Ordering::SeqCst);
                })
            })
            .collect();
        let begun = Instant::now();
        for each in waiting {
            each.await.unwrap();
        }
        assert_eq!(begun.elapsed(), PAUSES[0]);
        assert_eq!(passed.load(Ordering::SeqCst), 10);
        assert_eq!(gate.closed(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_under_way_when_it_closed_counts_once_and_from_the_third_try_on_it_is_told() {
        let gate = Gate::new(PAUSES.into());
        for _ in 0..5 {
            assert_eq!(gate.close(wrong(), None), None);
        }
        gate.pass().await;
        assert_eq!(gate.close(wrong(), None), None);
        gate.pass().await;
        assert_eq!(gate.close(wrong(), None), Some(wrong()));
        let asked = Duration::from_secs(600);
        gate.pass().await;
        gate.close(wrong(), Some(asked));
        let until = gate.closed().unwrap();
        assert_eq!(until - Instant::now(), asked);
        gate.retry_now();
        let begun = Instant::now();
        gate.pass().await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
        gate.give_up();
        soon(gate.pass()).await;
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_anothers_try_goes_on_when_that_one_opens_or_gives_up() {
        for opens in [true, false] {
            let gate = Arc::new(Gate::new(PAUSES.into()));
            gate.close(wrong(), None);
            soon(gate.pass()).await;
            let waiting = Arc::clone(&gate);
            let waiting = tokio::spawn(async move { waiting.pass().await });
            tokio::task::yield_now().await;
            assert!(!waiting.is_finished(), "one tries");
            if opens {
                assert!(gate.open());
            } else {
                gate.give_up();
            }
            soon(waiting).await.unwrap();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn each_pause_is_had_in_turn_and_after_the_last_one_that_one_again() {
        let gate = Gate::new(PAUSES.into());
        for at in 0..8 {
            gate.close(wrong(), None);
            let until = gate.closed().unwrap();
            assert_eq!(until - Instant::now(), PAUSES[usize::min(at, 4)], "{at}");
            soon(gate.pass()).await;
        }
    }

    /// Bounded, by a clock that is as fast as nothing else happens.
    async fn soon<T>(work: impl Future<Output = T>) -> T {
        let bound = Duration::from_secs(86_400);
        tokio::time::timeout(bound, work).await.unwrap()
    }
}
