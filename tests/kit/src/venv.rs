//! The Python side of the tests lives in a virtual environment that the test command makes. This
//! finds it.

use crate::workspace;
use std::path::PathBuf;
use std::process::Command;

/// Names another virtual environment than `.venv` in the workspace's root.
pub const VARIABLE: &str = "PEERAGE_TEST_VENV";

/// A command for a program of the virtual environment, `python` or `moto_server` for instance.
///
/// # Panics
/// When the environment has not been made; the message says how.
#[must_use]
pub fn command(program: &str) -> Command {
    let folder =
        std::env::var_os(VARIABLE).map_or_else(|| workspace::root().join(".venv"), PathBuf::from);
    let path = folder.join("bin").join(program);
    assert!(
        path.exists(),
        "{} is missing: run ./test.sh once, it makes the environment (or point {VARIABLE} at one)",
        path.display()
    );
    Command::new(path)
}

/// The real `az`, where `PEERAGE_TEST_AZ` names it.
#[must_use]
pub fn az() -> Option<PathBuf> {
    std::env::var_os("PEERAGE_TEST_AZ").map(PathBuf::from)
}
