//! A data directory made of a backup.
//!
//! The backup is checked whole before anything is written. The directory is made beside, under a
//! name of its own, and says that it holds a store only when it does; then it is verified, and
//! takes its name. So whatever ends the process, there is a whole store or none, and the next
//! restore begins anew.

use std::{
    fs::{self, DirBuilder, File},
    io,
    ops::ControlFlow,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use backup::{Archive, BackupError, Frame};
use chrono::{DateTime, SecondsFormat, Utc};

use super::{BackupFailure, Doing, Progress, verify};
use crate::{
    StartError,
    log::{self, DiskLog, Group, Log as _},
    model::{Record, Ticks},
};

/// The rights of what is made: its owner's alone.
const PRIVATE: u32 = 0o700;
/// Stands in a directory that is being made.
const MARK: &str = "restoring";
/// Records are written in groups of so many bytes.
const GROUP_BYTES: usize = 4 << 20;
/// No append is larger, with what the store writes beside it.
const APPEND_BYTES: usize = 64 << 20;

/// How much of a backup is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// All of it.
    End,
    /// What stands up to this position.
    Position(u64),
    /// What was written up to this time.
    Time(DateTime<Utc>),
}

/// What was made of a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Restored {
    /// How many records the log has.
    pub records: u64,
    /// Where it ends.
    pub end: u64,
    /// When its newest record was written.
    pub newest: Option<DateTime<Utc>>,
}

/// Makes a data directory, which must not be there, of a backup. What was appended together is
/// there whole or not at all. Blocks.
///
/// # Errors
/// [`BackupFailure`]. Then there is no directory of that name.
pub fn restore(
    archive: &Archive,
    until: Until,
    directory: &Path,
    mut told: impl FnMut(Progress),
) -> Result<Restored, BackupFailure> {
    is_within(archive, until)?;
    let beside = beside(directory)?;
    let of = archive.bytes();
    archive.verify(&mut |read| {
        told(Progress {
            doing: Doing::Files,
            done: read.bytes,
            of,
        });
    })?;
    begin(&beside)?;
    let log = DiskLog::open_unmarked(&beside).map_err(StartError::from)?;
    let restored = fill(&log, archive, until, &beside, &mut told)?;
    log.close();
    drop(log);
    finish(&beside, directory, &mut told)?;
    Ok(restored)
}

/// What lies outside of a backup cannot be had from it.
fn is_within(archive: &Archive, until: Until) -> Result<(), BackupFailure> {
    if archive.log_format().is_some_and(|it| it != log::FORMAT) {
        return Err(BackupError::OtherFormat {
            file: archive.path().to_owned(),
            found: archive.log_format().unwrap_or_default(),
            known: log::FORMAT,
        }
        .into());
    }
    let what = match until {
        Until::End => return Ok(()),
        Until::Position(position) if position < archive.end() => return Ok(()),
        Until::Position(position) => format!("position {position} is asked for"),
        Until::Time(time) => {
            let made = archive.finished();
            let made = made.and_then(|it| DateTime::parse_from_rfc3339(it).ok());
            if made.is_some_and(|made| time <= made) {
                return Ok(());
            }
            let time = time.to_rfc3339_opts(SecondsFormat::Secs, true);
            format!("what was written until {time} is asked for")
        }
    };
    Err(BackupError::Beyond {
        folder: archive.path().to_owned(),
        what,
        end: archive.end(),
    }
    .into())
}

/// Where the directory is made.
fn beside(directory: &Path) -> Result<PathBuf, BackupFailure> {
    if fs::symlink_metadata(directory).is_ok() {
        return Err(BackupFailure::Exists(directory.to_owned()));
    }
    let name = directory.file_name();
    let mut name = name
        .ok_or_else(|| BackupFailure::Exists(directory.to_owned()))?
        .to_owned();
    name.push(".restoring");
    Ok(directory.with_file_name(name))
}

/// Makes the directory, in the place of one that another restore did not finish.
fn begin(beside: &Path) -> Result<(), BackupFailure> {
    let failed = |source| io_error(beside, source);
    if beside.join(MARK).exists() {
        fs::remove_dir_all(beside).map_err(failed)?;
    }
    let mut builder = DirBuilder::new();
    builder.mode(PRIVATE);
    if let Some(above) = beside.parent() {
        let made = builder.recursive(true).create(above);
        made.map_err(|source| io_error(above, source))?;
    }
    // One that is empty may have been begun a moment before a kill.
    match fs::remove_dir(beside) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(_) => return Err(BackupFailure::Exists(beside.to_owned())),
    }
    let made = builder.recursive(false).create(beside);
    made.and_then(|()| File::create(beside.join(MARK)).map(drop))
        .map_err(failed)
}

fn fill(
    log: &DiskLog,
    archive: &Archive,
    until: Until,
    beside: &Path,
    told: &mut dyn FnMut(Progress),
) -> Result<Restored, BackupFailure> {
    let mut filling = Filling {
        log,
        beside,
        group: Group::default(),
        bytes: 0,
        append: Vec::new(),
        append_bytes: 0,
        restored: Restored::default(),
    };
    archive.for_each(|frame| {
        let record = record(archive, &frame)?;
        if is_beyond(until, &record) {
            filling.leave_out_what_is_torn_by(&record);
            return Ok::<_, BackupFailure>(ControlFlow::Break(()));
        }
        filling.take(record)?;
        told(Progress {
            doing: Doing::Events,
            done: frame.position,
            of: archive.end(),
        });
        Ok(ControlFlow::Continue(()))
    })?;
    filling.append_is_whole()?;
    filling.commit()?;
    let mut restored = filling.restored;
    restored.end = log
        .end()
        .map_err(|error| BackupFailure::Store(StartError::log(beside.to_owned(), error)))?
        .get();
    Ok(restored)
}

fn record(archive: &Archive, frame: &Frame<'_>) -> Result<Record, BackupError> {
    let damaged = |problem: String| BackupError::Damaged {
        file: archive.path().to_owned(),
        problem,
    };
    let at = frame.position;
    match log::record(frame) {
        Ok(Some(record)) => Ok(record),
        Ok(None) => Err(damaged(format!(
            "the record at position {at} is not what the backup says of it"
        ))),
        Err(error) => Err(damaged(error.to_string())),
    }
}

fn is_beyond(until: Until, record: &Record) -> bool {
    match until {
        Until::End => false,
        Until::Position(position) => record.position.get() > position,
        Until::Time(time) => record.created > Ticks::of(time),
    }
}

/// Whether two neighbours may have been appended together: then there is no cutting between them.
fn may_be_one_append(before: &Record, after: &Record) -> bool {
    let follows =
        before.stream() == after.stream() && Some(after.number) == before.number.checked_add(1);
    // What the store writes beside an append, and what a scavenge has left of one.
    let is_beside = after.stream().starts_with('$') || before.is_marker() || after.is_marker();
    before.created == after.created && (follows || is_beside)
}

/// Writes records, those of one append together.
struct Filling<'a> {
    log: &'a DiskLog,
    beside: &'a Path,
    group: Group,
    bytes: usize,
    append: Vec<Record>,
    append_bytes: usize,
    restored: Restored,
}

impl Filling<'_> {
    fn take(&mut self, record: Record) -> Result<(), BackupFailure> {
        let goes_on = self
            .append
            .last()
            .is_some_and(|last| may_be_one_append(last, &record));
        if !goes_on || self.append_bytes > APPEND_BYTES {
            self.append_is_whole()?;
        }
        self.append_bytes += record.len();
        self.append.push(record);
        Ok(())
    }

    fn leave_out_what_is_torn_by(&mut self, next: &Record) {
        let is_torn = self
            .append
            .last()
            .is_some_and(|last| may_be_one_append(last, next));
        if is_torn {
            self.append.clear();
        }
    }

    fn append_is_whole(&mut self) -> Result<(), BackupFailure> {
        for record in self.append.drain(..) {
            self.restored.records += 1;
            self.restored.newest = Some(record.created.time());
            self.bytes += record.len();
            self.group.entries.extend(log::entry(&record));
            self.group
                .records
                .push((record.position, record.bytes().clone()));
        }
        self.append_bytes = 0;
        if self.bytes > GROUP_BYTES {
            self.commit()?;
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), BackupFailure> {
        self.bytes = 0;
        let committed = self.log.commit(std::mem::take(&mut self.group));
        committed.map_err(|error| StartError::log(self.beside.to_owned(), error).into())
    }
}

/// Verifies what was made, and gives it its name.
fn finish(
    beside: &Path,
    directory: &Path,
    told: &mut dyn FnMut(Progress),
) -> Result<(), BackupFailure> {
    let failed = |source| io_error(directory, source);
    log::mark(beside).map_err(failed)?;
    let verification = verify(beside, told)?;
    if let Some(found) = verification.findings.into_iter().next() {
        return Err(StartError::Damaged {
            file: found.file,
            problem: found.problem,
        }
        .into());
    }
    fs::remove_file(beside.join(MARK)).map_err(failed)?;
    File::open(beside)
        .and_then(|it| it.sync_all())
        .map_err(failed)?;
    fs::rename(beside, directory).map_err(failed)?;
    let above = directory.parent().filter(|it| *it != Path::new(""));
    let above = above.unwrap_or(Path::new("."));
    File::open(above)
        .and_then(|it| it.sync_all())
        .map_err(failed)
}

fn io_error(path: &Path, source: io::Error) -> BackupFailure {
    StartError::Directory {
        path: path.to_owned(),
        source,
    }
    .into()
}
