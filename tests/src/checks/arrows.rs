//! Which room may know which: the dependency graph of the workspace against the arrows of its
//! design.
//!
//! A room is a top-level folder; a crate inside one (`workers/aws`) belongs to it. Development
//! dependencies are arrows too: a room that needs another to test itself is not independent of it.
//! Only `tests` may know everything.

use cargo_metadata::{DependencyKind, Metadata};

/// The rooms, and for each the rooms it may depend on. `tests` depends on all and is not listed:
/// nothing may depend on it.
const ARROWS: [(&str, &[&str]); 7] = [
    (
        "peerage",
        &[
            "domain",
            "protocol",
            "journal",
            "embedded",
            "projections",
            "workers",
        ],
    ),
    ("workers", &["domain", "journal"]),
    ("projections", &["domain", "journal"]),
    ("journal", &["domain", "protocol"]),
    ("embedded", &["protocol"]),
    ("domain", &[]),
    ("protocol", &[]),
];

/// What `domain` may be built from: types and pure functions, nothing that waits, reads or calls.
const DOMAIN_MAY_USE: [&str; 7] = [
    "chrono",
    "ipnet",
    "serde",
    "serde_json",
    "sha2",
    "thiserror",
    "uuid",
];

/// One dependency between two crates of the workspace, by room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrow {
    /// The room that depends.
    pub from: String,
    /// The room depended on.
    pub to: String,
}

/// Every arrow between two different rooms.
#[must_use]
pub fn arrows(metadata: &Metadata) -> Vec<Arrow> {
    let room = |path: &str| {
        let inside = path.strip_prefix(metadata.workspace_root.as_str())?;
        inside
            .split(['/', '\\'])
            .find(|part| !part.is_empty())
            .map(str::to_owned)
    };
    let mut found = Vec::new();
    for package in metadata.workspace_packages() {
        let Some(from) = room(package.manifest_path.as_str()) else {
            continue;
        };
        let paths = package
            .dependencies
            .iter()
            .filter_map(|dependency| dependency.path.as_ref());
        for to in paths.filter_map(|path| room(path.as_str())) {
            let arrow = Arrow {
                from: from.clone(),
                to,
            };
            if arrow.from != arrow.to && !found.contains(&arrow) {
                found.push(arrow);
            }
        }
    }
    found
}

/// One complaint per arrow that the design does not know.
#[must_use]
pub fn complaints(arrows: &[Arrow]) -> Vec<String> {
    let allowed = |arrow: &&Arrow| {
        let drawn = ARROWS.iter().find(|(from, _)| *from == arrow.from);
        arrow.from == "tests" || drawn.is_some_and(|(_, to)| to.contains(&arrow.to.as_str()))
    };
    let wrong = arrows
        .iter()
        .filter(|arrow| !allowed(arrow) || arrow.to == "tests");
    wrong
        .map(|Arrow { from, to }| format!("{from} must not depend on {to}"))
        .collect()
}

/// What `domain` is built from; its tests may use more.
#[must_use]
pub fn domain_dependencies(metadata: &Metadata) -> Vec<String> {
    let domain = metadata
        .workspace_packages()
        .into_iter()
        .find(|package| package.name.as_str() == "peerage-domain");
    let all = domain.iter().flat_map(|package| &package.dependencies);
    all.filter(|dependency| dependency.kind != DependencyKind::Development)
        .map(|dependency| dependency.name.clone())
        .collect()
}

/// One complaint per crate that `domain` must not be built from.
#[must_use]
pub fn domain_complaints(dependencies: &[String]) -> Vec<String> {
    let wrong = dependencies
        .iter()
        .filter(|name| !DOMAIN_MAY_USE.contains(&name.as_str()));
    wrong
        .map(|name| format!("domain must not depend on {name}: it touches nothing"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrow(from: &str, to: &str) -> Arrow {
        Arrow {
            from: from.to_owned(),
            to: to.to_owned(),
        }
    }

    #[test]
    fn the_drawn_arrows_are_allowed() {
        let drawn = [
            arrow("peerage", "embedded"),
            arrow("workers", "journal"),
            arrow("tests", "peerage"),
        ];
        assert_eq!(complaints(&drawn), Vec::<String>::new());
    }

    #[test]
    fn strangers_may_not_meet() {
        for (from, to) in [
            ("workers", "projections"),
            ("projections", "workers"),
            ("journal", "embedded"),
            ("embedded", "journal"),
            ("domain", "protocol"),
            ("workers", "protocol"),
            ("journal", "peerage"),
            ("peerage", "tests"),
            ("tests", "tests"),
            ("a_new_room", "domain"),
        ] {
            assert_eq!(
                complaints(&[arrow(from, to)]),
                [format!("{from} must not depend on {to}")]
            );
        }
    }

    #[test]
    fn a_crate_inside_a_room_belongs_to_it() {
        let metadata = cargo_metadata::MetadataCommand::new()
            .manifest_path(crate::workspace::root().join("Cargo.toml"))
            .no_deps()
            .exec()
            .unwrap();
        let all = arrows(&metadata);
        assert!(
            all.contains(&arrow("workers", "journal")),
            "the listing sees nothing: {all:?}"
        );
        assert!(
            !all.iter()
                .any(|arrow| arrow.to == "aws" || arrow.from == "aws")
        );
    }

    #[test]
    fn domain_may_not_learn_to_wait() {
        let used = ["serde".to_owned(), "tokio".to_owned()];
        assert_eq!(
            domain_complaints(&used),
            ["domain must not depend on tokio: it touches nothing"]
        );
    }
}
