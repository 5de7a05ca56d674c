//! `peerage node restore`: a new data directory, made of a backup.

use super::{
    CliError, backup_failed,
    look::{blocking, show},
    meter::{Meter, grouped},
};
use crate::cli::{Output, output};
use backup::Archive;
use chrono::{DateTime, SecondsFormat, Utc};
use clap::Args;
use embedded::offline::{self, BackupFailure, Until};
use serde::Serialize;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(super) struct Restore {
    /// The folder of the backup, like ./backups/peerage.
    #[arg(long, value_name = "FOLDER")]
    from: PathBuf,
    /// The data directory to make, like ./events, or ./peerage-data/events for an engine. It must
    /// not be there.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Leave out what came later than a position of the log or a time, like 4711 or
    /// 2026-03-01T09:00:00Z. An append is there whole or not at all.
    #[arg(long, value_name = "POSITION|TIME", value_parser = until)]
    until: Option<Until>,
    /// How to print the summary.
    #[arg(long, short, env = "PEERAGE_OUTPUT", default_value = "table")]
    output: Output,
}

#[derive(Debug, Serialize)]
struct Summary {
    data: PathBuf,
    records: u64,
    end: u64,
    newest: Option<DateTime<Utc>>,
}

fn until(text: &str) -> Result<Until, String> {
    if let Ok(position) = text.parse() {
        return Ok(Until::Position(position));
    }
    let time = DateTime::parse_from_rfc3339(text);
    let time = time.map_err(|_| {
        "write a position like 4711, or a time like 2026-03-01T09:00:00Z".to_owned()
    })?;
    Ok(Until::Time(time.to_utc()))
}

impl Restore {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let (from, data) = (self.from.clone(), self.data.clone());
        let until = self.until.unwrap_or(Until::End);
        let restored = blocking(move || {
            let archive = Archive::open(&from)?;
            let mut meter = Meter::new("restoring");
            let told = |progress| show(&mut meter, progress);
            offline::restore(&archive, until, &data, told)
        });
        let restored = restored.await?;
        let restored = restored.map_err(|error: BackupFailure| backup_failed(error))?;
        let summary = Summary {
            data: self.data,
            records: restored.records,
            end: restored.end,
            newest: restored.newest,
        };
        output::print(self.output, &summary, in_words)
    }
}

fn in_words(summary: &Summary) -> String {
    let newest = summary.newest.map_or(String::new(), |newest| {
        let newest = newest.to_rfc3339_opts(SecondsFormat::Millis, true);
        format!(", the newest of {newest}")
    });
    format!(
        "{} records restored to {}{newest}: the log ends at position {}",
        grouped(summary.records),
        summary.data.display(),
        summary.end
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_a_position_or_a_time() {
        assert_eq!(until("4711"), Ok(Until::Position(4711)));
        let time = until("2026-03-01T10:00:00+01:00").unwrap();
        assert_eq!(time, until("2026-03-01T09:00:00Z").unwrap());
        for wrong in ["", "yesterday", "-1", "2026-03-01"] {
            assert!(until(wrong).unwrap_err().contains("2026"), "{wrong}");
        }
    }
}
