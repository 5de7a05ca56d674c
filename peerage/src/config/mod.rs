//! The configuration: one TOML file, every key overridable by environment and by flag, every
//! mistake reported at once.
//!
//! Sources, later ones winning: the defaults below, the file, `PEERAGE_…` variables
//! (`PEERAGE_API__LISTEN` is `api.listen`), flags. A key that is not below is refused, wherever it
//! comes from: a misspelt key that is silently ignored is a setting that its owner believes in.

mod doors;
mod dry_run;
mod load;
#[cfg(test)]
mod tests;

pub use doors::{Access, Client, ClientCertificates, Mode, Tls};
pub use dry_run::DryRun;
pub use load::{ConfigErrors, ENVIRONMENT};

use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap, net::SocketAddr, num::NonZeroUsize, path::PathBuf, time::Duration,
};

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
    /// Whether it answers other KurrentDB clients too, whoever they are. What they append, the
    /// engine acts on.
    pub embedded_open: bool,
    /// How long to wait for the store at start.
    #[serde(with = "humantime_serde")]
    pub startup_timeout: Duration,
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

/// The cloud that the provisioner works on.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Cloud {
    /// Which one. On a store that is not the engine's own it has to be said: what is written there
    /// stays, and others read it.
    pub mode: Option<CloudKind>,
    pub simulated: Simulated,
    pub aws: Aws,
}

impl Cloud {
    /// Which one it is.
    pub fn kind(&self) -> CloudKind {
        self.mode.unwrap_or(CloudKind::Simulated)
    }
}

impl Config {
    /// Whether an old network, of which nobody has put on record at which cloud it is, is taken to
    /// be at this engine's. Where others have a store too, a simulation does not.
    pub fn claims_unmarked(&self) -> bool {
        self.store.connection_string.is_empty() || self.cloud.kind() != CloudKind::Simulated
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CloudKind {
    /// A cloud in this process, for trying things out.
    Simulated,
    /// AWS, or anything that speaks EC2's API.
    Aws,
}

/// The cloud in this process.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Simulated {
    pub seed: u64,
}

/// How to reach AWS accounts.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Aws {
    /// Another endpoint than AWS's own, for emulators. Empty: AWS's.
    pub endpoint: String,
    /// The role to assume in every account that is not listed below.
    pub role_name: String,
    /// How many live peerings the quota of a VPC allows (AWS: 50, up to 125 for the asking,
    /// L-7E9ECCDB).
    pub links_per_network: usize,
    /// How many links of a VPC may wait for acceptance (AWS: 25).
    pub pending_links_per_network: usize,
    /// How many routes the quota of a route table allows (AWS: 500, up to 1,000 for the asking).
    pub routes_per_table: usize,
    /// How many rules the quota of a security group allows (AWS: 60, up to 1,000 for the asking).
    pub rules_per_group: usize,
    /// Whether the endpoint only rehearses a call that says so. One that ignores it does what was
    /// to be rehearsed.
    pub dry_run: DryRun,
    /// Accounts with a role of their own.
    pub accounts: BTreeMap<String, AwsAccount>,
    /// Tags on everything that is made, beside the engine's own.
    pub tags: BTreeMap<String, String>,
    /// Regions that are newer than this program, with the partition of each, like `aws`; empty
    /// where the name tells it.
    pub regions: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AwsAccount {
    pub role_arn: String,
    pub external_id: String,
    /// The quotas of this account, where they are others than those of all.
    pub links_per_network: Option<usize>,
    pub pending_links_per_network: Option<usize>,
    pub routes_per_table: Option<usize>,
    pub rules_per_group: Option<usize>,
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
            embedded_open: false,
            startup_timeout: Duration::from_secs(60),
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

impl Default for Aws {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            role_name: "peerage".to_owned(),
            links_per_network: 50,
            pending_links_per_network: 25,
            routes_per_table: 500,
            rules_per_group: 60,
            dry_run: DryRun::Auto,
            accounts: BTreeMap::new(),
            tags: BTreeMap::new(),
            regions: BTreeMap::new(),
        }
    }
}

impl Default for Simulated {
    fn default() -> Self {
        Self { seed: 1 }
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
            drift_interval: Duration::from_secs(300),
            repair_pause: Duration::from_secs(60),
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self {
            filter: "info,kurrentdb=off,fjall=warn,lsm_tree=warn".to_owned(),
            format: LogFormat::Text,
        }
    }
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}
