//! When the certificate ends that the event store presents.

use chrono::{DateTime, Utc};
use journal::Journal;
use parking_lot::Mutex;
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// How often it is looked at. Who asks is told what was seen last: no question makes a connection.
const LOOK: Duration = Duration::from_secs(600);

/// What was seen last; none where nothing was, for want of TLS or of an answer.
#[derive(Clone, Debug, Default)]
pub struct StoreCertificate(Arc<Mutex<Option<DateTime<Utc>>>>);

impl StoreCertificate {
    /// When the first of the nodes' certificates ends.
    pub(super) fn ends(&self) -> Option<DateTime<Utc>> {
        *self.0.lock()
    }

    /// Looks until it is cancelled.
    pub async fn run(&self, journal: &Journal, cancel: CancellationToken) {
        loop {
            // A store that is away for now has its certificate still.
            if let Some(ends) = journal.certificate_ends().await {
                *self.0.lock() = Some(ends);
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = cancel.cancelled() => return,
            }
        }
    }
}
