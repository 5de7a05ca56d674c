//! What is held, and by whom.

use parking_lot::Mutex;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use thiserror::Error;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::{sleep, timeout},
};

/// How long a connection may be silent at first, a head may take to arrive, and a request's body;
/// as long an idle HTTP/1.1 connection is kept.
pub const ARRIVAL: Duration = Duration::from_secs(30);

/// How long a connection may be without a call, over HTTP/2.
const IDLE: Duration = Duration::from_secs(600);

/// How long whoever holds a connection for nothing may do so where the server is crowded.
const CROWDED: Duration = Duration::from_secs(1);

/// How long a connection that ends has for answers that are on their way.
const GRACE: Duration = Duration::from_millis(500);

/// How long a connection may leave its answers unread where those of all are too large together.
const UNREAD: Duration = Duration::from_secs(5);

/// What all connections may send before anybody asks for it, if each had the same.
const WINDOWS: usize = 64 << 20;
/// The largest window of a connection, and of a call on it; and the smallest, which is what HTTP/2
/// begins with.
const LARGEST_WINDOW: usize = 8 << 20;
const LARGEST_OF_CALL: usize = 2 << 20;
const SMALLEST_WINDOW: usize = 65_535;

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
    /// Bytes of answers that are not read, on all connections. Beyond that, and where there is no
    /// more room for large requests, a connection that reads nothing of its answers for a while
    /// ends.
    pub unread_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4_096,
            streams: 2_048,
            calls: 16_384,
            connection_bytes: 16 << 20,
            bytes: 128 << 20,
            unread_bytes: 128 << 20,
        }
    }
}

/// What is beyond a limit, or not there in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Excess {
    /// Calls, of all connections.
    #[error("as many calls as this server takes are open: ask again later")]
    Calls,
    /// Bytes of requests, of one connection.
    #[error(
        "the requests on this connection that are not answered are too large together: ask again later"
    )]
    ConnectionBytes,
    /// Bytes of requests, of all connections.
    #[error(
        "the requests at this server that are not answered are too large together: ask again later"
    )]
    Bytes,
    /// A request that does not come.
    #[error("the body did not arrive within {} s", .0.as_secs())]
    Late(Duration),
}

/// What all connections of a server hold.
#[derive(Debug)]
pub struct Shared {
    pub(crate) limits: Limits,
    calls: Arc<Semaphore>,
    bytes: AtomicUsize,
    unread: AtomicUsize,
    connections: AtomicUsize,
    is_crowded: watch::Sender<bool>,
    is_glutted: watch::Sender<bool>,
}

impl Shared {
    /// Of a server that nobody is connected to.
    pub fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self {
            limits,
            calls: Arc::new(Semaphore::new(limits.calls)),
            bytes: AtomicUsize::new(0),
            unread: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
            is_crowded: watch::Sender::new(false),
            is_glutted: watch::Sender::new(false),
        })
    }

    /// Notes how many connections there are; whether there may be one more.
    pub fn count(&self, connections: usize) -> bool {
        self.connections.store(connections, Ordering::Relaxed);
        let crowded = connections * 4 >= self.limits.connections * 3;
        self.is_crowded
            .send_if_modified(|it| std::mem::replace(it, crowded) != crowded);
        connections < self.limits.connections
    }

    /// So much more of answers waits to be read.
    fn wait_unread(&self, bytes: usize) {
        let before = self.unread.fetch_add(bytes, Ordering::Relaxed);
        if before <= self.limits.unread_bytes && before + bytes > self.limits.unread_bytes {
            self.judge();
        }
    }

    fn read(&self, bytes: usize) {
        let before = self.unread.fetch_sub(bytes, Ordering::Relaxed);
        if before > self.limits.unread_bytes && before - bytes <= self.limits.unread_bytes {
            self.judge();
        }
    }

    /// The most of what large requests may come to.
    fn most_of_large(&self) -> usize {
        self.limits.bytes / 4 * 3
    }

    fn judge(&self) {
        self.is_glutted.send_if_modified(|it| {
            let now = self.unread.load(Ordering::Relaxed) > self.limits.unread_bytes
                || self.bytes.load(Ordering::Relaxed) > self.most_of_large();
            std::mem::replace(it, now) != now
        });
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

/// What of a connection's answers waits to be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Unread {
    bytes: usize,
    /// How much was read so far.
    read: u64,
}

/// What one connection holds.
#[derive(Debug)]
pub struct Load {
    shared: Arc<Shared>,
    bytes: AtomicUsize,
    unread: Mutex<Unread>,
    calls: watch::Sender<Calls>,
}

impl Load {
    /// Of a connection that has no call yet.
    pub fn new(shared: Arc<Shared>) -> Arc<Self> {
        Arc::new(Self {
            shared,
            bytes: AtomicUsize::new(0),
            unread: Mutex::default(),
            calls: watch::Sender::new(Calls::default()),
        })
    }

    /// How many calls it may have open.
    pub(crate) fn streams(&self) -> u32 {
        self.shared.limits.streams
    }

    /// What its client may send before it is asked for: on the connection, and on each call.
    pub(crate) fn windows(&self) -> (u32, u32) {
        let connections = self.shared.connections.load(Ordering::Relaxed).max(1);
        let window = (WINDOWS / connections).clamp(SMALLEST_WINDOW, LARGEST_WINDOW);
        let of_call = window.min(LARGEST_OF_CALL);
        let size = |bytes| u32::try_from(bytes).unwrap_or(u32::MAX);
        (size(window), size(of_call))
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
    pub fn begin(self: &Arc<Self>) -> Result<Arc<Call>, Excess> {
        let permit = Arc::clone(&self.shared.calls).try_acquire_owned();
        let permit = permit.map_err(|_| Excess::Calls)?;
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

    /// Returns when answers at the server are too large together and this connection, which has
    /// some of them, has read nothing for a while.
    pub(crate) async fn unread(&self) {
        let mut glutted = self.shared.is_glutted.subscribe();
        while glutted.wait_for(|it| *it).await.is_ok() {
            let before = *self.unread.lock();
            sleep(UNREAD).await;
            let now = *self.unread.lock();
            if *glutted.borrow() && now.bytes > 0 && now.read == before.read {
                return;
            }
        }
    }

    /// Returns once every call is answered, or through, and answers had time to get out. Nobody is
    /// waited for who does not read.
    pub(crate) async fn finished(&self, which: WaitFor) {
        tokio::select! {
            () = self.through(which) => {}
            () = self.stuck() => {}
        }
    }

    /// Returns when nothing is owed but answers that have begun, and of those nothing was read for
    /// as long as answers have to get out.
    async fn stuck(&self) {
        let mut calls = self.calls.subscribe();
        while calls.wait_for(|it| it.unanswered == 0).await.is_ok() {
            let before = *self.unread.lock();
            sleep(GRACE).await;
            let is_owed = calls.borrow().unanswered > 0;
            let now = *self.unread.lock();
            if !is_owed && before.bytes > 0 && now == before {
                return;
            }
        }
    }

    async fn through(&self, which: WaitFor) {
        let mut calls = self.calls.subscribe();
        let left = |it: &Calls| match which {
            WaitFor::Answers => it.unanswered,
            WaitFor::Calls => it.open,
        };
        while calls.wait_for(|it| left(it) == 0).await.is_ok() {
            tokio::select! {
                () = sleep(GRACE) => return,
                Ok(_) = calls.wait_for(|it| left(it) > 0) => {}
            }
        }
    }

    pub(crate) fn wait_unread(&self, bytes: usize) {
        self.unread.lock().bytes += bytes;
        self.shared.wait_unread(bytes);
    }

    pub(crate) fn read(&self, bytes: usize) {
        {
            let mut unread = self.unread.lock();
            unread.bytes -= bytes;
            unread.read += bytes as u64;
        }
        self.shared.read(bytes);
    }
}

/// Whom a stop waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitFor {
    /// Answers that have not begun.
    Answers,
    /// Every call.
    Calls,
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
pub struct Call {
    pub(crate) load: Arc<Load>,
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
    pub fn answered(&self) {
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
pub struct Held {
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
    /// Holds nothing yet.
    pub fn new(load: Arc<Load>) -> Arc<Self> {
        let weight = Mutex::new(Weight::default());
        Arc::new(Self { load, weight })
    }

    /// So much will come beyond what has.
    pub fn expect(&self, more: usize) -> Result<(), Excess> {
        let mut weight = self.weight.lock();
        let all = weight.arrived.saturating_add(more);
        self.count(&mut weight, all)
    }

    /// More has come.
    pub fn take(&self, more: usize) -> Result<(), Excess> {
        let mut weight = self.weight.lock();
        weight.arrived += more;
        let all = weight.arrived;
        self.count(&mut weight, all)
    }

    /// What has come is somebody else's to count from now on.
    pub fn release(&self) {
        let before = std::mem::take(&mut *self.weight.lock());
        self.give_back(before.counted);
    }

    fn count(&self, weight: &mut Weight, all: usize) -> Result<(), Excess> {
        let Some(more) = all.checked_sub(weight.counted).filter(|it| *it > 0) else {
            return Ok(());
        };
        weight.counted = all;
        let (shared, limits) = (&self.load.shared, &self.load.shared.limits);
        let of_all = match all <= SMALL {
            true => limits.bytes,
            false => shared.most_of_large(),
        };
        let here = self.load.bytes.fetch_add(more, Ordering::Relaxed) + more;
        let everywhere = shared.bytes.fetch_add(more, Ordering::Relaxed) + more;
        if everywhere - more <= shared.most_of_large() && everywhere > shared.most_of_large() {
            shared.judge();
        }
        if here > limits.connection_bytes {
            return Err(Excess::ConnectionBytes);
        }
        if everywhere > of_all {
            return Err(Excess::Bytes);
        }
        Ok(())
    }

    fn give_back(&self, bytes: usize) {
        self.load.bytes.fetch_sub(bytes, Ordering::Relaxed);
        let shared = &self.load.shared;
        let before = shared.bytes.fetch_sub(bytes, Ordering::Relaxed);
        if before > shared.most_of_large() && before - bytes <= shared.most_of_large() {
            shared.judge();
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.give_back(self.weight.lock().counted);
    }
}
