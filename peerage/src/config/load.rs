//! How a configuration comes together from its sources, and what is said of one that does not.

use super::{Client, ClientCertificates, Config};
use domain::access::Policy;
use figment::{
    Figment, Metadata, Profile, Provider, Source,
    providers::{Env, Format, Serialized, Toml},
    value::{Dict, Map, Value},
};
use serde::Deserialize;
use std::{collections::BTreeSet, fmt, path::Path, time::Duration};

/// The prefix of the environment variables; `__` separates the parts of a key.
pub const ENVIRONMENT: &str = "PEERAGE_";

/// Variables with the prefix that are the command line's own, not keys of the configuration.
const NOT_KEYS: [&str; 5] = ["server", "output", "actor", "config", "token"];

/// Variables that begin so are the tests'.
const OF_TESTS: &str = "test_";

/// Variables that begin so are made by Kubernetes for a Service named `peerage`, in every pod.
const OF_A_SERVICE: [&str; 2] = ["service_host", "service_port"];

fn is_key(name: &str) -> bool {
    let is_of_a_service = name == "port"
        || name.starts_with("port_")
        || OF_A_SERVICE.iter().any(|it| name.starts_with(it));
    !NOT_KEYS.contains(&name) && !name.starts_with(OF_TESTS) && !is_of_a_service
}

/// What the delivery log needs to be of any use, in bytes.
const LEAST_DELIVERY_BYTES: u64 = 1 << 20;

/// The longest that attempts are kept.
const MOST_KEPT: Duration = Duration::from_secs(366 * 86_400);

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
    /// Reads the file if one is named, then the environment, then the flags (`key`, value as in
    /// TOML or a bare text).
    pub fn load(file: Option<&Path>, flags: &[(String, String)]) -> Result<Self, ConfigErrors> {
        let mut figment = Figment::from(Serialized::defaults(Self::default()));
        if let Some(file) = file {
            if !file.is_file() {
                return Err(ConfigErrors(vec![format!(
                    "configuration file {}: no such file",
                    file.display()
                )]));
            }
            figment = figment.merge(Toml::file_exact(file));
        }
        let environment =
            Env::prefixed(ENVIRONMENT).filter(|name| is_key(&name.as_str().to_ascii_lowercase()));
        Self::extract(&with_flags(
            figment.merge(environment.split("__").lowercase(true)),
            flags,
        ))
    }

    /// The `client` section alone, of the file and the environment: whatever else is in them is the
    /// engine's.
    pub fn client(file: Option<&Path>) -> Result<Client, ConfigErrors> {
        let mut figment = Figment::from(Serialized::defaults(Self::default()));
        if let Some(file) = file {
            figment = figment.merge(Toml::file_exact(file));
        }
        let environment = Env::prefixed(&format!("{ENVIRONMENT}CLIENT__"));
        let figment = figment.merge(
            environment
                .map(|key| format!("client.{key}").into())
                .split("."),
        );
        let mut problems = Vec::new();
        let client = section(&figment, "client", &mut problems);
        if problems.is_empty() {
            Ok(client)
        } else {
            Err(ConfigErrors(problems))
        }
    }

    /// What these flags alone make of the defaults, whatever the environment says.
    pub fn of_flags(flags: &[(String, String)]) -> Result<Self, ConfigErrors> {
        Self::extract(&with_flags(
            Figment::from(Serialized::defaults(Self::default())),
            flags,
        ))
    }

    fn extract(figment: &Figment) -> Result<Self, ConfigErrors> {
        let merged: Value = figment.extract().map_err(|errors| {
            ConfigErrors(errors.into_iter().map(|it| it.to_string()).collect())
        })?;
        let mut problems = unknown_keys(figment, &merged);
        let config = Self {
            api: section(figment, "api", &mut problems),
            store: section(figment, "store", &mut problems),
            data: section(figment, "data", &mut problems),
            cloud: section(figment, "cloud", &mut problems),
            provisioner: section(figment, "provisioner", &mut problems),
            log: section(figment, "log", &mut problems),
            access: section(figment, "access", &mut problems),
            client: section(figment, "client", &mut problems),
            connectors: section(figment, "connectors", &mut problems),
            secrets: section(figment, "secrets", &mut problems),
            probes: section(figment, "probes", &mut problems),
            audit: section(figment, "audit", &mut problems),
            traces: section(figment, "traces", &mut problems),
        };
        config.check(&mut problems);
        if problems.is_empty() {
            Ok(config)
        } else {
            Err(ConfigErrors(problems))
        }
    }

    /// What no type can say.
    fn check(&self, problems: &mut Vec<String>) {
        self.check_tls(problems);
        self.check_access(problems);
        self.audit.check(problems);
        self.traces.check(problems);
        if self.cloud.mode.is_none() && !self.store.connection_string.is_empty() {
            problems.push(
                "cloud.mode: say which clouds the engine works on, like aws or aws,azure, or simulated: the store is not the engine's own, \
                 and what is written there stays"
                    .to_owned(),
            );
        }
        self.check_clouds(problems);
        if self.connectors.most_delivery_bytes < LEAST_DELIVERY_BYTES {
            problems.push(format!(
                "connectors.most_delivery_bytes: name {LEAST_DELIVERY_BYTES} at least; keep_deliveries = \"0s\" keeps none"
            ));
        }
        if self.connectors.keep_deliveries > MOST_KEPT {
            problems.push("connectors.keep_deliveries: name a year at most".to_owned());
        }
        if self.provisioner.drift_interval.is_zero() {
            problems.push(
                "provisioner.drift_interval: name a time that is longer than none".to_owned(),
            );
        }
    }
}

impl Config {
    fn check_access(&self, problems: &mut Vec<String>) {
        let access = &self.access;
        let policy = Policy {
            bindings: access.bindings.clone(),
            approvals: access.approvals.clone(),
        };
        let wrong = policy.check();
        problems.extend(wrong.iter().map(|it| format!("access: {it}")));
        let has_file = !access.policy.as_os_str().is_empty();
        let has_own = !access.bindings.is_empty() || !access.approvals.is_empty();
        if has_file && has_own {
            let text = "access.policy: name a file, or bindings and approvals, not both";
            problems.push(text.to_owned());
        }
        if access.sockets && matches!(self.api.listen, gateway::Listen::Tcp(_)) {
            problems.push(
                "access.sockets: api.listen is no Unix socket, so nobody comes by one".to_owned(),
            );
        }
        if !self.authenticates() && (has_file || has_own) {
            problems.push(
                "access: nobody can be known: name an issuer, api.tls.client_ca, or access.sockets"
                    .to_owned(),
            );
        }
    }

    fn check_tls(&self, problems: &mut Vec<String>) {
        let tls = &self.api.tls;
        let is_there = |path: &Path| !path.as_os_str().is_empty();
        if is_there(&tls.certificate) != is_there(&tls.key) {
            problems.push("api.tls: name both, the certificate and its key, or neither".to_owned());
        }
        if is_there(&tls.client_ca) && !is_there(&tls.certificate) {
            problems.push(
                "api.tls.client_ca: clients show certificates over TLS alone: name a certificate and \
                 key of the API's own"
                    .to_owned(),
            );
        }
        if tls.client_certificates == ClientCertificates::Required && !is_there(&tls.client_ca) {
            problems.push(
                "api.tls.client_certificates: name the authorities that issue them, as \
                 api.tls.client_ca"
                    .to_owned(),
            );
        }
    }
}

fn with_flags(figment: Figment, flags: &[(String, String)]) -> Figment {
    flags.iter().fold(figment, |figment, (key, value)| {
        figment.merge(Flag {
            key,
            value: flag_value(value),
        })
    })
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

fn section<T: Default + for<'de> Deserialize<'de>>(
    figment: &Figment,
    key: &str,
    problems: &mut Vec<String>,
) -> T {
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
        .filter(|key| !known.contains(key) && !is_free(key))
        .map(|key| {
            let origin = figment
                .find_metadata(&key)
                .map(|it| format!(" (from {})", origin(it)))
                .unwrap_or_default();
            format!("{key}: unknown key{origin}{}", suggestion(&key, &known))
        })
        .collect()
}

/// Whether whoever configures it names this key.
fn is_free(key: &str) -> bool {
    let free = [
        "cloud.aws.accounts.",
        "cloud.aws.tags.",
        "cloud.aws.regions.",
        "cloud.gcp.projects.",
        "cloud.azure.tenants.",
    ];
    free.iter().any(|it| key.starts_with(it))
}

fn keys(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    let Some(dict) = value
        .as_dict()
        .filter(|dict| path.is_empty() || !Dict::is_empty(dict))
    else {
        found.insert(path.to_owned());
        return;
    };
    for (key, inner) in dict {
        let path = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        keys(inner, &path, found);
    }
}

fn suggestion(key: &str, known: &BTreeSet<String>) -> String {
    let near = known
        .iter()
        .map(|it| (strsim::jaro_winkler(it, key), it))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match near {
        Some((likeness, it)) if likeness > 0.85 => format!("; did you mean {it}?"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kubernetes_says_of_a_service_named_peerage_is_no_key() {
        for name in [
            "port",
            "port_2114_tcp",
            "port_2114_tcp_addr",
            "port_2114_tcp_port",
            "port_2114_tcp_proto",
            "service_host",
            "service_port",
            "service_port_api",
        ] {
            assert!(!is_key(name), "{name}");
        }
        for name in [
            "api__listen",
            "portal",
            "services",
            "store__connection_string",
        ] {
            assert!(is_key(name), "{name}");
        }
    }
}
