//! The program under test, built when it is not: end-to-end tests run what a user runs.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use testkit::workspace;

/// The `peerage` binary of the same build as this test, brought up to date once per test binary.
///
/// # Panics
/// When it does not build; the compiler's messages are on standard error.
#[must_use]
pub fn peerage() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(build).clone()
}

fn build() -> PathBuf {
    // Whoever tests the whole workspace has built it already, with other features of the
    // dependencies than a build of its own has.
    if let Some(built) = std::env::var_os("PEERAGE_TEST_BINARY") {
        return built.into();
    }
    // A test binary lies in target/debug/deps, the programs one folder above.
    let test = std::env::current_exe().expect("path of this test");
    let folder = test
        .parent()
        .and_then(|deps| deps.parent())
        .expect("target folder of this test");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args([
            "build",
            "--quiet",
            "--package",
            "peerage",
            "--bin",
            "peerage",
        ])
        .current_dir(workspace::root());
    if folder.ends_with("release") {
        cargo.arg("--release");
    }
    let status = cargo.status().expect("start cargo");
    assert!(status.success(), "peerage does not build");
    folder.join(format!("peerage{}", std::env::consts::EXE_SUFFIX))
}
