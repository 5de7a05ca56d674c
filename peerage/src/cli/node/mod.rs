//! `peerage node`: the embedded event store alone, for any KurrentDB client, and what can be done
//! with the events of any.
//!
//! Without a further word it serves. `stats` and `verify` look at a data directory that no node
//! uses; `backup` and `restore` keep one safe, record by record; `export` and `import` move history
//! between stores as lines of JSON, through the official client, so that either end may be a real
//! KurrentDB.

mod backup;
mod export;
mod import;
mod look;
mod meter;
mod place;
mod restore;
mod serve;

pub(super) use meter::{Meter, grouped};

use super::CliError;
use ::backup::BackupError;
use clap::{Args, Subcommand};
use embedded::{StartError, offline::BackupFailure};
use transfer::TransferError;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct Node {
    #[command(subcommand)]
    command: Option<NodeCommand>,
    #[command(flatten)]
    serve: Option<serve::Serve>,
}

#[derive(Debug, Subcommand)]
enum NodeCommand {
    /// What a data directory holds, or what a running store says of itself.
    Stats(look::Stats),
    /// Read all of a data directory, or of a backup, and say which file is damaged.
    Verify(look::Verify),
    /// Back up a store, running or not: its log as it is, into a folder. Again: what is new.
    Backup(backup::Backup),
    /// Make a data directory of a backup.
    Restore(restore::Restore),
    /// Write the events of a store as lines of JSON.
    Export(export::Export),
    /// Append events from lines of JSON to a store. What it has already is not appended again.
    Import(import::Import),
}

impl Node {
    pub(super) async fn run(self) -> Result<(), CliError> {
        match (self.command, self.serve) {
            (Some(NodeCommand::Stats(stats)), _) => stats.run().await,
            (Some(NodeCommand::Verify(verify)), _) => verify.run().await,
            (Some(NodeCommand::Backup(backup)), _) => backup.run().await,
            (Some(NodeCommand::Restore(restore)), _) => restore.run().await,
            (Some(NodeCommand::Export(export)), _) => export.run().await,
            (Some(NodeCommand::Import(import)), _) => import.run().await,
            (None, Some(serve)) => serve.run().await,
            (None, None) => Err(CliError::usage(
                "say where the events are: --data DIR, or --memory",
            )),
        }
    }
}

/// A store that cannot be opened because of how it was asked for is a usage error; all else is a
/// failure.
fn refused(error: &StartError) -> CliError {
    let text = domain::error_chain(error);
    if matches!(error, StartError::DirectoryInUse { .. }) {
        return CliError::usage(format!(
            "{text}; if that is a node, go through it: --store 'kurrentdb://ADDRESS:PORT?tls=false'"
        ));
    }
    let is_usage = matches!(
        error,
        StartError::AddressInUse { .. } | StartError::NoStore { .. } | StartError::Tls(_)
    );
    if is_usage {
        CliError::usage(text)
    } else {
        CliError::failed(text)
    }
}

/// The same for a backup or a restore.
fn backup_failed(error: BackupFailure) -> CliError {
    let text = domain::error_chain(&error);
    match error {
        BackupFailure::Store(error) => refused(&error),
        BackupFailure::Exists(_)
        | BackupFailure::Backup(
            BackupError::NoBackup(_)
            | BackupError::NotABackup { .. }
            | BackupError::InUse(_)
            | BackupError::Beyond { .. },
        ) => CliError::usage(text),
        BackupFailure::Backup(
            BackupError::Io { .. }
            | BackupError::Unfinished(_)
            | BackupError::OtherFormat { .. }
            | BackupError::Damaged { .. }
            | BackupError::AnotherLog { .. }
            | BackupError::Sent(_),
        ) => CliError::failed(text),
    }
}

/// What was asked for cannot be: a usage error; all else is a failure.
fn failed(error: TransferError) -> CliError {
    match error {
        TransferError::Settings(problem) => CliError::usage(format!("--store: {problem}")),
        TransferError::Silent { .. }
        | TransferError::Refused { .. }
        | TransferError::Denied { .. }
        | TransferError::Line { .. }
        | TransferError::Output(_)
        | TransferError::FileExists { .. }
        | TransferError::File { .. } => CliError::failed(error),
    }
}
