//! `peerage network …`.

use super::{
    Remote, Trouble,
    client::{Context, refused, request},
    output,
};
use crate::api::v1;
use clap::{Args, Subcommand};
use uuid::Uuid;

#[derive(Debug, Subcommand)]
#[expect(clippy::large_enum_variant, reason = "one value in the life of a process")]
pub(super) enum Network {
    /// Put a private network on record.
    Register(Register),
    /// List the networks on record.
    List(List),
    /// Show one network and its peerings.
    Show(Show),
}

#[derive(Debug, Args)]
pub(super) struct Register {
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    context: Context,
    #[arg(long, default_value = "default")]
    project: String,
    #[arg(long)]
    name: String,
    /// aws, gcp or azure.
    #[arg(long, default_value = "aws")]
    provider: String,
    #[arg(long)]
    region: String,
    /// AWS account, GCP project or Azure tenant.
    #[arg(long)]
    account: String,
    /// AWS VPC id, GCP network name or Azure VNet resource id.
    #[arg(long, visible_alias = "vpc")]
    cloud_network: String,
    /// The network's own range, for instance 10.20.0.0/16.
    #[arg(long)]
    range: String,
    /// A subnet that serves the clusters; again for more. None: the main route table.
    #[arg(long = "subnet", value_name = "SUBNET")]
    subnets: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    remote: Remote,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    #[command(flatten)]
    remote: Remote,
    network: Uuid,
}

impl Network {
    pub(super) async fn run(self) -> Result<(), Trouble> {
        match self {
            Self::Register(register) => register.run().await,
            Self::List(list) => list.run().await,
            Self::Show(show) => show.run().await,
        }
    }
}

impl Register {
    async fn run(self) -> Result<(), Trouble> {
        let message = v1::RegisterNetworkRequest {
            context: Some(self.context.message()),
            project: self.project,
            name: self.name,
            provider: self.provider,
            region: self.region,
            account: self.account,
            cloud_network: self.cloud_network,
            range: self.range,
            subnets: self.subnets,
        };
        let answer = self.remote.networks().await?.register_network(request(message)).await.map_err(refused)?;
        output::print(self.remote.output, answer.get_ref(), output::command)
    }
}

impl List {
    async fn run(self) -> Result<(), Trouble> {
        let mut client = self.remote.networks().await?;
        let mut networks = Vec::new();
        let mut page_token = String::new();
        loop {
            let message = v1::ListNetworksRequest { page_token, ..Default::default() };
            let page = client.list_networks(request(message)).await.map_err(refused)?.into_inner();
            networks.extend(page.networks);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        output::print(self.remote.output, &networks, |it| output::networks(it))
    }
}

impl Show {
    async fn run(self) -> Result<(), Trouble> {
        let mut client = self.remote.networks().await?;
        let message = v1::GetNetworkRequest { network_id: self.network.to_string(), min_position: String::new() };
        let network = client.get_network(request(message)).await.map_err(refused)?.into_inner();
        let peerings = super::peering::all(&mut client, self.network.to_string(), String::new()).await?;
        output::print(self.remote.output, &(network, peerings), |(network, peerings)| {
            format!("{}\npeerings\n{}", output::networks(std::slice::from_ref(network)), output::peerings(peerings))
        })
    }
}
