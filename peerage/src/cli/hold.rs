//! `peerage freeze`, `thaw` and `quarantine`: for the bad day, in one network or in all.

use super::{
    CliError, Remote,
    engine::{Context, Done},
    output,
    resolve::{self, Named},
    terminal,
};
use crate::api::v1::{self, quarantine_scope::Scope};
use clap::{Args, Subcommand};

/// One network or all of them.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// The network: its id, the id's first characters, its name, or PROJECT/NAME, like orders.
    #[arg(long, value_name = "NETWORK")]
    network: Option<Named>,
    /// Every network that is not retired.
    #[arg(long)]
    all: bool,
}

/// What is frozen, or thawed.
#[derive(Debug, Args)]
pub(super) struct Hold {
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    context: Context,
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Args)]
#[command(subcommand_negates_reqs = true, mut_arg("reason", |it| it.required(true)))]
pub(super) struct Quarantine {
    #[command(subcommand)]
    lift: Option<Lifting>,
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    context: Context,
    #[command(flatten)]
    of: Of,
}

#[derive(Debug, Subcommand)]
enum Lifting {
    /// End a quarantine: what it closed is opened again as it was asked for. Name the scope that
    /// was imposed.
    Lift(Lift),
}

#[derive(Debug, Args)]
struct Lift {
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    context: Context,
    #[command(flatten)]
    of: Of,
}

/// Which peerings are meant.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct Of {
    /// The peerings with networks of this account, like 444455556666; in every network, unless one
    /// is named.
    #[arg(long, value_name = "ACCOUNT", conflicts_with = "peer")]
    account: Option<String>,
    /// The peerings with this network, like vpc-0d4c3b2a; in every network, unless one is named.
    #[arg(long, value_name = "CLOUD NETWORK")]
    peer: Option<String>,
    /// The network: its id, the id's first characters, its name, or PROJECT/NAME, like orders.
    /// Alone: all of its peerings.
    #[arg(long, value_name = "NETWORK")]
    network: Option<Named>,
}

impl Hold {
    pub(super) async fn freeze(self) -> Result<(), CliError> {
        let mut servers = self.remote.servers()?;
        let message = v1::FreezeNetworksRequest {
            network_id: resolve::network_if_any(&mut servers, self.which.network.as_ref()).await?,
            all_networks: self.which.all,
            ..Default::default()
        };
        told(&self.remote, servers.command(message, &self.context).await?)
    }

    pub(super) async fn thaw(self) -> Result<(), CliError> {
        let mut servers = self.remote.servers()?;
        let message = v1::ThawNetworksRequest {
            network_id: resolve::network_if_any(&mut servers, self.which.network.as_ref()).await?,
            all_networks: self.which.all,
            ..Default::default()
        };
        told(&self.remote, servers.command(message, &self.context).await?)
    }
}

impl Quarantine {
    pub(super) async fn run(self) -> Result<(), CliError> {
        if let Some(Lifting::Lift(lift)) = self.lift {
            return lift.run().await;
        }
        let mut servers = self.remote.servers()?;
        let message = v1::ImposeQuarantineRequest {
            network_id: resolve::network_if_any(&mut servers, self.of.network.as_ref()).await?,
            all_networks: self.of.network.is_none(),
            scope: Some(self.of.scope()),
            ..Default::default()
        };
        let done = servers.command(message, &self.context).await?;
        if !is_felt(&done) {
            terminal::note(
                "note: no peering is in this scope now, so nothing is closed; it holds for later ones. Is it the right one?",
            );
        }
        told(&self.remote, done)
    }
}

/// Whether a quarantine is about any peering that is there.
fn is_felt(done: &Done) -> bool {
    let in_all = done.answer.networks.iter();
    let in_all = in_all.map(|it| (&it.event_types, it.peerings_in_scope));
    let in_one = (&done.answer.event_types, done.answer.peerings_in_scope);
    let mut imposed = in_all
        .chain([in_one])
        .filter(|(types, _)| !types.is_empty())
        .peekable();
    imposed.peek().is_none() || imposed.any(|(_, peerings)| peerings > 0)
}

impl Lift {
    async fn run(self) -> Result<(), CliError> {
        let mut servers = self.remote.servers()?;
        let message = v1::LiftQuarantineRequest {
            network_id: resolve::network_if_any(&mut servers, self.of.network.as_ref()).await?,
            all_networks: self.of.network.is_none(),
            scope: Some(self.of.scope()),
            ..Default::default()
        };
        told(&self.remote, servers.command(message, &self.context).await?)
    }
}

impl Of {
    fn scope(&self) -> v1::QuarantineScope {
        let scope = match (&self.account, &self.peer) {
            (Some(account), _) => Scope::PeerAccount(account.clone()),
            (None, Some(peer)) => Scope::PeerNetwork(peer.clone()),
            (None, None) => Scope::Everything(v1::Everything {}),
        };
        v1::QuarantineScope { scope: Some(scope) }
    }
}

/// Prints what came of it; what one network refused is a failure of the whole.
fn told(remote: &Remote, done: Done) -> Result<(), CliError> {
    output::command(remote.output, &done)?;
    let answers = &done.answer.networks;
    let failed = answers.iter().filter(|it| !it.reason.is_empty()).count();
    if failed == 0 {
        return Ok(());
    }
    Err(CliError::failed(format!(
        "{failed} of {} networks did not carry it out; send it again under the same command id for those",
        answers.len()
    )))
}
