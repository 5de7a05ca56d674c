//! `peerage node backup`: the log of a store, record by record, into a folder that the next backup
//! goes on with.
//!
//! A data directory is asked through the socket that its node has there, whoever runs it, `peerage
//! node` or `peerage serve`; without a node it is opened itself. So one command does for both, and
//! needs no password: who may read the files may back them up. A store elsewhere is asked over its
//! port, and lets an administrator alone.

mod running;

use super::{
    CliError, backup_failed,
    look::{blocking, show},
    meter::{Meter, grouped},
};
use crate::cli::{Output, output};
use backup::{Disk, Folder, Written};
use chrono::Utc;
use clap::Args;
use embedded::offline;
use running::Running;
use serde::Serialize;
use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    sync::Arc,
};

#[derive(Debug, Args)]
pub(super) struct Backup {
    #[command(flatten)]
    source: Source,
    /// The folder of the backup, like ./backups/peerage. The next backup to it adds what is new.
    #[arg(long, value_name = "FOLDER")]
    to: PathBuf,
    /// How to print the summary.
    #[arg(long, short, env = "PEERAGE_OUTPUT", default_value = "table")]
    output: Output,
}

/// Which store is backed up.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Source {
    /// A data directory on this machine, like ./events or ./peerage-data, whether it is in use or
    /// not.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// A running `peerage node`, as kurrentdb://admin:PASSWORD@host:2113?tls=true
    #[arg(long, value_name = "CONNECTION STRING")]
    store: Option<String>,
}

/// What was done, and what has to be kept besides.
#[derive(Debug, Serialize)]
struct Summary {
    folder: PathBuf,
    records: u64,
    bytes: u64,
    records_before: u64,
    end: u64,
    /// Files that the backup is of no full use without.
    keep_too: Vec<PathBuf>,
    #[serde(skip)]
    note: Option<String>,
}

impl Backup {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let data = self.source.data.as_deref().map(events_of);
        let to = self.to.clone();
        let opened = blocking(move || Folder::open(&to, Arc::new(Disk))).await?;
        let folder = opened.map_err(|error| backup_failed(error.into()))?;
        let written = match (&data, &self.source.store) {
            (Some(data), _) => of_directory(data, folder).await?,
            (None, Some(store)) => Running::of(store)?.back_up(folder).await?,
            (None, None) => return Err(CliError::usage("say which store: --data or --store")),
        };
        let (keep_too, note) = besides(data.as_deref());
        let summary = Summary {
            folder: self.to,
            records: written.records,
            bytes: written.bytes,
            records_before: written.records_before,
            end: written.end,
            keep_too,
            note,
        };
        output::print(self.output, &summary, in_words)
    }
}

async fn of_directory(data: &Path, folder: Folder) -> Result<Written, CliError> {
    if let Some(running) = Running::in_directory(data).await? {
        return running.back_up(folder).await;
    }
    let data = data.to_owned();
    let written = blocking(move || {
        let mut meter = Meter::new("backing up");
        offline::backup(&data, folder, Utc::now(), |progress| {
            show(&mut meter, progress);
        })
    });
    written.await?.map_err(backup_failed)
}

/// The events of an engine are in a directory of their own within its data directory.
fn events_of(data: &Path) -> PathBuf {
    let inner = data.join("events");
    if !data.join("format").exists() && inner.is_dir() {
        inner
    } else {
        data.to_owned()
    }
}

/// What is kept beside the events of an engine, and belongs to them.
fn besides(data: Option<&Path>) -> (Vec<PathBuf>, Option<String>) {
    let engine = data.filter(|it| it.file_name() == Some(OsStr::new("events")));
    let Some(engine) = engine.and_then(Path::parent) else {
        return (Vec::new(), None);
    };
    let keys = engine.join("secrets.key");
    if keys.exists() {
        let shown = keys.display();
        let note = format!(
            "keep {shown} too, and not beside the backup: the secrets of connectors are sealed with it"
        );
        return (vec![keys], Some(note));
    }
    let note = "if the engine's configuration names secrets.key_file, keep that file too, and not beside the backup";
    (Vec::new(), Some(note.to_owned()))
}

fn in_words(summary: &Summary) -> String {
    let Summary {
        folder,
        records,
        bytes,
        records_before,
        end,
        note,
        ..
    } = summary;
    let before = match records_before {
        0 => String::new(),
        some => format!(" after {} from before", grouped(*some)),
    };
    let mut text = format!(
        "{} records backed up{before}, {} bytes: {} holds everything before position {end}",
        grouped(*records),
        grouped(*bytes),
        folder.display()
    );
    if let Some(note) = note {
        text += &format!("\n{note}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_events_of_an_engine_are_found_and_its_keys_named() {
        let place = tempfile::tempdir().unwrap();
        let data = place.path();
        assert_eq!(events_of(data), data, "a directory of events alone");
        let events = data.join("events");
        std::fs::create_dir(&events).unwrap();
        assert_eq!(events_of(data), events);
        assert_eq!(events_of(&events), events);
        let (files, note) = besides(Some(&events));
        assert!(files.is_empty() && note.unwrap().contains("secrets.key_file"));
        std::fs::write(data.join("secrets.key"), "").unwrap();
        let (files, note) = besides(Some(&events));
        assert_eq!(files, [data.join("secrets.key")]);
        assert!(note.unwrap().contains("secrets.key"));
        std::fs::write(data.join("format"), "").unwrap();
        assert_eq!(events_of(data), data);
        assert_eq!(besides(Some(data)), (Vec::new(), None));
    }
}
