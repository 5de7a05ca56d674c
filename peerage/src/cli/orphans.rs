//! `peerage orphans …`.

use super::{
    CliError, Remote,
    engine::Context,
    output,
    resolve::{self, Named},
};
use crate::api::v1;
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(super) enum Orphans {
    /// List orphans: things at the cloud that no live peering accounts for.
    List(List),
    /// Remove an orphan, once it was seen again and nothing accounts for it still.
    Remove(Remove),
}

#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    remote: Remote,
    /// Only of this network: its id, the id's first characters, its name, or PROJECT/NAME, like
    /// orders.
    #[arg(long, value_name = "NETWORK")]
    network: Option<Named>,
}

#[derive(Debug, Args)]
#[command(mut_arg("reason", |it| it.required(true)))]
pub(super) struct Remove {
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    context: Context,
    /// What names it, as the list shows it, like pcx-0123456789abcdef0.
    #[arg(value_name = "ID")]
    orphan: String,
    /// The network that has it; needed only where several have one of that name, like orders.
    #[arg(long, value_name = "NETWORK")]
    network: Option<Named>,
}

impl Orphans {
    pub(super) async fn run(self) -> Result<(), CliError> {
        match self {
            Self::List(list) => list.run().await,
            Self::Remove(remove) => remove.run().await,
        }
    }
}

impl List {
    async fn run(self) -> Result<(), CliError> {
        let mut servers = self.remote.servers()?;
        let network_id = resolve::network_if_any(&mut servers, self.network.as_ref()).await?;
        let message = v1::ListOrphansRequest {
            network_id,
            ..Default::default()
        };
        let orphans = servers.list(message, usize::MAX).await?;
        output::messages(self.remote.output, &orphans, output::orphans)
    }
}

impl Remove {
    async fn run(self) -> Result<(), CliError> {
        let mut servers = self.remote.servers()?;
        let network_id = match &self.network {
            Some(named) => resolve::network(&mut servers, named).await?,
            None => {
                let all = servers
                    .list(v1::ListOrphansRequest::default(), usize::MAX)
                    .await?;
                let mut those = all.into_iter().filter(|it| it.orphan == self.orphan);
                match (those.next(), those.next()) {
                    (Some(one), None) => one.network_id,
                    (None, _) => {
                        return Err(CliError::failed(format!(
                            "no orphan {} is on record; `peerage orphans list` shows those that are",
                            self.orphan
                        )));
                    }
                    (Some(_), Some(_)) => {
                        return Err(CliError::failed(format!(
                            "several networks have an orphan {}; name one with --network",
                            self.orphan
                        )));
                    }
                }
            }
        };
        let message = v1::RemoveOrphanRequest {
            network_id,
            orphan: self.orphan,
            ..Default::default()
        };
        let done = servers.command(message, &self.context).await?;
        output::command(self.remote.output, &done)
    }
}
