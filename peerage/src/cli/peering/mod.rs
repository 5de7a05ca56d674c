//! `peerage peering …`.

mod adopt;
mod dns;
mod end;
mod list;
mod option;
mod plan;
mod ranges;
mod request;
mod spec;
mod tenure;
mod watch;

pub(in crate::cli) use plan::ask as plan;
pub(super) use spec::Consent;
pub(super) use watch::ending;

use super::{
    CliError, Remote,
    engine::{Command, Context, Servers},
    output,
    resolve::{self, Named},
};
use crate::api::v1;
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(super) enum Peering {
    /// Request a link between a private network and a peer, with its routes and what it admits.
    Request(request::Request),
    /// Adopt a link that another tool or person made: shows what that means, and asks.
    Adopt(adopt::Adopt),
    /// Show what would be done, and whether it can be. Writes nothing anywhere.
    Plan(plan::Plan),
    /// List peerings.
    List(list::List),
    /// Show one peering: who has to act, link, routes, firewall, exposures, drift, notes.
    Show(Show),
    /// Follow one peering live until it is in place or has ended, or several until you stop.
    Watch(watch::Watch),
    /// Show drift: what differs from the desired state.
    Drift(list::Drift),
    /// Change the peer's address ranges; the link stays.
    #[command(subcommand)]
    Ranges(ranges::Ranges),
    /// Change which subnets of the peer use the link; routes move along.
    #[command(subcommand)]
    Subnets(ranges::Subnets),
    /// Set whether one side's names resolve to private addresses on the other side.
    Dns(dns::Dns),
    /// Set an option of one side's half of the link, as far as its provider has it.
    Option(option::SetOption),
    /// Set who answers for a peering, or for a source that it admits, and when that ends.
    Tenure(tenure::SetTenure),
    /// Remove what the engine made, in order, and wait until it is gone.
    Remove(end::Remove),
    /// End a peering on record at once, whatever still stands at the cloud.
    Abandon(end::Abandon),
}

/// A command about one peering.
#[derive(Debug, Args)]
pub(super) struct Subject {
    #[command(flatten)]
    pub(super) remote: Remote,
    #[command(flatten)]
    pub(super) context: Context,
    /// The peering: its id, the id's first characters, its link's id, the peer's network, or
    /// ACCOUNT/NETWORK, like 444455556666/vpc-0d4c3b2a.
    #[arg(value_name = "PEERING")]
    pub(super) peering: Named,
}

impl Subject {
    /// The servers, and the peering's id.
    pub(super) async fn open(&self) -> Result<(Servers, String), CliError> {
        let mut servers = self.remote.servers()?;
        let peering_id = resolve::peering(&mut servers, &self.peering).await?;
        Ok((servers, peering_id))
    }

    /// Sends the command that is made of the peering's id, and prints what it did.
    pub(super) async fn send<C: Command>(
        self,
        command: impl FnOnce(String) -> C,
    ) -> Result<(), CliError> {
        let (mut servers, peering_id) = self.open().await?;
        let done = servers.command(command(peering_id), &self.context).await?;
        output::command(self.remote.output, &done)
    }
}

#[derive(Debug, Args)]
pub(super) struct Show {
    #[command(flatten)]
    remote: Remote,
    /// The peering: its id, the id's first characters, its link's id, the peer's network, or
    /// ACCOUNT/NETWORK, like 444455556666/vpc-0d4c3b2a.
    #[arg(value_name = "PEERING")]
    peering: Named,
}

impl Peering {
    pub(super) async fn run(self) -> Result<(), CliError> {
        match self {
            Self::Request(request) => request.run().await,
            Self::Adopt(adopt) => adopt.run().await,
            Self::Plan(plan) => plan.run().await,
            Self::List(list) => list.run().await,
            Self::Show(show) => show.run().await,
            Self::Watch(watch) => watch.run().await,
            Self::Drift(drift) => drift.run().await,
            Self::Ranges(ranges) => ranges.run().await,
            Self::Subnets(subnets) => subnets.run().await,
            Self::Dns(dns) => dns.run().await,
            Self::Option(option) => option.run().await,
            Self::Tenure(tenure) => tenure.run().await,
            Self::Remove(remove) => remove.run().await,
            Self::Abandon(abandon) => abandon.run().await,
        }
    }
}

impl Show {
    async fn run(self) -> Result<(), CliError> {
        let mut servers = self.remote.servers()?;
        let peering_id = resolve::peering(&mut servers, &self.peering).await?;
        let shown = get(&mut servers, peering_id).await?;
        output::message(self.remote.output, &shown, output::peering)
    }
}

/// One peering with everything about it.
pub(super) async fn get(
    servers: &mut Servers,
    peering_id: String,
) -> Result<v1::GetPeeringResponse, CliError> {
    servers
        .read(v1::GetPeeringRequest {
            peering_id,
            ..Default::default()
        })
        .await
}
