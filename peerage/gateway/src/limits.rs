//! What callers may hold of the server: connections, calls, bytes of requests that are not
//! answered, and time.
//!
//! Nothing here waits for room. What is beyond a limit is refused with a type that says so, because
//! a queue of those who wait is one more thing that a caller can make large.

use crate::refusal::Refusal;
use http::StatusCode;
use parking_lot::Mutex;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::{sleep, timeout},
};
use tonic::Code;

/// How long a connection may be silent at first, a head may take to arrive, and a request's body;
/// as long an idle HTTP/1.1 connection is kept.
pub(crate) const ARRIVAL: Duration = Duration::from_secs(30);

/// How long a connection may be without a call, over HTTP/2.
const IDLE: Duration = Duration::from_secs(600);

/// How long whoever holds a connection for nothing may do so where the server is crowded.
const CROWDED: Duration = Duration::from_secs(1);

/// How long a connection that ends has for answers that are on their way.
const GRACE: Duration = Duration::from_millis(500);

/// A call that has sent no more than this is small: there is room for it when there is none for
/// large ones.
const SMALL: usize = 16 << 10;

/// The most that callers may hold of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once. Where three quarters of them are there, those that do nothing end
    /// after a second.
    pub connections: usize,
    /// Calls at once on one connection; watches count. HTTP/2 tells clients, which wait.
    pub streams: u32,
    /// Calls at once on all connections.
    pub calls: usize,
    /// Bytes of requests that are not answered, on one connection.
    pub connection_bytes: usize,
    /// The same on all connections. The last quarter is for small requests.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4_096,
            streams: 2_048,
            calls: 16_384,
            connection_bytes: 16 << 20,
            bytes: 128 << 20,
        }
    }
}

/// What all connections of a server hold.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) limits: Limits,
    calls: Arc<Semaphore>,
    bytes: AtomicUsize,
    is_crowded: watch::Sender<bool>,
}

impl Shared {
    pub(crate) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self {
            limits,
            calls: Arc::new(Semaphore::new(limits.calls)),
            bytes: AtomicUsize::new(0),
            is_crowded: watch::Sender::new(false),
        })
    }

    /// Notes how many connections there are.
    pub(crate) fn count(&self, connections: usize) {
        let crowded = connections * 4 >= self.limits.connections * 3;
        self.is_crowded
            .send_if_modified(|it| std::mem::replace(it, crowded) != crowded);
    }
}

/// The calls of a connection.
#[derive(Clone, Copy, Debug, Default)]
struct Calls {
    /// Those whose answers are not through.
    open: usize,
    /// Those of which no answer has begun, and whose callers wait for it.
    unanswered: usize,
}

/// What one connection holds.
#[derive(Debug)]
pub(crate) struct Load {
    shared: Arc<Shared>,
    bytes: AtomicUsize,
    calls: watch::Sender<Calls>,
}

impl Load {
    pub(crate) fn new(shared: Arc<Shared>) -> Arc<Self> {
        Arc::new(Self {
            shared,
            bytes: AtomicUsize::new(0),
            calls: watch::Sender::new(Calls::default()),
        })
    }

    /// How many calls it may have open.
    pub(crate) fn streams(&self) -> u32 {
        self.shared.limits.streams
    }

    /// Returns when whoever holds a connection for nothing has had enough time.
    pub(crate) async fn run_out(&self, calm: Duration) {
        let mut crowded = self.shared.is_crowded.subscribe();
        let grown = async { crowded.wait_for(|it| *it).await.is_ok() };
        if timeout(calm, grown).await.is_ok() {
            sleep(CROWDED.min(calm)).await;
        }
    }

    /// A call begins.
    pub(crate) fn begin(self: &Arc<Self>) -> Result<Arc<Call>, Refusal> {
        let permit = Arc::clone(&self.shared.calls).try_acquire_owned();
        let permit = permit.map_err(|_| busy("as many calls as this server takes are open"))?;
        self.calls.send_modify(|it| {
            it.open += 1;
            it.unanswered += 1;
        });
        Ok(Arc::new(Call {
            load: Arc::clone(self),
            stage: Mutex::new(Stage::Unanswered),
            _permit: permit,
        }))
    }

    /// Returns once no call was open for a while.
    pub(crate) async fn idle(&self) {
        let mut calls = self.calls.subscribe();
        while calls.wait_for(|it| it.open == 0).await.is_ok() {
            tokio::select! {
                () = self.run_out(IDLE) => return,
                _ = calls.changed() => {}
            }
        }
    }

    /// Returns once every call is answered, and answers had time to get through. Nobody is waited
    /// for who does not read.
    pub(crate) async fn finished(&self) {
        let mut calls = self.calls.subscribe();
        while calls.wait_for(|it| it.unanswered == 0).await.is_ok() {
            tokio::select! {
                () = sleep(GRACE) => return,
                Ok(_) = calls.wait_for(|it| it.unanswered > 0) => {}
            }
        }
    }
}

/// How far a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Unanswered,
    /// Its caller has more of the request to send: nothing is owed to it meanwhile.
    Awaited,
    Answered,
}

/// A call that is open.
#[derive(Debug)]
pub(crate) struct Call {
    load: Arc<Load>,
    stage: Mutex<Stage>,
    _permit: OwnedSemaphorePermit,
}

impl Call {
    /// More of its request is awaited, or has come.
    pub(crate) fn awaited(&self, is_awaited: bool) {
        let mut stage = self.stage.lock();
        match (*stage, is_awaited) {
            (Stage::Unanswered, true) => {
                *stage = Stage::Awaited;
                self.load.calls.send_modify(|it| it.unanswered -= 1);
            }
            (Stage::Awaited, false) => {
                *stage = Stage::Unanswered;
                self.load.calls.send_modify(|it| it.unanswered += 1);
            }
            (Stage::Unanswered | Stage::Awaited | Stage::Answered, _) => {}
        }
    }

    /// Its answer has begun.
    pub(crate) fn answered(&self) {
        let before = std::mem::replace(&mut *self.stage.lock(), Stage::Answered);
        if before == Stage::Unanswered {
            self.load.calls.send_modify(|it| it.unanswered -= 1);
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.answered();
        self.load.calls.send_modify(|it| it.open -= 1);
    }
}

/// The bytes of a request, from their arrival until it is answered.
#[derive(Debug)]
pub(crate) struct Held {
    load: Arc<Load>,
    weight: Mutex<Weight>,
}

#[derive(Debug, Default)]
struct Weight {
    /// What has come.
    arrived: usize,
    /// What was counted: no less than that.
    counted: usize,
}

impl Held {
    pub(crate) fn new(load: Arc<Load>) -> Arc<Self> {
        let weight = Mutex::new(Weight::default());
        Arc::new(Self { load, weight })
    }

    /// So much will come.
    pub(crate) fn expect(&self, all: usize) -> Result<(), Refusal> {
        self.count(&mut self.weight.lock(), all)
    }

    /// More has come.
    pub(crate) fn take(&self, more: usize) -> Result<(), Refusal> {
        let mut weight = self.weight.lock();
        weight.arrived += more;
        let all = weight.arrived;
        self.count(&mut weight, all)
    }

    fn count(&self, weight: &mut Weight, all: usize) -> Result<(), Refusal> {
        let Some(more) = all.checked_sub(weight.counted).filter(|it| *it > 0) else {
            return Ok(());
        };
        weight.counted = all;
        let limits = &self.load.shared.limits;
        let of_all = match all <= SMALL {
            true => limits.bytes,
            false => limits.bytes / 4 * 3,
        };
        let here = self.load.bytes.fetch_add(more, Ordering::Relaxed) + more;
        let everywhere = self.load.shared.bytes.fetch_add(more, Ordering::Relaxed) + more;
        if here > limits.connection_bytes {
            return Err(busy(
                "the requests on this connection that are not answered are too large together",
            ));
        }
        if everywhere > of_all {
            return Err(busy(
                "the requests at this server that are not answered are too large together",
            ));
        }
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let all = self.weight.lock().counted;
        self.load.bytes.fetch_sub(all, Ordering::Relaxed);
        self.load.shared.bytes.fetch_sub(all, Ordering::Relaxed);
    }
}

fn busy(text: &str) -> Refusal {
    Refusal::new(
        StatusCode::TOO_MANY_REQUESTS,
        Code::ResourceExhausted,
        "SERVER_BUSY",
        format!("{text}: ask again later"),
    )
}

/// What is due and does not come.
pub(crate) fn too_slow(allowed: Duration) -> Refusal {
    Refusal::new(
        StatusCode::REQUEST_TIMEOUT,
        Code::DeadlineExceeded,
        "BODY_TOO_SLOW",
        format!("the body did not arrive within {} s", allowed.as_secs()),
    )
}

/// A call that the server's end cuts off.
pub(crate) fn cut_off() -> Refusal {
    Refusal::new(
        StatusCode::SERVICE_UNAVAILABLE,
        Code::Unavailable,
        "SERVER_STOPPED",
        "the server stopped before this call was answered: ask again; a command with the same id is carried out once",
    )
}
