//! Each rule with what would break it.

use super::*;

const POLICY: &str = r#"
[licenses]
allow = ["MIT", "Apache-2.0"]
exceptions = [{ crate = "data", allow = ["CDLA-Permissive-2.0"] }]
[bans]
multiple-versions = "deny"
wildcards = "deny"
deny = [{ crate = "openssl", reason = "one stack", wrappers = ["allowed"] }]
skip = [{ crate = "syn@1", reason = "macros" }]
[sources]
unknown-registry = "deny"
unknown-git = "deny"
[advisories]
ignore = [{ id = "RUSTSEC-1", reason = "pinned" }]
"#;

const LOCK: &str = r#"
[[package]]
name = "syn"
version = "1.0.9"
[[package]]
name = "syn"
version = "2.0.1"
[[package]]
name = "allowed"
version = "1.0.0"
dependencies = ["openssl"]
[[package]]
name = "openssl"
version = "0.10.0"
"#;

const KNOWN: &str = r#"
checked = 2026-11-28
[[advisory]]
id = "RUSTSEC-1"
crate = "syn"
patched = [">=2"]
title = "old"
[[advisory]]
id = "RUSTSEC-2"
crate = "openssl"
patched = [">=0.10.0"]
title = "older"
[[advisory]]
id = "RUSTSEC-3"
crate = "openssl"
patched = []
unaffected = ["<0.9.5", ">=0.10"]
title = "came and went"
"#;

fn policy() -> Policy {
    Policy::parse(POLICY).unwrap()
}

fn lock(text: &str) -> Lock {
    Lock::parse(text).unwrap()
}

#[test]
fn what_the_policy_allows_passes() {
    assert_eq!(policy().ban_complaints(&lock(LOCK)), Vec::<String>::new());
    let known = Advisories::parse(KNOWN).unwrap();
    let complaints = policy().advisory_complaints(&known, &lock(LOCK));
    assert_eq!(complaints, Vec::<String>::new());
}

#[test]
fn a_licence_is_met_by_one_of_its_choices_and_by_all_that_it_joins() {
    let judge = |name, license| policy().licenses.judge(name, license);
    for good in [
        "MIT",
        "MIT OR GPL-3.0-only",
        "MIT/Apache-2.0",
        "(MIT OR ISC) AND Apache-2.0",
    ] {
        assert_eq!(judge("any", Some(good)), Ok(()), "{good}");
    }
    for bad in [
        "GPL-3.0-only",
        "MIT AND ISC",
        "CDLA-Permissive-2.0",
        "Apache-2.0 WITH LLVM-exception",
        "my own",
    ] {
        assert!(judge("any", Some(bad)).is_err(), "{bad}");
    }
    assert!(judge("any", None).is_err());
    assert_eq!(judge("data", Some("CDLA-Permissive-2.0")), Ok(()));
}

#[test]
fn a_banned_crate_is_named_with_who_wants_it() {
    let text = LOCK.replace("\"allowed\"", "\"other\"");
    let complaints = policy().ban_complaints(&lock(&text));
    assert_eq!(complaints, ["other must not depend on openssl: one stack"]);
}

#[test]
fn a_second_version_needs_a_reason_and_a_reason_needs_a_second_version() {
    let doubled = LOCK.replace("1.0.9", "3.0.0");
    let complaints = policy().ban_complaints(&lock(&doubled));
    assert_eq!(complaints.len(), 2, "{complaints:?}");
    assert!(complaints[0].starts_with("syn is here as"));
    assert_eq!(complaints[1], "deny.toml: syn@1 is not here beside another");
    let alone = LOCK.replace("2.0.1", "1.0.10");
    let complaints = policy().ban_complaints(&lock(&alone));
    assert_eq!(complaints, ["deny.toml: syn@1 is not here beside another"]);
}

#[test]
fn an_advisory_that_holds_fails_and_so_does_an_exception_that_holds_for_nothing() {
    let known = Advisories::parse(KNOWN).unwrap();
    let older = LOCK.replace("0.10.0", "0.9.0");
    let complaints = policy().advisory_complaints(&known, &lock(&older));
    assert_eq!(complaints, ["openssl 0.9.0: RUSTSEC-2: older"]);
    let between = LOCK.replace("0.10.0", "0.9.7");
    let complaints = policy().advisory_complaints(&known, &lock(&between));
    assert_eq!(complaints[1], "openssl 0.9.7: RUSTSEC-3: came and went");
    let newer = LOCK.replace("1.0.9", "2.9.0");
    let complaints = policy().advisory_complaints(&known, &lock(&newer));
    assert_eq!(complaints, ["deny.toml: RUSTSEC-1 holds for nothing here"]);
}

#[test]
fn a_second_source_fails() {
    let text = LOCK
        .replace("\"1.0.9\"", "\"1.0.9\"\nsource = \"registry+one\"")
        .replace("\"2.0.1\"", "\"2.0.1\"\nsource = \"git+elsewhere\"");
    let metadata = cargo_metadata::MetadataCommand::new()
        .manifest_path(testkit::workspace::root().join("Cargo.toml"))
        .no_deps()
        .exec()
        .unwrap();
    let complaints = policy().source_complaints(&metadata, &lock(&text));
    assert_eq!(complaints.len(), 1, "{complaints:?}");
}

#[test]
fn a_key_that_nobody_enforces_is_refused() {
    let text = POLICY.replace("[sources]", "[sources]\nallow-git = []");
    assert!(Policy::parse(&text).is_err());
}
