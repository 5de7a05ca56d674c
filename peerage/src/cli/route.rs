//! `peerage route …`.

use super::{
    Remote, Side, Trouble,
    client::{self, Context, refused, request},
    output,
};
use crate::api::v1;
use clap::{Args, Subcommand};
use uuid::Uuid;

#[derive(Debug, Subcommand)]
pub(super) enum Route {
    /// Let a side send a destination range over the link.
    Accept(Accept),
}

#[derive(Debug, Args)]
pub(super) struct Accept {
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    context: Context,
    peering: Uuid,
    /// The side that sends.
    #[arg(long)]
    side: Side,
    /// Where to: a range behind the other side.
    #[arg(long)]
    destination: String,
}

impl Route {
    pub(super) async fn run(self) -> Result<(), Trouble> {
        match self {
            Self::Accept(accept) => accept.run().await,
        }
    }
}

impl Accept {
    async fn run(self) -> Result<(), Trouble> {
        let mut networks = self.remote.networks().await?;
        let peering = client::peering(&mut networks, self.peering, String::new()).await?;
        let message = v1::AcceptRouteRequest {
            context: Some(self.context.message()),
            network_id: peering.network_id,
            peering_id: peering.peering_id,
            side: self.side.as_str().to_owned(),
            destination: self.destination,
        };
        let answer = networks.accept_route(request(message)).await.map_err(refused)?;
        output::print(self.remote.output, answer.get_ref(), output::command)
    }
}
