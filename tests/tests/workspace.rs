//! The workspace against its own rules: tidy source, the arrows between rooms, the pinned versions.
#![allow(clippy::unwrap_used)]

use cargo_metadata::{Metadata, MetadataCommand};
use peerage_tests::checks::policy::{Advisories, Lock, Policy};
use peerage_tests::checks::{arrows, circles, foreign, links, pins, tidy, width};
use peerage_tests::workspace;
use std::path::Path;
use std::process::Command;

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
fn comments_and_documents_keep_their_width() {
    let files = workspace::files();
    let complaints: Vec<String> = files
        .iter()
        .flat_map(|(path, text)| width::complaints(path, text))
        .collect();
    none(&complaints);
}

#[test]
fn a_person_who_knows_another_cloud_than_aws_finds_no_foreign_word_in_domain_and_port() {
    let files = workspace::files();
    let complaints: Vec<String> = files
        .iter()
        .flat_map(|(path, text)| foreign::complaints(path, text))
        .collect();
    none(&complaints);
}

#[test]
fn every_link_between_documents_leads_somewhere() {
    let files = workspace::files();
    let documents = files.iter().filter(|(path, _)| path.ends_with(".md"));
    let is_there = |path: &Path| workspace::root().join(path).exists();
    let complaints: Vec<String> = documents
        .flat_map(|(path, text)| links::complaints(path, text, is_there))
        .collect();
    none(&complaints);
}

#[test]
fn every_room_has_a_readme() {
    let packages = metadata().packages;
    let rooms = packages.iter().map(|it| it.manifest_path.parent().unwrap());
    let without = rooms.filter(|it| !it.join("README.md").exists());
    let complaints = without.map(|it| format!("{it} has no README.md"));
    none(&complaints.collect::<Vec<_>>());
}

#[test]
fn only_the_designed_arrows_lead_between_rooms() {
    none(&arrows::complaints(&arrows::arrows(&metadata())));
}

#[test]
fn every_implementation_of_the_cloud_port_runs_its_suite_and_nothing_else_does() {
    none(&arrows::suite_complaints(&arrows::suite_users(&metadata())));
}

#[test]
fn no_modules_of_a_room_know_each_other_in_a_circle() {
    let files = workspace::files();
    let root = workspace::root();
    let mut complaints = Vec::new();
    for package in metadata().packages {
        let source = package.manifest_path.parent().unwrap().join("src");
        let source = source.strip_prefix(&root).unwrap();
        let modules = files.iter().filter_map(|(path, text)| {
            let path = Path::new(path).strip_prefix(source).ok()?;
            Some((circles::module(path)?, text.clone()))
        });
        complaints.extend(circles::complaints(&package.name, &modules.collect()).unwrap());
    }
    none(&complaints);
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

/// The packages that are built on this machine: those of other platforms need not be there.
fn all_packages() -> Metadata {
    let compiler = Command::new("rustc").arg("-vV").output().unwrap();
    let said = String::from_utf8(compiler.stdout).unwrap();
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    let options = ["--locked", "--filter-platform", host.unwrap()];
    MetadataCommand::new()
        .manifest_path(workspace::root().join("Cargo.toml"))
        .other_options(options.map(str::to_owned))
        .exec()
        .unwrap()
}

fn text(file: &str) -> String {
    std::fs::read_to_string(workspace::root().join(file)).unwrap()
}

fn policy() -> Policy {
    Policy::parse(&text("deny.toml")).unwrap()
}

fn lock() -> Lock {
    Lock::parse(&text("Cargo.lock")).unwrap()
}

#[test]
fn every_dependency_has_a_licence_that_is_allowed_and_comes_from_the_one_registry() {
    let packages = all_packages();
    none(&policy().license_complaints(&packages));
    none(&policy().source_complaints(&packages, &lock()));
}

#[test]
fn no_dependency_is_banned_or_here_twice_without_a_reason() {
    none(&policy().ban_complaints(&lock()));
}

#[test]
fn no_known_advisory_holds_but_those_that_are_excepted_with_a_reason() {
    let known = Advisories::parse(&text("tests/advisories.toml")).unwrap();
    none(&policy().advisory_complaints(&known, &lock()));
}

/// What is between quotes, or stands as a word, and begins like a figure of ours.
fn figures(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|it: char| !it.is_ascii_lowercase() && it != '_');
    words.filter(|it| it.starts_with("peerage_"))
}

#[test]
fn rules_and_dashboards_name_figures_that_there_are() {
    let root = workspace::root();
    let read = |file: &str| std::fs::read_to_string(root.join(file)).unwrap();
    let made = [
        "connectors/src/metrics.rs",
        "peerage/src/api/figures.rs",
        "peerage/src/api/followers.rs",
        "peerage/src/api/cloud_figures.rs",
        "peerage/src/api/command_figures.rs",
        "peerage/src/api/process_figures.rs",
    ];
    // What a test looks for is not made by that.
    let made = made.map(|file| {
        let text = read(file);
        text.split("#[cfg(test)]").next().unwrap().to_owned()
    });
    let made = made.join("\n");
    let made: Vec<_> = figures(&made).collect();
    let (rules, dashboard) = (read("ops/alerts.yaml"), read("ops/dashboard.json"));
    let parsed: serde_json::Value = serde_json::from_str(&dashboard).unwrap();
    assert!(parsed["panels"].as_array().is_some_and(|it| it.len() >= 10));
    let used: Vec<_> = figures(&rules).chain(figures(&dashboard)).collect();
    assert!(used.len() > 20, "{used:?}");
    for lag in [
        "peerage_follower_lag_seconds",
        "peerage_connector_lag_seconds",
    ] {
        assert!(figures(&rules).any(|it| it == lag), "no rule has {lag}");
    }
    for lag in [
        "peerage_follower_lag_events",
        "peerage_follower_lag_seconds",
        "peerage_messaging_consumer_lag",
        "peerage_connector_lag_seconds",
    ] {
        assert!(
            figures(&dashboard).any(|it| it == lag),
            "no panel has {lag}"
        );
    }
    for name in used {
        let endings = ["_total", "_bucket", "_sum", "_count"];
        let bare = endings.iter().find_map(|it| name.strip_suffix(it));
        let is_made = made.contains(&name) || bare.is_some_and(|it| made.contains(&it));
        assert!(is_made, "{name} is no figure");
    }
}
