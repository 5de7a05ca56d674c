//! The workspace against its own rules: tidy source, the arrows between rooms, the pinned versions.
#![allow(clippy::unwrap_used)]

use cargo_metadata::{Metadata, MetadataCommand};
use peerage_tests::checks::{arrows, pins, tidy};
use peerage_tests::workspace;
use std::collections::BTreeSet;

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(workspace::root().join("Cargo.toml"))
        .no_deps()
        .exec()
        .unwrap()
}

fn none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn every_file_is_tidy() {
    let files = workspace::files();
    let complaints: Vec<String> = files
        .iter()
        .flat_map(|(path, text)| tidy::complaints(path, text))
        .collect();
    none(&complaints);
}

#[test]
fn only_the_designed_arrows_lead_between_rooms() {
    none(&arrows::complaints(&arrows::arrows(&metadata())));
}

#[test]
fn domain_is_built_from_nothing_that_touches_the_world() {
    none(&arrows::domain_complaints(&arrows::domain_dependencies(
        &metadata(),
    )));
}

#[test]
fn the_lock_file_holds_the_pinned_versions() {
    let lock = std::fs::read_to_string(workspace::root().join("Cargo.lock")).unwrap();
    none(&pins::complaints(&lock));
}

#[test]
fn every_dependency_comes_from_one_registry() {
    let lock = std::fs::read_to_string(workspace::root().join("Cargo.lock")).unwrap();
    let sources: BTreeSet<&str> = lock
        .lines()
        .filter_map(|line| line.strip_prefix("source = "))
        .collect();
    assert_eq!(sources.len(), 1, "{sources:#?}");
    assert!(
        sources.iter().all(|it| it.starts_with("\"registry+")),
        "{sources:#?}"
    );
}
