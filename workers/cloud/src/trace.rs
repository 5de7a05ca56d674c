//! The calls that a piece of work makes, for the record: which, where, when, how long each took and
//! how it ended, try by try.
//!
//! The layer that makes the tries notes them ([`crate::RateLimited`]); who does the work collects
//! them ([`CallTrace::of`]). Both are in one task, and so a call belongs to the work that is polled
//! for it: the port's methods need no argument for it, and work that nobody collects notes nothing.
//! The adapter inside adds the provider's name for the call ([`answered_as`]).

use crate::{AccountRegion, CallClass, CloudError, Operation};
use chrono::TimeDelta;
use domain::{Clock, CloudCall, CloudCalls, network::Thing};
use parking_lot::Mutex;
use std::{cell::RefCell, fmt, sync::Arc};
use tokio::time::Instant;

tokio::task_local! {
    static COLLECTED: Collected;
    static REQUEST_ID: RefCell<Option<Box<str>>>;
}

/// What the work at hand collects.
#[derive(Clone)]
struct Collected {
    trace: CallTrace,
    thing: Option<Thing>,
}

/// Collects calls. Clones share what is collected.
#[derive(Clone)]
pub struct CallTrace {
    calls: Arc<Mutex<CloudCalls>>,
    clock: Clock,
}

impl fmt::Debug for CallTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CallTrace")
            .field(&*self.calls.lock())
            .finish()
    }
}

impl CallTrace {
    /// Goes on from these.
    pub fn new(clock: Clock, calls: CloudCalls) -> Self {
        Self {
            calls: Arc::new(Mutex::new(calls)),
            clock,
        }
    }

    /// Does this work, and collects the calls that it makes: those about this thing, where it is
    /// about one.
    pub async fn of<T>(&self, thing: Option<Thing>, work: impl Future<Output = T>) -> T {
        let trace = self.clone();
        COLLECTED.scope(Collected { trace, thing }, work).await
    }

    /// What was collected since it was taken last, as far as it fits into a record.
    pub fn take(&self) -> CloudCalls {
        std::mem::take(&mut *self.calls.lock()).for_the_record()
    }

    /// The same of whatever collects the calls of the work at hand; none if nothing does.
    pub fn take_here() -> CloudCalls {
        let taken = COLLECTED.try_with(|it| it.trace.take());
        taken.unwrap_or_default()
    }

    /// These could not be recorded, and are for the next record.
    pub fn put_back(&self, calls: CloudCalls) {
        self.calls.lock().put_back(calls);
    }
}

/// Says by which name the provider knows the call that is being made, whether it has succeeded or
/// failed.
pub fn answered_as(request_id: Option<&str>) {
    if let Some(id) = request_id {
        // A call that nobody collects has no place for it.
        let _ = REQUEST_ID.try_with(|it| it.replace(Some(id.into())));
    }
}

/// One try, and the provider's name for it if it was told.
pub(crate) async fn named<T>(once: impl Future<Output = T>) -> (T, Option<Box<str>>) {
    let once = async {
        let result = once.await;
        (result, REQUEST_ID.with(RefCell::take))
    };
    REQUEST_ID.scope(RefCell::default(), once).await
}

/// A try that has ended.
pub(crate) struct Tried<'a, T> {
    pub(crate) operation: Operation,
    pub(crate) at: &'a AccountRegion,
    pub(crate) began: Instant,
    pub(crate) attempt: u32,
    pub(crate) result: &'a Result<T, CloudError>,
    pub(crate) request_id: Option<Box<str>>,
}

/// Notes a try with whoever does the work.
pub(crate) fn note<T>(tried: Tried<'_, T>) {
    let _ = COLLECTED.try_with(|it| it.trace.calls.lock().note(it.call(tried)));
}

impl Collected {
    fn call<T>(&self, tried: Tried<'_, T>) -> CloudCall {
        let took = tried.began.elapsed();
        let error = tried.result.as_ref().err();
        let changes = tried.operation.class() == CallClass::Write;
        let failed_as = error.and_then(|it| it.request_id.clone());
        CloudCall {
            operation: tried.operation.as_str().to_owned(),
            changes,
            thing: self.thing.clone().filter(|_| changes),
            account: tried.at.account.to_string(),
            region: tried.at.region.to_string(),
            started: (self.trace.clock)() - TimeDelta::from_std(took).unwrap_or_default(),
            duration_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            attempt: tried.attempt,
            outcome: error
                .map_or(CloudCall::OK, |it| it.kind.as_str())
                .to_owned(),
            code: error.and_then(|it| it.code.as_deref()).map(str::to_owned),
            request_id: failed_as.or(tried.request_id).map(String::from),
        }
    }
}
