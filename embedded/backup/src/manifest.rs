//! What a backup holds, in its file `manifest.json`.
//!
//! It is written beside, flushed and renamed: a kill leaves the old one or the new one. It carries
//! a checksum of itself, and is refused unless it is, byte for byte, what would be written.

use crate::{BackupError, Files};
use serde::{Deserialize, Serialize};
use std::{
    fs, io,
    path::{Path, PathBuf},
};
use xxhash_rust::xxh3::xxh3_64;

/// The file's name.
pub(crate) const FILE: &str = "manifest.json";
/// What it is called while it is written.
pub(crate) const BESIDE: &str = "manifest.json.new";
/// The form of a backup that this version writes and reads.
pub(crate) const FORMAT: u32 = 1;

/// By what a record is recognised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Anchor {
    /// Where it stands.
    pub position: u64,
    /// When it was written.
    pub created: i64,
    /// How long it is.
    pub length: u64,
    /// The checksum of its bytes.
    pub xxh3: String,
}

impl Anchor {
    /// The first position behind it.
    pub(crate) fn end(&self) -> u64 {
        self.position.saturating_add(self.length)
    }
}

/// A file of records that is finished.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Segment {
    pub(crate) file: String,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
    pub(crate) records: u64,
    pub(crate) first: Anchor,
    pub(crate) last: Anchor,
}

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    pub(crate) format: u32,
    /// The form of the records; none while nothing is known of the store.
    pub(crate) log_format: Option<u32>,
    /// Up to where it is whole. None: it never came to an end.
    pub(crate) end: Option<u64>,
    /// When it came there.
    pub(crate) finished: Option<String>,
    pub(crate) segments: Vec<Segment>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    backup: Manifest,
    xxh3: String,
}

/// Only what says which form the rest has.
#[derive(Debug, Deserialize)]
struct Versioned {
    backup: Format,
}

#[derive(Debug, Deserialize)]
struct Format {
    format: u32,
}

impl Manifest {
    pub(crate) fn new() -> Self {
        Self {
            format: FORMAT,
            log_format: None,
            end: None,
            finished: None,
            segments: Vec::new(),
        }
    }

    /// None: there is none.
    pub(crate) fn read(folder: &Path) -> Result<Option<Self>, BackupError> {
        let file = folder.join(FILE);
        let found = match fs::read(&file) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(BackupError::Io { path: file, source }),
        };
        let sealed = match serde_json::from_slice::<Sealed>(&found) {
            Ok(sealed) => sealed,
            Err(error) => {
                return Err(match serde_json::from_slice::<Versioned>(&found) {
                    Ok(Versioned { backup }) if backup.format != FORMAT => {
                        BackupError::OtherFormat {
                            file,
                            found: backup.format,
                            known: FORMAT,
                        }
                    }
                    Ok(_) | Err(_) => BackupError::damaged(file, error),
                });
            }
        };
        if sealed.backup.format != FORMAT {
            return Err(BackupError::OtherFormat {
                file,
                found: sealed.backup.format,
                known: FORMAT,
            });
        }
        if sealed.backup.text() != found {
            let problem = "its checksum is not the one that was noted when it was written";
            return Err(BackupError::damaged(file, problem));
        }
        Ok(Some(sealed.backup))
    }

    pub(crate) fn write(&self, folder: &Path, files: &dyn Files) -> Result<(), BackupError> {
        let (beside, file) = (folder.join(BESIDE), folder.join(FILE));
        let write = || {
            if beside.exists() {
                files.remove(&beside)?;
            }
            let mut to = files.append(&beside)?;
            to.write(&self.text())?;
            to.sync()?;
            files.rename(&beside, &file)?;
            files.sync_folder(folder)
        };
        write().map_err(BackupError::io(PathBuf::from(&file)))
    }

    fn text(&self) -> Vec<u8> {
        let text = |sealed: &Sealed| {
            let mut text = serde_json::to_vec_pretty(sealed).unwrap_or_default();
            text.push(b'\n');
            text
        };
        let mut sealed = Sealed {
            backup: self.clone(),
            xxh3: String::new(),
        };
        sealed.xxh3 = format!("{:016x}", xxh3_64(&text(&sealed)));
        text(&sealed)
    }

    /// The newest record that is in a finished segment.
    pub(crate) fn last(&self) -> Option<&Anchor> {
        self.segments.last().map(|segment| &segment.last)
    }
}
