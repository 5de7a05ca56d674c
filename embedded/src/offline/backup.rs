//! A backup of a data directory that no node uses, into a folder that a running one could go on
//! with.

use std::path::Path;

use backup::{Folder, Written, wire::Begun};
use chrono::{DateTime, Utc};

use super::{BackupFailure, Doing, Progress};
use crate::{
    Durability, StartError,
    log::{self, DiskLog, Log as _, LogError},
    model::Position,
};

/// How much of the log is read at once.
const PAGE: usize = 1 << 20;

/// Adds to a backup what a data directory has more; `now` is when it was made. Blocks.
///
/// # Errors
/// [`BackupFailure`]; the same backup goes on later where it ended.
pub fn backup(
    directory: &Path,
    mut folder: Folder,
    now: DateTime<Utc>,
    mut told: impl FnMut(Progress),
) -> Result<Written, BackupFailure> {
    log::must_exist(directory).map_err(StartError::from)?;
    let log = DiskLog::open(directory, Durability::Synced).map_err(StartError::from)?;
    let failed = |error: LogError| StartError::log(directory.to_owned(), error);
    let end = log.end().map_err(failed)?;
    let wanted = folder.wanted();
    folder.recognise(&Begun {
        end: end.get(),
        log_format: log::FORMAT,
        anchors: log::anchors(&log, &wanted.anchors).map_err(failed)?,
    })?;
    let mut from = Some(Position::new(wanted.from));
    while let Some(at) = from {
        let (frames, next) = log::frames(&log, at, end, PAGE).map_err(failed)?;
        folder.append(&frames)?;
        from = next;
        told(Progress {
            doing: Doing::Events,
            done: from.unwrap_or(end).get(),
            of: end.get(),
        });
    }
    Ok(folder.finish(end.get(), now)?)
}
