//! A bound on the calls at the same time in one account and region: what hangs there holds up what
//! goes there, and nothing else.

use cloud::{AccountRegion, Cloud, CloudError, Layer, Operation};
use domain::{Provider, Region, text::Account};
use parking_lot::Mutex;
use std::{collections::HashMap, num::NonZeroUsize, sync::Arc};
use tokio::sync::Semaphore;

/// Whatever is shown to enter it, it is one account.
type Key = (Provider, Account, Region);

/// A cloud with so many calls at the same time in each account and region.
#[derive(Debug)]
pub(super) struct Bounded {
    cloud: Arc<dyn Cloud>,
    at_once: NonZeroUsize,
    permits: Mutex<HashMap<Key, Arc<Semaphore>>>,
}

impl Bounded {
    pub(super) fn new(cloud: Arc<dyn Cloud>, at_once: NonZeroUsize) -> Self {
        Self {
            cloud,
            at_once,
            permits: Mutex::default(),
        }
    }

    fn permits(&self, at: &AccountRegion) -> Arc<Semaphore> {
        let key = (at.provider, at.account.clone(), at.region.clone());
        let mut permits = self.permits.lock();
        let of_key = permits
            .entry(key)
            .or_insert_with(|| Arc::new(Semaphore::new(self.at_once.get())));
        Arc::clone(of_key)
    }
}

impl Layer for Bounded {
    fn inner(&self) -> &dyn Cloud {
        &*self.cloud
    }

    async fn call<T, F>(
        &self,
        _operation: Operation,
        at: &AccountRegion,
        once: impl Fn() -> F + Send + Sync,
    ) -> Result<T, CloudError>
    where
        F: Future<Output = Result<T, CloudError>> + Send,
        T: Send,
    {
        let permits = self.permits(at);
        // A semaphore that nobody closes gives a permit in the end.
        let _permit = permits.acquire().await.ok();
        once().await
    }
}
