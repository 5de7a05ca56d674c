//! `peerage audit`: who did what, when and why.
//!
//! The bare word lists events as they are stored; `log` tells each in a sentence.

mod at;
mod checkpoint;
mod diff;
mod evidence;
mod explain;
mod export;
mod file;
mod filter;
mod form;
mod key;
mod log;
mod others;
mod place;
mod prove;
mod proved;
mod reach;
mod replay;
mod review;
mod seen;
mod stored;
mod verify;

pub(super) use key::refused;

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
    /// Tell why a peering is as it is, or how one event came about: commands, what they decided,
    /// what followed, and every call to the cloud.
    Explain(explain::Explain),
    /// List what is open by somebody's decision, and confirm or close it: the half-yearly review.
    Review(review::Review),
    /// Write the log into a file, in a form that other systems read; goes on after a break.
    Export(export::Export),
    /// Play the past as it unfolded, with a picture of the links.
    Replay(replay::Replay),
    /// Write all that is on record of a ticket, a peering or an event into one file: events, what
    /// led to them, and the networks before and after.
    Evidence(evidence::Evidence),
    /// Print what the log signs of itself: how many events it holds, and the root of their tree.
    Checkpoint(checkpoint::Checkpoint),
    /// Prove that an event is in the log, as a file that anybody can verify.
    Prove(prove::Prove),
    /// Verify a proof, a checkpoint or an export: offline, with nothing but the log's public key.
    Verify(Box<verify::Verify>),
    /// Keys: what a log, or a witness, signs with.
    #[command(subcommand)]
    Key(key::Key),
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
            Some(Question::Explain(explain)) => explain.run().await,
            Some(Question::Review(review)) => review.run().await,
            Some(Question::Export(export)) => export.run().await,
            Some(Question::Replay(replay)) => replay.run().await,
            Some(Question::Evidence(evidence)) => evidence.run().await,
            Some(Question::Checkpoint(checkpoint)) => checkpoint.run().await,
            Some(Question::Prove(prove)) => prove.run().await,
            Some(Question::Verify(verify)) => verify.run(),
            Some(Question::Key(key)) => key.run(),
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
