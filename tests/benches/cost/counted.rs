//! A cloud that counts its calls by account, and takes the time spent in it.

use cloud::Cloud;
use cloud::Layer;
use cloud::{AccountRegion, CloudError, Operation};
use domain::text::Account;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How many calls of each kind, in each account; every account here is used in one region.
pub(crate) type Counts = BTreeMap<(Account, Operation), u64>;

/// Any cloud, with its calls counted.
#[derive(Debug)]
pub(crate) struct Counted {
    cloud: Arc<dyn Cloud>,
    counts: Mutex<Counts>,
    order: Mutex<Vec<(Account, Operation)>>,
    inside: AtomicU64,
}

impl Counted {
    pub(crate) fn around(cloud: Arc<dyn Cloud>) -> Arc<Self> {
        Arc::new(Self {
            cloud,
            counts: Mutex::default(),
            order: Mutex::default(),
            inside: AtomicU64::new(0),
        })
    }

    /// Every call so far, in the order in which they were made.
    pub(crate) fn order(&self) -> Vec<(Account, Operation)> {
        self.order.lock().clone()
    }

    /// The counts since this last was asked for.
    pub(crate) fn take(&self) -> Counts {
        std::mem::take(&mut self.counts.lock())
    }

    pub(crate) fn total(&self) -> u64 {
        self.counts.lock().values().sum()
    }

    /// The time spent in calls, those at the same time added up. A call without delay is all work.
    pub(crate) fn inside(&self) -> Duration {
        Duration::from_nanos(self.inside.load(Ordering::Relaxed))
    }
}

impl Layer for Counted {
    fn inner(&self) -> &dyn Cloud {
        &*self.cloud
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
        *self
            .counts
            .lock()
            .entry((at.account.clone(), operation))
            .or_default() += 1;
        self.order.lock().push((at.account.clone(), operation));
        let begun = Instant::now();
        let answer = once().await;
        self.inside.fetch_add(
            u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX),
            Ordering::Relaxed,
        );
        answer
    }
}
