//! Sources: everything that is not ours comes from crates.io.

use super::Lock;
use super::bans::Level;
use cargo_metadata::Metadata;
use serde::Deserialize;
use std::collections::BTreeSet;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Sources {
    unknown_registry: Level,
    unknown_git: Level,
}

impl Sources {
    pub(super) fn complaints(&self, metadata: &Metadata, lock: &Lock) -> Vec<String> {
        let mut found = Vec::new();
        if (self.unknown_registry, self.unknown_git) != (Level::Deny, Level::Deny) {
            found.push("deny.toml: sources must deny what is unknown".to_owned());
        }
        let foreign = metadata.packages.iter().filter(|package| {
            let source = package.source.as_ref();
            source.is_some_and(|source| !source.is_crates_io())
        });
        found.extend(foreign.map(|it| format!("{} does not come from crates.io", it.name)));
        // What other platforms are built from is in the lock file alone.
        let sources: BTreeSet<&String> = lock
            .package
            .iter()
            .filter_map(|package| package.source.as_ref())
            .collect();
        if sources.len() > 1 {
            found.push(format!("Cargo.lock names several sources: {sources:?}"));
        }
        found
    }
}
