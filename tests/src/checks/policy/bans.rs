//! Bans: crates that must not be here, and crates that are here more than once.

use super::{Lock, Spec};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Bans {
    multiple_versions: Level,
    /// Enforced by cargo itself: a workspace with a `*` in it is seen in `Cargo.toml`'s review, and
    /// cargo-deny looks at it where it is run.
    #[allow(dead_code, reason = "read so that it may stand there")]
    wildcards: Level,
    deny: Vec<Banned>,
    skip: Vec<Skipped>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Level {
    Deny,
    Allow,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Banned {
    #[serde(rename = "crate")]
    spec: Spec,
    reason: String,
    /// Who may have it all the same.
    #[serde(default)]
    wrappers: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Skipped {
    #[serde(rename = "crate")]
    spec: Spec,
    reason: String,
}

impl Bans {
    pub(super) fn complaints(&self, lock: &Lock) -> Vec<String> {
        let mut found = self.banned(lock);
        if self.multiple_versions == Level::Deny {
            found.extend(self.doubled(lock));
        }
        let skips = self.skip.iter();
        let without = skips.filter(|skip| skip.reason.trim().is_empty());
        found.extend(without.map(|it| format!("deny.toml: {} has no reason", it.spec.text)));
        found
    }

    fn banned(&self, lock: &Lock) -> Vec<String> {
        let mut found = Vec::new();
        for banned in &self.deny {
            let here = lock.package.iter();
            for package in here.filter(|it| banned.spec.holds(&it.name, &it.version)) {
                let users = lock.package.iter().filter(|user| {
                    let names = user.dependencies.iter();
                    let mut names = names.filter_map(|it| it.split(' ').next());
                    names.any(|name| name == package.name)
                });
                let users = users.filter(|user| !banned.wrappers.contains(&user.name));
                found.extend(users.map(|user| {
                    let (name, reason) = (&package.name, &banned.reason);
                    format!("{} must not depend on {name}: {reason}", user.name)
                }));
            }
        }
        found
    }

    fn doubled(&self, lock: &Lock) -> Vec<String> {
        let mut kept: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        let mut used = vec![false; self.skip.len()];
        for package in &lock.package {
            let skip = self.skip.iter();
            let skip = skip.map(|it| it.spec.holds(&package.name, &package.version));
            match skip.into_iter().position(|holds| holds) {
                Some(at) => used[at] = true,
                None => {
                    let versions = kept.entry(&package.name).or_default();
                    versions.push(package.version.to_string());
                }
            }
        }
        let doubled = kept.iter().filter(|(_, versions)| versions.len() > 1);
        let doubled = doubled.map(|(name, versions)| {
            format!("{name} is here as {versions:?}: give deny.toml a reason, or have it once")
        });
        let stale = self.skip.iter().zip(used);
        let stale = stale.filter(|(skip, used)| !used || !kept.contains_key(&*skip.spec.name));
        let stale = stale
            .map(|(skip, _)| format!("deny.toml: {} is not here beside another", skip.spec.text));
        doubled.chain(stale).collect()
    }
}
