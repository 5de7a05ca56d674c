//! Stored forms that tests compare with, each in a file under `golden/`. A sample is never
//! overwritten: what is stored is for ever. A table (`.txt`) is made anew on request.

use std::{fs, path::PathBuf};

/// Asserts that a golden file says what was made.
pub(crate) fn same(file: &str, made: &str) {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/golden")).join(file);
    #[expect(
        clippy::disallowed_methods,
        reason = "a golden file is made anew on request"
    )]
    let is_made_anew = std::env::var_os("PEERAGE_UPDATE_GOLDEN").is_some();
    if is_made_anew && !path.exists() | file.ends_with(".txt") {
        fs::write(&path, made).expect("the golden file");
    }
    let stored = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(stored, made, "{}", path.display());
}
