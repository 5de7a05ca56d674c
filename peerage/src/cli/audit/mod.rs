//! `peerage audit`: who did what, when and why.
//!
//! The bare word lists events as they are stored; `log` tells each in a sentence.

mod at;
mod diff;
mod filter;
mod log;
mod place;
mod reach;

use super::{CliError, Remote, output};
use crate::api::v1::EventOrder;
use clap::{Args, Subcommand};
use filter::Filter;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Audit {
    #[command(subcommand)]
    question: Option<Question>,
    #[command(flatten)]
    events: Events,
}

#[derive(Debug, Subcommand)]
enum Question {
    /// Tell what happened, an event in a sentence, the newest last.
    Log(log::Log),
    /// Show networks as the log says they were, at a time or at a position.
    At(at::At),
    /// Tell what changed in a network between two places of its log, and what changed it.
    Diff(diff::Diff),
    /// Tell which peerings led to an address, over what, and by whose decision; now or earlier.
    WhoCanReach(reach::WhoCanReach),
}

/// The events as they are stored.
#[derive(Debug, Args)]
struct Events {
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    filter: Filter,
    /// The newest first.
    #[arg(long)]
    newest_first: bool,
    /// The most events, like 50.
    #[arg(long, default_value_t = 1000, value_name = "N")]
    limit: usize,
}

impl Audit {
    pub(super) async fn run(self) -> Result<(), CliError> {
        match self.question {
            Some(Question::Log(log)) => log.run().await,
            Some(Question::At(at)) => at.run().await,
            Some(Question::Diff(diff)) => diff.run().await,
            Some(Question::WhoCanReach(reach)) => reach.run().await,
            None => self.events.run().await,
        }
    }
}

impl Events {
    async fn run(self) -> Result<(), CliError> {
        let mut servers = self.remote.servers()?;
        let order = if self.newest_first {
            EventOrder::NewestFirst
        } else {
            EventOrder::OldestFirst
        };
        let message = self.filter.request(&mut servers, order).await?;
        let events = servers.list(message, self.limit).await?;
        output::messages(self.remote.output, &events, output::events)
    }
}
