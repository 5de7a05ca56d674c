//! Which of several servers acts: the provisioner works while its server holds the lease that
//! everything that acts outward shares, and right before each change of a cloud it looks whether
//! enough of that lease is left.
//!
//! A server that does not hold it follows the log all the same, so that it can begin at once.
//! Reads are nobody's privilege: what would be done can be asked of every server.

use async_trait::async_trait;
use cloud::{AccountRegion, CallClass, Cloud, CloudError, CloudErrorKind, Layer, Operation};
use journal::Fence;
use parking_lot::RwLock;
use std::{fmt, sync::Arc};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A time for which this server holds the lease.
pub trait Term: Send + Sync + fmt::Debug {
    /// A later holder's is higher.
    fn number(&self) -> u64;

    /// Which lease that is a term of; nothing where there is none.
    fn lease(&self) -> Option<Uuid>;

    /// Whether so much is left of it that a call may be sent.
    fn lasts_for_a_call(&self) -> bool;
}

/// Whether this server holds the lease.
#[async_trait]
pub trait Lease: Send + Sync + fmt::Debug {
    /// The term for which it holds it, if it does.
    fn term(&mut self) -> Option<Arc<dyn Term>>;

    /// Returns when that has changed.
    async fn changed(&mut self);
}

/// The lease of a server that has its store for itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Alone;

impl Term for Alone {
    fn number(&self) -> u64 {
        0
    }

    fn lease(&self) -> Option<Uuid> {
        None
    }

    fn lasts_for_a_call(&self) -> bool {
        true
    }
}

#[async_trait]
impl Lease for Alone {
    fn term(&mut self) -> Option<Arc<dyn Term>> {
        Some(Arc::new(Self))
    }

    async fn changed(&mut self) {
        std::future::pending().await
    }
}

/// A term and what is done in it.
#[derive(Clone, Debug)]
pub(super) struct Holding {
    pub(super) term: Arc<dyn Term>,
    /// Cancelled when the term is over, or the engine stops: each pass ends before its next call.
    pub(super) over: CancellationToken,
}

impl Holding {
    /// What is recorded beside each outcome.
    pub(super) fn fence(&self) -> Option<Fence> {
        let (lease, number) = (self.term.lease()?, self.term.number());
        Some(Fence { lease, number })
    }
}

/// The term of now, for whoever is about to change something.
#[derive(Clone, Debug, Default)]
pub(super) struct Held(Arc<RwLock<Option<Arc<dyn Term>>>>);

impl Held {
    pub(super) fn set(&self, term: Option<Arc<dyn Term>>) {
        *self.0.write() = term;
    }

    fn lasts_for_a_call(&self) -> bool {
        let term = self.0.read();
        term.as_ref().is_some_and(|it| it.lasts_for_a_call())
    }
}

/// A cloud that is changed only while the lease is held. It is the innermost of the layers, so that
/// nothing is waited for between the look and the call.
#[derive(Debug)]
pub(super) struct Fenced {
    cloud: Arc<dyn Cloud>,
    held: Held,
}

impl Fenced {
    pub(super) fn new(cloud: Arc<dyn Cloud>, held: Held) -> Self {
        Self { cloud, held }
    }
}

impl Layer for Fenced {
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
        let is_change = match operation.class() {
            CallClass::Write => true,
            CallClass::Identity | CallClass::Read => false,
        };
        if is_change && !self.held.lasts_for_a_call() {
            let error = CloudError::new(operation, at, CloudErrorKind::Unreachable);
            return Err(error.message("not sent: another server may hold the lease"));
        }
        once().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use domain::{Provider, Region};
    use simulated::{SimulatedCloud, SimulatedSettings};
    use std::sync::atomic::{AtomicBool, Ordering};

    /// A term of which enough is left, or not.
    #[derive(Debug, Default)]
    struct Kept(AtomicBool);

    impl Term for Kept {
        fn number(&self) -> u64 {
            7
        }

        fn lease(&self) -> Option<Uuid> {
            None
        }

        fn lasts_for_a_call(&self) -> bool {
            self.0.load(Ordering::Relaxed)
        }
    }

    #[tokio::test]
    async fn a_cloud_is_read_at_any_time_and_changed_only_while_enough_of_the_lease_is_left() {
        let settings = SimulatedSettings::instant(1);
        let cloud = SimulatedCloud::new(settings, Arc::new(|| DateTime::UNIX_EPOCH));
        let (held, term) = (Held::default(), Arc::new(Kept::default()));
        let fenced = Fenced::new(Arc::new(cloud), held.clone());
        let at = AccountRegion {
            provider: Provider::Aws,
            account: "111122223333".parse().unwrap(),
            region: Region::of(Provider::Aws, "eu-west-1").unwrap(),
            external_id: None,
        };
        let group = "sg-0123456789abcdef0".parse().unwrap();
        let change = async || fenced.delete_group(&at, &group).await.unwrap_err().kind;
        let read = async || fenced.firewall_groups(&at, &[]).await.is_ok();

        // The cloud itself would say that there is no such group.
        let never_held = (change().await, read().await);
        assert_eq!(never_held, (CloudErrorKind::Unreachable, true));
        held.set(Some(Arc::clone(&term) as Arc<dyn Term>));
        let nearly_over = (change().await, read().await);
        assert_eq!(nearly_over, (CloudErrorKind::Unreachable, true));
        term.0.store(true, Ordering::Relaxed);
        assert_eq!(change().await, CloudErrorKind::NotFound);
        held.set(None);
        assert_eq!(change().await, CloudErrorKind::Unreachable);
    }
}
