//! The orderly end of an engine.

use super::Engine;
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};

/// How long calls that are cut off have to be told so.
const LAST_WORDS: Duration = Duration::from_secs(1);

impl Engine {
    /// Stops taking calls, finishes those in flight, then ends the workers and closes the store;
    /// `drain` bounds each step. What is not done by then is cut off: calls are told so, and the
    /// answer here is false.
    pub async fn stop(mut self, drain: Duration) -> bool {
        self.stop.draining.cancel();
        let until = Instant::now() + drain;
        self.stopping.cancel();
        while let Ok(Some(_)) = timeout_at(until, self.parts.join_next()).await {}
        let mut in_order = self.parts.is_empty();
        if !in_order {
            tracing::warn!(
                left = self.parts.len(),
                "parts did not end in time and are cut off"
            );
            self.stop.cut.cancel();
            let until = Instant::now() + LAST_WORDS;
            while let Ok(Some(_)) = timeout_at(until, self.parts.join_next()).await {}
        }
        self.parts.shutdown().await;
        if let Some(node) = self.node.take()
            && timeout(drain, node.shutdown()).await.is_err()
        {
            tracing::warn!("the embedded store did not close in time");
            in_order = false;
        }
        in_order
    }
}
