//! `peerage peering …`.

mod begin;
mod dns;
mod end;
mod plan;
mod watch;

pub(super) use watch::{ended, ending};

use super::{
    CliError, Remote,
    client::{self, refused, request},
    output,
};
use crate::api::v0::{self as v1, network_service_client::NetworkServiceClient};
use clap::{Args, Subcommand};
use tonic::transport::Channel;
use uuid::Uuid;

#[derive(Debug, Subcommand)]
pub(super) enum Peering {
    /// Ask for a link between a private network and a peer.
    Request(begin::Request),
    /// Put a link on record that somebody else made: shows what that would mean, and asks.
    Adopt(begin::Adopt),
    /// Show what would be done, and whether it can be; changes nothing anywhere.
    Plan(plan::Plan),
    /// List peerings.
    List(List),
    /// Show one peering: who must do what, link, routes, firewall, exposures, drift, notes.
    Show(Show),
    /// Follow one peering live, until it is in place or has ended.
    Watch(watch::Watch),
    /// Show what was found otherwise than it was left.
    Drift(Drift),
    /// Say whether a side's names resolve to private addresses for the other side.
    Dns(dns::Dns),
    /// Take back all that the engine made, in order, and wait until it is gone.
    Remove(end::Remove),
    /// End a peering on record at once, whatever still stands.
    Abandon(end::Abandon),
}

#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    remote: Remote,
    /// Only this network's.
    #[arg(long)]
    network: Option<Uuid>,
    /// Only those with this life, as `active` or `awaiting_acceptance`.
    #[arg(long)]
    life: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    #[command(flatten)]
    remote: Remote,
    peering: Uuid,
}

#[derive(Debug, Args)]
pub(super) struct Drift {
    #[command(flatten)]
    remote: Remote,
    peering: Uuid,
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
            Self::Dns(dns) => dns.run().await,
            Self::Remove(remove) => remove.run().await,
            Self::Abandon(abandon) => abandon.run().await,
        }
    }
}

/// Every peering that is asked for.
pub(super) async fn all(
    client: &mut NetworkServiceClient<Channel>,
    mut message: v1::ListPeeringsRequest,
) -> Result<Vec<v1::Peering>, CliError> {
    let mut peerings = Vec::new();
    loop {
        let page = client
            .list_peerings(request(message.clone()))
            .await
            .map_err(refused)?
            .into_inner();
        peerings.extend(page.peerings);
        message.page_token = page.next_page_token;
        if message.page_token.is_empty() {
            return Ok(peerings);
        }
    }
}

impl List {
    async fn run(self) -> Result<(), CliError> {
        let network_id = self.network.map(|it| it.to_string()).unwrap_or_default();
        let message = v1::ListPeeringsRequest {
            network_id,
            life: self.life.unwrap_or_default(),
            ..Default::default()
        };
        let peerings = all(&mut self.remote.networks().await?, message).await?;
        output::print(self.remote.output, &peerings, |it| output::peerings(it))
    }
}

impl Show {
    async fn run(self) -> Result<(), CliError> {
        let peering = client::peering(
            &mut self.remote.networks().await?,
            self.peering,
            String::new(),
        )
        .await?;
        output::print(self.remote.output, &peering, output::peering)
    }
}

impl Drift {
    async fn run(self) -> Result<(), CliError> {
        let peering = client::peering(
            &mut self.remote.networks().await?,
            self.peering,
            String::new(),
        )
        .await?;
        output::print(self.remote.output, &peering.drift, |it| output::drift(it))
    }
}
