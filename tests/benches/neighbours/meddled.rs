//! A cloud in which the calls of one account hang, and whose calls are noted.

use cloud::{AccountRegion, Cloud, CloudError, Layer, Operation};
use domain::text::Account;
use parking_lot::Mutex;
use simulated::SimulatedCloud;
use std::{sync::Arc, time::Instant};

/// What has been called.
#[derive(Debug)]
pub(crate) struct Noted {
    pub(crate) calls: u64,
    pub(crate) last: Instant,
    /// When a rule was revoked last.
    pub(crate) revoked: Option<Instant>,
    /// How many calls wait for an answer that never comes.
    pub(crate) hanging: usize,
}

#[derive(Debug)]
pub(crate) struct Meddled {
    pub(crate) cloud: SimulatedCloud,
    pub(crate) dead: Account,
    pub(crate) noted: Arc<Mutex<Noted>>,
}

/// Counts while a call hangs.
struct Hanging<'a>(&'a Mutex<Noted>);

impl<'a> Hanging<'a> {
    fn begin(noted: &'a Mutex<Noted>) -> Self {
        noted.lock().hanging += 1;
        Self(noted)
    }
}

impl Drop for Hanging<'_> {
    fn drop(&mut self) {
        self.0.lock().hanging -= 1;
    }
}

impl Layer for Meddled {
    fn inner(&self) -> &dyn Cloud {
        &self.cloud
    }

    async fn call<T, F>(
        &self,
        operation: Operation,
        at: &AccountRegion,
        once: impl Fn() -> F + Send + Sync,
    ) -> Result<T, CloudError>
    where
        F: Future<Output = Result<T, CloudError>> + Send,
        T: Send,
    {
        if at.account == self.dead {
            let _hanging = Hanging::begin(&self.noted);
            return std::future::pending().await;
        }
        let now = Instant::now();
        {
            let mut noted = self.noted.lock();
            noted.calls += 1;
            noted.last = now;
            if operation == Operation::RevokeRule {
                noted.revoked = Some(now);
            }
        }
        once().await
    }
}
