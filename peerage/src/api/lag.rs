//! Since when the read models have been behind the log.

use chrono::{DateTime, Utc};
use journal::Clock;
use parking_lot::Mutex;
use projections::Projections;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Since when the read models are behind; none while they are at the log's end.
#[derive(Clone, Debug)]
pub struct Lag(Arc<Mutex<Option<DateTime<Utc>>>>);

impl Lag {
    /// Read models that have not reached anything yet.
    pub fn since(start: DateTime<Utc>) -> Self {
        Self(Arc::new(Mutex::new(Some(start))))
    }

    /// Since when they are behind.
    pub(super) fn behind_since(&self) -> Option<DateTime<Utc>> {
        *self.0.lock()
    }

    /// Notes when they fall behind and when they are at the end again, until cancelled.
    pub async fn run(&self, projections: &Projections, clock: &Clock, cancel: CancellationToken) {
        let mut caught_up = projections.caught_up();
        loop {
            let at_end = *caught_up.borrow_and_update();
            {
                let mut since = self.0.lock();
                *since = if at_end {
                    None
                } else {
                    since.or_else(|| Some(clock()))
                };
            }
            tokio::select! {
                changed = caught_up.changed() => if changed.is_err() { return },
                () = cancel.cancelled() => return,
            }
        }
    }
}
