//! The configuration: one TOML file, every key overridable by environment and by flag, every mistake reported at once.
//!
//! Sources, later ones winning: the defaults below, the file, `PEERAGE_…` variables (`PEERAGE_API__LISTEN` is `api.listen`), flags.
//! A key that is not below is refused, wherever it comes from: a misspelt key that is silently ignored is a setting that its
//! owner believes in.

use figment::{
    Figment, Metadata, Profile, Provider, Source,
    providers::{Env, Format, Serialized, Toml},
    value::{Dict, Map, Value},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::SocketAddr,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    time::Duration,
};

/// The prefix of the environment variables; `__` separates the parts of a key.
pub const ENVIRONMENT: &str = "PEERAGE_";

/// Variables with the prefix that are the command line's own, not keys of the configuration.
const NOT_KEYS: [&str; 4] = ["server", "output", "actor", "config"];

/// Variables that begin so are the tests'.
const OF_TESTS: &str = "test_";

fn is_key(name: &str) -> bool {
    !NOT_KEYS.contains(&name) && !name.starts_with(OF_TESTS)
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Config {
    pub api: Api,
    pub store: Store,
    pub data: Data,
    pub cloud: Cloud,
    pub provisioner: Provisioner,
    pub log: Log,
}

/// The gRPC API.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Api {
    pub listen: SocketAddr,
    /// How long a command may take, event store included.
    #[serde(with = "humantime_serde")]
    pub command_deadline: Duration,
    /// How long calls in flight may take once the process was asked to stop.
    #[serde(with = "humantime_serde")]
    pub drain: Duration,
}

/// The event store.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Store {
    /// `kurrentdb://…` of a real KurrentDB. Empty: the embedded store, under the data directory.
    pub connection_string: String,
    /// Where the embedded store listens, for other KurrentDB clients to look in. Port 0: a free one.
    pub embedded_listen: SocketAddr,
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

/// The cloud that the provisioner works on.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Cloud {
    pub mode: CloudMode,
    pub simulated: Simulated,
    pub aws: Aws,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CloudMode {
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
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Aws {
    /// Another endpoint than AWS's own, for emulators. Empty: AWS's.
    pub endpoint: String,
    /// The role to assume in every account that is not listed below.
    pub role_name: String,
    /// Accounts with a role of their own.
    pub accounts: BTreeMap<String, AwsAccount>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AwsAccount {
    pub role_arn: String,
    pub external_id: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Provisioner {
    /// How many networks are worked on at once.
    pub parallel_networks: NonZeroUsize,
    /// How long something that was just made may stay invisible (AWS documents eventual consistency without a bound; minutes were
    /// seen).
    #[serde(with = "humantime_serde")]
    pub visibility_window: Duration,
    /// How often, at least, something that is not in place yet is looked at.
    #[serde(with = "humantime_serde")]
    pub poll_interval: Duration,
    /// The longest pause between two tries of something that fails.
    #[serde(with = "humantime_serde")]
    pub retry_ceiling: Duration,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Log {
    /// `info`, or finer, as `journal=debug,info`. The client's own log is off by default: the journal says the same once, not per call.
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
        Self { listen: loopback(2114), command_deadline: Duration::from_secs(5), drain: Duration::from_secs(10) }
    }
}

impl Default for Store {
    fn default() -> Self {
        Self { connection_string: String::new(), embedded_listen: loopback(0), startup_timeout: Duration::from_secs(60) }
    }
}

impl Default for Data {
    fn default() -> Self {
        Self { dir: PathBuf::from("./peerage-data") }
    }
}

impl Default for Cloud {
    fn default() -> Self {
        Self { mode: CloudMode::Simulated, simulated: Simulated::default(), aws: Aws { role_name: "peerage".to_owned(), ..Aws::default() } }
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
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { filter: "info,kurrentdb=off,fjall=warn,lsm_tree=warn".to_owned(), format: LogFormat::Text }
    }
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// Everything that is wrong with a configuration, one line each.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<String>);

impl std::error::Error for ConfigErrors {}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl Config {
    /// Reads the file if one is named, then the environment, then the flags (`key`, value as in TOML or a bare text).
    pub fn load(file: Option<&Path>, flags: &[(String, String)]) -> Result<Self, ConfigErrors> {
        let mut figment = Figment::from(Serialized::defaults(Self::default()));
        if let Some(file) = file {
            if !file.is_file() {
                return Err(ConfigErrors(vec![format!("configuration file {}: no such file", file.display())]));
            }
            figment = figment.merge(Toml::file_exact(file));
        }
        let environment = Env::prefixed(ENVIRONMENT).filter(|name| is_key(&name.as_str().to_ascii_lowercase()));
        figment = figment.merge(environment.split("__").lowercase(true));
        for (key, value) in flags {
            figment = figment.merge(Flag { key, value: flag_value(value) });
        }
        Self::extract(&figment)
    }

    fn extract(figment: &Figment) -> Result<Self, ConfigErrors> {
        let merged: Value = figment.extract().map_err(|errors| ConfigErrors(errors.into_iter().map(|it| it.to_string()).collect()))?;
        let mut problems = unknown_keys(figment, &merged);
        let config = Self {
            api: section(figment, "api", &mut problems),
            store: section(figment, "store", &mut problems),
            data: section(figment, "data", &mut problems),
            cloud: section(figment, "cloud", &mut problems),
            provisioner: section(figment, "provisioner", &mut problems),
            log: section(figment, "log", &mut problems),
        };
        config.check(&mut problems);
        if problems.is_empty() { Ok(config) } else { Err(ConfigErrors(problems)) }
    }

    /// What no type can say.
    fn check(&self, problems: &mut Vec<String>) {
        for account in self.cloud.aws.accounts.keys().filter(|it| it.len() != 12 || !it.bytes().all(|b| b.is_ascii_digit())) {
            problems.push(format!("cloud.aws.accounts.{account}: an AWS account id has 12 digits"));
        }
    }
}

/// One key given on the command line.
struct Flag<'a> {
    key: &'a str,
    value: Value,
}

impl Provider for Flag<'_> {
    fn metadata(&self) -> Metadata {
        Metadata::named("the command line")
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Serialized::global(self.key, &self.value).data()
    }
}

/// A flag's value: what TOML makes of it, or the text as it is.
fn flag_value(text: &str) -> Value {
    let wrapped = format!("value = {text}");
    match Figment::from(Toml::string(&wrapped)).find_value("value") {
        Ok(value) => value,
        Err(_) => Value::from(text),
    }
}

fn section<T: Default + for<'de> Deserialize<'de>>(figment: &Figment, key: &str, problems: &mut Vec<String>) -> T {
    match figment.extract_inner(key) {
        Ok(section) => section,
        Err(errors) => {
            problems.extend(errors.into_iter().map(|error| describe(key, error)));
            T::default()
        }
    }
}

fn describe(section: &str, mut error: figment::Error) -> String {
    // What was extracted comes last in the path, though it is the outermost.
    if error.path.last().is_some_and(|it| it == section) {
        error.path.pop();
    }
    let key = format!("{section}.{}", error.path.join("."));
    match error.metadata.as_ref().map(origin) {
        Some(origin) => format!("{key}: {} (from {origin})", error.kind),
        None => format!("{key}: {}", error.kind),
    }
}

fn origin(metadata: &Metadata) -> String {
    match &metadata.source {
        Some(Source::File(path)) => path.display().to_string(),
        _ => metadata.name.to_string(),
    }
}

/// The keys of the merged configuration that the defaults do not have.
fn unknown_keys(figment: &Figment, merged: &Value) -> Vec<String> {
    let mut known = BTreeSet::new();
    if let Ok(defaults) = Value::serialize(Config::default()) {
        keys(&defaults, "", &mut known);
    }
    let mut given = BTreeSet::new();
    keys(merged, "", &mut given);
    given
        .into_iter()
        .filter(|key| !known.contains(key) && !key.starts_with("cloud.aws.accounts."))
        .map(|key| {
            let origin = figment.find_metadata(&key).map(|it| format!(" (from {})", origin(it))).unwrap_or_default();
            format!("{key}: unknown key{origin}{}", suggestion(&key, &known))
        })
        .collect()
}

fn keys(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    let Some(dict) = value.as_dict().filter(|dict| path.is_empty() || !Dict::is_empty(dict)) else {
        found.insert(path.to_owned());
        return;
    };
    for (key, inner) in dict {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        keys(inner, &path, found);
    }
}

fn suggestion(key: &str, known: &BTreeSet<String>) -> String {
    let near = known.iter().map(|it| (strsim::jaro_winkler(it, key), it)).max_by(|a, b| a.0.total_cmp(&b.0));
    match near {
        Some((likeness, it)) if likeness > 0.85 => format!("; did you mean {it}?"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(toml: &str, flags: &[(&str, &str)]) -> Result<Config, ConfigErrors> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), toml).unwrap();
        let flags: Vec<_> = flags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Config::load(Some(file.path()), &flags)
    }

    #[test]
    fn no_file_and_no_flag_give_the_defaults() {
        let config = Config::load(None, &[]).unwrap();
        assert_eq!(config.api.listen, loopback(2114));
        assert_eq!(config.cloud.mode, CloudMode::Simulated);
    }

    #[test]
    fn the_file_overrides_the_defaults_and_a_flag_the_file() {
        let toml = "[api]\nlisten = \"127.0.0.1:9\"\ncommand_deadline = \"2s\"\n[cloud.aws.accounts.111122223333]\nexternal_id = \"x\"";
        let config = load(toml, &[("api.listen", "127.0.0.1:10"), ("cloud.simulated.seed", "7")]).unwrap();
        assert_eq!(config.api.listen, loopback(10));
        assert_eq!(config.api.command_deadline, Duration::from_secs(2));
        assert_eq!(config.cloud.simulated.seed, 7);
        assert_eq!(config.cloud.aws.accounts["111122223333"].external_id, "x");
    }

    #[test]
    fn every_mistake_is_reported_at_once_with_its_key() {
        let toml = "[api]\nlisten = \"nowhere\"\n[provisioner]\nparallel_networks = \"many\"\n[log]\nformt = \"json\"\n[cloudy]\nx = 1";
        let ConfigErrors(problems) = load(toml, &[("store.conection_string", "kurrentdb://x")]).unwrap_err();
        for key in ["api.listen: ", "provisioner.parallel_networks: ", "log.formt: unknown key", "cloudy.x: unknown key"] {
            assert!(problems.iter().any(|line| line.starts_with(key)), "{key} in {problems:#?}");
        }
        let misspelt = problems.iter().find(|line| line.starts_with("store.conection_string")).unwrap();
        assert_eq!(misspelt, "store.conection_string: unknown key (from the command line); did you mean store.connection_string?");
        assert_eq!(problems.len(), 5, "{problems:#?}");
    }

    #[test]
    fn a_file_that_is_not_there_or_is_no_toml_is_named() {
        assert!(Config::load(Some(Path::new("/no/such/file")), &[]).unwrap_err().to_string().contains("/no/such/file"));
        assert!(load("[api", &[]).is_err());
    }
}
