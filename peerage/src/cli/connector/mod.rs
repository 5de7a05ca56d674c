//! `peerage connector …`.

mod create;
mod deliveries;
mod event_types;
mod list;
mod log_replay;
mod parked;
mod rotate;
mod settings;
mod start;
mod trial;
mod watch;

use super::{
    CliError, Remote,
    engine::{Command, Context, Servers},
    output,
};
use crate::api::v1;
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(super) enum Connector {
    /// Define a connector, stopped: a webhook by its URL, or anything that a file says.
    Create(Box<create::Create>),
    /// Let a connector run, where it stood or from a position.
    Start(start::Start),
    /// Let a connector stop. What is under way is finished first. The engine's own stop for a time,
    /// with --for.
    Stop(start::Stop),
    /// Set where a stopped connector begins when it is started.
    Reset(start::Reset),
    /// Replace all settings of a connector. One that runs goes on with them where it is.
    Reconfigure(create::Reconfigure),
    /// Give a webhook another signing key; the present one signs beside it for a grace.
    RotateKey(rotate::RotateKey),
    /// Seal a connector's secrets under the present master key, after `key-file rotate`.
    Reseal(Subject),
    /// Add a master key to a key file, or take one away that seals nothing any more.
    KeyFile(rotate::KeyFile),
    /// Change a connector's name.
    Rename(Rename),
    /// End a stopped connector for good.
    Delete(Subject),
    /// List connectors: whether they run, how far they are, what they have set aside.
    List(list::List),
    /// Show one connector.
    Show(list::Show),
    /// List the records that a connector has set aside, and why.
    Parked(parked::Parked),
    /// Have parked records delivered again.
    Replay(parked::Change),
    /// Have a part of the log delivered again, whatever became of it; --validate-only says how many
    /// records that is.
    ReplayLog(log_replay::ReplayLog),
    /// Give parked records up.
    Discard(parked::Change),
    /// Try at once what waits for its next attempt.
    RetryNow(trial::One),
    /// Send one test message to a connector's endpoint.
    Test(trial::One),
    /// Say what a filter and a transform make of the events of a file. Nothing is sent.
    Try(trial::Try),
    /// List the types of events that can be delivered, or show one: its schema and samples.
    EventTypes(event_types::EventTypes),
    /// List attempts to deliver, the newest first, as the server that is asked has kept them.
    Deliveries(deliveries::Deliveries),
    /// Show connectors live: a line whenever something of one has changed.
    Watch(watch::Watch),
}

/// A command to one connector.
#[derive(Debug, Args)]
pub(super) struct Subject {
    #[command(flatten)]
    pub(super) remote: Remote,
    #[command(flatten)]
    pub(super) context: Context,
    /// The connector's id, like to-auditors.
    #[arg(value_name = "CONNECTOR")]
    pub(super) connector: String,
}

#[derive(Debug, Args)]
pub(super) struct Rename {
    #[command(flatten)]
    subject: Subject,
    /// The new name, like 'to the auditors'.
    #[arg(value_name = "NAME")]
    name: String,
}

impl Connector {
    pub(super) async fn run(self) -> Result<(), CliError> {
        match self {
            Self::Create(create) => create.run().await,
            Self::Start(start) => start.run().await,
            Self::Stop(stop) => stop.run().await,
            Self::Reset(reset) => reset.run().await,
            Self::Reconfigure(reconfigure) => reconfigure.run().await,
            Self::RotateKey(rotate) => rotate.run().await,
            Self::Reseal(reseal) => {
                reseal
                    .send(|connector_id| v1::ResealSecretsRequest {
                        connector_id,
                        ..Default::default()
                    })
                    .await
            }
            Self::KeyFile(file) => file.run(),
            Self::Rename(rename) => rename.run().await,
            Self::Delete(delete) => {
                delete
                    .send(|connector_id| v1::DeleteConnectorRequest {
                        connector_id,
                        ..Default::default()
                    })
                    .await
            }
            Self::List(list) => list.run().await,
            Self::Show(show) => show.run().await,
            Self::Parked(parked) => parked.run().await,
            Self::Replay(change) => change.replay().await,
            Self::ReplayLog(replay) => replay.run().await,
            Self::Discard(change) => change.discard().await,
            Self::RetryNow(one) => one.retry().await,
            Self::Test(one) => one.test().await,
            Self::Try(trial) => trial.run().await,
            Self::EventTypes(asked) => asked.run().await,
            Self::Deliveries(asked) => asked.run().await,
            Self::Watch(watch) => watch.run().await,
        }
    }
}

impl Subject {
    async fn send<R: Command>(self, command: impl FnOnce(String) -> R) -> Result<(), CliError> {
        let mut servers = self.remote.servers()?;
        self.tell(&mut servers, command(self.connector.clone()))
            .await
    }

    async fn tell<R: Command>(&self, servers: &mut Servers, message: R) -> Result<(), CliError> {
        let done = servers.command(message, &self.context).await?;
        output::command(self.remote.output, &done)
    }
}

impl Rename {
    async fn run(self) -> Result<(), CliError> {
        let name = self.name;
        self.subject
            .send(|connector_id| v1::RenameConnectorRequest {
                connector_id,
                name,
                ..Default::default()
            })
            .await
    }
}
