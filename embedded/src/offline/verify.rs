//! Whether a data directory is sound: every file by its checksum, every event by its place, the
//! index by the events.

use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use super::{Doing, Finding, Progress};
use crate::{
    Durability, StartError,
    log::{self, Depth, Direction, DiskLog, IndexEntry, Log, LogError, Order},
    model::{Position, Record, StreamName},
};

/// More findings than this say nothing new.
const MOST_FINDINGS: usize = 100;
/// It is told of every so many events.
const TELL_EVERY: u64 = 4_096;

/// What was read, and what was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verification {
    /// Files of the store that were read, and their bytes.
    pub files: u64,
    /// Bytes that were read of them.
    pub bytes: u64,
    /// Events that were read.
    pub events: u64,
    /// Entries of the index that were read: one for each event.
    pub index_entries: u64,
    /// Bytes of an unfinished write at the end of the newest journal: what a crash leaves. They are
    /// dropped when the store is opened.
    pub torn: u64,
    /// What is damaged. Nothing: the store is sound.
    pub findings: Vec<Finding>,
}

impl Verification {
    /// Whether nothing is damaged.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.findings.is_empty()
    }

    fn find(&mut self, file: PathBuf, problem: impl ToString) {
        if self.findings.len() < MOST_FINDINGS {
            self.findings.push(Finding {
                file,
                problem: problem.to_string(),
            });
        }
    }
}

/// Reads everything in a data directory. An error: it could not be looked at, for instance because
/// a node uses it. Blocks.
pub fn verify(
    directory: &Path,
    mut told: impl FnMut(Progress),
) -> Result<Verification, StartError> {
    let mut verification = Verification::default();
    log::must_exist(directory)?;
    let size = log::files_of(directory).map_err(|source| StartError::Directory {
        path: directory.to_owned(),
        source,
    })?;
    let size = size.iter().map(|found| found.bytes).sum();
    let survey = log::look_over(directory, Depth::Whole, Order::Flushed, &mut |survey| {
        told(Progress {
            doing: Doing::Files,
            done: survey.bytes,
            of: size,
        });
    })?;
    (verification.files, verification.bytes, verification.torn) =
        (survey.files, survey.bytes, survey.torn);
    for fault in survey.faults {
        verification.find(fault.file, fault.problem);
    }
    // Opening it would be the storage library's chance to repair it its own way.
    if verification.is_sound() {
        contents(directory, &mut verification, &mut told)?;
    }
    Ok(verification)
}

fn contents(
    directory: &Path,
    verification: &mut Verification,
    told: &mut dyn FnMut(Progress),
) -> Result<(), StartError> {
    let log = match DiskLog::open(directory, Durability::Synced) {
        Ok(log) => log,
        Err(error) => return what_open_found(error.into(), verification),
    };
    let store = log::store(directory);
    if let Err(error) = events(&log, &store, verification, told)
        .and_then(|()| index(&log, &store, verification, told))
    {
        verification.find(store, error);
    }
    Ok(())
}

/// What a store that is damaged is refused with is a finding; anything else is why it could not be
/// looked at.
fn what_open_found(refusal: StartError, verification: &mut Verification) -> Result<(), StartError> {
    if let StartError::Damaged { file, problem } = refusal {
        verification.find(file, problem);
    } else if let StartError::Store { path, source } = refusal {
        verification.find(path, source);
    } else {
        return Err(refusal);
    }
    Ok(())
}

/// Each event stands behind the one before, and the index has it where it stands.
fn events(
    log: &DiskLog,
    store: &Path,
    verification: &mut Verification,
    told: &mut dyn FnMut(Progress),
) -> Result<(), LogError> {
    let of = log.end()?.get();
    let (mut free, mut records, mut failure) = (Position::FIRST, 0_u64, None);
    log.scan(
        Position::START,
        Position::END,
        Direction::Forwards,
        &mut |record| {
            if record.position < free {
                let place = record.position.get();
                verification.find(
                    store.to_owned(),
                    format!("the record at position {place} stands in the one before it"),
                );
            }
            free = record.position.after(record.len());
            records += 1;
            if records.is_multiple_of(TELL_EVERY) {
                told(Progress {
                    doing: Doing::Events,
                    done: record.position.get(),
                    of,
                });
            }
            match is_indexed(log, &record) {
                Ok(true) => {}
                Ok(false) => verification.find(
                    store.to_owned(),
                    format!("the index does not have {}", named(&record)),
                ),
                Err(error) => failure = Some(error),
            }
            verification.events += u64::from(!record.is_marker());
            if failure.is_some() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        },
    )?;
    failure.map_or(Ok(()), Err)
}

fn is_indexed(log: &DiskLog, record: &Record) -> Result<bool, LogError> {
    if record.is_marker() {
        return Ok(true);
    }
    let wanted = IndexEntry {
        number: record.number,
        position: record.position,
        id: record.id,
        created: record.created,
    };
    Ok(log.entry(&StreamName::new(record.stream()), record.number)? == Some(wanted))
}

fn named(record: &Record) -> String {
    format!(
        "event {} of {:?} at position {}",
        record.number,
        record.stream(),
        record.position.get()
    )
}

/// Within a stream later numbers stand at later positions; and the index has nothing that the log
/// has not.
fn index(
    log: &DiskLog,
    store: &Path,
    verification: &mut Verification,
    told: &mut dyn FnMut(Progress),
) -> Result<(), LogError> {
    let (events, mut before) = (verification.events, None::<(String, Position)>);
    log.visit_index(&mut |stream, entry| {
        verification.index_entries += 1;
        match &mut before {
            Some((name, last)) if name == stream => {
                if entry.position <= *last {
                    verification.find(
                        store.to_owned(),
                        format!(
                            "event {} of {stream:?} stands before an earlier one",
                            entry.number
                        ),
                    );
                }
                *last = entry.position;
            }
            Some(_) | None => before = Some((stream.to_owned(), entry.position)),
        }
        if verification.index_entries.is_multiple_of(TELL_EVERY) {
            told(Progress {
                doing: Doing::Index,
                done: verification.index_entries,
                of: events,
            });
        }
        ControlFlow::Continue(())
    })?;
    if verification.index_entries == events {
        Ok(())
    } else {
        superfluous(log, store, verification)
    }
}

fn superfluous(
    log: &DiskLog,
    store: &Path,
    verification: &mut Verification,
) -> Result<(), LogError> {
    let mut failure = None;
    log.visit_index(&mut |stream, entry| {
        match log.record(entry.position) {
            Ok(Some(record))
                if !record.is_marker()
                    && record.stream() == stream
                    && record.number == entry.number => {}
            Ok(_) => verification.find(
                store.to_owned(),
                format!(
                    "the index has event {} of {stream:?}, and the log has not",
                    entry.number
                ),
            ),
            Err(error) => failure = Some(error),
        }
        if failure.is_some() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })?;
    failure.map_or(Ok(()), Err)
}
