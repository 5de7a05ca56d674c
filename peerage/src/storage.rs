//! What an engine leaves behind, and who may read it.

use std::{
    fs::{DirBuilder, Permissions},
    io,
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::Path,
};

/// Where what must last is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// Under the data directory.
    OnDisk,
    /// Nowhere: gone with the process.
    InMemory,
}

/// The rights of a directory that is its owner's alone.
const PRIVATE: u32 = 0o700;

/// How the names begin of what an engine keeps in its data directory.
const KEPT: [&str; 4] = ["events", "lock", "read-models.", "simulated-cloud."];

/// Makes a directory that only its owner may enter.
pub(crate) fn private_directory(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(PRIVATE).create(path)
}

/// Takes the rights of others from a directory that was there before, if it holds what an engine
/// keeps and nothing else. Of any other it is only told, since others may need it.
pub(crate) fn make_private(path: &Path) -> io::Result<()> {
    let mode = std::fs::metadata(path)?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let directory = path.display();
    let is_private = is_an_engines(path)?
        && std::fs::set_permissions(path, Permissions::from_mode(PRIVATE)).is_ok();
    if is_private && std::fs::read_dir(path)?.count() < 2 {
        // The lock alone: nothing was there to be read.
        tracing::debug!(%directory, "made private");
    } else if is_private {
        tracing::info!(%directory, "others could enter the data directory; they no longer can");
    } else {
        tracing::warn!(%directory, "others can enter the data directory: chmod 700 it");
    }
    Ok(())
}

fn is_an_engines(path: &Path) -> io::Result<bool> {
    for entry in std::fs::read_dir(path)? {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        if !KEPT.iter().any(|kept| name.starts_with(kept)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether a file of secrets is kept from everybody but its owner, who may let a group read it;
/// says what is wrong and what to do.
pub(crate) fn check_secret(path: &Path) -> Result<(), String> {
    let Ok(found) = std::fs::metadata(path) else {
        return Ok(());
    };
    let mode = found.permissions().mode() & 0o777;
    if !found.is_file() || mode & 0o027 == 0 {
        return Ok(());
    }
    let path = path.display();
    Err(format!(
        "{path}: others may read or write it (mode {mode:04o}); chmod 600 {path}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_data_directory_is_its_owners_alone_and_one_that_was_an_engines_becomes_so() {
        let place = tempfile::tempdir().unwrap();
        let new = place.path().join("a/b");
        private_directory(&new).unwrap();
        assert_eq!(mode(&new), 0o700);
        let after = |kept: &str| {
            std::fs::set_permissions(&new, Permissions::from_mode(0o755)).unwrap();
            std::fs::write(new.join(kept), "").unwrap();
            make_private(&new).unwrap();
            mode(&new)
        };
        assert_eq!(after("lock"), 0o700);
        assert_eq!(after("read-models.sqlite-wal"), 0o700);
        assert_eq!(after("report.txt"), 0o755, "it is not the engine's alone");
    }

    #[test]
    fn a_secret_that_others_may_read_or_change_is_refused_with_what_to_do() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let refused = |mode| {
            std::fs::set_permissions(file.path(), Permissions::from_mode(mode)).unwrap();
            check_secret(file.path()).err()
        };
        for mode in [0o600, 0o400, 0o640, 0o440] {
            assert_eq!(refused(mode), None, "{mode:o}");
        }
        for mode in [0o644, 0o666, 0o660, 0o604, 0o602, 0o777] {
            assert!(refused(mode).unwrap().contains("chmod 600"), "{mode:o}");
        }
        assert_eq!(check_secret(Path::new("/nowhere/at/all")), Ok(()));
    }
}
