//! The events of a store, in the order of its log, as lines of JSON.
//!
//! It goes as far as the log reached when it began. A read that ends has not shown that there is no
//! more (a server that stops ends it the same way), so only an event at that place ends the export;
//! until then it reads on from the last event it has.

use crate::line::{self, Event, Said};
use crate::store::{Store, is_after, is_silence, next_within, pauses};
use crate::{Progress, TransferError};
use kurrentdb::{Position, ReadAllOptions, StreamPosition};
use serde::Serialize;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, BufWriter, Seek as _, SeekFrom, Write};
use std::path::Path;

/// What was done.
#[derive(Debug, Default, Clone, Serialize)]
pub struct Exported {
    /// Events written now.
    pub events: u64,
    /// Events in the file from before.
    pub events_before: u64,
    /// Events that each store keeps for itself, left out: links, users, groups, snapshots of
    /// networks and receipts of their commands.
    pub left_out: u64,
    /// The position of the newest event that was looked at, `commit/prepare`. None: there was
    /// nothing to look at.
    pub position: Option<String>,
}

/// Writes everything that the store's log holds now.
///
/// # Errors
/// The store does not answer or refuses, or `to` takes no more. Whole lines only were written until
/// then.
pub async fn export(
    store: &mut Store,
    to: &mut impl Write,
    progress: impl FnMut(Progress),
) -> Result<Exported, TransferError> {
    let mut summary = Exported::default();
    write_line(to, &line::header(store.name()))?;
    copy(store, None, to, &mut summary, progress).await?;
    Ok(summary)
}

async fn copy(
    store: &mut Store,
    after: Option<Position>,
    to: &mut impl Write,
    summary: &mut Exported,
    mut progress: impl FnMut(Progress),
) -> Result<(), TransferError> {
    let Some(head) = store.head().await? else {
        return Ok(());
    };
    let (mut last, mut waits) = (after, pauses());
    while is_after(head, last) {
        let mut options = ReadAllOptions::default()
            .position(last.map_or(StreamPosition::Start, StreamPosition::Position))
            .forwards();
        if let Some(user) = store.user() {
            options = options.authenticated(user);
        }
        let known = last;
        let ended = async {
            let mut read = next_within(store.client().read_all(&options))
                .await
                .map_err(Problem::Store)?;
            while let Some(found) = next_within(read.next()).await.map_err(Problem::Store)? {
                let found = found.get_original_event();
                // The first of a read that goes on is the last of the one before.
                if !is_after(found.position, last) {
                    continue;
                }
                let event = Event::recorded(found);
                if event.is_of_the_store() {
                    summary.left_out += 1;
                } else {
                    write_line(to, &event.line()).map_err(Problem::Output)?;
                    summary.events += 1;
                }
                last = Some(found.position);
                progress(Progress {
                    done: found.position.commit,
                    of: head.commit,
                    events: summary.events,
                });
                if !is_after(head, last) {
                    break;
                }
            }
            Ok(())
        };
        let problem = match ended.await {
            Ok(()) if !is_after(head, last) => break,
            Ok(()) => "the read ended before the newest event".to_owned(),
            Err(Problem::Output(error)) => return Err(error),
            Err(Problem::Store(error)) if is_silence(&error) => error.to_string(),
            Err(Problem::Store(error)) => {
                return Err(store.refused("its events cannot be read", &error));
            }
        };
        if last != known {
            waits = pauses();
        }
        store.again("exporting", &problem, &mut waits).await?;
    }
    summary.position = last.map(|position| format!("{}/{}", position.commit, position.prepare));
    to.flush().map_err(unwritten)
}

enum Problem {
    Store(kurrentdb::Error),
    Output(TransferError),
}

fn write_line(to: &mut impl Write, line: &str) -> Result<(), TransferError> {
    to.write_all(line.as_bytes())
        .and_then(|()| to.write_all(b"\n"))
        .map_err(unwritten)
}

fn unwritten(error: io::Error) -> TransferError {
    TransferError::Output(error)
}

/// The file of an export: new, or one that another export left off.
#[derive(Debug)]
pub struct ExportFile {
    lines: BufWriter<File>,
    is_new: bool,
    /// The position of its last event, and how many it has.
    last: Option<Position>,
    events: u64,
}

impl ExportFile {
    /// Makes a new file.
    ///
    /// # Errors
    /// [`TransferError::FileExists`], or it cannot be made.
    pub fn create(path: &Path) -> Result<Self, TransferError> {
        let opened = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(path);
        match opened {
            Ok(file) => Ok(Self {
                lines: BufWriter::new(file),
                is_new: true,
                last: None,
                events: 0,
            }),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(TransferError::FileExists {
                    path: path.to_path_buf(),
                })
            }
            Err(error) => Err(file(path, error)),
        }
    }

    /// Goes on where a file ends; makes it if it is not there.
    ///
    /// # Errors
    /// It cannot be opened, or is no export.
    pub fn resume(path: &Path) -> Result<Self, TransferError> {
        match Self::create(path) {
            Err(TransferError::FileExists { .. }) => {}
            made => return made,
        }
        let opened = OpenOptions::new().read(true).write(true).open(path);
        Self::behind_last_line(opened.map_err(|error| file(path, error))?, path)
    }

    /// Goes behind the last whole line, and cuts off what an interruption left of the next.
    fn behind_last_line(mut opened: File, path: &Path) -> Result<Self, TransferError> {
        let failed = |error: io::Error| file(path, error);
        let (mut reader, mut end, mut number, mut line) =
            (BufReader::new(&opened), 0, 0_u64, Vec::new());
        let (mut last, mut events) = (None, 0);
        loop {
            line.clear();
            let read = reader.read_until(b'\n', &mut line).map_err(failed)?;
            if line.pop() != Some(b'\n') {
                break;
            }
            number += 1;
            let said = std::str::from_utf8(&line)
                .map_err(|error| error.to_string())
                .and_then(line::parse);
            match said.map_err(|problem| TransferError::Line {
                source_name: path.display().to_string(),
                line: number,
                problem,
            })? {
                Said::Header => {}
                Said::Event(event) => {
                    last = event.position.or(last);
                    events += 1;
                }
            }
            end += read as u64;
        }
        opened.set_len(end).map_err(failed)?;
        opened.seek(SeekFrom::End(0)).map_err(failed)?;
        Ok(Self {
            lines: BufWriter::new(opened),
            is_new: end == 0,
            last,
            events,
        })
    }

    /// Writes what the store's log holds now and the file does not, and brings it to the disk.
    ///
    /// # Errors
    /// As [`export()`]; what was written until then is on the disk, and [`ExportFile::resume`] goes
    /// on behind it.
    pub async fn export(
        mut self,
        store: &mut Store,
        progress: impl FnMut(Progress),
    ) -> Result<Exported, TransferError> {
        let mut summary = Exported {
            events_before: self.events,
            ..Exported::default()
        };
        if self.is_new {
            write_line(&mut self.lines, &line::header(store.name()))?;
        }
        let copied = copy(store, self.last, &mut self.lines, &mut summary, progress).await;
        // What was written is good, whatever happened then.
        let flushed = self.lines.flush();
        let kept = flushed.and_then(|()| self.lines.get_ref().sync_all());
        copied.and(kept.map_err(unwritten))?;
        Ok(summary)
    }
}

fn file(path: &Path, error: io::Error) -> TransferError {
    TransferError::File {
        path: path.to_path_buf(),
        error,
    }
}
