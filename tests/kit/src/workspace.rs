//! Where the workspace is, and every text file in it, without asking git: a release tarball must
//! pass its own tests.

use std::path::{Path, PathBuf};

/// Folders that hold no source, whatever is in them.
const NOT_SOURCE: [&str; 5] = [
    ".git",
    ".venv",
    "node_modules",
    "__pycache__",
    "peerage-data",
];

/// The workspace's root folder.
#[must_use]
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here.ancestors().nth(2);
    root.expect("tests/kit is two folders down").to_path_buf()
}

/// Every file of the workspace with its text, by path from the root. Build output and binary files
/// are left out.
///
/// # Panics
/// When a folder cannot be read.
#[must_use]
pub fn files() -> Vec<(String, String)> {
    let root = root();
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        // Cargo marks its target folders this way, wherever they are and whatever they are called.
        if folder.join("CACHEDIR.TAG").exists() {
            continue;
        }
        for entry in std::fs::read_dir(&folder)
            .expect("a readable folder")
            .flatten()
        {
            let path = entry.path();
            let name = entry.file_name();
            let kind = entry.file_type().expect("type of a directory entry");
            if kind.is_dir() && !NOT_SOURCE.iter().any(|skipped| name == *skipped) {
                folders.push(path);
            } else if kind.is_file()
                && let Ok(text) = std::fs::read_to_string(&path)
            {
                let relative = path.strip_prefix(&root).expect("a path below the root");
                found.push((relative.to_string_lossy().into_owned(), text));
            }
        }
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_is_listed_without_its_build_output() {
        let files = files();
        assert!(
            files
                .iter()
                .any(|(path, _)| path == "tests/kit/src/workspace.rs")
        );
        assert!(files.iter().all(|(path, _)| !path.starts_with("target/")));
    }
}
