//! `peerage node import`: appends the events of an export to a store, in the order in which they
//! stand.

use super::{
    CliError, failed,
    meter::{Meter, grouped},
    place::{Missing, Place},
};
use crate::cli::{Output, output};
use clap::Args;
use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::PathBuf,
};
use transfer::{Imported, Progress};

#[derive(Debug, Args)]
pub(super) struct Import {
    #[command(flatten)]
    place: Place,
    /// The file to read, like history.jsonl. Default: standard input.
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
        let mut opened = self.place.open(Missing::Made).await?;
        let how = transfer::Import {
            source_name: name,
            size,
            fill_gaps: self.fill_gaps,
        };
        let mut summary = Imported::default();
        let mut meter = Meter::new("importing");
        let progress = |Progress { done, of, events }| {
            meter.at(done, of, || format!("{} events", grouped(events)));
        };
        let done = transfer::import(&mut opened.store, lines, &how, &mut summary, progress).await;
        opened.close().await;
        drop(meter);
        if let Err(error) = done {
            let error = failed(error);
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

fn in_words(summary: &Imported) -> String {
    let Imported {
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
