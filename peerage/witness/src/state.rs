//! What a witness has seen: one file, written whole before a cosignature leaves, and held by one
//! process at a time.

use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};
use thiserror::Error;
use tree::Seen;

const FORMAT: &str = "peerage witness";
const VERSION: u32 = 1;

/// Why there is no state.
#[derive(Debug, Error)]
pub enum StateError {
    /// It cannot be read or written.
    #[error("{} cannot be read or written", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another process has it.
    #[error("{} is in use by another witness", .0.display())]
    InUse(PathBuf),
    /// It holds something else. A witness that forgets what it saw would cosign another history.
    #[error("{} is no witness's state, or was damaged: {problem}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: String,
    version: u32,
    logs: BTreeMap<String, Seen>,
}

/// What was seen last of each log, by its origin.
#[derive(Debug)]
pub struct State {
    path: PathBuf,
    logs: BTreeMap<String, Seen>,
    /// Held as long as the process works with the state.
    _lock: File,
}

impl State {
    /// Opens the state in this file, and makes it if there is none.
    ///
    /// # Errors
    /// When it is held by another process, damaged, or cannot be used.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        let failed = |source| StateError::Io {
            path: path.to_owned(),
            source,
        };
        let lock = OpenOptions::new()
            .create(true)
            .append(true)
            .open(beside(path, ".lock"))
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StateError::InUse(path.to_owned())),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let mut text = String::new();
        let logs = match File::open(path) {
            Ok(mut file) => {
                file.read_to_string(&mut text).map_err(failed)?;
                parse(path, &text)?
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(source) => return Err(failed(source)),
        };
        let state = Self {
            path: path.to_owned(),
            logs,
            _lock: lock,
        };
        // Whether it can be written shows now, and not with the first checkpoint.
        state.write(&state.logs)?;
        Ok(state)
    }

    /// What was seen last of a log.
    pub fn seen(&self, origin: &str) -> Option<&Seen> {
        self.logs.get(origin)
    }

    /// All logs that were seen.
    pub fn logs(&self) -> impl Iterator<Item = (&String, &Seen)> {
        self.logs.iter()
    }

    /// Remembers what was seen, on disk when this returns.
    ///
    /// # Errors
    /// When it cannot be written; then it is as it was.
    pub fn note(&mut self, origin: &str, seen: Seen) -> Result<(), StateError> {
        let mut logs = self.logs.clone();
        logs.insert(origin.to_owned(), seen);
        self.write(&logs)?;
        self.logs = logs;
        Ok(())
    }

    fn write(&self, logs: &BTreeMap<String, Seen>) -> Result<(), StateError> {
        let written = || {
            let document = Document {
                format: FORMAT.to_owned(),
                version: VERSION,
                logs: logs.clone(),
            };
            let text = serde_json::to_string_pretty(&document)? + "\n";
            let beside = beside(&self.path, ".new");
            let mut file = File::create(&beside)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&beside, &self.path)?;
            let folder = self.path.parent().filter(|it| !it.as_os_str().is_empty());
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
        };
        written().map_err(|source| StateError::Io {
            path: self.path.clone(),
            source,
        })
    }
}

fn parse(path: &Path, text: &str) -> Result<BTreeMap<String, Seen>, StateError> {
    let damaged = |problem: String| StateError::Damaged {
        path: path.to_owned(),
        problem,
    };
    let document: Document =
        serde_json::from_str(text).map_err(|error| damaged(error.to_string()))?;
    if document.format != FORMAT || document.version != VERSION {
        let (format, version) = (document.format, document.version);
        return Err(damaged(format!("it is version {version} of {format:?}")));
    }
    Ok(document.logs)
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
