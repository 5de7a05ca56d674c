//! The end of a run in good order.

use super::{RunError, Running};
use std::time::Duration;
use tokio::time::{Instant, timeout};

impl Running {
    /// Lets what is under way end, and writes how far it has got.
    pub(super) async fn drain(&mut self) -> Result<(), RunError> {
        self.delivery.drain();
        let longest = self.run.sink.timeout() + Duration::from_secs(1);
        let until = Instant::now() + longest;
        while !self.work.is_empty() {
            let left = until.saturating_duration_since(Instant::now());
            let Ok(Some(dealt)) = timeout(left, self.work.join_next()).await else {
                break;
            };
            match dealt.map(|(dealt, _)| self.settle(&dealt)) {
                // Why it ends is known already.
                Ok(Ok(()) | Err(RunError::Failed(_) | RunError::Task(_))) | Err(_) => {}
                Ok(Err(error)) => return Err(error),
            }
        }
        self.work.abort_all();
        self.note_settled();
        // A place where nothing was for a connector is no news.
        if self.unwritten > 0 || self.beyond_moved() {
            self.write().await?;
        }
        Ok(())
    }
}
