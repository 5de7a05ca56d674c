//! The storage library's files, looked at without it: which of them is damaged, and how.
//!
//! The library's errors name no file, and some damage it meets in silence: it cuts a journal off at
//! the first entry that it cannot read, whatever follows; it deletes a tree whose `current` is
//! missing and tables that a damaged version file no longer names. So its files are looked at
//! before it may touch them: what says how the others are to be read is checked whole at each open,
//! the tables by their checksums when something is wrong or when somebody asks.

mod journal;
mod tree;

#[cfg(test)]
mod tests;

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use thiserror::Error;

/// What the storage library calls its parts.
const VERSION: &str = "version";
const TREES: &str = "keyspaces";
/// The library's own format, in its file [`VERSION`].
const FORMAT: &[u8] = b"FJL\x03";

/// A file that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) file: PathBuf,
    pub(crate) problem: Problem,
}

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum Problem {
    #[error("it is missing")]
    Missing,
    #[error("it has the storage format \"{}\", and this version reads \"{}\"", .found.escape_ascii(), FORMAT.escape_ascii())]
    OtherFormat { found: Vec<u8> },
    #[error("its checksum is not the one that was noted when it was written")]
    Checksum,
    #[error("what it holds cannot be read")]
    Unreadable,
    #[error("it is damaged at byte {at}: what follows there was written later and is whole")]
    InTheMiddle { at: u64 },
    #[error("it is damaged at byte {at}: what stands there is not what its checksum was made of")]
    Group { at: u64 },
    #[error("it cannot be opened: {0}")]
    Closed(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file.display(), self.problem)
    }
}

/// How closely the files are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// All but the tables: some tens of megabytes at most.
    AtOpen,
    /// The tables too: everything is read.
    Whole,
}

/// Whether a journal may lack what was written before something that it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Each group was flushed before the next: a hole before a whole group is damage.
    Flushed,
    /// A power failure may have left any of it.
    Unknown,
}

/// What was found in a store.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    pub(crate) faults: Vec<Fault>,
    /// Bytes behind the last whole group of the newest journal: what a crash left, and the library
    /// cuts off.
    pub(crate) torn: u64,
    /// Whether anything was ever written: then every tree was finished before.
    pub(crate) is_begun: bool,
    /// How much was read.
    pub(crate) bytes: u64,
    pub(crate) files: u64,
}

/// Looks at the files of the store in this folder, and tells of each after it was read. A folder
/// without a store has no faults.
pub(crate) fn survey(
    store: &Path,
    depth: Depth,
    order: Order,
    told: &mut dyn FnMut(&Survey),
) -> io::Result<Survey> {
    let mut survey = Survey::default();
    let version = store.join(VERSION);
    let trees = subfolders(&store.join(TREES))?;
    let journals = journal::all(store)?;
    match fs::read(&version) {
        Ok(found) if found == FORMAT => survey.read(FORMAT.len() as u64),
        Ok(found) => survey.fault(
            version,
            Problem::OtherFormat {
                found: found.into_iter().take(8).collect(),
            },
        ),
        // The library writes it last when it makes a store: before, there is nothing in it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if trees.iter().any(|tree| tree::has_tables(tree)) {
                survey.fault(version, Problem::Missing);
            }
            return Ok(survey);
        }
        Err(error) => survey.fault(version, Problem::Closed(error.to_string())),
    }
    journal::check(store, &journals, order, &mut survey, told)?;
    for tree in trees {
        tree::check(&tree, depth, &mut survey, told)?;
    }
    Ok(survey)
}

impl Survey {
    fn fault(&mut self, file: PathBuf, problem: Problem) {
        self.faults.push(Fault { file, problem });
    }

    fn read(&mut self, bytes: u64) {
        self.bytes += bytes;
        self.files += 1;
    }
}

fn subfolders(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    match fs::read_dir(folder) {
        Ok(entries) => {
            for entry in entries {
                let entry = entry?;
                if entry.file_type()?.is_dir() {
                    found.push(entry.path());
                }
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    found.sort();
    Ok(found)
}
