//! What may be in the dependency tree: licences, bans, sources and known advisories, as `deny.toml`
//! says in cargo-deny's form.
//!
//! cargo-deny itself is not needed: the test command enforces the policy on every run, without a
//! network. A key of `deny.toml` that is not known here is refused, so that nothing stands there
//! which nobody enforces.

mod advisories;
mod bans;
mod licenses;
mod sources;

pub use advisories::{Advisories, Advisory};

use cargo_metadata::Metadata;
use cargo_metadata::semver::{Version, VersionReq};
use serde::Deserialize;

/// `deny.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    licenses: licenses::Licenses,
    bans: bans::Bans,
    sources: sources::Sources,
    advisories: advisories::Exceptions,
}

impl Policy {
    /// Reads the text of a `deny.toml`.
    ///
    /// # Errors
    /// It has another form.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// One complaint per package whose licence is not allowed. `metadata` holds the packages that
    /// are built on this machine.
    #[must_use]
    pub fn license_complaints(&self, metadata: &Metadata) -> Vec<String> {
        self.licenses.complaints(metadata)
    }

    /// One complaint per crate that is banned, or here in two versions without a reason, and per
    /// reason that is not needed any more.
    #[must_use]
    pub fn ban_complaints(&self, lock: &Lock) -> Vec<String> {
        self.bans.complaints(lock)
    }

    /// One complaint per package that comes from elsewhere than crates.io.
    #[must_use]
    pub fn source_complaints(&self, metadata: &Metadata, lock: &Lock) -> Vec<String> {
        self.sources.complaints(metadata, lock)
    }

    /// One complaint per advisory that holds for a locked version and is not excepted, and per
    /// exception that is not needed any more.
    #[must_use]
    pub fn advisory_complaints(&self, known: &Advisories, lock: &Lock) -> Vec<String> {
        self.advisories.complaints(known, lock)
    }
}

/// What of `Cargo.lock` the policy is about: all platforms, not only this one.
#[derive(Debug, Clone, Deserialize)]
pub struct Lock {
    package: Vec<Locked>,
}

#[derive(Debug, Clone, Deserialize)]
struct Locked {
    name: String,
    version: Version,
    source: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
}

impl Lock {
    /// Reads the text of a `Cargo.lock`.
    ///
    /// # Errors
    /// It has another form.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }
}

/// A crate as `deny.toml` names it: `name`, or `name@version` where the version leaves out what
/// does not matter.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
struct Spec {
    text: String,
    name: String,
    version: Option<VersionReq>,
}

impl TryFrom<String> for Spec {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (name, version) = match text.split_once('@') {
            Some((name, version)) => (name, Some(version)),
            None => (&*text, None),
        };
        let version = version.map(|version| VersionReq::parse(&format!("^{version}")));
        let version = version.transpose();
        Ok(Self {
            name: name.to_owned(),
            version: version.map_err(|error| format!("{text}: {error}"))?,
            text,
        })
    }
}

impl Spec {
    fn holds(&self, name: &str, version: &Version) -> bool {
        self.name == name && self.version.as_ref().is_none_or(|it| it.matches(version))
    }
}

#[cfg(test)]
mod tests;
