//! What older engines registered, under ids that say nothing of the network at its cloud: a marker
//! is left, once, where the registration of that network would be today.
//!
//! It is found by following the log, after the upgrade and as long as older engines still register.
//! A crash between leaves it to the next start, and two engines that mark the same come to one
//! marker.

use super::{directory::Directory, scheduler::Worker};
use std::sync::Arc;

/// Marks whatever is not marked yet. Runs until it is dropped.
pub(super) async fn mark(worker: Arc<Worker>, directory: Directory) {
    let mut failures = 0;
    loop {
        let mut failed = false;
        for (id, identity) in directory.some_unmarked().await {
            let now = (worker.clock)();
            let marked = worker
                .networks
                .mark(&identity, id, worker.actor.clone(), now)
                .await;
            match marked {
                Ok(_) => directory.marked(id),
                Err(error) => {
                    failed = true;
                    tracing::warn!(
                        network = %id, error = &error as &dyn std::error::Error,
                        "the network is not found by what it is at its cloud yet; it is marked later"
                    );
                }
            }
        }
        failures = if failed { failures + 1 } else { 0 };
        if failed {
            tokio::time::sleep(worker.settings.log_backoff(failures)).await;
        }
    }
}
