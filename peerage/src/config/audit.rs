//! What proves the log: the key it is signed with, and who else looks at it.

use http::Uri;
use serde::{Deserialize, Serialize};
use std::{path::PathBuf, time::Duration};
use tree::{Purpose, VerifierKey};
use witness::WitnessAddress;

/// What is signed of the log.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Audit {
    /// The file with the log's keys, the same at all servers of a store, and outside of the data
    /// directory. Empty: nothing is signed. None is ever made but by `peerage audit key new`.
    pub key_file: PathBuf,
    /// How often what is new is signed, beside what is asked for.
    #[serde(with = "humantime_serde")]
    pub checkpoint_interval: Duration,
    /// Who is asked to cosign.
    pub witnesses: Vec<AuditWitness>,
    /// Addresses to which the newest checkpoint is posted as often as that, until each has taken
    /// it.
    pub publish: Vec<String>,
}

/// A witness (C2SP tlog-witness).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuditWitness {
    /// What `/add-checkpoint` comes behind.
    pub url: String,
    /// Its public key.
    pub key: String,
}

impl Default for Audit {
    fn default() -> Self {
        Self {
            key_file: PathBuf::new(),
            checkpoint_interval: Duration::from_secs(60),
            witnesses: Vec::new(),
            publish: Vec::new(),
        }
    }
}

impl Audit {
    /// The witnesses, as they are asked.
    pub fn witness_addresses(&self) -> Result<Vec<WitnessAddress>, String> {
        let read = |it: &AuditWitness| {
            let key: VerifierKey = it
                .key
                .parse()
                .map_err(|error| format!("{}: {error}", it.url))?;
            if key.purpose() != Purpose::Witness {
                return Err(format!(
                    "{}: that is a log's key, and a witness's is needed",
                    it.url
                ));
            }
            let url = address(&it.url)?;
            Ok(WitnessAddress { url, key })
        };
        self.witnesses.iter().map(read).collect()
    }

    /// Where checkpoints are posted.
    pub fn publish_addresses(&self) -> Result<Vec<Uri>, String> {
        self.publish.iter().map(|it| address(it)).collect()
    }

    pub(super) fn check(&self, problems: &mut Vec<String>) {
        if let Err(problem) = self.witness_addresses() {
            problems.push(format!("audit.witnesses: {problem}"));
        }
        if let Err(problem) = self.publish_addresses() {
            problems.push(format!("audit.publish: {problem}"));
        }
        if self.checkpoint_interval.is_zero() {
            problems
                .push("audit.checkpoint_interval: name a time that is longer than none".to_owned());
        }
        if self.key_file.as_os_str().is_empty()
            && !(self.witnesses.is_empty() && self.publish.is_empty())
        {
            problems.push(
                "audit.key_file: nothing is signed without it, so nobody can cosign it".to_owned(),
            );
        }
    }
}

fn address(text: &str) -> Result<Uri, String> {
    let uri: Option<Uri> = text.parse().ok();
    let is_http =
        |it: &Uri| matches!(it.scheme_str(), Some("http" | "https")) && it.host().is_some();
    uri.filter(is_http)
        .ok_or_else(|| format!("{text:?} is no address, like https://witness.example"))
}
