//! A node put together: log, engine, services, listener; and taken apart again.

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, Utc};
use futures::future::OptionFuture;
use limits::Limits;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use crate::{
    Durability, StartError,
    advertised::{Advertise, Advertised},
    engine::{Engine, Settings, SystemProjections},
    grpc::{self, Backups, Context},
    log::{self, DiskLog, Log, MemoryLog},
    net::{self, Info, LocalSocket, Server},
    persistent::Groups,
    read::Reader,
    scavenging::{self, Quiet},
    security::{Callers, Guard, Owner, Users},
    source::{Clock, NewId, random_ids, wall_clock},
    vital::Vital,
};

/// Up to 25.0 a real server refuses appends of more than this.
const MAX_APPEND_SIZE: usize = 1 << 20;

/// What callers may hold of a node. Clients wait silently once they have as many calls open as a
/// server allows, and keep a call open for each subscription: none should come near.
pub const LIMITS: Limits = Limits {
    connections: 4_096,
    streams: 4_096,
    calls: 16_384,
    connection_bytes: 64 << 20,
    bytes: 192 << 20,
    unread_bytes: 128 << 20,
};

/// A running event store. Dropping it stops it too, without waiting.
pub struct EmbeddedNode {
    address: SocketAddr,
    advertised: Advertised,
    is_tls: bool,
    stopping: CancellationToken,
    vital: Vital,
    shutdown: DropGuard,
    served: JoinHandle<()>,
    local: Option<JoinHandle<()>>,
    groups: Groups,
    engine: Engine,
}

/// Why a node shuts down by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// A client asked for it, or whoever started it.
    Asked,
    /// What writes its log has died: nothing can be appended any more. What was acknowledged is
    /// kept.
    WriterDied,
    /// Another part of it has died.
    PartDied(String),
}

/// How a node is to run. By default: in memory, on a free port of the loopback interface.
#[derive(Clone)]
pub struct Builder {
    listen: SocketAddr,
    advertise: Option<Advertise>,
    data: Option<PathBuf>,
    must_exist: bool,
    durability: Durability,
    max_append_size: usize,
    projections: SystemProjections,
    passwords: Option<Passwords>,
    owner: Option<Owner>,
    has_local_backups: bool,
    tls: Option<Tls>,
    limits: Limits,
    scavenge_every: Option<Duration>,
    clock: Clock,
    new_id: NewId,
}

/// A certificate chain and its key, both PEM.
#[derive(Clone)]
struct Tls {
    certificates: Vec<u8>,
    key: Vec<u8>,
}

/// The passwords of the two users that a store begins with.
#[derive(Clone)]
struct Passwords {
    admin: String,
    ops: String,
}

impl EmbeddedNode {
    /// Begins to say how a node is to run.
    #[must_use]
    pub fn builder() -> Builder {
        Builder {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            advertise: None,
            data: None,
            must_exist: false,
            durability: Durability::default(),
            max_append_size: MAX_APPEND_SIZE,
            projections: SystemProjections::default(),
            passwords: None,
            owner: None,
            has_local_backups: false,
            tls: None,
            limits: LIMITS,
            scavenge_every: None,
            clock: wall_clock(),
            new_id: random_ids(),
        }
    }

    /// The address it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The connection string for clients that reach it as it is advertised.
    #[must_use]
    pub fn advertised_connection_string(&self) -> String {
        format!("kurrentdb://{}?tls={}", self.advertised, self.is_tls)
    }

    /// The connection string for clients on this machine.
    ///
    /// It spares them the half second that the official Rust client otherwise waits before its
    /// first call.
    #[must_use]
    pub fn connection_string(&self) -> String {
        let mut address = self.address;
        if address.ip().is_unspecified() {
            address.set_ip(Ipv4Addr::LOCALHOST.into());
        }
        format!(
            "kurrentdb://{address}?tls={}&discoveryInterval=0",
            self.is_tls
        )
    }

    /// Comes when the node has begun to shut down: a client may ask for it, and a node that can
    /// write no more does so by itself. [`shutdown`](Self::shutdown) finishes it.
    pub fn stopping(&self) -> impl Future<Output = Stopped> + Send + use<> {
        let (stopping, died) = (self.stopping.clone(), self.engine.died.clone());
        let vital = self.vital.clone();
        async move {
            stopping.cancelled().await;
            match (died.is_cancelled(), vital.died()) {
                (true, _) => Stopped::WriterDied,
                (false, Some(part)) => Stopped::PartDied(part),
                (false, None) => Stopped::Asked,
            }
        }
    }

    /// Ends every open call with UNAVAILABLE, finishes the appends in flight, and releases the data
    /// directory.
    pub async fn shutdown(self) {
        drop(self.shutdown);
        if let Err(error) = self.served.await {
            tracing::error!(%error, "the listener failed");
        }
        if let Some(Err(error)) = OptionFuture::from(self.local).await {
            tracing::error!(%error, "the listener in the data directory failed");
        }
        self.groups.stop().await;
        let engine = self.engine;
        let stopped = tokio::task::spawn_blocking(move || engine.stop()).await;
        if let Err(error) = stopped {
            tracing::error!(%error, "the writer failed");
        }
    }
}

impl fmt::Debug for EmbeddedNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedNode")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Builder {
    /// Listens on this address; port 0 is a free one.
    #[must_use]
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        self
    }

    /// Tells clients that ask for the members of the cluster to find it here, instead of where it
    /// listens. Without it, a node that listens everywhere says 127.0.0.1.
    #[must_use]
    pub fn advertise(mut self, place: Advertise) -> Self {
        self.advertise = Some(place);
        self
    }

    /// Keeps the events in this directory, which is created if it does not exist.
    #[must_use]
    pub fn data_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.data = Some(directory.into());
        self
    }

    /// Refuses a data directory without a store instead of making one there.
    #[must_use]
    pub fn existing_only(mut self) -> Self {
        self.must_exist = true;
        self
    }

    /// Keeps the events in memory, for as long as the node runs.
    #[must_use]
    pub fn in_memory(mut self) -> Self {
        self.data = None;
        self
    }

    /// Says what an acknowledged append has to survive. In memory it makes no difference.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// The largest sum of the sizes of the events in one append: data, metadata, and twice the
    /// characters of the type. By default 1 MiB, as on a real server up to 25.0.
    #[must_use]
    pub fn max_append_size(mut self, bytes: usize) -> Self {
        self.max_append_size = bytes;
        self
    }

    /// Writes the links of the system projections: `$ce-`, `$et-`, `$bc-` and `$category-` streams.
    ///
    /// Events that were written without are linked when the store is opened.
    #[must_use]
    pub fn system_projections(mut self) -> Self {
        self.projections = SystemProjections::On;
        self
    }

    /// Writes these links if the store has been given them so far, and else does not.
    #[must_use]
    pub fn system_projections_as_found(mut self) -> Self {
        self.projections = SystemProjections::AsFound;
        self
    }

    /// Asks callers who they are, and holds them to the rules of streams.
    ///
    /// A store that has no users yet begins with `admin` and `ops`, who have these passwords; later
    /// they are not looked at.
    #[must_use]
    pub fn users(
        mut self,
        admin_password: impl Into<String>,
        ops_password: impl Into<String>,
    ) -> Self {
        self.passwords = Some(Passwords {
            admin: admin_password.into(),
            ops: ops_password.into(),
        });
        self
    }

    /// Answers one caller alone, who shows this name and password, and everybody else with
    /// UNAUTHENTICATED: for a store inside another program, whose port is on a machine that others
    /// share. Nothing of it is kept; users that the store has are left alone, and do not count.
    #[must_use]
    pub fn owned_by(mut self, login: &str, password: &str) -> Self {
        self.owner = Some(Owner::new(login, password));
        self
    }

    /// Lets the owner of the data directory read a backup through a socket there, without a
    /// password: `peerage node backup --data` asks it. In memory it makes no difference.
    #[must_use]
    pub fn local_backups(mut self) -> Self {
        self.has_local_backups = true;
        self
    }

    /// Speaks TLS only, with this certificate chain and private key, both PEM.
    #[must_use]
    pub fn tls(mut self, certificates: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        self.tls = Some(Tls {
            certificates: certificates.into(),
            key: key.into(),
        });
        self
    }

    /// What callers may hold of it at once, instead of [`LIMITS`]. Where the process may open few
    /// files there have to be fewer connections: the log needs files too.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Frees by itself, each time that so long has passed, what no reader of a stream can see any
    /// more: what is older than a stream's max count or max age. Without it a client has to ask.
    #[must_use]
    pub fn scavenge_every(mut self, every: Duration) -> Self {
        self.scavenge_every = Some(every);
        self
    }

    /// Stamps records with this clock's time instead of the machine's.
    #[must_use]
    pub fn clock(mut self, clock: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Takes the ids of the store's own records, and of subscriptions, from here. They must not
    /// repeat.
    #[must_use]
    pub fn ids(mut self, new_id: impl Fn() -> Uuid + Send + Sync + 'static) -> Self {
        self.new_id = Arc::new(new_id);
        self
    }

    /// Opens the store and begins to listen. The node can be connected to when this returns.
    pub async fn start(self) -> Result<EmbeddedNode, StartError> {
        let tls = self
            .tls
            .as_ref()
            .map(|tls| net::acceptor(&tls.certificates, &tls.key))
            .transpose()?;
        let listener = net::bind(self.listen)
            .await
            .and_then(|listener| Ok((listener.local_addr()?, listener)));
        let (address, listener) =
            listener.map_err(|source| StartError::listen(self.listen, source))?;
        let advertised = Advertised::of(self.advertise.as_ref(), address);
        let (shutdown, quiet) = (CancellationToken::new(), Quiet::default());
        let vital = Vital::of(shutdown.clone());
        let (log, engine) = self.open().await?;
        let reader = Reader::new(
            log,
            &engine,
            self.clock.clone(),
            self.new_id.clone(),
            shutdown.clone(),
        );
        let instance = (self.new_id)();
        let groups = Groups::start(reader.clone(), engine.writer.clone(), vital.clone()).await;
        let groups = groups
            .map_err(|error| StartError::read(self.data.clone().unwrap_or_default(), error))?;
        let guard = Guard::new(reader.clone(), self.callers(&reader, &engine).await?);
        let context = Context {
            writer: engine.writer.clone(),
            reader: reader.clone(),
            groups: groups.clone(),
            guard: guard.clone(),
            instance,
            advertised: advertised.clone(),
            max_append_size: self.max_append_size,
            clock: Arc::clone(&self.clock),
            has_projections: engine.projections == SystemProjections::On,
            quiet: quiet.clone(),
            backups: Backups::default(),
        };
        let context = Arc::new(context);
        let local = self.local_socket().map(|socket| {
            let routes = grpc::local_routes(Arc::clone(&context));
            let run = socket.run(routes, shutdown.clone());
            vital.spawn_able("the listener in its data directory", run)
        });
        let server = Server {
            routes: grpc::routes(context),
            info: Info {
                reader,
                instance,
                advertised: advertised.clone(),
                has_users: self.passwords.is_some(),
                has_projections: engine.projections == SystemProjections::On,
            },
            guard,
            tls,
            limits: self.limits,
            shutdown: shutdown.clone(),
        };
        let served = vital.spawn_able("its listener", server.run(listener));
        let (died, stop) = (engine.died.clone(), shutdown.clone());
        vital.spawn("what looks after its writer", async move {
            if let Some(()) = stop.run_until_cancelled(died.cancelled()).await {
                stop.cancel();
            }
        });
        if let Some(every) = self.scavenge_every {
            let (writer, stop) = (engine.writer.clone(), shutdown.clone());
            let run = scavenging::now_and_then(writer, quiet, every, stop);
            vital.spawn("its scavenging", run);
        }
        Ok(EmbeddedNode {
            address,
            advertised,
            is_tls: self.tls.is_some(),
            stopping: shutdown.clone(),
            vital,
            shutdown: shutdown.drop_guard(),
            served,
            local,
            groups,
            engine,
        })
    }

    /// The socket in the data directory. A node that cannot have it runs without.
    fn local_socket(&self) -> Option<LocalSocket> {
        let directory = self.data.as_deref().filter(|_| self.has_local_backups)?;
        let bound = LocalSocket::bind(directory);
        let failed = |error: &_| {
            tracing::warn!(%error, data = %directory.display(), "no backup can be read through the data directory");
        };
        bound.inspect_err(failed).ok()
    }

    async fn callers(&self, reader: &Reader, engine: &Engine) -> Result<Callers, StartError> {
        if let Some(owner) = &self.owner {
            return Ok(Callers::Owner(owner.clone()));
        }
        let Some(Passwords { admin, ops }) = &self.passwords else {
            return Ok(Callers::Everyone);
        };
        let users = Users::start(reader.clone(), engine.writer.clone(), admin, ops).await;
        Ok(Callers::Users(users.map_err(|error| {
            StartError::users(self.data.clone().unwrap_or_default(), error)
        })?))
    }

    async fn open(&self) -> Result<(Arc<dyn Log>, Engine), StartError> {
        let (data, durability, must_exist) = (self.data.clone(), self.durability, self.must_exist);
        let settings = Settings {
            clock: self.clock.clone(),
            new_id: self.new_id.clone(),
            projections: self.projections,
        };
        let opened = tokio::task::spawn_blocking(move || -> Result<_, StartError> {
            if let (Some(directory), true) = (&data, must_exist) {
                log::must_exist(directory)?;
            }
            let log: Arc<dyn Log> = match &data {
                Some(directory) => Arc::new(DiskLog::open(directory, durability)?),
                None => Arc::new(MemoryLog::default()),
            };
            let engine = Engine::start(log.clone(), settings)
                .map_err(|error| StartError::log(data.unwrap_or_default(), error))?;
            Ok((log, engine))
        });
        match opened.await {
            Ok(opened) => opened,
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        }
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("listen", &self.listen)
            .field("data", &self.data)
            .field("durability", &self.durability)
            .field("max_append_size", &self.max_append_size)
            .field("projections", &self.projections)
            .finish_non_exhaustive()
    }
}
