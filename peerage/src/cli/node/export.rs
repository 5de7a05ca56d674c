//! `peerage node export`: the events of a store, in the order of its log, as lines of JSON.

use super::{
    CliError, failed,
    meter::{Meter, grouped},
    place::{Missing, Opened, Place},
};
use crate::cli::{Output, output};
use clap::Args;
use std::{
    io::{self, BufWriter},
    path::{Path, PathBuf},
};
use transfer::{ExportFile, Exported, Progress, TransferError};

#[derive(Debug, Args)]
pub(super) struct Export {
    #[command(flatten)]
    place: Place,
    /// The file to write, like history.jsonl. Default: standard output.
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    /// Go on where the file ends: after an interruption, or for what has been appended since.
    #[arg(long, requires = "to")]
    resume: bool,
    /// How to print the summary.
    #[arg(long, short, env = "PEERAGE_OUTPUT", default_value = "table")]
    output: Output,
}

impl Export {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let file = self
            .to
            .as_deref()
            .map(|to| open(to, self.resume))
            .transpose()?;
        let mut opened = self.place.open(Missing::Refused).await?;
        let written = copy(&mut opened, file).await;
        opened.close().await;
        let summary = written.map_err(failed)?;
        match self.to {
            Some(_) => output::print(self.output, &summary, in_words),
            // Standard output holds the events.
            None => {
                eprintln!("{}", in_words(&summary));
                Ok(())
            }
        }
    }
}

fn open(path: &Path, resume: bool) -> Result<ExportFile, CliError> {
    let opened = if resume {
        ExportFile::resume(path)
    } else {
        ExportFile::create(path)
    };
    opened.map_err(|error| match error {
        TransferError::FileExists { .. } => CliError::usage(format!(
            "--to {} is there already: --resume goes on where it ends",
            path.display()
        )),
        TransferError::File { .. } => CliError::usage(format!("--to {error}")),
        TransferError::Settings(_)
        | TransferError::Silent { .. }
        | TransferError::Refused { .. }
        | TransferError::Denied { .. }
        | TransferError::Line { .. }
        | TransferError::Output(_) => failed(error),
    })
}

async fn copy(opened: &mut Opened, file: Option<ExportFile>) -> Result<Exported, TransferError> {
    let mut meter = Meter::new("exporting");
    let progress = |Progress { done, of, events }| {
        meter.at(done, of, || format!("{} events", grouped(events)));
    };
    match file {
        Some(file) => file.export(&mut opened.store, progress).await,
        None => {
            let mut to = BufWriter::new(io::stdout().lock());
            transfer::export(&mut opened.store, &mut to, progress).await
        }
    }
}

fn in_words(summary: &Exported) -> String {
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
}
