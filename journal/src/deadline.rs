//! How long an operation may still take, its retries included.
//!
//! The crate sends deadlines to the server but keeps no timer of its own, so a frozen server would
//! hold a call for ever.

use crate::JournalError;
use std::{future::Future, time::Duration};
use tokio::time::{Instant, timeout_at};

/// The end of one operation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    at: Instant,
    total: Duration,
    operation: &'static str,
}

/// Nothing came within the time that one attempt may take.
#[derive(Debug, thiserror::Error)]
#[error("no answer within {after:?}")]
pub(crate) struct NoAnswer {
    pub(crate) after: Duration,
}

impl Deadline {
    pub(crate) fn after(total: Duration, operation: &'static str) -> Self {
        Self {
            at: Instant::now() + total,
            total,
            operation,
        }
    }

    pub(crate) fn operation(&self) -> &'static str {
        self.operation
    }

    pub(crate) fn remaining(&self) -> Duration {
        self.at.saturating_duration_since(Instant::now())
    }

    /// The longest that one attempt may take: half of the whole, so that a node that is frozen
    /// leaves time for another.
    pub(crate) fn attempt(&self) -> Duration {
        (self.total / 2).min(self.remaining())
    }

    /// Bounds one attempt.
    pub(crate) async fn bound_attempt<T>(
        &self,
        attempt: impl Future<Output = T>,
    ) -> Result<T, NoAnswer> {
        let after = self.attempt();
        tokio::time::timeout(after, attempt)
            .await
            .map_err(|_| NoAnswer { after })
    }

    /// Bounds anything else.
    pub(crate) async fn bound<T>(&self, work: impl Future<Output = T>) -> Result<T, JournalError> {
        timeout_at(self.at, work).await.map_err(|_| self.exceeded())
    }

    /// Waits before the next attempt; false when there would be no time left for one.
    pub(crate) async fn pause(&self, delay: Duration) -> bool {
        if delay >= self.remaining() {
            return false;
        }
        tokio::time::sleep(delay).await;
        true
    }

    pub(crate) fn exceeded(&self) -> JournalError {
        JournalError::DeadlineExceeded {
            operation: self.operation,
            after: self.total,
        }
    }
}
