//! How far the log has reached at least, noted beside it.
//!
//! The storage library takes a damaged journal for the torn tail of a crash and drops it. That is
//! right for what was being written, wrong for what had been acknowledged long before: a store that
//! ends before its extent has lost events.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use super::OpenError;
use crate::model::Position;

const FILE: &str = "extent";

/// Compares what is there with what has been there.
pub(super) fn check(directory: &Path, end: Position) -> Result<(), OpenError> {
    match noted(directory)? {
        Some(extent) if extent > end => Err(OpenError::Shorter {
            file: directory.join(FILE),
            extent,
            end,
        }),
        Some(_) | None => Ok(()),
    }
}

/// How far the log has reached at least, if that was ever noted.
fn noted(directory: &Path) -> Result<Option<Position>, OpenError> {
    let file = directory.join(FILE);
    let text = match fs::read(&file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        text => text.map_err(|source| OpenError::Io {
            path: file.clone(),
            source,
        })?,
    };
    let number = std::str::from_utf8(&text)
        .ok()
        .and_then(|text| text.trim_end().parse().ok());
    number
        .map(|number| Some(Position::new(number)))
        .ok_or(OpenError::Unreadable { file })
}

/// Notes that the log has reached this position.
pub(super) fn note(directory: &Path, end: Position) -> io::Result<()> {
    write_whole(&directory.join(FILE), &format!("{}\n", end.get()))
}

/// Written beside, flushed, then renamed: a crash leaves the old file or the new one.
pub(super) fn write_whole(file: &Path, text: &str) -> io::Result<()> {
    let mut beside = PathBuf::from(file);
    beside.set_extension("new");
    let mut new = fs::File::create(&beside)?;
    new.write_all(text.as_bytes())?;
    new.sync_all()?;
    fs::rename(&beside, file)?;
    match file.parent() {
        Some(directory) => fs::File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_ends_before_its_extent_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        check(directory.path(), Position::new(64)).unwrap();
        note(directory.path(), Position::new(100)).unwrap();
        check(directory.path(), Position::new(100)).unwrap();
        let error = check(directory.path(), Position::new(99)).unwrap_err();
        assert!(matches!(error, OpenError::Shorter { .. }), "{error:?}");
        fs::write(directory.path().join(FILE), "1O0").unwrap();
        let error = check(directory.path(), Position::new(100)).unwrap_err();
        assert!(matches!(error, OpenError::Unreadable { .. }), "{error:?}");
    }
}
