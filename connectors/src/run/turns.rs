//! Several records of a lane by one task, one after the other.
//!
//! A task for each record would cost a wake-up of the run's own task between any two records of a
//! lane. What one has delivered is noted at once, so that nothing of it is repeated wherever the
//! task ends; the run's task looks at it when it is woken for something else.

use super::{
    Running,
    delivery::{Dealt, Delivery},
};
use crate::sink::Item;
use std::{collections::VecDeque, time::Duration};
use tokio::time::Instant;

/// How many records of a lane one task takes in hand.
pub(super) const MOST: usize = 16;

/// How long it goes on with the next one: what is settled shows soon, however slow an endpoint is.
const LONGEST: Duration = Duration::from_millis(100);

/// Records of a lane, by their numbers.
pub(super) type Waiting = VecDeque<(u64, Item)>;

impl Delivery {
    /// Hands over so many at once until all are delivered, or something else came of some. What is
    /// left goes back to the lane.
    pub(super) async fn in_turn(
        &self,
        lane: String,
        mut waiting: Waiting,
        together: usize,
    ) -> (Dealt, Waiting) {
        self.look_ahead(&waiting).await;
        let begun = Instant::now();
        loop {
            let parcel = waiting.drain(..together.min(waiting.len())).collect();
            let dealt = self.deliver(lane.clone(), parcel).await;
            let goes_on =
                !waiting.is_empty() && begun.elapsed() < LONGEST && !self.draining.is_cancelled();
            match &dealt {
                Dealt::With {
                    numbers,
                    has_parked: false,
                    ..
                } if goes_on => self.settled.lock().extend(numbers),
                Dealt::With { .. }
                | Dealt::Waited { .. }
                | Dealt::Unfinished { .. }
                | Dealt::Replayed
                | Dealt::Fenced
                | Dealt::Failed { .. }
                | Dealt::Broke(_) => {
                    self.forget_ahead(&waiting);
                    return (dealt, waiting);
                }
            }
        }
    }
}

impl Running {
    /// Notes what tasks that are under way have delivered.
    pub(super) fn note_settled(&mut self) {
        let settled = std::mem::take(&mut *self.delivery.settled.lock());
        for number in settled {
            self.done(number);
        }
    }
}
