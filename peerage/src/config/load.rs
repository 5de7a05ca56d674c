//! How a configuration comes together from its sources, and what is said of one that does not.

use super::{Client, ClientCertificates, Config};
use domain::access::Policy;
use figment::{
    Figment, Metadata, Profile, Provider, Source,
    error::Kind,
    providers::{Env, Format, Serialized, Toml},
    value::{Dict, Map, Value},
};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::Path,
    time::Duration,
};

/// The prefix of the environment variables; `__` separates the parts of a key.
pub const ENVIRONMENT: &str = "PEERAGE_";

/// Whether this variable, without the prefix, is a key of the configuration: each is in a section.
/// What is not is the command line's own, or Kubernetes made it for a Service whose name begins so,
/// in every pod of its namespace.
fn is_key(name: &str) -> bool {
    name.contains("__") && !name.starts_with(OF_TESTS)
}

/// Variables that begin so are the tests'.
const OF_TESTS: &str = "test_";

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
        let environment = Env::prefixed(ENVIRONMENT)
            .filter(|name| is_key(&name.as_str().to_ascii_lowercase()))
            .split("__")
            .lowercase(true);
        let mut texts = texts_of(&environment);
        texts.extend(flags.iter().map(|(key, text)| (key.clone(), text.clone())));
        let merged = with_flags(figment.merge(environment), flags);
        Self::extract(merged, texts)
    }

    /// The `client` section alone, of the file and the environment: whatever else is in them is the
    /// engine's.
    pub fn client(file: Option<&Path>) -> Result<Client, ConfigErrors> {
        let mut figment = Figment::from(Serialized::defaults(Self::default()));
        if let Some(file) = file {
            figment = figment.merge(Toml::file_exact(file));
        }
        let environment = Env::prefixed(&format!("{ENVIRONMENT}CLIENT__"))
            .map(|key| format!("client.{key}").into())
            .split(".")
            .lowercase(true);
        let texts = texts_of(&environment);
        let (client, _, wrong) = settled(figment.merge(environment), texts, |figment, wrong| {
            section(figment, "client", wrong)
        });
        if wrong.is_empty() {
            Ok(client)
        } else {
            Err(ConfigErrors(wrong.into_iter().map(|it| it.told).collect()))
        }
    }

    /// What these flags alone make of the defaults, whatever the environment says.
    pub fn of_flags(flags: &[(String, String)]) -> Result<Self, ConfigErrors> {
        let defaults = Figment::from(Serialized::defaults(Self::default()));
        let texts = flags.iter().cloned().collect();
        Self::extract(with_flags(defaults, flags), texts)
    }

    fn extract(merged: Figment, texts: BTreeMap<String, String>) -> Result<Self, ConfigErrors> {
        let (config, figment, wrong) = settled(merged, texts, Self::sections);
        let merged: Value = figment.extract().map_err(|errors| {
            ConfigErrors(errors.into_iter().map(|it| it.to_string()).collect())
        })?;
        let mut problems = unknown_keys(&figment, &merged);
        problems.extend(wrong.into_iter().map(|it| it.told));
        config.check(&mut problems);
        if problems.is_empty() {
            Ok(config)
        } else {
            Err(ConfigErrors(problems))
        }
    }

    fn sections(figment: &Figment, wrong: &mut Vec<Wrong>) -> Self {
        Self {
            api: section(figment, "api", wrong),
            store: section(figment, "store", wrong),
            data: section(figment, "data", wrong),
            cloud: section(figment, "cloud", wrong),
            provisioner: section(figment, "provisioner", wrong),
            log: section(figment, "log", wrong),
            access: section(figment, "access", wrong),
            client: section(figment, "client", wrong),
            connectors: section(figment, "connectors", wrong),
            secrets: section(figment, "secrets", wrong),
            probes: section(figment, "probes", wrong),
            audit: section(figment, "audit", wrong),
            traces: section(figment, "traces", wrong),
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
    wrong: &mut Vec<Wrong>,
) -> T {
    match figment.extract_inner(key) {
        Ok(section) => section,
        Err(errors) => {
            wrong.extend(errors.into_iter().map(|error| describe(key, error)));
            T::default()
        }
    }
}

/// A value that cannot be what its key wants.
struct Wrong {
    key: String,
    told: String,
    /// Whether it is of another type.
    is_of_type: bool,
}

/// The values of the environment as they were written.
fn texts_of(environment: &Env) -> BTreeMap<String, String> {
    let all = environment.iter();
    all.map(|(key, text)| (key.into_string(), text)).collect()
}

/// A variable and a flag are texts, and read as what they look like: a number, or a truth. Where
/// their key wants a text, they are that, as they were written.
fn settled<T>(
    mut figment: Figment,
    mut texts: BTreeMap<String, String>,
    read: impl Fn(&Figment, &mut Vec<Wrong>) -> T,
) -> (T, Figment, Vec<Wrong>) {
    loop {
        let mut wrong = Vec::new();
        let found = read(&figment, &mut wrong);
        let of_type = wrong.iter().filter(|it| it.is_of_type);
        let text = of_type.filter_map(|it| texts.remove_entry(&it.key)).next();
        let Some((key, text)) = text else {
            return (found, figment, wrong);
        };
        figment = figment.merge(Flag {
            key: &key,
            value: Value::from(text),
        });
    }
}

fn describe(section: &str, mut error: figment::Error) -> Wrong {
    // What was extracted comes last in the path, though it is the outermost.
    if error.path.last().is_some_and(|it| it == section) {
        error.path.pop();
    }
    let key = format!("{section}.{}", error.path.join("."));
    let told = match error.metadata.as_ref().map(origin) {
        Some(origin) => format!("{key}: {} (from {origin})", error.kind),
        None => format!("{key}: {}", error.kind),
    };
    let is_of_type = matches!(error.kind, Kind::InvalidType(..));
    Wrong {
        key,
        told,
        is_of_type,
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
        "cloud.gcp.regions.",
        "cloud.azure.tenants.",
        "cloud.azure.regions.",
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
    fn what_kubernetes_says_of_a_service_is_no_key_however_its_name_goes_on() {
        for name in [
            "port",
            "port_2114_tcp_addr",
            "service_host",
            "api_port",
            "api_service_host",
            "api_service_port_api",
            "server",
            "token",
            "test_store__x",
        ] {
            assert!(!is_key(name), "{name}");
        }
        for name in ["api__listen", "store__connection_string"] {
            assert!(is_key(name), "{name}");
        }
    }

    #[test]
    fn a_text_that_looks_like_a_number_or_a_truth_is_a_text_where_one_is_wanted() {
        let account = "cloud.aws.accounts.111122223333";
        let flag = |key: &str, text: &str| (key.to_owned(), text.to_owned());
        let config = Config::of_flags(&[
            flag(&format!("{account}.external_id"), "0012345"),
            flag(&format!("{account}.role_arn"), "true"),
            flag(&format!("{account}.rules_per_group"), "61"),
            flag("cloud.aws.tags.team", "7"),
            flag("store.connection_string", "1e3"),
            flag("cloud.mode", "aws"),
        ]);
        let config = config.unwrap();
        let of = &config.cloud.aws.accounts["111122223333"];
        assert_eq!((&*of.external_id, &*of.role_arn), ("0012345", "true"));
        assert_eq!(of.rules_per_group, Some(61));
        assert_eq!(config.cloud.aws.tags["team"], "7");
        assert_eq!(config.store.connection_string, "1e3");

        let wrong = Config::of_flags(&[flag("api.insecure", "perhaps")]).unwrap_err();
        assert!(wrong.to_string().starts_with("api.insecure: "), "{wrong}");
    }
}
