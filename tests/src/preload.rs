//! Small C libraries that answer in the place of the operating system: loaded before the program,
//! by `LD_PRELOAD`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The library of this name and source, built in this folder by the compiler that Rust links with.
///
/// # Panics
/// When the compiler takes it for wrong.
#[must_use]
pub fn library(folder: &Path, name: &str, source: &str) -> PathBuf {
    let (text, made) = (
        folder.join(format!("{name}.c")),
        folder.join(format!("{name}.so")),
    );
    fs::write(&text, source).expect("the library's source");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .args([&made, &text])
        .arg("-ldl")
        .output()
        .expect("cc, which Rust needs as well");
    assert!(
        built.status.success(),
        "{}",
        String::from_utf8_lossy(&built.stderr)
    );
    made
}
