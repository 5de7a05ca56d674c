//! `peerage node export`: the events of a store, in the order of its log, as lines of JSON.
//!
//! It goes as far as the log reached when it began. A read that ends has not shown that there is no
//! more (a server that stops ends it the same way), so only an event at that place ends the export;
//! until then it reads on from the last event it has.

use super::{
    CliError,
    line::{self, Event, Said},
    meter::{Meter, grouped},
    place::{Missing, Place, Store, is_after, is_silence, next_within, pauses},
};
use crate::cli::{Output, output};
use clap::Args;
use kurrentdb::{Position, ReadAllOptions, StreamPosition};
use serde::Serialize;
use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead as _, BufReader, BufWriter, Seek as _, SeekFrom, Write},
    path::{Path, PathBuf},
};

#[derive(Debug, Args)]
pub(super) struct Export {
    #[command(flatten)]
    place: Place,
    /// The file to write. Default: standard output.
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    /// Go on where the file ends: after an interruption, or for what has been appended since.
    #[arg(long, requires = "to")]
    resume: bool,
    /// How to print the summary.
    #[arg(long, short, env = "PEERAGE_OUTPUT", default_value = "table")]
    output: Output,
}

/// What was done.
#[derive(Debug, Default, Serialize)]
struct Summary {
    /// Events written now.
    events: u64,
    /// Events in the file from before.
    events_before: u64,
    /// Events that each store keeps for itself, left out: links, users, groups.
    left_out: u64,
    /// The position of the newest event that was looked at.
    position: Option<String>,
}

impl Export {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let mut file = self
            .to
            .as_deref()
            .map(|to| Target::open(to, self.resume))
            .transpose()?;
        let mut store = self.place.open(Missing::Refused).await?;
        let (after, before) = file
            .as_ref()
            .map_or((None, 0), |file| (file.last, file.events));
        let mut summary = Summary {
            events_before: before,
            ..Summary::default()
        };
        let written = match &mut file {
            Some(file) => {
                let written = copy(
                    &mut store,
                    after,
                    file.is_new,
                    &mut file.lines,
                    &mut summary,
                )
                .await;
                // What was written is good, whatever happened then.
                let flushed = file.finish();
                written.and(flushed)
            }
            None => {
                copy(
                    &mut store,
                    after,
                    true,
                    &mut BufWriter::new(io::stdout().lock()),
                    &mut summary,
                )
                .await
            }
        };
        store.close().await;
        written?;
        let text = |summary: &Summary| {
            let before = if summary.events_before > 0 {
                format!(" after {} from before", grouped(summary.events_before))
            } else {
                String::new()
            };
            format!(
                "{} events exported{before}; {} of the store's own left out",
                grouped(summary.events),
                grouped(summary.left_out)
            )
        };
        match self.to {
            Some(_) => output::print(self.output, &summary, text),
            // Standard output holds the events.
            None => {
                eprintln!("{}", text(&summary));
                Ok(())
            }
        }
    }
}

async fn copy(
    store: &mut Store,
    after: Option<Position>,
    is_new: bool,
    to: &mut impl Write,
    summary: &mut Summary,
) -> Result<(), CliError> {
    if is_new {
        write_line(to, &line::header(&store.name))?;
    }
    let Some(head) = store.head().await? else {
        return Ok(());
    };
    let (mut last, mut meter, mut waits) = (after, Meter::new("exporting"), pauses());
    while is_after(head, last) {
        let options = ReadAllOptions::default()
            .position(last.map_or(StreamPosition::Start, StreamPosition::Position))
            .forwards();
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
                meter.at(found.position.commit, head.commit, || {
                    format!("{} events", grouped(summary.events))
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
                return Err(store.failed("its events cannot be read", &error));
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
    Output(CliError),
}

fn write_line(to: &mut impl Write, line: &str) -> Result<(), CliError> {
    to.write_all(line.as_bytes())
        .and_then(|()| to.write_all(b"\n"))
        .map_err(unwritten)
}

fn unwritten(error: io::Error) -> CliError {
    CliError::failed(format!("the export cannot be written: {error}"))
}

/// The file of an export.
struct Target {
    lines: BufWriter<File>,
    is_new: bool,
    /// The position of its last event, and how many it has.
    last: Option<Position>,
    events: u64,
}

impl Target {
    fn open(path: &Path, resume: bool) -> Result<Self, CliError> {
        let failed =
            |error: io::Error| CliError::usage(format!("--to {}: {error}", path.display()));
        let file = match OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(path)
        {
            Ok(file) => {
                return Ok(Self {
                    lines: BufWriter::new(file),
                    is_new: true,
                    last: None,
                    events: 0,
                });
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && resume => {
                OpenOptions::new()
                    .read(true)
                    .write(true)
                    .open(path)
                    .map_err(failed)?
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(CliError::usage(format!(
                    "--to {} is there already: --resume goes on where it ends",
                    path.display()
                )));
            }
            Err(error) => return Err(failed(error)),
        };
        Self::resume(file, path)
    }

    /// Goes behind the last whole line, and cuts off what an interruption left of the next.
    fn resume(file: File, path: &Path) -> Result<Self, CliError> {
        let failed =
            |error: io::Error| CliError::failed(format!("--to {}: {error}", path.display()));
        let (mut reader, mut end, mut number, mut line) =
            (BufReader::new(&file), 0, 0_u64, Vec::new());
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
            match said.map_err(|problem| {
                CliError::failed(format!("{} line {number}: {problem}", path.display()))
            })? {
                Said::Header => {}
                Said::Event(event) => {
                    last = event.position.or(last);
                    events += 1;
                }
            }
            end += read as u64;
        }
        file.set_len(end).map_err(failed)?;
        let mut file = file;
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        Ok(Self {
            lines: BufWriter::new(file),
            is_new: end == 0,
            last,
            events,
        })
    }

    fn finish(&mut self) -> Result<(), CliError> {
        self.lines
            .flush()
            .and_then(|()| self.lines.get_ref().sync_all())
            .map_err(unwritten)
    }
}
