//! `peerage firewall …`.

use super::{
    Remote, Side, Trouble,
    client::{self, Context, refused, request},
    output,
};
use crate::api::v1;
use clap::{Args, Subcommand};
use uuid::Uuid;

/// Where KurrentDB listens for clients.
const KURRENTDB: u32 = 2113;

#[derive(Debug, Subcommand)]
pub(super) enum Firewall {
    /// Replace what a side admits from the link.
    Restrict(Restrict),
}

#[derive(Debug, Args)]
pub(super) struct Restrict {
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    context: Context,
    peering: Uuid,
    /// The side that admits.
    #[arg(long, default_value = "local")]
    side: Side,
    /// A range of the peer that may reach TCP 2113, or another port, as 10.30.0.0/16:2113; again for more.
    #[arg(long = "admit", value_name = "RANGE[:PORT]", required_unless_present = "deny_all", value_parser = admitted)]
    admit: Vec<(String, u32)>,
    /// Admit nothing.
    #[arg(long, conflicts_with = "admit")]
    deny_all: bool,
}

fn admitted(text: &str) -> Result<(String, u32), String> {
    match text.split_once(':') {
        None => Ok((text.to_owned(), KURRENTDB)),
        Some((range, port)) => match port.parse() {
            Ok(port) => Ok((range.to_owned(), port)),
            Err(_) => Err(format!("`{port}` is not a port")),
        },
    }
}

impl Firewall {
    pub(super) async fn run(self) -> Result<(), Trouble> {
        match self {
            Self::Restrict(restrict) => restrict.run().await,
        }
    }
}

impl Restrict {
    async fn run(self) -> Result<(), Trouble> {
        let mut networks = self.remote.networks().await?;
        let peering = client::peering(&mut networks, self.peering, String::new()).await?;
        let message = v1::RestrictFirewallRequest {
            context: Some(self.context.message()),
            network_id: peering.network_id,
            peering_id: peering.peering_id,
            side: self.side.as_str().to_owned(),
            admit: self.admit.into_iter().map(|(source, port)| v1::InboundRule { source, port }).collect(),
        };
        let answer = networks.restrict_firewall(request(message)).await.map_err(refused)?;
        output::print(self.remote.output, answer.get_ref(), output::command)
    }
}
