//! Licences: each package's expression must be met by those that are allowed.

use cargo_metadata::Metadata;
use serde::Deserialize;
use spdx::{Expression, ParseMode};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Licenses {
    allow: Vec<String>,
    exceptions: Vec<Exception>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    #[serde(rename = "crate")]
    name: String,
    allow: Vec<String>,
}

impl Licenses {
    pub(super) fn complaints(&self, metadata: &Metadata) -> Vec<String> {
        let mut found = Vec::new();
        for package in &metadata.packages {
            let verdict = self.judge(&package.name, package.license.as_deref());
            found.extend(
                verdict
                    .err()
                    .map(|problem| format!("{} {}: {problem}", package.name, package.version)),
            );
        }
        let unused = self.exceptions.iter().filter(|exception| {
            !metadata
                .packages
                .iter()
                .any(|it| *it.name == exception.name)
        });
        found.extend(unused.map(|it| format!("deny.toml: no {} here to except", it.name)));
        found
    }

    /// Whether a crate may be used under this expression.
    pub(super) fn judge(&self, name: &str, license: Option<&str>) -> Result<(), String> {
        let Some(license) = license else {
            return Err("it names no licence".to_owned());
        };
        let expression = Expression::parse_mode(license, ParseMode::LAX)
            .map_err(|error| format!("{license:?} is no licence expression: {error}"))?;
        let own = self.exceptions.iter().filter(|it| it.name == name);
        let own: Vec<&String> = own.flat_map(|it| &it.allow).collect();
        let is_met = expression.evaluate(|required| {
            let required = required.to_string();
            self.allow.contains(&required) || own.contains(&&required)
        });
        if is_met {
            Ok(())
        } else {
            Err(format!("{license} is not allowed by deny.toml"))
        }
    }
}
