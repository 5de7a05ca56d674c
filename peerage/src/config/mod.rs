//! The configuration: one TOML file, every key overridable by environment and by flag, every
//! mistake reported at once.
//!
//! Sources, later ones winning: the defaults below, the file, `PEERAGE_…` variables
//! (`PEERAGE_API__LISTEN` is `api.listen`), flags. A key that is not below is refused, wherever it
//! comes from: a misspelt key that is silently ignored is a setting that its owner believes in.

mod audit;
mod check_clouds;
mod cloud;
mod doors;
mod dry_run;
mod load;
#[cfg(test)]
mod tests;
mod traces;

pub use audit::{Audit, AuditWitness};
pub use cloud::{
    Answers, Aws, AwsAccount, Azure, AzureTenant, Cloud, CloudKind, Gcp, GcpProject, NotAKind,
    SYSTEM_IDENTITY, Simulated,
};
pub use doors::{Access, Client, ClientCertificates, Mode, Tls};
pub use dry_run::DryRun;
pub use load::{ConfigErrors, ENVIRONMENT};
pub use traces::{Traces, TracesProtocol};

use serde::{Deserialize, Serialize};
use std::{net::SocketAddr, num::NonZeroUsize, path::PathBuf, time::Duration};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Config {
    pub api: Api,
    pub store: Store,
    pub data: Data,
    pub cloud: Cloud,
    pub provisioner: Provisioner,
    pub log: Log,
    pub access: Access,
    pub client: Client,
    pub connectors: Connectors,
    pub secrets: Secrets,
    pub probes: Probes,
    pub audit: Audit,
    pub traces: Traces,
}

impl Config {
    /// Whether there is a way to know who calls.
    pub fn authenticates(&self) -> bool {
        let by_certificate = !self.api.tls.client_ca.as_os_str().is_empty();
        by_certificate || self.access.sockets || !self.access.issuers.is_empty()
    }
}

/// The API: gRPC, gRPC-Web and JSON on one port.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Api {
    /// An address and port, or `unix:///run/peerage/api.sock`.
    pub listen: gateway::Listen,
    /// Who may connect to a Unix socket: `0600` its owner, `0660` its group as well.
    pub socket_mode: Mode,
    /// Listens for other machines without TLS and without knowing who calls.
    pub insecure: bool,
    pub tls: Tls,
    /// The names by which callers reach it, beside loopback's and the address itself; a port may
    /// be part of one.
    pub hosts: Vec<gateway::Host>,
    /// The web pages that may call it, beside its own: `https://console.example.com`.
    pub origins: Vec<gateway::Origin>,
    /// How long a command may take, event store included.
    #[serde(with = "humantime_serde")]
    pub command_deadline: Duration,
    /// How long calls in flight may take once the process was asked to stop.
    #[serde(with = "humantime_serde")]
    pub drain: Duration,
}

/// What probes and scrapers see.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Probes {
    /// An address and port of their own for `/health/live`, `/health/ready` and `/metrics`, without
    /// TLS and for whoever reaches it. Absent: they are on the API's alone.
    pub listen: Option<SocketAddr>,
}

/// The event store.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Store {
    /// `kurrentdb://…` of a real KurrentDB. Empty: the embedded store, under the data directory.
    pub connection_string: String,
    /// Where the embedded store listens. Port 0: a free one. It answers the engine alone.
    pub embedded_listen: SocketAddr,
    /// Where it tells other clients to find it, by address or name, with a port or with the one
    /// that it listens on. Absent: where it listens, and 127.0.0.1 where that is everywhere.
    pub embedded_advertise: Option<embedded::Advertise>,
    /// Whether it answers other KurrentDB clients too, whoever they are. What they append, the
    /// engine acts on.
    pub embedded_open: bool,
    /// How long to wait for the store at start.
    #[serde(with = "humantime_serde")]
    pub startup_timeout: Duration,
    /// Waits at the start for what no waiting mends as well: a certificate that is not trusted, a
    /// password that is wrong, a right that is missing.
    pub wait: bool,
}

/// Where the files are.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Data {
    pub dir: PathBuf,
}

/// What connectors may do on this machine.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Connectors {
    /// The folder that connectors may write files into. Empty: they write none.
    pub files: PathBuf,
    /// How long this server keeps its attempts to deliver. None at all: it keeps none.
    #[serde(with = "humantime_serde")]
    pub keep_deliveries: Duration,
    /// How many bytes of the data directory they may take.
    pub most_delivery_bytes: u64,
}

/// What seals the secrets of connectors.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Secrets {
    /// The file with the master keys, the same at all servers of a store. Empty: `secrets.key` in
    /// the data directory where the store is there too, made at the first start; elsewhere there is
    /// none, and no connector can have a secret.
    pub key_file: PathBuf,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Provisioner {
    /// How many networks are worked on at once.
    pub parallel_networks: NonZeroUsize,
    /// How long something that was just made may stay invisible (AWS documents eventual consistency
    /// without a bound; minutes were seen).
    #[serde(with = "humantime_serde")]
    pub visibility_window: Duration,
    /// How often, at least, something that is not in place yet is looked at.
    #[serde(with = "humantime_serde")]
    pub poll_interval: Duration,
    /// The longest pause between two tries of something that fails.
    #[serde(with = "humantime_serde")]
    pub retry_ceiling: Duration,
    /// How long to wait after a refusal that time hardly cures, a quota or a request for a link,
    /// before the next try; each further one doubles it, up to six times as long. A command, or a
    /// check that somebody asks for, is tried at once.
    #[serde(with = "humantime_serde")]
    pub refusal_pause: Duration,
    /// For how long an account and region may fail to answer before that is told as a block.
    #[serde(with = "humantime_serde")]
    pub block_patience: Duration,
    /// For how long the peer's owner may take to give what an option needs of their half before
    /// that is told as a block.
    #[serde(with = "humantime_serde")]
    pub owner_patience: Duration,
    /// How often what is in place is compared with what it should be.
    #[serde(with = "humantime_serde")]
    pub drift_interval: Duration,
    /// How long to wait after the first repair of a thing before the next one; each further repair
    /// within a day doubles it.
    #[serde(with = "humantime_serde")]
    pub repair_pause: Duration,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Log {
    /// `info`, or finer, as `journal=debug,info`. The client's own log is off by default: the
    /// journal says the same once, not per call.
    pub filter: String,
    pub format: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    Text,
    Json,
}

impl Default for Api {
    fn default() -> Self {
        Self {
            listen: gateway::Listen::Tcp(loopback(2114)),
            socket_mode: Mode(0o600),
            insecure: false,
            tls: Tls::default(),
            hosts: Vec::new(),
            origins: Vec::new(),
            command_deadline: Duration::from_secs(5),
            drain: Duration::from_secs(10),
        }
    }
}

impl Default for Store {
    fn default() -> Self {
        Self {
            connection_string: String::new(),
            embedded_listen: loopback(0),
            embedded_advertise: None,
            embedded_open: false,
            startup_timeout: Duration::from_secs(60),
            wait: false,
        }
    }
}

impl Default for Connectors {
    fn default() -> Self {
        Self {
            files: PathBuf::new(),
            keep_deliveries: Duration::from_secs(7 * 86_400),
            most_delivery_bytes: 1 << 30,
        }
    }
}

impl Default for Data {
    fn default() -> Self {
        Self {
            dir: PathBuf::from("./peerage-data"),
        }
    }
}

impl Default for Provisioner {
    fn default() -> Self {
        Self {
            parallel_networks: NonZeroUsize::new(16).unwrap_or(NonZeroUsize::MIN),
            visibility_window: Duration::from_secs(300),
            poll_interval: Duration::from_secs(15),
            retry_ceiling: Duration::from_secs(60),
            refusal_pause: Duration::from_secs(3600),
            block_patience: Duration::from_secs(90),
            owner_patience: Duration::from_secs(24 * 3600),
            drift_interval: Duration::from_secs(300),
            repair_pause: Duration::from_secs(60),
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self {
            filter: "info,kurrentdb=off,fjall=warn,lsm_tree=warn,opentelemetry=warn".to_owned(),
            format: LogFormat::Text,
        }
    }
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}
