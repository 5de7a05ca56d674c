//! The manners of a good client, around any cloud: one rate limit per account, region and class of calls, a deadline per call,
//! and another try where nothing was done and a pause may help.
//!
//! Only failures that are certain to have changed nothing are tried again here; everything else is for the caller, who reads
//! before it repeats.

#[cfg(test)]
mod tests;

use super::Calls;
use crate::cloud::{
    CallClass, Cloud, CloudError, CloudErrorKind, GroupView, LinkSpec, LinkView, NetworkRef, Operation, Place, RouteTableView,
};
use async_trait::async_trait;
use backon::{ExponentialBuilder, Retryable};
use domain::{
    PeeringId, Range,
    network::InboundRule,
    text::{Account, FirewallGroup, FirewallRule, Link, RouteTable, Subnet},
};
use governor::{Quota, RateLimiter, clock::Clock as _, middleware::NoOpMiddleware, state::keyed::HashMapStateStore};
use std::{num::NonZeroU32, sync::Arc, time::Duration};

/// The limits of one client. The defaults stay well below AWS's published buckets (100 reads with 20/s, writes 5/s and up).
#[derive(Clone, Debug)]
pub struct CallSettings {
    /// Reads per second, and as many at once.
    pub reads: NonZeroU32,
    /// Changes per second, and as many at once.
    pub writes: NonZeroU32,
    /// When a call without an answer counts as lost.
    pub deadline: Duration,
    /// How many times a call is made at most.
    pub tries: usize,
    /// The first pause between two tries, and the longest.
    pub first_pause: Duration,
    pub longest_pause: Duration,
}

impl Default for CallSettings {
    fn default() -> Self {
        Self {
            reads: NonZeroU32::new(20).unwrap_or(NonZeroU32::MIN),
            writes: NonZeroU32::new(5).unwrap_or(NonZeroU32::MIN),
            deadline: Duration::from_secs(20),
            tries: 5,
            first_pause: Duration::from_millis(200),
            longest_pause: Duration::from_secs(5),
        }
    }
}

/// Which bucket a call draws from.
type Key = (Place, CallClass);
type Limiter = RateLimiter<Key, HashMapStateStore<Key>, TokioClock, NoOpMiddleware<std::time::Instant>>;

/// A cloud behind the limits of [`CallSettings`].
#[derive(Debug)]
pub struct Metered {
    cloud: Arc<dyn Cloud>,
    settings: CallSettings,
    reads: Limiter,
    writes: Limiter,
    calls: Arc<Calls>,
}

impl Metered {
    pub fn new(cloud: Arc<dyn Cloud>, settings: CallSettings) -> Self {
        let limiter = |most| Limiter::new(Quota::per_second(most), HashMapStateStore::default(), TokioClock);
        let (reads, writes) = (limiter(settings.reads), limiter(settings.writes));
        Self { cloud, settings, reads, writes, calls: Arc::default() }
    }

    /// The running counts.
    pub fn calls(&self) -> Arc<Calls> {
        Arc::clone(&self.calls)
    }

    /// One call in the sense of the port: as many tries as are allowed and safe.
    async fn call<T, F>(&self, operation: Operation, at: &Place, once: impl Fn() -> F + Send + Sync) -> Result<T, CloudError>
    where
        F: Future<Output = Result<T, CloudError>> + Send,
        T: Send,
    {
        let pauses = ExponentialBuilder::default()
            .with_min_delay(self.settings.first_pause)
            .with_max_delay(self.settings.longest_pause)
            .with_max_times(self.settings.tries.saturating_sub(1));
        (|| self.attempt(operation, at, once()))
            .retry(pauses)
            .sleep(tokio::time::sleep)
            .when(CloudError::worth_a_retry)
            .adjust(|error, pause| pause.map(|pause| pause.max(asked_for(error))))
            .notify(|error, pause| tracing::debug!(%operation, %at, %error, ?pause, "cloud call failed, trying again"))
            .await
    }

    async fn attempt<T>(
        &self,
        operation: Operation,
        at: &Place,
        once: impl Future<Output = Result<T, CloudError>>,
    ) -> Result<T, CloudError> {
        self.wait_for_turn(at, operation.class()).await;
        let result = tokio::time::timeout(self.settings.deadline, once).await.unwrap_or_else(|_| {
            let message = format!("no answer within {:?}", self.settings.deadline);
            Err(CloudError::new(operation, at, CloudErrorKind::Ambiguous).message(message))
        });
        self.calls.note(operation, &result);
        result
    }

    async fn wait_for_turn(&self, at: &Place, class: CallClass) {
        let limiter = match class {
            CallClass::Identity | CallClass::Read => &self.reads,
            CallClass::Write => &self.writes,
        };
        let key = (at.clone(), class);
        while let Err(not_yet) = limiter.check_key(&key) {
            tokio::time::sleep(not_yet.wait_time_from(TokioClock.now())).await;
        }
    }
}

fn asked_for(error: &CloudError) -> Duration {
    if let CloudErrorKind::Throttled { retry_after: Some(pause) } = error.kind { pause } else { Duration::ZERO }
}

/// The runtime's own clock, so that a test that moves time moves the limits as well.
#[derive(Clone, Copy, Debug, Default)]
struct TokioClock;

impl governor::clock::Clock for TokioClock {
    type Instant = std::time::Instant;

    fn now(&self) -> Self::Instant {
        tokio::time::Instant::now().into_std()
    }
}

#[async_trait]
impl Cloud for Metered {
    async fn identity(&self, at: &Place) -> Result<Account, CloudError> {
        self.call(Operation::Identity, at, || self.cloud.identity(at)).await
    }

    async fn links(&self, at: &Place, one: &NetworkRef, other: &NetworkRef) -> Result<Vec<LinkView>, CloudError> {
        self.call(Operation::Links, at, || self.cloud.links(at, one, other)).await
    }

    async fn create_link(&self, spec: &LinkSpec) -> Result<Link, CloudError> {
        self.call(Operation::CreateLink, &spec.requester.network.place, || self.cloud.create_link(spec)).await
    }

    async fn accept_link(&self, at: &Place, link: &Link) -> Result<(), CloudError> {
        self.call(Operation::AcceptLink, at, || self.cloud.accept_link(at, link)).await
    }

    async fn route_tables(&self, network: &NetworkRef, subnets: &[Subnet]) -> Result<Vec<RouteTableView>, CloudError> {
        self.call(Operation::RouteTables, &network.place, || self.cloud.route_tables(network, subnets)).await
    }

    async fn install_route(&self, at: &Place, table: &RouteTable, destination: Range, link: &Link) -> Result<(), CloudError> {
        self.call(Operation::InstallRoute, at, || self.cloud.install_route(at, table, destination, link)).await
    }

    async fn firewall_groups(&self, network: &NetworkRef, peering: PeeringId) -> Result<Vec<GroupView>, CloudError> {
        self.call(Operation::FirewallGroups, &network.place, || self.cloud.firewall_groups(network, peering)).await
    }

    async fn create_group(&self, network: &NetworkRef, peering: PeeringId) -> Result<FirewallGroup, CloudError> {
        self.call(Operation::CreateGroup, &network.place, || self.cloud.create_group(network, peering)).await
    }

    async fn authorize_rule(
        &self,
        at: &Place,
        group: &FirewallGroup,
        rule: InboundRule,
        peering: PeeringId,
    ) -> Result<FirewallRule, CloudError> {
        self.call(Operation::AuthorizeRule, at, || self.cloud.authorize_rule(at, group, rule, peering)).await
    }

    async fn revoke_rule(&self, at: &Place, group: &FirewallGroup, rule: &FirewallRule) -> Result<(), CloudError> {
        self.call(Operation::RevokeRule, at, || self.cloud.revoke_rule(at, group, rule)).await
    }
}
