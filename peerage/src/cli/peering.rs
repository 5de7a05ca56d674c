//! `peerage peering …`.

use super::{
    Output, Remote, Trouble,
    client::{self, Context, refused, request},
    output,
};
use crate::api::v1::{self, network_service_client::NetworkServiceClient};
use clap::{Args, Subcommand};
use tonic::transport::Channel;
use uuid::Uuid;

#[derive(Debug, Subcommand)]
pub(super) enum Peering {
    /// Ask for a link between a private network and a peer.
    Request(Request),
    /// List peerings.
    List(List),
    /// Show one peering: link, routes, firewall, notes.
    Show(Show),
    /// Follow one peering live, until it is in place or has ended.
    Watch(Watch),
}

#[derive(Debug, Args)]
pub(super) struct Request {
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    context: Context,
    /// The private network.
    #[arg(long)]
    network: Uuid,
    /// aws, gcp or azure.
    #[arg(long, default_value = "aws")]
    provider: String,
    /// The peer's AWS account, GCP project or Azure tenant.
    #[arg(long)]
    account: String,
    #[arg(long)]
    region: String,
    /// The peer's AWS VPC id, GCP network name or Azure VNet resource id.
    #[arg(long, visible_alias = "vpc")]
    cloud_network: String,
    /// A range of the peer; again for more.
    #[arg(long = "range", value_name = "RANGE", required = true)]
    ranges: Vec<String>,
    /// A subnet whose clients use the link; again for more. None: the main route table.
    #[arg(long = "subnet", value_name = "SUBNET")]
    subnets: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    remote: Remote,
    /// Only this network's.
    #[arg(long)]
    network: Option<Uuid>,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    #[command(flatten)]
    remote: Remote,
    peering: Uuid,
}

#[derive(Debug, Args)]
pub(super) struct Watch {
    #[command(flatten)]
    remote: Remote,
    peering: Uuid,
    /// Go on watching when all is in place.
    #[arg(long)]
    follow: bool,
}

impl Peering {
    pub(super) async fn run(self) -> Result<(), Trouble> {
        match self {
            Self::Request(request) => request.run().await,
            Self::List(list) => list.run().await,
            Self::Show(show) => show.run().await,
            Self::Watch(watch) => watch.run().await,
        }
    }
}

impl Request {
    async fn run(self) -> Result<(), Trouble> {
        let peer = v1::Peer {
            provider: self.provider,
            account: self.account,
            region: self.region,
            cloud_network: self.cloud_network,
            ranges: self.ranges,
            subnets: self.subnets,
        };
        let message =
            v1::RequestPeeringRequest { context: Some(self.context.message()), network_id: self.network.to_string(), peer: Some(peer) };
        let answer = self.remote.networks().await?.request_peering(request(message)).await.map_err(refused)?;
        output::print(self.remote.output, answer.get_ref(), output::command)
    }
}

/// Every peering of a network, or of all.
pub(super) async fn all(
    client: &mut NetworkServiceClient<Channel>,
    network_id: String,
    min_position: String,
) -> Result<Vec<v1::Peering>, Trouble> {
    let mut peerings = Vec::new();
    let mut page_token = String::new();
    loop {
        let message = v1::ListPeeringsRequest {
            network_id: network_id.clone(),
            page_token,
            min_position: min_position.clone(),
            ..Default::default()
        };
        let page = client.list_peerings(request(message)).await.map_err(refused)?.into_inner();
        peerings.extend(page.peerings);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(peerings);
        }
    }
}

impl List {
    async fn run(self) -> Result<(), Trouble> {
        let network = self.network.map(|it| it.to_string()).unwrap_or_default();
        let peerings = all(&mut self.remote.networks().await?, network, String::new()).await?;
        output::print(self.remote.output, &peerings, |it| output::peerings(it))
    }
}

impl Show {
    async fn run(self) -> Result<(), Trouble> {
        let peering = client::peering(&mut self.remote.networks().await?, self.peering, String::new()).await?;
        output::print(self.remote.output, &peering, output::peering)
    }
}

impl Watch {
    async fn run(self) -> Result<(), Trouble> {
        let mut client = self.remote.networks().await?;
        let message = v1::WatchPeeringRequest { peering_id: self.peering.to_string(), after: String::new() };
        let mut stream = client.watch_peering(message).await.map_err(refused)?.into_inner();
        while let Some(response) = stream.message().await.map_err(refused)? {
            self.show(&response)?;
            let over = response.peering.as_ref().is_some_and(|it| it.converged || ended(it));
            if over && !self.follow {
                return response.peering.filter(ended).map_or(Ok(()), |it| Err(Trouble::failed(format!("the peering has {}", it.life))));
            }
        }
        Err(Trouble::failed("the engine ended the watch; run it again"))
    }

    fn show(&self, response: &v1::WatchPeeringResponse) -> Result<(), Trouble> {
        if self.remote.output == Output::Json {
            println!("{}", serde_json::to_string(response).map_err(Trouble::failed)?);
            return Ok(());
        }
        if let Some(event) = &response.event {
            println!("{}  {:<26} {}", event.created, event.r#type, output::brief(&event.data));
        }
        if let Some(peering) = &response.peering {
            println!("{:>34}  {}", "now", output::state(peering));
        }
        Ok(())
    }
}

/// Whether nothing more will come of it.
pub(super) fn ended(peering: &v1::Peering) -> bool {
    matches!(peering.life.as_str(), "rejected" | "expired" | "failed")
}
