//! Settings of a connector, from a file or from flags.

use crate::{
    api::struct_of,
    cli::{CliError, terminal},
};
use aws_lc_rs::rand::SystemRandom;
use clap::Args;
use connectors::SigningKey;
use prost_types::Struct;
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The largest file of settings, in bytes.
const LARGEST: u64 = 1 << 20;

/// A webhook in a few words.
#[derive(Debug, Args)]
pub(super) struct Webhook {
    /// Where a webhook sends to, like https://hooks.example.com/peerage.
    #[arg(long, value_name = "URL", required_unless_present = "file")]
    url: Option<String>,
    /// What a delivery is made of, like envelope: that, record, cloud_events or
    /// cloud_events_binary.
    #[arg(long, value_name = "FORMAT", requires = "url")]
    format: Option<String>,
    /// A host that may be dialled whatever its address is, and without TLS, like
    /// hooks.internal.example.com; again for more.
    #[arg(long = "allow-host", value_name = "HOST", requires = "url")]
    hosts: Vec<String>,
    /// Private addresses that may be dialled, like 10.20.0.0/16; again for more.
    #[arg(long = "allow-range", value_name = "RANGE", requires = "url")]
    ranges: Vec<String>,
    /// Do not sign deliveries. Default: a secret is made, and printed this once.
    #[arg(long, requires = "url")]
    unsigned: bool,
    /// Which records: events of these types begin so, separated by commas, like
    /// Peering,FirewallExposed. Default: every event of a network.
    #[arg(long, value_name = "PREFIXES", requires = "url")]
    types: Option<String>,
    /// What changes each record before it is sent: a file of JavaScript with a function
    /// transform(record), like transform.js.
    #[arg(long, value_name = "FILE", requires = "url")]
    transform: Option<PathBuf>,
    /// Begin at the log's beginning when it is started the first time. Default: at its end.
    #[arg(long, requires = "url")]
    from_earliest: bool,
    /// All settings, from a TOML or JSON file, like webhook.toml; docs/webhooks.md lists them.
    #[arg(long, value_name = "FILE", conflicts_with = "url")]
    file: Option<PathBuf>,
}

impl Webhook {
    /// The settings, and the secret that was made for them.
    pub(super) fn settings(&self) -> Result<(Struct, Option<String>), CliError> {
        let Some(url) = &self.url else {
            let file = self.file.as_deref();
            let file = file.ok_or_else(|| CliError::usage("name a --url or a --file"))?;
            return Ok((read(file)?, None));
        };
        let mut sink = json!({ "type": "webhook", "url": url });
        if let Some(format) = &self.format {
            sink["format"] = json!(format);
        }
        if !self.hosts.is_empty() {
            sink["allowed_hosts"] = json!(self.hosts);
        }
        if !self.ranges.is_empty() {
            sink["allowed_ranges"] = json!(self.ranges);
        }
        let mut made = None;
        if !self.unsigned {
            let secret = SigningKey::generate_secret(&SystemRandom::new());
            let secret = secret.map_err(CliError::failed)?;
            let secret = secret.expose_secret().to_owned();
            sink["signing"] = json!([{ "scheme": "v1", "key": { "value": secret } }]);
            made = Some(secret);
        }
        let mut settings = Map::from_iter([("sink".to_owned(), sink)]);
        if let Some(types) = &self.types {
            let filter = json!({ "scope": "record", "type": "prefix", "expression": types });
            settings.insert("filter".to_owned(), filter);
        }
        if let Some(path) = &self.transform {
            let transformer = json!({ "function": text(path)? });
            settings.insert("transformer".to_owned(), transformer);
        }
        if self.from_earliest {
            settings.insert("initial_position".to_owned(), json!("earliest"));
        }
        Ok((struct_of(settings), made))
    }
}

/// Settings from a file.
pub(super) fn read(path: &Path) -> Result<Struct, CliError> {
    match value(path)? {
        Value::Object(fields) => Ok(struct_of(fields)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(CliError::usage(format!(
                "{} holds no settings",
                path.display()
            )))
        }
    }
}

/// A TOML file, or JSON if it is called so or begins so.
pub(super) fn value(path: &Path) -> Result<Value, CliError> {
    let shown = path.display();
    let wrong = |what: &dyn std::fmt::Display| CliError::usage(format!("{shown}: {what}"));
    let text = text(path)?;
    let is_json = path.extension().is_some_and(|it| it == "json");
    if is_json || text.trim_start().starts_with('{') {
        return serde_json::from_str(&text).map_err(|error| wrong(&error));
    }
    toml::from_str(&text).map_err(|error| wrong(&error.message()))
}

/// A file's text, if it is not too long.
pub(super) fn text(path: &Path) -> Result<String, CliError> {
    let shown = path.display();
    let wrong = |what: &dyn std::fmt::Display| CliError::usage(format!("{shown}: {what}"));
    let size = fs::metadata(path).map_err(|error| wrong(&error))?.len();
    if size > LARGEST {
        return Err(wrong(&format!("is larger than {LARGEST} bytes")));
    }
    fs::read_to_string(path).map_err(|error| wrong(&error))
}

/// Tells a secret that is told once.
pub(super) fn tell_secret(secret: Option<&String>) {
    if let Some(secret) = secret {
        terminal::note(&format!(
            "the receiver verifies deliveries with this secret; it is shown this once:\n{secret}"
        ));
    }
}
