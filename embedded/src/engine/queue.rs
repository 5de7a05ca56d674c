//! Commands on their way to the writer, and how many of them make up a group.
//!
//! A flush costs about the same for one append as for a hundred, and some of that is processor
//! time. So when appends came in company last time the writer waits a little for as many again:
//! never longer than a flush takes, and not at all for one that is alone. Nothing wakes it before
//! there are enough.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex, MutexGuard};
use tokio::sync::{Semaphore, TryAcquireError};

/// How many commands may wait. A caller with one more is told so at once; what the store does for
/// itself waits for room.
const WAITING: usize = 4096;

/// What limits a group beside what is there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) commands: usize,
    pub(super) bytes: usize,
    /// The longest that a group waits for company.
    pub(super) wait: Duration,
}

/// Something that waits for the writer.
pub(super) trait Queued {
    /// What it counts against the bytes of a group.
    fn size(&self) -> usize;

    /// Whether a group ends with it.
    fn is_last(&self) -> bool;
}

/// A command that was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotTaken {
    /// As many as may wait do.
    Full,
    Closed,
}

/// Closed: nobody takes commands any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Closed;

#[derive(Debug)]
struct Shared<T> {
    state: Mutex<State<T>>,
    /// There are as many as are wanted.
    enough: Condvar,
    room: Semaphore,
}

#[derive(Debug)]
struct State<T> {
    waiting: VecDeque<T>,
    /// So many wake the writer.
    wanted: usize,
    is_closed: bool,
}

/// Puts commands in. Cheap to clone.
#[derive(Debug)]
pub(super) struct Sender<T>(Arc<Shared<T>>);

/// Takes them out. Dropped, it closes the queue.
#[derive(Debug)]
pub(super) struct Receiver<T>(Arc<Shared<T>>);

pub(super) fn queue<T>() -> (Sender<T>, Receiver<T>) {
    let state = State {
        waiting: VecDeque::new(),
        wanted: 1,
        is_closed: false,
    };
    let shared = Arc::new(Shared {
        state: Mutex::new(state),
        enough: Condvar::new(),
        room: Semaphore::new(WAITING),
    });
    (Sender(shared.clone()), Receiver(shared))
}

impl<T: Queued> Sender<T> {
    /// Takes it only if there is room now.
    pub(super) fn try_send(&self, command: T) -> Result<(), NotTaken> {
        let room = self.0.room.try_acquire().map_err(|error| match error {
            TryAcquireError::NoPermits => NotTaken::Full,
            TryAcquireError::Closed => NotTaken::Closed,
        })?;
        room.forget();
        self.put(command).map_err(|Closed| NotTaken::Closed)
    }

    /// Waits for room.
    pub(super) async fn send(&self, command: T) -> Result<(), Closed> {
        let room = self.0.room.acquire().await.map_err(|_| Closed)?;
        room.forget();
        self.put(command)
    }

    /// Does not wait for room.
    pub(super) fn put(&self, command: T) -> Result<(), Closed> {
        let mut state = self.0.state.lock();
        if state.is_closed {
            return Err(Closed);
        }
        let is_last = command.is_last();
        state.waiting.push_back(command);
        let is_enough = is_last || state.waiting.len() >= state.wanted;
        drop(state);
        if is_enough {
            self.0.enough.notify_one();
        }
        Ok(())
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Queued> Receiver<T> {
    /// The next group: what waits, once there is anything, and what comes soon if there was company
    /// of this size before. Nothing if nothing comes before `until`.
    pub(super) fn group_until(
        &self,
        company: usize,
        limits: Limits,
        until: Option<Instant>,
    ) -> Vec<T> {
        let mut state = self.0.state.lock();
        state.wanted = 1;
        while state.waiting.is_empty() {
            match until {
                None => self.0.enough.wait(&mut state),
                Some(until) => {
                    let waited = self.0.enough.wait_until(&mut state, until);
                    if waited.timed_out() && state.waiting.is_empty() {
                        return Vec::new();
                    }
                }
            }
        }
        let wanted = company.min(limits.commands);
        if state.waiting.len() < wanted && !limits.wait.is_zero() {
            self.wait_for(wanted, &mut state, Instant::now() + limits.wait);
        }
        let (mut group, mut bytes) = (
            Vec::with_capacity(state.waiting.len().min(limits.commands)),
            0,
        );
        while group.len() < limits.commands
            && bytes < limits.bytes
            && let Some(command) = state.waiting.pop_front()
        {
            bytes += command.size();
            let is_last = command.is_last();
            group.push(command);
            if is_last {
                break;
            }
        }
        drop(state);
        self.0.room.add_permits(group.len());
        group
    }

    fn wait_for(&self, wanted: usize, state: &mut MutexGuard<'_, State<T>>, until: Instant) {
        state.wanted = wanted;
        while state.waiting.len() < wanted && !state.waiting.back().is_some_and(Queued::is_last) {
            if self.0.enough.wait_until(state, until).timed_out() {
                break;
            }
        }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.is_closed = true;
        let left = std::mem::take(&mut state.waiting);
        drop(state);
        self.0.room.close();
        // Whoever waits for an answer learns that there is none.
        drop(left);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Eq)]
    struct Numbered(usize);

    impl Queued for Numbered {
        fn size(&self) -> usize {
            self.0
        }

        fn is_last(&self) -> bool {
            self.0 == 99
        }
    }

    const LIMITS: Limits = Limits {
        commands: 3,
        bytes: 100,
        wait: Duration::ZERO,
    };
    /// Far longer than anything here takes.
    const LONG: Duration = Duration::from_secs(60);

    fn filled(sizes: &[usize]) -> (Sender<Numbered>, Receiver<Numbered>) {
        let (sender, receiver) = queue();
        sizes
            .iter()
            .for_each(|size| sender.put(Numbered(*size)).unwrap());
        (sender, receiver)
    }

    fn sizes(group: Vec<Numbered>) -> Vec<usize> {
        group.into_iter().map(|numbered| numbered.0).collect()
    }

    impl<T: Queued> Receiver<T> {
        fn group(&self, company: usize, limits: Limits) -> Vec<T> {
            self.group_until(company, limits, None)
        }
    }

    #[test]
    fn a_group_is_what_waits_within_its_limits_in_order() {
        let (_sender, receiver) = filled(&[1, 2, 3, 4, 80, 70, 5]);
        let groups: Vec<_> = (0..3).map(|_| sizes(receiver.group(1, LIMITS))).collect();
        assert_eq!(groups, [vec![1, 2, 3], vec![4, 80, 70], vec![5]]);
    }

    #[test]
    fn a_group_ends_with_the_last_command() {
        let (_sender, receiver) = filled(&[1, 99, 2]);
        assert_eq!(
            sizes(receiver.group(
                3,
                Limits {
                    wait: LONG,
                    ..LIMITS
                }
            )),
            [1, 99]
        );
        assert_eq!(sizes(receiver.group(1, LIMITS)), [2]);
    }

    #[test]
    fn one_alone_waits_for_nobody_and_company_is_waited_for_until_it_is_there() {
        let (sender, receiver) = filled(&[1]);
        assert_eq!(
            sizes(receiver.group(
                1,
                Limits {
                    wait: LONG,
                    ..LIMITS
                }
            )),
            [1]
        );
        sender.put(Numbered(2)).unwrap();
        let waiting = std::thread::spawn(move || {
            sizes(receiver.group(
                3,
                Limits {
                    wait: LONG,
                    ..LIMITS
                },
            ))
        });
        while sender.0.state.lock().wanted < 3 && !waiting.is_finished() {
            std::thread::yield_now();
        }
        sender.put(Numbered(3)).unwrap();
        sender.put(Numbered(4)).unwrap();
        assert_eq!(waiting.join().unwrap(), [2, 3, 4]);
    }

    #[test]
    fn company_that_does_not_come_is_not_waited_for_long() {
        let (_sender, receiver) = filled(&[1, 2]);
        assert_eq!(
            sizes(receiver.group(
                3,
                Limits {
                    wait: Duration::from_micros(1),
                    ..LIMITS
                }
            )),
            [1, 2]
        );
    }

    #[tokio::test]
    async fn callers_learn_that_there_is_no_room_others_wait_and_all_learn_of_the_end() {
        let (sender, receiver) = queue();
        for number in 0..WAITING {
            sender.try_send(Numbered(number % 2)).unwrap();
        }
        assert_eq!(sender.try_send(Numbered(6)), Err(NotTaken::Full));
        let mut late = tokio::spawn({
            let sender = sender.clone();
            async move { sender.send(Numbered(7)).await }
        });
        assert!(
            tokio::time::timeout(Duration::from_millis(20), &mut late)
                .await
                .is_err(),
            "there was room for more"
        );
        receiver.group(1, LIMITS);
        late.await.unwrap().unwrap();
        let room = LIMITS.commands - 1;
        for _ in 0..room {
            sender.try_send(Numbered(1)).unwrap();
        }
        assert_eq!(sender.try_send(Numbered(1)), Err(NotTaken::Full));
        drop(receiver);
        assert_eq!(sender.try_send(Numbered(8)), Err(NotTaken::Closed));
        assert_eq!(sender.send(Numbered(8)).await, Err(Closed));
        assert_eq!(sender.put(Numbered(8)), Err(Closed));
    }
}
