//! Which room may know which: the dependency graph of the workspace against the arrows of its
//! design.
//!
//! A room is a top-level folder; a crate inside one (`workers/aws`) belongs to it. Development
//! dependencies are arrows too: a room that needs another to test itself is not independent of it.
//! Only `tests` may know everything. What tests share, `tests/kit`, is counted apart: it knows no
//! room, and every room may use it for its own tests and for nothing else.

use cargo_metadata::{DependencyKind, Metadata};

/// The rooms, and for each the rooms it may depend on. `tests` depends on all and is not listed:
/// nothing may depend on it.
const ARROWS: [(&str, &[&str]); 8] = [
    (
        "peerage",
        &[
            "domain",
            "protocol",
            "journal",
            "embedded",
            "projections",
            "connectors",
            "workers",
        ],
    ),
    ("connectors", &["domain", "journal"]),
    ("workers", &["domain", "journal"]),
    ("projections", &["domain", "journal"]),
    ("journal", &["domain", "protocol"]),
    ("embedded", &["protocol"]),
    ("domain", &[]),
    ("protocol", &[]),
];

/// The crate that every room's tests may use.
const KIT: &str = "tests/kit";

/// What `domain` may be built from: types and pure functions, nothing that waits, reads or calls.
const DOMAIN_MAY_USE: [&str; 9] = [
    "arrayvec",
    "chrono",
    "ipnet",
    "regex",
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
    /// Whether only tests, examples and benchmarks of `from` need it.
    pub for_tests: bool,
}

/// Every arrow between two different rooms.
#[must_use]
pub fn arrows(metadata: &Metadata) -> Vec<Arrow> {
    let room = |path: &str| {
        let inside = path.strip_prefix(metadata.workspace_root.as_str())?;
        let inside = inside.trim_start_matches(['/', '\\']).replace('\\', "/");
        let first = inside.split('/').next().filter(|part| !part.is_empty())?;
        let is_kit = inside.strip_prefix(KIT);
        let is_kit = is_kit.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        Some(if is_kit { KIT } else { first }.to_owned())
    };
    let mut found = Vec::new();
    for package in metadata.workspace_packages() {
        let Some(from) = room(package.manifest_path.as_str()) else {
            continue;
        };
        for dependency in &package.dependencies {
            let path = dependency.path.as_ref();
            let Some(to) = path.and_then(|path| room(path.as_str())) else {
                continue;
            };
            let arrow = Arrow {
                from: from.clone(),
                to,
                for_tests: dependency.kind == DependencyKind::Development,
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
    let allowed = |arrow: &Arrow| match (arrow.from.as_str(), arrow.to.as_str()) {
        (KIT, _) | (_, "tests") => false,
        ("tests", _) => true,
        (_, KIT) => arrow.for_tests,
        (from, to) => {
            let drawn = ARROWS.iter().find(|(room, _)| *room == from);
            drawn.is_some_and(|(_, known)| known.contains(&to))
        }
    };
    let wrong = arrows.iter().filter(|arrow| !allowed(arrow));
    wrong
        .map(|Arrow { from, to, .. }| format!("{from} must not depend on {to}"))
        .collect()
}

/// The suite of the cloud port, and the crates that it is for: the implementations.
const SUITE: &str = "peerage-conformance";
const IMPLEMENTATIONS: [&str; 4] = [
    "peerage-aws",
    "peerage-azure",
    "peerage-gcp",
    "peerage-simulated",
];

/// Who uses the suite of the cloud port, and whether for tests alone.
#[must_use]
pub fn suite_users(metadata: &Metadata) -> Vec<(String, bool)> {
    let packages = metadata.workspace_packages();
    let uses = packages.iter().flat_map(|package| {
        let found = package.dependencies.iter().filter(|it| it.name == SUITE);
        found.map(|it| {
            let for_tests = it.kind == DependencyKind::Development;
            (package.name.to_string(), for_tests)
        })
    });
    uses.collect()
}

/// One complaint per crate that must not use the suite, or not so, and per implementation that does
/// not.
#[must_use]
pub fn suite_complaints(users: &[(String, bool)]) -> Vec<String> {
    let wrong = users
        .iter()
        .filter(|(name, for_tests)| !for_tests || !IMPLEMENTATIONS.contains(&&**name))
        .map(|(name, _)| format!("{name} must not depend on {SUITE}"));
    let without = IMPLEMENTATIONS
        .iter()
        .filter(|name| !users.iter().any(|(user, _)| user == *name))
        .map(|name| format!("{name} does not run {SUITE}"));
    wrong.chain(without).collect()
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
            for_tests: false,
        }
    }

    fn for_tests(from: &str, to: &str) -> Arrow {
        Arrow {
            for_tests: true,
            ..arrow(from, to)
        }
    }

    #[test]
    fn the_drawn_arrows_are_allowed() {
        let drawn = [
            arrow("peerage", "embedded"),
            arrow("workers", "journal"),
            arrow("tests", "peerage"),
            arrow("tests", KIT),
            for_tests("journal", KIT),
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
            ("journal", KIT),
            (KIT, "protocol"),
            (KIT, "tests"),
        ] {
            assert_eq!(
                complaints(&[arrow(from, to)]),
                [format!("{from} must not depend on {to}")]
            );
        }
        let tested = for_tests(KIT, "protocol");
        assert_eq!(
            complaints(&[tested]),
            ["tests/kit must not depend on protocol"]
        );
    }

    #[test]
    fn a_crate_inside_a_room_belongs_to_it() {
        let metadata = cargo_metadata::MetadataCommand::new()
            .manifest_path(testkit::workspace::root().join("Cargo.toml"))
            .no_deps()
            .exec()
            .unwrap();
        let all = arrows(&metadata);
        assert!(
            all.contains(&arrow("workers", "journal")),
            "the listing sees nothing: {all:?}"
        );
        assert!(all.contains(&arrow("tests", KIT)), "{all:?}");
        assert!(
            !all.iter()
                .any(|arrow| arrow.to == "aws" || arrow.from == "aws")
        );
    }

    #[test]
    fn the_suite_of_the_port_is_for_the_tests_of_its_implementations() {
        let user = |name: &str, for_tests| (name.to_owned(), for_tests);
        let right = IMPLEMENTATIONS.map(|name| user(name, true));
        assert_eq!(suite_complaints(&right), Vec::<String>::new());
        let wrong = [
            user("peerage-aws", false),
            user("peerage-azure", true),
            user("peerage-gcp", true),
            user("peerage-workers", true),
        ];
        assert_eq!(
            suite_complaints(&wrong),
            [
                "peerage-aws must not depend on peerage-conformance",
                "peerage-workers must not depend on peerage-conformance",
                "peerage-simulated does not run peerage-conformance",
            ]
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
