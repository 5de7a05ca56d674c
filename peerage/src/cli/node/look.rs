//! `peerage node stats` and `peerage node verify`: what a store holds, and whether all of it is
//! sound.

use super::{
    CliError, backup_failed, failed,
    meter::{Meter, grouped},
    place::{Missing, Place},
    refused,
};
use crate::cli::{Output, output, output::Column};
use backup::{Archive, BackupError};
use clap::Args;
use embedded::{
    StartError,
    offline::{self, Doing, Progress, Verification},
};
use kurrentdb::operations::{self, StatsOptions};
use serde::Serialize;
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::PathBuf, time::Duration};

#[derive(Debug, Args)]
pub(super) struct Stats {
    #[command(flatten)]
    place: Place,
    /// How to print.
    #[arg(long, short, env = "PEERAGE_OUTPUT", default_value = "table")]
    output: Output,
}

#[derive(Debug, Args)]
pub(super) struct Verify {
    /// A data directory that no node uses, like ./events.
    #[arg(long, value_name = "DIR", required_unless_present = "backup")]
    data: Option<PathBuf>,
    /// The folder of a backup, like ./backups/peerage.
    #[arg(long, value_name = "FOLDER", conflicts_with = "data")]
    backup: Option<PathBuf>,
    /// How to print.
    #[arg(long, short, env = "PEERAGE_OUTPUT", default_value = "table")]
    output: Output,
}

impl Stats {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let figures = match &self.place.data {
            Some(data) => of_directory(data.clone()).await?,
            None => of_running(&self.place).await?,
        };
        output::print(self.output, &figures, |figures| {
            let shown = |value: &Value| {
                value
                    .as_u64()
                    .map(grouped)
                    .or(value.as_str().map(str::to_owned))
                    .unwrap_or_else(|| "-".to_owned())
            };
            output::table(
                [Column::Whole("what"), Column::Wrapped("value")],
                figures
                    .iter()
                    .map(|(what, value)| [what.replace('_', " "), shown(value)]),
            )
        })
    }
}

/// Figures by name, in the order in which they are shown.
#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Figures(#[serde(serialize_with = "in_order")] Vec<(String, Value)>);

fn in_order<S: serde::Serializer>(figures: &[(String, Value)], to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(figures.iter().map(|(what, value)| (what, value)))
}

impl Figures {
    fn iter(&self) -> impl Iterator<Item = &(String, Value)> {
        self.0.iter()
    }
}

async fn of_directory(data: PathBuf) -> Result<Figures, CliError> {
    let stats = of_store(move || {
        let mut meter = Meter::new("counting");
        offline::stats(&data, |progress| show(&mut meter, progress))
    })
    .await?;
    let (longest, length) = stats
        .longest_stream
        .map_or((Value::Null, Value::Null), |(name, events)| {
            (json!(name), json!(events))
        });
    let (first, last) = stats
        .written
        .map_or((Value::Null, Value::Null), |(first, last)| {
            (json!(first), json!(last))
        });
    let figures = [
        ("events", json!(stats.events)),
        ("system_events", json!(stats.system_events)),
        ("streams", json!(stats.streams)),
        ("system_streams", json!(stats.system_streams)),
        ("deleted_streams", json!(stats.deleted_streams)),
        ("tombstoned_streams", json!(stats.tombstoned_streams)),
        ("longest_stream", longest),
        ("longest_stream_events", length),
        ("first_written", first),
        ("last_written", last),
        ("log_bytes", json!(stats.end)),
        ("bytes_on_disk", json!(stats.bytes_on_disk)),
        ("files", json!(stats.files)),
    ];
    Ok(Figures(
        figures.map(|(what, value)| (what.to_owned(), value)).into(),
    ))
}

/// What the store says under the names it gives them.
async fn of_running(place: &Place) -> Result<Figures, CliError> {
    let opened = place.open(Missing::Refused).await?;
    let store = &opened.store;
    let asked = async {
        let client = operations::Client::new(store.settings().clone()).map_err(CliError::failed)?;
        let options = StatsOptions::default().refresh_time(Duration::from_secs(1));
        let refused = |error| failed(store.refused("it tells nothing of itself", &error));
        let mut stats = client.stats(&options).await.map_err(refused)?;
        stats.next().await.map_err(refused)
    };
    let answer = tokio::time::timeout(Duration::from_secs(20), asked).await;
    let answer =
        answer.map_err(|_| CliError::failed(format!("{} does not answer", store.name())))?;
    let figures: BTreeMap<String, String> = answer?.0.into_iter().collect();
    opened.close().await;
    Ok(Figures(
        figures
            .into_iter()
            .map(|(what, value)| (what, json!(value)))
            .collect(),
    ))
}

impl Verify {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let data = match (&self.data, &self.backup) {
            (Some(data), _) => data.clone(),
            (None, Some(backup)) => return verify_backup(backup.clone(), self.output).await,
            (None, None) => return Err(CliError::usage("say what to read: --data or --backup")),
        };
        let verification = of_store(move || {
            let mut meter = Meter::new("verifying");
            offline::verify(&data, |progress| show(&mut meter, progress))
        })
        .await?;
        let findings: Vec<Value> = verification
            .findings
            .iter()
            .map(|found| json!({"file": found.file, "problem": found.problem}))
            .collect();
        let answer = json!({
            "sound": verification.is_sound(), "files": verification.files, "bytes": verification.bytes, "events": verification.events,
            "index_entries": verification.index_entries, "unfinished_bytes": verification.torn, "findings": findings,
        });
        output::print(self.output, &answer, |_| in_words(&verification))?;
        match &verification.findings[..] {
            [] => Ok(()),
            [one] => Err(CliError::failed(format!(
                "{} is damaged: {}",
                one.file.display(),
                one.problem
            ))),
            [first, rest @ ..] => {
                let (file, problem, more) = (first.file.display(), &first.problem, rest.len());
                Err(CliError::failed(format!(
                    "{file} is damaged: {problem}; and {more} more findings"
                )))
            }
        }
    }
}

async fn verify_backup(folder: PathBuf, form: Output) -> Result<(), CliError> {
    let verified = blocking(move || {
        let archive = Archive::open(&folder)?;
        let (of, mut meter) = (archive.bytes(), Meter::new("verifying"));
        let read = archive.verify(&mut |read| {
            meter.at(read.bytes, of, || {
                format!("{} MB of files", grouped(read.bytes >> 20))
            });
        })?;
        Ok((
            read,
            archive.end(),
            archive.finished().map(ToOwned::to_owned),
        ))
    });
    let (read, end, finished) = verified
        .await?
        .map_err(|error: BackupError| backup_failed(error.into()))?;
    let answer = json!({
        "sound": true, "files": read.files, "bytes": read.bytes, "records": read.records, "end": end, "finished": finished,
    });
    output::print(form, &answer, |_| {
        format!(
            "sound: {} records before position {end}, {} bytes in {} files; backed up last at {}",
            grouped(read.records),
            grouped(read.bytes),
            grouped(read.files),
            finished.as_deref().unwrap_or("an unknown time")
        )
    })
}

fn in_words(verification: &Verification) -> String {
    let read = format!(
        "{} bytes in {} files",
        grouped(verification.bytes),
        grouped(verification.files)
    );
    let mut text = if verification.is_sound() {
        format!(
            "sound: {} events, each in its place and in the index; {read}",
            grouped(verification.events)
        )
    } else {
        let rows = verification
            .findings
            .iter()
            .map(|found| [found.file.display().to_string(), found.problem.clone()]);
        format!(
            "damaged; {read}\n{}",
            output::table([Column::Wrapped("file"), Column::Wrapped("problem")], rows)
        )
    };
    if verification.torn > 0 {
        let bytes = grouped(verification.torn);
        text += &format!(
            "\nthe newest journal ends with {bytes} bytes of an unfinished write, which a node drops when it starts"
        );
    }
    text
}

pub(super) fn show(meter: &mut Meter, progress: Progress) {
    let Progress { doing, done, of } = progress;
    meter.at(done, of, || match doing {
        Doing::Files => format!("{} MB of files", grouped(done >> 20)),
        Doing::Events => "events".to_owned(),
        Doing::Index => format!("index, {} entries", grouped(done)),
    });
}

async fn of_store<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StartError> + Send + 'static,
) -> Result<T, CliError> {
    blocking(work).await?.map_err(|error| refused(&error))
}

/// Does what blocks where blocking is allowed.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, CliError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(CliError::failed)
}
