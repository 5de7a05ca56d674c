//! Advisories: the locked versions against a committed list of what is known, and the exceptions
//! that were made, each with its reason.

use super::Lock;
use cargo_metadata::semver::VersionReq;
use serde::Deserialize;

/// `tests/advisories.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Advisories {
    /// The day on which the database was asked.
    pub checked: toml::value::Datetime,
    /// What is known of crates in the lock file.
    pub advisory: Vec<Advisory>,
}

/// What is known of a crate.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Advisory {
    /// `RUSTSEC-…`.
    pub id: String,
    /// The crate.
    #[serde(rename = "crate")]
    pub name: String,
    /// Versions for which it does not hold; any one of them.
    pub patched: Vec<VersionReq>,
    /// Versions that never had it, most often older ones; any one of them.
    #[serde(default)]
    pub unaffected: Vec<VersionReq>,
    /// What it is about, in a few words.
    pub title: String,
}

impl Advisories {
    /// Reads the text of the list.
    ///
    /// # Errors
    /// It has another form.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exceptions {
    ignore: Vec<Exception>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    id: String,
    reason: String,
}

impl Exceptions {
    pub(super) fn complaints(&self, known: &Advisories, lock: &Lock) -> Vec<String> {
        let mut found = Vec::new();
        let mut needed = Vec::new();
        for advisory in &known.advisory {
            let mut versions = lock.package.iter().filter(|it| it.name == advisory.name);
            let hit = versions.find(|it| {
                let mut free = advisory.patched.iter().chain(&advisory.unaffected);
                !free.any(|free| free.matches(&it.version))
            });
            let Some(hit) = hit else { continue };
            needed.push(&advisory.id);
            if !self.ignore.iter().any(|it| it.id == advisory.id) {
                let Advisory { id, title, .. } = advisory;
                found.push(format!("{} {}: {id}: {title}", hit.name, hit.version));
            }
        }
        for exception in &self.ignore {
            if !needed.contains(&&exception.id) {
                found.push(format!(
                    "deny.toml: {} holds for nothing here",
                    exception.id
                ));
            }
            if exception.reason.trim().is_empty() {
                found.push(format!("deny.toml: {} has no reason", exception.id));
            }
        }
        found
    }
}
