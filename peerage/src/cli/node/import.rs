//! `peerage node import`: appends the events of an export to a store, in the order in which they
//! stand.
//!
//! Every append names the revision that the export says, and the ids of its events: what the store
//! has already, from an import that was interrupted or from one that was done before, is not
//! appended again. An event that stands where the store has another ends it.
//!
//! Deletes are events too. A soft delete is an event of the stream's metadata; when the stream is
//! written again a store adds metadata of its own, which is then taken for the exported one if it
//! says the same. A tombstone is asked for as a tombstone.

use super::{
    CliError,
    append::Importer,
    line::{self, Event, Said},
    meter::{Meter, grouped},
    place::{Missing, Place},
};
use crate::cli::{Output, output};
use clap::Args;
use serde::Serialize;
use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    io::{self, BufRead, BufReader},
    path::PathBuf,
};

/// Neighbours of one stream go together, up to so many and so many bytes: far below what any store
/// takes at once.
const BATCH_EVENTS: usize = 500;
const BATCH_BYTES: usize = 512 << 10;

#[derive(Debug, Args)]
pub(super) struct Import {
    #[command(flatten)]
    place: Place,
    /// The file to read. Default: standard input.
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Let empty events stand in for those that were scavenged before the export, so that the
    /// others keep their numbers.
    #[arg(long)]
    fill_gaps: bool,
    /// How to print the summary.
    #[arg(long, short, env = "PEERAGE_OUTPUT", default_value = "table")]
    output: Output,
}

/// What was done.
#[derive(Debug, Default, Clone, Serialize)]
pub(super) struct Summary {
    /// Lines that were read.
    pub(super) lines: u64,
    /// Events that were appended now, tombstones included.
    pub(super) appended: u64,
    /// Events that the store had already.
    pub(super) there_before: u64,
    /// Events that stand in for scavenged ones.
    pub(super) filled: u64,
    /// Events marked as JSON that are no text; they are appended as bytes.
    pub(super) marked_as_bytes: u64,
}

impl Import {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let (lines, size, name): (Box<dyn BufRead>, u64, String) = match &self.from {
            Some(from) => {
                let failed = |error: io::Error| {
                    CliError::usage(format!("--from {}: {error}", from.display()))
                };
                let file = File::open(from).map_err(failed)?;
                let size = file.metadata().map_err(failed)?.len();
                (
                    Box::new(BufReader::new(file)),
                    size,
                    from.display().to_string(),
                )
            }
            None => (
                Box::new(BufReader::new(io::stdin())),
                0,
                "standard input".to_owned(),
            ),
        };
        let mut store = self.place.open(Missing::Made).await?;
        let head = store.head().await?;
        let mut importer = Importer {
            store,
            head,
            name,
            fill_gaps: self.fill_gaps,
            summary: Summary::default(),
            metadata: HashMap::new(),
            ended: BTreeMap::new(),
        };
        let done = importer.all(lines, size).await;
        let summary = importer.summary.clone();
        importer.store.close().await;
        if let Err(error) = done {
            let so_far = format!(
                "{} events were appended; the same command goes on from there",
                grouped(summary.appended)
            );
            return Err(CliError {
                text: format!("{}\n{so_far}", error.text),
                ..error
            });
        }
        output::print(self.output, &summary, in_words)
    }
}

fn in_words(summary: &Summary) -> String {
    let Summary {
        appended,
        there_before,
        filled,
        marked_as_bytes,
        ..
    } = summary;
    let mut text = format!(
        "{} events appended; {} were there before",
        grouped(*appended),
        grouped(*there_before)
    );
    if *filled > 0 {
        text += &format!("; {} stand in for scavenged ones", grouped(*filled));
    }
    if *marked_as_bytes > 0 {
        text += &format!(
            "; {} were marked as JSON and are no text: they are marked as bytes now",
            grouped(*marked_as_bytes)
        );
    }
    text
}

/// Neighbours of one stream, and the line of the first.
#[derive(Default)]
struct Batch {
    line: u64,
    events: Vec<Event>,
    bytes: usize,
}

impl Batch {
    /// Whether an event goes on where these end.
    fn is_continued_by(&self, event: &Event) -> bool {
        let goes_on = |last: &Event| {
            last.stream == event.stream && last.revision.checked_add(1) == Some(event.revision)
        };
        let has_room = self.events.len() < BATCH_EVENTS && self.bytes + event.size() <= BATCH_BYTES;
        has_room
            && self.events.last().is_some_and(goes_on)
            && !event.is_metadata()
            && !event.is_tombstone()
    }
}

impl Importer {
    async fn all(&mut self, mut lines: Box<dyn BufRead>, size: u64) -> Result<(), CliError> {
        let (mut meter, mut bytes, mut text, mut batch) =
            (Meter::new("importing"), 0, String::new(), Batch::default());
        loop {
            text.clear();
            let read = lines
                .read_line(&mut text)
                .map_err(|error| self.wrong(self.summary.lines + 1, &error))?;
            if read == 0 {
                break;
            }
            self.summary.lines += 1;
            bytes += read as u64;
            let said = line::parse(text.trim_end())
                .map_err(|problem| self.wrong(self.summary.lines, &problem))?;
            let Said::Event(event) = said else { continue };
            if !batch.is_continued_by(&event) {
                let before = std::mem::take(&mut batch);
                self.put(&before.events, before.line).await?;
                batch.line = self.summary.lines;
            }
            batch.bytes += event.size();
            batch.events.push(*event);
            let events = self.summary.appended + self.summary.there_before;
            meter.at(bytes, size, || format!("{} events", grouped(events)));
        }
        self.put(&batch.events, batch.line).await?;
        match self.ended.first_key_value() {
            Some((stream, line)) => Err(self.wrong(
                *line,
                &format!("{stream:?} was ended in the store, and the export does not end it"),
            )),
            None => Ok(()),
        }
    }
}
