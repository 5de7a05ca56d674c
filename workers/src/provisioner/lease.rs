//! Which of several servers acts: the provisioner works while its server holds the lease that
//! everything that acts outward shares, and right before each change of a cloud it looks whether
//! enough of that lease is left.
//!
//! A server that does not hold it follows the log all the same, so that it can begin at once.
//! Reads are nobody's privilege: what would be done can be asked of every server.

use async_trait::async_trait;
use cloud::{AccountRegion, CallClass, Cloud, CloudError, CloudErrorKind, Layer, Operation};
use parking_lot::RwLock;
use std::{fmt, sync::Arc};
use tokio_util::sync::CancellationToken;

/// A time for which this server holds the lease.
pub trait Term: Send + Sync + fmt::Debug {
    /// A later holder's is higher.
    fn number(&self) -> u64;

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
