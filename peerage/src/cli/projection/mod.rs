//! `peerage projection …`: what a server has made of the log for itself, and how it is made anew.

mod rebuild;
mod show;

use super::{CliError, Remote, engine::Servers, output};
use crate::api::v1;
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Projection {
    /// List what the server has made of the log, how far each is, and what is being built of it.
    List(List),
    /// Show what is being built of one, or was last: how far it is, and what differed.
    Status(One),
    /// Build one anew from the log beside the one that serves, compare both row by row, and switch.
    Rebuild(rebuild::Rebuild),
    /// Give up what is being built. What serves is not touched.
    Cancel(One),
}

/// Each server has its own: this is about those of the server that is named.
#[derive(Debug, Args)]
pub(in crate::cli) struct List {
    #[command(flatten)]
    remote: Remote,
}

/// Each server has its own: this is about the one of the server that is named.
#[derive(Debug, Args)]
pub(in crate::cli) struct One {
    #[command(flatten)]
    remote: Remote,
    /// Its name, like read-models or audit-tree.
    #[arg(value_name = "NAME")]
    name: String,
}

impl Projection {
    pub(super) async fn run(self) -> Result<(), CliError> {
        match self {
            Self::List(list) => list.run().await,
            Self::Status(one) => one.status().await,
            Self::Rebuild(rebuild) => rebuild.run().await,
            Self::Cancel(one) => one.cancel().await,
        }
    }
}

/// The one server that is meant: what one has is nothing of another's.
fn server(remote: &Remote) -> Result<Servers, CliError> {
    match remote.servers.as_slice() {
        [_] => remote.servers(),
        many => Err(CliError::usage(format!(
            "each server has its own: name one with --server, not {}",
            many.len()
        ))),
    }
}

impl List {
    async fn run(self) -> Result<(), CliError> {
        let request = v1::ListProjectionsRequest::default();
        let all = server(&self.remote)?.read(request).await?.projections;
        output::messages(self.remote.output, &all, show::table)
    }
}

impl One {
    async fn status(self) -> Result<(), CliError> {
        let name = self.name;
        let mut server = server(&self.remote)?;
        let told = server.read(v1::GetProjectionRequest { name }).await?;
        let told = told.projection.unwrap_or_default();
        output::message(self.remote.output, &told, show::shown)
    }

    async fn cancel(self) -> Result<(), CliError> {
        let name = self.name;
        let mut server = server(&self.remote)?;
        let told = server.read(v1::CancelRebuildRequest { name }).await?;
        let told = told.projection.unwrap_or_default();
        output::message(self.remote.output, &told, show::shown)
    }
}
