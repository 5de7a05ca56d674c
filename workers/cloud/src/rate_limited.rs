//! The manners of a good client, around any cloud: one rate limit per account, region and kind of
//! call, a deadline per call, and another try where nothing was done and a pause may help.
//!
//! Only failures that are certain to have changed nothing are tried again here; everything else is
//! for the caller, who reads before it repeats.

use crate::{
    AccountRegion, CallClass, Calls, Cloud, CloudError, CloudErrorKind, Layer, Operation,
    pace::{TokioClock, turn},
    trace::{self, Tried},
};
use backon::{ExponentialBuilder, Retryable};
use domain::{Provider, Region, text::Account};
use governor::{Quota, RateLimiter, middleware::NoOpMiddleware, state::keyed::HashMapStateStore};
use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, Span, field::Empty};

/// The limits of one client. The defaults stay well below AWS's published buckets (100 reads with
/// 20/s, writes 5/s and up).
#[derive(Clone, Debug)]
pub struct ClientPolicy {
    /// Reads of one kind per second, and as many at once.
    pub reads: NonZeroU32,
    /// Changes of one kind per second, and as many at once.
    pub writes: NonZeroU32,
    /// When a call without an answer counts as lost.
    pub deadline: Duration,
    /// How many times a call is made at most.
    pub tries: usize,
    /// The first pause between two tries, and the longest.
    pub first_pause: Duration,
    /// No pause between two tries is longer than this.
    pub longest_pause: Duration,
}

impl Default for ClientPolicy {
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

/// Which bucket a call draws from: one for each kind of call, as AWS has them, for all networks of
/// an account and region together, whatever is shown to enter the account.
type Key = (Provider, Account, Region, Operation);
type Limiter =
    RateLimiter<Key, HashMapStateStore<Key>, TokioClock, NoOpMiddleware<std::time::Instant>>;

/// What part of a limit is for what somebody only wants to know: one in so many.
const INQUIRIES: u32 = 4;

/// A cloud behind the limits of [`ClientPolicy`].
#[derive(Clone, Debug)]
pub struct RateLimited {
    cloud: Arc<dyn Cloud>,
    settings: ClientPolicy,
    limits: Arc<Limits>,
    /// What its calls draw from before they draw from the limits that all share.
    share: Option<Arc<Limiter>>,
    calls: Arc<Calls>,
    /// From then on nothing is waited for in order to be sent.
    stop: CancellationToken,
}

#[derive(Debug)]
struct Limits {
    reads: Limiter,
    writes: Limiter,
}

fn limiter(most: NonZeroU32) -> Limiter {
    Limiter::new(
        Quota::per_second(most),
        HashMapStateStore::default(),
        TokioClock,
    )
}

impl RateLimited {
    /// Puts limits, retries and counts around this cloud.
    pub fn new(cloud: Arc<dyn Cloud>, settings: ClientPolicy) -> Self {
        let limits = Arc::new(Limits {
            reads: limiter(settings.reads),
            writes: limiter(settings.writes),
        });
        Self {
            cloud,
            settings,
            limits,
            share: None,
            calls: Arc::default(),
            stop: CancellationToken::new(),
        }
    }

    /// The same, for who is to end at once then: what waits for its turn, or for another try, is
    /// not sent any more, and what was sent has its answer.
    #[must_use]
    pub fn until(self, stop: CancellationToken) -> Self {
        Self { stop, ..self }
    }

    /// The same cloud under the same limits, for what somebody only wants to know: however much is
    /// asked, a quarter of each limit is used for it, and the rest is for what is to be done.
    #[must_use]
    pub fn for_inquiries(&self) -> Self {
        let part = NonZeroU32::new(self.settings.reads.get() / INQUIRIES);
        Self {
            share: Some(Arc::new(limiter(part.unwrap_or(NonZeroU32::MIN)))),
            ..self.clone()
        }
    }

    /// The running counts.
    pub fn calls(&self) -> Arc<Calls> {
        Arc::clone(&self.calls)
    }

    async fn attempt<T>(
        &self,
        operation: Operation,
        at: &AccountRegion,
        attempt: u32,
        once: impl Future<Output = Result<T, CloudError>>,
    ) -> Result<T, CloudError> {
        let turn = self.wait_for_turn(operation, at);
        if self.stop.run_until_cancelled(turn).await.is_none() {
            let error = CloudError::new(operation, at, CloudErrorKind::Unreachable);
            return Err(error.message("not sent: the engine stops"));
        }
        let began = Instant::now();
        let span = span(operation, at, attempt);
        let once = tokio::time::timeout(self.settings.deadline, once).instrument(span.clone());
        let (result, request_id) = trace::named(once).await;
        let result = result.unwrap_or_else(|_| {
            let message = format!("no answer within {:?}", self.settings.deadline);
            Err(CloudError::new(operation, at, CloudErrorKind::Ambiguous).message(message))
        });
        say(&span, &result, request_id.as_deref());
        self.calls.note(operation, &result, began.elapsed());
        trace::note(Tried {
            operation,
            at,
            began,
            attempt,
            result: &result,
            request_id,
        });
        result
    }

    async fn wait_for_turn(&self, operation: Operation, at: &AccountRegion) {
        let all = match operation.class() {
            CallClass::Identity | CallClass::Read => &self.limits.reads,
            CallClass::Write => &self.limits.writes,
        };
        let key = (
            at.provider,
            at.account.clone(),
            at.region.clone(),
            operation,
        );
        for limiter in self.share.as_deref().into_iter().chain([all]) {
            turn(limiter, &key).await;
        }
    }
}

/// One try of a call, as a part of the work that makes it.
fn span(operation: Operation, at: &AccountRegion, attempt: u32) -> Span {
    tracing::info_span!(
        "cloud call", operation = operation.as_str(), provider = %at.provider, account = %at.account, region = %at.region,
        attempt, outcome = Empty, code = Empty, request_id = Empty
    )
}

/// Says what a try came to; the provider's own words are in the log alone.
fn say<T>(span: &Span, result: &Result<T, CloudError>, request_id: Option<&str>) {
    let error = result.as_ref().err();
    span.record("outcome", error.map_or("ok", |it| it.kind.as_str()));
    if let Some(code) = error.and_then(|it| it.code.as_deref()) {
        span.record("code", code);
    }
    let of_error = error.and_then(|it| it.request_id.as_deref());
    if let Some(id) = of_error.or(request_id) {
        span.record("request_id", id);
    }
}

fn asked_for(error: &CloudError) -> Duration {
    if let CloudErrorKind::Throttled {
        retry_after: Some(pause),
    } = error.kind
    {
        pause
    } else {
        Duration::ZERO
    }
}

impl Layer for RateLimited {
    fn inner(&self) -> &dyn Cloud {
        &*self.cloud
    }

    /// One call in the sense of the port: as many tries as are allowed and safe.
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
        let pauses = ExponentialBuilder::default()
            .with_min_delay(self.settings.first_pause)
            .with_max_delay(self.settings.longest_pause)
            .with_max_times(self.settings.tries.saturating_sub(1));
        let stop = self.stop.clone();
        let attempts = AtomicU32::new(0);
        let next = || attempts.fetch_add(1, Ordering::Relaxed) + 1;
        (|| self.attempt(operation, at, next(), once()))
            .retry(pauses)
            .sleep(move |pause| {
                let stop = stop.clone();
                async move {
                    let pause = tokio::time::sleep(pause);
                    stop.run_until_cancelled(pause).await;
                }
            })
            .when(|error| error.worth_a_retry() && !self.stop.is_cancelled())
            .adjust(|error, pause| pause.map(|pause| pause.max(asked_for(error))))
            .notify(|error, pause| tracing::debug!(%operation, %at, %error, ?pause, "cloud call failed, trying again"))
            .await
    }
}
