//! The clouds that the engine works on, and how it reaches the accounts there.

use super::{Config, DryRun};
use domain::Provider;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    fmt,
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

/// The clouds that the provisioner works on.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Cloud {
    /// Which ones. On a store that is not the engine's own it has to be said: what is written there
    /// stays, and others read it.
    pub mode: Option<CloudKind>,
    pub simulated: Simulated,
    pub aws: Aws,
    pub gcp: Gcp,
    pub azure: Azure,
}

impl Cloud {
    /// Which ones they are.
    pub fn kind(&self) -> CloudKind {
        self.mode.clone().unwrap_or(CloudKind::Simulated)
    }
}

impl Config {
    /// Whether a simulation takes an old network, of which nobody has put on record at which cloud
    /// it is, to be its own. Where others have the store too, it does not.
    pub fn simulation_claims_unmarked(&self) -> bool {
        self.store.connection_string.is_empty()
    }
}

/// Which clouds there are: `simulated`, or providers, like `aws` or `aws,azure=simulated`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Given", into = "String")]
pub enum CloudKind {
    /// A cloud in this process, for trying things out; it speaks for all providers.
    Simulated,
    /// These providers, each with what answers for it. There is one at least.
    Providers(BTreeMap<Provider, Answers>),
}

/// What answers to the calls for a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// The provider, or what speaks its API at the endpoint that is configured.
    Provider,
    /// A cloud in this process.
    Simulation,
}

/// As it is written: one text, or a list of them.
#[derive(Deserialize)]
#[serde(untagged)]
enum Given {
    Text(String),
    List(Vec<String>),
}

/// Why a text names no clouds.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NotAKind {
    /// A word that is none of them.
    #[error(
        "`{0}` is no cloud: say aws, gcp, azure, several of them like aws,azure=simulated, or simulated"
    )]
    Unknown(String),
    /// What is made in a simulation must not pass for something else.
    #[error(
        "a cloud that is simulated for all providers is not named beside others: say for which one it is, like azure=simulated"
    )]
    SimulatedAmongOthers,
    /// What answers for a provider is one thing.
    #[error("{0} is named as itself and as simulated: say one of the two")]
    TwoAnswers(Provider),
    /// Not a word.
    #[error(
        "no cloud is named: say aws, gcp, azure, several of them like aws,azure=simulated, or simulated"
    )]
    Empty,
}

const SIMULATED: &str = "simulated";

impl CloudKind {
    fn of_words<'a>(words: impl Iterator<Item = &'a str>) -> Result<Self, NotAKind> {
        let words: BTreeSet<_> = words.map(str::trim).filter(|it| !it.is_empty()).collect();
        if words.contains(SIMULATED) {
            return match words.len() {
                1 => Ok(Self::Simulated),
                _ => Err(NotAKind::SimulatedAmongOthers),
            };
        }
        let mut providers = BTreeMap::new();
        for word in words {
            let (provider, answers) = one(word)?;
            match providers.entry(provider) {
                Entry::Vacant(entry) => {
                    entry.insert(answers);
                }
                Entry::Occupied(entry) if *entry.get() == answers => {}
                Entry::Occupied(_) => return Err(NotAKind::TwoAnswers(provider)),
            }
        }
        if providers.is_empty() {
            return Err(NotAKind::Empty);
        }
        Ok(Self::Providers(providers))
    }
}

/// One provider, like `aws`, or `aws=simulated`.
fn one(word: &str) -> Result<(Provider, Answers), NotAKind> {
    let unknown = || NotAKind::Unknown(word.to_owned());
    let (provider, answers) = match word.split_once('=') {
        None => (word, Answers::Provider),
        Some((provider, answers)) if answers.trim() == SIMULATED => (provider, Answers::Simulation),
        Some(_) => return Err(unknown()),
    };
    let provider = provider.trim().parse().map_err(|_| unknown())?;
    Ok((provider, answers))
}

impl CloudKind {
    /// Whether this provider itself is worked on, or what speaks its API.
    pub fn serves(&self, provider: Provider) -> bool {
        match self {
            Self::Simulated => false,
            Self::Providers(providers) => providers.get(&provider) == Some(&Answers::Provider),
        }
    }
}

impl FromStr for CloudKind {
    type Err = NotAKind;

    fn from_str(text: &str) -> Result<Self, NotAKind> {
        Self::of_words(text.split(','))
    }
}

impl TryFrom<Given> for CloudKind {
    type Error = NotAKind;

    fn try_from(given: Given) -> Result<Self, NotAKind> {
        match given {
            Given::Text(text) => text.parse(),
            Given::List(words) => Self::of_words(words.iter().map(String::as_str)),
        }
    }
}

impl From<CloudKind> for String {
    fn from(kind: CloudKind) -> Self {
        kind.to_string()
    }
}

impl fmt::Display for CloudKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Simulated => f.write_str(SIMULATED),
            Self::Providers(providers) => {
                let word = |(provider, answers): (&Provider, &Answers)| match answers {
                    Answers::Provider => provider.to_string(),
                    Answers::Simulation => format!("{provider}={SIMULATED}"),
                };
                let words: Vec<_> = providers.iter().map(word).collect();
                f.write_str(&words.join(","))
            }
        }
    }
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
    /// L-7E9ECCDB). Like the quotas that follow: said here, it holds whatever the account tells.
    pub links_per_network: Option<usize>,
    /// How many links of a VPC may wait for acceptance (AWS: 25).
    pub pending_links_per_network: Option<usize>,
    /// How many routes the quota of a route table allows (AWS: 500, up to 1,000 for the asking).
    pub routes_per_table: Option<usize>,
    /// How many rules the quota of a security group allows (AWS: 60, up to 1,000 for the asking).
    pub rules_per_group: Option<usize>,
    /// How many security groups the quota of a network interface allows (AWS: 5, up to 16 for the
    /// asking).
    pub groups_per_interface: Option<usize>,
    /// How long a request waits for its accepter (AWS: 168 hours), where the cloud does not tell.
    #[serde(with = "humantime_serde")]
    pub acceptance_window: Duration,
    /// The longest prefix that a range of a VPC may have (AWS: 28).
    pub longest_prefix: u8,
    /// How many inbound entries the quota of a network ACL allows (AWS: 20, up to 40 for the
    /// asking).
    pub network_acl_entries: usize,
    /// The first and the last number of the engine's own entries in network ACLs: below those of
    /// all entries that allow.
    pub network_acl_numbers: (u16, u16),
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
    pub groups_per_interface: Option<usize>,
    #[serde(with = "humantime_serde")]
    pub acceptance_window: Option<Duration>,
    pub longest_prefix: Option<u8>,
}

/// How to reach Google Cloud's projects.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Gcp {
    /// Another Compute API than Google's own, for emulators. Empty: Google's.
    pub endpoint: String,
    /// The key of a service account. Empty: Google's own order of places, which begins with
    /// `GOOGLE_APPLICATION_CREDENTIALS` and ends with the machine's own account.
    pub key_file: PathBuf,
    /// The priority of the engine's firewall rules; of two rules the one with the lower number
    /// decides.
    pub rule_priority: u16,
    /// How many live peerings the quota of a VPC network allows; absent, what the project tells,
    /// and where it does not, what Google Cloud gives every project (25).
    pub links_per_network: Option<usize>,
    /// How many dynamic routes a peering group may exchange (Google Cloud: 500).
    pub routes_per_network: Option<usize>,
    /// How many rules the network's firewall may have (Google Cloud: 1,000).
    pub rules_per_group: Option<usize>,
    /// The longest prefix that a range of a subnet may have (Google Cloud: 29).
    pub longest_prefix: u8,
    /// Regions that are newer than this program, with the partition of each; empty where the name
    /// tells it.
    pub regions: BTreeMap<String, String>,
    /// Quotas of projects that have others.
    pub projects: BTreeMap<String, GcpProject>,
}

/// What differs for one project.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GcpProject {
    pub links_per_network: Option<usize>,
    pub routes_per_network: Option<usize>,
    pub rules_per_group: Option<usize>,
    pub longest_prefix: Option<u8>,
}

/// What `managed_identity` says for the machine's own.
pub const SYSTEM_IDENTITY: &str = "system";

/// How to reach Azure's tenants.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Azure {
    /// Another Resource Manager than Azure's public one, for emulators and other clouds. Empty: the
    /// public one.
    pub endpoint: String,
    /// Where tokens are given. Empty: the public cloud's.
    pub login: String,
    /// What tokens are for. Empty: the endpoint.
    pub audience: String,
    /// The application that the engine is, known in every tenant that it works in.
    pub client_id: String,
    /// The file with its secret.
    pub secret_file: PathBuf,
    /// The file with a token of another issuer that it shows instead (workload identity).
    pub token_file: PathBuf,
    /// The identity that Azure gives the machine: `system` for the machine's own, or the client id
    /// of one that is assigned to it. With a `client_id` the application of that id trusts it.
    pub managed_identity: String,
    /// Where the machine's metadata service answers. Empty: where each machine of Azure's has it.
    pub metadata: String,
    /// The network security groups that the engine may write its rules into, by resource id.
    pub security_groups: Vec<String>,
    /// The least and the greatest priority of its rules there (Azure: 100 to 4096).
    pub rule_priorities: (u16, u16),
    /// How many live peerings the quota of a VNet allows; absent, what the subscription tells, and
    /// where it does not, what Azure gives every one (500, up to 1,000 for the asking).
    pub links_per_network: Option<usize>,
    /// How many rules a network security group may have (Azure: 1,000).
    pub rules_per_group: Option<usize>,
    /// How many routes a route table may have (Azure: 400).
    pub routes_per_table: Option<usize>,
    /// The longest prefix that a range of a VNet may have (Azure: 29).
    pub longest_prefix: u8,
    /// Regions that are newer than this program, with the partition of each; empty where the name
    /// tells it.
    pub regions: BTreeMap<String, String>,
    /// Quotas of tenants that have others.
    pub tenants: BTreeMap<String, AzureTenant>,
}

/// What differs for one tenant.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AzureTenant {
    pub links_per_network: Option<usize>,
    pub rules_per_group: Option<usize>,
    pub routes_per_table: Option<usize>,
    pub longest_prefix: Option<u8>,
}

impl Default for Gcp {
    fn default() -> Self {
        let quotas = Provider::Gcp.quotas();
        Self {
            endpoint: String::new(),
            key_file: PathBuf::new(),
            rule_priority: 1000,
            links_per_network: None,
            routes_per_network: None,
            rules_per_group: None,
            longest_prefix: quotas.longest_prefix,
            regions: BTreeMap::new(),
            projects: BTreeMap::new(),
        }
    }
}

impl Default for Azure {
    fn default() -> Self {
        let quotas = Provider::Azure.quotas();
        Self {
            endpoint: String::new(),
            login: String::new(),
            audience: String::new(),
            client_id: String::new(),
            secret_file: PathBuf::new(),
            token_file: PathBuf::new(),
            managed_identity: String::new(),
            metadata: String::new(),
            security_groups: Vec::new(),
            rule_priorities: (100, 999),
            links_per_network: None,
            rules_per_group: None,
            routes_per_table: None,
            longest_prefix: quotas.longest_prefix,
            regions: BTreeMap::new(),
            tenants: BTreeMap::new(),
        }
    }
}

impl Default for Aws {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            role_name: "peerage".to_owned(),
            links_per_network: None,
            pending_links_per_network: None,
            routes_per_table: None,
            rules_per_group: None,
            groups_per_interface: None,
            acceptance_window: Duration::from_secs(168 * 3600),
            longest_prefix: 28,
            network_acl_entries: 20,
            network_acl_numbers: (1, 99),
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
